"""What was changed by hand, as page, files and API list it: what may be asked for, and what a file holds."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from django.db.models import Exists, F, OuterRef, QuerySet

from projects.exports import BATCH, Record
from projects.platform_lists import Drift, drift_of, drifts
from projects.sorting import BY_ID, Order
from provisioning.models import Event, Resource

ORDERS = (BY_ID, Order("kind", F("kind")))
"""The ways to sort it, the usual one first."""
COLUMNS = ("project", "team", "kind", "seen", "message", "outcome")
"""What it has as a file."""


@dataclass(frozen=True)
class Filter:
    """What of it; "" is all. What is gone is on no target any more."""

    target: str = ""
    team: str = ""

    @classmethod
    def of(cls, given: Mapping[str, str]) -> "Filter":
        """What an address asks for."""
        return cls(target=given.get("target", "")[:63], team=given.get("team", "")[:40])

    def __bool__(self) -> bool:
        """Whether it leaves anything out."""
        return self != Filter()

    def applied(self) -> QuerySet[Event]:
        """What was changed by hand and passes, as `platform_lists.drifts` has it."""
        rows = drifts()
        if self.target:
            there = Resource.objects.filter(project=OuterRef("project"), kind=OuterRef("kind"), target=self.target)
            rows = rows.filter(Exists(there))
        return rows.filter(project__team__slug=self.team) if self.team else rows


def record(one: Drift) -> Record:
    """One thing that was changed by hand."""
    return {
        "project": one.event.project.slug,
        "team": one.event.project.team.slug,
        "kind": one.event.kind,
        "seen": one.event.at,
        "message": one.event.message,
        "outcome": one.outcome,
    }


def records(rows: QuerySet[Event]) -> Iterator[Record]:
    """The rows of a file, read in batches."""
    return (record(drift_of(row)) for row in rows.iterator(chunk_size=BATCH))
