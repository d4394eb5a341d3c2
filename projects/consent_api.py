"""Data of other teams over REST: what stores there are, what a project reads, and consent on both sides."""

from collections.abc import Callable
from datetime import date, datetime
from functools import partial
from typing import Annotated, Literal

from drf_spectacular.utils import extend_schema
from pydantic import BaseModel, Field
from rest_framework.request import Request
from rest_framework.response import Response

from projects import consent_many, consenting, permissions
from projects.api_base import Api, person, plain, visible_project
from projects.api_deciding import ResultList
from projects.closed import Closed
from projects.consent_list import STEPS, record
from projects.consents import opens_until, store_of
from projects.errors import NotFound
from projects.idempotency import idempotent
from projects.installation import installation
from projects.models import DataConsent, Door
from projects.one_by_one import MOST
from projects.openapi import IDEMPOTENCY_KEY, answers, parameters_of
from projects.pagination import PageQuery, page_of
from projects.payload import read_body, read_query
from projects.presentation import wish_of
from projects.reading import Reading, State, readings
from projects.reference_serializers import Nothing, Sentence
from provisioning.data_access import is_within_reach
from provisioning.data_stores import DataStore


class ConsentOut(BaseModel):
    """A question to a team, whether a project may read its data, and what came of it."""

    id: int
    store: str
    place: str = Field(description="What that name stood for when it was asked; it opens nothing else.")
    moved: bool = Field(description="The catalogue has no such store of that team at that place now: ask again.")
    owner: str = Field(description="The team whose data it is, and whose owners decide.")
    project: str
    team: str = Field(description="The team of the project.")
    until: date = Field(description="The last day of reading.")
    reads_until: date | None = Field(
        description="The last day on which it opens the store, by its longest time of now; null: it opens nothing."
    )
    state: Literal["asked", "given", "rejected", "withdrawn", "ended"] = Field(
        description="given: it opens the store until that day, unless it moved. ended: no longer wanted."
    )
    asked_by: str
    asked_at: datetime | None
    reminded_at: datetime | None = Field(description="When those who decide were reminded, after working hours.")
    escalated_at: datetime | None = Field(description="When the platform team was told as well that it waits.")
    decided_by: str = Field(description="Who did last what its state says; empty while it is asked.")
    decided_at: datetime | None
    why: str = Field(description="The reason that was given.")
    url: str

    @classmethod
    def of(cls, row: DataConsent) -> "ConsentOut":
        """One consent, with project, teams and steps."""
        said, settings = record(row), installation()
        moved = store_of(row, catalogue=settings.catalogue) is None
        url = f"{settings.public_url}/api/v1/consents/{row.pk}/"
        ends = opens_until(row, catalogue=settings.catalogue)
        return cls(id=said.pop("number"), url=url, moved=moved, reads_until=ends, **said)


class ConsentPageOut(BaseModel):
    """A page of consents, newest first."""

    items: list[ConsentOut]
    next: str | None = Field(description="Address of the next page; null on the last.")


class ConsentsQuery(PageQuery):
    """Which consents."""

    owner: str | None = Field(default=None, max_length=40, description="Only about data of this team.")
    project: str | None = Field(default=None, max_length=40, description="Only for this project.")
    state: Literal["asked", "given", "rejected", "withdrawn", "ended"] | None = Field(
        default=None, description="Only those in this state."
    )
    to_decide: bool = Field(default=False, description="Only those that wait for your own yes or no.")


class Consents(Api):
    """Consents on either side."""

    @extend_schema(
        operation_id="list_consents",
        summary="List who reads, or asks to read, whose data: of your projects and of your teams",
        tags=["data"],
        parameters=parameters_of(ConsentsQuery),
        responses=answers({200: ConsentPageOut}),
    )
    def get(self, request: Request) -> Response:
        """A page of the consents that the caller may see."""
        asked = read_query(ConsentsQuery, request)
        by = person(request)
        rows = permissions.consents_to_decide(by) if asked.to_decide else permissions.visible_consents(by)
        wanted = {"team__slug": asked.owner, "project__slug": asked.project, "state": asked.state}
        rows = rows.filter(**{field: value for field, value in wanted.items() if value is not None})
        found, after = page_of(rows.prefetch_related(*STEPS), asked=asked, request=request)
        return Response(plain(ConsentPageOut(items=[ConsentOut.of(row) for row in found], next=after)))


class ConsentDetail(Api):
    """One consent."""

    @extend_schema(
        operation_id="read_consent",
        summary="Read a consent",
        tags=["data"],
        responses=answers({200: ConsentOut}, 404),
    )
    def get(self, request: Request, pk: int) -> Response:
        """The consent with what came of it."""
        read_query(Closed, request)
        return Response(plain(ConsentOut.of(_visible(request, pk))))


class Reason(Closed):
    """Why: the project's owners read it."""

    why: Sentence


class Yes(Closed):
    """What to say with it, if anything: the project's owners read it."""

    why: Sentence = ""


class GiveConsent(Api):
    """Saying yes."""

    @extend_schema(
        operation_id="give_consent",
        summary="Let a project read your team's data until the day it asks for (owners in that team)",
        tags=["data"],
        parameters=[IDEMPOTENCY_KEY],
        request=Yes,
        responses=answers({200: ConsentOut}, 403, 404, 409, body=True),
    )
    @idempotent
    def post(self, request: Request, pk: int) -> Response:
        """Give it; the next look opens the store. 409 when it was put otherwise or answered meanwhile."""
        return _acted(request, pk, body=Yes, act=partial(consenting.give, installation=installation()))


class RejectConsent(Api):
    """Saying no."""

    @extend_schema(
        operation_id="reject_consent",
        summary="Say no to a project that asks to read your team's data (owners in that team)",
        tags=["data"],
        parameters=[IDEMPOTENCY_KEY],
        request=Reason,
        responses=answers({200: ConsentOut}, 403, 404, 409, body=True),
    )
    @idempotent
    def post(self, request: Request, pk: int) -> Response:
        """Reject; what the project read before it still reads."""
        return _acted(request, pk, body=Reason, act=consenting.reject)


class WithdrawConsent(Api):
    """Not any more."""

    @extend_schema(
        operation_id="withdraw_consent",
        summary="End a consent that was given (owners in that team, platform team)",
        tags=["data"],
        parameters=[IDEMPOTENCY_KEY],
        request=Reason,
        responses=answers({200: ConsentOut}, 403, 404, 409, body=True),
    )
    @idempotent
    def post(self, request: Request, pk: int) -> Response:
        """Withdraw; the next look takes the access away."""
        return _acted(request, pk, body=Reason, act=consenting.withdraw)


class Together(Closed):
    """The same answer to several questions, each on its own and in this order."""

    verdict: consent_many.Verdict
    consents: list[Annotated[int, Field(ge=1, lt=2**63)]] = Field(min_length=1, max_length=MOST)
    why: Sentence = Field(default="", description="The projects' owners read it; needed to reject.")


class AnswerTogether(Api):
    """Several at once."""

    @extend_schema(
        operation_id="answer_consents",
        summary="Say yes or no to several questions for consent, each on its own",
        tags=["data"],
        parameters=[IDEMPOTENCY_KEY],
        request=Together,
        responses=answers({200: ResultList}, 409, body=True),
    )
    @idempotent
    def post(self, request: Request) -> Response:
        """What came of each."""
        read_query(Closed, request)
        said = read_body(Together, request)
        results = consent_many.answer_many(
            said.consents,
            verdict=said.verdict,
            by=person(request),
            door=Door.API,
            installation=installation(),
            why=said.why,
        )
        return Response(plain(ResultList.of(results)))


def _visible(request: Request, pk: int) -> DataConsent:
    """The consent, if the caller may see it. Raises NotFound."""
    # The largest id that Postgres can be asked for.
    if pk >= 2**63:
        raise NotFound
    found = permissions.visible_consents(person(request)).prefetch_related(*STEPS).filter(pk=pk).first()
    if found is None:
        raise NotFound
    return found


def _acted(request: Request, pk: int, *, body: type[Reason | Yes], act: Callable[..., DataConsent]) -> Response:
    """The consent after somebody said something to it; act: of `projects.consenting`."""
    read_query(Closed, request)
    found = _visible(request, pk)
    act(found, by=person(request), door=Door.API, why=read_body(body, request).why)
    rows = DataConsent.objects.select_related("project__team", "team").prefetch_related(*STEPS)
    return Response(plain(ConsentOut.of(rows.get(pk=pk))))


class ReadingOut(BaseModel):
    """A data store that a project chose."""

    name: str
    owner: str = Field(description="The team whose data it is; empty when the store left the catalogue.")
    address: str = Field(description="Such as s3://bucket/prefix; empty when the store left the catalogue.")
    state: State = Field(
        description=(
            "moved: its team was asked for what the name stood for before; ask again. over: the longest time for the "
            "store has passed; name a new last day, or ask again. gone: no such store now."
        )
    )
    until: date | None = Field(description="The last day of reading; null while it is not read.")
    wanted_until: date = Field(description="The last day that the project names; a store may be read for less.")
    max_days: int | None = Field(description="For how many days at a time the store may be read now; null for any.")
    by_catalogue: bool = Field(description="Read without asking, as the catalogue lets the project's team.")
    waits_since: datetime | None = Field(description="When its team was asked; null when no question waits.")
    reminded_at: datetime | None = Field(description="When those who decide were reminded of that question.")
    consent: int | None = Field(description="The newest question to that team; it may ask for a later day.")

    @classmethod
    def of(cls, one: Reading) -> "ReadingOut":
        """One store."""
        asked, reminder = one.waits_since, one.reminder
        return cls(
            name=one.name,
            owner=one.store.owner if one.store else "",
            address=one.store.address if one.store else "",
            state=one.state,
            until=one.until,
            wanted_until=one.asked,
            max_days=one.store.max_days if one.store else None,
            by_catalogue=one.by_catalogue,
            waits_since=asked.at if asked else None,
            reminded_at=reminder.at if reminder else None,
            consent=one.consent.pk if one.consent else None,
        )


class ReadingsOut(BaseModel):
    """Data of other teams that a project reads or asks to read; empty after its last day."""

    items: list[ReadingOut]


class ProjectData(Api):
    """What a project reads."""

    @extend_schema(
        operation_id="list_project_data",
        summary="Data of other teams that a project reads, until when, and what waits for whose consent",
        tags=["data"],
        responses=answers({200: ReadingsOut}, 404),
    )
    def get(self, request: Request, slug: str) -> Response:
        """The stores that the project chose, in its order."""
        read_query(Closed, request)
        project = visible_project(request, slug)
        found = readings(project, wish=wish_of(project, installation=installation()))
        return Response(plain(ReadingsOut(items=[ReadingOut.of(one) for one in found])))


class AskForData(Api):
    """Asking once more."""

    @extend_schema(
        operation_id="ask_for_consent",
        summary="Ask again for a store that the project chose and may not read (owners, platform team)",
        tags=["data"],
        parameters=[IDEMPOTENCY_KEY],
        request=Nothing,
        responses=answers({202: ConsentOut}, 403, 404, 409, body=True),
    )
    @idempotent
    def post(self, request: Request, slug: str, store: str) -> Response:
        """A new question to its team, until the day that the project wants."""
        read_query(Closed, request)
        project = visible_project(request, slug)
        read_body(Nothing, request)
        asked = consenting.ask_again(
            project, store=store, by=person(request), door=Door.API, installation=installation()
        )
        body = ConsentOut.of(_visible(request, asked.pk))
        return Response(plain(body), status=202, headers={"Location": body.url})


class DataStoreOut(BaseModel):
    """A data store of the catalogue."""

    name: str
    title: str
    description: str
    classification: str
    owner: str = Field(description="The team whose data it is.")
    readers: list[str] = Field(description="Teams that read it without asking, besides its own.")
    max_days: int | None = Field(description="For how many days at a time it may be read; null for any.")
    address: str

    @classmethod
    def of(cls, store: DataStore) -> "DataStoreOut":
        """One store."""
        return cls(
            name=store.name,
            title=store.title or store.name,
            description=store.description,
            classification=store.classification,
            owner=store.owner,
            readers=list(store.readers),
            max_days=store.max_days,
            address=store.address,
        )


class DataStoresOut(BaseModel):
    """The data stores of the catalogue."""

    items: list[DataStoreOut]


class DataStores(Api):
    """What there is to read."""

    @extend_schema(
        operation_id="list_data_stores",
        summary="Data stores that a project can read, or ask to read",
        tags=["data"],
        responses=answers({200: DataStoresOut}),
    )
    def get(self, request: Request) -> Response:
        """The catalogue's stores on the servers that projects are on, in its order."""
        read_query(Closed, request)
        catalogue = installation().catalogue
        stores = [one for one in catalogue.data_stores if is_within_reach(one, catalogue=catalogue)]
        return Response(plain(DataStoresOut(items=[DataStoreOut.of(one) for one in stores])))
