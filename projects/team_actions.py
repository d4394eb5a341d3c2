"""Changing a team: its name, the directory groups that are it, its budget. The platform team does, and says why.

A preview says first who would come in, who would be left out, and what the budget would mean; nothing of a project is
ever touched by it.
"""

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import structlog
from django.db import transaction
from django.utils.translation import gettext
from pydantic import AfterValidator, Field, StringConstraints, ValidationError

from projects import permissions
from projects.audit import audited
from projects.closed import Closed
from projects.errors import Fault, InvalidSpec, NotAllowed, StaleGeneration
from projects.identity import bound_groups, several, which_one
from projects.locks import held_teams
from projects.models import Door, Team
from projects.spec import faults_of
from projects.teams import counted_groups, find_team
from provisioning.spec import check_text

if TYPE_CHECKING:
    from projects.permissions import Person

log = structlog.get_logger(__name__)

_Line = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), AfterValidator(check_text)
]


class TeamChange(Closed):
    """What shall become of a team; what is left out stays. `because` is kept with the change."""

    name: (
        Annotated[
            str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80), AfterValidator(check_text)
        ]
        | None
    ) = None
    groups: list[_Line] | None = Field(default=None, max_length=50, description="All groups of the team.")
    budget: int | None = Field(default=None, ge=0, le=1_000_000, description="Plan units.")
    because: _Line


@dataclass(frozen=True)
class GroupLine:
    """A group that comes or goes. `people`: how many are in it, None when the directory doesn't know it.

    `anew`: the team had it under this name; the one it was bound to left the directory, and another has the name now.
    """

    name: str
    added: bool
    people: int | None
    anew: bool = False


@dataclass(frozen=True)
class TeamPreview:
    """What a change does. `taken`: units of the present projects."""

    name: tuple[str, str] | None
    budget: tuple[int, int] | None
    groups: tuple[GroupLine, ...]
    taken: int
    free: int

    def __bool__(self) -> bool:
        """Whether anything differs."""
        return bool(self.name or self.budget or self.groups)


def state_of(team: Team) -> str:
    """A mark of what can be changed, to notice that somebody else changed it in between."""
    parts = repr((team.name, sorted(team.ad_groups), team.budget))
    return hashlib.sha256(parts.encode()).hexdigest()[:16]


def change_team(
    slug: str, data: Any, *, by: "Person", door: Door, expected: str | None = None, dry_run: bool = False
) -> TeamPreview:
    """Change a team. `expected`: the state the person saw, None to skip that check.

    Raises NotFound, NotAllowed, InvalidSpec with every fault, StaleGeneration when the team is another one by now.
    """
    find_team(by, slug)
    if not permissions.may_change_team(by):
        raise NotAllowed(gettext("Only the platform team changes groups and budget of a team. Ask them."))
    wanted = _read(data)
    with audited(actor=by.username, door=door, because=wanted.because), transaction.atomic():
        team = held_teams().get(slug=slug)
        if expected is not None and expected != state_of(team):
            message = gettext("%(name)s was changed in between. Look at it again, then send yours.")
            raise StaleGeneration(message % {"name": team.name})
        _check_clear(team, wanted)
        preview = _preview(team, wanted, taken=find_team(by, slug).taken)
        if dry_run or not preview:
            return preview
        if wanted.groups is not None:
            anew = {one.name for one in preview.groups if one.anew}
            kept = {name: one for name, one in team.group_ids.items() if name in wanted.groups and name not in anew}
            team.ad_groups, team.group_ids = bound_groups(wanted.groups, kept)
        team.name = wanted.name if wanted.name is not None else team.name
        team.budget = wanted.budget if wanted.budget is not None else team.budget
        team.save(update_fields=["ad_groups", "group_ids", "name", "budget"])
    log.info("team_changed", team=slug)
    return preview


def _read(data: Any) -> TeamChange:
    try:
        wanted = TeamChange.model_validate(data)
    except ValidationError as error:
        raise InvalidSpec(faults_of(error)) from error
    groups = [name.lower() for name in wanted.groups or ()]
    twice = [index for index, name in enumerate(groups) if name in groups[:index]]
    if twice:
        message = gettext("This group stands here twice. Remove one.")
        raise InvalidSpec([Fault(path=("groups", index), code="twice", message=message) for index in twice])
    return wanted


def _check_clear(team: Team, wanted: TeamChange) -> None:
    """Raises InvalidSpec for new groups whose name several have."""
    groups = wanted.groups or ()
    shared = several((True, name) for name in groups if name not in team.ad_groups)
    faults = [
        Fault(path=("groups", index), code="ambiguous", message=which_one(name, shared[True, name]))
        for index, name in enumerate(groups)
        if (True, name) in shared
    ]
    if faults:
        raise InvalidSpec(faults)


def _preview(team: Team, wanted: TeamChange, *, taken: int) -> TeamPreview:
    name = wanted.name if wanted.name is not None else team.name
    budget = wanted.budget if wanted.budget is not None else team.budget
    return TeamPreview(
        name=(team.name, name) if name != team.name else None,
        budget=(team.budget, budget) if budget != team.budget else None,
        groups=() if wanted.groups is None else _group_lines(team, wanted.groups),
        taken=taken,
        free=budget - taken,
    )


def _group_lines(team: Team, after: list[str]) -> tuple[GroupLine, ...]:
    held = counted_groups(team.ad_groups, bound=team.group_ids)
    anew = {one.name for one in held if one.name in after and one.meant.heir is not None}
    come = counted_groups([name for name in after if name not in team.ad_groups or name in anew], bound={})
    lines = [GroupLine(name=one.name, added=True, people=one.count, anew=one.name in anew) for one in come]
    lines += [GroupLine(name=one.name, added=False, people=one.count) for one in held if one.name not in after]
    return tuple(lines)
