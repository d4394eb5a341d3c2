"""What stands under a pull request about its model. Pure text; what CI sent is made harmless for Markdown.

Better and worse are said in words beside the arrow. A long report is cut, and the way to the whole is always kept.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from projects.comparison import (
    CHANGED,
    Change,
    Gate,
    Line,
    counted,
    number,
    steps_failed,
    stopped,
    tests_failed,
    tests_ran,
)
from projects.markdown import fitting, inert
from projects.model_history import Standing
from projects.models import Report

MARKER = "slipway-report"
_ROWS, _FAILED = 60, 30
_RENAMED = (
    "A metric under a new name counts as gone under the old one. Report both, or have an owner set the option "
    "“Model gate” to shown until this is merged."
)
_FIRST = (Change.WORSE, Change.GONE, Change.NEW, Change.BETTER, Change.SAME)


def report_comment(found: Standing, *, base_branch: str, url: str, shut: Gate | None = None) -> str:
    """The comment about a pull request that stands so; `url` is its page. shut: what another one says of the commit."""
    report, base, gate = found.report, found.base, shut or found.gate
    state = ", ".join(
        [f"the gate is {'open' if gate.passed else 'shut'}", *(f"{count} {one}" for count, one in counted(found.lines))]
    )
    head = [f"### Model: {state}", "", inert(gate.sentence)]
    if found.awaited:
        # What the older commit's gate says must not be read as what holds now.
        numbers, waits = f"`{report.commit[:10]}`", f"`{found.awaited[:10]}`"
        head = [
            f"### Model: numbers of {numbers}; {waits} has not reported yet",
            "",
            f"The gate of {waits} waits for its report. Of {numbers} it was said: {state}. {inert(gate.sentence)}",
        ]
    if found.other_data:
        head += ["", inert(found.other_data)]
    foot = ["", *_versions(report), "", f"[Metrics, plots and history]({url})"]
    body = [*_table(found.lines, base=base, base_branch=base_branch), *_tests(report, base=base)]
    return fitting(head, body, foot)


def _table(lines: Sequence[Line], *, base: Report | None, base_branch: str) -> list[str]:
    if not lines:
        return ["", "This run reported no metrics."]
    ordered = sorted(lines, key=lambda line: (line.held is not False, _FIRST.index(line.change)))
    beside = f"{inert(base_branch)} `{base.commit[:10]}`" if base else inert(base_branch)
    rows = ["", f"| metric | this | {beside} | | threshold |", "|---|---:|---:|---|---|"]
    rows += [_row(line, compared=base is not None) for line in ordered[:_ROWS]]
    if len(ordered) > _ROWS:
        rows += ["", f"… and {len(ordered) - _ROWS} more metrics."]
    if base is None:
        rows += ["", f"{inert(base_branch)} has no report yet, so there is nothing to compare with."]
    elif any(line.value is None and line.held is False for line in lines) and any(line.base is None for line in lines):
        rows += ["", _RENAMED]
    return rows


def _row(line: Line, *, compared: bool) -> str:
    value = "" if line.value is None else number(line.value)
    base = "" if line.base is None else number(line.base)
    change = CHANGED[line.change] if compared else ""
    if line.value is not None and line.base is not None and line.change in (Change.BETTER, Change.WORSE):
        change += f" by {number(abs(line.value - line.base))}"
    if line.turned:
        change += f"; **{line.turn}**"
    return f"| {inert(line.label)} | {value} | {base} | {change} | {_threshold(line)} |"


def _threshold(line: Line) -> str:
    if line.held is None:
        return ""
    said = f"{'held' if line.held else '**missed**'}: {line.demand}"
    if line.base_threshold is not None and line.base_threshold != line.threshold:
        said += f" (was {number(line.base_threshold)})"
    return said


def _tests(report: Report, *, base: Report | None) -> list[str]:
    tests: Mapping[str, Any] = report.tests
    steps = [_step(one) for one in steps_failed(tests)]
    if stopped(tests) and not tests_ran(tests):
        return ["", *steps]
    before = tests_ran(base.tests) if base else 0
    fewer = f" **There were {before} before.**" if tests_ran(tests) < before else ""
    if not tests:
        return ["", f"This run reported no model tests.{fewer}"]
    failed = tests_failed(tests)
    counted = f"Model tests: {tests['passed']} passed, {len(failed)} failed.{fewer}"
    kept = f" {tests['regression_examples']} kept examples were tried again." if tests["regression_examples"] else ""
    rows = ["", counted + kept]
    if steps or failed:
        rows += ["", *steps, *(_failure(one) for one in failed[:_FAILED])]
    if len(failed) > _FAILED:
        rows.append(f"- … and {len(failed) - _FAILED} more.")
    return rows


def _failure(one: Mapping[str, Any]) -> str:
    return f"- **{inert(one['name'])}** ({one['kind']}){_example(one)}"


def _step(one: Mapping[str, Any]) -> str:
    return f"- **{inert(one['name'])}**{_example(one)}"


def _example(one: Mapping[str, Any]) -> str:
    return f": {inert(one['example'])}" if one["example"] else ""


def _versions(report: Report) -> Iterable[str]:
    known = [f"code `{report.commit[:10]}`"]
    known += [f"data `{report.data_hash[:14]}`"] if report.data_hash else ["data not named"]
    known += [f"environment `{report.environment_hash[:10]}`"] if report.environment_hash else []
    if report.reproduced is not None:
        known.append(
            "run again with the same metrics" if report.reproduced else "**run again, and the metrics differed**"
        )
    run = f"run {inert(report.run, limit=60)}"
    known.append(f"[{run}]({report.run_url})" if report.run_url else run)
    yield " · ".join(known)
