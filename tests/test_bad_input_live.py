"""Bodies that only a real web server meets: too large, without a length, cut off. A clear answer, and it goes on."""

import socket
import uuid
from collections.abc import Iterator
from contextlib import closing
from urllib.parse import urlsplit

import httpx
import pytest

from tests import live

HOOK = f"/hooks/git-1/{uuid.uuid4()}/"


@pytest.fixture(autouse=True)
def _still_answers(without_ci: None) -> Iterator[None]:
    yield
    assert httpx.get(base() + "/healthz", timeout=5).status_code == 200


def base() -> str:
    return live.environment()["SLIPWAY_PUBLIC_URL"]


def chunks(size: int) -> Iterator[bytes]:
    for _ in range(size // 65_536):
        yield b"x" * 65_536


def speak(request: bytes) -> bytes:
    """Send these bytes, say no more, and return the first line of the answer (empty: hung up without one)."""
    address = urlsplit(base())
    with closing(socket.create_connection((address.hostname or "", address.port or 80), timeout=20)) as wire:
        wire.sendall(request)
        wire.shutdown(socket.SHUT_WR)
        return wire.recv(4096).split(b"\r\n", 1)[0]


def head(method: str, path: str, *more: str) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", f"Host: {urlsplit(base()).netloc}", "Connection: close", *more]
    return "\r\n".join([*lines, "", ""]).encode()


def test_a_wish_of_ten_megabytes_is_refused() -> None:
    name = f"large-{uuid.uuid4().hex[:8]}"
    body = b'{"slug": "%s", "team": "forecasting", "title": "%s"}' % (name.encode(), b"a" * 10_000_000)
    answer = live.api("alice").post("projects/", content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["type"]) == (413, "urn:slipway:problem:too-large")
    assert live.api("alice").get(f"projects/{name}/").status_code == 404


def test_a_wish_without_a_length_is_not_read_as_an_empty_one() -> None:
    headers = {"Content-Type": "application/json"}
    answer = live.api("alice").post("projects/", content=chunks(1_000_000), headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (411, "urn:slipway:problem:length-required")


def test_a_delivery_is_refused_by_what_it_says_of_its_length() -> None:
    json_ = {"Content-Type": "application/json"}
    assert httpx.post(base() + HOOK, content=b"x" * 2_000_000, headers=json_, timeout=20).status_code == 413
    assert httpx.post(base() + HOOK, content=chunks(131_072), headers=json_, timeout=20).status_code == 411
    huge = head("POST", HOOK, "Content-Type: application/json", "Content-Length: 10000000000")
    assert b" 413 " in speak(huge)
    assert b" 411 " in speak(head("POST", HOOK, "Content-Type: application/json"))


def test_a_body_that_is_cut_off_makes_nothing() -> None:
    name = f"cut-{uuid.uuid4().hex[:8]}"
    bearer = f"Authorization: Bearer {live.token('alice')}"
    start = b'{"slug": "%s", "team": "forecasting"' % name.encode()
    request = head("POST", "/api/v1/projects/", bearer, "Content-Type: application/json", "Content-Length: 500")
    assert speak(request + start).split(b" ")[1:2] in ([], [b"400"])
    assert live.api("alice").get(f"projects/{name}/").status_code == 404


@pytest.mark.parametrize(
    "lines",
    [("Content-Length: -1",), ("Content-Length: 5", "Content-Length: 6"), ("Transfer-Encoding: chunked, identity",)],
    ids=["negative", "two lengths", "two encodings"],
)
def test_lengths_that_two_servers_could_read_in_two_ways_are_refused(lines: tuple[str, ...]) -> None:
    status = speak(head("POST", HOOK, "Content-Type: application/json", *lines)).split(b" ")[1:2]
    assert status in ([b"400"], [b"411"], [b"501"])
