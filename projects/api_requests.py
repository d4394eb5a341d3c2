"""Requests over REST: read, approve, reject, withdraw."""

from collections.abc import Callable
from typing import Literal, TypeVar

from drf_spectacular.utils import extend_schema
from pydantic import BaseModel, Field
from rest_framework.request import Request
from rest_framework.response import Response

from projects import decisions, permissions, request_list
from projects.api_base import Api, person, plain, request_out, requests_out
from projects.closed import Closed
from projects.errors import NotFound
from projects.idempotency import idempotent
from projects.installation import installation
from projects.models import Door, ProjectRequest
from projects.openapi import IDEMPOTENCY_KEY, answers, parameters_of
from projects.pagination import PageQuery, page_of
from projects.payload import read_body, read_query
from projects.reference_serializers import Approval, Nothing, Rejection
from projects.serializers import RequestOut, RequestPage

M = TypeVar("M", bound=BaseModel)


class RequestsQuery(PageQuery):
    """Which requests."""

    decision: Literal["pending", "approved", "rejected", "withdrawn"] | None = Field(
        default=None, description="Only those with this decision."
    )
    mine: bool = Field(default=False, description="Only what you asked for, also by asking for the same as another.")
    show: Literal["decide", "waiting", "mine", "all"] = Field(
        default="all", description="`decide`: those that wait for your yes or no; `waiting`: all that wait."
    )
    team: str = Field(default="", max_length=40, description="Slug of a team.")
    action: Literal["", "create", "change", "retire"] = ""
    search: str = Field(
        default="", max_length=100, description="Words in name, title or who asked, with or without accents."
    )


class Requests(Api):
    """The requests you may see."""

    @extend_schema(
        operation_id="list_requests",
        summary="List requests, newest first",
        tags=["requests"],
        parameters=parameters_of(RequestsQuery),
        responses=answers({200: RequestPage}),
    )
    def get(self, request: Request) -> Response:
        """A page of the requests that the caller may see."""
        asked = read_query(RequestsQuery, request)
        rows = request_list.rows(
            person(request),
            show=asked.show,
            words=asked.search,
            team=asked.team,
            action=asked.action,
            decision=asked.decision or "",
        ).select_related("team", "decided_by")
        if asked.mine:
            rows = request_list.mine(rows, person(request))
        found, after = page_of(rows, asked=asked, request=request)
        return Response(plain(RequestPage(items=requests_out(found), next=after)))


class RequestDetail(Api):
    """One request."""

    @extend_schema(
        operation_id="read_request",
        summary="Read a request",
        tags=["requests"],
        responses=answers({200: RequestOut}, 404),
    )
    def get(self, request: Request, pk: int) -> Response:
        """The request with its decision."""
        read_query(Closed, request)
        return Response(plain(request_out(visible(request, pk))))


class Approve(Api):
    """Saying yes."""

    @extend_schema(
        operation_id="approve_request",
        summary="Approve a request (who is asked, never one's own)",
        tags=["requests"],
        parameters=[IDEMPOTENCY_KEY],
        request=Approval,
        responses=answers({200: RequestOut}, 403, 404, 409, body=True),
    )
    @idempotent
    def post(self, request: Request, pk: int) -> Response:
        """Approve; the spec becomes the project's newest wish."""

        def act(found: ProjectRequest, said: Approval) -> None:
            decisions.approve(
                found,
                by=person(request),
                door=Door.API,
                installation=installation(),
                comment=said.comment,
                revision=said.revision,
            )

        return acted(request, pk, Approval, act)


class Reject(Api):
    """Saying no."""

    @extend_schema(
        operation_id="reject_request",
        summary="Reject a request, with a reason (who is asked, never one's own)",
        tags=["requests"],
        parameters=[IDEMPOTENCY_KEY],
        request=Rejection,
        responses=answers({200: RequestOut}, 403, 404, 409, body=True),
    )
    @idempotent
    def post(self, request: Request, pk: int) -> Response:
        """Reject; the comment tells the team what to change."""

        def act(found: ProjectRequest, said: Rejection) -> None:
            decisions.reject(found, by=person(request), door=Door.API, comment=said.comment, revision=said.revision)

        return acted(request, pk, Rejection, act)


class Withdraw(Api):
    """Taking it back."""

    @extend_schema(
        operation_id="withdraw_request",
        summary="Take a request back before it is decided",
        tags=["requests"],
        parameters=[IDEMPOTENCY_KEY],
        request=Nothing,
        responses=answers({200: RequestOut}, 403, 404, 409, body=True),
    )
    @idempotent
    def post(self, request: Request, pk: int) -> Response:
        """Withdraw."""

        def act(found: ProjectRequest, _: Nothing) -> None:
            decisions.withdraw(found, by=person(request), door=Door.API)

        return acted(request, pk, Nothing, act)


def visible(request: Request, pk: int) -> ProjectRequest:
    """The request, if the caller may see it. Raises NotFound."""
    # The largest id that Postgres can be asked for.
    if pk >= 2**63:
        raise NotFound
    rows = permissions.visible_requests(person(request)).select_related("team", "project", "decided_by")
    found = rows.filter(pk=pk).first()
    if found is None:
        raise NotFound
    return found


def acted(request: Request, pk: int, body: type[M], act: Callable[[ProjectRequest, M], None]) -> Response:
    """What every call that does something about a request shares: who may see it, the body, and the request afterwards.

    act: gets the request and what was said. Raises NotFound, Refused or InvalidSpec before it is called.
    """
    read_query(Closed, request)
    found = visible(request, pk)
    act(found, read_body(body, request))
    return as_it_is(pk)


def as_it_is(pk: int) -> Response:
    """The request after something was done about it."""
    decided = ProjectRequest.objects.select_related("team", "decided_by").get(pk=pk)
    return Response(plain(request_out(decided)))
