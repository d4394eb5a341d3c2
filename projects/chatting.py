"""News for a team's chat channel: written with what it tells of, posted by the worker together with what comes close.

Each channel goes its own way: one that doesn't answer holds up no other, and no mail.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import structlog
from django.db import transaction
from django.utils import timezone

from projects.chat_text import Line, body_of
from projects.installation import Installation, installation
from projects.mail_text import link_of
from projects.models import ChatPost, ConsentState, DataConsent, Decision, Project, ProjectRequest
from projects.news import NEWS, Kind, is_over
from projects.sending import LEASE, give_up, not_now, pause_after
from provisioning.channels import Channel
from provisioning.errors import PermanentError, ProvisioningError, TemporaryError
from provisioning.secrets import Resolve

log = structlog.get_logger(__name__)

AT_MOST = 20
"""News in one message."""
_AT_ONCE = 8
_NO_CHANNEL = "The channel is not in the catalogue any more."
_NOTHING_LEFT = "It is not for this channel any more."


def tell_channels(
    kind: Kind,
    *,
    text: str,
    request: ProjectRequest | None,
    project: Project | None,
    consent: DataConsent | None = None,
    posted: Kind | None = None,
) -> None:
    """Keep the sentence for every channel that is to hear of it. Inside the transaction of what is told.

    posted: as which kind the same is kept already, for those that hear of that.
    """
    settings = installation()
    about = request or project or consent
    if about is None:
        return
    now = timezone.now()
    at = now if NEWS[kind].urgent else now + settings.mail_window
    ChatPost.objects.bulk_create(
        ChatPost(
            channel=one.name,
            kind=kind,
            text=text,
            request=request,
            project=project,
            consent=consent,
            made_at=now,
            next_try_at=at,
        )
        for one in settings.catalogue.notify
        if _hears(one, kind) and one.team in ("", about.team.slug) and not (posted and _hears(one, posted))
    )


def _hears(channel: Channel, kind: Kind) -> bool:
    return NEWS[kind].chat and (not channel.kinds or kind in channel.kinds)


def post_due(*, installation: Installation) -> int:
    """Post what is due, one message for each channel. Returns how many messages were taken."""
    now, window = timezone.now(), installation.mail_window
    channels = {one.name: one for one in installation.catalogue.notify}
    due = ChatPost.objects.filter(sent_at=None, given_up_at=None, next_try_at__lte=now)
    taken: list[tuple[Channel, list[ChatPost]]] = []
    for name in due.order_by("channel").values_list("channel", flat=True).distinct():
        rows = claim(name, now=now, window=window)
        if name not in channels:
            for row in rows:
                give_up(row, _NO_CHANNEL)
            continue
        kept = [row for row in rows if _still_for(row, channels[name])]
        for row in rows:
            if row not in kept:
                give_up(row, _NOTHING_LEFT)
        if kept:
            taken.append((channels[name], kept))
    if not taken:
        return 0
    messages = [(one, body_of(_lines(rows, base=installation.public_url), shape=one.shape)) for one, rows in taken]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        # Threads make the outside calls only; rows are written here.
        answers = list(pool.map(lambda message: _post(*message, resolve=installation.resolve), messages))
    return sum(_noted(channel, rows, fault) for (channel, rows), fault in zip(taken, answers, strict=True))


def claim(channel: str, *, now: datetime, window: timedelta) -> list[ChatPost]:
    """Take what waits for the channel and what comes close after it; nobody else gets it within the lease."""
    with transaction.atomic():
        waiting = ChatPost.objects.filter(channel=channel, sent_at=None, given_up_at=None)
        locked = waiting.filter(next_try_at__lte=now + window).select_for_update(of=("self",), skip_locked=True)
        rows = list(locked.select_related("request__team", "project__team", "consent__team").order_by("pk")[:AT_MOST])
        if not any(row.next_try_at <= now for row in rows):
            return []
        for row in rows:
            row.tries += 1
            row.next_try_at = now + LEASE
        ChatPost.objects.bulk_update(rows, ["tries", "next_try_at"])
    return rows


def _still_for(post: ChatPost, channel: Channel) -> bool:
    """Whether everybody of the channel's team may see it now, and it is still so."""
    if post.request is not None and is_over(post.kind, pending=post.request.decision == Decision.PENDING):
        return False
    if post.request is None and post.project is not None and post.project.deleted_at is not None:
        return False
    if post.consent is not None and is_over(post.kind, pending=post.consent.state == ConsentState.ASKED):
        return False
    about = post.request or post.project or post.consent
    return about is not None and channel.team in ("", about.team.slug)


def _lines(rows: Sequence[ChatPost], *, base: str) -> list[Line]:
    return [Line(text=row.text, url=base + link_of(row)) for row in rows]


def _post(channel: Channel, body: dict[str, object], *, resolve: Resolve) -> ProvisioningError | None:
    # Only here, in a worker: the web process loads no client library.
    from provisioning.clients import chat

    try:
        chat.post(resolve(channel.url), body)
    except ProvisioningError as error:
        return error
    return None


def _noted(channel: Channel, rows: Sequence[ChatPost], fault: ProvisioningError | None) -> bool:
    if fault is None:
        ChatPost.objects.filter(pk__in=[row.pk for row in rows]).update(sent_at=timezone.now(), why="")
        log.info("posted", channel=channel.name, news=len(rows))
        return True
    if isinstance(fault, PermanentError):
        for row in rows:
            give_up(row, fault.message)
        return False
    told = fault.delay if isinstance(fault, TemporaryError) else None
    pause = pause_after(max(row.tries for row in rows), told=told)
    for row in rows:
        not_now(row, fault.message, pause=pause)
    # What came meanwhile would only be told the same.
    waiting = ChatPost.objects.filter(channel=channel.name, sent_at=None, given_up_at=None)
    waiting.filter(next_try_at__lt=timezone.now() + pause).update(next_try_at=timezone.now() + pause)
    return False
