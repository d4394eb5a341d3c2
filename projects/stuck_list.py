"""What is stuck, as page, files and API list it: what may be asked for, how it is sorted, what a file holds."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import F, QuerySet

from projects.exports import BATCH, Record
from projects.platform_lists import stuck
from projects.sorting import Order
from provisioning.errors import Reason
from provisioning.models import Resource


def _moment(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError(text)
    return found


ORDERS = (
    Order("since", F("synced_since"), read=_moment),
    Order("name", F("project__slug")),
    Order("reason", F("synced_reason")),
)
"""The ways to sort it, the usual one, longest first, before the others."""
COLUMNS = ("project", "team", "kind", "target", "reason", "message", "since", "failures", "last_look")
"""What it has as a file."""


@dataclass(frozen=True)
class Filter:
    """What of it; "" is all."""

    target: str = ""
    reason: str = ""
    team: str = ""

    @classmethod
    def of(cls, given: Mapping[str, str]) -> "Filter":
        """What an address asks for. A reason that there is not counts as none."""
        reason = given.get("reason", "")
        return cls(
            target=given.get("target", "")[:63],
            reason=reason if reason in set(Reason) else "",
            team=given.get("team", "")[:40],
        )

    def __bool__(self) -> bool:
        """Whether it leaves anything out."""
        return self != Filter()

    def applied(self) -> QuerySet[Resource]:
        """The resources that are stuck and pass, with project and team."""
        asked = {"target": self.target, "synced_reason": self.reason, "project__team__slug": self.team}
        return stuck().filter(**{field: value for field, value in asked.items() if value})


def record(row: Resource) -> Record:
    """One resource that is stuck; project and team were read with it."""
    return {
        "project": row.project.slug,
        "team": row.project.team.slug,
        "kind": row.kind,
        "target": row.target,
        "reason": row.synced_reason,
        "message": row.synced_message,
        "since": row.synced_since,
        "failures": row.failures,
        "last_look": row.last_look,
    }


def records(rows: QuerySet[Resource]) -> Iterator[Record]:
    """The rows of a file, read in batches."""
    return (record(row) for row in rows.iterator(chunk_size=BATCH))
