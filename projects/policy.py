"""Who decides about a request: the catalogue's rules, read from the top; the first that fits is named in the answer.

A condition over something that is not known (no figure was told, no such plan) does not fit.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from provisioning.catalogue import Catalogue
from provisioning.phrases import phrase
from provisioning.policy_rules import Rule
from provisioning.spec import ProjectSpec

NO_RULE = "no-rule"


@dataclass(frozen=True)
class Question:
    """What the rules may ask about. Units are plan units; `budget` and `taken` are the team's, without this project.

    groups: the asker's directory groups, by object id and by name. today: the day to count from. use: percent used of
    what the project may use, of the measure that is fullest; None: not known. lacking: what the cluster has too little
    free of for this; None: it has not told. counted: what the project counts now, in units; 0: there is none.
    """

    action: Literal["create", "change", "retire"]
    before: ProjectSpec | None
    after: ProjectSpec | None
    budget: int
    taken: int
    groups: Iterable[str] = ()
    today: date | None = None
    use: float | None = None
    lacking: frozenset[str] | None = None
    counted: int = 0


@dataclass(frozen=True)
class Verdict:
    """What the policy says: at once, ask a person, or no; by which rule; its sentence.

    approvers: which groups are asked beside the platform team.
    """

    decision: Literal["approve", "ask", "refuse"]
    rule: str
    because: str
    approvers: tuple[str, ...] = field(default=())


def decide(*, catalogue: Catalogue, question: Question) -> Verdict:
    """The verdict of the first rule that fits. Where none does: approved, by `no-rule`."""
    for rule in catalogue.policy:
        if _fits(rule, catalogue=catalogue, question=question):
            figures = _figures(question, catalogue=catalogue)
            return Verdict(
                decision=rule.decision,
                rule=rule.name,
                because=rule.said(figures),
                approvers=approvers_of(rule, catalogue=catalogue) if rule.decision == "ask" else (),
            )
    nothing = phrase("No rule of the platform team's policy speaks against it.")
    return Verdict(decision="approve", rule=NO_RULE, because=nothing)


def approvers_of(rule: Rule, *, catalogue: Catalogue) -> tuple[str, ...]:
    """Groups that decide beside the platform team where this rule asks: its own, or else the general ones."""
    return rule.approvers or catalogue.decisions.approvers


def units_of(spec: ProjectSpec | None, *, catalogue: Catalogue, counted: int = 0) -> int:
    """Plan units a spec takes; 0 for none.

    counted: what its project counts now, which is what a plan takes that left the catalogue; 0 where nobody knows.
    """
    if spec is None:
        return 0
    plan = catalogue.plans.get(spec.plan)
    return plan.units if plan else counted


def asks_about_use(catalogue: Catalogue) -> bool:
    """Does any rule ask what is used or free? Finding that out costs queries."""
    return any(rule.use_below is not None or rule.over_capacity is not None for rule in catalogue.policy)


def _gpus(spec: ProjectSpec | None, *, catalogue: Catalogue) -> int:
    plan = catalogue.plans.get(spec.plan) if spec else None
    return plan.gpu if plan else 0


def _figures(question: Question, *, catalogue: Catalogue) -> Mapping[str, object]:
    spec = question.after or question.before
    return {
        "team": spec.team if spec else "",
        "plan": spec.plan if spec else "",
        "units": units_of(question.after, catalogue=catalogue, counted=question.counted),
        "taken": question.taken,
        "budget": question.budget,
        "free": question.budget - question.taken,
        "gpus": _gpus(question.after, catalogue=catalogue),
        "use": "?" if question.use is None else round(question.use),
    }


def _fits(rule: Rule, *, catalogue: Catalogue, question: Question) -> bool:
    before = units_of(question.before, catalogue=catalogue, counted=question.counted)
    after = units_of(question.after, catalogue=catalogue, counted=question.counted)
    spec, more = question.after, after - before
    over = more > 0 and question.taken + after > question.budget
    held = [
        not rule.actions or question.action in rule.actions,
        not rule.plans or (spec is not None and spec.plan in rule.plans),
        not rule.teams or _team(question) in rule.teams,
        not rule.groups or bool(set(rule.groups) & set(question.groups)),
        not rule.environments or _environment(question) in rule.environments,
        rule.grows is None or rule.grows is (more > 0),
        rule.grows_by is None or more >= rule.grows_by,
        rule.over_budget is None or rule.over_budget is over,
        rule.gpus_above is None or _gpus(spec, catalogue=catalogue) > rule.gpus_above,
        rule.more_gpus is None or rule.more_gpus is _has_more_gpus(question, catalogue=catalogue),
        rule.people_above is None or (spec is not None and len(spec.contributors) > rule.people_above),
        rule.lasts_over_days is None or _lasts_over(question, days=rule.lasts_over_days),
        rule.ends_later is None or rule.ends_later is _ends_later(question),
        rule.use_below is None or (question.use is not None and question.use < rule.use_below),
        rule.over_capacity is None or (question.lacking is not None and rule.over_capacity is bool(question.lacking)),
    ]
    return all(held)


def _team(question: Question) -> str:
    spec = question.after or question.before
    return spec.team if spec else ""


def _environment(question: Question) -> str:
    spec = question.after or question.before
    return spec.environment.value if spec else ""


def _has_more_gpus(question: Question, *, catalogue: Catalogue) -> bool:
    return _gpus(question.after, catalogue=catalogue) > _gpus(question.before, catalogue=catalogue)


def _ends_later(question: Question) -> bool:
    before, after = question.before, question.after
    if before is None or after is None:
        return after is not None
    return before.expires is not None and (after.expires is None or after.expires > before.expires)


def _lasts_over(question: Question, *, days: int) -> bool:
    if question.after is None or question.today is None:
        return False
    return question.after.expires is None or (question.after.expires - question.today).days > days
