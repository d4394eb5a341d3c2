"""How much is used, from the rows that the rounds keep: of one project with where it leads, and of a target.

Nothing is asked outside. What was never told is None; nobody may take that for zero, nor for enough.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Count, QuerySet, Sum
from django.db.models.fields.json import KT

from projects.models import Project, TargetUsage, Team, Usage, UsageDay
from projects.presentation import kinds_as_shown
from projects.today import today
from provisioning.catalogue import Catalogue, Plan
from provisioning.measures import Measure
from provisioning.quantities import parse_quantity
from provisioning.spec import ProjectSpec

KEPT_DAYS = 35
"""How long the days of the past are kept."""
LOAD_LINE = 0.8
"""From this share on, pages say what to do."""
_PACE_DAYS = 14
_PACE_DAYS_LEAST = 3


@dataclass(frozen=True)
class Day:
    """The most that was used on one day, and the limit then; None: not measured, or no limit."""

    day: date
    used: float | None
    limit: float | None


@dataclass(frozen=True)
class Use:
    """One measure of a project. used: None until it was told; limit: None when there is none.

    target: who told it, "" before. as_of: of when the figure is, by the target's word. week_ago: the most of that day.
    days: every day that is kept, oldest first.
    full_in: days until it is full at the pace of the last two weeks; None when it does not grow.
    larger: the smallest plan that allows more of it.
    """

    measure: Measure
    used: float | None
    limit: float | None
    target: str
    as_of: datetime | None
    days: tuple[Day, ...]
    week_ago: float | None
    full_in: float | None
    larger: Plan | None

    @property
    def share(self) -> float | None:
        """Used of the limit, 1.0 is all of it; None when one of both is not known, or nothing is allowed."""
        return self.used / self.limit if self.used is not None and self.limit else None

    @property
    def over(self) -> bool:
        """Is it over the load line?"""
        return self.share is not None and self.share >= LOAD_LINE


@dataclass(frozen=True)
class TargetUse:
    """A target, by measure: what projects may use, what they do use, and all that there is.

    granted: missing where nothing limits it. capacity: missing where the target doesn't tell.
    as_of: of when the figures are; None: it has told nothing yet.
    """

    name: str
    granted: Mapping[str, float]
    used: Mapping[str, float]
    capacity: Mapping[str, float]
    as_of: datetime | None

    def free(self, measure: str) -> float | None:
        """What nobody uses now; None when it is not known."""
        return self.capacity[measure] - self.used.get(measure, 0.0) if measure in self.capacity else None


def measures() -> tuple[Measure, ...]:
    """Everything that Kinds measure, in the order of pages."""
    return tuple(one for kind in kinds_as_shown() if kind.usage is not None for one in kind.usage.measures)


def bounded() -> tuple[Measure, ...]:
    """Those that a plan bounds."""
    return tuple(one for one in measures() if one.plan)


def of_project(project: Project, *, catalogue: Catalogue) -> tuple[Use, ...]:
    """Every measure of a project, also those that were not told yet but should be. Three queries."""
    rows = {row.measure: row for row in project.usage.all()}
    told = {row.target: row for row in TargetUsage.objects.all()}
    since = today() - timedelta(days=KEPT_DAYS)
    days = list(UsageDay.objects.filter(project=project, day__gte=since).order_by("day"))
    plan = catalogue.plans.get(str(project.spec.get("plan", "")))
    uses = []
    for measure in measures():
        row = rows.get(measure.name)
        if row is None and not measure.everywhere:
            continue
        past = _days(days, measure.name)
        limit = row.limit if row else None
        uses.append(
            Use(
                measure=measure,
                used=row.used if row else None,
                limit=limit,
                target=row.target if row else "",
                as_of=told[row.target].as_of if row and row.target in told else None,
                days=past,
                week_ago=_week_ago(past),
                full_in=_full_in(past, limit=limit) if measure.lasting else None,
                larger=next_plan(measure, plan, catalogue=catalogue) if plan else None,
            )
        )
    return tuple(uses)


def _days(rows: Iterable[UsageDay], measure: str) -> tuple[Day, ...]:
    """From the first day that knows the measure to the last; a day without a round has no figure."""
    figures = {row.day: row.figures[measure] for row in rows if measure in row.figures}
    if not figures:
        return ()
    first, last = min(figures), max(figures)
    every = (first + timedelta(days=number) for number in range((last - first).days + 1))
    return tuple(Day(day, *figures.get(day, (None, None))) for day in every)


def _known(days: Iterable[Day], *, since: date) -> list[tuple[date, float]]:
    return [(one.day, one.used) for one in days if one.used is not None and one.day >= since]


def _week_ago(days: Sequence[Day]) -> float | None:
    wanted = today() - timedelta(days=7)
    return next((one.used for one in days if one.day == wanted), None)


def _full_in(days: Sequence[Day], *, limit: float | None) -> float | None:
    """Days until the limit, on the line through the first and the last figure of two weeks; None when it falls."""
    known = _known(days, since=today() - timedelta(days=_PACE_DAYS))
    if limit is None or len(known) < 2:
        return None
    (first, less), (last, more) = known[0], known[-1]
    if (last - first).days < _PACE_DAYS_LEAST or more <= less or more >= limit:
        return None
    return (limit - more) / ((more - less) / (last - first).days)


def next_plan(measure: Measure, plan: Plan, *, catalogue: Catalogue) -> Plan | None:
    """The plan with the fewest units that allows more of it than this one; None when none does."""
    if not measure.plan:
        return None
    now = allowed_by(plan, measure)
    ordered = sorted(catalogue.plans.values(), key=lambda one: (one.units, one.name))
    return next((one for one in ordered if allowed_by(one, measure) > now), None)


def target_use(name: str) -> TargetUse | None:
    """One target's figures, for a decision; None when it has never told any."""
    return next(iter(target_uses(target=name)), None)


def target_uses(**which: str) -> list[TargetUse]:
    """The figures of every target that answered once, or of one (`target`), by name. Two queries."""
    told = list(TargetUsage.objects.filter(**which).order_by("target"))
    figures = Usage.objects.filter(project__deletion_requested_at=None, **which).order_by()
    summed: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    if told:
        for one in figures.values("target", "measure").annotate(used_sum=Sum("used"), limit_sum=Sum("limit")):
            summed[one["target"]].append(one)
    return [
        TargetUse(
            name=row.target,
            granted={one["measure"]: one["limit_sum"] for one in summed[row.target] if one["limit_sum"] is not None},
            used={one["measure"]: one["used_sum"] for one in summed[row.target]},
            capacity=dict(row.capacity),
            as_of=row.as_of,
        )
        for row in told
    ]


def granted_to(teams: QuerySet[Team] | Sequence[Team], *, catalogue: Catalogue) -> dict[str, dict[str, float]]:
    """By team and measure, what the plans of its projects allow together; {} for a team without any. One query.

    A plan that left the catalogue counts for nothing.
    """
    projects = Project.objects.filter(team__in=teams, deletion_requested_at=None).annotate(plan_name=KT("spec__plan"))
    granted: dict[str, dict[str, float]] = {}
    for slug, name, number in projects.order_by().values_list("team__slug", "plan_name").annotate(number=Count("pk")):
        of_team = granted.setdefault(slug, dict.fromkeys((measure.name for measure in bounded()), 0.0))
        for measure in bounded():
            of_team[measure.name] += number * allowed_by(catalogue.plans.get(name), measure)
    return granted


def percent_used(project: Project) -> float | None:
    """Of everything the project may use, how much of the fullest measure is used; None when none was told."""
    shares = [100 * row.used / row.limit for row in project.usage.all() if row.used is not None and row.limit]
    return max(shares, default=None)


def lacking(
    told: TargetUse | None, *, before: ProjectSpec | None, after: ProjectSpec | None, catalogue: Catalogue
) -> frozenset[str] | None:
    """Measures of which the cluster has less free than `after` may use more than `before`; None: it has not told.

    told: the cluster's figures.
    """
    if told is None or not told.capacity:
        return None
    short = set()
    for measure in measures():
        free = told.free(measure.name)
        more = _allowed(after, measure, catalogue=catalogue) - _allowed(before, measure, catalogue=catalogue)
        if free is not None and more > free:
            short.add(measure.name)
    return frozenset(short)


def _allowed(spec: ProjectSpec | None, measure: Measure, *, catalogue: Catalogue) -> float:
    return allowed_by(catalogue.plans.get(spec.plan) if spec else None, measure)


def allowed_by(plan: Plan | None, measure: Measure) -> float:
    """How much of it a plan allows; 0 where there is no plan, or where it bounds no such thing."""
    return float(parse_quantity(str(getattr(plan, measure.plan)))) if plan and measure.plan else 0.0


def forget_old() -> None:
    """Let go of days that no page shows, and of what projects that are gone used last."""
    UsageDay.objects.filter(day__lt=today() - timedelta(days=KEPT_DAYS)).delete()
    Usage.objects.filter(project__in=Project.objects.filter(deleted_at__isnull=False)).delete()
