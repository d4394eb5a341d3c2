"""Who is there: people and groups of the directory, found by what one types, and who is in which group.

Everything here reads the rows of the last sync, so it asks nothing outside and answers while the directory is away.
Whoever wants to know whether somebody still counts asks `DirectoryEntry.present`, and `ended_accounts`: of them the
directory knows nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.contrib.auth import get_user_model
from django.db import connection
from django.db.models import Case, Exists, IntegerField, Max, OuterRef, Q, QuerySet, Value, When
from django.db.models.expressions import RawSQL
from django.db.models.functions import Lower

from projects.folding import holds, words_of
from projects.identity import Name, entries_of
from projects.installation import installation
from projects.models import DirectoryEntry, DirectoryState

LONGEST = 100
_WORDS_AT_MOST = 8

_GROUPS_OF = """
    WITH RECURSIVE above(id) AS (
        SELECT "group" FROM projects_directoryedge WHERE member = %s
        UNION
        SELECT edge."group" FROM projects_directoryedge edge JOIN above ON edge.member = above.id
    )
    SELECT id FROM above
"""
_GROUPS_OF_EACH = """
    WITH RECURSIVE above(member, id) AS (
        SELECT member, "group" FROM projects_directoryedge WHERE member = ANY(%s)
        UNION
        SELECT above.member, edge."group" FROM projects_directoryedge edge JOIN above ON edge.member = above.id
    )
    SELECT member, id FROM above WHERE member <> id
"""
_MEMBERS_OF_ANY = """
    WITH RECURSIVE below(id) AS (
        SELECT member FROM projects_directoryedge WHERE "group" = ANY(%s)
        UNION
        SELECT edge.member FROM projects_directoryedge edge JOIN below ON edge."group" = below.id
    )
    SELECT id FROM below
"""
_INHABITED = """
    WITH RECURSIVE below(root, id) AS (
        SELECT "group", member FROM projects_directoryedge WHERE "group" = ANY(%s)
        UNION
        SELECT below.root, edge.member FROM projects_directoryedge edge JOIN below ON edge."group" = below.id
    )
    SELECT DISTINCT root FROM below
    JOIN projects_directoryentry person ON person.object_id = below.id
    JOIN projects_directoryentry held ON held.object_id = below.root
    WHERE NOT person.is_group AND person.enabled AND person.gone_at IS NULL AND held.gone_at IS NULL
    AND person.object_id <> ALL(%s)
"""


def folded(*, name: str, account: str, mail: str) -> str:
    """What the search looks through: each word once with a space before it, so that " vis" finds where one begins.

    Of account and mail only what stands before the @: the company's domain is part of everybody's.
    """
    texts = (name, account.partition("@")[0], mail.partition("@")[0])
    words = dict.fromkeys(word for text in texts for word in words_of(text))
    return "".join(f" {word}" for word in words)


def search(words: str, *, is_group: bool | None = None, limit: int = 8) -> list[DirectoryEntry]:
    """People and groups that hold every word in name, account or mail; none for no words.

    First the one whose account that is, then those of which each word begins a word, then those that hold it inside.
    Who left or is switched off is not found. is_group: only groups, only people, or None for both. Each has `shared`:
    whether another group has its account name too.
    """
    words = words.strip()[:LONGEST]
    parts = [part for text in words.split() for part in words_of(text.partition("@")[0])][:_WORDS_AT_MOST]
    if not parts:
        return []
    found = DirectoryEntry.objects.filter(holds("folded", parts), enabled=True, gone_at=None)
    if is_group is not None:
        found = found.filter(is_group=is_group)
    for address in (text for text in words.split() if "@" in text):
        found = found.filter(Q(account__istartswith=address) | Q(mail__istartswith=address))
    begins = holds("folded", [f" {part}" for part in parts])
    rank = Case(
        When(account__iexact=words, then=Value(0)),
        When(begins, then=Value(1)),
        default=Value(2),
        output_field=IntegerField(),
    )
    lowered = Lower("account")
    same = DirectoryEntry.objects.filter(is_group=True, gone_at=None).alias(lowered=lowered)
    same = same.filter(lowered=Lower(OuterRef("account"))).exclude(object_id=OuterRef("object_id"))
    found = found.annotate(rank=rank, shared=Exists(same))
    return list(found.order_by("rank", "folded", "object_id")[:limit])


def entry_of(*, subject: str, is_group: bool) -> DirectoryEntry | None:
    """Who has this account name (or object id) in the directory now; None for nobody, or several.

    A switched-off account is still somebody's, so it is returned: ask `present`. Who left is not: the name may be
    given to somebody else. For many names at once: `projects.identity.entries_of`.
    """
    return entries_of([(is_group, subject)]).get((is_group, subject))


def entry(object_id: str) -> DirectoryEntry | None:
    """The person or group with this object id, also when it left; None when no sync ever saw it."""
    return DirectoryEntry.objects.filter(object_id=object_id).first()


def account_of(object_id: str) -> str | None:
    """The account name of an object id, the last one known; None when no sync ever saw it."""
    return DirectoryEntry.objects.filter(object_id=object_id).values_list("account", flat=True).first()


def groups_of(object_id: str) -> list[DirectoryEntry]:
    """Every present group that holds this person or group, directly or by other groups; by name."""
    return list(_present(_GROUPS_OF, object_id).filter(is_group=True).exclude(object_id=object_id))


def groups_by_member(object_ids: Sequence[str]) -> dict[str, list[DirectoryEntry]]:
    """What `groups_of` says of each of these, in two queries; in no particular order."""
    with connection.cursor() as cursor:
        cursor.execute(_GROUPS_OF_EACH, [list(object_ids)])
        pairs = cursor.fetchall()
    held = DirectoryEntry.objects.filter(is_group=True, enabled=True, gone_at=None)
    groups = {one.object_id: one for one in held.filter(object_id__in={group for _, group in pairs})}
    by_member: dict[str, list[DirectoryEntry]] = {object_id: [] for object_id in object_ids}
    for member, group in pairs:
        if group in groups:
            by_member[member].append(groups[group])
    return by_member


def inside(group_object_ids: Iterable[str]) -> set[str]:
    """Object ids of all who are in one of these groups, directly or by groups in it; of those groups too."""
    with connection.cursor() as cursor:
        cursor.execute(_MEMBERS_OF_ANY, [list(group_object_ids)])
        return {member for (member,) in cursor.fetchall()}


def inhabited(group_object_ids: Iterable[str], *, without: str = "") -> set[str]:
    """Those of these groups that are there and hold a person who is there, directly or by groups in them.

    without: the object id of somebody who does not count; "" for nobody.
    """
    with connection.cursor() as cursor:
        cursor.execute(_INHABITED, [list(group_object_ids), [*_ended_ids(), without]])
        return {root for (root,) in cursor.fetchall()}


def ended_accounts() -> QuerySet[Any]:
    """Accounts whose access the platform team ended: who left by the directory is found by its rows."""
    return get_user_model().objects.filter(is_active=False, left_at=None)


def _ended_ids() -> list[str]:
    return list(ended_accounts().exclude(object_id="").values_list("object_id", flat=True))


def is_kept() -> bool:
    """Does the catalogue have a directory? What is left of one that it had before is not kept up to date."""
    return installation().catalogue.directory is not None


def synced() -> bool:
    """Is there a directory that was read as a whole: does whom it doesn't have not exist?"""
    return is_kept() and DirectoryState.objects.filter(complete_at__isnull=False).exists()


def has_left() -> Q:
    """Of entries: switched off, or gone as a complete sync saw it.

    A sign-in ends what goes by a name at once (`projects.passed_on`). Whether who had it left or is only called
    otherwise, the next sync knows, and until then nothing is done that it could not undo.
    """
    seen = DirectoryState.objects.aggregate(at=Max("complete_at"))["at"]
    return Q(enabled=False) | (Q(gone_at__isnull=False) if seen is None else Q(gone_at__lte=seen))


def anybody(names: Iterable[Name], *, bound: Mapping[Name, str]) -> bool:
    """Is one of these a person who is there, or a group with one in it, to the directory or to a sign-in here?

    bound: by object id those of whom it is known.
    """
    names = list(names)
    ids = {bound[name] for name in names if name in bound}
    ids |= {entry.object_id for entry in entries_of(name for name in names if name not in bound).values()}
    there = DirectoryEntry.objects.filter(object_id__in=ids - set(_ended_ids()), enabled=True, gone_at=None)
    kinds = list(there.values_list("is_group", "object_id"))
    if any(not is_group for is_group, _ in kinds) or inhabited([object_id for _, object_id in kinds]):
        return True
    people = [name for is_group, name in names if not is_group]
    groups = [name for is_group, name in names if is_group]
    accounts = get_user_model().objects.filter(is_active=True)
    return accounts.filter(Q(username__in=people) | Q(groups__name__in=groups)).exists()


def _present(reached: str, start: str | list[str]) -> QuerySet[DirectoryEntry]:
    inside = RawSQL(reached, [start])  # noqa: S611 - constant text, one parameter
    return DirectoryEntry.objects.filter(enabled=True, gone_at=None, object_id__in=inside)
