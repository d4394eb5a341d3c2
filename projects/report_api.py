"""Reports over REST: a project's CI sends them with its own token; people who may see the project read them."""

from datetime import datetime
from typing import Any, cast

from django.db.models import QuerySet
from django.http import HttpResponse
from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, extend_schema
from pydantic import BaseModel, Field
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request
from rest_framework.response import Response

from projects import reports
from projects.api_base import Api, plain, visible_project
from projects.api_errors import Refused
from projects.ci_door import CiToken, Pipeline
from projects.closed import Closed
from projects.comparison import Change
from projects.errors import NotFound
from projects.model_history import Standing, base_of, branches_of, of_branch, of_pull_request, standing_of
from projects.models import Feedback, Report
from projects.often import too_often
from projects.openapi import answers, parameters_of
from projects.pagination import PageQuery, page_of
from projects.payload import StrictJson, read_body, read_query
from projects.plots import picture, with_plots
from projects.report_body import MAX_BYTES, Direction, ReportIn, TestKind

_EXAMPLE: dict[str, Any] = {
    "commit": "4b825dc642cb6eb9a060e54bf8d69288fbee4904",
    "branch": "shorter-window",
    "pull_request": 3,
    "run": "1284",
    "run_url": "https://git.corp.example/forecasting/demand/actions/runs/1284",
    "metrics": [{"name": "mae", "value": 0.12, "split": "test", "direction": "lower", "threshold": 0.2}],
    "data_hash": "d41d8cd98f00b204e9800998ecf8427e.dir",
    "environment_hash": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "tests": {
        "passed": 12,
        "failed": [{"name": "test_winter_weeks", "kind": "slice", "example": "week 2: 912 instead of 240"}],
        "regression_examples": 20,
    },
    "reproduced": True,
    "plots": [],
}
A_MINUTE = 60
"""Reports that a project may send in a minute."""


class MetricOut(BaseModel):
    """One number of a model."""

    name: str
    value: float
    split: str
    direction: Direction
    threshold: float | None


class FailedTestOut(BaseModel):
    """A behaviour that the model doesn't have."""

    name: str
    kind: TestKind
    example: str


class TestsOut(BaseModel):
    """How the tests of the model's behaviour went."""

    passed: int
    failed: list[FailedTestOut]
    regression_examples: int


class PlotOut(BaseModel):
    """A picture and where it is."""

    name: str
    media_type: str
    url: str


class ReportOut(BaseModel):
    """What one run said about the model of a commit."""

    id: int
    commit: str
    branch: str
    pull_request: int | None
    run: str
    run_url: str | None
    metrics: list[MetricOut]
    data_hash: str | None
    environment_hash: str | None
    tests: TestsOut | None
    reproduced: bool | None
    plots: list[PlotOut] = Field(description="Kept for a project's newest reports.")
    received_at: datetime
    url: str

    @classmethod
    def of(cls, row: Report, *, slug: str) -> "ReportOut":
        """One report. Prefetch its plots."""
        return cls(
            id=row.pk,
            commit=row.commit,
            branch=row.branch,
            pull_request=row.pull_request,
            run=row.run,
            run_url=row.run_url or None,
            metrics=[MetricOut(**one) for one in row.metrics],
            data_hash=row.data_hash or None,
            environment_hash=row.environment_hash or None,
            tests=TestsOut(**row.tests) if row.tests else None,
            reproduced=row.reproduced,
            plots=[
                PlotOut(
                    name=one.name,
                    media_type=one.media_type,
                    url=reverse("api:plot", kwargs={"slug": slug, "report": row.pk, "plot": one.pk}),
                )
                for one in row.plots.all()
            ],
            received_at=row.received_at,
            url=reverse("api:report", kwargs={"slug": slug, "report": row.pk}),
        )


class ComparedOut(BaseModel):
    """One metric beside the base's."""

    name: str
    split: str
    value: float | None = Field(description="null: it is gone.")
    base: float | None = Field(description="null: it is new, or there is nothing to compare with.")
    change: Change
    threshold: float | None = Field(description="The one that counts: the report's, else the base's.")
    held: bool | None = Field(description="null: without a threshold.")
    turned: bool = Field(description="Says the other direction than the base; not held where that has a threshold.")


class ToldOut(BaseModel):
    """What came of telling the forge: the pull request's comment and the gate, or the gate of a branch's commit."""

    at: datetime | None = Field(description="The last try that ended; null: none yet.")
    waits: bool = Field(description="It is to be told, or told anew, and is tried again by itself.")
    why: str | None = Field(description="What it was not told, and why; null: nothing is missing.")
    held_by: str | None = Field(
        description="What shuts the gate though the model passes: another open pull request with the same commit. "
        "null: nothing."
    )

    @classmethod
    def of(cls, row: Feedback | None) -> "ToldOut | None":
        """None: nothing is known of it."""
        if row is None:
            return None
        return cls(at=row.told_at, waits=row.look_at is not None, why=row.why or None, held_by=row.held_by or None)


class ReportDetailOut(ReportOut):
    """A report with what it is compared with, and what the gate says."""

    gate_open: bool
    because: str
    compared_with: str | None = Field(description="Commit of the base; null: there is none.")
    comparison: list[ComparedOut]
    told: ToldOut | None

    @classmethod
    def standing(cls, found: Standing, *, slug: str) -> "ReportDetailOut":
        """One report beside its base. Prefetch its plots."""
        return cls(
            **ReportOut.of(found.report, slug=slug).model_dump(),
            gate_open=found.gate.passed,
            because=found.gate.sentence,
            compared_with=found.base.commit if found.base else None,
            comparison=[ComparedOut.model_validate(line, from_attributes=True) for line in found.lines],
            told=ToldOut.of(reports.feedback_about(found.report)),
        )


class ReportPageOut(BaseModel):
    """A page, newest first."""

    items: list[ReportOut]
    next: str | None = Field(description="Address of the next page; null on the last.")


class ReportsQuery(PageQuery):
    """Which reports."""

    branch: str = Field(default="", max_length=200, description="Of this branch, pull requests left out.")
    pull_request: int | None = Field(default=None, ge=1, le=2**31 - 1, description="Of this pull request.")


class LargeJson(StrictJson):
    """JSON with room for pictures."""

    max_bytes = MAX_BYTES


class Reports(Api):
    """What CI said about a project's model."""

    parser_classes = [LargeJson]

    def get_authenticators(self) -> list[BaseAuthentication]:
        """Only CI sends, and only people read: neither credential is worth anything at the other's method."""
        # None while the API's description is being made.
        asked = cast("Any", self.request)
        if asked is not None and asked.method == "POST":
            return [CiToken()]
        return super().get_authenticators()

    @extend_schema(
        operation_id="list_reports",
        summary="What CI said about a project's model, newest first",
        tags=["reports"],
        parameters=parameters_of(ReportsQuery),
        responses=answers({200: ReportPageOut}, 404),
    )
    def get(self, request: Request, slug: str) -> Response:
        """A page of reports."""
        asked = read_query(ReportsQuery, request)
        project = visible_project(request, slug)
        rows: QuerySet[Report] = project.reports.all()
        if asked.pull_request is not None:
            rows = of_pull_request(project, asked.pull_request)
        if asked.branch:
            rows = rows & of_branch(project, asked.branch)
        found, after = page_of(with_plots(rows), asked=asked, request=request)
        items = [ReportOut.of(row, slug=project.slug) for row in found]
        return Response(plain(ReportPageOut(items=items, next=after)))

    @extend_schema(
        operation_id="send_report",
        summary="Report the numbers of a model (CI only, with the token of the Secret slipway-ci)",
        description="The same commit and run with the same body is one report: 201 the first time, then 200.",
        tags=["reports"],
        request=ReportIn,
        examples=[OpenApiExample("A pull request", value=_EXAMPLE, request_only=True)],
        responses=answers({201: ReportOut, 200: ReportOut}, 409, 429, body=True),
    )
    def post(self, request: Request, slug: str) -> Response:  # noqa: ARG002 - the token names the project
        """Keep it, and have the forge told."""
        project = cast("Pipeline", request.user).project
        wait = too_often("report", project.pk, limit=A_MINUTE)
        if wait:
            detail = f"More than {A_MINUTE} reports in a minute. Send this one again a little later."
            raise Refused(429, code="too_often", detail=detail, wait=wait)
        read_query(Closed, request)
        row, new = reports.take_in(project, read_body(ReportIn, request))
        return Response(plain(ReportOut.of(row, slug=project.slug)), status=201 if new else 200)


class ReportDetail(Api):
    """One report."""

    @extend_schema(
        operation_id="read_report",
        summary="One report of a project's CI",
        tags=["reports"],
        responses=answers({200: ReportDetailOut}, 404),
    )
    def get(self, request: Request, slug: str, report: int) -> Response:
        """The report as it was sent, pictures as addresses, and how it compares."""
        read_query(Closed, request)
        project = visible_project(request, slug)
        row = with_plots(project.reports.select_related("project", "base")).filter(pk=report).first()
        if row is None:
            raise NotFound
        found = standing_of(row, base=base_of(row, branches=branches_of(project)))
        return Response(plain(ReportDetailOut.standing(found, slug=project.slug)))


class PlotDetail(Api):
    """One picture of a report."""

    @extend_schema(
        operation_id="read_plot",
        summary="A picture of a report, as PNG or JPEG",
        tags=["reports"],
        responses=answers({(200, "image/png"): OpenApiTypes.BINARY, (200, "image/jpeg"): OpenApiTypes.BINARY}, 404),
    )
    def get(self, request: Request, slug: str, report: int, plot: int) -> HttpResponse:
        """Its bytes."""
        read_query(Closed, request)
        return picture(visible_project(request, slug), report=report, plot=plot)
