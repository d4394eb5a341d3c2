"""What was changed by hand, as page, files and API list it: what may be asked for, and what a file holds."""

from django.db.models import Exists, F, OuterRef, QuerySet

from projects.exports import Record
from projects.list_address import Listed, matching
from projects.platform_lists import drift_of, drifts
from projects.sorting import BY_ID, Order
from provisioning.models import Event, Resource

ORDERS = (BY_ID, Order("kind", F("kind")))
"""The ways to sort it, the usual one first."""
COLUMNS = ("project", "team", "kind", "seen", "message", "outcome")
"""What it has as a file."""


def rows(*, target: str = "", team: str = "") -> QuerySet[Event]:
    """What was changed by hand, as `platform_lists.drifts` has it; narrowed by what isn't "".

    What is gone is on no target any more.
    """
    found = matching(drifts(), project__team__slug=team)
    if target:
        there = Resource.objects.filter(project=OuterRef("project"), kind=OuterRef("kind"), target=target)
        found = found.filter(Exists(there))
    return found


def record(row: Event) -> Record:
    """One thing that was changed by hand, from `rows`."""
    one = drift_of(row)
    return {
        "project": one.event.project.slug,
        "team": one.event.project.team.slug,
        "kind": one.event.kind,
        "seen": one.event.at,
        "message": one.event.message,
        "outcome": one.outcome,
    }


LIST = Listed(ORDERS, COLUMNS, record)
