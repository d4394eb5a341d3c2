"""What the platform team looks at right now: the queue, what is stuck, what was changed by hand, targets, budgets.

Each is read by few queries over indexed rows; none grows with the fleet but by what is wrong with it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import inf
from typing import Any

from django.db.models import Count, Exists, Max, Min, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone

from projects.installation import installation
from projects.models import Heartbeat, Project, ReadyTime, Team
from provisioning.conditions import PEOPLE, Status
from provisioning.errors import Reason
from provisioning.models import Event, Resource, TargetHealth
from provisioning.targets import targets as targets_of

STUCK_AFTER = timedelta(minutes=10)
_FINE = (Reason.SUSPENDED, Reason.UNSUPPORTED)


@dataclass(frozen=True)
class Queue:
    """What waits to be looked at. Times are None where nothing waits, or nothing was measured today."""

    due: int
    oldest: datetime | None
    worked_on: int
    workers: int
    longest_today: float | None
    swept_at: datetime | None
    scanned_at: datetime | None
    scanned: int
    moved: int

    def as_dict(self) -> dict[str, Any]:
        """The form in which API and exports carry it."""
        return {
            "due": self.due,
            "oldest_due_since": self.oldest,
            "worked_on": self.worked_on,
            "workers": self.workers,
            "longest_wait_today_seconds": self.longest_today,
            "last_sweep_at": self.swept_at,
            "last_scan_at": self.scanned_at,
            "scanned_projects": self.scanned,
            "scan_found": self.moved,
        }


@dataclass(frozen=True)
class Drift:
    """Something that was changed by hand. Outcomes: put_back; left, as the catalogue says; right_again by somebody
    else's hand; gone, with its project."""

    event: Event
    outcome: str


@dataclass(frozen=True)
class Budget:
    """What a team may take and takes, in plan units."""

    slug: str
    name: str
    units: int
    taken: int
    projects: int

    @property
    def free(self) -> int:
        """Below zero when more was granted than the budget."""
        return self.units - self.taken

    @property
    def share(self) -> float:
        """What it takes of its budget: 1 is all of it, infinite what is taken without one."""
        return self.taken / self.units if self.units else inf if self.taken else 0.0


def queue() -> Queue:
    """The queue as it is now. Projects that are suspended are due too, and cost a moment each."""
    now = timezone.now()
    here = Project.objects.filter(deleted_at=None)
    free = Q(lease_until=None) | Q(lease_until__lt=now)
    due = here.filter(free, next_look_at__lte=now).aggregate(count=Count("pk"), oldest=Min("next_look_at"))
    leased = here.filter(lease_until__gte=now).aggregate(
        count=Count("pk"), workers=Count("lease_holder", distinct=True)
    )
    today = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    longest = ReadyTime.objects.filter(ready_at__gte=today).aggregate(longest=Max("queue_seconds"))["longest"]
    beats = {beat.name: beat for beat in Heartbeat.objects.filter(name__in=("sweep", "scan"))}
    scan = beats["scan"].detail if "scan" in beats else {}
    return Queue(
        due=due["count"],
        oldest=due["oldest"],
        worked_on=leased["count"],
        workers=leased["workers"],
        longest_today=longest,
        swept_at=beats["sweep"].at if "sweep" in beats else None,
        scanned_at=beats["scan"].at if "scan" in beats else None,
        scanned=int(scan.get("projects", 0)),
        moved=int(scan.get("moved", 0)),
    )


def stuck() -> QuerySet[Resource]:
    """Resources that wait for a person, or fail for ten minutes; of projects that are neither gone nor suspended.

    What a removal can't take away is among them too.
    """
    old = Q(synced_since__lt=timezone.now() - STUCK_AFTER)
    rows = Resource.objects.filter(~Q(synced_status=Status.TRUE), Q(synced_reason__in=PEOPLE) | old)
    looked_at = Q(project__suspended=False) | Q(project__deletion_requested_at__isnull=False)
    return (
        rows.exclude(synced_reason__in=_FINE)
        .filter(looked_at, project__deleted_at=None)
        .select_related("project__team")
        .order_by("synced_since", "pk")
    )


def drifts() -> QuerySet[Event]:
    """What the looks found changed though nobody asked, with what became of it; see `drift_of`."""
    later = Event.objects.filter(project=OuterRef("project"), kind=OuterRef("kind"), pk__gt=OuterRef("pk"))
    now = Resource.objects.filter(project=OuterRef("project"), kind=OuterRef("kind"))
    return (
        Event.objects.filter(reason=Reason.DRIFTED)
        .annotate(
            repaired=Exists(later.filter(reason=Reason.AVAILABLE)),
            now=Subquery(now.values("synced_reason")[:1]),
        )
        .select_related("project__team")
    )


def drift_of(event: Event) -> Drift:
    """An event of `drifts` with its outcome."""
    repaired, now = getattr(event, "repaired"), getattr(event, "now")  # noqa: B009 — annotations of `drifts`
    if repaired:
        return Drift(event=event, outcome="put_back")
    outcomes = {Reason.DRIFTED.value: "left", None: "gone"}
    return Drift(event=event, outcome=outcomes.get(now, "right_again"))


def targets() -> list[TargetHealth]:
    """The targets, those that are silent first."""
    return list(TargetHealth.objects.order_by("answering", "name"))


def waiting_for(name: str) -> int:
    """How many projects wait for a target that does not answer."""
    rows = Resource.objects.filter(target=name, synced_reason=Reason.TARGET_UNAVAILABLE, project__deleted_at=None)
    return rows.aggregate(count=Count("project", distinct=True))["count"] or 0


def offered() -> dict[str, list[str]]:
    """What the filters of lists offer: teams, targets, and reasons of what is not as it should be."""
    return {
        "all_teams": list(Team.objects.values_list("slug", flat=True)),
        "all_targets": list(targets_of(installation().catalogue)),
        "all_reasons": [reason.value for reason in Reason if reason is not Reason.AVAILABLE],
    }


def budgets() -> list[Budget]:
    """Every team with what it takes, the fullest first."""
    present = Q(projects__deletion_requested_at=None)
    rows = Team.objects.annotate(
        taken=Coalesce(Sum("projects__units", filter=present), 0), number=Count("projects", filter=present)
    )
    found = [
        Budget(slug=row.slug, name=row.name, units=row.budget, taken=row.taken, projects=row.number) for row in rows
    ]
    return sorted(found, key=lambda one: (-one.share, -one.taken, one.slug))
