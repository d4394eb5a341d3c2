"""Over REST: who can reach a project, and by which path; why one person can or can't; and giving up one's own role."""

from drf_spectacular.utils import extend_schema
from pydantic import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from projects.access_serializers import AccessOut, WhyOut
from projects.api_base import Api, asked_answer, person, plain, request_out, visible_project
from projects.closed import Closed
from projects.errors import Fault, InvalidSpec
from projects.idempotency import idempotent
from projects.installation import installation
from projects.leaving import leave
from projects.models import Door
from projects.openapi import IDEMPOTENCY_KEY, LOCATION, answers, parameters_of
from projects.payload import read_body, read_query
from projects.reach import reach_of
from projects.reference_serializers import DryRun, Nothing
from projects.serializers import AskedOut, PlanOut
from projects.why import why
from provisioning.spec import Contributor


class Access(Api):
    """Every path."""

    @extend_schema(
        operation_id="list_access",
        summary="Who can reach a project, and by which path",
        tags=["projects"],
        responses=answers({200: AccessOut}, 404),
    )
    def get(self, request: Request, slug: str) -> Response:
        """Roles of people and groups, who is in the groups, the team, the platform team."""
        read_query(Closed, request)
        found = reach_of(visible_project(request, slug), installation=installation())
        return Response(plain(AccessOut.of(found)))


class AccessOf(Api):
    """One person."""

    @extend_schema(
        operation_id="explain_access",
        summary="Why one person can or can't reach a project",
        description="`subject` is an account name such as bob@corp.example. Every path is listed, open or closed.",
        tags=["projects"],
        responses=answers({200: WhyOut}, 404, 422),
    )
    def get(self, request: Request, slug: str, subject: str) -> Response:
        """Every path that there is or could be."""
        read_query(Closed, request)
        project = visible_project(request, slug)
        try:
            Contributor(user=subject.strip())
        except ValidationError as error:
            message = "That can't be an account name. Write one such as bob@corp.example."
            raise InvalidSpec([Fault(path=("subject",), code="invalid", message=message)]) from error
        reach = reach_of(project, installation=installation())
        return Response(plain(WhyOut.of(why(subject, project=project, reach=reach))))


class Leave(Api):
    """Leaving."""

    @extend_schema(
        operation_id="leave_project",
        summary="Give up your own role in a project",
        description="What you reach by a group or the team stays. The last owner can't leave (409).",
        tags=["projects"],
        parameters=[*parameters_of(DryRun), IDEMPOTENCY_KEY, LOCATION],
        request=Nothing,
        responses=answers({200: PlanOut, 202: AskedOut}, 404, 409, body=True),
    )
    @idempotent
    def post(self, request: Request, slug: str) -> Response:
        """Leave. The answer leads to the request: the project itself may not be yours to see any more."""
        dry_run = read_query(DryRun, request).dry_run
        read_body(Nothing, request)
        project = visible_project(request, slug)
        asked = leave(project, by=person(request), door=Door.API, installation=installation(), dry_run=dry_run)
        if dry_run:
            return asked_answer(asked)
        made = request_out(asked.request) if asked.request else None
        body = plain(AskedOut(request=made, project=None))
        return Response(body, status=202, headers={"Location": made.url} if made else {})
