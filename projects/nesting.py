"""Through which groups somebody is in a group: the shortest chain, for pages that say by which path a right comes.

Reads the rows of the last sync, with a number of queries that does not grow with groups or people.
"""

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.utils.translation import gettext

from projects.models import DirectoryEdge, DirectoryEntry

MOST_PEOPLE = 500
"""How many people of one group are read for a file and the API. Larger groups are said to be so."""
PEOPLE_SHOWN = 100
"""How many of them a page shows, and says that there are more."""

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
_BELOW = """
    WITH RECURSIVE below(root, id) AS (
        SELECT object_id, object_id FROM projects_directoryentry
        WHERE object_id = ANY(%s) AND is_group AND gone_at IS NULL
        UNION
        SELECT below.root, edge.member FROM projects_directoryedge edge
        JOIN below ON edge."group" = below.id
        JOIN projects_directoryentry entry ON entry.object_id = edge.member AND entry.is_group
    ), inside AS (
        SELECT held.root, person.object_id, person.name FROM (
            SELECT DISTINCT below.root, edge.member FROM below
            LEFT JOIN projects_directoryedge edge ON edge."group" = below.id
        ) AS held
        LEFT JOIN projects_directoryentry person
            ON person.object_id = held.member AND NOT person.is_group AND person.enabled AND person.gone_at IS NULL
    )
"""
_PEOPLE = "SELECT root, array_remove(array_agg(object_id), NULL) FROM inside GROUP BY root"
_COUNTS = "SELECT root, count(object_id) FROM inside GROUP BY root"
_FIRST = """
    SELECT held.root, few.people, held.total
    FROM (SELECT root, count(object_id) AS total FROM inside GROUP BY root) AS held
    CROSS JOIN LATERAL (
        SELECT COALESCE(array_agg(object_id ORDER BY name, object_id), '{}') AS people FROM (
            SELECT object_id, name FROM inside WHERE root = held.root AND object_id IS NOT NULL
            ORDER BY name, object_id LIMIT %s
        ) AS first
    ) AS few
"""
"""The whole of a large group is never sorted: Postgres keeps the first ones only."""

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


@dataclass(frozen=True)
class First:
    """The first people of a group by name, as object ids, and how many there are in all."""

    people: tuple[str, ...]
    count: int


def crowds(groups: Iterable[str]) -> Mapping[str, Crowd]:
    """Who is in each of these groups (object ids), directly or through other groups: of each its first, by name.

    A group that the directory doesn't have now is not in the answer.
    """
    roots = list(dict.fromkeys(groups))
    if not roots:
        return {}
    found = first_in(roots, most=MOST_PEOPLE)
    below = _ids(_GROUPS_BELOW, list(found))
    shown = {person for first in found.values() for person in first.people}
    inner = _edges_among({*below, *shown})
    entries = {one.object_id: one for one in DirectoryEntry.objects.filter(object_id__in={*below, *shown})}
    return {
        root: Crowd(people=_inside(root, first.people, inner, entries), whole=len(first.people) == first.count)
        for root, first in found.items()
    }


def people_in(groups: Iterable[str]) -> Mapping[str, set[str]]:
    """Object ids of the present people in each of these groups, through other groups too; one query.

    A group that the directory doesn't have now is not in the answer.
    """
    return {root: set(people) for root, people in _rows_below(_PEOPLE, groups)}


def first_in(groups: Iterable[str], *, most: int) -> Mapping[str, First]:
    """As `people_in`, of each group no more than so many, and their number; one query."""
    return {root: First(people=tuple(people), count=count) for root, people, count in _rows_below(_FIRST, groups, most)}


def counts_in(groups: Iterable[str]) -> Mapping[str, int]:
    """As `people_in`, their number alone; one query."""
    return dict(_rows_below(_COUNTS, groups))


def _rows_below(statement: str, groups: Iterable[str], *more: int) -> list[tuple[Any, ...]]:
    roots = list(groups)
    if not roots:
        return []
    with connection.cursor() as cursor:
        cursor.execute(_BELOW + statement, [roots, *more])
        return cursor.fetchall()


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


def _inside(
    root: str, people: Iterable[str], inner: Mapping[str, list[str]], entries: Mapping[str, DirectoryEntry]
) -> tuple[Inside, ...]:
    paths = _reached(root, inner)
    return tuple(
        Inside(entry=entries[one], chain=tuple(entries[group].account for group in paths[one][-2::-1]))
        for one in people
        # A sync may come between the queries.
        if one in entries and one in paths
    )


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
