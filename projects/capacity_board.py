"""Capacity on the platform's page: what is used and granted of each target, all there is, and who is granted most.

Of what a target never told, a table says so in words, and no bar is drawn.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from django.utils.translation import gettext

from projects import usage
from projects.charts import Chart, Point, Row, Table, bars_of, said
from projects.platform_figures import Figures, MeasureCapacity, TargetCapacity
from projects.usage_words import amount, scale_of, title_of
from provisioning.measures import Measure

BARS = 12
"""How many measures of targets are drawn at most, the fullest; more don't fit beside their names. The table has all."""
TEAMS = 8
"""How many teams are drawn; the list of teams has all."""


@dataclass(frozen=True)
class ByTarget:
    """chart: None where no target tells how much there is in all; the table has what is known then.

    ages: targets with the time of their figures. untold: names of those that have told nothing yet.
    """

    chart: Chart | None
    table: Table
    ages: tuple[tuple[str, datetime], ...]
    untold: tuple[str, ...]


def by_target(figures: Figures) -> ByTarget:
    """Every target that is measured, measure by measure."""
    known = {one.name: one for one in usage.measures()}
    lines = [
        (target, one, known[one.measure]) for target in figures.capacity for one in target.measures
        if one.measure in known
    ]  # fmt: skip
    table = Table(
        first=gettext("Target"),
        heads=(gettext("Used"), gettext("Granted"), gettext("All there is")),
        rows=tuple(_row(target, one, measure) for target, one, measure in lines),
    )
    points = [
        Point(_label(target, measure), (_percent(one.used, one), _percent(one.granted, one)))
        for target, one, measure in lines
        if one.capacity
    ]
    fullest = sorted(points, key=lambda one: one.values[0] or 0.0, reverse=True)[:BARS]
    drawn = bars_of(
        [one for one in points if one in fullest],
        lines=(gettext("used"), gettext("granted to projects")),
        says=_says(fullest[0]) if fullest else "",
        first=table.first,
        unit="%",
    )
    return ByTarget(
        chart=drawn and replace(drawn, heads=table.heads, rows=table.rows),
        table=table,
        ages=tuple((one.target, one.as_of) for one in figures.capacity if one.as_of is not None),
        untold=tuple(one.target for one in figures.capacity if not one.measures),
    )


def _label(target: TargetCapacity, measure: Measure) -> str:
    return f"{target.target}: {title_of(measure)}"


def _percent(value: float | None, one: MeasureCapacity) -> float | None:
    return 100 * value / one.capacity if value is not None and one.capacity else None


def _row(target: TargetCapacity, one: MeasureCapacity, measure: Measure) -> Row:
    def told(value: float | None, otherwise: str) -> str:
        return otherwise if value is None else amount(value, measure.unit)

    cells = (
        told(one.used, gettext("not known yet")),
        told(one.granted, gettext("not known yet") if one.used is None else gettext("no limit")),
        told(one.capacity, gettext("not told")),
    )
    return Row(_label(target, measure), cells, "")


def _says(fullest: Point) -> str:
    return gettext("Used and granted, of all that there is. The fullest is %(what)s, %(percent)s used.") % {
        "what": fullest.label,
        "percent": said(fullest.values[0], "%"),
    }


@dataclass(frozen=True)
class ByTeam:
    """shown: the measure that is drawn, of `measures`. chart: None where no team is granted any of it."""

    chart: Chart | None
    shown: str
    measures: Mapping[str, str]


def by_team(figures: Figures, *, of: str) -> ByTeam:
    """The teams whose plans allow most of one measure; of the first one where `of` is none."""
    bounded = usage.bounded()
    measure = next((one for one in bounded if one.name == of), bounded[0])
    granted = {one.team: one.granted.get(measure.name, 0.0) for one in figures.teams}
    most = sorted((name for name in granted if granted[name]), key=lambda name: (-granted[name], name))[:TEAMS]
    scale, unit = scale_of(max(granted.values(), default=0.0), measure.unit)
    title = title_of(measure)
    says = most and gettext("%(title)s granted by team. Most of it to %(team)s: %(amount)s.") % {
        "title": title,
        "team": most[0],
        "amount": amount(granted[most[0]], measure.unit),
    }
    chart = bars_of(
        [Point(name, (granted[name] / scale,)) for name in most],
        lines=(title,),
        says=says or "",
        first=gettext("Team"),
        unit=unit,
    )
    return ByTeam(chart=chart, shown=measure.name, measures={one.name: title_of(one) for one in bounded})
