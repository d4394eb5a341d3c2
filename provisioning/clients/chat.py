"""Posting to a chat's incoming webhook. Its address is the whole credential, so no error and no log line holds it."""

from typing import Any
from urllib.parse import urlsplit

import httpx

from provisioning.clients.rate_limits import told_to_wait
from provisioning.errors import PermanentError, TargetUnavailable, TemporaryError

_SECONDS = 5.0
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


def post(url: str, body: dict[str, Any]) -> None:
    """Post one message. A redirect is not followed, and what the other side says is neither read nor shown.

    Raises TargetUnavailable when it doesn't answer, TemporaryError when it asks to wait, PermanentError for an address
    that can't be used and for a message that is refused for good. Messages name the status only.
    """
    _check(url)
    try:
        with (
            httpx.Client(timeout=_SECONDS, follow_redirects=False) as client,
            client.stream("POST", url, json=body, headers={"User-Agent": "slipway"}) as answer,
        ):
            status, headers = answer.status_code, answer.headers
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        # The text of the error may hold the address.
        raise TargetUnavailable(f"The chat does not answer ({type(error).__name__}).") from None
    if 200 <= status < 300:
        return
    wait = told_to_wait(status=status, headers=headers, message="")
    if wait is not None:
        raise TemporaryError(f"The chat asks us to wait ({status}).", delay=wait)
    if status >= 500 or status in (408, 425):
        raise TargetUnavailable(f"The chat does not take it now ({status}).")
    raise PermanentError(
        f"The chat refuses the message ({status}). Check whether the channel's address is still right."
    )


def _check(url: str) -> None:
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        host = None
    if host is None or not (parts.scheme == "https" or (parts.scheme == "http" and host in _LOOPBACK)):
        raise PermanentError("The channel's address must begin with https://.")
