"""Who works on which project: claim, lease, fence, and the writing of what the engine found.

A project is due when `next_look_at` has come, or when the lease of whoever worked on it has run out. A claim is one
compare-and-set by the database's clock; it empties `next_look_at`, so that a ring during the work is not lost. Results
are written only where the fence is still ours: a worker that was stopped and comes back writes nothing.
"""

import os
import socket
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import connection, transaction
from django.db.models import F, Q, Value
from django.db.models.functions import Least, Now
from django.utils import timezone

from projects.models import Action, Decision, Project, ReadyTime
from projects.notices import announce
from projects.phrases import as_kept
from provisioning import targets
from provisioning.errors import Reason, TargetUnavailable
from provisioning.models import Event, Resource
from provisioning.outcomes import Known, Outcome
from provisioning.phrases import phrase
from provisioning.reconcile import Result

log = structlog.get_logger(__name__)

_FIELDS = [
    "target", "observed_generation", "applied", "wanted", "remembered", "failures", "last_look",
    "synced_status", "synced_reason", "synced_message", "synced_since",
    "ready_status", "ready_reason", "ready_message", "ready_since", "phrases",
]  # fmt: skip


class LeaseLost(Exception):
    """Somebody else works on the project now, or it was changed away under us. Stop; nothing more is written."""


@dataclass(frozen=True)
class Claim:
    """The right to write about a project, as long as the fence holds."""

    project_id: int
    fence: int


@dataclass(frozen=True)
class Took:
    """How long a look took: when it began, and the seconds of each Kind in it."""

    began: datetime
    steps: Mapping[str, float]


def holder() -> str:
    """Who we are, for people who read the row."""
    return f"{socket.gethostname()[:40]}:{os.getpid()}"


_CLAIM = """
UPDATE projects_project SET
    fence = fence + 1, lease_until = now() + %(lease)s, lease_holder = %(holder)s, next_look_at = NULL
WHERE id = (
    SELECT id FROM projects_project
    WHERE deleted_at IS NULL AND (%(id)s::bigint IS NULL OR id = %(id)s)
      AND ((next_look_at <= now() AND (lease_until IS NULL OR lease_until < now())) OR lease_until < now())
    ORDER BY next_look_at NULLS FIRST LIMIT 1 FOR UPDATE SKIP LOCKED
)
RETURNING id, fence
"""


def claim(*, lease: timedelta, project_id: int | None = None) -> Claim | None:
    """Claim this project, or the one that has been due longest. None when it is not due or somebody works on it."""
    with connection.cursor() as cursor:
        values: dict[str, Any] = {"lease": lease, "holder": holder(), "id": project_id}
        cursor.execute(_CLAIM, values)
        row = cursor.fetchone()
    if row is None:
        return None
    made = Claim(project_id=row[0], fence=row[1])
    keeper.hold(made, lease=lease)
    return made


def due(*, limit: int) -> list[int]:
    """Ids of projects that a claim would get, longest due first."""
    condition = Q(next_look_at__lte=Now()) & (Q(lease_until=None) | Q(lease_until__lt=Now())) | Q(lease_until__lt=Now())
    found = Project.objects.filter(condition, deleted_at=None).order_by(F("next_look_at").asc(nulls_first=True))
    return list(found.values_list("pk", flat=True)[:limit])


def known_of(project: Project) -> dict[str, Known]:
    """What the rows say of each Kind."""
    return {
        row.kind: Known(
            synced=row.synced,
            ready=row.ready,
            observed_generation=row.observed_generation,
            applied=row.applied,
            failures=row.failures,
            wanted=row.wanted,
            remembered=row.remembered,
        )
        for row in project.resources.all()
    }


def begin(claim: Claim, kinds: Mapping[str, str]) -> None:
    """Leave a row for each of these Kinds, given with their targets, if there is none. Raises LeaseLost.

    Whatever is made from here on is known of, even by those who come after a worker that was killed.
    """
    if not kinds:
        return
    with transaction.atomic():
        _hold_fence(claim)
        rows = [Resource(project_id=claim.project_id, kind=kind, target=target) for kind, target in kinds.items()]
        Resource.objects.bulk_create(rows, ignore_conflicts=True)


def record(claim: Claim, outcomes: Sequence[Outcome], *, generation: int) -> None:
    """Write what was found. Raises LeaseLost, and writes nothing, when the fence moved on."""
    with transaction.atomic():
        _hold_fence(claim)
        _write(claim, outcomes, generation=generation)


def finish(
    claim: Claim,
    result: Result,
    outcomes: Sequence[Outcome],
    *,
    generation: int,
    resync: timedelta,
    was_ready: bool,
    took: Took | None = None,
) -> bool:
    """Write the rest, give the lease back and say when to look again. True when the project is due again already.

    resync: the longest until the next look, whatever a server tells us to wait: the rest of the project, and a
    contributor whose last day is over, don't wait for that server. took: kept when this look found the wish ready.
    """
    later = min(timedelta(seconds=result.delay), resync) if result.delay is not None else resync
    with transaction.atomic():
        project = _hold_fence(claim)
        _write(claim, outcomes, generation=generation)
        now = timezone.now()
        if result.gone:
            Resource.objects.filter(project_id=claim.project_id).delete()
            project.memberships.all().delete()
            project.deleted_at = now
        first = project.observed_generation < generation
        project.observed_generation = generation
        if project.generation == generation:
            asked = project.next_look_at
            project.next_look_at = min(asked, now + later) if asked else now + later
            if result.ready and not was_ready:
                project.ready_at = now
                if took is not None:
                    _tell_asker(project, now=now)
                    _keep_time(project, took, first=first, now=now)
            elif not result.ready:
                project.ready_at = None
        else:
            project.next_look_at = now
        project.lease_until, project.lease_holder = None, ""
        project.save(
            update_fields=[
                "observed_generation",
                "next_look_at",
                "lease_until",
                "lease_holder",
                "ready_at",
                "deleted_at",
            ]
        )
        again = project.next_look_at <= now and not result.gone
    keeper.drop(claim)
    return again


def _tell_asker(project: Project, *, now: datetime) -> None:
    """Who asked for the project hears that it is ready, the first time. Times are kept for 90 days."""
    if now - project.created_at > timedelta(days=90) or project.ready_times.exists():
        return
    made = project.requests.filter(action=Action.CREATE, decision=Decision.APPROVED).select_related("requested_by")
    asked = made.first()
    text = phrase("%(slug)s is ready. Its page says how to use it.", slug=project.slug)
    to = [asked.requested_by] if asked is not None and asked.requested_by is not None else []
    announce("ready", to=to, text=text, project=project)


def _keep_time(project: Project, took: Took, *, first: bool, now: datetime) -> None:
    """From accepted to ready. A wish that became ready before (and was away since) keeps its first time."""
    waited = max((took.began - project.accepted_at).total_seconds(), 0.0)
    row = ReadyTime(
        project=project,
        generation=project.generation,
        accepted_at=project.accepted_at,
        ready_at=now,
        seconds=max((now - project.accepted_at).total_seconds(), 0.0),
        queue_seconds=waited if first else None,
        steps={kind: round(seconds, 4) for kind, seconds in took.steps.items()},
    )
    ReadyTime.objects.bulk_create([row], ignore_conflicts=True)


def release(claim: Claim, *, after: timedelta) -> None:
    """Give a project back unfinished: look again after a while, or when somebody rang meanwhile.

    Nothing happens when the fence moved on. Should the database be away, the lease runs out by itself.
    """
    keeper.drop(claim)
    Project.objects.filter(pk=claim.project_id, fence=claim.fence).update(
        lease_until=None, lease_holder="", next_look_at=Least(F("next_look_at"), Value(timezone.now() + after))
    )


def _hold_fence(claim: Claim) -> Project:
    rows = Project.objects.select_for_update(no_key=True)
    project = rows.filter(pk=claim.project_id, fence=claim.fence).first()
    if project is None:
        keeper.drop(claim)
        raise LeaseLost
    return project


def _write(claim: Claim, outcomes: Sequence[Outcome], *, generation: int) -> None:
    now = timezone.now()
    rows, events = [], []
    dropped = [outcome.kind for outcome in outcomes if outcome.dropped]
    if dropped:
        Resource.objects.filter(project_id=claim.project_id, kind__in=dropped).delete()
    for outcome in outcomes:
        known = outcome.known
        row = Resource(
            project_id=claim.project_id,
            kind=outcome.kind,
            target=outcome.target,
            observed_generation=known.observed_generation,
            applied=known.applied,
            failures=known.failures,
            wanted=known.wanted,
            remembered=dict(known.remembered),
            last_look=now,
        )
        row.set_conditions(synced=known.synced, ready=known.ready)
        if not outcome.dropped:
            rows.append(row)
        events += [
            Event(
                project_id=claim.project_id,
                kind=outcome.kind,
                target=outcome.target,
                at=now,
                reason=happening.reason,
                message=happening.message,
                phrases=as_kept(message=happening.message),
                changes=[change.as_dict() for change in happening.changes],
                generation=generation,
            )
            for happening in outcome.happenings
        ]
        # What is only noted still has the conditions of the look before.
        if not outcome.noted and known.synced.reason is Reason.TARGET_UNAVAILABLE:
            targets.trip(outcome.target, TargetUnavailable(known.synced.message, delay=outcome.told))
    if rows:
        Resource.objects.bulk_create(
            rows, update_conflicts=True, unique_fields=["project", "kind"], update_fields=_FIELDS
        )
    if events:
        Event.objects.bulk_create(events)


class Keeper:
    """Renews the leases that this process holds, from one thread, until each is dropped or lost."""

    def __init__(self) -> None:
        self._held: dict[int, tuple[Claim, timedelta]] = {}
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None

    def hold(self, claim: Claim, *, lease: timedelta) -> None:
        """Start renewing."""
        with self._lock:
            self._held[claim.project_id] = (claim, lease)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="lease-keeper", daemon=True)
                self._thread.start()

    def drop(self, claim: Claim) -> None:
        """Stop renewing."""
        with self._lock:
            if self._held.get(claim.project_id, (None,))[0] == claim:
                del self._held[claim.project_id]

    def _run(self) -> None:
        while True:
            with self._lock:
                held = list(self._held.values())
            pause = min((lease for _, lease in held), default=timedelta(seconds=8)) / 4
            self._wake.wait(pause.total_seconds())
            with self._lock:
                held = list(self._held.values())
            for claim, lease in held:
                self._renew(claim, lease=lease)

    def _renew(self, claim: Claim, *, lease: timedelta) -> None:
        from django.db import Error

        try:
            kept = Project.objects.filter(pk=claim.project_id, fence=claim.fence, lease_until__isnull=False).update(
                lease_until=Now() + lease
            )
        except Error as error:
            log.warning("lease_not_renewed", project=claim.project_id, error=str(error)[:200])
            return
        finally:
            connection.close()
        if not kept:
            self.drop(claim)


keeper = Keeper()
