"""What is so with a resource, in two conditions, and the one word that pages say.

Synced: did my last attempt work? Ready: can it be used? A rejected change to a healthy bucket is Synced=False with
Ready=True. The word is computed here and stored nowhere.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from provisioning.errors import Reason


class Status(StrEnum):
    """Status of a condition."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


class Word(StrEnum):
    """The one word a page says of a project or resource."""

    READY = "Ready"
    WORKING = "Working on it"
    WAITING = "Waiting"
    ATTENTION = "Needs attention"
    SUSPENDED = "Suspended"
    REMOVING = "Being removed"
    NOT_AVAILABLE = "Not available"


@dataclass(frozen=True)
class Condition:
    """One condition: status, reason and message always change together; `since`: when one of the first two last did."""

    status: Status
    reason: Reason
    message: str
    since: datetime

    def moved(self, *, status: Status, reason: Reason, message: str, now: datetime) -> "Condition":
        """The condition after a look. `since` moves only when status or reason does."""
        same = status is self.status and reason is self.reason
        return replace(self, status=status, reason=reason, message=message, since=self.since if same else now)


WAITS = (Reason.TARGET_UNAVAILABLE, Reason.DEPENDENCY_NOT_READY)
"""Reasons that pass by themselves: something else is to come first."""
PEOPLE = (Reason.REJECTED, Reason.NAME_TAKEN, Reason.DRIFTED, Reason.INTERNAL)
"""Reasons that a person must do something about."""


def resource_word(*, synced: Condition, ready: Condition) -> Word:
    """The word for one resource."""
    for condition in (synced, ready):
        match condition.reason:
            case Reason.SUSPENDED:
                return Word.SUSPENDED
            case Reason.DELETING:
                return Word.REMOVING
            case Reason.UNSUPPORTED:
                return Word.NOT_AVAILABLE
    if synced.reason in PEOPLE and synced.status is not Status.TRUE:
        return Word.ATTENTION
    if synced.status is Status.TRUE and ready.status is Status.TRUE:
        return Word.READY
    if Reason.TARGET_UNAVAILABLE in (synced.reason, ready.reason) or synced.reason in WAITS:
        return Word.WAITING
    return Word.WORKING


def project_word(words: Iterable[Word], *, settled: bool, removing: bool, suspended: bool) -> Word:
    """The word for a project, of its resources' words. `settled`: the engine has looked at its newest wish."""
    if removing:
        return Word.REMOVING
    if suspended:
        return Word.SUSPENDED
    present = set(words)
    if Word.ATTENTION in present:
        return Word.ATTENTION
    if not settled or not present or present & {Word.WORKING, Word.WAITING}:
        return Word.WORKING
    return Word.READY
