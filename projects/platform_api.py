"""The platform team's figures and lists over REST. For everybody else there is nothing at these addresses."""

from datetime import datetime
from typing import TYPE_CHECKING

from drf_spectacular.utils import extend_schema
from pydantic import BaseModel, Field
from rest_framework.request import Request
from rest_framework.response import Response

from projects import drift_list, permissions, platform_figures, platform_lists, stuck_list
from projects.api_base import Api, person, plain
from projects.closed import Closed
from projects.directory_api import DirectoryStateOut
from projects.directory_state import directory_status
from projects.errors import NotFound
from projects.openapi import answers, parameters_of
from projects.pagination import PageQuery, page_of
from projects.payload import read_query
from projects.platform_figures import Figures
from projects.platform_tables import budgets
from projects.reference_serializers import TargetOut
from projects.sorting import sorted_page

if TYPE_CHECKING:
    from projects.permissions import Person


class QueueOut(BaseModel):
    """What waits to be looked at. Times are null where nothing waits, or nothing was measured."""

    due: int
    oldest_due_since: datetime | None
    worked_on: int
    workers: int
    longest_wait_today_seconds: float | None
    last_sweep_at: datetime | None
    last_scan_at: datetime | None
    scanned_projects: int
    scan_found: int


class BudgetOut(BaseModel):
    """What a team may take and takes, in plan units."""

    team: str
    budget: int
    taken: int
    free: int = Field(description="Below zero when more was granted than the budget.")
    projects: int


class FleetOut(BaseModel):
    """The fleet: counted figures with the time of counting; queue, targets and budgets as they are now."""

    counted_at: datetime
    figures: Figures
    queue: QueueOut
    targets: list[TargetOut]
    directory: DirectoryStateOut | None = Field(description="None where this installation has none.")
    budgets: list[BudgetOut]


class StuckOut(BaseModel):
    """A resource that waits for a person, or fails for ten minutes or more."""

    project: str
    team: str
    kind: str
    target: str
    reason: str
    message: str
    since: datetime
    failures: int = Field(description="Looks in a row that failed.")
    last_look: datetime | None


class StuckPage(BaseModel):
    """What is stuck, longest first."""

    items: list[StuckOut]
    next: str | None = Field(description="Address of the next page; null on the last.")


class DriftOut(BaseModel):
    """Something that was changed by hand. `outcome`: put_back, left (as the catalogue says), right_again or gone."""

    project: str
    team: str
    kind: str
    target: str = Field(description="Where; empty where an early version did not note it.")
    seen: datetime
    message: str
    outcome: str


class DriftPage(BaseModel):
    """What was changed by hand, newest first."""

    items: list[DriftOut]
    next: str | None = Field(description="Address of the next page; null on the last.")


class StuckQuery(Closed):
    """Which part of the list."""

    after: str = Field(default="", max_length=80, description="From `next` of the page before.")
    limit: int = Field(default=50, ge=1, le=100, description="Rows of a page.")
    target: str = Field(default="", max_length=63)
    reason: str = Field(default="", max_length=24)
    team: str = Field(default="", max_length=40)


class DriftQuery(PageQuery):
    """Which part of the list."""

    target: str = Field(default="", max_length=63, description="Where it was changed.")
    team: str = Field(default="", max_length=40)


def platform_admin(request: Request) -> "Person":
    """Who calls, of the platform team. Raises NotFound for everybody else."""
    caller = person(request)
    if not permissions.is_platform_admin(caller):
        raise NotFound
    return caller


class Fleet(Api):
    """The fleet in figures."""

    @extend_schema(
        operation_id="read_fleet",
        summary="How the fleet is (platform team)",
        tags=["platform"],
        responses=answers({200: FleetOut}, 404),
    )
    def get(self, request: Request) -> Response:
        """Counts by status and reason, times to ready, rules, queue, targets and budgets."""
        platform_admin(request)
        read_query(Closed, request)
        counted, directory = platform_figures.newest(), directory_status()
        found = FleetOut(
            counted_at=counted.at,
            figures=counted.figures,
            queue=QueueOut(**platform_lists.queue().as_dict()),
            targets=[TargetOut(**row.as_dict()) for row in platform_lists.targets()],
            directory=DirectoryStateOut.model_validate(directory, from_attributes=True) if directory else None,
            budgets=[BudgetOut(**one) for one in budgets()],
        )
        return Response(plain(found))


class StuckResources(Api):
    """What is stuck."""

    @extend_schema(
        operation_id="list_stuck",
        summary="List what is stuck, longest first (platform team)",
        tags=["platform"],
        parameters=parameters_of(StuckQuery),
        responses=answers({200: StuckPage}, 404),
    )
    def get(self, request: Request) -> Response:
        """A page of the resources that are stuck."""
        platform_admin(request)
        asked = read_query(StuckQuery, request)
        rows = stuck_list.rows(target=asked.target, reason=asked.reason, team=asked.team)
        page = sorted_page(rows, order=stuck_list.ORDERS[0], falling=False, after=asked.after, size=asked.limit)
        query = request.query_params.copy()
        query["after"] = page.older
        items = [StuckOut(**stuck_list.record(row)) for row in page.rows]
        after = f"{request.path}?{query.urlencode()}" if page.older else None
        return Response(plain(StuckPage(items=items, next=after)))


class Drifts(Api):
    """What was changed by hand."""

    @extend_schema(
        operation_id="list_drift",
        summary="List what was changed by hand, newest first (platform team)",
        tags=["platform"],
        parameters=parameters_of(DriftQuery),
        responses=answers({200: DriftPage}, 404),
    )
    def get(self, request: Request) -> Response:
        """A page of what the looks found changed."""
        platform_admin(request)
        asked = read_query(DriftQuery, request)
        found = drift_list.rows(target=asked.target, team=asked.team)
        rows, after = page_of(found, asked=asked, request=request)
        items = [DriftOut(**drift_list.record(row)) for row in rows]
        return Response(plain(DriftPage(items=items, next=after)))
