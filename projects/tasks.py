"""What workers do. Each task takes row ids only, may come twice or never, and finds in Postgres what there is to do."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Any

import structlog
from celery import shared_task
from django.db import Error, transaction
from django.db.models import F, Prefetch
from django.utils import timezone
from knox.models import get_token_model

from projects import (
    bot_comments,
    consents,
    contributors,
    end_dates,
    intake,
    listening,
    overlaps,
    reports,
    training,
    usage,
    work,
)
from projects.audit import audited
from projects.doorbell import make_due, ring
from projects.installation import Installation, installation
from projects.models import Delivery, Door, Heartbeat, IdempotencyKey, LookAsked, Project, ProjectRequest, ReadyTime
from projects.phrases import as_kept
from projects.rounds import alone
from projects.suspension import kinds_to_follow
from projects.today import today
from projects.wishes import NoWish, present_wish
from provisioning import scan, targets
from provisioning.catalogue import ClusterTarget, ObjectStoreTarget
from provisioning.conditions import Status
from provisioning.errors import PermanentError, ProvisioningError, Reason, TargetUnavailable, TemporaryError
from provisioning.kind import kinds, kinds_of
from provisioning.models import Resource, TargetHealth
from provisioning.outcomes import Outcome, refused
from provisioning.reconcile import Result, reconcile, remove

log = structlog.get_logger(__name__)

DRAIN_AT_MOST = 4
RINGS_AT_MOST = 8
AFTER_FAULT = timedelta(minutes=1)
AFTER_LOST_DATABASE = timedelta(seconds=2)
_ledger = scan.Ledger()


@shared_task
def reconcile_project(project_id: int) -> None:
    """Look at one project if it is due and nobody does already; then at others that are due."""
    settings = installation()
    claim = work.claim(lease=settings.lease, project_id=project_id)
    if claim is not None:
        _look(claim, settings=settings)
    # Whoever rang has nothing to do with what is drained besides.
    structlog.contextvars.unbind_contextvars("request_id")
    _drain(settings)


@shared_task
def drain() -> None:
    """Look at projects that are due, longest first, until there is none or it is another's turn."""
    _drain(installation())


def _drain(settings: Installation) -> None:
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
    with alone("sweep") as mine:
        if not mine:
            return
        due = work.due(limit=RINGS_AT_MOST)
        for _ in due:
            ring("projects.tasks.drain")
        for repository_id in listening.due_repositories(limit=RINGS_AT_MOST):
            ring("projects.tasks.read_profile", repository_id)
        Heartbeat.objects.update_or_create(name="sweep", defaults={"at": timezone.now(), "detail": {"due": len(due)}})


@shared_task
def probe_targets() -> None:
    """Ask each target whether it answers. When one comes back, what waited for it is due at once."""
    settings = installation()
    with alone("probe") as mine:
        if not mine:
            return
        present = targets.targets(settings.catalogue)
        for target in present.values():
            _probe(target, settings=settings)
        TargetHealth.objects.exclude(name__in=present).delete()


@shared_task
def scan_fleet() -> None:
    """Compare the fleet with what it should be; what moved is due at once."""
    settings = installation()
    with alone("scan") as mine:
        if mine:
            _scan(settings)


@shared_task
def poll_profiles() -> None:
    """Wake repositories whose pushes may have been lost on the way: a hook is a doorbell, and doorbells fail."""
    with alone("poll") as mine:
        if mine:
            listening.poll_due(timezone.now(), installation=installation())


@shared_task
def suspend_expired() -> None:
    """Projects past their last day are suspended: nothing is removed, and a new end date resumes them."""
    day = today().isoformat()
    over = Project.objects.filter(
        deletion_requested_at=None, suspended=False, spec__expires__isnull=False, spec__expires__lt=day
    )
    with audited(actor="slipway", door=Door.SYSTEM):
        for project in over:
            with transaction.atomic():
                # Who gave it a later day meanwhile, or suspended it, has the last word.
                if not over.filter(pk=project.pk).update(suspended=True, ended=True):
                    continue
                end_dates.tell_ended(project)
            log.info("expired", project=project.slug, expires=project.spec["expires"])


@shared_task
def tidy() -> None:
    """Forget what has served its time: old deliveries, answers kept for repeated calls, times to ready and days of
    usage that no page shows, reports of removed projects, old trainings, looks that were asked for and commands that
    were answered long ago, expired tokens and sessions."""
    from django.core.management import call_command

    Delivery.objects.filter(answered_at__lt=timezone.now() - timedelta(days=30)).delete()
    IdempotencyKey.objects.filter(created_at__lt=timezone.now() - timedelta(hours=24)).delete()
    ReadyTime.objects.filter(ready_at__lt=timezone.now() - timedelta(days=90)).delete()
    usage.forget_old()
    reports.forget_removed()
    training.forget_old()
    LookAsked.objects.filter(asked_at__lt=timezone.now() - timedelta(days=90)).delete()
    bot_comments.forget_old(now=timezone.now())
    get_token_model().objects.filter(expiry__lt=timezone.now()).delete()
    call_command("clearsessions")


def _look(claim: work.Claim, *, settings: Installation) -> None:
    """One look at a claimed project, from reading its row to giving the lease back."""
    rows = Project.objects.select_related("team", "attached_by").prefetch_related("resources", "skipped_kinds")
    project = rows.filter(pk=claim.project_id).first()
    if project is None:
        return
    with structlog.contextvars.bound_contextvars(project=project.slug, fence=claim.fence):
        try:
            if project.suspended and project.deletion_requested_at is None:
                _, delay = _follow_people(project, claim, settings=settings)
                work.release(claim, after=_later(delay, settings=settings))
                return
            with audited(actor="slipway", door=Door.SYSTEM):
                again = _look_at(project, claim, settings=settings)
        except work.LeaseLost:
            log.warning("lease_lost")
            return
        except Exception as error:
            # One project's fault must not end the round of the others, nor come back at once.
            log.exception("look_failed")
            work.release(claim, after=AFTER_LOST_DATABASE if isinstance(error, Error) else AFTER_FAULT)
            return
        finally:
            # However this ended: a lease that is not renewed runs out, and somebody else takes over.
            work.keeper.drop(claim)
    if again:
        ring("projects.tasks.reconcile_project", project.pk)


def _later(delay: float | None, *, settings: Installation) -> timedelta:
    return settings.resync if delay is None else min(timedelta(seconds=delay), settings.resync)


def _follow_people(
    project: Project, claim: work.Claim, *, settings: Installation
) -> tuple[Collection[str], float | None]:
    """Make people's rights so, where they changed, and nothing else. By which Kinds, and the delay as in `Result`."""
    try:
        wish = present_wish(project, settings=settings, any_plan=True)
    except NoWish:
        return (), None
    known = work.known_of(project)
    skipped = {row.kind for row in project.skipped_kinds.all()}
    follow = {
        name: kind for name, kind in kinds_to_follow(wish, known, asked=project.wanted()).items() if name not in skipped
    }
    if not follow:
        return (), None
    client_of = _opener(settings)
    result = reconcile(
        wish=wish,
        kinds=follow,
        known=known,
        open_client=lambda system: client_of(wish.target(system)),
        record=lambda outcomes: work.record(claim, outcomes, generation=project.generation),
        now=timezone.now,
    )
    log.info("followed_people", kinds=sorted(follow))
    return follow, result.delay


def _look_at(project: Project, claim: work.Claim, *, settings: Installation) -> bool:
    generation = project.generation
    _forget_old_kinds(project)
    try:
        wish = present_wish(project, settings=settings)
    except NoWish as error:
        return _refuse(project, claim, error.message, settings=settings)
    # An old key ends on time, not at the next look that comes anyway.
    ends = overlaps.next_end(project)
    resync = settings.resync if ends is None else min(settings.resync, max(ends - timezone.now(), timedelta()))
    known = work.known_of(project)
    here = kinds_of(wish, known=known)
    # What not every project has leaves a row before anything is made: a wish without it must know that it may be there.
    work.begin(
        claim, {name: wish.target(here[name].system) for name in here.keys() - known.keys() if here[name].wanted}
    )
    client_of = _opener(settings)
    last: list[Outcome] = []
    steps: dict[str, float] = {}
    held = 0

    def record(outcomes: Sequence[Outcome]) -> None:
        # The last batch is written together with the end of the look, in one transaction.
        nonlocal held
        held += sum(not outcome.noted for outcome in outcomes)
        steps.update((outcome.kind, outcome.seconds) for outcome in outcomes)
        if held >= len(here):
            last.extend(outcomes)
        else:
            work.record(claim, outcomes, generation=generation)

    # The first claim ever: no earlier attempt can have left anything outside.
    skip = {row.kind: row.sentence for row in project.skipped_kinds.all()}
    loop = remove if project.deletion_requested_at else partial(reconcile, first=claim.fence == 1, skip=skip)
    started = timezone.now()
    result = loop(
        wish=wish,
        kinds=here,
        known=known,
        open_client=lambda system: client_of(wish.target(system)),
        record=record,
        now=timezone.now,
    )
    again = work.finish(
        claim,
        result,
        last,
        generation=generation,
        resync=resync,
        was_ready=project.ready_at is not None,
        took=work.Took(began=started, steps=steps),
    )
    took = (timezone.now() - started).total_seconds()
    log.info("looked", generation=generation, ready=result.ready, gone=result.gone, seconds=round(took, 3))
    if (result.ready and project.ready_at is None) or (not result.ready and not again):
        _tell_file(project, settings=settings)
    return again


def _forget_old_kinds(project: Project) -> None:
    """Rows of Kinds that this version doesn't have: nobody looks at them any more, so they say nothing true."""
    old = [row.pk for row in project.resources.all() if row.kind not in kinds()]
    if old:
        log.warning("kinds_forgotten", count=len(old))
        Resource.objects.filter(pk__in=old).delete()


def _refuse(project: Project, claim: work.Claim, message: str, *, settings: Installation) -> bool:
    """Say on every resource why nothing can be made, but for people's rights that could be made so all the same.

    Looked at again as others are, should the reason go away.
    """
    log.error("no_wish", reason=message)
    followed, delay = _follow_people(project, claim, settings=settings)
    known = work.known_of(project)
    left = {name: kind for name, kind in kinds().items() if name not in followed}
    here = {name: kind for name, kind in left.items() if name in known or kind.wanted is None}
    outcomes = refused(kinds=here, known=known, catalogue=settings.catalogue, message=message, now=timezone.now())
    again = work.finish(
        claim,
        Result(delay=delay, ready=False),
        outcomes,
        generation=project.generation,
        resync=settings.resync,
        was_ready=project.ready_at is not None,
    )
    _tell_file(project, settings=settings)
    return again


def _tell_file(project: Project, *, settings: Installation) -> None:
    """Where the newest request came by profile.yaml, its commit gets the answer."""
    newest = ProjectRequest.objects.filter(project=project, generation=project.generation).first()
    if newest is not None and newest.door == Door.FILE:
        intake.answer(project.pk, installation=settings, open_client=_opener(settings))


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
            "phrases": as_kept(message=message),
            "version": version or (before.version if before else ""),
        },
    )  # fmt: skip
    if answering and turned:
        # Only now: what such a target still answers with a refusal or "later" waits as long as it was told to.
        waiting = Resource.objects.filter(target=target.name, synced_reason=Reason.TARGET_UNAVAILABLE)
        make_due(Project.objects.filter(pk__in=waiting.values("project"), lease_until=None))
    if turned:
        log.info("target_turned", target=target.name, answering=answering, message=message)


def _wake_supported(settings: Installation) -> None:
    """What a target could not do may have been installed meanwhile: those who waited for it are due."""
    for kind in kinds().values():
        if kind.unsupported is None:
            continue
        rows = Resource.objects.filter(kind=kind.name, synced_reason=Reason.UNSUPPORTED, project__deleted_at=None)
        plans = list(settings.catalogue.plans)
        first = rows.select_related("project__team").filter(project__spec__plan__in=plans).first()
        if first is None:
            continue
        try:
            wish = present_wish(first.project, settings=settings)
            still = kind.unsupported(wish, _opener(settings)(wish.target(kind.system)))
        except (NoWish, ProvisioningError) as error:
            log.info("support_unknown", kind=kind.name, error=str(error))
            continue
        if still is None:
            make_due(Project.objects.filter(pk__in=rows.values("project")))


def _scan(settings: Installation) -> None:
    _wake_supported(settings)
    fleet = list(_held(settings))
    moved: set[str] = set()
    for target in targets.targets(settings.catalogue).values():
        try:
            here = [one for one in fleet if target.name in (one.wish.cluster.name, one.wish.object_store.name)]
            if not here:
                continue
            client = targets.open_client(target, resolve=settings.resolve)
            if isinstance(target, ClusterTarget):
                moved |= scan.moved_in_cluster(
                    cluster=target.name, client=client, held=here, kinds=kinds(), ledger=_ledger
                )
            elif isinstance(target, ObjectStoreTarget):
                moved |= scan.missing_in_store(client=client, held=here)
        except TargetUnavailable as error:
            targets.trip(target.name, error)
        except ProvisioningError as error:
            log.warning("scan_unfinished", target=target.name, error=error.message)
    if moved:
        make_due(Project.objects.filter(uid__in=moved))
        log.info("scan_found", projects=len(moved))
    Heartbeat.objects.update_or_create(
        name="scan", defaults={"at": timezone.now(), "detail": {"projects": len(fleet), "moved": len(moved)}}
    )


def _held(settings: Installation) -> Iterator[scan.Held]:
    """What is as it should be, so that a difference is drift; the rest gets looks anyway."""
    ignored = {name for name, policy in settings.catalogue.drift.items() if policy == "ignore"}
    healthy = Resource.objects.filter(synced_status=Status.TRUE).exclude(kind__in=ignored)
    projects = (
        Project.objects.filter(deletion_requested_at=None, suspended=False, lease_until=None)
        .filter(generation=F("observed_generation"))
        .select_related("team", "registered_repository", "attached_by")
        .prefetch_related(Prefetch("resources", queryset=healthy))
    )
    moved, let = contributors.moved(), consents.of_all()
    for project in projects.iterator(chunk_size=500):
        with suppress(NoWish):
            right = frozenset(row.kind for row in project.resources.all())
            known: dict[str, Any] = {"moved": moved.get(project.pk, {}), "consents": let.get(project.pk, {})}
            wish = present_wish(project, settings=settings, **known)
            yield scan.Held(wish=wish, kinds=right)
