"""Who a name in a grant means: the person or group that has it now, by object id, from then on.

Specs and teams name people and groups as one says it. Names change and are given again; object ids are neither. So each
membership and each group of a team is bound to an object id as soon as the directory knows the name, and `permissions`
asks for the id from then on. What the directory doesn't know stays a name. So does what it knows twice, and counts for
nobody: accounts aren't given such a group's name (`projects.account_groups`), and new grants to it are refused.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import structlog
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils.translation import gettext

from projects.doorbell import make_due
from projects.locks import held_teams, hold_projects
from projects.models import DirectoryEntry, Membership, Project
from provisioning.directory import is_object_id

log = structlog.get_logger(__name__)

Name = tuple[bool, str]
"""Is it a group, and how it is called."""
_AT_ONCE = 1000


def entries_of(names: Iterable[Name]) -> dict[Name, DirectoryEntry]:
    """Whom the directory has under each name (or object id) now, without those it has nobody or several for.

    A switched-off account is still somebody's, and comes second to one that is not. Who left is not found: the name
    may be given to somebody else. Nor is a group by a name that reads as an object id: it may be that of another one.
    """
    return clear_and_shared(names)[0]


def clear_and_shared(
    names: Iterable[Name],
) -> tuple[dict[Name, DirectoryEntry], dict[Name, list[DirectoryEntry]]]:
    """What `entries_of` says of these names, and what `several` does, both read at once."""
    all_of = _all_of(names)
    shared = {name: entries for name, entries in all_of.items() if len(entries) > 1}
    for (_, name), entries in shared.items():
        log.warning("name_not_clear", name=name, entries=sorted(one.object_id for one in entries))
    return {name: entries[0] for name, entries in all_of.items() if name not in shared}, shared


def several(names: Iterable[Name]) -> dict[Name, list[DirectoryEntry]]:
    """Those of these names that the directory has more than once, with whom it has."""
    return {name: entries for name, entries in _all_of(names).items() if len(entries) > 1}


@dataclass(frozen=True)
class Meant:
    """Whom a name of a grant stands for. `entry`: whom it is bound to, else who has it now; None when nobody has.

    `left`: whom it is bound to left the directory, so it counts for nobody; `heir`: who has the name by now. `shared`:
    it is bound to nobody and several have it, so it counts for nobody either.
    """

    entry: DirectoryEntry | None = None
    left: bool = False
    heir: DirectoryEntry | None = None
    shared: bool = False


def meant(names: Iterable[Name], *, bound: Mapping[Name, str]) -> dict[Name, Meant]:
    """Whom each of these names stands for. bound: by object id those that are bound. Two queries."""
    names = list(names)
    ids = {bound[name] for name in names if name in bound}
    by_id = {one.object_id: one for one in DirectoryEntry.objects.filter(object_id__in=ids)} if ids else {}
    clear, shared = clear_and_shared(names)
    found = {}
    for name in names:
        if name not in bound:
            found[name] = Meant(entry=clear.get(name), shared=name in shared)
            continue
        entry = by_id.get(bound[name])
        left = entry is None or entry.gone_at is not None
        found[name] = Meant(entry=entry, left=left, heir=clear.get(name) if left else None)
    return found


def shared_names(groups: Iterable[str]) -> set[str]:
    """Those of these names that several groups have: they don't say which of them somebody is in."""
    return {name for _, name in several((True, group) for group in groups)}


def _all_of(names: Iterable[Name]) -> dict[Name, list[DirectoryEntry]]:
    names = list(names)
    texts = {name.lower() for _, name in names}
    held = DirectoryEntry.objects.filter(gone_at=None).alias(lowered=Lower("account"))
    found: dict[Name, dict[str, DirectoryEntry]] = defaultdict(dict)
    for entry in held.filter(Q(lowered__in=texts) | Q(object_id__in=texts)):
        found[entry.is_group, entry.object_id][entry.object_id] = entry
        if not is_object_id(entry.account):
            found[entry.is_group, entry.account.lower()][entry.object_id] = entry
    all_of = {}
    for is_group, name in names:
        entries = list(found.get((is_group, name.lower()), {}).values())
        if entries:
            all_of[is_group, name] = [one for one in entries if one.enabled] or entries
    return all_of


def which_one(name: str, entries: Iterable[DirectoryEntry]) -> str:
    """That a group's name is no answer, with those who have it."""
    held = (f"{one.object_id} ({one.name}{', ' if one.place else ''}{one.place})" for one in entries)
    said = gettext("The directory has several groups %(name)s: %(groups)s. Name the one you mean by its object id.")
    return said % {"name": name, "groups": "; ".join(sorted(held))}


def groups_meant(*, names: Iterable[str], ids: Iterable[str]) -> set[str]:
    """As what the catalogue may name somebody's groups. A name that reads as an object id is none of them: whoever may
    make a group could call it so.
    """
    return {*ids, *(name for name in names if not is_object_id(name))}


def called(groups: Iterable[str]) -> list[str]:
    """Groups of the catalogue in words: one that is named by object id as the directory calls it now."""
    groups = list(groups)
    ids = [one for one in groups if is_object_id(one)]
    held = DirectoryEntry.objects.filter(object_id__in=ids, is_group=True) if ids else DirectoryEntry.objects.none()
    names = dict(held.values_list("object_id", "account"))
    return [names.get(one, one) for one in groups]


def bind_memberships() -> None:
    """Bind what is only named so far, and have projects looked at whose workspace has to follow, because the name was
    stale. Many at once, each time in a transaction of its own.
    """
    unbound = Membership.objects.filter(object_id="", project__deleted_at=None).order_by("pk")
    rows = list(unbound.only("pk", "is_group", "subject", "project_id"))
    for start in range(0, len(rows), _AT_ONCE):
        batch = rows[start : start + _AT_ONCE]
        entries = entries_of((row.is_group, row.subject) for row in batch)
        bound, stale = [], set()
        for row in batch:
            entry = entries.get((row.is_group, row.subject))
            if entry is None:
                continue
            row.object_id = entry.object_id
            bound.append(row)
            if not entry.present or present_name(row.subject, entry) != row.subject:
                stale.add(row.project_id)
        with transaction.atomic():
            hold_projects(Project.objects.filter(pk__in={row.project_id for row in bound}))
            Membership.objects.bulk_update(bound, ["object_id"], batch_size=500)
            make_due(Project.objects.filter(pk__in=stale))


def bind_teams() -> None:
    """Bind the groups of teams that are only named so far, and call renamed ones as they are called now."""
    with transaction.atomic():
        for team in held_teams():
            groups, ids = bound_groups(team.ad_groups, team.group_ids)
            if (groups, ids) != (team.ad_groups, team.group_ids):
                team.ad_groups, team.group_ids = groups, ids
                team.save(update_fields=["ad_groups", "group_ids"])


def bound_groups(groups: list[str], ids: Mapping[str, str]) -> tuple[list[str], dict[str, str]]:
    """Names and bindings as they should be. A group that left keeps its binding: its name is nobody's."""
    fresh = entries_of((True, name) for name in groups if name not in ids)
    known = {name: ids[name] for name in groups if name in ids}
    known |= {name: fresh[True, name].object_id for name in groups if (True, name) in fresh}
    entries = {one.object_id: one for one in DirectoryEntry.objects.filter(object_id__in=known.values(), gone_at=None)}
    names: dict[str, str] = {}
    for name in groups:
        entry = entries.get(known.get(name, ""))
        names.setdefault(present_name(name, entry) if entry else name, name)
    return list(names), {name: known[old] for name, old in names.items() if old in known}


def present_name(subject: str, entry: DirectoryEntry) -> str:
    """What to call a bound subject now. Who is named by object id stays so: that is how the systems know it."""
    return subject if subject.lower() == entry.object_id else entry.account


def called_now(subject: str, entry: DirectoryEntry) -> str:
    """The name that the directory has for a bound subject, where it is another one by now; else ""."""
    now = present_name(subject, entry)
    return now if now.lower() != subject.lower() else ""
