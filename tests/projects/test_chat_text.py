"""What is posted to a chat, in both shapes, and that no text of people becomes more than text."""

import json

import pytest

from projects.chat_text import Line, body_of

URL = "https://slipway.corp.example/requests/7/"


def test_slack_gets_text_and_blocks() -> None:
    body = body_of([Line("demand is approved.", URL), Line("lane ends tomorrow.", "")], shape="slack")
    assert body == {
        "text": f"demand is approved. <{URL}|Open>\nlane ends tomorrow.",
        "blocks": [
            {"type": "section", "text": {"type": "plain_text", "text": "demand is approved.", "emoji": False}},
            {"type": "context", "elements": [{"type": "mrkdwn", "text": f"<{URL}|Open>"}]},
            {"type": "section", "text": {"type": "plain_text", "text": "lane ends tomorrow.", "emoji": False}},
        ],
        "unfurl_links": False,
    }


def test_teams_gets_an_adaptive_card() -> None:
    body = body_of([Line("demand is approved.", URL)], shape="teams")
    (attachment,) = body["attachments"]
    assert (body["type"], attachment["contentType"]) == ("message", "application/vnd.microsoft.card.adaptive")
    assert attachment["content"]["body"] == [
        {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": "demand is approved."}]},
        {"type": "ActionSet", "actions": [{"type": "Action.OpenUrl", "title": "Open", "url": URL}]},
    ]


@pytest.mark.parametrize(
    ("said", "slack"),
    [
        ("<!channel> & <https://evil.example|Open>", "&lt;!channel&gt; &amp; &lt;https://evil.example|Open&gt;"),
        ("@here @Everyone alice@corp.example", "@\u200bhere @\u200bEveryone alice@corp.example"),
        ("one\r\ntwo\x07\u202e", "one two"),
        ("x" * 600, "x" * 499 + "…"),
    ],
)
def test_what_people_write_calls_nobody_and_links_nowhere(said: str, slack: str) -> None:
    assert body_of([Line(said, "")], shape="slack")["text"] == slack


def test_a_card_evaluates_nothing() -> None:
    text = json.dumps(body_of([Line("{{DATE(2027-01-01T00:00:00Z)}} [Open](https://evil.example)", "")], shape="teams"))
    assert "{{" not in text
    assert "TextBlock" not in text.replace("RichTextBlock", "")
