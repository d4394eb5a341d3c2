"""Usage over REST and as records: each measure of a project with its limit, its age and its pace."""

from datetime import date, datetime
from typing import Any

from drf_spectacular.utils import extend_schema
from pydantic import BaseModel, Field
from rest_framework.request import Request
from rest_framework.response import Response

from projects import usage
from projects.api_base import Api, plain, visible_project
from projects.closed import Closed
from projects.installation import installation
from projects.openapi import answers
from projects.payload import read_query
from projects.usage import Use
from provisioning.measures import Unit


class UseOut(BaseModel):
    """One measure. Unknown is null, never zero."""

    measure: str
    title: str
    unit: Unit
    used: float | None
    limit: float | None = Field(description="Null: it has none, or it was not measured yet.")
    as_of: datetime | None = Field(description="Of when the figure is.")
    week_ago: float | None = Field(description="The most of the day a week ago.")
    full_in_days: float | None = Field(description="At the pace of two weeks; null when it doesn't grow.")
    next_plan: str | None = Field(description="The smallest plan that allows more.")

    @classmethod
    def of(cls, use: Use) -> "UseOut":
        """One measure of the list."""
        return cls(
            measure=use.measure.name,
            title=use.measure.title,
            unit=use.measure.unit,
            used=use.used,
            limit=use.limit,
            as_of=use.as_of,
            week_ago=use.week_ago,
            full_in_days=round(use.full_in, 1) if use.full_in is not None else None,
            next_plan=use.larger.name if use.larger else None,
        )


class UsageDayOut(BaseModel):
    """The most that was used of one measure on one day, and the limit then."""

    day: date
    measure: str
    used: float | None
    limit: float | None


class UsageOut(BaseModel):
    """What a project uses, and its days."""

    items: list[UseOut]
    days: list[UsageDayOut] = Field(description="Oldest first; 35 days are kept.")


class ProjectUsage(Api):
    """What a project uses of what it may."""

    @extend_schema(
        operation_id="read_usage",
        summary="What a project uses of what it may, and by day",
        tags=["projects"],
        responses=answers({200: UsageOut}, 404),
    )
    def get(self, request: Request, slug: str) -> Response:
        """Every measure, also those that were not told yet."""
        read_query(Closed, request)
        uses = usage.of_project(visible_project(request, slug), catalogue=installation().catalogue)
        return Response(plain(UsageOut(items=[UseOut.of(use) for use in uses], days=_days(uses))))


def records(uses: tuple[Use, ...]) -> list[dict[str, Any]]:
    """The measures as lines of a file."""
    return [plain(UseOut.of(use)) for use in uses]


def day_records(uses: tuple[Use, ...]) -> list[dict[str, Any]]:
    """The days of all measures as lines of a file."""
    return [plain(day) for day in _days(uses)]


def _days(uses: tuple[Use, ...]) -> list[UsageDayOut]:
    return [
        UsageDayOut(day=day.day, measure=use.measure.name, used=day.used, limit=day.limit)
        for use in uses
        for day in use.days
    ]
