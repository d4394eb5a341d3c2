"""What a team chooses about its repository: several Kinds make it so, each a part.

They stand under the name "repository" in form, API and `profile.yaml`, for to a team it is one thing.
"""

import re
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, field_validator

from provisioning.catalogue import ProjectTemplate
from provisioning.kind import Options, Wish
from provisioning.phrases import phrase

EMPTY = "empty"
_FULL_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}/[A-Za-z0-9_][A-Za-z0-9._-]{0,99}", re.ASCII)


class RepositoryOptions(Options):
    """What a team may choose about its repository."""

    attach: str | None = Field(
        default=None,
        title="Attach a repository",
        description="owner/name of one that you administer there; none is made then.",
    )
    template: str | None = Field(
        default=None, title="Start from", description=f"A template's name, or {EMPTY}; left out: the first offered."
    )
    private: bool = Field(default=True, title="Private", description="Only the project's people see it.")
    protect: bool = Field(
        default=True, title="Protect the main branch", description="Owners push to it; others make a pull request."
    )
    approvals: int = Field(default=0, ge=0, le=5, title="Approvals", description="How many a pull request needs.")
    model_gate: Literal["shown", "required"] = Field(
        default="shown",
        title="Model gate",
        description="required: a pull request is merged only when the model keeps its thresholds.",
    )

    @field_validator("attach")
    @classmethod
    def _owner_and_name(cls, value: str | None) -> str | None:
        if value is not None and not _FULL_NAME.fullmatch(value):
            raise ValueError(
                phrase("%(value)r is not a repository. Write owner/name, such as vision/lane-detection.", value=value)
            )
        return value


def attached_name(options: Mapping[str, Mapping[str, Any]]) -> str | None:
    """owner/name of the repository that a spec's options attach; None when they want one made."""
    name: str | None = options.get("repository", {}).get("attach")
    return name


def options_of(wish: Wish) -> RepositoryOptions:
    """The team's choice."""
    return wish.options("repository", RepositoryOptions)


def offered(wish: Wish) -> dict[str, ProjectTemplate]:
    """Templates for this forge by their name."""
    return {one.name: one for one in wish.catalogue.templates if one.forge == wish.forge.name}


def source(wish: Wish) -> ProjectTemplate | None:
    """The template that a new repository starts from; None for an empty one, and when it isn't offered any more."""
    options = options_of(wish)
    if options.attach is not None or options.template == EMPTY:
        return None
    templates = offered(wish)
    return next(iter(templates.values()), None) if options.template is None else templates.get(options.template)
