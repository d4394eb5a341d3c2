"""Ringing a CI listener as a forge does: a signed delivery of a push, for those that Slipway itself starts."""

import httpx

from provisioning.errors import PermanentError, TargetUnavailable
from provisioning.phrases import phrase
from provisioning.secrets import signature

_SECONDS = 5.0


def deliver(url: str, body: bytes, *, secret: str, event: str, delivery: str) -> None:
    """Send one delivery, JSON, signed with HMAC-SHA256. `delivery` is its number, the same when it is sent again.

    A redirect is not followed. Raises TargetUnavailable when the listener doesn't answer or can't take it now,
    PermanentError when it refuses. That it was taken says nothing about a run: listeners answer before they look.
    """
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "slipway",
        "X-GitHub-Event": event,
        "X-GitHub-Delivery": delivery,
        "X-Hub-Signature-256": f"sha256={signature(secret=secret, body=body)}",
    }
    try:
        answer = httpx.post(url, content=body, headers=headers, timeout=_SECONDS, follow_redirects=False)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise TargetUnavailable(
            phrase("The CI listener does not answer (%(name)s).", name=type(error).__name__)
        ) from error
    if 200 <= answer.status_code < 300:
        return
    if answer.status_code >= 500 or answer.status_code in (408, 425, 429):
        raise TargetUnavailable(
            phrase("The CI listener does not take it now (%(status_code)s).", status_code=answer.status_code)
        )
    raise PermanentError(
        phrase("The CI listener refuses the delivery (%(status_code)s).", status_code=answer.status_code)
    )
