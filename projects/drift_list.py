"""What was changed by hand, as page, files and API list it: what may be asked for, and what a file holds."""

from django.db.models import F, QuerySet

from projects.exports import Record
from projects.list_address import Listed, matching
from projects.platform_lists import drift_of, drifts
from projects.sorting import BY_ID, Order
from provisioning.models import Event

ORDERS = (BY_ID, Order("kind", F("kind")))
"""The ways to sort it, the usual one first."""
COLUMNS = ("project", "team", "kind", "target", "seen", "message", "outcome")
"""What it has as a file."""


def rows(*, target: str = "", team: str = "") -> QuerySet[Event]:
    """What was changed by hand, as `platform_lists.drifts` has it; narrowed by what isn't ""."""
    return matching(drifts(), target=target, project__team__slug=team)


def record(row: Event) -> Record:
    """One thing that was changed by hand, from `rows`."""
    one = drift_of(row)
    return {
        "project": one.event.project.slug,
        "team": one.event.project.team.slug,
        "kind": one.event.kind,
        "target": one.event.target,
        "seen": one.event.at,
        "message": one.event.message,
        "outcome": one.outcome,
    }


LIST = Listed(ORDERS, COLUMNS, record)
