"""The words and charts of the page about a project's model."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from django.utils.formats import get_format
from django.utils.translation import gettext as _

from projects.charts import Chart, Point, chart_of
from projects.comparison import ARROWS, WORDS, Line, counted, labelled, tests_failed, tests_ran
from projects.comparison import number as plain_number
from projects.models import Report
from projects.phrases import translated

_LARGEST = 1e15
"""Beyond it no axis has room for what its ends are called."""


@dataclass(frozen=True)
class Shown:
    """A line of the comparison in words. Empty texts are left out."""

    label: str
    value: str
    base: str
    arrow: str
    change: str
    threshold: str
    missed: bool


def number(value: float) -> str:
    """A figure of a metric as the reader's language writes it."""
    return plain_number(value).replace(".", get_format("DECIMAL_SEPARATOR"))


def shown(line: Line, *, compared: bool) -> Shown:
    """One metric as the table has it."""
    known = line.change if compared else None
    return Shown(
        label=line.label,
        value="" if line.value is None else number(line.value),
        base="" if line.base is None else number(line.base),
        arrow=ARROWS[known] if known else "",
        change=", ".join(filter(None, (translated(WORDS[known]) if known else "", translated(line.turn)))),
        threshold=translated(line.demands(number)),
        missed=line.held is False,
    )


def counts(lines: Sequence[Line]) -> str:
    """How many metrics became worse and better, at a glance; "" when none did."""
    return ", ".join(f"{count} {translated(WORDS[one])}" for count, one in counted(lines))


def metric_chart(reports: Sequence[Report], *, label: str, lower_is_better: bool) -> Chart | None:
    """A metric from run to run, oldest first, with its threshold and a mark where the data changed.

    None without a figure, or with one that no axis has room for.
    """
    points = []
    before = ""
    for report in reports:
        found = next((one for one in report.metrics if labelled(one["name"], one["split"]) == label), None)
        values = (found["value"], found["threshold"]) if found else (None, None)
        data = report.data_hash[:8]
        moved = bool(data) and data != before
        more = _("data %(version)s") % {"version": data} if moved else ""
        points.append(Point(label=report.commit[:7], values=values, more=more, turned=moved and before != ""))
        before = data or before
    figures = [one.values[0] for one in points if one.values[0] is not None]
    if not figures or max(abs(value) for one in points for value in one.values if value is not None) > _LARGEST:
        return None
    way = _("Lower is better.") if lower_is_better else _("Higher is better.")
    says = _("%(metric)s by run: now %(now)s, between %(least)s and %(most)s. %(way)s") % {
        "metric": label,
        "now": number(figures[-1]),
        "least": number(min(figures)),
        "most": number(max(figures)),
        "way": way,
    }
    limited = any(one.values[1] is not None for one in points)
    if not limited:
        points = [replace(one, values=one.values[:1]) for one in points]
    return chart_of(
        points,
        lines=[label, _("threshold")] if limited else [label],
        says=says,
        first=_("Commit"),
        more=_("Data") if any(one.more for one in points) else "",
        figure=number,
        from_zero=False,
        turned=_("the data changed"),
    )


def tests_chart(reports: Sequence[Report]) -> Chart | None:
    """Model tests from run to run, oldest first. None when no run had any."""
    points = [
        Point(
            label=one.commit[:7],
            values=(one.tests["passed"], len(tests_failed(one.tests))) if tests_ran(one.tests) else (None, None),
        )
        for one in reports
    ]
    known = [one for one in points if one.values[0] is not None]
    if not known:
        return None
    passed, failed = known[-1].values
    says = _("Model tests by run: now %(passed)d passed and %(failed)d failed.") % {"passed": passed, "failed": failed}
    return chart_of(points, lines=[_("passed"), _("failed")], says=says, first=_("Commit"))
