"""What somebody who loses a role keeps all the same: by a group with a role, by the team, or in the platform team.

`projects.effects` compares the entries of two specs. Here is what other paths stay open, so that a review doesn't take
from anybody what a change leaves them. A few queries, however many people lose something.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

from django.contrib.auth import get_user_model
from django.db.models import Q
from django.utils.translation import gettext

from projects import contributors, nesting, permissions
from projects.effects import PersonEffect
from projects.identity import Name, entries_of
from projects.models import DirectoryEntry, Project
from projects.today import today
from provisioning.spec import Contributor, ProjectSpec, Role

if TYPE_CHECKING:
    from projects.permissions import Person

_RANK = {role: number for number, role in enumerate(Role)}
"""From the highest role."""


@dataclass(frozen=True)
class _Known:
    """Somebody as the portal knows them: by account, or, before the first sign-in, by the directory."""

    account: "Person | None"
    chains: Mapping[str, nesting.Chain]

    def is_in(self, name: str, object_id: str) -> bool:
        if self.account is None:
            return object_id in self.chains
        return object_id in self.account.group_ids if object_id else name in self.account.directory_groups

    def through(self, object_id: str) -> str:
        """Through which groups, in brackets behind the group; "" for who is directly in it."""
        said = nesting.in_words(self.chains.get(object_id, ()))
        return f" ({said})" if said else ""


def with_kept(
    people: tuple[PersonEffect, ...], *, project: Project, before: ProjectSpec | None, after: ProjectSpec | None
) -> tuple[PersonEffect, ...]:
    """The same, with what each person who loses a role keeps. After a removal nobody keeps anything."""
    if before is None or after is None:
        return people
    had, has = _roles(before), _roles(after)
    losing = [
        one.subject for one in people if not one.is_group and _is_less(had.get(one.subject), has.get(one.subject))
    ]
    if not losing:
        return people
    groups = [one for one in after.contributors if one.is_group and (one.until is None or one.until >= today())]
    ids = _ids(project, [(False, name) for name in losing] + [(True, one.subject) for one in groups])
    ids |= {(True, name): object_id for name, object_id in project.team.group_ids.items()}
    known = _known(losing, ids=ids)
    return tuple(
        _told(one, known=known[one.subject], role=has.get(one.subject), groups=groups, ids=ids, project=project)
        if not one.is_group and one.subject in known
        else one
        for one in people
    )


def _told(
    effect: PersonEffect,
    *,
    known: _Known,
    role: Role | None,
    groups: list[Contributor],
    ids: Mapping[Name, str],
    project: Project,
) -> PersonEffect:
    held = [one for one in groups if known.is_in(one.subject, ids.get((True, one.subject), ""))]
    more = [one for one in held if _is_less(one.role, role)]
    keeps = [
        gettext("%(role)s, by the group %(group)s") % {"role": gettext(one.role.value), "group": one.subject}
        + known.through(ids.get((True, one.subject), ""))
        for one in sorted(more, key=lambda one: _RANK[one.role])
    ]
    by_team = [name for name in project.team.ad_groups if known.is_in(name, ids.get((True, name), ""))]
    if known.account is not None and permissions.is_platform_admin(known.account):
        keeps.append(gettext("sees and changes it, in the platform team"))
    elif role is None and by_team:
        said = gettext("sees it, by the team %(team)s") % {"team": project.team.slug}
        keeps.append(said + known.through(ids.get((True, by_team[0]), "")))
    return replace(
        effect, keeps=tuple(keeps), kept=min((one.role for one in held), key=_RANK.__getitem__, default=None)
    )


def _roles(spec: ProjectSpec) -> Mapping[str, Role]:
    return {one.subject: one.role for one in spec.contributors if not one.is_group}


def _is_less(old: Role | None, new: Role | None) -> bool:
    """Is the new role less than the old one?"""
    return old is not None and (new is None or _RANK[new] > _RANK[old])


def _ids(project: Project, names: list[Name]) -> dict[Name, str]:
    """Object ids of these contributors: those that their memberships are bound to, else those the directory has now."""
    ids = contributors.bindings(project)
    found = entries_of(name for name in names if name not in ids)
    return ids | {name: entry.object_id for name, entry in found.items()}


def _known(people: list[str], *, ids: Mapping[Name, str]) -> Mapping[str, _Known]:
    """Those of these people who are in the directory or have signed in, and are switched on."""
    named = {subject: ids.get((False, subject), "") for subject in people}
    wanted = {object_id for object_id in named.values() if object_id}
    users = get_user_model().objects.filter(Q(object_id__in=wanted) | Q(username__in=people)).prefetch_related("groups")
    accounts = [cast("Person", one) for one in users]
    by_id, by_name = {one.object_id: one for one in accounts}, {one.username: one for one in accounts}
    there = set(
        DirectoryEntry.objects.filter(object_id__in=wanted, enabled=True, gone_at=None).values_list(
            "object_id", flat=True
        )
    )
    chains = nesting.chains_of(there) if there else {}
    found = {}
    for subject, object_id in named.items():
        account = by_id.get(object_id) if object_id else by_name.get(subject)
        if account is not None and account.is_active:
            found[subject] = _Known(account=account, chains=chains.get(account.object_id, {}))
        elif account is None and object_id in there:
            found[subject] = _Known(account=None, chains=chains[object_id])
    return found
