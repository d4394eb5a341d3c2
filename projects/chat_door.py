"""Commands from a chat channel: Slack's slash commands, and outgoing webhooks of Teams.

The chat signs what it sends with a secret that only it and we know; without that nothing is read. What is told is told
to a channel, so it goes by what the channel's team may see. Teams names who asks by their id in the directory: they see
and do what they may, and who is nobody here learns nothing. Slack names them by an account that we don't know, so there
nothing acts; and since its commands can be given anywhere in Slack, only the channel that the catalogue names is
answered.
"""

import base64
import binascii
import hmac
import html
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs

import structlog
from django.contrib.auth import get_user_model
from django.contrib.auth.decorators import login_not_required
from django.db.models import QuerySet
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from projects import signed_door
from projects.bot_answers import Answer, Place, answer, elsewhere, help_text, not_understood, told
from projects.bot_commands import ACTS, LONGEST, WORD, Command, command
from projects.chat_text import Line, body_of
from projects.installation import installation
from projects.models import Door, Project
from projects.often import times
from projects.signed_door import Refused, length_of
from provisioning.channels import Channel
from provisioning.errors import TargetUnavailable

log = structlog.get_logger(__name__)

MAX_BYTES = 64 * 1024
OF_ONE = 20
"""Questions of one person in a channel in a minute."""
A_MINUTE = 60
"""Questions of one channel in a minute."""
OLDEST = timedelta(minutes=5)
"""Of a question; Slack says the same. An older one may be one that somebody wrote down and sends again."""
_REMEMBERED = 2 * int(OLDEST.total_seconds())
"""Seconds in which a question could come again and not be too old: a clock may be ahead as much as behind."""
_ANY = "demand-forecast"
"""A project's name in examples, where there is none to name."""
_TAG = re.compile(r"<at>.*?</at>|<[^>]*>")


@dataclass(frozen=True)
class Question:
    """What was asked, when, and by whom, as the directory knows them ("" where the chat doesn't say).

    signature: of this question and of no other. remembered: will we know it, if it comes again? account: what the chat
    itself calls who asks; it tells one from the other, and nothing else. workspace, room: where in Slack it was asked
    ("" in Teams).
    """

    text: str
    at: datetime
    signature: str
    account: str = ""
    tenant: str = ""
    object_id: str = ""
    workspace: str = ""
    room: str = ""
    remembered: bool = False


@csrf_exempt
@login_not_required
def receive(request: HttpRequest, channel: str) -> JsonResponse:
    """One question; the answer in the chat's shape, or what is wrong with the request."""
    try:
        if request.method != "POST":
            raise Refused(405, "Questions come by POST.")
        return JsonResponse(_receive(request, name=channel), headers={"Cache-Control": "no-store"})
    except Refused as refused:
        log.info("question_refused", channel=channel[:40], status=refused.status, detail=refused.detail)
        return signed_door.answer(refused.status, refused.detail)


def _receive(request: HttpRequest, *, name: str) -> dict[str, Any]:
    length_of(request, most=MAX_BYTES)
    channel = next((one for one in installation().catalogue.notify if one.name == name and one.asks is not None), None)
    if channel is None or not _is_signed(request, channel):
        # The same for a channel that there is not: who can't sign learns no names.
        raise Refused(401, "The signature is missing or wrong. The catalogue must have the secret that the chat shows.")
    body = request.body
    asked = _READ[channel.shape](request.headers, body)
    if abs(timezone.now() - asked.at) > OLDEST:
        raise Refused(401, "The question is too old, or a clock is wrong.")
    came = times(f"chat-question:{sha256(asked.signature.encode()).hexdigest()}", seconds=_REMEMBERED)
    if came > 1:
        raise Refused(409, "This very question came before, and was answered. Ask anew.")
    asker = sha256(asked.account.encode()).hexdigest()
    if times(f"chat:{channel.name}:{asker}", seconds=60) > OF_ONE:
        # Before the channel's are counted: who has to wait takes nothing from the others' share.
        raise Refused(429, f"More than {OF_ONE} questions of one person in a minute. Ask again a little later.")
    if times(f"chat:{channel.name}", seconds=60) > A_MINUTE:
        raise Refused(429, f"More than {A_MINUTE} questions in a minute. Ask again a little later.")
    said = answer_to(replace(asked, remembered=came == 1), channel=channel)
    log.info("question_answered", channel=channel.name)
    lines = [Line(text=said.says, url=said.page), *(Line(text=line, url="") for line in said.lines)]
    shaped = body_of(lines, shape=channel.shape)
    return {"response_type": "ephemeral", **shaped} if channel.shape == "slack" else shaped


def _is_signed(request: HttpRequest, channel: Channel) -> bool:
    if channel.asks is None:
        return False
    try:
        secret = installation().resolve(channel.asks)
    except TargetUnavailable as error:
        log.error("chat_secret_missing", channel=channel.name, error=error.message)
        return False
    authentic = {"slack": signed_by_slack, "teams": signed_by_teams}[channel.shape]
    return authentic(headers=request.headers, body=request.body, secret=secret)


def signed_by_slack(*, headers: Mapping[str, str], body: bytes, secret: str) -> bool:
    """Slack's signature, version 0: HMAC-SHA256 in hex of `v0:<time>:<body>`. Compares in constant time."""
    moment, given = headers.get("X-Slack-Request-Timestamp", ""), headers.get("X-Slack-Signature", "")
    expected = hmac.new(secret.encode(), b"v0:" + moment.encode() + b":" + body, sha256).hexdigest()
    return hmac.compare_digest(f"v0={expected}".encode(), given.encode())


def signed_by_teams(*, headers: Mapping[str, str], body: bytes, secret: str) -> bool:
    """The signature of an outgoing webhook of Teams: base64 of HMAC-SHA256, with a key in base64. In constant time."""
    try:
        key = base64.b64decode(secret, validate=True)
    except binascii.Error:
        return False
    expected = base64.b64encode(hmac.new(key, body, sha256).digest()).decode()
    return hmac.compare_digest(f"HMAC {expected}".encode(), headers.get("Authorization", "").encode())


def _of_slack(headers: Mapping[str, str], body: bytes) -> Question:
    said = headers.get("X-Slack-Request-Timestamp", "")
    if not (said.isascii() and said.isdigit() and len(said) < 12):
        raise Refused(401, "X-Slack-Request-Timestamp has to be seconds since 1970.")
    try:
        form = parse_qs(body.decode(), max_num_fields=50)
    except ValueError as error:
        raise Refused(400, "The body is not a form.") from error
    names = ("text", "user_id", "team_id", "channel_id")
    text, account, workspace, room = (form.get(name, [""])[0] for name in names)
    return Question(
        text=_plain(text),
        at=datetime.fromtimestamp(int(said), UTC),
        signature=headers.get("X-Slack-Signature", ""),
        account=account,
        workspace=workspace,
        room=room,
    )


def _of_teams(headers: Mapping[str, str], body: bytes) -> Question:
    try:
        payload = json.loads(body)
        at = datetime.fromisoformat(str(payload["timestamp"]))
        text, who = payload["text"], payload.get("from") or {}
        account, object_id = who.get("id") or "", who.get("aadObjectId") or ""
        tenant = (payload.get("channelData") or {}).get("tenant") or {}
        tenant_id = tenant.get("id") or (payload.get("conversation") or {}).get("tenantId") or ""
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Refused(400, "The body is not a message of Teams.") from error
    if not all(isinstance(one, str) for one in (text, account, object_id, tenant_id)) or at.tzinfo is None:
        raise Refused(400, "The body is not a message of Teams.")
    return Question(
        text=_plain(html.unescape(_TAG.sub(" ", text))),
        at=at,
        signature=headers.get("Authorization", ""),
        account=_plain(account),
        tenant=_plain(tenant_id).lower(),
        object_id=_plain(object_id).lower(),
    )


def _plain(text: str) -> str:
    """Text without the slash command's own word. Raises Refused for a character that no database takes."""
    # A lone half of a pair is a character neither.
    if any(one == "\x00" or "\ud800" <= one <= "\udfff" for one in text):
        raise Refused(400, "There is a character in it that is none.")
    return text.strip().removeprefix(WORD)


_READ = {"slack": _of_slack, "teams": _of_teams}


def answer_to(asked: Question, *, channel: Channel) -> Answer:
    """The answer: to a command, a project's name and what the command wants besides, such as `compare demand main`."""
    if not _is_its_place(asked, channel):
        return Answer("I answer in your team's channel only. Ask there.")
    person = _person(asked)
    if person is None and channel.shape == "teams":
        return _for_nobody()
    said, slug = _parts(asked.text)
    if said.name == "help":
        return help_text(project=_example(channel))
    if not said.name:
        return not_understood(said, project=_example(channel))
    if not slug:
        return Answer(f"Which project? Write its name: {said.name} {_example(channel)}.")
    project = _project(slug, channel=channel)
    if project is None:
        return Answer(f"This channel's team has no project {slug[:LONGEST]}.")
    place = Place(project=project, address=installation().project_url(project.slug), door=Door.CHAT)
    if said.name in ACTS and not asked.remembered:
        # It would be done again, were it sent again.
        return elsewhere(said, place=place, because="I can't tell just now whether you asked this before")
    return answer(said, place=place, person=person) if person is not None else told(said, place=place)


def _is_its_place(asked: Question, channel: Channel) -> bool:
    if channel.shape != "slack":
        # An outgoing webhook of Teams belongs to one team there, and nobody else can call it.
        return True
    return asked.room == channel.slack_channel and channel.slack_workspace in (None, asked.workspace)


def _for_nobody() -> Answer:
    """For who never signed in, and for who has left: nothing of any project, not even a name."""
    commands = help_text(project=_ANY).lines
    return Answer(
        "I don't know you, so I can't answer. Sign in to Slipway once, then ask one of these:",
        commands,
        installation().public_url,
    )


def _parts(text: str) -> tuple[Command, str]:
    """The command without the project's name, and that name; "" for a command without one."""
    said = command(text)
    if said.name in ("", "help"):
        return said, ""
    slug, _, argument = said.argument.partition(" ")
    return Command(said.name, argument.strip()), slug.lower()


def _project(slug: str, *, channel: Channel) -> Project | None:
    """The project, if everybody of the channel's team may see it."""
    return _projects(channel).filter(slug=slug).select_related("team").prefetch_related("resources").first()


def _example(channel: Channel) -> str:
    """The name of a project that the channel may ask about; any name while there is none."""
    return _projects(channel).order_by("-pk").values_list("slug", flat=True).first() or _ANY


def _projects(channel: Channel) -> QuerySet[Project]:
    rows = Project.objects.filter(deleted_at=None)
    return rows.filter(team__slug=channel.team) if channel.team else rows


def _person(asked: Question) -> Any:
    """Who has this id in this directory, and has signed in here and not left; None when nobody does.

    An id alone names nobody: another directory may give the same one to somebody else.
    """
    if not (asked.tenant and asked.object_id):
        return None
    known = get_user_model()._default_manager.filter(tenant__iexact=asked.tenant, object_id=asked.object_id)
    return known.filter(is_active=True).first()
