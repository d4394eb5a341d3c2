"""The rest of deciding over REST: questions, the conversation, other words, several at once, and stand-ins."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Annotated, Any, Literal

from drf_spectacular.utils import extend_schema
from pydantic import BaseModel, Field, StringConstraints
from rest_framework.request import Request
from rest_framework.response import Response

from projects import decide_many, decisions, revising, stand_ins
from projects.api_base import Api, person, plain
from projects.api_requests import acted, as_it_is, visible
from projects.closed import Closed
from projects.idempotency import idempotent
from projects.installation import installation
from projects.models import Door, ProjectRequest, RequestComment, StandIn
from projects.one_by_one import MOST, Result
from projects.openapi import IDEMPOTENCY_KEY, PLAN_OR_REQUEST, answers, parameters_of
from projects.payload import read_body, read_query
from projects.reference_serializers import DryRun, Revision, Sentence
from projects.serializers import PlanOut, RequestOut

Text = Annotated[str, StringConstraints(max_length=decisions.LONGEST)]


class Question(Closed):
    """The revision that was read, and what to change or to answer."""

    revision: Revision
    text: Text


class Saying(Closed):
    """Something to say."""

    text: Text


class CommentOut(BaseModel):
    """One thing that was said. `asks`: the asker is to change the request or to answer."""

    by: str
    text: str
    asks: bool
    revision: int
    at: datetime

    @classmethod
    def of(cls, row: RequestComment) -> "CommentOut":
        """One of the conversation."""
        return cls(by=row.by_name, text=row.text, asks=row.asks, revision=row.revision, at=row.at)


class CommentList(BaseModel):
    """The conversation, oldest first."""

    items: list[CommentOut]


class OtherWords(Closed):
    """The revision that was read, and the whole spec as it is wanted now; without `note`, the reason stays."""

    revision: Revision
    spec: dict[str, Any]
    note: Text | None = None


class Chosen(Closed):
    """A request and the revision that was read."""

    id: int = Field(ge=1, lt=2**63)
    revision: Revision


class Together(Closed):
    """The same decision about several, each on its own and in this order."""

    verdict: Literal["approve", "reject"]
    requests: list[Chosen] = Field(min_length=1, max_length=MOST)
    comment: Sentence = ""


class ResultOut(BaseModel):
    """What came of one. `said`: why it was not decided."""

    id: int
    done: bool
    said: str


class ResultList(BaseModel):
    """What came of each, in the order given."""

    items: list[ResultOut]

    @classmethod
    def of(cls, results: Iterable[Result[Any]]) -> "ResultList":
        """As an answer."""
        return cls(items=[ResultOut(id=one.number, done=one.done, said=one.said) for one in results])


class NewStandIn(Closed):
    """Who decides in your place, from the first day to the last."""

    account: Annotated[str, StringConstraints(max_length=254)]
    begins: date
    ends: date


class StandInOut(BaseModel):
    """Somebody decides in somebody's place."""

    id: int
    approver: str
    stand_in: str
    begins: date
    ends: date

    @classmethod
    def of(cls, row: StandIn) -> "StandInOut":
        """One of the list; both accounts must have been read with it."""
        approver, stand_in = row.approver.username, row.stand_in.username
        return cls(id=row.pk, approver=approver, stand_in=stand_in, begins=row.begins, ends=row.ends)


class StandInList(BaseModel):
    """Present and coming ones that you named or are."""

    items: list[StandInOut]


class AskForChanges(Api):
    """Giving a request back."""

    @extend_schema(
        operation_id="ask_for_changes",
        summary="Give a request back to who asked, with what to change",
        tags=["requests"],
        parameters=[IDEMPOTENCY_KEY],
        request=Question,
        responses=answers({200: RequestOut}, 403, 404, 409, body=True),
    )
    @idempotent
    def post(self, request: Request, pk: int) -> Response:
        """It waits for the asker from now on."""

        def act(found: ProjectRequest, said: Question) -> None:
            decisions.ask_for_changes(found, by=person(request), door=Door.API, text=said.text, revision=said.revision)

        return acted(request, pk, Question, act)


class Comments(Api):
    """The conversation about a request."""

    @extend_schema(
        operation_id="list_comments",
        summary="Read the conversation about a request",
        tags=["requests"],
        responses=answers({200: CommentList}, 404),
    )
    def get(self, request: Request, pk: int) -> Response:
        """Everything that was said, oldest first."""
        read_query(Closed, request)
        rows = visible(request, pk).comments.all()
        return Response(plain(CommentList(items=[CommentOut.of(row) for row in rows])))

    @extend_schema(
        operation_id="comment_on_request",
        summary="Say something about a request",
        tags=["requests"],
        parameters=[IDEMPOTENCY_KEY],
        request=Saying,
        responses=answers({201: CommentOut}, 404, 409, body=True),
    )
    @idempotent
    def post(self, request: Request, pk: int) -> Response:
        """Everybody who sees the request reads it."""
        read_query(Closed, request)
        found = visible(request, pk)
        said = read_body(Saying, request)
        made = decisions.comment(found, by=person(request), door=Door.API, text=said.text)
        return Response(plain(CommentOut.of(made)), status=201)


class Revise(Api):
    """A request in other words."""

    @extend_schema(
        operation_id="revise_request",
        summary="Put an open request in other words; the policy decides anew",
        tags=["requests"],
        parameters=[*parameters_of(DryRun), IDEMPOTENCY_KEY],
        request=OtherWords,
        responses=answers({200: PLAN_OR_REQUEST}, 403, 404, 409, body=True),
    )
    @idempotent
    def post(self, request: Request, pk: int) -> Response:
        """What fits now is made at once."""
        dry_run = read_query(DryRun, request).dry_run
        found, said = visible(request, pk), read_body(OtherWords, request)
        shared: dict[str, Any] = {"by": person(request), "door": Door.API, "installation": installation()}
        shared["revision"] = said.revision
        if dry_run:
            return Response(plain(PlanOut.of(revising.preview(found, said.spec, **shared))))
        decisions.revise(found, said.spec, **shared, note=said.note)
        return as_it_is(pk)


class DecideTogether(Api):
    """Several at once."""

    @extend_schema(
        operation_id="decide_requests",
        summary="Decide about several requests, each on its own; a yes never goes beyond a team's budget",
        tags=["requests"],
        parameters=[IDEMPOTENCY_KEY],
        request=Together,
        responses=answers({200: ResultList}, 409, body=True),
    )
    @idempotent
    def post(self, request: Request) -> Response:
        """What came of each."""
        read_query(Closed, request)
        said = read_body(Together, request)
        results = decide_many.decide_many(
            [(one.id, one.revision) for one in said.requests],
            verdict=said.verdict,
            by=person(request),
            door=Door.API,
            installation=installation(),
            comment=said.comment,
        )
        return Response(plain(ResultList.of(results)))


class StandIns(Api):
    """Who decides in whose place."""

    @extend_schema(
        operation_id="list_stand_ins",
        summary="List the stand-ins that you named or are",
        tags=["requests"],
        responses=answers({200: StandInList}),
    )
    def get(self, request: Request) -> Response:
        """Present and coming ones."""
        read_query(Closed, request)
        rows = stand_ins.of_person(person(request))
        return Response(plain(StandInList(items=[StandInOut.of(row) for row in rows])))

    @extend_schema(
        operation_id="name_stand_in",
        summary="Have somebody decide in your place for some days",
        tags=["requests"],
        parameters=[IDEMPOTENCY_KEY],
        request=NewStandIn,
        responses=answers({201: StandInOut}, 403, 409, body=True),
    )
    @idempotent
    def post(self, request: Request) -> Response:
        """Only who decides can name one."""
        read_query(Closed, request)
        said = read_body(NewStandIn, request)
        made = stand_ins.name(
            said.account,
            begins=said.begins,
            ends=said.ends,
            by=person(request),
            door=Door.API,
            installation=installation(),
        )
        return Response(plain(StandInOut.of(made)), status=201)


class StandInDetail(Api):
    """One stand-in."""

    @extend_schema(
        operation_id="end_stand_in",
        summary="End a stand-in at once",
        tags=["requests"],
        parameters=[IDEMPOTENCY_KEY],
        request=None,
        responses=answers({204: None}, 404, 409, 422),
    )
    @idempotent
    def delete(self, request: Request, pk: int) -> Response:
        """By who named it, or who is it."""
        read_query(Closed, request)
        stand_ins.end(min(pk, 2**63 - 1), by=person(request), door=Door.API)
        return Response(status=204)
