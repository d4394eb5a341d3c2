"""Trainings over REST: ask for one, and see what became of those that were asked for."""

from datetime import datetime
from typing import Literal

from django.urls import reverse
from drf_spectacular.utils import extend_schema
from pydantic import BaseModel, Field
from rest_framework.request import Request
from rest_framework.response import Response

from projects import training
from projects.api_base import Api, person, plain, visible_project
from projects.closed import Closed
from projects.comparison import Gate
from projects.idempotency import idempotent
from projects.model_history import gates_apart
from projects.models import Door, Report, TrainingAsked, TrainingPlan
from projects.openapi import IDEMPOTENCY_KEY, answers, parameters_of
from projects.pagination import PageQuery, page_of
from projects.payload import read_body, read_query
from projects.reference_serializers import Nothing


class TrainedOut(BaseModel):
    """How a training ended."""

    id: int
    run: str
    run_url: str | None
    gate_open: bool
    received_at: datetime
    url: str

    @classmethod
    def of(cls, row: Report, *, slug: str, gate_open: bool) -> "TrainedOut":
        """The run behind a report."""
        return cls(
            id=row.pk,
            run=row.run,
            run_url=row.run_url or None,
            gate_open=gate_open,
            received_at=row.received_at,
            url=reverse("api:report", kwargs={"slug": slug, "report": row.pk}),
        )


class TrainingOut(BaseModel):
    """One training that somebody or something asked for."""

    id: int
    because: Literal["person", "schedule", "data"]
    cause: str = Field(description="Which time it was, or what changed; empty for a person's.")
    asked_by: str = Field(description="Empty when it was no person.")
    door: str = Field(description="As that of a request; system: the clock or the data; empty: it was not kept.")
    asked_at: datetime
    begun_at: datetime | None = Field(description="When CI took it; null: not yet, or never.")
    commit: str = Field(description="What is trained; empty until CI took it.")
    given_up_at: datetime | None
    why: str = Field(description="Why CI did not take it.")
    report: TrainedOut | None = Field(description="What its run said; null: nothing yet, or never.")

    @classmethod
    def of(cls, row: TrainingAsked, *, gate: Gate | None = None) -> "TrainingOut":
        """One row, with what the gate says of its report."""
        return cls(
            id=row.pk,
            because=row.because,
            cause=row.cause,
            asked_by=row.asked_by_name,
            door=row.door,
            asked_at=row.made_at,
            begun_at=row.sent_at,
            commit=row.commit,
            given_up_at=row.given_up_at,
            why=row.why,
            report=TrainedOut.of(row.report, slug=row.project.slug, gate_open=gate.passed)
            if row.report and gate
            else None,
        )


class TrainingPageOut(BaseModel):
    """A page, newest first."""

    items: list[TrainingOut]
    next_at: datetime | None = Field(
        description="When its time comes next, by its schedule; null: it has none, or the project is suspended."
    )
    data_unseen: str = Field(description="What keeps us from looking at the watched folder; empty: nothing.")
    data_unseen_since: datetime | None
    next: str | None = Field(description="Address of the next page; null on the last.")


class Trainings(Api):
    """CI runs on the default branch that nobody pushed for."""

    @extend_schema(
        operation_id="list_trainings",
        summary="Trainings that were asked for, newest first",
        tags=["reports"],
        parameters=parameters_of(PageQuery),
        responses=answers({200: TrainingPageOut}, 404),
    )
    def get(self, request: Request, slug: str) -> Response:
        """A page of them."""
        asked = read_query(PageQuery, request)
        project = visible_project(request, slug)
        trainings = project.trainings.select_related("project", "report")
        rows, after = page_of(trainings, asked=asked, request=request)
        gates = gates_apart([row.report for row in rows if row.report is not None])
        plan = TrainingPlan.objects.filter(project=project).first()
        found = TrainingPageOut(
            items=[TrainingOut.of(row, gate=gates.get(row.report_id or 0)) for row in rows],
            next_at=plan.next_at if plan and not project.suspended else None,
            data_unseen=plan.data_unseen if plan else "",
            data_unseen_since=plan.data_unseen_since if plan else None,
            next=after,
        )
        return Response(plain(found))

    @extend_schema(
        operation_id="ask_for_training",
        summary="Have CI train the model again (owners, editors, platform team)",
        description="CI runs on the default branch again; data that DVC imports is taken as it is now. "
        "409 while one waits to begin.",
        tags=["reports"],
        parameters=[IDEMPOTENCY_KEY],
        request=Nothing,
        responses=answers({202: TrainingOut}, 403, 404, 409, body=True),
    )
    @idempotent
    def post(self, request: Request, slug: str) -> Response:
        """Write it down; the worker has CI begin."""
        read_query(Closed, request)
        project = visible_project(request, slug)
        read_body(Nothing, request)
        made = training.ask(project, by=person(request), door=Door.API)
        return Response(plain(TrainingOut.of(made)), status=202)
