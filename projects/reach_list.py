"""Who can reach a project, as a file: a line for each person or group, and by which path."""

from collections.abc import Iterable, Iterator
from typing import Any

from projects.exports import Record
from projects.nesting import Inside
from projects.reach import Reach

COLUMNS = (
    "path", "role", "account", "name", "is_group", "by", "door", "until", "standing", "counts", "whole",
)  # fmt: skip
"""What the file has. by: the groups through which somebody is in it, the one they are directly in first.

counts: does it open anything today. whole: of a group, whether everybody in it follows below.
"""


def records(reach: Reach) -> Iterator[Record]:
    """The paths as lines of a file, people of a group below the group."""
    held: Record
    for grant in reach.grants:
        held = {"path": "role", "role": grant.role.value, "door": grant.source, "until": grant.until}
        held |= {"standing": grant.standing.value, "counts": grant.counts}
        whole = grant.whole if grant.is_group else None
        yield _line(held, account=grant.subject, name=grant.name, is_group=grant.is_group, whole=whole)
        yield from _inside(held, grant.people)
    for group in reach.team:
        held = {"path": "team", "counts": True}
        yield _line(held, account=group.name, is_group=True, whole=group.whole)
        yield from _inside(held, group.people)
    for account in reach.platform:
        yield _line({"path": "platform", "counts": True}, account=account)


def _inside(held: Record, people: Iterable[Inside]) -> Iterator[Record]:
    for one in people:
        yield _line(held, account=one.entry.account, name=one.entry.name, by=list(one.chain))


def _line(held: Record, **said: Any) -> Record:
    return {**dict.fromkeys(COLUMNS, ""), "is_group": False, "by": [], "until": None, "whole": None, **held, **said}
