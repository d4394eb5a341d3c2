"""What a project should be. Form, API and profile.yaml all end in a ProjectSpec, and the engine reads nothing else.

The model is frozen and versioned. Checks that need nothing but the value stand here; those that need the catalogue, the
team or the database stand in `projects.spec`, which is the one place that makes a ProjectSpec out of input.
"""

import re
import unicodedata
from datetime import date
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)
from pydantic_core import PydanticCustomError

from provisioning.phrases import phrase

SLUG_MAX = 40
SUBJECT_MAX = 200
# Marks that turn the direction of writing: a name could look like another one.
_TURNS = "\u202a\u202b\u202d\u202e\u2066\u2067\u2068"
SLUG_PATTERN = r"[a-z]([a-z0-9-]*[a-z0-9])?"


class Role(StrEnum):
    """What a subject may do with a project, from most to least."""

    OWNER = "owner"
    EDITOR = "editor"
    VIEWER = "viewer"


def check_slug(value: str) -> str:
    """Return the slug, or raise ValueError with a sentence that says what to change."""
    if len(value) > SLUG_MAX:
        raise ValueError(
            phrase("%(number)s characters are too many; at most %(most)s.", number=len(value), most=SLUG_MAX)
        )
    if not re.fullmatch(SLUG_PATTERN, value) or "--" in value or value.startswith("xn-"):
        raise ValueError(
            phrase(
                "Start with a letter, then lower case letters, digits and single hyphens; it can't end with a hyphen."
            )
        )
    return value


def check_subject(value: str) -> str:
    """Return the name of a person or group, or raise ValueError. System identities can't be contributors."""
    if unicodedata.normalize("NFKC", value).strip().casefold().startswith("system:"):
        raise ValueError(
            phrase(
                "%(name)s is an identity of the cluster itself and can't be a contributor. Name a person or a group.",
                name=value.strip(),
            )
        )
    if not value.isprintable() or value != value.strip() or any(mark in value for mark in '*:,"\\/<>'):
        raise ValueError(
            phrase(
                "A name of a person or group has no line breaks, commas, colons, double quotes, slashes or asterisks."
            )
        )
    # Names of people are stored in lower case, where some letters become two.
    if len(value.lower()) > SUBJECT_MAX:
        raise ValueError(phrase("At most %(most)s characters.", most=SUBJECT_MAX))
    return value


def check_text(value: str) -> str:
    """Return text for one line or paragraph, or raise ValueError when it holds control characters."""
    if any((ord(char) < 32 and char not in "\n\t") or char in _TURNS for char in value):
        raise ValueError(phrase("Control characters can't be part of a text."))
    return value.strip()


def _day(value: object) -> object:
    # Pydantic would read a number as seconds since 1970.
    if isinstance(value, date) or (isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", value, re.ASCII)):
        return value
    raise PydanticCustomError("date_type", "Write a date, such as 2027-06-30.")


Slug = Annotated[str, StringConstraints(min_length=1), AfterValidator(check_slug)]
Subject = Annotated[str, StringConstraints(min_length=1, max_length=SUBJECT_MAX), AfterValidator(check_subject)]
Day = Annotated[date, BeforeValidator(_day)]


class Environment(StrEnum):
    """What a project is for. The platform team's policy may ask for more care where it matters."""

    DEV = "dev"
    TEST = "test"
    PROD = "prod"


class Contributor(BaseModel):
    """A person or a directory group with a role. Exactly one of `user` and `group` is given."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    user: Subject | None = Field(default=None, description="Account name of a person, such as alice@corp.example.")
    group: Subject | None = Field(default=None, description="Name of a directory group, such as ml-vision.")
    role: Role = Role.VIEWER
    until: Day | None = Field(default=None, description="Last day of the role.")

    @model_validator(mode="after")
    def _exactly_one(self) -> "Contributor":
        if (self.user is None) == (self.group is None):
            raise ValueError(phrase("Give either user or group."))
        return self

    @property
    def subject(self) -> str:
        """The name, whoever it is; people's account names are compared in lower case."""
        return (self.user or "").lower() if self.user is not None else str(self.group)

    @property
    def is_group(self) -> bool:
        return self.group is not None


class ProjectSpec(BaseModel):
    """One project as its team wants it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Literal[1] = 1
    slug: Slug = Field(max_length=SLUG_MAX, description="Name of the project; can't be changed later.")
    title: Annotated[str, StringConstraints(max_length=80), AfterValidator(check_text)] = ""
    description: Annotated[str, StringConstraints(max_length=500), AfterValidator(check_text)] = ""
    team: Slug
    plan: str = Field(min_length=1, max_length=40)
    environment: Environment = Environment.DEV
    contributors: tuple[Contributor, ...] = Field(default=(), max_length=100)
    options: dict[str, dict[str, Any]] = Field(default_factory=dict, description="Options per Kind.")
    expires: Day | None = None

    def subjects(self, role: Role) -> tuple[Contributor, ...]:
        """The contributors with exactly this role, people first, each by name."""
        chosen = [one for one in self.contributors if one.role is role]
        return tuple(sorted(chosen, key=lambda one: (one.is_group, one.subject)))

    def readers_of_secrets(self) -> tuple[Contributor, ...]:
        """The contributors who may read the Secrets of the workspace, and so use every key in them: not viewers."""
        return tuple(one for one in self.contributors if one.role is not Role.VIEWER)
