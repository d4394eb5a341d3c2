"""Who decides about a request: the catalogue's rules, read from the top; the first that fits is named in the answer."""

from dataclasses import dataclass
from typing import Literal

from provisioning.catalogue import Catalogue, Rule
from provisioning.spec import ProjectSpec


@dataclass(frozen=True)
class Question:
    """What the rules may ask about. Units are plan units; `budget` and `taken` are the team's, without this project."""

    action: Literal["create", "change", "retire"]
    before: ProjectSpec | None
    after: ProjectSpec | None
    budget: int
    taken: int


@dataclass(frozen=True)
class Verdict:
    """What the policy says: at once, ask a person, or no; by which rule; its sentence."""

    decision: Literal["approve", "ask", "refuse"]
    rule: str
    because: str


def decide(*, catalogue: Catalogue, question: Question) -> Verdict:
    """The verdict of the first rule that fits. Where none does: approved, by `no-rule`."""
    for rule in catalogue.policy:
        if _fits(rule, catalogue=catalogue, question=question):
            return Verdict(decision=rule.decision, rule=rule.name, because=rule.because)
    return Verdict(
        decision="approve", rule="no-rule", because="No rule of the platform team's policy speaks against it."
    )


def units_of(spec: ProjectSpec | None, *, catalogue: Catalogue) -> int:
    """Plan units a spec takes; 0 for none or for a plan that left the catalogue."""
    plan = catalogue.plans.get(spec.plan) if spec else None
    return plan.units if plan else 0


def _fits(rule: Rule, *, catalogue: Catalogue, question: Question) -> bool:
    before = units_of(question.before, catalogue=catalogue)
    after = units_of(question.after, catalogue=catalogue)
    if rule.actions and question.action not in rule.actions:
        return False
    if rule.plans and (question.after is None or question.after.plan not in rule.plans):
        return False
    if rule.over_budget is not None and rule.over_budget is not (
        after > before and question.taken + after > question.budget
    ):
        return False
    return rule.grows is None or rule.grows is (after > before)
