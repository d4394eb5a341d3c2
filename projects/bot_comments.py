"""The bot under pull requests: it reads what people wrote there, and answers each command once, where it was asked.

A delivery only says on which pull request to look. What was asked, and by whom, is read from the forge; so a forged,
doubled or lost delivery does nothing that the comment itself would not. Each answer carries the number of the comment
that it answers: an answer that is there already is never given again, also after a crash between the two.
"""

from typing import Any

import structlog

from projects.askers import person_of
from projects.bot_answers import Answer, Place, answer, help_text, not_understood
from projects.bot_commands import Command, asked
from projects.desk import Desk
from projects.markdown import inert
from projects.models import Door
from projects.often import times
from projects.pull_requests import look_at_pull_request
from provisioning.errors import PermanentError, TemporaryError

log = structlog.get_logger(__name__)

MARKER = "slipway-reply"
AT_ONCE = 5
"""Answers of one look at a pull request; what is left is answered at the next."""
IN_A_MINUTE = 20
"""Answers in one repository."""


def answer_comments(desk: Desk, number: int) -> str:
    """Answer what is not answered yet; the outcome as a sentence. Raises what the forge's client raises."""
    found = desk.client.pull_request(desk.full_name, number)
    if found is None:
        return "There is no such pull request; comments on issues are not answered."
    comments = desk.client.comments(desk.full_name, number)
    bot = desk.client.bot.lower()
    answered = {one["body"].partition("\n")[0] for one in comments if one["author"].lower() == bot}
    waiting = [
        (one, command)
        for one in comments
        if one["author"].lower() != bot
        and (command := asked(one["body"])) is not None
        and f"<!-- {_marker(one)} -->" not in answered
    ]
    for given, (comment, command) in enumerate(waiting):
        if given >= AT_ONCE or times(f"bot:{desk.repository_id}", seconds=60) > IN_A_MINUTE:
            raise TemporaryError(
                f"{len(waiting) - given} commands wait: so many at once are answered slowly.", delay=20
            )
        said = _answer(desk, number, comment=comment, command=command)
        desk.client.upsert_comment(desk.full_name, number, _marker(comment), markdown(command, said))
        log.info("bot_answered", command=command.name or "unknown", pull_request=number)
    return f"{len(waiting)} answered." if waiting else "Nothing new was asked."


def _marker(comment: Any) -> str:
    return f"{MARKER}-{comment['id']}"


def _answer(desk: Desk, number: int, *, comment: Any, command: Command) -> Answer:
    if command.name == "help":
        return help_text()
    if not command.name:
        return not_understood(command)
    project = desk.row().project
    if project is None or project.deleted_at is not None:
        return Answer("This repository belongs to no project yet.")
    login = str(comment["author"])
    person = person_of(desk.client, login)
    if person is None or not person.is_active:
        return Answer(
            f"{login} has not signed in to Slipway yet, so I can't tell what {login} may know. "
            "Sign in once, then ask again.",
            page=desk.installation.public_url,
        )
    place = Place(
        project=project,
        address=desk.installation.project_url(project.slug),
        door=Door.COMMENT,
        pull_request=number,
        main_branch=desk.branch,
    )
    said = answer(command, place=place, person=person)
    if command.name != "plan" or not said.page:
        return said
    try:
        merging = look_at_pull_request(desk, number)
    except PermanentError as error:
        merging = error.message
    return Answer(said.says, (*said.lines, f"merging this: {merging}"), said.page)


def markdown(command: Command, said: Answer) -> str:
    """The answer for a forge; nothing in it means more than its letters."""
    lines = [f"> {inert(command.text)}", "", inert(said.says, limit=600)]
    if said.lines:
        lines += ["", *(f"- {inert(line, limit=500)}" for line in said.lines)]
    if said.page:
        lines += ["", f"[Open in Slipway]({said.page})"]
    return "\n".join(lines)
