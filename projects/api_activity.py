"""Over REST: everything that happened to a project, newest first, narrowed as on the page."""

from datetime import datetime
from typing import Any, Literal

from drf_spectacular.utils import extend_schema
from pydantic import BaseModel, Field
from rest_framework.request import Request
from rest_framework.response import Response

from projects.api_base import Api, plain, visible_project
from projects.errors import Fault
from projects.happenings import Wanted, happenings, is_key
from projects.models import Door
from projects.openapi import answers, parameters_of
from projects.pagination import PageQuery
from projects.payload import bad_query, read_query


class ActivityQuery(PageQuery):
    """Which rows."""

    door: Door | None = Field(default=None, description="By which door it came.")
    who: str = Field(default="", max_length=100, description="Part of the name of who asked.")
    kind: str = Field(default="", max_length=40, description="What Slipway did to one Kind.")
    q: str = Field(default="", max_length=100, description="Part of the message, note, reason or rule.")


class HappeningOut(BaseModel):
    """Something that happened: somebody asked or decided (`request` is its number), or Slipway did or saw something."""

    at: datetime
    who: str
    what: str
    door: Door | Literal[""] = Field(description="By which door it came; empty where that was not kept yet.")
    kind: str
    reason: str
    change: int | None = Field(description="The generation that it became or belongs to.")
    rule: str
    decision: str
    note: str
    commit: str
    request: int | None
    lines: list[str] = Field(description="The difference it made, each line with its sign.")


class HappeningPageOut(BaseModel):
    """A page, newest first."""

    items: list[HappeningOut]
    next: str | None = Field(description="Address of the next page; null on the last.")


class Activity(Api):
    """What happened."""

    @extend_schema(
        operation_id="list_activity",
        summary="Everything that happened to a project, newest first",
        tags=["projects"],
        parameters=parameters_of(ActivityQuery),
        responses=answers({200: HappeningPageOut}, 404),
    )
    def get(self, request: Request, slug: str) -> Response:
        """A page of requests and events in one order."""
        asked = read_query(ActivityQuery, request)
        project = visible_project(request, slug)
        if asked.cursor is not None and not is_key(asked.cursor):
            raise bad_query(Fault(path=("cursor",), code="invalid_cursor", message="Take it from `next` of a page."))
        wanted = Wanted(door=asked.door or "", who=asked.who, kind=asked.kind, words=asked.q)
        page = happenings(project, wanted=wanted, before=asked.cursor or "", size=asked.limit)
        items = [
            HappeningOut(**row.record, lines=[f"{line.sign} {line.text}" for line in row.entry.lines])
            for row in page.rows
        ]
        query: Any = request.query_params.copy()
        query["cursor"] = page.older
        after = f"{request.path}?{query.urlencode()}" if page.older else None
        return Response(plain(HappeningPageOut(items=items, next=after)))
