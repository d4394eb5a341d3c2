"""Through which groups somebody is in a group: the shortest chain, for pages that say by which path a right comes.

Reads the rows of the last sync, with a number of queries that does not grow with groups or people.
"""

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.db import connection
from django.utils.translation import gettext

from projects.models import DirectoryEdge, DirectoryEntry

MOST_PEOPLE = 500
"""How many direct memberships are read for one page. Larger groups are said to be so."""

_GROUPS_BELOW = """
    WITH RECURSIVE below(id) AS (
        SELECT unnest(%s::text[])
        UNION
        SELECT edge.member FROM projects_directoryedge edge
        JOIN below ON edge."group" = below.id
        JOIN projects_directoryentry entry ON entry.object_id = edge.member AND entry.is_group
    )
    SELECT id FROM below
"""
_GROUPS_ABOVE = """
    WITH RECURSIVE above(id) AS (
        SELECT unnest(%s::text[])
        UNION
        SELECT edge."group" FROM projects_directoryedge edge JOIN above ON edge.member = above.id
    )
    SELECT id FROM above
"""
_PEOPLE_IN = """
    SELECT edge."group", entry.object_id FROM projects_directoryedge edge
    JOIN projects_directoryentry entry ON entry.object_id = edge.member
    WHERE edge."group" = ANY(%s) AND NOT entry.is_group AND entry.enabled AND entry.gone_at IS NULL
    ORDER BY entry.name, entry.object_id LIMIT %s
"""

_PEOPLE_BELOW = """
    WITH RECURSIVE below(root, id) AS (
        SELECT object_id, object_id FROM projects_directoryentry
        WHERE object_id = ANY(%s) AND is_group AND gone_at IS NULL
        UNION
        SELECT below.root, edge.member FROM projects_directoryedge edge
        JOIN below ON edge."group" = below.id
        JOIN projects_directoryentry entry ON entry.object_id = edge.member AND entry.is_group
    )
    SELECT DISTINCT below.root, person.object_id FROM below
    LEFT JOIN projects_directoryedge edge ON edge."group" = below.id
    LEFT JOIN projects_directoryentry person
        ON person.object_id = edge.member AND NOT person.is_group AND person.enabled AND person.gone_at IS NULL
"""

Chain = tuple[str, ...]
"""Accounts of groups, each in the next: from the one that somebody is directly in to the one that is asked about."""


@dataclass(frozen=True)
class Inside:
    """A present person in a group, and through which groups."""

    entry: DirectoryEntry
    chain: Chain


@dataclass(frozen=True)
class Crowd:
    """Who is in one group, by name. `whole`: that is everybody."""

    people: tuple[Inside, ...]
    whole: bool


def crowds(groups: Iterable[str]) -> Mapping[str, Crowd]:
    """Who is in each of these groups (object ids), directly or through other groups."""
    roots = list(dict.fromkeys(groups))
    if not roots:
        return {}
    below = _ids(_GROUPS_BELOW, roots)
    with connection.cursor() as cursor:
        cursor.execute(_PEOPLE_IN, [below, MOST_PEOPLE + 1])
        pairs = cursor.fetchall()
    whole, pairs = len(pairs) <= MOST_PEOPLE, pairs[:MOST_PEOPLE]
    inner = _edges_among(below)
    entries = {
        one.object_id: one for one in DirectoryEntry.objects.filter(object_id__in={*below, *(p for _, p in pairs)})
    }
    direct: dict[str, list[str]] = defaultdict(list)
    for group, person in pairs:
        direct[group].append(person)
    found = {}
    for root in roots:
        people: dict[str, Inside] = {}
        for group, path in _reached(root, inner).items():
            chain = tuple(entries[one].account for one in reversed(path) if one in entries)
            for person in direct[group]:
                people.setdefault(person, Inside(entry=entries[person], chain=chain))
        ordered = sorted(people.values(), key=lambda one: (one.entry.name, one.entry.object_id))
        found[root] = Crowd(people=tuple(ordered), whole=whole)
    return found


def people_in(groups: Iterable[str]) -> Mapping[str, set[str]]:
    """Object ids of the present people in each of these groups, through other groups too; one query.

    A group that the directory doesn't have now is not in the answer.
    """
    roots = list(dict.fromkeys(groups))
    if not roots:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_PEOPLE_BELOW, [roots])
        found: dict[str, set[str]] = defaultdict(set)
        for root, person in cursor.fetchall():
            found[root] |= {person} if person is not None else set()
    return dict(found)


def chains_from(person: str) -> Mapping[str, Chain]:
    """Every group that holds this person (object id), by object id, with the shortest chain to it."""
    return chains_of([person])[person]


def chains_of(people: Iterable[str]) -> Mapping[str, Mapping[str, Chain]]:
    """What `chains_from` says of each of these, in as many queries as for one."""
    people = list(people)
    above = _ids(_GROUPS_ABOVE, people)
    upward = _edges_among(above, upward=True)
    accounts = dict(DirectoryEntry.objects.filter(object_id__in=above).values_list("object_id", "account"))
    return {
        person: {
            group: tuple(accounts[one] for one in path[1:] if one in accounts)
            for group, path in _reached(person, upward).items()
            if group != person
        }
        for person in people
    }


def in_words(chain: Chain) -> str:
    """The chain as it is said: "ml-vision in ml-all". "" for who is directly in the group that is asked about."""
    return f" {gettext('in')} ".join(chain) if len(chain) > 1 else ""


def _ids(statement: str, roots: list[str]) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(statement, [roots])
        return [row[0] for row in cursor.fetchall()]


def _edges_among(ids: Iterable[str], *, upward: bool = False) -> Mapping[str, list[str]]:
    """Edges between these, from a group to what is in it; upward: from a member to its groups."""
    near: dict[str, list[str]] = defaultdict(list)
    for member, group in DirectoryEdge.objects.filter(member__in=ids, group__in=ids).values_list("member", "group"):
        near[member if upward else group].append(group if upward else member)
    return near


def _reached(start: str, near: Mapping[str, list[str]]) -> Mapping[str, tuple[str, ...]]:
    """Everything that is reached from `start`, with the shortest path to it, `start` first."""
    paths: dict[str, tuple[str, ...]] = {start: (start,)}
    waiting = deque([start])
    while waiting:
        here = waiting.popleft()
        for there in sorted(near.get(here, ())):
            if there not in paths:
                paths[there] = (*paths[here], there)
                waiting.append(there)
    return paths
