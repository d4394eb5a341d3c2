"""Announcements over REST: everybody reads what is shown now, the platform team writes, changes and ends them."""

from datetime import datetime
from typing import Literal

from django.urls import reverse
from drf_spectacular.utils import extend_schema
from pydantic import BaseModel, Field
from rest_framework.request import Request
from rest_framework.response import Response

from projects import announcements
from projects.announcements import Ending, Revising, Wording
from projects.api_base import Api, plain
from projects.closed import Closed
from projects.idempotency import idempotent
from projects.models import Announcement, Door
from projects.openapi import IDEMPOTENCY_KEY, LOCATION, answers, parameters_of
from projects.pagination import PageQuery, page_of
from projects.payload import read_query
from projects.platform_api import platform_admin

Level = Literal["information", "warning"]


class ToldOut(BaseModel):
    """What the platform team tells everybody now."""

    id: int
    level: Level
    text: str
    begins: datetime
    ends: datetime | None = Field(description="Null: when somebody ends it.")


class ToldList(BaseModel):
    """All that is shown now, warnings first."""

    items: list[ToldOut]


class AnnouncementOut(BaseModel):
    """An announcement. `by`, `because` and `changed_at` are of its present revision."""

    id: int
    state: Literal["to_come", "shown", "over"]
    level: Level
    text: str
    begins: datetime
    ends: datetime | None = Field(description="Null: when somebody ends it.")
    dismissible: bool
    public: bool
    revision: int
    by: str
    because: str
    created_at: datetime
    changed_at: datetime
    ended_at: datetime | None = Field(description="When somebody ended it.")
    url: str

    @classmethod
    def of(cls, row: Announcement) -> "AnnouncementOut":
        """The announcement as it stands now."""
        same = (
            "id", "level", "text", "begins", "ends", "dismissible", "public", "revision", "because", "created_at",
            "changed_at", "ended_at",
        )  # fmt: skip
        return cls(
            **{name: getattr(row, name) for name in same},
            state=row.state.value,
            by=row.by_name,
            url=reverse("api:platform-announcement", kwargs={"announcement": row.pk}),
        )


class AnnouncementPage(BaseModel):
    """Announcements, newest first."""

    items: list[AnnouncementOut]
    next: str | None = Field(description="Address of the next page; null on the last.")


class Told(Api):
    """What everybody is told."""

    @extend_schema(
        operation_id="list_told",
        summary="Read what the platform team tells everybody now",
        tags=["announcements"],
        responses=answers({200: ToldList}),
    )
    def get(self, request: Request) -> Response:
        """What stands at the top of every page now; what somebody put away in a browser is in it too."""
        read_query(Closed, request)
        shown = announcements.shown_now(signed_in=True, put_away={})
        items = [ToldOut.model_validate(one, from_attributes=True) for one in shown]
        return Response(plain(ToldList(items=items)))


class Announcements(Api):
    """Every announcement, for the platform team."""

    @extend_schema(
        operation_id="list_announcements",
        summary="List announcements, newest first (platform team)",
        tags=["platform"],
        parameters=parameters_of(PageQuery),
        responses=answers({200: AnnouncementPage}, 404),
    )
    def get(self, request: Request) -> Response:
        """A page of announcements, with those to come and those that are over."""
        platform_admin(request)
        asked = read_query(PageQuery, request)
        rows, after = page_of(Announcement.objects.all(), asked=asked, request=request)
        return Response(plain(AnnouncementPage(items=[AnnouncementOut.of(row) for row in rows], next=after)))

    @extend_schema(
        operation_id="write_announcement",
        summary="Tell everybody something (platform team)",
        tags=["platform"],
        parameters=[IDEMPOTENCY_KEY, LOCATION],
        request=Wording,
        responses=answers({201: AnnouncementOut}, 404, 409, body=True),
    )
    @idempotent
    def post(self, request: Request) -> Response:
        """Write one."""
        caller = platform_admin(request)
        read_query(Closed, request)
        found = AnnouncementOut.of(announcements.announce(request.data, by=caller, door=Door.API))
        return Response(plain(found), status=201, headers={"Location": found.url})


class AnnouncementDetail(Api):
    """One announcement."""

    @extend_schema(
        operation_id="read_announcement",
        summary="Read an announcement (platform team)",
        tags=["platform"],
        responses=answers({200: AnnouncementOut}, 404),
    )
    def get(self, request: Request, announcement: int) -> Response:
        """The announcement with its present revision."""
        caller = platform_admin(request)
        read_query(Closed, request)
        return Response(plain(AnnouncementOut.of(announcements.find(announcement, by=caller))))

    @extend_schema(
        operation_id="change_announcement",
        summary="Say it in other words, or at another time (platform team)",
        tags=["platform"],
        parameters=[IDEMPOTENCY_KEY],
        request=Revising,
        responses=answers({200: AnnouncementOut}, 404, 409, 412, body=True),
    )
    @idempotent
    def put(self, request: Request, announcement: int) -> Response:
        """The whole of what it shall be; who put it away sees it again."""
        caller = platform_admin(request)
        read_query(Closed, request)
        return Response(
            plain(AnnouncementOut.of(announcements.change(announcement, request.data, by=caller, door=Door.API)))
        )


class AnnouncementEnd(Api):
    """Its end, before its time."""

    @extend_schema(
        operation_id="end_announcement",
        summary="Show an announcement no more (platform team)",
        tags=["platform"],
        parameters=[IDEMPOTENCY_KEY],
        request=Ending,
        responses=answers({200: AnnouncementOut}, 404, 409, body=True),
    )
    @idempotent
    def post(self, request: Request, announcement: int) -> Response:
        """End it at once."""
        caller = platform_admin(request)
        read_query(Closed, request)
        return Response(
            plain(AnnouncementOut.of(announcements.end(announcement, request.data, by=caller, door=Door.API)))
        )
