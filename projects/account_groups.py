"""The groups of an account as the directory has them: by name, by object id, and the flag of the platform team.

Where the directory knows a person, it is asked instead of the token: it knows nested groups and object ids, and what a
sign-in writes is what the next sync would write. Its rows may be some minutes old, and while a sync fails they stay.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING

from django.contrib.auth.models import Group
from django.db import transaction

from projects.directory import groups_by_member, is_kept
from projects.identity import entries_of, groups_meant, shared_names
from projects.installation import installation
from projects.models import DirectoryEntry
from provisioning.directory import is_object_id

if TYPE_CHECKING:
    from projects.permissions import Person

_LONGEST_NAME = 150


def groups_now(object_id: str) -> list[DirectoryEntry] | None:
    """The present groups of a present person, nested ones too; None when the directory has nobody with that id.

    None for everybody too where the catalogue has no directory any more: its rows would never change again.
    """
    present = DirectoryEntry.objects.filter(object_id=object_id, is_group=False, enabled=True, gone_at=None)
    if not is_kept() or not present.exists():
        return None
    return groups_by_member([object_id])[object_id]


def ids_of(names: Iterable[str]) -> list[str]:
    """Object ids of the groups that a sign-in tells: those among the names.

    Where the catalogue has no directory any more, also those of the groups that had the names last: grants are bound to
    them, and groups count by name there. With a directory a name is none: its group may be gone.
    """
    names = list(names)
    told = {name.lower() for name in names if is_object_id(name)}
    if not is_kept():
        told |= {entry.object_id for entry in entries_of((True, name) for name in names).values()}
    return sorted(told)


def is_platform_team(*, names: Iterable[str], ids: Iterable[str]) -> bool:
    """Is who has these groups in the platform team?"""
    return installation().platform_group in groups_meant(names=names, ids=ids)


def clear(names: Iterable[str]) -> list[str]:
    """Those of a sign-in's groups that say which group is meant, sorted."""
    names = set(names)
    return sorted(names - shared_names(names))


def write(user: "Person", groups: Sequence[DirectoryEntry], *, shared: Collection[str] | None = None) -> bool:
    """Give the account these groups and no others; only what differs is written. True when something was.

    shared: what `shared_names` says of their names, where it was asked for many at once.
    """
    names, ids = _names(groups), kept_ids(groups)
    names -= shared_names(names) if shared is None else set(shared)
    staff = is_platform_team(names=names, ids=ids)
    row_differs = (user.group_ids, user.is_staff) != (ids, staff)
    names_differ = set(user.directory_groups) != names
    if not row_differs and not names_differ:
        return False
    with transaction.atomic():
        if row_differs:
            user.group_ids, user.is_staff = ids, staff
            user.save(update_fields=["group_ids", "is_staff"])
        if names_differ:
            # In one order: two who bring the same new groups would wait for each other.
            Group.objects.bulk_create((Group(name=name) for name in sorted(names)), ignore_conflicts=True)
            user.groups.set(Group.objects.filter(name__in=names))
            # The property was just read.
            user.__dict__.pop("directory_groups")
    return True


def kept_ids(groups: Iterable[DirectoryEntry]) -> list[str]:
    """Their object ids as an account keeps them."""
    return sorted(entry.object_id for entry in groups)


def _names(groups: Iterable[DirectoryEntry]) -> set[str]:
    """By which grants may name them while they are bound to nobody: not by another group's object id."""
    own = (one.account for one in groups if one.account == one.object_id or not is_object_id(one.account))
    return {name for name in own if len(name) <= _LONGEST_NAME}
