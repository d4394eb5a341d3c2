"""Projects over REST: ask, preview, read, change, retire. Reads Postgres only; a write is a request, answered with 202.

Who may do what, and what is right, is decided in `projects.actions`; here is only how it is said over HTTP.
"""

from typing import Any, Literal

from drf_spectacular.utils import extend_schema
from pydantic import Field
from rest_framework.request import Request
from rest_framework.response import Response

from projects import actions, project_list
from projects.api_base import (
    Api,
    asked_answer,
    expected_generation,
    person,
    plain,
    project_answer,
    requests_out,
    visible_project,
)
from projects.closed import Closed
from projects.errors import Fault, InvalidSpec
from projects.given import given
from projects.idempotency import idempotent
from projects.installation import installation
from projects.models import Door
from projects.openapi import (
    ETAG,
    EXAMPLES,
    IDEMPOTENCY_KEY,
    IF_MATCH,
    IF_NONE_MATCH,
    LOCATION,
    PLAN_OR_ASKED,
    answers,
    parameters_of,
)
from projects.pagination import PageQuery, page_of, sorted_page_of
from projects.payload import MergePatch, StrictJson, merge_patch, read_body, read_query
from projects.reference_serializers import Because, DryRun, Look, LookOut, Retire, Sentence
from projects.serializers import (
    AskedOut,
    EventOut,
    EventPage,
    MemberList,
    MemberOut,
    PlanOut,
    ProjectOut,
    ProjectPage,
    ProjectSummary,
    RequestPage,
    ResourceList,
    ResourceOut,
)
from projects.sorting import order_asked
from provisioning.kind import kinds
from provisioning.models import Event
from provisioning.spec import ProjectSpec


class ProjectsQuery(PageQuery):
    """Which projects."""

    # A cursor of a sorted page holds the last row's value.
    cursor: str | None = Field(default=None, max_length=800, description="From `next` of the page before.")
    search: str = Field(
        default="", max_length=100, description="Words in name, title, team or people, with or without accents."
    )
    status: Literal["", "Ready", "Working on it", "Needs attention", "Suspended", "Being removed"] = ""
    team: str | None = Field(default=None, max_length=40, description="Slug of a team.")
    plan: str = Field(default="", max_length=40)
    whose: Literal["", "mine"] = Field(default="", description="`mine`: those in which you hold a role.")
    sort: Literal["", "name", "-name", "team", "-team", "status", "-status", "ends", "-ends"] = Field(
        default="", description="Left out: newest first. With a minus the other way round."
    )
    ready: bool | None = Field(default=None, description="Only those that are ready, or are not.")
    q: str | None = Field(default=None, pattern=r"^[a-z0-9-]{1,40}$", description="How the slug begins.")


class EventsQuery(PageQuery):
    """Which events."""

    kind: str | None = Field(default=None, max_length=40, description="Events of one Kind.")


class AskQuery(DryRun):
    """How a wish is asked for."""

    note: Sentence = Field(default="", description="Something to say to whoever decides.")


class RetireQuery(Retire, DryRun):
    """The same as in the body, for clients that can send none with DELETE."""


class Projects(Api):
    """The projects you may see, and asking for a new one."""

    @extend_schema(
        operation_id="list_projects",
        summary="List projects, newest first or in an order",
        tags=["projects"],
        parameters=parameters_of(ProjectsQuery),
        responses=answers({200: ProjectPage}),
    )
    def get(self, request: Request) -> Response:
        """A page of the projects that the caller may see."""
        asked = read_query(ProjectsQuery, request)
        chosen = asked.model_dump(include={"status", "plan", "whose"})
        found = project_list.rows(person(request), words=asked.search, team=asked.team or "", **chosen)
        found = found.select_related("team").prefetch_related("resources")
        if asked.q is not None:
            found = found.filter(slug__startswith=asked.q)
        if asked.ready is not None:
            ready = {"ready_at__isnull": False, "deletion_requested_at": None, "suspended": False}
            found = found.filter(**ready) if asked.ready else found.exclude(**ready)
        if asked.sort:
            order, falling = order_asked(project_list.ORDERS, asked.sort)
            rows, after = sorted_page_of(found, order=order, falling=falling, asked=asked, request=request)
        else:
            rows, after = page_of(found, asked=asked, request=request)
        return Response(plain(ProjectPage(items=[ProjectSummary.of(row) for row in rows], next=after)))

    @extend_schema(
        operation_id="create_project",
        summary="Ask for a project",
        description="202: Location leads to the project, or to the request while somebody has to decide about it.",
        tags=["projects"],
        parameters=[*parameters_of(AskQuery), IDEMPOTENCY_KEY, LOCATION],
        request=ProjectSpec,
        examples=EXAMPLES,
        responses=answers({200: PlanOut, 202: AskedOut}, 403, 409, body=True),
    )
    @idempotent
    def post(self, request: Request) -> Response:
        """Ask for a new project."""
        asked = read_query(AskQuery, request)
        made = actions.create(
            request.data,
            by=person(request),
            door=Door.API,
            installation=installation(),
            note=asked.note,
            dry_run=asked.dry_run,
        )
        return asked_answer(made)


class ProjectDetail(Api):
    """One project."""

    parser_classes = [StrictJson, MergePatch]

    @extend_schema(
        operation_id="read_project",
        summary="Read a project",
        tags=["projects"],
        parameters=[IF_NONE_MATCH, ETAG],
        responses=answers({200: ProjectOut, 304: None}, 404),
    )
    def get(self, request: Request, slug: str) -> Response:
        """The project with its spec and its state."""
        read_query(Closed, request)
        return project_answer(visible_project(request, slug), request)

    @extend_schema(
        operation_id="change_project",
        summary="Ask for the whole spec to become this",
        tags=["projects"],
        parameters=[*parameters_of(AskQuery), IDEMPOTENCY_KEY, IF_MATCH, LOCATION],
        request={"application/json": ProjectSpec},
        responses=answers({200: PLAN_OR_ASKED, 202: AskedOut}, 403, 404, 409, 412, 428, body=True),
    )
    @idempotent
    def put(self, request: Request, slug: str) -> Response:
        """Replace the spec."""
        return self._change(request, slug, merge=False)

    @extend_schema(
        operation_id="patch_project",
        summary="Ask for some fields to change (JSON merge patch)",
        tags=["projects"],
        parameters=[*parameters_of(AskQuery), IDEMPOTENCY_KEY, IF_MATCH, LOCATION],
        request={
            "application/json": dict[str, Any],
            "application/merge-patch+json": dict[str, Any],
        },
        responses=answers({200: PLAN_OR_ASKED, 202: AskedOut}, 403, 404, 409, 412, 428, body=True),
    )
    @idempotent
    def patch(self, request: Request, slug: str) -> Response:
        """Merge into the spec; null takes a field out."""
        return self._change(request, slug, merge=True)

    @extend_schema(
        operation_id="retire_project",
        summary="Ask for the project's removal",
        description="What holds data stays unless `remove_data` says otherwise and `confirm` holds the slug.",
        tags=["projects"],
        parameters=[*parameters_of(RetireQuery), IDEMPOTENCY_KEY, IF_MATCH, LOCATION],
        request=None,
        responses=answers({200: PlanOut, 202: AskedOut}, 403, 404, 409, 412, 428, body=True),
    )
    @idempotent
    def delete(self, request: Request, slug: str) -> Response:
        """Retire it."""
        asked = read_query(RetireQuery, request)
        said = read_body(Retire, request) if request.data else asked
        project = visible_project(request, slug)
        made = actions.retire(
            project,
            by=person(request),
            door=Door.API,
            installation=installation(),
            expected=expected_generation(request, project),
            remove_data=said.remove_data,
            typed_name=said.confirm,
            note=said.note,
            dry_run=asked.dry_run,
        )
        return asked_answer(made)

    def _change(self, request: Request, slug: str, *, merge: bool) -> Response:
        asked = read_query(AskQuery, request)
        project = visible_project(request, slug)
        expected = expected_generation(request, project)
        made = actions.change(
            project,
            merge_patch(project.spec, request.data) if merge else request.data,
            by=person(request),
            door=Door.API,
            installation=installation(),
            expected=expected,
            note=asked.note,
            dry_run=asked.dry_run,
        )
        return asked_answer(made)


class Resources(Api):
    """What a project is made of."""

    @extend_schema(
        operation_id="list_resources",
        summary="List a project's resources with their conditions",
        tags=["projects"],
        responses=answers({200: ResourceList}, 404),
    )
    def get(self, request: Request, slug: str) -> Response:
        """Every resource, in the order in which they are made."""
        read_query(Closed, request)
        rows = {row.kind: row for row in visible_project(request, slug).resources.all()}
        order = [*(name for name in kinds() if name in rows), *sorted(rows.keys() - kinds().keys())]
        titles = {name: kind.title for name, kind in kinds().items()}
        items = [ResourceOut.of(rows[name], title=titles.get(name, name)) for name in order]
        return Response(plain(ResourceList(items=items)))


class Looks(Api):
    """Looking again."""

    @extend_schema(
        operation_id="look_again",
        summary="Ask the engine to look now",
        tags=["projects"],
        parameters=[IDEMPOTENCY_KEY, LOCATION],
        request=Look,
        responses=answers({202: LookOut}, 403, 404, 409, body=True),
    )
    @idempotent
    def post(self, request: Request, slug: str) -> Response:
        """Look at the project, or at one Kind of it, without waiting for the back-off."""
        read_query(Closed, request)
        project = visible_project(request, slug)
        said = read_body(Look, request)
        if said.kind is not None and said.kind not in kinds():
            message = f"There is no Kind {said.kind}. Kinds: {', '.join(kinds())}."
            raise InvalidSpec([Fault(path=("kind",), code="unknown_kind", message=message)])
        actions.look_again(project, by=person(request), door=Door.API, kind=said.kind)
        url = ProjectSummary.of(project).links.resources
        return Response(
            plain(LookOut(project=project.slug, kind=said.kind, url=url)), status=202, headers={"Location": url}
        )


class _Switch(Api):
    suspended: bool

    def switch(self, request: Request, slug: str) -> Response:
        """Set the switch and answer with the project as it is now."""
        read_query(Closed, request)
        project, said = visible_project(request, slug), read_body(Because, request)
        actions.suspend(project, by=person(request), door=Door.API, suspended=self.suspended, because=said.because)
        return Response(plain(ProjectOut.of(visible_project(request, slug))), status=202)


class Suspend(_Switch):
    """Looking away."""

    suspended = True

    @extend_schema(
        operation_id="suspend_project",
        summary="Stop looking at a project (platform team); nothing outside changes",
        tags=["projects"],
        parameters=[IDEMPOTENCY_KEY],
        request=Because,
        responses=answers({202: ProjectOut}, 403, 404, 409, body=True),
    )
    @idempotent
    def post(self, request: Request, slug: str) -> Response:
        """Suspend: no looks, no repairs, until it is resumed or retired."""
        return self.switch(request, slug)


class Resume(_Switch):
    """Looking at it again."""

    suspended = False

    @extend_schema(
        operation_id="resume_project",
        summary="Look at a suspended project again (platform team)",
        tags=["projects"],
        parameters=[IDEMPOTENCY_KEY],
        request=Because,
        responses=answers({202: ProjectOut}, 403, 404, 409, body=True),
    )
    @idempotent
    def post(self, request: Request, slug: str) -> Response:
        """Resume: what moved meanwhile is found and put right."""
        return self.switch(request, slug)


class Members(Api):
    """Who works in a project."""

    @extend_schema(
        operation_id="list_members",
        summary="List a project's members",
        tags=["projects"],
        responses=answers({200: MemberList}, 404),
    )
    def get(self, request: Request, slug: str) -> Response:
        """People and groups with their roles."""
        read_query(Closed, request)
        rows = list(visible_project(request, slug).memberships.all())
        history = given(rows)
        return Response(plain(MemberList(items=[MemberOut.of(row, given=history.get(row.pk)) for row in rows])))


class Events(Api):
    """What happened to a project."""

    @extend_schema(
        operation_id="list_events",
        summary="List what happened to a project, newest first",
        tags=["projects"],
        parameters=parameters_of(EventsQuery),
        responses=answers({200: EventPage}, 404),
    )
    def get(self, request: Request, slug: str) -> Response:
        """A page of events."""
        asked = read_query(EventsQuery, request)
        rows = Event.objects.filter(project=visible_project(request, slug))
        if asked.kind is not None:
            rows = rows.filter(kind=asked.kind)
        found, after = page_of(rows, asked=asked, request=request)
        return Response(plain(EventPage(items=[EventOut.of(row) for row in found], next=after)))


class ProjectRequests(Api):
    """What was asked about a project."""

    @extend_schema(
        operation_id="list_project_requests",
        summary="List the requests about a project, newest first",
        tags=["projects", "requests"],
        parameters=parameters_of(PageQuery),
        responses=answers({200: RequestPage}, 404),
    )
    def get(self, request: Request, slug: str) -> Response:
        """A page of requests."""
        asked = read_query(PageQuery, request)
        rows = visible_project(request, slug).requests.select_related("team", "decided_by")
        found, after = page_of(rows, asked=asked, request=request)
        return Response(plain(RequestPage(items=requests_out(found), next=after)))
