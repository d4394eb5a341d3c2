"""What is stuck, as page, files and API list it: what may be asked for, how it is sorted, what a file holds."""

from datetime import datetime

from django.db.models import F, QuerySet

from projects.exports import Record
from projects.list_address import Listed, matching
from projects.platform_lists import stuck
from projects.sorting import Order
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


def rows(*, target: str = "", reason: str = "", team: str = "") -> QuerySet[Resource]:
    """The resources that are stuck, with project and team; narrowed by what isn't ""."""
    return matching(stuck(), target=target, synced_reason=reason, project__team__slug=team)


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


LIST = Listed(ORDERS, COLUMNS, record)
