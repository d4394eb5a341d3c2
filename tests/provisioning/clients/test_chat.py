"""Posting to a chat's webhook, at a real server on loopback."""

import logging
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from devstack.chat_sink import ChatSink, Mood
from provisioning.clients import chat
from provisioning.errors import PermanentError, TargetUnavailable, TemporaryError


@pytest.fixture
def sink(tmp_path: Path) -> Iterator[ChatSink]:
    with ChatSink(folder=tmp_path) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield server
        server.shutdown()


def url(sink: ChatSink) -> str:
    return f"http://127.0.0.1:{sink.server_port}/secret-room"


def test_a_message_is_taken(sink: ChatSink) -> None:
    chat.post(url(sink), {"text": "hä?"})
    assert [one.read_text() for one in sink.folder.iterdir()] == ['{\n  "text": "hä?"\n}\n']


@pytest.mark.parametrize(
    ("mood", "error", "delay", "said"),
    [
        (Mood(500), TargetUnavailable, None, "The chat does not take it now (500)."),
        (Mood(429, {"Retry-After": "7"}), TemporaryError, 7.0, "The chat asks us to wait (429)."),
        (Mood(503, {"Retry-After": "9"}), TemporaryError, 9.0, "The chat asks us to wait (503)."),
        (
            Mood(302, {"Location": "http://127.0.0.1:1/stolen"}),
            PermanentError,
            None,
            "The chat refuses the message (302). Check whether the channel's address is still right.",
        ),
        (
            Mood(404),
            PermanentError,
            None,
            "The chat refuses the message (404). Check whether the channel's address is still right.",
        ),
    ],
)
def test_what_it_refuses(
    sink: ChatSink, mood: Mood, error: type[TemporaryError | PermanentError], delay: float | None, said: str
) -> None:
    sink.moods["secret-room"] = mood
    with pytest.raises(error) as found:
        chat.post(url(sink), {"text": "x"})
    assert (found.value.message, getattr(found.value, "delay", None)) == (said, delay)


def test_the_address_is_in_no_error_and_no_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        port = nobody.getsockname()[1]
    with pytest.raises(TargetUnavailable) as found:
        chat.post(f"http://127.0.0.1:{port}/secret-room", {"text": "x"})
    assert (found.value.message, found.value.__cause__) == ("The chat does not answer (ConnectError).", None)
    assert "secret-room" not in caplog.text


@pytest.mark.parametrize(
    "address", ["http://chat.corp.example/x", "ftp://127.0.0.1/x", "https://[::1", "", "file:///x"]
)
def test_only_https_leaves_the_machine(address: str) -> None:
    with pytest.raises(PermanentError, match=r"The channel's address must begin with https://\."):
        chat.post(address, {"text": "x"})
