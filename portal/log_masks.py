"""Keeps tokens and codes out of logs: a filter for `logging` and a processor for structlog."""

import logging
import re
from collections.abc import MutableMapping
from typing import Any

_JWT = re.compile(r"eyJ[\w-]{8,}\.[\w-]+\.[\w-]*")
_FIELD = re.compile(
    r"((?:[?&](?:code|state)|\b(?:code_verifier|client_secret|access_token|refresh_token|id_token(?:_hint)?|assertion))=)"
    r"[^&\s'\"<>]+"
)
_BEARER = re.compile(r"\b(Bearer|Token) +[\w.~+/=-]{20,}", re.IGNORECASE)


def without_credentials(text: str) -> str:
    """The text with tokens, codes and client secrets replaced by `[hidden]`."""
    hidden = _JWT.sub("[hidden]", text)
    hidden = _FIELD.sub(r"\1[hidden]", hidden)
    return _BEARER.sub(r"\1 [hidden]", hidden)


class NoCredentials(logging.Filter):
    """Hides credentials in records and drops those below INFO, where django_auth_adfs writes codes and tokens bare."""

    def filter(self, record: logging.LogRecord) -> bool:
        """False for records below INFO; otherwise True, with the message cleaned."""
        if record.levelno < logging.INFO:
            return False
        record.msg = without_credentials(record.getMessage())
        record.args = ()
        return True


def hide_credentials(
    logger: Any,  # noqa: ARG001 - the signature structlog asks for
    method: str,  # noqa: ARG001
    event: MutableMapping[str, Any],
) -> MutableMapping[str, Any]:
    """structlog processor, the last before the renderer: whatever a library or a traceback says, no token passes."""
    for key, value in event.items():
        if isinstance(value, str):
            event[key] = without_credentials(value)
    return event
