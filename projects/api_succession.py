"""Projects without an owner over REST: which I may take over, and doing so."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from drf_spectacular.utils import extend_schema
from pydantic import BaseModel, Field
from rest_framework.request import Request
from rest_framework.response import Response

from projects import permissions, taking_over
from projects.api_base import Api, person, plain, request_out, visible_project
from projects.closed import Closed
from projects.idempotency import idempotent
from projects.installation import installation
from projects.models import Door, OfferedTo, Project
from projects.openapi import IDEMPOTENCY_KEY, LOCATION, answers, parameters_of
from projects.pagination import PageQuery, page_of
from projects.payload import read_body, read_query
from projects.reference_serializers import Nothing
from projects.serializers import AskedOut, ProjectOut, ProjectSummary

_NAMES: Mapping[OfferedTo, Literal["editors", "team", "platform"]] = {
    OfferedTo.EDITORS: "editors",
    OfferedTo.TEAM: "team",
    OfferedTo.PLATFORM: "platform",
}


class OfferOut(BaseModel):
    """To whom a project without an owner is offered; everything is null while it has one."""

    owner_left_at: datetime | None
    offered_to: Literal["editors", "team", "platform"] | None = Field(
        description="Those who were asked before may still accept."
    )
    offered_at: datetime | None
    next_at: datetime | None = Field(description="When the next are asked; null when nobody comes after these.")
    yours: bool = Field(description="You may take it over.")


class OfferPage(BaseModel):
    """A page of projects that are offered to you."""

    items: list[ProjectSummary]
    next: str | None = Field(description="Address of the next page; null on the last.")


class Offers(Api):
    """What is offered to you."""

    @extend_schema(
        operation_id="list_offers",
        summary="List the projects without an owner that you may take over",
        tags=["projects"],
        parameters=parameters_of(PageQuery),
        responses=answers({200: OfferPage}),
    )
    def get(self, request: Request) -> Response:
        """A page of projects whose owners left and that the caller may take over, newest first."""
        asked = read_query(PageQuery, request)
        offered = permissions.offers_to(person(request)).order_by().values("project")
        rows = Project.objects.filter(pk__in=offered).select_related("team")
        found, after = page_of(rows.prefetch_related("resources"), asked=asked, request=request)
        return Response(plain(OfferPage(items=[ProjectSummary.of(row) for row in found], next=after)))


class TakeOver(Api):
    """Becoming owner."""

    @extend_schema(
        operation_id="read_offer",
        summary="To whom a project without an owner is offered",
        tags=["projects"],
        responses=answers({200: OfferOut}, 404),
    )
    def get(self, request: Request, slug: str) -> Response:
        """Who is asked, and until when."""
        read_query(Closed, request)
        project = visible_project(request, slug)
        offer = project.successions.filter(ended_at=None).first()
        found = OfferOut(
            owner_left_at=project.owner_left_at,
            offered_to=_NAMES[OfferedTo(offer.offered_to)] if offer else None,
            offered_at=offer.offered_at if offer else None,
            next_at=offer.next_at if offer else None,
            yours=offer is not None and permissions.may_take_over(person(request), offer),
        )
        return Response(plain(found))

    @extend_schema(
        operation_id="take_over_project",
        summary="Become owner of a project whose owners left",
        description="409 when it has an owner, or somebody else was faster.",
        tags=["projects"],
        parameters=[IDEMPOTENCY_KEY, LOCATION],
        request=Nothing,
        responses=answers({202: AskedOut}, 403, 404, 409, body=True),
    )
    @idempotent
    def post(self, request: Request, slug: str) -> Response:
        """Accept the offer; the caller stands in the place of the owners who left."""
        read_query(Closed, request)
        project = visible_project(request, slug)
        read_body(Nothing, request)
        made = taking_over.take_over(project, by=person(request), door=Door.API, installation=installation())
        taken = ProjectOut.of(visible_project(request, slug))
        body = AskedOut(request=request_out(made), project=taken)
        return Response(plain(body), status=202, headers={"Location": taken.links.self})
