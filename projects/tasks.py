"""What workers do. Each task takes row ids only, may come twice or never, and finds in Postgres what there is to do."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pghistory
import structlog
from celery import shared_task
from django.db import connection
from django.db.models import Prefetch
from django.utils import timezone
from knox.models import get_token_model

from projects import intake, work
from projects.doorbell import ring
from projects.installation import Installation, installation
from projects.models import Delivery, Door, Heartbeat, IdempotencyKey, Project, ProjectRequest
from projects.spec import wish_for
from provisioning import scan, targets
from provisioning.conditions import Status
from provisioning.errors import PermanentError, Reason, TargetUnavailable, TemporaryError
from provisioning.kind import Wish, kinds
from provisioning.models import Resource, TargetHealth
from provisioning.reconcile import Outcome, reconcile, remove
from provisioning.spec import Role

log = structlog.get_logger(__name__)

DRAIN_AT_MOST = 20
RINGS_AT_MOST = 8
_ledger = scan.Ledger()


@shared_task
def reconcile_project(project_id: int) -> None:
    """Look at one project if it is due and nobody does already; then at others that are due."""
    settings = installation()
    claim = work.claim(lease=settings.lease, project_id=project_id)
    for _ in range(DRAIN_AT_MOST):
        if claim is None:
            return
        _look(claim, settings=settings)
        claim = work.claim(lease=settings.lease)


@shared_task
def drain() -> None:
    """Look at projects that are due, longest first, until there is none or it is another's turn."""
    settings = installation()
    for _ in range(DRAIN_AT_MOST):
        claim = work.claim(lease=settings.lease)
        if claim is None:
            return
        _look(claim, settings=settings)


@shared_task
def read_profile(repository_id: int) -> None:
    """Read profile.yaml of a registered repository and act on it."""
    settings = installation()
    intake.read(repository_id, installation=settings, open_client=_opener(settings))


@shared_task
def sweep() -> None:
    """Ring for what is due. This is what makes a lost message cost seconds and nothing else."""
    with _alone("sweep") as mine:
        if not mine:
            return
        due = work.due(limit=RINGS_AT_MOST)
        for _ in due:
            ring("projects.tasks.drain")
        for repository_id in intake.due_repositories(limit=RINGS_AT_MOST):
            ring("projects.tasks.read_profile", repository_id)
        Heartbeat.objects.update_or_create(name="sweep", defaults={"at": timezone.now(), "detail": {"due": len(due)}})


@shared_task
def probe_targets() -> None:
    """Ask each target whether it answers. When one comes back, what waited for it is due at once."""
    settings = installation()
    with _alone("probe") as mine:
        if not mine:
            return
        for target in targets.targets(settings.catalogue).values():
            _probe(target, settings=settings)


@shared_task
def scan_fleet() -> None:
    """Compare the fleet with what it should be; what moved is due at once."""
    settings = installation()
    with _alone("scan") as mine:
        if mine:
            _scan(settings)


@shared_task
def poll_profiles() -> None:
    """Wake repositories whose pushes may have been lost on the way: a hook is a doorbell, and doorbells fail."""
    with _alone("poll") as mine:
        if mine:
            intake.poll_due(timezone.now(), installation=installation())


@shared_task
def tidy() -> None:
    """Forget what has served its time: old deliveries, answers kept for repeated calls, expired
    tokens and sessions."""
    from django.core.management import call_command

    Delivery.objects.filter(answered_at__lt=timezone.now() - timedelta(days=30)).delete()
    IdempotencyKey.objects.filter(created_at__lt=timezone.now() - timedelta(hours=24)).delete()
    get_token_model().objects.filter(expiry__lt=timezone.now()).delete()
    call_command("clearsessions")


def _look(claim: work.Claim, *, settings: Installation) -> None:
    """One look at a claimed project, from reading its row to giving the lease back."""
    project = Project.objects.select_related("team").prefetch_related("resources").filter(pk=claim.project_id).first()
    if project is None:
        return
    with structlog.contextvars.bound_contextvars(project=project.slug, fence=claim.fence):
        if project.suspended and project.deletion_requested_at is None:
            work.release(claim, after=settings.resync)
            return
        try:
            with pghistory.context(actor="slipway", door=Door.SYSTEM.value):
                again = _look_at(project, claim, settings=settings)
        except work.LeaseLost:
            log.warning("lease_lost")
            return
    if again:
        ring("projects.tasks.reconcile_project", project.pk)


def _look_at(project: Project, claim: work.Claim, *, settings: Installation) -> bool:
    generation = project.generation
    wish = _wish(project, settings=settings)
    if wish is None:
        work.release(claim, after=settings.resync)
        return False
    client_of = _opener(settings)
    last: list[Outcome] = []
    held = 0

    def record(outcomes: Sequence[Outcome]) -> None:
        # The last batch is written together with the end of the look, in one transaction.
        nonlocal held
        held += len(outcomes)
        if held >= len(kinds()):
            last.extend(outcomes)
        else:
            work.record(claim, outcomes, generation=generation)

    loop = remove if project.deletion_requested_at else reconcile
    started = timezone.now()
    result = loop(
        wish=wish,
        kinds=kinds(),
        known=work.known_of(project),
        open_client=lambda system: client_of(wish.target(system)),
        record=record,
        now=timezone.now,
    )
    again = work.finish(
        claim, result, last, generation=generation, resync=settings.resync, was_ready=project.ready_at is not None
    )
    took = (timezone.now() - started).total_seconds()
    log.info("looked", generation=generation, ready=result.ready, gone=result.gone, seconds=round(took, 3))
    if (result.ready and project.ready_at is None) or (not result.ready and not again):
        _tell_file(project, settings=settings)
    return again


def _tell_file(project: Project, *, settings: Installation) -> None:
    """Where the newest request came by profile.yaml, its commit gets the answer."""
    newest = ProjectRequest.objects.filter(project=project, generation=project.generation).first()
    if newest is not None and newest.door == Door.FILE:
        intake.answer(project.pk, installation=settings, open_client=_opener(settings))


def _wish(project: Project, *, settings: Installation) -> Wish | None:
    """The wish of a row, without contributors whose last day has passed. None when its plan left the catalogue."""
    spec = project.wanted()
    today = timezone.localdate()
    current = tuple(one for one in spec.contributors if one.until is None or one.until >= today)
    if not any(one.role is Role.OWNER for one in current):
        current = spec.contributors
    try:
        return wish_for(
            spec.model_copy(update={"contributors": current}),
            installation=settings,
            uid=str(project.uid),
            generation=project.generation,
            versions=project.versions,
            key_id=project.key_id,
            remove_data=project.remove_data,
        )
    except KeyError:
        log.error("plan_not_in_catalogue", plan=spec.plan)
        message = f"Plan {spec.plan} is no longer in the catalogue. Choose another plan, or ask the platform team."
        project.resources.update(synced_status=Status.FALSE, synced_reason=Reason.REJECTED, synced_message=message)
        return None


def _opener(settings: Installation) -> Any:
    return targets.opener(settings.catalogue, resolve=settings.resolve)


def _probe(target: targets.Target, *, settings: Installation) -> None:
    now = timezone.now()
    before = TargetHealth.objects.filter(name=target.name).first()
    try:
        version, message = str(targets.open_client(target, resolve=settings.resolve).probe()), ""
    except (TemporaryError, PermanentError) as error:
        version, message = "", error.message
        if isinstance(error, TargetUnavailable):
            targets.trip(target.name, error)
    answering = not message
    turned = before is None or before.answering is not answering
    since = now if before is None or turned else before.since
    TargetHealth.objects.update_or_create(
        name=target.name,
        defaults={
            "answering": answering, "since": since, "last_asked": now, "message": message,
            "version": version or (before.version if before else ""),
        },
    )  # fmt: skip
    if answering:
        waiting = Resource.objects.filter(target=target.name, synced_reason=Reason.TARGET_UNAVAILABLE)
        woken = Project.objects.filter(pk__in=waiting.values("project"), deleted_at=None, lease_until=None).update(
            next_look_at=now
        )
        if woken:
            ring("projects.tasks.drain")
    if turned:
        log.info("target_turned", target=target.name, answering=answering, message=message)


def _wake_supported(settings: Installation) -> None:
    """What a target could not do may have been installed meanwhile: those who waited for it are due."""
    for kind in kinds().values():
        if kind.unsupported is None:
            continue
        rows = Resource.objects.filter(kind=kind.name, synced_reason=Reason.UNSUPPORTED, project__deleted_at=None)
        first = rows.select_related("project__team").first()
        wish = _wish(first.project, settings=settings) if first is not None else None
        if wish is None:
            continue
        try:
            still = kind.unsupported(wish, _opener(settings)(wish.target(kind.system)))
        except TemporaryError as error:
            log.info("support_unknown", kind=kind.name, error=error.message)
            continue
        if still is None:
            Project.objects.filter(pk__in=rows.values("project")).update(next_look_at=timezone.now())
            ring("projects.tasks.drain")


def _scan(settings: Installation) -> None:
    _wake_supported(settings)
    wishes = list(_settled_wishes(settings))
    if not wishes:
        return
    moved: set[str] = set()
    for target in targets.targets(settings.catalogue).values():
        try:
            client = targets.open_client(target, resolve=settings.resolve)
            here = [wish for wish in wishes if target.name in (wish.cluster.name, wish.object_store.name)]
            if hasattr(target, "api"):
                moved |= scan.moved_in_cluster(
                    cluster=target.name, client=client, wishes=here, kinds=kinds(), ledger=_ledger
                )
            elif hasattr(target, "access_key"):
                moved |= scan.missing_in_store(client=client, wishes=here)
        except TargetUnavailable as error:
            targets.trip(target.name, error)
        except TemporaryError as error:
            log.warning("scan_unfinished", target=target.name, error=error.message)
    if moved:
        Project.objects.filter(uid__in=moved, deleted_at=None).update(next_look_at=timezone.now())
        log.info("scan_found", projects=len(moved))
        ring("projects.tasks.drain")
    Heartbeat.objects.update_or_create(
        name="scan", defaults={"at": timezone.now(), "detail": {"projects": len(wishes), "moved": len(moved)}}
    )


def _settled_wishes(settings: Installation) -> Iterator[Wish]:
    """Wishes of projects that are as they should be, so that a difference is drift; others get looks anyway."""
    healthy = Resource.objects.filter(synced_status=Status.TRUE)
    projects = (
        Project.objects.filter(deletion_requested_at=None, suspended=False, ready_at__isnull=False, lease_until=None)
        .select_related("team")
        .prefetch_related(Prefetch("resources", queryset=healthy))
    )
    for project in projects.iterator(chunk_size=500):
        if project.settled and (wish := _wish(project, settings=settings)) is not None:
            yield wish


@contextmanager
def _alone(name: str) -> Iterator[bool]:
    """True for one caller at a time over all processes; the lock goes with the connection if the process dies."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtext(%s))", [f"slipway:{name}"])
        mine = bool(cursor.fetchone()[0])
    try:
        yield mine
    finally:
        if mine:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(hashtext(%s))", [f"slipway:{name}"])
