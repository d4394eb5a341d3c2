"""How a project stands on the five pillars of a model that lives: rules with a yes, a no, and what to do. Pure.

A rule that can't be judged says so; nothing counts as good because nobody knows. A new rule is one more entry of RULES.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from projects.usage import LOAD_LINE

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

RECENT = timedelta(days=30)
"""How old the newest run may be, for CI or training to count as running."""
KEPT_EXAMPLES = 10
"""Examples of a regression set, below which it guards nothing."""
OWNERS = 2
LEAST_USED, MOST_USED = 0.1, 0.9
"""Between these shares of what a plan allows, the plan fits."""
GPU = "gpu"
"""The measure that is judged alone: GPUs that nobody uses are not made up for by other things that are."""
YOUNG = timedelta(days=7)
"""So long nobody says that a project uses too little."""
CARDS = ("DATA_CARD.md", "MODEL_CARD.md")
OWNERS_FILE = "CODEOWNERS"


class Mark(StrEnum):
    """What a rule comes to."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


class Reported(NamedTuple):
    """The newest report of the main branch. stopped_at: the step that CI stopped at; "" where it came to its end."""

    at: datetime
    data_hash: str
    environment_hash: str
    tests_passed: int
    tests_failed: int
    stopped_at: str
    regression_examples: int
    thresholds: int


@dataclass(frozen=True)
class Facts:
    """What is known of a project. None where nobody told.

    repeated: whether the last run that was run again gave the same metrics. documents: of CARDS and OWNERS_FILE, those
    that the repository has. unwritten: of these the cards that are still as a template made them. shares: by measure,
    the most that was used in two weeks, of what the plan allows; of pods, what they asked for. lasting: those measures
    whose use stays until somebody frees it. smaller: is there a plan of fewer units that has room for all that? larger:
    measures of which another plan allows more. gate_possible: can the forge require a gate? protected: do we protect
    the main branch? approvals: None for an attached repository, whose rules are its own. owners: how many people own
    it, those in groups too; owners_known: is that everybody? rules_stand: were the rules of the main branch found on
    the forge as they are asked for? trains: has the newest training that nobody asked for reported?
    """

    now: datetime
    created_at: datetime
    report: Reported | None
    repeated: bool | None
    trained_at: datetime | None
    retrains: bool
    suspended: bool
    trains: bool | None
    environment: str
    gate_required: bool
    gate_possible: bool
    protected: bool
    approvals: int | None
    rules_stand: bool | None
    owners: int
    owners_known: bool
    documents: frozenset[str] | None
    unwritten: frozenset[str]
    shares: Mapping[str, float]
    lasting: frozenset[str]
    smaller: bool
    larger: frozenset[str]


@dataclass(frozen=True)
class Judged:
    """What a rule says of a project, and what to do about it ("" when there is nothing to do).

    tab: the page for that, where it is another one than the rule's; for what isn't known yet, where one looks.
    """

    mark: Mark
    says: str
    do: str = ""
    tab: str = ""


@dataclass(frozen=True)
class Rule:
    """One rule. tab: the project's page where it is put right."""

    name: str
    pillar: str
    title: "StrPromise"
    tab: str
    judge: Callable[[Facts], Judged]


PILLARS: "Mapping[str, StrPromise]" = {
    "reproducibility": gettext_lazy("Reproducibility"),
    "robustness": gettext_lazy("Robustness"),
    "automation": gettext_lazy("Automation"),
    "collaboration": gettext_lazy("Collaboration"),
    "scalability": gettext_lazy("Scalability"),
}


def _yes(says: str) -> Judged:
    return Judged(Mark.YES, says)


def _no(says: str, do: str, *, tab: str = "") -> Judged:
    return Judged(Mark.NO, says, do, tab)


def _unknown(says: str, do: str, *, tab: str = "") -> Judged:
    return Judged(Mark.UNKNOWN, says, do, tab)


def _no_report() -> Judged:
    do = _("Have CI report how the model did.")
    return _unknown(_("No run of the main branch has reported yet."), do, tab="models")


def _by_report(judge: Callable[[Reported], Judged]) -> Callable[[Facts], Judged]:
    """A rule that goes by the newest report alone; before there is one, it isn't known."""
    return lambda facts: judge(facts.report) if facts.report is not None else _no_report()


@_by_report
def _data(report: Reported) -> Judged:
    if report.data_hash:
        return _yes(_("The newest run names the version of its data."))
    return _no(
        _("The newest run doesn't say which data it used."),
        _("Run dvc repro and commit dvc.lock: only that pins the data. Without DVC, have CI report data_hash."),
    )


@_by_report
def _environment(report: Reported) -> Judged:
    if report.environment_hash:
        return _yes(_("The newest run names the versions of its packages."))
    return _no(
        _("The newest run doesn't say which packages it used."),
        _("Lock the packages and report the hash of the lock (environment_hash)."),
    )


def _repeated(facts: Facts) -> Judged:
    if facts.repeated is None:
        do = _("Have CI train a second time and report whether the metrics are the same (reproduced).")
        return _unknown(_("No run was repeated yet."), do)
    if facts.repeated:
        return _yes(_("The last run that was repeated gave the same metrics."))
    return _no(
        _("The last run that was repeated gave other metrics."),
        _("Fix seeds, the number of threads and the order of the data."),
    )


@_by_report
def _tests(report: Reported) -> Judged:
    passed, failed = report.tests_passed, report.tests_failed
    if failed:
        says = ngettext("%(count)d model test fails.", "%(count)d model tests fail.", failed) % {"count": failed}
        return _no(says, _("Mend the model, or the test if what it asks for is no longer right."))
    if passed:
        return _yes(
            ngettext("%(count)d model test passed.", "%(count)d model tests passed.", passed) % {"count": passed}
        )
    if report.stopped_at:
        return _unknown(
            _("In the newest run CI stopped at %(step)s, before any model test.") % {"step": report.stopped_at},
            _("Mend what stopped it: the page Models has its last words."),
            tab="models",
        )
    return _no(
        _("The newest run tried no model test."),
        _("Write down how the model has to behave: invariance, direction, minimum."),
    )


@_by_report
def _kept_examples(report: Reported) -> Judged:
    count = report.regression_examples
    says = ngettext("%(count)d kept example is tried again.", "%(count)d kept examples are tried again.", count)
    if count >= KEPT_EXAMPLES:
        return _yes(says % {"count": count})
    do = _("Keep at least %(least)d examples that the model once got wrong.") % {"least": KEPT_EXAMPLES}
    return _no(says % {"count": count}, do)


def _thresholds(facts: Facts) -> Judged:
    report = facts.report
    if report is None:
        return _no_report()
    if not report.thresholds:
        return _no(
            _("No metric has a threshold."),
            _("Give at least one metric a threshold, so that the gate can stop a worse model."),
        )
    if not facts.gate_possible:
        return _no(
            _("The model gate is shown, but a worse model can be merged."),
            _("GitLab can't require it: merge only where the status slipway/model-gate is green."),
        )
    if facts.approvals is None:
        return _unknown(
            _("The repository is attached, so Slipway doesn't know whether its gate holds."),
            _("Require the status slipway/model-gate in the repository itself."),
        )
    if not facts.gate_required:
        return _no(
            _("The model gate is shown, but a worse model can be merged."),
            _("Require the model gate: option “Model gate” of the repository.")
            if facts.protected
            else _("Switch on “Protect the main branch” of the repository, and set “Model gate” to required."),
        )
    return _as_found(facts, _("Only a model that keeps its thresholds is merged."))


def _as_found(facts: Facts, says: str) -> Judged:
    """Yes for a rule of the main branch that is asked for, where the forge has it so."""
    if facts.rules_stand:
        return _yes(says)
    do = _("The page Resources says how the repository is doing.")
    if facts.rules_stand is None:
        return _unknown(_("It is asked for, and was not found on the forge yet."), do, tab="resources")
    return _no(_("It is asked for, but the forge has the rules of the main branch otherwise."), do, tab="resources")


def _ci(facts: Facts) -> Judged:
    report = facts.report
    if report is None:
        return _no_report()
    if report.at >= facts.now - RECENT:
        return _yes(_("CI reported in the last %(days)d days.") % {"days": RECENT.days})
    return _no(
        _("CI has not reported for more than %(days)d days.") % {"days": RECENT.days},
        _("Push, or have the model trained again."),
    )


def _training(facts: Facts) -> Judged:
    if facts.suspended:
        return _no(_("It is suspended, so nothing trains it."), _("Have it resumed."))
    if facts.retrains and facts.trains is None:
        return _unknown(
            _("It has a schedule or data to follow; its first training is still to come."), _("It begins by itself.")
        )
    if facts.retrains and not facts.trains:
        return _no(
            _("It has a schedule or data to follow, but the last training could not begin, or never reported."),
            _("The page Models says why."),
            tab="models",
        )
    if facts.retrains:
        return _yes(_("It is trained again by itself."))
    if facts.trained_at is not None and facts.trained_at >= facts.now - RECENT:
        says = _("It was trained again in the last %(days)d days, but only because somebody asked.")
        return _no(says % {"days": RECENT.days}, _("Give it a schedule: options “Training again”."))
    return _no(_("Nothing trains it again but a push."), _("Give it a schedule: options “Training again”."))


def _target(facts: Facts) -> Judged:
    if facts.environment in ("test", "prod"):
        return _yes(_("It is delivered to %(environment)s.") % {"environment": facts.environment})
    return _no(
        _("It is for development: nothing says where its model goes."),
        _("Set the environment to test or prod when the model is used from here."),
    )


def _owners(facts: Facts) -> Judged:
    count = facts.owners
    says = ngettext("%(count)d person owns it.", "%(count)d people own it.", count) % {"count": count}
    if count >= OWNERS:
        return _yes(says)
    if not facts.owners_known:
        return _unknown(
            _("A group owns it, and the directory has not told who is in it."),
            _("It is known after the next sync of the directory."),
        )
    return _no(says, _("Make a second person or a group of several an owner, so that nobody's holiday stops it."))


def _reviews(facts: Facts) -> Judged:
    count = facts.approvals
    if count is None:
        do = _("Look at the repository: its rules are its own.")
        return _unknown(_("The repository is attached, so Slipway doesn't set how it is reviewed."), do)
    if count:
        says = ngettext("A pull request needs %(count)d approval.", "A pull request needs %(count)d approvals.", count)
        return _as_found(facts, says % {"count": count})
    return _no(
        _("A pull request needs nobody's approval."),
        _("Ask for one: option “Approvals” of the repository.")
        if facts.protected
        else _("Switch on “Protect the main branch” of the repository, and ask for one: option “Approvals”."),
    )


def _documents(facts: Facts) -> Judged:
    if facts.documents is None:
        return _unknown(_("The repository was not looked into yet."), _("It is with the next push to its main branch."))
    missing = [name for name in (*CARDS, OWNERS_FILE) if name not in facts.documents]
    if missing:
        says = _("Missing in the repository: %(files)s.") % {"files": ", ".join(missing)}
        return _no(says, _("Add what is missing to the main branch."))
    if facts.unwritten:
        return _no(
            _("Still as the template made it: %(files)s.") % {"files": ", ".join(sorted(facts.unwritten))},
            _("Say in the cards what your model does, on which data, and where it fails."),
        )
    return _yes(_("Model card, data card and code owners are in the repository."))


def _plan(facts: Facts) -> Judged:
    passing = {name: share for name, share in facts.shares.items() if name not in facts.lasting}
    if not passing:
        return _unknown(_("Nothing was measured in the last two weeks."), _("It is measured by itself."))
    fullest = max(passing, key=lambda name: passing[name])
    says = _("At most %(percent)d %% of what the plan allows was asked for in two weeks.") % {
        "percent": round(passing[fullest] * 100)
    }
    if passing[fullest] > MOST_USED:
        if fullest in facts.larger:
            return _no(says, _("Choose a larger plan, before work has to wait."))
        return _no(says, _("No plan allows more. Ask for less at a time, or ask the platform team for a larger plan."))
    idle = passing.get(GPU, 1.0) < LEAST_USED
    if idle:
        says = _("At most %(percent)d %% of its GPUs were asked for in two weeks.") % {
            "percent": round(passing[GPU] * 100)
        }
    elif passing[fullest] >= LEAST_USED:
        return _yes(says)
    if facts.now - facts.created_at < YOUNG:
        return _unknown(says, _("It is too young to be judged."))
    if idle:
        return _no(says, _("Choose a plan with fewer GPUs, or lower their limit: options “Limits”."))
    if not facts.smaller:
        return _yes(_("No smaller plan has room for what it asks for."))
    return _no(says, _("Choose a smaller plan, so that others can use the rest."))


def _room(facts: Facts) -> Judged:
    lasting = {name: share for name, share in facts.shares.items() if name in facts.lasting}
    if not lasting:
        return _unknown(_("Nothing was measured in the last two weeks."), _("It is measured by itself."))
    fullest = max(lasting, key=lambda name: lasting[name])
    says = _("Its storage is %(percent)d %% full.") % {"percent": round(lasting[fullest] * 100)}
    if lasting[fullest] < LOAD_LINE:
        return _yes(says)
    if fullest in facts.larger:
        return _no(says, _("Remove what nobody needs, or choose a larger plan."))
    return _no(says, _("Remove what nobody needs, or ask the platform team for a larger plan."))


RULES: tuple[Rule, ...] = (
    Rule("data-pinned", "reproducibility", gettext_lazy("Data is pinned"), "models", _data),
    Rule("environment-pinned", "reproducibility", gettext_lazy("Packages are pinned"), "models", _environment),
    Rule("repeated", "reproducibility", gettext_lazy("A second run gives the same"), "models", _repeated),
    Rule("tests-pass", "robustness", gettext_lazy("Model tests pass"), "models", _tests),
    Rule("examples-kept", "robustness", gettext_lazy("Past mistakes are kept"), "models", _kept_examples),
    Rule("gate-holds", "robustness", gettext_lazy("The gate holds"), "settings", _thresholds),
    Rule("ci-runs", "automation", gettext_lazy("CI runs"), "models", _ci),
    Rule("trains-itself", "automation", gettext_lazy("It trains by itself"), "settings", _training),
    Rule("has-a-target", "automation", gettext_lazy("It is delivered somewhere"), "settings", _target),
    Rule("two-owners", "collaboration", gettext_lazy("Two owners"), "people", _owners),
    Rule("reviewed", "collaboration", gettext_lazy("Changes are reviewed"), "settings", _reviews),
    Rule("documented", "collaboration", gettext_lazy("It is documented"), "project", _documents),
    Rule("plan-fits", "scalability", gettext_lazy("The plan fits"), "usage", _plan),
    Rule("has-room", "scalability", gettext_lazy("There is room to grow"), "usage", _room),
)


@dataclass(frozen=True)
class Line:
    """One rule and what it says of a project."""

    rule: Rule
    judged: Judged


@dataclass(frozen=True)
class Pillar:
    """One pillar: its rules, and how many of them say yes."""

    name: str
    title: "StrPromise"
    lines: tuple[Line, ...]

    @property
    def held(self) -> int:
        """How many rules say yes."""
        return sum(line.judged.mark is Mark.YES for line in self.lines)


def judge(facts: Facts) -> tuple[Pillar, ...]:
    """Every pillar with its rules, in the order of pages."""
    lines = [Line(rule, rule.judge(facts)) for rule in RULES]
    return tuple(
        Pillar(name, title, tuple(line for line in lines if line.rule.pillar == name))
        for name, title in PILLARS.items()
    )


def marks(pillars: Iterable[Pillar]) -> dict[str, str]:
    """What each rule comes to, by its name: the form in which it is kept."""
    return {line.rule.name: line.judged.mark.value for pillar in pillars for line in pillar.lines}
