"""The figures of the fleet that are too heavy to count for each page: a worker counts them, pages read one row.

Where no worker has counted lately, a page counts for itself and keeps nothing.
"""

import time
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Aggregate, Count, F, FloatField, Q
from django.db.models.functions import Extract, TruncDate
from django.utils import timezone
from pydantic import BaseModel, Field

from projects import usage
from projects.installation import installation
from projects.listing import counted
from projects.models import Decision, FleetSummary, Project, ProjectRequest, ReadyTime, Team
from projects.today import today
from provisioning.conditions import Status, Word
from provisioning.kind import kinds
from provisioning.models import Resource

DAYS = 30
STALE = timedelta(minutes=2)
QUEUE = "queue"
"""The name of the step before the first Kind: from accepted to the first look."""


class Times(BaseModel):
    """How long something took, in seconds; null where nothing was measured."""

    count: int
    p50: float | None
    p95: float | None


class DayTimes(Times):
    """Wishes that became ready on one day."""

    day: date


class StepTimes(Times):
    """One part of the way to ready: `queue`, or a Kind's name."""

    step: str


class RuleTimes(Times):
    """Requests that one rule answered, and how long until they were decided."""

    rule: str
    approved: int
    rejected: int
    pending: int


class ReasonCount(BaseModel):
    """Resources that are not as they should be, by the reason they give."""

    reason: str
    resources: int
    projects: int


class MeasureCapacity(BaseModel):
    """One measure of a target: cores, bytes or pieces. Null where it is not known."""

    measure: str
    used: float | None
    granted: float | None = Field(description="What its projects may use together; null also where nothing limits it.")
    capacity: float | None = Field(description="All that there is; null where the target doesn't tell.")


class TargetCapacity(BaseModel):
    """A target that is measured."""

    target: str
    as_of: datetime | None = Field(description="Of when its figures are; null where it has told none yet.")
    measures: list[MeasureCapacity]


class TeamCapacity(BaseModel):
    """A team that has projects."""

    team: str
    granted: dict[str, float] = Field(description="By measure, what the plans of its projects allow together.")


class Figures(BaseModel):
    """All that is counted at once. Times cover the last 30 days."""

    projects: int
    words: dict[Word, int] = Field(description="Projects by status.")
    reasons: list[ReasonCount]
    days: list[DayTimes] = Field(description="Every day, oldest first, also those on which nothing became ready.")
    steps: list[StepTimes]
    rules: list[RuleTimes]
    # What an earlier version has counted is without these, for some seconds.
    capacity: list[TargetCapacity] = []
    teams: list[TeamCapacity] = Field(default=[], description="Those that have projects.")


@dataclass(frozen=True)
class Counted:
    """Figures and when they were counted."""

    figures: Figures
    at: datetime


class Percentile(Aggregate):
    """PERCENTILE_CONT of Postgres over an expression."""

    template = "PERCENTILE_CONT(%(fraction)s) WITHIN GROUP (ORDER BY %(expressions)s)"
    output_field = FloatField()

    def __init__(self, expression: Any, fraction: float, **extra: Any) -> None:
        super().__init__(expression, fraction=fraction, **extra)


def newest() -> Counted:
    """The figures that a worker counted last; counted now where there are none, or none since two minutes."""
    row = FleetSummary.objects.filter(name="fleet").first()
    if row is not None and row.at > timezone.now() - STALE:
        return Counted(figures=Figures.model_validate(row.figures), at=row.at)
    return Counted(figures=count(), at=timezone.now())


def refresh() -> FleetSummary:
    """Count, and keep the figures for the pages."""
    began = time.monotonic()
    figures = count()
    kept, _ = FleetSummary.objects.update_or_create(
        name="fleet",
        defaults={
            "at": timezone.now(),
            "seconds": round(time.monotonic() - began, 4),
            "figures": figures.model_dump(mode="json"),
        },
    )
    return kept


def count() -> Figures:
    """All figures as the rows are now."""
    # Django's default isolation would let each query see another moment.
    with transaction.atomic():
        words = counted(Project.objects.filter(deleted_at=None))
        since = timezone.now() - timedelta(days=DAYS)
        return Figures(
            projects=sum(words.values()),
            words=words,
            reasons=_reasons(),
            days=_days(today()),
            steps=_steps(since),
            rules=_rules(since),
            capacity=[_capacity(one) for one in usage.target_uses()],
            teams=_teams(),
        )


def _reasons() -> list[ReasonCount]:
    rows = (
        Resource.objects.filter(~Q(synced_status=Status.TRUE), project__deleted_at=None)
        .values("synced_reason")
        .annotate(resources=Count("pk"), projects=Count("project", distinct=True))
        .order_by("-resources", "synced_reason")
    )
    return [
        ReasonCount(reason=row["synced_reason"], resources=row["resources"], projects=row["projects"]) for row in rows
    ]


def _days(last: date) -> list[DayTimes]:
    first = last - timedelta(days=DAYS - 1)
    rows = (
        ReadyTime.objects.filter(ready_at__gte=timezone.now() - timedelta(days=DAYS))
        .order_by()
        .annotate(day=TruncDate("ready_at", tzinfo=timezone.get_default_timezone()))
        .values("day")
        .annotate(count=Count("pk"), p50=Percentile("seconds", 0.5), p95=Percentile("seconds", 0.95))
    )
    found = {row["day"]: row for row in rows}
    days = [first + timedelta(days=number) for number in range(DAYS)]
    nothing = {"count": 0, "p50": None, "p95": None}
    return [DayTimes(**{**nothing, **found.get(day, {}), "day": day}) for day in days]


_STEPS = """
SELECT step, count(*),
       percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds), percentile_cont(0.95) WITHIN GROUP (ORDER BY seconds)
FROM (
    SELECT kind.key AS step, kind.value::float AS seconds
    FROM projects_readytime AS one, jsonb_each_text(one.steps) AS kind WHERE one.ready_at >= %(since)s
    UNION ALL
    SELECT %(queue)s, queue_seconds FROM projects_readytime WHERE ready_at >= %(since)s AND queue_seconds IS NOT NULL
) AS steps
GROUP BY step
"""


def _steps(since: datetime) -> list[StepTimes]:
    with connection.cursor() as cursor:
        cursor.execute(_STEPS, {"since": since, "queue": QUEUE})
        found = {row[0]: StepTimes(step=row[0], count=row[1], p50=row[2], p95=row[3]) for row in cursor.fetchall()}
    return [found[name] for name in (QUEUE, *kinds()) if name in found]


def _rules(since: datetime) -> list[RuleTimes]:
    took = Extract(F("decided_at") - F("created_at"), "epoch")
    rows = (
        ProjectRequest.objects.filter(created_at__gte=since)
        .order_by()
        .values("rule")
        .annotate(
            count=Count("pk"),
            approved=Count("pk", filter=Q(decision=Decision.APPROVED)),
            rejected=Count("pk", filter=Q(decision=Decision.REJECTED)),
            pending=Count("pk", filter=Q(decision=Decision.PENDING)),
            p50=Percentile(took, 0.5, filter=Q(decided_at__isnull=False)),
            p95=Percentile(took, 0.95, filter=Q(decided_at__isnull=False)),
        )
        .order_by("-count", "rule")
    )
    return [RuleTimes(**row) for row in rows]


def _capacity(target: usage.TargetUse) -> TargetCapacity:
    # Once a target has told, a measure that no project has a figure of is used by none.
    nothing = None if target.as_of is None else 0.0
    names = [one.name for one in usage.measures() if one.name in target.used or one.name in target.capacity]
    return TargetCapacity(
        target=target.name,
        as_of=target.as_of,
        measures=[
            MeasureCapacity(
                measure=name,
                used=target.used.get(name, nothing),
                granted=target.granted.get(name, None if name in target.used else nothing),
                capacity=target.capacity.get(name),
            )
            for name in names
        ],
    )


def _teams() -> list[TeamCapacity]:
    granted = usage.granted_to(Team.objects.all(), catalogue=installation().catalogue)
    return [TeamCapacity(team=slug, granted=granted[slug]) for slug in sorted(granted)]
