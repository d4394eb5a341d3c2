"""What the database's history says of a write: who, by which door, and the request that it came from."""

from contextlib import AbstractContextManager
from typing import Any

import pghistory
import structlog

from projects.models import Door


def audited(*, actor: str, door: Door, **more: str | int) -> AbstractContextManager[Any]:
    """Writes inside are noted with actor and door, and with the request id where the log has one bound.

    more: what else the history shall say, such as `because`. What is audited inside keeps it.

    A worker has one when a click, a call or a webhook rang it, and none when the clock did.
    """
    request_id = structlog.contextvars.get_contextvars().get("request_id")
    known = {"request_id": str(request_id)} if request_id else {}
    return pghistory.context(actor=actor, door=door.value, **known, **more)
