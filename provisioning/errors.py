"""What can go wrong outside, in the two words the loop needs: look again, or wait for somebody.

    ProvisioningError
    ├── TemporaryError(delay)     look again later
    │   └── TargetUnavailable     the outside system does not answer
    └── PermanentError            needs a person or a new spec
        └── NameTaken             it exists and is not ours

    AlreadyExists                 a create found the name in use; the Kind looks whose it is

Messages are sentences that a page may show. They never hold a secret or a raw response body.
"""

from enum import StrEnum

LONGEST_DELAY = 3600.0
"""No budget of calls lasts longer than an hour; more than that is a clock that is wrong."""


class Reason(StrEnum):
    """The closed list of reasons a condition may give. Free text goes into its message."""

    AVAILABLE = "Available"
    PROGRESSING = "Progressing"
    DEPENDENCY_NOT_READY = "DependencyNotReady"
    REJECTED = "Rejected"
    NAME_TAKEN = "NameTaken"
    TARGET_UNAVAILABLE = "TargetUnavailable"
    UNSUPPORTED = "Unsupported"
    DRIFTED = "Drifted"
    DELETING = "Deleting"
    SUSPENDED = "Suspended"
    INTERNAL = "Internal"


class ProvisioningError(Exception):
    """Base of what the engine expects. `message` is for people, `reason` for conditions."""

    reason: Reason = Reason.REJECTED

    def __init__(self, message: str, *, reason: Reason | None = None) -> None:
        super().__init__(message)
        self.message = message
        if reason is not None:
            self.reason = reason


class TemporaryError(ProvisioningError):
    """Look again later. `delay`: seconds where the other side told us (Retry-After), at most an hour; else None."""

    reason = Reason.PROGRESSING

    def __init__(self, message: str, *, delay: float | None = None, reason: Reason | None = None) -> None:
        super().__init__(message, reason=reason)
        self.delay = None if delay is None else min(delay, LONGEST_DELAY)


class TargetUnavailable(TemporaryError):
    """No answer, a 5xx, a refused credential or one that is not there yet. Never turns into failure."""

    reason = Reason.TARGET_UNAVAILABLE


class PermanentError(ProvisioningError):
    """Nothing changes until a person acts or the spec does."""


class NameTaken(PermanentError):
    """A thing of that name exists outside and does not carry our uid. It stays untouched."""

    reason = Reason.NAME_TAKEN


class AlreadyExists(Exception):
    """A create met an existing thing. Not an outcome yet: the Kind looks whose it is."""
