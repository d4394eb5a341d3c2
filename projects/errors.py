"""What the domain refuses, in words for the person who asked.

ProjectError
├── InvalidSpec      the wish itself: every fault with the place where it stands
├── NotFound         no such thing, or not for this person: the same answer
├── NotAllowed       the person sees the thing but may not do this
├── Conflict         the thing is in a state that does not allow it
│   └── Unreadable   what is stored of it can't be read any more
└── StaleGeneration  somebody changed it in between
"""

from collections.abc import Iterable
from dataclasses import dataclass

from projects.phrases import meant, say, translated
from provisioning.phrases import joined, phrase


class ProjectError(Exception):
    """Base. `message` is a sentence or two for people."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


@dataclass(frozen=True)
class Fault:
    """One fault of a wish. `path` leads to the field, such as ("contributors", 0, "role"); () is the whole."""

    path: tuple[str | int, ...]
    code: str
    message: str

    @property
    def field(self) -> str:
        """The path as text: contributors.0.role."""
        return ".".join(str(part) for part in self.path)

    @property
    def sentence(self) -> str:
        """The message with its field before it, to be told in any language."""
        message = meant(self.message)
        return phrase("%(field)s: %(message)s", field=self.field, message=message) if self.path else message

    def as_dict(self) -> dict[str, str]:
        """The form in which API and events carry it."""
        return {"field": self.field, "code": self.code, "message": self.message}


_UNKNOWN = frozenset({"extra_forbidden", "no_options"})


class InvalidSpec(ProjectError):
    """The wish can't be granted as it stands. All faults at once."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__(translated(joined(" ", [fault.sentence for fault in self.faults])))

    @property
    def names_unknown_fields(self) -> bool:
        """Whether it has fields that nobody knows: then it was written for something else than this."""
        return any(fault.code in _UNKNOWN for fault in self.faults)


class NotFound(ProjectError):
    """Missing or not for this person."""

    def __init__(self) -> None:
        super().__init__(
            say("Nothing here that you can see. Either there is no such thing, or it is not shared with you.")
        )


class NotAllowed(ProjectError):
    """Seen, but not allowed."""


class Conflict(ProjectError):
    """Not in its present state."""


class Unreadable(Conflict):
    """What is stored of a project or request can't be read by this version."""

    def __init__(self) -> None:
        super().__init__(
            say("What is stored of this project can't be read by this version of Slipway. Ask the platform team.")
        )


class StaleGeneration(ProjectError):
    """It was changed since it was read."""
