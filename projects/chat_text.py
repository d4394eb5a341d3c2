"""What is posted to a chat: a line for each piece of news with its link, in the shape that the channel takes.

Texts come from people. Slack parses angle brackets as links and mentions, others parse @all; Teams parses Markdown in a
TextBlock, so the card is made of TextRuns, which it takes as they are.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.text import Truncator
from django.utils.translation import gettext

from provisioning.channels import Shape

_LONGEST = 500
_EVERYBODY = re.compile(r"@(?=(channel|here|all|everyone)\b)", re.IGNORECASE)
_BREAK = "\u200b"
"""A space of no width: what is broken by it reads the same and means nothing to a parser."""


@dataclass(frozen=True)
class Line:
    """One piece of news and the page it is about; "" when there is none."""

    text: str
    url: str


def body_of(lines: Sequence[Line], *, shape: Shape) -> dict[str, Any]:
    """The message as JSON."""
    return _slack(lines) if shape == "slack" else _teams(lines)


def _slack(lines: Sequence[Line]) -> dict[str, Any]:
    blocks: list[dict[str, Any]] = []
    plain: list[str] = []
    for line in lines:
        text = _said(line.text)
        link = f" <{line.url}|{gettext('Open')}>" if line.url else ""
        plain.append(_escaped(text) + link)
        blocks.append({"type": "section", "text": {"type": "plain_text", "text": text, "emoji": False}})
        if link:
            blocks.append({"type": "context", "elements": [{"type": "mrkdwn", "text": link.strip()}]})
    return {"text": "\n".join(plain), "blocks": blocks, "unfurl_links": False}


def _teams(lines: Sequence[Line]) -> dict[str, Any]:
    body: list[dict[str, Any]] = []
    for line in lines:
        run = {"type": "TextRun", "text": _said(line.text).replace("{{", f"{{{_BREAK}{{")}
        body.append({"type": "RichTextBlock", "inlines": [run]})
        if line.url:
            open_it = {"type": "Action.OpenUrl", "title": gettext("Open"), "url": line.url}
            body.append({"type": "ActionSet", "actions": [open_it]})
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": body,
    }
    kind = "application/vnd.microsoft.card.adaptive"
    return {"type": "message", "attachments": [{"contentType": kind, "contentUrl": None, "content": card}]}


def _said(text: str) -> str:
    """One printable line that calls nobody."""
    line = " ".join("".join(one if one.isprintable() else " " for one in text).split())
    return _EVERYBODY.sub(f"@{_BREAK}", Truncator(line).chars(_LONGEST))


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
