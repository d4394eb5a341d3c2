"""Lists that fit on a page, as files too: what a project is made of, its credentials, and stand-ins."""

from collections.abc import Iterable, Iterator

from projects.credentials import Held
from projects.exports import Record
from projects.models import StandIn
from provisioning.models import Resource

RESOURCES = ("kind", "target", "status", "reason", "message", "since", "last_look")
CREDENTIALS = ("purpose", "title", "version", "since", "rotated_by", "earlier_until", "in_force", "old", "place")
STAND_INS = ("approver", "stand_in", "begins", "ends")


def of_resources(rows: Iterable[Resource]) -> Iterator[Record]:
    """What we last saw of each."""
    for row in rows:
        shows = row.telling
        yield {
            "kind": row.kind,
            "target": row.target,
            "status": row.word.value,
            "reason": shows.reason.value,
            "message": shows.message,
            "since": shows.since,
            "last_look": row.last_look,
        }


def of_credentials(held: Iterable[Held]) -> Iterator[Record]:
    """Everything about them but what they are."""
    for one in held:
        yield {
            "purpose": one.credential.purpose,
            "title": one.credential.title,
            "version": one.version,
            "since": one.since,
            "rotated_by": one.rotated_by,
            "earlier_until": one.earlier_until,
            "in_force": one.in_force,
            "old": one.old,
            "place": one.place,
        }


def of_stand_ins(rows: Iterable[StandIn]) -> Iterator[Record]:
    """Who decides in whose place, and when."""
    for row in rows:
        yield {
            "approver": row.approver.username,
            "stand_in": row.stand_in.username,
            "begins": row.begins,
            "ends": row.ends,
        }
