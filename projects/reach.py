"""Who can reach a project, and by which path: roles of people and groups, the team, the platform team.

What each path opens outside is what the Kinds say of the present wish (`Kind.rights`), so it is what they really make.
Whether somebody may see the project is never decided here: `projects.permissions` does. Here is how it comes.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum

from django.contrib.auth import get_user_model
from django.db.models import Q

from projects import contributors, nesting
from projects.directory import synced
from projects.given import Given, given
from projects.identity import Name, entries_of
from projects.installation import Installation
from projects.models import DirectoryEntry, Membership, Project
from projects.readable import readable
from projects.rights import PORTAL, Rights, rights_by
from projects.today import today
from projects.wishes import NoWish, present_wish
from provisioning.spec import Contributor, Role

_ROLES = [role.value for role in Role]
_NOBODY = nesting.Crowd(people=(), whole=True)


class Standing(StrEnum):
    """What is so with who holds a role. LEFT: gone from the directory or switched off there. UNKNOWN: the directory has
    nobody of that name, so the role counts for whoever signs in under it. UNCLEAR: it has several, so it counts for
    nobody. UNCHECKED: there is no directory to ask. ENDED: the role's last day is over. CLOSED: the platform team ended
    their access.
    """

    PRESENT = "present"
    LEFT = "left"
    UNKNOWN = "unknown"
    UNCLEAR = "unclear"
    UNCHECKED = "unchecked"
    ENDED = "ended"
    CLOSED = "closed"


@dataclass(frozen=True)
class Grant:
    """A person or group with a role. `people`: who is in the group; `whole`: that is everybody in it."""

    subject: str
    is_group: bool
    role: Role
    source: str
    until: date | None
    standing: Standing
    given: Given | None = None
    name: str = ""
    object_id: str = ""
    people: tuple[nesting.Inside, ...] = ()
    whole: bool = True
    rights: Rights = field(default_factory=dict)

    @property
    def counts(self) -> bool:
        """Does it open anything today?"""
        return self.standing in (Standing.PRESENT, Standing.UNKNOWN, Standing.UNCHECKED)


@dataclass(frozen=True)
class TeamGroup:
    """One directory group of the team. Who is in it sees every project of the team."""

    name: str
    object_id: str
    people: tuple[nesting.Inside, ...] = ()
    whole: bool = True


@dataclass(frozen=True)
class Reach:
    """Every path to a project, roles from most to least, people before groups."""

    grants: tuple[Grant, ...]
    team: tuple[TeamGroup, ...]
    platform: tuple[str, ...]
    checked: bool


def ranked(project: Project) -> list[Membership]:
    """The project's roles, highest first, people before groups."""
    return sorted(project.memberships.all(), key=lambda one: (_ROLES.index(one.role), one.is_group, one.subject))


def reach_of(project: Project, *, installation: Installation) -> Reach:
    """Every path to the project as of now. Asks a fixed number of times, however many people there are."""
    rows = ranked(project)
    checked = synced()
    entries = _entries(rows)
    bound = _team_ids(project)
    granted = {entry.object_id for (is_group, _), entry in entries.items() if is_group and entry.present}
    crowds = nesting.crowds([*granted, *(one for one in bound.values() if one)])
    moved = contributors.moved([project.pk]).get(project.pk, {})
    out = {name for name, now in moved.items() if now is None}
    rights = _rights(project, rows, installation=installation, moved=moved)
    history = given(rows)
    closed = _closed(project) if any(not is_group for is_group, _ in out) else frozenset()
    return Reach(
        grants=tuple(
            _grant(
                row,
                entry=entries.get((row.is_group, row.subject)),
                crowds=crowds,
                rights=rights,
                checked=checked,
                closed=row.pk in closed,
                out=(row.is_group, row.subject) in out,
                history=history.get(row.pk),
            )
            for row in rows
        ),
        team=tuple(
            TeamGroup(name=name, object_id=bound[name], people=crowd.people, whole=crowd.whole)
            for name in project.team.ad_groups
            for crowd in [crowds.get(bound[name], _NOBODY)]
        ),
        platform=tuple(platform_admins()),
        checked=checked,
    )


@dataclass(frozen=True)
class RoleRights:
    """What a role opens: in the portal, and outside for a person and for a group."""

    role: Role
    portal: str
    person: Rights
    group: Rights


def role_rights(project: Project, *, installation: Installation) -> tuple[RoleRights, ...]:
    """What each role opens in this project; () while its wish can't be said."""
    try:
        wish = present_wish(project, settings=installation, moved={}, any_plan=True)
    except NoWish:
        return ()
    sample = [Contributor(user=role.value, role=role) for role in Role]
    sample += [Contributor(group=role.value, role=role) for role in Role]
    spec = readable(wish.spec).model_copy(update={"contributors": tuple(sample)})
    found = rights_by(replace(wish, spec=spec))
    return tuple(
        RoleRights(
            role=role,
            portal=str(PORTAL[role]),
            person=found.get((False, role.value), {}),
            group=found.get((True, role.value), {}),
        )
        for role in Role
    )


def platform_admins() -> list[str]:
    """Accounts of the platform team that have signed in here. Not those for break-glass: whoever knows such a name may
    try passwords for it, and shut its holder out.
    """
    found = get_user_model().objects.filter(Q(is_staff=True) | Q(is_superuser=True), is_active=True)
    return list(found.exclude(object_id="").order_by("username").values_list("username", flat=True))


def _grant(
    row: Membership,
    *,
    entry: DirectoryEntry | None,
    crowds: Mapping[str, nesting.Crowd],
    rights: Mapping[Name, Rights],
    checked: bool,
    closed: bool,
    out: bool,
    history: Given | None,
) -> Grant:
    crowd = crowds.get(entry.object_id, _NOBODY) if entry and row.is_group else _NOBODY
    return Grant(
        subject=row.subject,
        is_group=row.is_group,
        role=Role(row.role),
        source=row.source,
        until=row.until,
        standing=_standing(row, entry=entry, checked=checked, closed=closed, out=out),
        given=history,
        name=entry.name if entry else "",
        object_id=entry.object_id if entry else "",
        people=crowd.people,
        whole=crowd.whole,
        rights=rights.get((row.is_group, row.subject), {}),
    )


def _standing(row: Membership, *, entry: DirectoryEntry | None, checked: bool, closed: bool, out: bool) -> Standing:
    if row.until is not None and row.until < today():
        return Standing.ENDED
    if closed:
        return Standing.CLOSED
    if entry is not None:
        return Standing.PRESENT if entry.present else Standing.LEFT
    if out:
        # As a group whose name several have.
        return Standing.UNCLEAR
    return Standing.UNKNOWN if checked else Standing.UNCHECKED


def _entries(rows: Iterable[Membership]) -> Mapping[Name, DirectoryEntry]:
    """Whom each membership means: by its object id, or by name while it has none."""
    rows = list(rows)
    by_id = {one.object_id: one for one in DirectoryEntry.objects.filter(object_id__in={row.object_id for row in rows})}
    loose = [(row.is_group, row.subject) for row in rows if row.object_id not in by_id]
    named = entries_of(loose) if loose else {}
    return named | {(row.is_group, row.subject): by_id[row.object_id] for row in rows if row.object_id in by_id}


def _team_ids(project: Project) -> dict[str, str]:
    """Object id of each of the team's groups; "" for one that the directory doesn't have."""
    ids = dict(project.team.group_ids)
    loose = [(True, name) for name in project.team.ad_groups if name not in ids]
    named = entries_of(loose) if loose else {}
    ids |= {name: entry.object_id for (_, name), entry in named.items()}
    return {name: ids.get(name, "") for name in project.team.ad_groups}


def _closed(project: Project) -> frozenset[int]:
    """Ids of the roles in person whose holder's access the platform team ended."""
    return frozenset(contributors.to_ended().filter(project=project.pk).values_list("pk", flat=True))


def _rights(
    project: Project, rows: Iterable[Membership], *, installation: Installation, moved: contributors.Moved
) -> Mapping[Name, Rights]:
    """What each contributor gets outside now, under the name in the spec; nothing when the wish can't be said."""
    try:
        wish = present_wish(project, settings=installation, moved=moved, any_plan=True)
    except NoWish:
        return {}
    found = rights_by(replace(wish, spec=readable(wish.spec)))
    names = [(row.is_group, row.subject) for row in rows]
    return {name: found.get((name[0], moved.get(name) or name[1]), {}) for name in names}
