"""Over REST: who can reach a project, and by which path; and why one person can or can't."""

from drf_spectacular.utils import extend_schema
from pydantic import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from projects.access_serializers import AccessOut, WhyOut
from projects.api_base import Api, plain, visible_project
from projects.errors import Fault, InvalidSpec
from projects.installation import installation
from projects.openapi import answers
from projects.payload import Closed, read_query
from projects.reach import reach_of
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
