"""Acting on many projects over REST: preview a run, start it, watch, pause, go on, stop. For the platform team only."""

from collections.abc import Callable
from datetime import datetime
from typing import Literal

from django.urls import reverse
from drf_spectacular.utils import extend_schema
from pydantic import BaseModel, Field
from rest_framework.request import Request
from rest_framework.response import Response

from projects import bulk, bulk_choice
from projects.api_base import Api, plain
from projects.closed import Closed
from projects.errors import Fault, InvalidSpec
from projects.idempotency import idempotent
from projects.installation import installation
from projects.models import BulkItem, BulkRun, Door, Project
from projects.openapi import IDEMPOTENCY_KEY, LOCATION, answers, parameters_of
from projects.pagination import PageQuery, page_of
from projects.payload import read_body, read_query
from projects.platform_api import platform_admin
from projects.reference_serializers import Nothing, Sentence

Action = Literal["look", "suspend", "resume", "retry", "skip", "unskip", "plan"]


class Where(Closed):
    """Projects by what their rows say; a field that is left out filters nothing."""

    q: str = Field(default="", max_length=100, description="Words in name, title, team or people.")
    status: Literal["", "Ready", "Working on it", "Needs attention", "Suspended", "Being removed"] = ""
    team: str = Field(default="", max_length=40)
    plan: str = Field(default="", max_length=63)
    reason: str = Field(default="", max_length=24, description="Of any resource that is not as it should be.")
    target: str = Field(default="", max_length=63, description="Of any resource.")


class NewRun(Closed):
    """What to do, why, and with which projects: named, or all that match."""

    action: Action
    because: Sentence = Field(description="Stands in the history of every project.")
    kind: str = Field(default="", max_length=40, description="For retry, skip and unskip.")
    plan: str = Field(default="", max_length=63, description="For plan: the new one.")
    projects: list[str] = Field(default=[], max_length=2000, description="Slugs.")
    where: Where | None = Field(default=None, description="Instead of naming them.")


class Start(Closed):
    """How far to go now."""

    first: int | None = Field(default=None, ge=1, le=2000, description="Pause when so many more are through.")


class RunOut(BaseModel):
    """A run with how far it is."""

    id: int
    action: Action
    kind: str
    plan: str
    because: str
    by: str
    state: Literal["draft", "running", "paused", "stopped", "done"]
    said: str = Field(description="Why it stands still, where nobody paused it.")
    counts: dict[str, int] = Field(description="Items by state.")
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    url: str
    items_url: str

    @classmethod
    def of(cls, run: BulkRun) -> "RunOut":
        """The run as it is now; counts its items."""
        return cls(
            **{name: getattr(run, name) for name in ("id", "action", "kind", "plan", "because", "state", "said")},
            by=run.by_name,
            counts=bulk.progress(run),
            created_at=run.created_at,
            started_at=run.started_at,
            ended_at=run.ended_at,
            url=reverse("api:platform-run", kwargs={"run": run.pk}),
            items_url=reverse("api:platform-run-items", kwargs={"run": run.pk}),
        )


class RunSummary(BaseModel):
    """A run in a list."""

    id: int
    action: Action
    because: str
    by: str
    state: Literal["draft", "running", "paused", "stopped", "done"]
    created_at: datetime
    url: str


class RunPage(BaseModel):
    """Runs, newest first."""

    items: list[RunSummary]
    next: str | None = Field(description="Address of the next page; null on the last.")


class ItemOut(BaseModel):
    """One project of a run."""

    position: int
    project: str
    state: Literal["waiting", "left_out", "done", "asked", "refused"]
    foreseen: str = Field(description="What the preview said.")
    changes: list[str] = Field(description="Lines of the plan that the preview showed.")
    message: str = Field(description="What came of it.")
    request: int | None
    at: datetime | None

    @classmethod
    def of(cls, item: BulkItem) -> "ItemOut":
        """The item; its project was read with it."""
        names = ("position", "state", "foreseen", "changes", "message", "at")
        return cls(**{name: getattr(item, name) for name in names}, project=item.project.slug, request=item.request_id)


class ItemPage(BaseModel):
    """Items in the order in which they are done."""

    items: list[ItemOut]
    next: str | None = Field(description="Address of the next page; null on the last.")


class ItemsQuery(Closed):
    """Which part of the items."""

    after: int = Field(default=0, ge=0, le=10_000, description="The position to go on after.")
    limit: int = Field(default=100, ge=1, le=100, description="Rows of a page.")


class Runs(Api):
    """Runs of the platform team."""

    @extend_schema(
        operation_id="list_runs",
        summary="List runs over many projects, newest first (platform team)",
        tags=["platform"],
        parameters=parameters_of(PageQuery),
        responses=answers({200: RunPage}, 404),
    )
    def get(self, request: Request) -> Response:
        """A page of runs."""
        platform_admin(request)
        asked = read_query(PageQuery, request)
        rows, after = page_of(BulkRun.objects.all(), asked=asked, request=request)
        items = [
            RunSummary(
                **{name: getattr(row, name) for name in ("id", "action", "because", "state", "created_at")},
                by=row.by_name,
                url=reverse("api:platform-run", kwargs={"run": row.pk}),
            )
            for row in rows
        ]
        return Response(plain(RunPage(items=items, next=after)))

    @extend_schema(
        operation_id="preview_run",
        summary="Preview an action over many projects (platform team); nothing happens before it is started",
        tags=["platform"],
        parameters=[IDEMPOTENCY_KEY, LOCATION],
        request=NewRun,
        responses=answers({201: RunOut}, 404, 409, body=True),
    )
    @idempotent
    def post(self, request: Request) -> Response:
        """Make a run of it; its items say what would happen to each project."""
        caller = platform_admin(request)
        read_query(Closed, request)
        said = read_body(NewRun, request)
        if said.where is not None and said.projects:
            message = "Name the projects, or say which ones match; not both."
            raise InvalidSpec([Fault(path=("where",), code="one_of_two", message=message)])
        rows = Project.objects.none()
        if said.where is not None:
            rows = bulk_choice.rows(caller, words=said.where.q, **said.where.model_dump(exclude={"q"}))
        elif said.projects:
            rows = bulk_choice.rows(caller, slugs=said.projects)
        chosen = list(rows[: bulk.MOST + 1])
        missing = set(said.projects) - {project.slug for project in chosen}
        if missing:
            message = f"There is no project called {', '.join(sorted(missing)[:5])}."
            raise InvalidSpec([Fault(path=("projects",), code="unknown_project", message=message)])
        wanted = bulk.Wanted(action=said.action, because=said.because, kind=said.kind, plan=said.plan)
        run = bulk.draft(wanted, chosen, by=caller, door=Door.API, installation=installation())
        found = RunOut.of(run)
        return Response(plain(found), status=201, headers={"Location": found.url})


class RunDetail(Api):
    """One run."""

    @extend_schema(
        operation_id="read_run",
        summary="How far a run is (platform team)",
        tags=["platform"],
        responses=answers({200: RunOut}, 404),
    )
    def get(self, request: Request, run: int) -> Response:
        """The run with its counts."""
        read_query(Closed, request)
        return Response(plain(RunOut.of(bulk.visible_run(platform_admin(request), run))))


class RunItems(Api):
    """The projects of a run."""

    @extend_schema(
        operation_id="list_run_items",
        summary="What a run does with each project (platform team)",
        tags=["platform"],
        parameters=parameters_of(ItemsQuery),
        responses=answers({200: ItemPage}, 404),
    )
    def get(self, request: Request, run: int) -> Response:
        """A page of items."""
        asked = read_query(ItemsQuery, request)
        found = bulk.visible_run(platform_admin(request), run)
        rows = list(
            found.items.filter(position__gt=asked.after)
            .select_related("project")
            .order_by("position")[: asked.limit + 1]
        )
        shown = rows[: asked.limit]
        full = len(rows) > asked.limit
        more = f"{request.path}?after={shown[-1].position}&limit={asked.limit}" if full else None
        return Response(plain(ItemPage(items=[ItemOut.of(row) for row in shown], next=more)))


class RunStart(Api):
    """Starting and going on."""

    @extend_schema(
        operation_id="start_run",
        summary="Start a run, or go on after a pause (who previewed it)",
        tags=["platform"],
        parameters=[IDEMPOTENCY_KEY],
        request=Start,
        responses=answers({202: RunOut}, 403, 404, 409, body=True),
    )
    @idempotent
    def post(self, request: Request, run: int) -> Response:
        """Begin, or go on; with `first`, only so far."""
        caller = platform_admin(request)
        read_query(Closed, request)
        found = bulk.visible_run(caller, run)
        said = read_body(Start, request)
        return _as_it_is(bulk.start(found, by=caller, door=Door.API, first=said.first))


class RunPause(Api):
    """Standing still."""

    @extend_schema(
        operation_id="pause_run",
        summary="Pause a run after the project at hand (platform team)",
        tags=["platform"],
        parameters=[IDEMPOTENCY_KEY],
        request=Nothing,
        responses=answers({202: RunOut}, 404, 409, body=True),
    )
    @idempotent
    def post(self, request: Request, run: int) -> Response:
        """Pause."""
        return _turned(request, run, bulk.pause)


class RunStop(Api):
    """Ending it."""

    @extend_schema(
        operation_id="stop_run",
        summary="End a run for good; what is through stays (platform team)",
        tags=["platform"],
        parameters=[IDEMPOTENCY_KEY],
        request=Nothing,
        responses=answers({202: RunOut}, 404, 409, body=True),
    )
    @idempotent
    def post(self, request: Request, run: int) -> Response:
        """Stop."""
        return _turned(request, run, bulk.stop)


def _turned(request: Request, run: int, turn: Callable[..., BulkRun]) -> Response:
    caller = platform_admin(request)
    read_query(Closed, request)
    read_body(Nothing, request)
    return _as_it_is(turn(bulk.visible_run(caller, run), by=caller, door=Door.API))


def _as_it_is(run: BulkRun) -> Response:
    return Response(plain(RunOut.of(run)), status=202)
