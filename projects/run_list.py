"""Runs over many projects, and the projects of one, as lists and files have them."""

from collections.abc import Iterator

from django.db.models import F, QuerySet

from projects.exports import BATCH, Record
from projects.list_address import Listed
from projects.models import BulkItem, BulkRun
from projects.sorting import BY_ID, Order

ORDERS = (BY_ID, Order("action", F("action")), Order("who", F("by_name")), Order("state", F("state")))
"""The ways to sort runs, the usual one first."""
COLUMNS = (
    "number", "action", "kind", "plan", "because", "by", "door", "state", "said", "created_at", "started_at",
    "ended_at",
)  # fmt: skip
"""What the list of runs has as a file."""
ITEM_COLUMNS = ("position", "project", "team", "state", "foreseen", "changes", "message", "request", "at")
"""What the projects of a run have as a file."""


def record(run: BulkRun) -> Record:
    """A run as a row of a file."""
    same = {name: getattr(run, name) for name in COLUMNS if name not in ("number", "by")}
    return {"number": run.pk, "by": run.by_name, **same}


LIST = Listed(ORDERS, COLUMNS, record)


def item_records(run: BulkRun) -> Iterator[Record]:
    """The projects of a run in their order, read in batches."""
    rows: QuerySet[BulkItem] = run.items.select_related("project__team").order_by("position")
    for one in rows.iterator(chunk_size=BATCH):
        same = {name: getattr(one, name) for name in ITEM_COLUMNS if name not in ("project", "team", "request")}
        yield {"project": one.project.slug, "team": one.project.team.slug, "request": one.request_id, **same}
