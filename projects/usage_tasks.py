"""Measuring the fleet, in rounds: each target is read once for all its projects, and only what moved is written."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime

import structlog
from celery import shared_task
from django.utils import timezone

from projects.installation import Installation, installation
from projects.models import Heartbeat, Project, TargetUsage, Usage, UsageDay
from projects.rounds import alone
from projects.today import today
from projects.wishes import NoWish, present_wish
from provisioning import targets
from provisioning.capacity import capacity_of
from provisioning.catalogue import ClusterTarget, DatabaseTarget, ObjectStoreTarget, TrackerTarget
from provisioning.errors import ProvisioningError, TargetUnavailable
from provisioning.kind import Kind, System, Wish, kinds
from provisioning.measures import Reading

log = structlog.get_logger(__name__)

_BATCH = 500


@dataclass(frozen=True)
class _Told:
    """What one Kind was told by a target, to be looked up for each project."""

    kind: Kind
    target: str
    found: object


@shared_task
def measure_usage() -> None:
    """Ask every target what is used of it, and keep the figures. A target that is silent keeps its last ones."""
    settings = installation()
    with alone("usage") as mine:
        if not mine:
            return
        present = targets.targets(settings.catalogue)
        told = [one for target in present.values() for one in _ask(target, settings)]
        TargetUsage.objects.exclude(target__in=present).delete()
        moved = sum(_keep(batch, told, day=today()) for batch in _batches(settings)) if told else 0
        now = timezone.now()
        Heartbeat.objects.update_or_create(name="usage", defaults={"at": now, "detail": {"moved": moved}})


def _ask(target: targets.Target, settings: Installation) -> list[_Told]:
    """What the target tells to each Kind that measures on it; nothing when it is silent or has not counted yet."""
    system = _system_of(target)
    measuring = [kind for kind in kinds().values() if kind.usage is not None and kind.system == system]
    if not measuring:
        return []
    try:
        client = targets.open_client(target, resolve=settings.resolve)
        surveys = [(kind, kind.usage.survey(client)) for kind in measuring if kind.usage is not None]
        capacity = capacity_of(target, client)
    except TargetUnavailable as error:
        targets.trip(target.name, error)
        return []
    except ProvisioningError as error:
        log.warning("usage_unmeasured", target=target.name, error=error.message)
        return []
    now = timezone.now()
    times = [survey.as_of or (now if survey.found else None) for _, survey in surveys]
    as_of = min((one for one in times if one is not None), default=None)
    TargetUsage.objects.update_or_create(
        target=target.name, defaults={"asked_at": now, "as_of": as_of, "capacity": capacity}
    )
    return [_Told(kind=kind, target=target.name, found=survey.found) for kind, survey in surveys]


def _system_of(target: targets.Target) -> System:
    if isinstance(target, ClusterTarget):
        return "cluster"
    if isinstance(target, TrackerTarget):
        return "tracker"
    if isinstance(target, DatabaseTarget):
        return "database"
    return "object_store" if isinstance(target, ObjectStoreTarget) else "forge"


def _batches(settings: Installation) -> Iterator[list[tuple[int, Wish]]]:
    """Every project that is there, with its wish, some at a time."""
    batch: list[tuple[int, Wish]] = []
    rows = (
        Project.objects.filter(deletion_requested_at=None)
        .select_related("team", "registered_repository")
        .order_by("pk")
    )
    for project in rows.iterator(chunk_size=_BATCH):
        with suppress(NoWish):
            # Who works in a project has nothing to do with how much it uses.
            batch.append((project.pk, present_wish(project, settings=settings, moved={})))
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _keep(batch: Sequence[tuple[int, Wish]], told: Iterable[_Told], *, day: date) -> int:
    """Write what moved of these projects, and the day's most; how many figures moved."""
    ids = [pk for pk, _ in batch]
    present = {(row.project_id, row.measure): row for row in Usage.objects.filter(project__in=ids)}
    days = {row.project_id: row for row in UsageDay.objects.filter(project__in=ids, day=day)}
    now, moved, dated = timezone.now(), [], []
    for pk, wish in batch:
        found = list(_readings(wish, told))
        for measure, target, reading in found:
            before = present.get((pk, measure))
            if before is None or (before.used, before.limit, before.target) != (reading.used, reading.limit, target):
                moved.append(_row(pk, measure, target, reading, at=now))
        figures = _most(days[pk].figures if pk in days else {}, {measure: one for measure, _, one in found})
        if figures and (pk not in days or figures != days[pk].figures):
            dated.append(UsageDay(project_id=pk, day=day, figures=figures))
    Usage.objects.bulk_create(
        moved,
        update_conflicts=True,
        unique_fields=["project", "measure"],
        update_fields=["target", "used", "limit", "moved_at"],
    )
    UsageDay.objects.bulk_create(
        dated, update_conflicts=True, unique_fields=["project", "day"], update_fields=["figures"]
    )
    return len(moved)


def _readings(wish: Wish, told: Iterable[_Told]) -> Iterator[tuple[str, str, Reading]]:
    """(measure, target, reading) of one project."""
    for one in told:
        if one.kind.usage is not None and wish.target(one.kind.system) == one.target:
            for measure, reading in one.kind.usage.readings(wish, one.found).items():
                yield measure, one.target, reading


def _row(project: int, measure: str, target: str, reading: Reading, *, at: datetime) -> Usage:
    return Usage(
        project_id=project, measure=measure, target=target, used=reading.used, limit=reading.limit, moved_at=at
    )


def _most(before: Mapping[str, list[float | None]], now: Mapping[str, Reading]) -> dict[str, list[float | None]]:
    """By measure: the most used so far on this day, and the limit as it is now."""
    most = dict(before)
    for measure, reading in now.items():
        used = before.get(measure, [0.0])[0] or 0.0
        most[measure] = [max(used, reading.used), reading.limit]
    return most
