"""Access tokens that were found valid a moment ago, so that a script's second call needs no check of the signature.

Kept in this process only, by digest: no store holds a token. What is remembered is who the token speaks of and never
what that person may do: the account is read at each call, so one that was switched off is out at once. A changed set of
signing keys ends everything remembered.
"""

import hashlib
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from portal.accounts import Person

LONGEST_SECONDS = 300
_MOST = 4096


@dataclass(frozen=True)
class _Known:
    person: Person
    until: float
    keys: bytes


_known: dict[bytes, _Known] = {}
_lock = threading.Lock()


def person_of(token: str, *, keys: Sequence[Any]) -> Person | None:
    """Whom a remembered token speaks of; None when it isn't remembered, its time is over, or the keys are others."""
    found = _known.get(_digest(token))
    if found is None or found.until <= time.time() or found.keys != _mark(keys):
        return None
    return found.person


def remember(token: str, person: Person, *, expires: float, keys: Sequence[Any]) -> None:
    """Keep a token that was just checked with these keys, for five minutes and never past its own end."""
    known = _Known(person=person, until=min(expires, time.time() + LONGEST_SECONDS), keys=_mark(keys))
    with _lock:
        # The newest stands last, so what falls out is what was checked longest ago.
        _known.pop(_digest(token), None)
        _known[_digest(token)] = known
        while len(_known) > _MOST:
            del _known[next(iter(_known))]


def forget() -> None:
    """Forget every token."""
    with _lock:
        _known.clear()


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _mark(keys: Sequence[Any]) -> bytes:
    """One value for a set of public keys, whatever order they come in."""
    shapes = sorted(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) for key in keys)
    return hashlib.sha256(b"".join(shapes)).digest()
