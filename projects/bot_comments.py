"""The bot under pull requests: it reads what people wrote there, and answers each command once, where it was asked.

A delivery only says on which pull request to look. What was asked, and by whom, is read from the forge; so a forged,
doubled or lost delivery does nothing that the comment itself would not. Forges let people edit comments of others and
don't say who did, so nothing is done for an edited comment. What a command has done and its answer are written down
together, and then the answer is posted, with the number of the comment that it answers: nothing is done twice and no
answer is given again, whenever we die and whoever deletes an answer.

Who asks much waits for it, and nobody else does: a person's answers are counted over all projects, a project's by its
repository, and under a pull request everybody's first command comes before anybody's second.

What was answered is kept for 90 days. What is older is not answered at all: forges number comments upwards, so whatever
stands at or below the newest comment that was answered that long ago is old too, whether we still know of it or not.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import structlog
from django.db import IntegrityError, transaction
from django.db.models import Exists, Max, OuterRef, QuerySet
from django.utils import timezone

from projects import permissions
from projects.askers import person_of, stranger, way_in
from projects.bot_answers import Answer, Place, answer, help_text, not_understood
from projects.bot_commands import Command, asked
from projects.desk import Desk
from projects.markdown import fitting, inert
from projects.models import Answered, Door
from projects.often import times
from projects.pull_requests import Merging, merging_of
from provisioning.errors import PermanentError, TemporaryError
from provisioning.forge import Comment

if TYPE_CHECKING:
    from projects.permissions import Person

log = structlog.get_logger(__name__)

MARKER = "slipway-reply"
AT_ONCE = 5
"""Answers of one look at a pull request; what is left is answered at the next."""
OF_ONE = 10
"""Answers to one person in a minute, in all repositories of a forge."""
IN_A_MINUTE = 40
"""Answers in one repository: GitHub takes 80 comments a minute from one account, and the others want some too."""
KEPT = timedelta(days=90)
"""How long it is known that a command was answered."""


def answer_comments(desk: Desk, number: int) -> str:
    """Answer what is not answered yet; the outcome as a sentence. Raises what the forge's client raises."""
    found = desk.client.pull_request(desk.full_name, number)
    if found is None:
        return "There is no such pull request; comments on issues are not answered."
    waiting = _waiting(desk, desk.client.comments(desk.full_name, number))
    given, slowed = 0, set[str]()
    for comment, command in _in_turn(waiting):
        who = comment["author"].lower()
        if who in slowed:
            continue
        if given == AT_ONCE:
            break
        if times(f"bot:{desk.client.name}:{who}", seconds=60) > OF_ONE:
            # Before the repository's are counted: who has to wait takes nothing from the others' share.
            slowed.add(who)
            continue
        if times(f"bot:{desk.repository_id}", seconds=60) > IN_A_MINUTE:
            break
        given += 1
        row = _kept(desk, comment) or _dealt_with(desk, number, comment=comment, command=command)
        if row.posted_at is not None:
            # Who took the repository over meanwhile gave it.
            continue
        desk.client.upsert_comment(desk.full_name, number, _marker(comment), row.text)
        _posted(desk, [comment])
        log.info("bot_answered", command=command.name or "unknown", pull_request=number)
    if given < len(waiting):
        raise TemporaryError(f"{len(waiting) - given} commands wait: so many at once are answered slowly.", delay=20)
    return f"{len(waiting)} answered." if waiting else "Nothing new was asked."


def _in_turn(waiting: Sequence[tuple[Comment, Command]]) -> list[tuple[Comment, Command]]:
    """Everybody's first command before anybody's second."""
    before: Counter[str] = Counter()
    turns = []
    for one in waiting:
        author = one[0]["author"].lower()
        turns.append((before[author], one))
        before[author] += 1
    return [one for _, one in sorted(turns, key=lambda turn: turn[0])]


def _waiting(desk: Desk, comments: Sequence[Comment]) -> list[tuple[Comment, Command]]:
    """Comments with a command that has no answer, neither in our rows nor on the forge. What stands there is noted."""
    bot = desk.client.bot.lower()
    old = _old(now=timezone.now()).filter(repository=desk.repository_id).aggregate(newest=Max("comment"))["newest"]
    asking = [
        (one, command)
        for one in comments
        if one["id"] > (old or 0) and one["author"].lower() != bot and (command := asked(one["body"])) is not None
    ]
    there = {one["body"].partition("\n")[0] for one in comments if one["author"].lower() == bot}
    # We may have died between the answer and this note.
    _posted(desk, [one for one, _ in asking if f"<!-- {_marker(one)} -->" in there])
    rows = Answered.objects.filter(repository=desk.repository_id, posted_at__isnull=False)
    known = set(rows.filter(comment__in=[one["id"] for one, _ in asking]).values_list("comment", flat=True))
    return [
        (one, command) for one, command in asking if one["id"] not in known and f"<!-- {_marker(one)} -->" not in there
    ]


def _old(*, now: datetime) -> QuerySet[Answered]:
    return Answered.objects.filter(made_at__lt=now - KEPT)


def forget_old(*, now: datetime) -> None:
    """Forget old commands, but the newest of each repository: by it one sees what is old there."""
    newer = _old(now=now).filter(repository=OuterRef("repository"), comment__gt=OuterRef("comment"))
    _old(now=now).filter(Exists(newer)).delete()


def _posted(desk: Desk, comments: Sequence[Comment]) -> None:
    rows = Answered.objects.filter(repository=desk.repository_id, posted_at=None)
    rows.filter(comment__in=[one["id"] for one in comments]).update(posted_at=timezone.now(), text="")


def _marker(comment: Comment) -> str:
    return f"{MARKER}-{comment['id']}"


def _kept(desk: Desk, comment: Comment) -> Answered | None:
    """The answer that is written down; None when there is none."""
    return Answered.objects.filter(repository=desk.repository_id, comment=comment["id"]).first()


def _dealt_with(desk: Desk, number: int, *, comment: Comment, command: Command) -> Answered:
    """Do what the command asks for and write its answer down: both or neither."""
    asks = command.name not in ("", "help") and not comment["edited"]
    place = _place(desk, number) if asks else None
    person = person_of(desk.client, comment["author"], project=place.project) if place is not None else None
    merging = None
    if command.name == "plan" and place is not None and person is not None:
        # Before the transaction, since the forge is asked for it.
        merging = _merging(desk, number) if permissions.may_see(person, place.project) else None
    try:
        with transaction.atomic():
            said = _answer(desk, comment, command=command, place=place, person=person)
            if merging is not None:
                said = replace(said, lines=(*said.lines, f"merging this: {merging.sentence}"))
            text = markdown(command, said, more=merging.full if merging is not None else "")
            return Answered.objects.create(repository_id=desk.repository_id, comment=comment["id"], text=text)
    except IntegrityError:
        # Who took the repository over meanwhile dealt with it.
        return Answered.objects.get(repository=desk.repository_id, comment=comment["id"])


def _place(desk: Desk, number: int) -> Place | None:
    project = desk.row().project
    if project is None or project.deleted_at is not None:
        return None
    return Place(
        project=project,
        address=desk.installation.project_url(project.slug),
        door=Door.COMMENT,
        pull_request=number,
        main_branch=desk.branch,
    )


def _merging(desk: Desk, number: int) -> Merging:
    try:
        return merging_of(desk, number)
    except PermanentError as error:
        return Merging(error.message)


def _answer(desk: Desk, comment: Comment, *, command: Command, place: Place | None, person: "Person | None") -> Answer:
    if comment["edited"]:
        return Answer(
            "This comment was edited, and I can't tell by whom, so I don't do what it says. Write it as a new comment."
        )
    if command.name == "help":
        return help_text()
    if not command.name:
        return not_understood(command)
    if place is None:
        return Answer("This repository belongs to no project yet.")
    login = comment["author"]
    if person is None:
        return Answer(
            f"{stranger(desk.client, login)}, so I can't answer. "
            f"{way_in(desk.client, portal=desk.installation.public_url)}, then ask again.",
            page=desk.installation.public_url,
        )
    if not person.is_active:
        return Answer(f"The account of {login} is closed, so I can't answer.")
    return answer(command, place=place, person=person)


def markdown(command: Command, said: Answer, *, more: str = "") -> str:
    """The answer for a forge; nothing in it means more than its letters. more: Markdown of our own, below it."""
    head = [f"> {inert(command.text)}", "", inert(said.says, limit=600)]
    body = ["", *(f"- {inert(line, limit=500)}" for line in said.lines)] if said.lines else []
    if more:
        body += ["", *more.splitlines()]
    return fitting(head, body, ["", f"[Open in Slipway]({said.page})"] if said.page else [])
