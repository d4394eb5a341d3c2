"""Bring the rows of the directory in line with the directory: read everything, then write what differs at once.

Only a complete read changes anything: what a broken one did not show has not vanished. And when much would vanish or be
switched off at once, a person is asked first: a filter that was changed by mistake, or an account that may read less
than yesterday, looks as if half the company had left.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TypeVar

import structlog
from django.db import transaction
from django.db.models.expressions import RawSQL
from django.utils import timezone

from projects import directory_state, leavers
from projects.directory import folded
from projects.identity import entries_of
from projects.installation import Installation
from projects.models import DirectoryEdge, DirectoryEntry
from projects.rounds import alone
from projects.stand_ins import approver_groups
from provisioning import targets
from provisioning.catalogue import GraphDirectory, LdapDirectory
from provisioning.directory import Directory, Edge, Entry
from provisioning.errors import PermanentError, ProvisioningError, TemporaryError
from provisioning.phrases import phrase
from provisioning.secrets import Resolve

log = structlog.get_logger(__name__)

CONFIRM = "manage.py sync_directory --confirm"
_AT_ONCE = 1000
_FACTS = ("is_group", "account", "name", "mail", "place", "enabled")
_LENGTHS = {"account": 256, "name": 256, "mail": 254, "place": 400}

T = TypeVar("T")
Pair = tuple[str, str]

_BELOW = """
    WITH RECURSIVE below(id) AS (
        SELECT unnest(%s::text[])
        UNION
        SELECT edge.member FROM projects_directoryedge edge JOIN below ON edge."group" = below.id
    )
    SELECT id FROM below
"""


@dataclass
class _Difference:
    """What a complete read shows that the rows do not, and the other way round."""

    people: int = 0
    groups: int = 0
    fresh: dict[str, Entry] = field(default_factory=dict)
    gone: list[str] = field(default_factory=list)
    switched_off: int = 0
    present: int = 0
    new_edges: set[Pair] = field(default_factory=set)
    old_edges: list[int] = field(default_factory=list)
    moved: set[str] = field(default_factory=set)
    lost_edges: int = 0
    edges: int = 0


def sync_installed(settings: Installation, *, confirmed: bool = False) -> str:
    """Sync with the directory of the catalogue; "" when all went well (or there is none), else a sentence why not."""
    target = settings.catalogue.directory
    if target is None:
        return ""
    with alone("directory") as mine:
        if not mine:
            return "Another sync of the directory is running. Wait for its end, then look again."
        why = sync(target, resolve=settings.resolve, confirmed=confirmed)
        # Also what a round before this one wrote and, since its process died, told nobody.
        if changed := directory_state.untold(target.name):
            leavers.after_sync(changed)
            directory_state.told(target.name)
        if not why and (unknown := unknown_groups(settings)):
            log.warning("catalogue_groups_unknown", groups=unknown)
        return why


def unknown_groups(settings: Installation) -> list[str]:
    """Groups that settings and catalogue give a right, or a rule, and that the directory has not, or not just once."""
    rules = settings.catalogue.policy
    named = {*approver_groups(settings), *(group for rule in rules for group in rule.groups), settings.platform_group}
    found = entries_of((True, name) for name in named)
    return sorted(name for name in named if name and (True, name) not in found)


def sync(target: LdapDirectory | GraphDirectory, *, resolve: Resolve, confirmed: bool = False) -> str:
    """Read the directory and write what differs; "" or, in a sentence, why nothing was changed.

    confirmed: a person said that it is right when much vanishes. Only one may run at a time.
    """
    try:
        found = _seen_twice(target, resolve=resolve)
    except ProvisioningError as error:
        directory_state.failed(target.name, error.message, needs_person=isinstance(error, PermanentError))
        return error.message
    why = _nobody(target, found) or ("" if confirmed else _too_much(target, found))
    if why:
        directory_state.failed(target.name, why, needs_person=True)
        return why
    with transaction.atomic():
        changed = _write(found)
        waiting = changed | directory_state.untold(target.name)
        directory_state.succeeded(target.name, people=found.people, groups=found.groups, untold=waiting)
    log.info(
        "directory_synced",
        source=target.name,
        people=found.people,
        groups=found.groups,
        changed=len(changed),
        gone=len(found.gone),
    )
    return ""


def _seen_twice(target: LdapDirectory | GraphDirectory, *, resolve: Resolve) -> _Difference:
    """What a read shows; when somebody is missing in it, what a second one shows that misses the same.

    A list that is read page by page may leave out who is moved meanwhile, and whoever is taken for gone loses tokens
    for good. Raises TemporaryError when the two reads differ in that.
    """
    found = _difference(targets.connect_directory(target, resolve=resolve))
    if not found.gone:
        return found
    again = _difference(targets.connect_directory(target, resolve=resolve))
    if set(again.gone) != set(found.gone):
        raise TemporaryError(
            phrase("%(name)s left out different entries when it was read twice. We read it again.", name=target.name)
        )
    return again


def _difference(client: Directory) -> _Difference:
    """Read everything from outside, comparing with the rows on the way, so that little is held at a time."""
    known = {row[0]: hash(row[1:]) for row in _rows()}
    held = set(DirectoryEntry.objects.filter(enabled=True, gone_at=None).values_list("object_id", flat=True))
    found = _Difference(present=len(held))
    shown: dict[str, bool] = {}
    pairs: set[Pair] = set()
    ids: dict[str, str] = {}
    try:
        for one in client.read():
            if isinstance(one, Edge):
                # One text for each id, however many edges name it.
                pairs.add((ids.setdefault(one.member, one.member), ids.setdefault(one.group, one.group)))
                continue
            entry = _fitting(one)
            shown[entry.object_id] = entry.is_group
            if known.get(entry.object_id) != hash((*(getattr(entry, name) for name in _FACTS), True)):
                found.fresh[entry.object_id] = entry
                found.switched_off += not entry.enabled and entry.object_id in held
    finally:
        client.close()
    found.groups = sum(shown.values())
    found.people = len(shown) - found.groups
    found.gone = [row[0] for row in _rows() if row[-1] and row[0] not in shown]
    _compare_edges(found, {pair for pair in pairs if pair[0] in shown and shown.get(pair[1])}, shown)
    return found


def _rows() -> Iterator[tuple]:
    """Object id, facts, and whether it was there, of every row."""
    for *facts, gone_at in DirectoryEntry.objects.values_list("object_id", *_FACTS, "gone_at").iterator(_AT_ONCE):
        yield (*facts, gone_at is None)


def _fitting(entry: Entry) -> Entry:
    """The entry with texts that their columns can hold."""
    texts = {name: getattr(entry, name).replace("\x00", "")[:length] for name, length in _LENGTHS.items()}
    return replace(entry, **texts)


def _compare_edges(found: _Difference, pairs: set[Pair], shown: dict[str, bool]) -> None:
    for pk, member, group in DirectoryEdge.objects.values_list("pk", "member", "group").iterator(_AT_ONCE):
        found.edges += 1
        if (member, group) in pairs:
            pairs.discard((member, group))
            continue
        found.old_edges.append(pk)
        found.moved.add(member)
        # Whoever left takes their memberships along; that is counted as one leaving.
        found.lost_edges += member in shown and group in shown
    found.new_edges = pairs
    found.moved |= {member for member, _ in pairs}


def _nobody(target: LdapDirectory | GraphDirectory, found: _Difference) -> str:
    """Why this can't be the whole directory, "" when it may be."""
    if found.people:
        return ""
    return phrase(
        "%(name)s shows no people at all. Correct the directory's base or filters in platform.yaml.", name=target.name
    )


def _too_much(target: LdapDirectory | GraphDirectory, found: _Difference) -> str:
    """Why a person has to look first, "" when nobody has to."""
    lost = len(found.gone) + found.switched_off
    for count, total, what in (
        (lost, found.present, phrase("people and groups would leave or be switched off")),
        (found.lost_edges, found.edges, phrase("memberships in groups would end")),
    ):
        if count >= target.brake_at_least and count * 100 > total * target.brake_percent:
            return phrase(
                "%(count)s of %(total)s %(what)s at once, more than the %(percent)s %% that are let through, so "
                "nothing was changed. Check whether %(name)s is right; if it is: %(command)s",
                count=count,
                total=total,
                what=what,
                percent=target.brake_percent,
                name=target.name,
                command=CONFIRM,
            )
    return ""


def _write(found: _Difference) -> set[str]:
    """Write the difference; the object ids of whom it changes, those in moved groups included."""
    now = timezone.now()
    for batch in _batches(found.fresh.values()):
        DirectoryEntry.objects.bulk_create(
            [_row(entry) for entry in batch],
            update_conflicts=True,
            unique_fields=["object_id"],
            update_fields=[*_FACTS, "folded", "gone_at"],
        )
    for ids in _batches(found.gone):
        DirectoryEntry.objects.filter(object_id__in=ids).update(gone_at=now)
    for keys in _batches(found.old_edges):
        DirectoryEdge.objects.filter(pk__in=keys).delete()
    for pairs in _batches(sorted(found.new_edges)):
        DirectoryEdge.objects.bulk_create(DirectoryEdge(member=member, group=group) for member, group in pairs)
    below = DirectoryEntry.objects.filter(object_id__in=RawSQL(_BELOW, [sorted(found.moved)]))  # noqa: S611 - constant
    nested = set(below.values_list("object_id", flat=True)) if found.moved else set()
    return {*found.fresh, *found.gone, *nested}


def _row(entry: Entry) -> DirectoryEntry:
    facts = {name: getattr(entry, name) for name in _FACTS}
    words = folded(name=entry.name, account="" if entry.account == entry.object_id else entry.account, mail=entry.mail)
    return DirectoryEntry(object_id=entry.object_id, folded=words, gone_at=None, **facts)


def _batches(items: Iterable[T]) -> Iterator[list[T]]:
    waiting = iter(items)
    while batch := list(islice(waiting, _AT_ONCE)):
        yield batch
