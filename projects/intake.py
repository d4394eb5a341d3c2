"""The file door: read profile.yaml from the forge, ask for what it says, and answer on the commit.

Whatever rang, the same is done: look at the tip of the default branch. So deliveries that are lost, doubled, replayed
or late change nothing, and the same call after a crash ends the same. What was asked, and that this commit was seen, is
one transaction; the answer is worked out from our rows and written afterwards, as often as needed.

An unchanged file asks for nothing: otherwise each push of code would undo what was changed by form since. A removed
file never retires a project. Pull requests are only previewed.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import structlog
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from projects.askers import blob_at, person_of, stranger, way_in, who_brought
from projects.bot_comments import answer_comments
from projects.deliveries import COMMENT
from projects.desk import CONTEXT, Desk, Refused
from projects.file_wish import ask, parsed
from projects.granting import held
from projects.installation import Installation
from projects.listening import (
    Turn,
    TurnLost,
    give_back,
    hold,
    hold_with_project,
    take_turn,
)
from projects.models import Action, Decision, Delivery, Door, ProjectRequest, RegisteredRepository
from projects.phrases import as_kept
from projects.profile import FILE, Profile
from projects.pull_requests import look_at_pull_request
from projects.renamed import present_repository
from projects.repository_documents import note_documents
from projects.verdicts import granted_project, request_of, shortened
from provisioning.errors import PermanentError, ProvisioningError, TemporaryError
from provisioning.forge import ForgeClient
from provisioning.phrases import phrase

if TYPE_CHECKING:
    from projects.permissions import Person

log = structlog.get_logger(__name__)

_FEED_LAG = timedelta(seconds=60)
_LONGEST = 1000
"""Characters of a refusal that stand above every page of a project; a file can have thousands of faults."""


def read(repository_id: int, *, installation: Installation, open_client: Callable[[str], Any]) -> None:
    """Look at one registered repository if it is due and nobody does already. The worker's task.

    open_client: from a forge's name to its client. Nothing is raised for a forge that is away or says no: we look
    again, the sooner the younger the oldest delivery is that waits for an answer.
    """
    turn = take_turn(repository_id)
    if turn is None:
        return
    waiting = list(Delivery.objects.filter(repository_id=repository_id, answered_at=None))
    with structlog.contextvars.bound_contextvars(repository=repository_id):
        try:
            _look(turn, waiting, installation=installation, open_client=open_client)
        except TurnLost:
            log.warning("turn_lost")
        except TemporaryError as error:
            after = _patience(error, waiting)
            log.warning("forge_unavailable", error=error.message, seconds=after.total_seconds())
            give_back(turn, after=after)
        else:
            give_back(turn)


def _patience(error: TemporaryError, waiting: Sequence[Delivery]) -> timedelta:
    """How long to wait after a failed look: as told, else half as long as the oldest delivery waits, 1 s to 5 min."""
    if error.delay is not None:
        return timedelta(seconds=max(error.delay, 0.5))
    if not waiting:
        return timedelta(seconds=60)
    oldest = timezone.now() - min(one.received_at for one in waiting)
    return min(max(oldest / 2, timedelta(seconds=1)), timedelta(minutes=5))


def _look(
    turn: Turn, waiting: Sequence[Delivery], *, installation: Installation, open_client: Callable[[str], Any]
) -> None:
    row = RegisteredRepository.objects.get(pk=turn.repository_id)
    try:
        installation.catalogue.forge(row.forge)
    except KeyError:
        log.error("forge_not_in_catalogue", forge=row.forge)
        _answered(waiting, f"The forge {row.forge} is no longer in the catalogue.")
        return
    client: ForgeClient = open_client(row.forge)
    pushes = [one for one in waiting if one.pull_request is None]
    found: Mapping[str, Any] | None = None
    try:
        found = present_repository(turn, client)
        outcome = "The forge shows us no such repository any more."
        if found is not None:
            desk = Desk(
                repository_id=row.pk,
                installation=installation,
                client=client,
                full_name=found["full_name"],
                branch=found["default_branch"],
                html_url=found["html_url"],
            )
            outcome = _look_at_branch(turn, desk, waiting=pushes)
    except PermanentError as error:
        outcome = error.message
    log.info("profile_read", outcome=outcome)
    _answered(pushes, outcome)
    if found is None:
        _answered(waiting, outcome)
        return
    held_up = _look_at_pull_requests(desk, [one for one in waiting if one.pull_request is not None])
    # Last, since nobody waits for it.
    note_documents(desk)
    if held_up is not None:
        raise held_up


def _look_at_pull_requests(desk: Desk, asked: Sequence[Delivery]) -> TemporaryError | None:
    """Look at each pull request that was told of; what held one up, after all the others, or None.

    Previews come first, then the comments of pull requests with few of them: a flood delays nobody else.
    """
    told = Counter((one.event == COMMENT, one.pull_request or 0) for one in asked)
    held_up = None
    for comments, number in sorted(told, key=lambda one: (one[0], told[one], one[1])):
        try:
            outcome = answer_comments(desk, number) if comments else look_at_pull_request(desk, number)
        except PermanentError as error:
            outcome = error.message
        except TemporaryError as error:
            held_up = held_up or error
            continue
        _answered([one for one in asked if (one.event == COMMENT, one.pull_request) == (comments, number)], outcome)
    return held_up


def _answered(deliveries: Sequence[Delivery], outcome: str) -> None:
    ids = [one.pk for one in deliveries]
    Delivery.objects.filter(pk__in=ids, answered_at=None).update(answered_at=timezone.now(), outcome=outcome)


# The default branch


def _look_at_branch(turn: Turn, desk: Desk, *, waiting: Sequence[Delivery]) -> str:
    """Ask for what the file at the branch's tip says, if it is new; the outcome as a sentence."""
    head = desk.client.branch_head(desk.full_name, desk.branch)
    if head is None:
        return "The repository has no commit yet."
    sha = str(head["sha"])
    _bind(turn, desk)
    if sha == desk.row().seen_commit:
        return _said_again(desk, sha)
    try:
        found = _file(desk, sha)
        if found is None:
            _seen(turn, sha)
            return f"There is no {FILE}; nothing changes."
        content, blob = found
        if _asked_before(desk, blob):
            _seen(turn, sha)
            said = desk.say_standing(sha)
            return f"{FILE} is unchanged. {said.description if said else ''}".strip()
        login = who_brought(desk.client, full_name=desk.full_name, branch=desk.branch, sha=sha, blob=blob)
        if login is not None and login.lower() == desk.client.bot.lower():
            _seen(turn, sha)
            return "Pushed by Slipway itself; that asks for nothing."
        profile = parsed(content)
        _ask(turn, desk, sha, profile, person=_person(desk, login, head, waiting=waiting))
    except Refused as refused:
        why = shortened(refused.sentences, limit=_LONGEST)
        # Before it is said on the forge, which may be away: the portal's pages say it too.
        _refused(turn, sha, why=why, again=refused.again)
        desk.say_refused(sha, refused)
        if not refused.again:
            _seen(turn, sha, refused=why)
        return " ".join(refused.sentences)
    said = desk.say_standing(sha)
    return said.description if said else "Asked."


def _file(desk: Desk, sha: str) -> tuple[bytes, str] | None:
    try:
        return desk.client.file(desk.full_name, FILE, sha)
    except PermanentError as error:
        raise Refused([error.message]) from error


def _seen(turn: Turn, sha: str, *, refused: str = "") -> None:
    with transaction.atomic():
        _saw(hold(turn), sha, refused=refused).save(update_fields=_SEEN)


_SEEN = ["seen_commit", "waits_for_person", "refused", "refused_commit", "phrases"]


def _saw(row: RegisteredRepository, sha: str, *, refused: str = "") -> RegisteredRepository:
    row.seen_commit, row.waits_for_person = sha, False
    row.refused, row.refused_commit, row.phrases = refused, sha if refused else "", as_kept(refused=refused)
    return row


def _refused(turn: Turn, sha: str, *, why: str, again: bool) -> None:
    """Note what is wrong with the file. `again`: it is read again when a person comes who was never here."""
    with transaction.atomic():
        row = hold(turn)
        row.refused, row.refused_commit, row.phrases = why, sha, as_kept(refused=why)
        row.waits_for_person = again
        row.save(update_fields=["refused", "refused_commit", "phrases", "waits_for_person"])


def _bind(turn: Turn, desk: Desk) -> None:
    """Take note of the project when the request of this repository was approved after it was read."""
    row = desk.row()
    if row.project is None or row.project.deleted_at is not None:
        project = granted_project(row)
        if project is not None:
            with transaction.atomic():
                row = hold(turn)
                row.project = project
                row.save(update_fields=["project"])


def _said_again(desk: Desk, sha: str) -> str:
    """Nothing is new: only correct the answer, and only where the file was not refused."""
    request = request_of(desk.row())
    present = desk.client.statuses(desk.full_name, sha).get(CONTEXT)
    if (request is not None and request.commit == sha) or (present and present["state"] in ("pending", "success")):
        desk.say_standing(sha)
    return "This commit was answered before."


def _asked_before(desk: Desk, blob: str) -> bool:
    """Was this very file asked for already, and not refused?"""
    row = desk.row()
    request = request_of(row)
    if request is not None and request.commit and blob_at(desk.client, desk.full_name, request.commit) == blob:
        return True
    if row.project is None or row.project.deleted_at is not None or not row.seen_commit:
        return False
    present = desk.client.statuses(desk.full_name, row.seen_commit).get(CONTEXT)
    accepted = present is not None and present["state"] in ("pending", "success")
    return accepted and blob_at(desk.client, desk.full_name, row.seen_commit) == blob


def _person(desk: Desk, login: str | None, head: Mapping[str, Any], *, waiting: Sequence[Delivery]) -> "Person":
    if login is None:
        if any(one.received_at > timezone.now() - _FEED_LAG for one in waiting):
            raise TemporaryError(f"{desk.client.name} does not say yet who pushed.", delay=1)
        raise Refused(
            [
                phrase(
                    "%(forge)s does not say who pushed profile.yaml. Change it once more and push again.",
                    forge=desk.client.name,
                )
            ],
            again=True,
        )
    person = person_of(desk.client, login, project=desk.row().project, commit=head)
    if person is None:
        raise Refused(
            [
                phrase(
                    "%(stranger)s. %(way_in)s; this file is looked at again then.",
                    stranger=stranger(desk.client, login),
                    way_in=way_in(desk.client, portal=desk.installation.public_url),
                )
            ],
            again=True,
        )
    if not person.is_active:
        closed = phrase(
            "The account of %(login)s is closed. Somebody else of the team has to push profile.yaml.", login=login
        )
        raise Refused([closed])
    return person


def _ask(turn: Turn, desk: Desk, sha: str, profile: Profile, *, person: "Person") -> None:
    """Ask for a new project or a change; that and `seen_commit` together or not at all."""
    with transaction.atomic():
        row = _hold_with_wish(turn, desk)
        asked = ask(row, profile, by=person, installation=desk.installation, commit=sha)
        row.project = asked.project or row.project
        _saw(row, sha).save(update_fields=["project", *_SEEN])


def _hold_with_wish(turn: Turn, desk: Desk) -> RegisteredRepository:
    """The row, and before it what the file may change: its project, or the request for one that waits."""
    row = desk.row()
    waits = request_of(row) if row.project is None else None
    if waits is not None:
        held(waits)
    return hold_with_project(turn)


def answer(project_id: int, *, installation: Installation, open_client: Callable[[str], Any]) -> None:
    """Say on the commit how the file's newest wish came out. Called when a project settled; never raises for a forge.

    Nothing is said when the project has no registered repository, or has been asked for nothing by file.
    """
    row = RegisteredRepository.objects.filter(project_id=project_id).first() or _unbound(project_id)
    request = request_of(row) if row is not None else None
    if row is None or request is None:
        return
    try:
        client: ForgeClient = open_client(row.forge)
        desk = Desk(
            repository_id=row.pk,
            installation=installation,
            client=client,
            full_name=row.full_name,
            branch="",
            html_url="",
        )
        desk.say_standing(request.commit)
        if row.seen_commit not in ("", request.commit):
            present = client.statuses(row.full_name, row.seen_commit).get(CONTEXT)
            if present is not None and present["state"] in ("pending", "success"):
                desk.say_standing(row.seen_commit)
    except KeyError:
        log.error("forge_not_in_catalogue", forge=row.forge)
    except ProvisioningError as error:
        log.warning("answer_postponed", repository=str(row), error=error.message)
        soon = timezone.now() + timedelta(seconds=30)
        rows = RegisteredRepository.objects.filter(Q(look_at=None) | Q(look_at__gt=soon), pk=row.pk, lease_until=None)
        rows.update(look_at=soon)


def _unbound(project_id: int) -> RegisteredRepository | None:
    """The repository whose file asked for this project before somebody had to decide; it is bound now."""
    granted = ProjectRequest.objects.filter(
        project_id=project_id, door=Door.FILE, action=Action.CREATE, decision=Decision.APPROVED
    )
    rows = RegisteredRepository.objects.filter(Q(project=None) | Q(project__deleted_at__isnull=False))
    row = rows.filter(requests__in=granted).first()
    if row is not None:
        RegisteredRepository.objects.filter(pk=row.pk).update(project=project_id)
        row.project_id = project_id
    return row
