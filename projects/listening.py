"""Which repositories we listen to, at which addresses, with which secrets; and whose turn it is to be read.

A repository is due when `look_at` has come, or when the lease of whoever read it has run out. A claim is one
compare-and-set by the database's clock that empties `look_at`, so a delivery that comes in during the reading is not
lost. After each reading `look_at` lies ten minutes ahead: a webhook that never came costs that much and nothing else.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import connection, transaction
from django.db.models import Q
from django.db.models.functions import Now

from projects.doorbell import ring
from projects.errors import Unreadable
from projects.installation import Installation
from projects.locks import hold_project, hold_projects
from projects.models import Project, RegisteredRepository
from projects.overlaps import earlier_of
from projects.wishes import known_repository
from provisioning.conditions import Status
from provisioning.errors import PermanentError
from provisioning.forge import ForgeClient
from provisioning.kinds.webhook import EVENTS, KEY_PROFILE, PURPOSE_PROFILE, hook_path
from provisioning.models import Resource
from provisioning.names import Names
from provisioning.repositories import called_now
from provisioning.repository_options import attached_name

log = structlog.get_logger(__name__)

TASK = "projects.tasks.read_profile"
LEASE = timedelta(seconds=60)
POLL = timedelta(minutes=10)


@dataclass(frozen=True)
class Hook:
    """What a webhook's address stands for. `row` is None for a project whose repository was not registered yet."""

    forge: str
    uid: uuid.UUID
    full_name: str
    row: RegisteredRepository | None
    project: Project | None


@dataclass(frozen=True)
class Turn:
    """The right to write about a repository until `until`, as long as nobody else took it over."""

    repository_id: int
    until: datetime


class TurnLost(Exception):
    """The lease ran out and somebody else reads the repository now. Nothing more is written."""


# Addresses and secrets


def find(*, forge: str, uid: str, installation: Installation) -> Hook | None:
    """What stands behind an address: a registered repository, or a project's own one. None when there is nothing."""
    if forge not in {one.name for one in installation.catalogue.forges}:
        return None
    try:
        known = uuid.UUID(uid)
    except ValueError:
        return None
    if str(known) != uid:
        return None
    rows = RegisteredRepository.objects.select_related("project").filter(forge=forge)
    row = rows.filter(project__uid=known).first() or rows.filter(uid=known).first()
    if row is not None:
        project = row.project if row.project is not None and row.project.uid == known else None
        return Hook(forge=forge, uid=known, full_name=row.full_name, row=row, project=project)
    project = Project.objects.filter(uid=known, deleted_at=None).first()
    if project is None or forge != installation.catalogue.defaults.forge:
        return None
    try:
        full_name = repository_of(project, installation=installation)
    except Unreadable:
        return None
    return Hook(forge=forge, uid=known, full_name=full_name, row=None, project=project)


def secrets_of(hook: Hook, *, installation: Installation) -> tuple[str, ...]:
    """The secrets that may sign: a project's present one and, while it still works, the one before.

    Of a repository without a project, those of every key of the ring: nothing says which of them made its hook.
    """
    ring_, project = installation.key_ring, hook.project
    known = [key_id for key_id, _ in ring_.keys]
    version = int(project.versions.get(PURPOSE_PROFILE, 1)) if project is not None else 1
    keys = [project.key_id] if project is not None and project.key_id else known
    may_sign: list[tuple[int, str | None]] = [(version, key_id) for key_id in keys if key_id in known]
    before = earlier_of(project).get(PURPOSE_PROFILE) if project is not None else None
    if before is not None and before.key_id in (None, *known):
        may_sign.append((before.version, before.key_id))
    return tuple(
        ring_.derive(uid=str(hook.uid), purpose=PURPOSE_PROFILE, version=version, key_id=key_id)
        for version, key_id in may_sign
    )


# Registering


def register(
    *, forge: str, full_name: str, installation: Installation, open_client: Callable[[str], Any]
) -> RegisteredRepository:
    """Listen to a repository that exists: put our hook on it, and read its profile.yaml soon. Again changes nothing.

    Raises KeyError for a forge that is not in the catalogue, ProvisioningError when the forge has no such repository,
    does not answer, or doesn't let us make a hook.
    """
    target = installation.catalogue.forge(forge)
    client: ForgeClient = open_client(forge)
    found = client.repository(full_name)
    if found is None:
        raise PermanentError(
            f"{target.title or forge} shows us no repository {full_name}. Check the name, and give {target.bot} the "
            "right to administer it."
        )
    name = str(found["full_name"])
    with transaction.atomic():
        row = RegisteredRepository.objects.filter(forge=forge, full_name__iexact=name).first()
        if row is None:
            row = RegisteredRepository.objects.create(forge=forge, full_name=name)
    url = f"{installation.public_url}{hook_path(forge=forge, uid=row.uid)}"
    secret = installation.key_ring.derive(uid=str(row.uid), purpose=PURPOSE_PROFILE)
    present = [hook for hook in client.hooks(name) if hook["url"].endswith(hook_path(forge=forge, uid=row.uid))]
    if present:
        client.update_hook(name, present[0]["id"], url, secret, EVENTS[KEY_PROFILE])
    else:
        client.create_hook(name, url, secret, EVENTS[KEY_PROFILE])
    look_soon(row.pk)
    return row


def repository_of(project: Project, *, installation: Installation) -> str:
    """owner/name of a project's repository: the attached one, or the one that its names give, as the forge calls it
    now. Raises Unreadable.
    """
    spec = project.wanted()
    names = Names(slug=spec.slug, team=spec.team, uid=str(project.uid), prefix=installation.catalogue.naming.prefix)
    return called_now(attached_name(spec.options) or names.repository, known=known_repository(project))


def register_project_repository(project: Project, *, installation: Installation) -> RegisteredRepository | None:
    """Listen to a project's own repository, once its Kind has made or vetted it. Again changes nothing.

    None (and a line in the log) when that repository belongs to another project, or the project's spec can't be read.
    No call to the forge: the hook is the Kind `webhook`'s.
    """
    try:
        forge, name = installation.catalogue.defaults.forge, repository_of(project, installation=installation)
    except Unreadable:
        log.error("spec_unreadable", project=project.slug)
        return None
    with transaction.atomic():
        # The first deliveries of a new project come at the same moment, and all of them get here.
        hold_project(project.pk)
        rows = RegisteredRepository.objects.select_for_update(of=("self",), no_key=True).select_related("project")
        old = rows.filter(project=project).first()
        if old is not None and old.forge == forge and name.lower() in (old.full_name.lower(), old.former_name.lower()):
            return old
        row = rows.filter(forge=forge, full_name__iexact=name).first()
        if row is not None and row.project is not None and row.project.deleted_at is None:
            log.warning("repository_of_another_project", repository=str(row), project=project.slug)
            return None
        if old is not None:
            RegisteredRepository.objects.filter(pk=old.pk).update(project=None)
        if row is None:
            taken = RegisteredRepository.objects.filter(uid=project.uid).exists()
            row = RegisteredRepository(forge=forge, full_name=name, uid=uuid.uuid4() if taken else project.uid)
        row.project = project
        row.save()
        look_soon(row.pk)
    return row


# Whose turn it is


def look_soon(repository_id: int) -> None:
    """Have the repository read: written down first, then rung for."""
    with transaction.atomic():
        RegisteredRepository.objects.filter(pk=repository_id).update(look_at=Now())
        ring(TASK, repository_id)


_NOTE = """
WITH noted AS (
    INSERT INTO projects_delivery (repository_id, delivery_id, event, commit, pull_request, received_at, outcome)
    VALUES (%(repository)s, %(delivery)s, %(event)s, %(commit)s, %(pull_request)s, now(), '')
    ON CONFLICT (repository_id, delivery_id) DO NOTHING
    RETURNING repository_id
), before AS (
    SELECT COALESCE(look_at <= now(), false) AS due FROM projects_registeredrepository WHERE id = %(repository)s
)
UPDATE projects_registeredrepository SET look_at = LEAST(look_at, now())
FROM noted, before WHERE id = noted.repository_id
RETURNING NOT before.due AND (lease_until IS NULL OR lease_until < now())
"""


def note(repository_id: int, *, delivery: str, event: str, commit: str = "", pull_request: int | None = None) -> bool:
    """Write a delivery down and have the repository read; False, and nothing done, when it was there already.

    One statement, since forges deliver in floods: of the time that it takes, what goes to and fro is most. For the same
    reason nobody is rung while a reading is due already, or goes on: that one's end rings, or the sweep does.
    """
    values: dict[str, Any] = {
        "repository": repository_id,
        "delivery": delivery,
        "event": event,
        "commit": commit,
        "pull_request": pull_request,
    }
    with connection.cursor() as cursor:
        cursor.execute(_NOTE, values)
        row = cursor.fetchone()
    if row is not None and row[0]:
        ring(TASK, repository_id)
    return row is not None


def due_repositories(limit: int) -> list[int]:
    """Ids of repositories that are to be read and that nobody reads, longest due first."""
    free = Q(lease_until=None) | Q(lease_until__lt=Now())
    condition = Q(look_at__lte=Now()) & free | Q(lease_until__lt=Now())
    return list(RegisteredRepository.objects.filter(condition).order_by("look_at").values_list("pk", flat=True)[:limit])


def somebody_came() -> None:
    """A person is here for the first time: read what waits for one. Whose push it was, the forge is asked then."""
    waiting = RegisteredRepository.objects.filter(waits_for_person=True).order_by("pk")
    due = list(waiting.values_list("pk", flat=True)[:100])
    with transaction.atomic():
        RegisteredRepository.objects.filter(pk__in=due).update(look_at=Now())
        for repository_id in due:
            ring(TASK, repository_id)


def poll_due(now: datetime, *, installation: Installation) -> int:
    """What the clock alone would miss: rows that nobody ever looked at, and ready projects without a row. Their number.

    Everything else is polled by itself, since each reading sets the time of the next one.
    """
    woken = RegisteredRepository.objects.filter(look_at=None, lease_until=None).update(look_at=now)
    ready = Resource.objects.filter(kind="repository", ready_status=Status.TRUE)
    missing = Project.objects.filter(
        pk__in=ready.values("project"), deleted_at=None, deletion_requested_at=None, registered_repository=None
    )
    return woken + sum(
        register_project_repository(project, installation=installation) is not None for project in missing[:100]
    )


_TAKE = """
UPDATE projects_registeredrepository SET lease_until = now() + %(lease)s, look_at = NULL
WHERE id = %(id)s AND (look_at <= now() OR lease_until < now()) AND (lease_until IS NULL OR lease_until < now())
RETURNING lease_until
"""
_GIVE_BACK = """
UPDATE projects_registeredrepository SET
    lease_until = NULL, look_at = LEAST(COALESCE(look_at, now() + %(after)s), now() + %(after)s)
WHERE id = %(id)s AND lease_until = %(until)s
RETURNING look_at <= now()
"""


def take_turn(repository_id: int) -> Turn | None:
    """Claim a repository. None when it is not due, is read by somebody, or isn't registered any more."""
    values: dict[str, Any] = {"id": repository_id, "lease": LEASE}
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, values)
        row = cursor.fetchone()
    return None if row is None else Turn(repository_id=repository_id, until=row[0])


def give_back(turn: Turn, *, after: timedelta = POLL) -> None:
    """End a turn and say when to look again, at the latest. Rings when it is due again already."""
    values: dict[str, Any] = {"id": turn.repository_id, "until": turn.until, "after": after}
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_GIVE_BACK, values)
            row = cursor.fetchone()
        if row is not None and row[0]:
            ring(TASK, turn.repository_id)


def hold(turn: Turn) -> RegisteredRepository:
    """The row, locked until the end of the transaction. Raises TurnLost when the turn is over."""
    rows = RegisteredRepository.objects.select_for_update(no_key=True)
    row = rows.filter(pk=turn.repository_id, lease_until=turn.until).first()
    if row is None:
        raise TurnLost
    return row


def hold_with_project(turn: Turn) -> RegisteredRepository:
    """The same for who goes on to write about its project, which is locked before it."""
    of_project = RegisteredRepository.objects.filter(pk=turn.repository_id).values("project")
    hold_projects(Project.objects.filter(pk__in=of_project))
    return hold(turn)
