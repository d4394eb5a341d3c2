"""Is a model better or worse than the one it would replace, and may it? Pure: figures in, words out.

A change counts as none when it is smaller than a thousandth of the value before: two runs of the same code differ by
as much. A threshold that the base has holds on when a report leaves it out, so that nobody gets through the gate by
dropping it; changing its value is possible, and shown. Nor does anybody by saying that the other direction is better:
where the base has a threshold, a metric that turned counts as missed, and is shown. Nor by dropping all model tests, or
by a run in which they could not begin: fewer are shown.

A step of CI that failed is in the report as a failed test that is called by the step. That shuts the gate, and is no
model test. Where CI stopped there, nothing of what the run did not get to counts as gone.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from provisioning.phrases import Phrase, cut, joined, numbered, phrase

SAME_WITHIN = 1e-3
FAILED, STOPPED = "CI failed at ", "CI stopped at "
"""How the failed test begins by which a report says that a step of CI failed, or that CI did not get further. Then
comes the step.
"""
_SENTENCE = 240
Metrics = Sequence[Mapping[str, Any]]
"""As a report has them: name, value, split, direction, threshold."""


class Change(StrEnum):
    """What became of a metric."""

    BETTER = "better"
    WORSE = "worse"
    SAME = "same"
    NEW = "new"
    GONE = "gone"


ARROWS = {Change.BETTER: "▲", Change.WORSE: "▼", Change.SAME: "=", Change.NEW: "+", Change.GONE: "−"}
WORDS: Mapping[Change, Phrase] = {
    Change.BETTER: phrase("better"),
    Change.WORSE: phrase("worse"),
    Change.SAME: phrase("same"),
    Change.NEW: phrase("new"),
    Change.GONE: phrase("gone"),
}
CHANGED = {change: f"{ARROWS[change]} {word}" for change, word in WORDS.items()}
"""What texts say of it: never by the sign alone."""


@dataclass(frozen=True)
class Line:
    """One metric beside its base. `value` is None when it is gone, `base` when it is new or there is no base.

    lower_is_better: as the base has it, where that has a threshold; turned: the report says the other direction than
    the base. threshold: the one that counts. held: None when there is no threshold.
    """

    name: str
    split: str
    lower_is_better: bool
    value: float | None
    base: float | None
    threshold: float | None
    base_threshold: float | None
    change: Change
    turned: bool = False

    @property
    def label(self) -> str:
        """Name and split."""
        return labelled(self.name, self.split)

    @property
    def held(self) -> bool | None:
        """Does it keep its threshold? One that is gone does not, nor one that turned and had a threshold before."""
        if self.threshold is None:
            return None
        if self.value is None or (self.turned and self.base_threshold is not None):
            return False
        return self.value <= self.threshold if self.lower_is_better else self.value >= self.threshold

    @property
    def turn(self) -> str:
        """What the report says against the base; "" where it turned nothing."""
        if not self.turned:
            return ""
        # Where the base has a threshold, the direction here is the base's.
        lower = self.lower_is_better is (self.base_threshold is None)
        return phrase("says now that lower is better") if lower else phrase("says now that higher is better")

    @property
    def demand(self) -> str:
        """What the threshold asks for; "" without one."""
        return self.demands(number)

    def demands(self, written: Callable[[float], str]) -> str:
        """The same with the figure as `written` has it."""
        if self.threshold is None:
            return ""
        figure = written(self.threshold)
        if self.lower_is_better:
            return phrase("%(figure)s or less", figure=figure)
        return phrase("%(figure)s or more", figure=figure)


@dataclass(frozen=True)
class Gate:
    """May this be merged, and why, in one sentence that fits a commit status: a phrase."""

    passed: bool
    sentence: str


def number(value: float) -> str:
    """A figure for people: six digits that count."""
    return f"{value:.6g}"


def labelled(name: str, split: str) -> str:
    """What a metric is called beside others."""
    return f"{name} ({split})"


def compare(metrics: Metrics, base: Metrics | None) -> tuple[Line, ...]:
    """Each metric of a report beside the base's, in the report's order; then those that are gone."""
    before = {_key(one): one for one in base or ()}
    now = {_key(one) for one in metrics}
    lines = [_line(one, before.get(_key(one))) for one in metrics]
    return (*lines, *(_gone(one) for key, one in before.items() if key not in now))


def gate(lines: Iterable[Line], tests: Mapping[str, Any], *, before: Mapping[str, Any] | None = None) -> Gate:
    """Every threshold held, no model test failed, some ran where the base has any, and no step of CI failed. What
    nobody asked for can't fail.

    tests: as a report has them. before: those of the base; None for no base.
    """
    lines = list(lines)
    asked = [line for line in lines if line.held is not None]
    turns = [
        phrase("%(metric)s %(turn)s.", metric=line.label, turn=line.turn)
        for line in lines
        if line.turned and line.held is not False
    ]
    missed = [line for line in asked if not line.held]
    failed = tests_failed(tests)
    passed = int(tests.get("passed", 0))
    gone = tests_gone(tests, before=before)
    steps = [_step(one, lines) for one in steps_failed(tests)]
    if steps or missed or failed or gone:
        said = [*steps, *(_miss(line) for line in missed)]
        if gone:
            said.append(numbered("The one model test is gone.", "%(number)s model tests are gone.", gone))
        if failed:
            said.append(
                phrase(
                    "%(failed)s of %(all)s model tests fail: %(names)s.",
                    failed=len(failed),
                    all=len(failed) + passed,
                    names=", ".join(str(one["name"]) for one in failed),
                )
            )
        return Gate(passed=False, sentence=_shortened([*said, *turns]))
    return Gate(passed=True, sentence=_shortened([_holds(len(asked), passed), *turns]))


def _holds(asked: int, passed: int) -> Phrase:
    if not asked and not passed:
        return phrase("No threshold and no model test: nothing to check.")
    held = phrase("%(number)s of %(number)s thresholds held", number=asked) if asked else phrase("No threshold")
    tried = (
        numbered("%(number)s model test passed", "%(number)s model tests passed", passed)
        if passed
        else phrase("no model test")
    )
    return phrase("%(held)s, %(tried)s.", held=held, tried=tried)


def counted(lines: Iterable[Line]) -> list[tuple[int, Change]]:
    """How many metrics became worse, are gone and became better, in this order; what none did is left out."""
    changes = [line.change for line in lines]
    counts = [(changes.count(one), one) for one in (Change.WORSE, Change.GONE, Change.BETTER)]
    return [(count, one) for count, one in counts if count]


def steps_failed(tests: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Of the tests that failed, those which say that a step of CI did, or that CI stopped at it."""
    return [one for one in tests.get("failed", ()) if _is_step(one)]


def stopped(tests: Mapping[str, Any]) -> str:
    """The step that CI stopped at; "" where it came to its end."""
    names = [str(one["name"]) for one in steps_failed(tests)]
    return next((name.removeprefix(STOPPED) for name in names if name.startswith(STOPPED)), "")


def tests_failed(tests: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Those that failed of the model."""
    return [one for one in tests.get("failed", ()) if not _is_step(one)]


def tests_ran(tests: Mapping[str, Any]) -> int:
    """How many model tests a report tells of; 0 when it tells of none."""
    return int(tests.get("passed", 0)) + len(tests_failed(tests))


def tests_gone(tests: Mapping[str, Any], *, before: Mapping[str, Any] | None) -> int:
    """How many model tests the base has where the report has none at all; else 0."""
    return 0 if tests_ran(tests) or stopped(tests) else tests_ran(before or {})


def _is_step(test: Mapping[str, Any]) -> bool:
    return str(test["name"]).startswith((FAILED, STOPPED))


def _key(metric: Mapping[str, Any]) -> tuple[str, str]:
    return str(metric["name"]), str(metric["split"])


def _line(metric: Mapping[str, Any], before: Mapping[str, Any] | None) -> Line:
    value, base = float(metric["value"]), None if before is None else float(before["value"])
    told = None if before is None else before["threshold"]
    lower = (metric if before is None or told is None else before)["direction"] == "lower"
    own = metric["threshold"]
    return Line(
        name=str(metric["name"]),
        split=str(metric["split"]),
        lower_is_better=lower,
        value=value,
        base=base,
        threshold=told if own is None else own,
        base_threshold=told,
        change=_change(value, base, lower=lower),
        turned=before is not None and before["direction"] != metric["direction"],
    )


def _change(value: float, base: float | None, *, lower: bool) -> Change:
    if base is None:
        return Change.NEW
    if math.isclose(value, base, rel_tol=SAME_WITHIN, abs_tol=1e-12):
        return Change.SAME
    return Change.BETTER if (value < base) is lower else Change.WORSE


def _gone(before: Mapping[str, Any]) -> Line:
    return Line(
        name=str(before["name"]),
        split=str(before["split"]),
        lower_is_better=before["direction"] == "lower",
        value=None,
        base=float(before["value"]),
        threshold=before["threshold"],
        base_threshold=before["threshold"],
        change=Change.GONE,
    )


def _step(test: Mapping[str, Any], lines: Sequence[Line]) -> Phrase:
    name = str(test["name"])
    if name.startswith(FAILED):
        return phrase("CI failed at %(step)s.", step=name.removeprefix(FAILED))
    step = name.removeprefix(STOPPED)
    if lines:
        return phrase("CI stopped at %(step)s.", step=step)
    return phrase("CI stopped at %(step)s, before it measured the model.", step=step)


def _miss(line: Line) -> Phrase:
    if line.value is None:
        return phrase("%(metric)s is gone; %(demand)s is needed.", metric=line.label, demand=line.demand)
    values = {"metric": line.label, "value": number(line.value), "demand": line.demand}
    if line.turned:
        return phrase("%(metric)s is %(value)s and %(turn)s; %(demand)s is needed.", turn=line.turn, **values)
    return phrase("%(metric)s is %(value)s; %(demand)s is needed.", **values)


def _shortened(sentences: Sequence[str]) -> Phrase:
    return cut(joined(" ", sentences), most=_SENTENCE)
