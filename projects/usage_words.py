"""Usage in words: amounts with their unit, where it leads, and what to do when it gets full."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from django.utils.formats import localize
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from projects.charts import Chart, Point, chart_of
from projects.dates import short_day
from projects.usage import Use, bounded
from provisioning.catalogue import Plan
from provisioning.measures import Measure, Unit
from provisioning.quantities import human, parse_quantity

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

TITLES: "Mapping[str, StrPromise]" = {
    "cpu": gettext_lazy("CPU"),
    "memory": gettext_lazy("Memory"),
    "gpu": gettext_lazy("GPU"),
    "pods": gettext_lazy("Pods"),
    "storage": gettext_lazy("Volumes"),
    "bucket": gettext_lazy("Bucket"),
    "objects": gettext_lazy("Objects in the bucket"),
    "runs": gettext_lazy("CI runs kept"),
}
"""The titles of measures for translators; a Kind of somebody's own keeps the title that it gives."""

_BYTES = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
_SOON_DAYS = 60
_REFUSED: "Mapping[str, StrPromise]" = {
    "storage": gettext_lazy("Full: new volumes are refused. Remove some that nobody needs."),
    "bucket": gettext_lazy("Full: the store refuses uploads. Remove what nobody needs, old versions too."),
    "runs": gettext_lazy("Full: no run of CI begins. Remove PipelineRuns that have ended."),
}


@dataclass(frozen=True)
class Line:
    """One measure as a page says it. `big` of `rest`; percent None: there is no bar to draw.

    says: where it leads, "" when nothing is to be said. todo: what to do, "" below the load line.
    """

    use: Use
    title: str
    big: str
    rest: str
    percent: int | None
    says: str
    todo: str


def lines_of(uses: tuple[Use, ...], *, plan: Plan | None) -> tuple[Line, ...]:
    """Every measure in words."""
    return tuple(_line(use, plan=plan) for use in uses)


def title_of(measure: Measure) -> str:
    """What people call it."""
    return str(TITLES.get(measure.name, measure.title))


def _line(use: Use, *, plan: Plan | None) -> Line:
    title = title_of(use.measure)
    if use.used is None:
        says = _("Not measured yet. The first figure takes some minutes.")
        return Line(use, title, "", _("not known"), None, says, "")
    if use.limit == 0:
        larger = _larger(use, plan)
        return Line(use, title, "", _("not in this plan"), None, larger, "")
    percent = None if use.share is None else min(round(use.share * 100), 100)
    big, rest = in_words(use.used, use.limit, use.measure.unit)
    return Line(use, title, big, rest, percent, "" if use.over else _leads(use), _to_do(use, plan) if use.over else "")


def in_words(used: float, limit: float | None, unit: Unit) -> tuple[str, str]:
    """("312", "of 500 GiB"), or ("312 GiB", "") without a limit."""
    if limit is None:
        return amount(used, unit), ""
    scale, word = scale_of(limit, unit)
    rest = _("of %(limit)s") % {"limit": f"{_number(limit / scale)} {word}".rstrip()}
    return _number(used / scale), rest


def amount(value: float, unit: Unit) -> str:
    """ "312 GiB", "3.5 cores", "9"."""
    scale, word = scale_of(value, unit)
    return f"{_number(value / scale)} {word}".rstrip()


def scale_of(value: float, unit: Unit) -> tuple[float, str]:
    """What to divide an amount of this size by, and what that is called."""
    if unit == "bytes":
        step = 0
        while step < len(_BYTES) - 1 and abs(value) >= 1024.0 ** (step + 1):
            step += 1
        return 1024.0**step, _BYTES[step]
    return 1.0, _("cores") if unit == "cores" else ""


def _number(value: float) -> str:
    """As short as it may be without lying: 312, 3.5, 0.25. Some is never said to be none."""
    if value >= 100 or value == int(value):
        return str(localize(round(value), use_l10n=True))
    return str(localize(max(round(value, 1 if value >= 10 else 2), 0.01)))


def _leads(use: Use) -> str:
    """Where it leads, below the load line."""
    said = []
    if use.full_in is not None and use.full_in <= _SOON_DAYS:
        said.append(_full_in(use.full_in))
    if use.week_ago is not None and use.used is not None and use.used != use.week_ago:
        difference = amount(abs(use.used - use.week_ago), use.measure.unit)
        words = _("%(amount)s more than the most of a week ago.") if use.used > use.week_ago else _(
            "%(amount)s less than the most of a week ago."
        )  # fmt: skip
        said.append(words % {"amount": difference})
    return " ".join(said)


def _full_in(days: float) -> str:
    number = max(round(days), 1)
    return ngettext(
        "At this pace full in about %(days)d day.", "At this pace full in about %(days)d days.", number
    ) % {"days": number}  # fmt: skip


def _to_do(use: Use, plan: Plan | None) -> str:
    """What is the matter, and the way out."""
    said = []
    share = use.share or 0.0
    if share >= 1:
        refused = _REFUSED.get(use.measure.name, _("Full: new pods are refused until others end."))
        said.append(str(refused))
    else:
        said.append(_("%(percent)d %% full.") % {"percent": int(share * 100)})
        if use.full_in is not None:
            said.append(_full_in(use.full_in))
    if plan is not None and use.measure.plan and use.limit is not None:
        allowed = str(getattr(plan, use.measure.plan))
        if float(parse_quantity(allowed)) > use.limit:
            words = _("That is the project's own limit; plan %(plan)s allows %(allowed)s.")
            said.append(words % {"plan": plan.name, "allowed": allows(use.measure, plan)})
            return " ".join(said)
    said.append(_larger(use, plan))
    return " ".join(said).rstrip()


def _larger(use: Use, plan: Plan | None) -> str:
    """The next plan that has more; "" when there is none."""
    if use.larger is None or plan is None:
        return ""
    words = _("Plan %(plan)s allows %(allowed)s and takes %(units)d units of the budget; yours takes %(now)d.")
    return words % {
        "plan": use.larger.name,
        "allowed": allows(use.measure, use.larger),
        "units": use.larger.units,
        "now": plan.units,
    }


def granted(amounts: Mapping[str, float]) -> str:
    """What is granted of each measure, in a line: "CPU 64 cores, Memory 256 GiB"; "" for nothing."""
    found = [(one, amounts[one.name]) for one in bounded() if amounts.get(one.name)]
    return ", ".join(f"{title_of(one)} {amount(value, one.unit)}" for one, value in found)


def allows(measure: Measure, plan: Plan) -> str:
    """How much of it a plan allows: "64 cores", "2 TiB", "4"."""
    value = str(getattr(plan, measure.plan))
    if measure.unit == "bytes":
        return human(value)
    return amount(float(parse_quantity(value)), measure.unit)


def chart(use: Use) -> Chart | None:
    """The days of one measure: what was used at most, and what was allowed; None when no day was measured."""
    if not use.days:
        return None
    top = max((value for day in use.days for value in (day.used, day.limit) if value is not None), default=0.0)
    scale, word = scale_of(top, use.measure.unit)
    points = [
        Point(
            _day(one.day),
            (None if one.used is None else one.used / scale, None if one.limit is None else one.limit / scale),
        )
        for one in use.days
    ]
    known = [one for one in use.days if one.used is not None]
    first, last = (amount(one.used or 0.0, use.measure.unit) for one in (known[0], known[-1])) if known else ("", "")
    says = _("%(title)s by day, from %(first)s on %(from)s to %(last)s on %(to)s.") % {
        "title": title_of(use.measure), "first": first, "last": last,
        "from": _day(use.days[0].day), "to": _day(use.days[-1].day),
    }  # fmt: skip
    limited = any(one.limit is not None for one in use.days)
    lines = [_("highest of the day"), _("allowed")] if limited else [_("highest of the day")]
    points = points if limited else [Point(one.label, one.values[:1]) for one in points]
    return chart_of(points, lines=lines, says=says, first=_("Day"), unit=word)


def _day(day: date) -> str:
    return short_day(day)
