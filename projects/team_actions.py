"""Making, changing and removing a team: its name, the directory groups that are it, its budget. The platform team does,
and says why.

A preview says first who would come in, who would be left out, and what the budget would mean; nothing of a project is
ever touched by it. A project's row outlives it, so a team goes only when it never had one.
"""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import structlog
from django.db import transaction
from django.utils.translation import gettext
from pydantic import AfterValidator, Field, StringConstraints, ValidationError

from projects import permissions
from projects.audit import audited
from projects.closed import Closed
from projects.errors import Conflict, Fault, InvalidSpec, NotAllowed, NotFound, StaleGeneration
from projects.identity import bound_groups, several, which_one
from projects.installation import installation
from projects.locks import held_teams
from projects.models import Door, Team
from projects.spec import faults_of
from projects.teams import counted_groups, find_team
from provisioning.catalogue import Catalogue
from provisioning.spec import SLUG_MAX, Slug, check_text

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from projects.permissions import Person

log = structlog.get_logger(__name__)

W = TypeVar("W", bound=Closed)

_Line = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), AfterValidator(check_text)
]


_Name = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80), AfterValidator(check_text)
]


class NewTeam(Closed):
    """A team that shall be. `because` is kept with it."""

    slug: Slug = Field(max_length=SLUG_MAX, description="Name in addresses and specs; can't be changed later.")
    name: _Name
    groups: list[_Line] = Field(default=[], max_length=50, description="Who is in one of them is in the team.")
    budget: int = Field(default=0, ge=0, le=1_000_000, description="Plan units.")
    because: _Line


class TeamRemoval(Closed):
    """That a team shall go. `because` is kept with it."""

    because: _Line


class TeamChange(Closed):
    """What shall become of a team; what is left out stays. `because` is kept with the change."""

    name: _Name | None = None
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
    """What a change does. `team`: its slug; `taken`: units of the present projects."""

    team: str
    name: tuple[str, str] | None
    budget: tuple[int, int] | None
    groups: tuple[GroupLine, ...]
    taken: int
    free: int

    def __bool__(self) -> bool:
        """Whether anything differs."""
        return bool(self.name or self.budget or self.groups)


def check_allowed(by: "Person") -> None:
    """Raises NotAllowed unless the person may make, change and remove teams."""
    if not permissions.may_change_team(by):
        raise NotAllowed(gettext("Only the platform team makes, changes and removes teams. Ask them."))


def state_of(team: Team) -> str:
    """A mark of what can be changed, to notice that somebody else changed it in between."""
    parts = repr((team.name, sorted(team.ad_groups), team.budget))
    return hashlib.sha256(parts.encode()).hexdigest()[:16]


def make_team(data: Any, *, by: "Person", door: Door, dry_run: bool = False) -> TeamPreview:
    """Make a team. Raises NotAllowed, InvalidSpec with every fault."""
    check_allowed(by)
    wanted = _read(NewTeam, data)
    faults = _not_clear(wanted.groups, held=())
    if Team.objects.filter(slug=wanted.slug).exists():
        faults.insert(0, _taken(wanted.slug))
    if faults:
        raise InvalidSpec(faults)
    team = Team(slug=wanted.slug)
    preview = _preview(team, name=wanted.name, groups=wanted.groups, budget=wanted.budget, taken=0)
    if dry_run:
        return preview
    groups, ids = bound_groups(wanted.groups, {})
    values = {"name": wanted.name, "ad_groups": groups, "group_ids": ids, "budget": wanted.budget}
    with audited(actor=by.username, door=door, because=wanted.because), transaction.atomic():
        made = Team.objects.get_or_create(slug=wanted.slug, defaults=values)[1]
    if not made:
        raise InvalidSpec([_taken(wanted.slug)])
    log.info("team_made", team=wanted.slug)
    return preview


def change_team(
    slug: str, data: Any, *, by: "Person", door: Door, expected: str | None = None, dry_run: bool = False
) -> TeamPreview:
    """Change a team. `expected`: the state the person saw, None to skip that check.

    Raises NotFound, NotAllowed, InvalidSpec with every fault, StaleGeneration when the team is another one by now.
    """
    find_team(by, slug)
    check_allowed(by)
    wanted = _read(TeamChange, data)
    with audited(actor=by.username, door=door, because=wanted.because), transaction.atomic():
        team = _held(held_teams(), slug)
        _check_seen(team, expected)
        if faults := _not_clear(wanted.groups or (), held=team.ad_groups):
            raise InvalidSpec(faults)
        taken = find_team(by, slug).taken
        preview = _preview(team, name=wanted.name, groups=wanted.groups, budget=wanted.budget, taken=taken)
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


def remove_team(
    slug: str, data: Any, *, by: "Person", door: Door, expected: str | None = None, dry_run: bool = False
) -> TeamPreview:
    """Remove a team that has had nothing. Returns what its people lose by it; `expected` as in `change_team`.

    Raises what that does, and Conflict where `why_it_stays` says something.
    """
    find_team(by, slug)
    check_allowed(by)
    wanted = _read(TeamRemoval, data)
    with audited(actor=by.username, door=door, because=wanted.because), transaction.atomic():
        # Against being referred to as well: what is asked for meanwhile waits, and finds no team.
        team = _held(Team.objects.select_for_update(), slug)
        _check_seen(team, expected)
        if why := why_it_stays(team):
            raise Conflict(why)
        preview = what_removal_does(team)
        if not dry_run:
            team.delete()
            log.info("team_removed", team=slug)
    return preview


def _held(teams: "QuerySet[Team]", slug: str) -> Team:
    """The team under lock. Raises NotFound: whoever waited for its removal finds none."""
    team = teams.filter(slug=slug).first()
    if team is None:
        raise NotFound
    return team


def why_it_stays(team: Team) -> str:
    """Why the team can't be removed, and what to do; "" when it can."""
    # First what stays so: who took the team out of platform.yaml would have done it for nothing.
    if team.projects.exists() or team.requests.exists() or team.consents.exists():
        return gettext(
            "The team has or had projects, requests or consents, and what happens to them is kept with its name. "
            "Take its groups out instead: then nobody is in it, and nobody can ask for anything in it."
        )
    if named := _named_in(installation().catalogue, team.slug):
        said = gettext("platform.yaml names the team: %(places)s. Take it out there first.")
        return said % {"places": ", ".join(named)}
    return ""


def _named_in(catalogue: Catalogue, team: str) -> list[str]:
    named = [f"data_stores.{one.name}" for one in catalogue.data_stores if team in (one.owner, *one.readers)]
    named += [f"policy.{one.name}" for one in catalogue.policy if team in one.teams]
    return [*named, *(f"notify.{one.name}" for one in catalogue.notify if one.team == team)]


def what_removal_does(team: Team) -> TeamPreview:
    """Who is no longer in the team once it is gone."""
    return _preview(team, groups=[], budget=0, taken=0)


def _check_seen(team: Team, expected: str | None) -> None:
    if expected is not None and expected != state_of(team):
        message = gettext("%(name)s was changed in between. Look at it again, then send yours.")
        raise StaleGeneration(message % {"name": team.name})


def _taken(slug: str) -> Fault:
    message = gettext("There is a team %(slug)s already. Pick another name, or change that one.")
    return Fault(path=("slug",), code="taken", message=message % {"slug": slug})


def _read(model: type[W], data: Any) -> W:
    try:
        wanted = model.model_validate(data)
    except ValidationError as error:
        raise InvalidSpec(faults_of(error)) from error
    groups = [name.lower() for name in getattr(wanted, "groups", None) or ()]
    twice = [index for index, name in enumerate(groups) if name in groups[:index]]
    if twice:
        message = gettext("This group stands here twice. Remove one.")
        raise InvalidSpec([Fault(path=("groups", index), code="twice", message=message) for index in twice])
    return wanted


def _not_clear(groups: Sequence[str], *, held: Collection[str]) -> list[Fault]:
    """A fault for each group that the team doesn't have yet and whose name several have."""
    shared = several((True, name) for name in groups if name not in held)
    return [
        Fault(path=("groups", index), code="ambiguous", message=which_one(name, shared[True, name]))
        for index, name in enumerate(groups)
        if (True, name) in shared
    ]


def _preview(
    team: Team, *, name: str | None = None, groups: list[str] | None = None, budget: int | None = None, taken: int
) -> TeamPreview:
    """What it does to the team to have these; None for what stays."""
    name = name if name is not None else team.name
    budget = budget if budget is not None else team.budget
    return TeamPreview(
        team=team.slug,
        name=(team.name, name) if name != team.name else None,
        budget=(team.budget, budget) if budget != team.budget else None,
        groups=() if groups is None else _group_lines(team, groups),
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
