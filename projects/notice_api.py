"""One's notices and what is mailed, over REST."""

from datetime import datetime
from typing import Any

from drf_spectacular.utils import extend_schema
from pydantic import BaseModel, Field
from rest_framework.request import Request
from rest_framework.response import Response

from projects.api_base import Api, person, plain
from projects.closed import Closed
from projects.idempotency import idempotent
from projects.installation import installation
from projects.mail_choices import MailWish, choose, chosen_by
from projects.mail_text import link_of
from projects.models import Door, Notice
from projects.notice_list import mark_read, notices_of, project_of
from projects.openapi import IDEMPOTENCY_KEY, answers, parameters_of
from projects.pagination import PageQuery, page_of
from projects.payload import read_body, read_query


class NoticeQuery(PageQuery):
    """Which rows."""

    unread: bool = Field(default=False, description="Only what is not marked as read.")


class NoticeOut(BaseModel):
    """One thing that you were told."""

    id: int
    kind: str
    text: str
    project: str
    request: int | None
    at: datetime
    read_at: datetime | None
    mailed_at: datetime | None
    url: str = Field(description="The page of what it is about; empty when there is none.")

    @classmethod
    def of(cls, row: Notice) -> "NoticeOut":
        """One notice."""
        link = link_of(row)
        return cls(
            id=row.pk,
            kind=row.kind,
            text=row.text,
            project=project_of(row),
            request=row.request_id,
            at=row.created_at,
            read_at=row.read_at,
            mailed_at=row.sent_at,
            url=f"{installation().public_url}{link}" if link else "",
        )


class NoticePageOut(BaseModel):
    """A page, newest first."""

    items: list[NoticeOut]
    next: str | None = Field(description="Address of the next page; null on the last.")


class ReadUntil(Closed):
    """The newest notice that was read."""

    until: int = Field(ge=1, lt=2**63)


class Marked(BaseModel):
    """How many were not marked before."""

    marked: int


class Notices(Api):
    """What one was told."""

    @extend_schema(
        operation_id="list_notices",
        summary="List what you were told, newest first",
        tags=["notices"],
        parameters=parameters_of(NoticeQuery),
        responses=answers({200: NoticePageOut}),
    )
    def get(self, request: Request) -> Response:
        """A page of what the caller may still know."""
        asked: Any = read_query(NoticeQuery, request)
        rows, after = page_of(notices_of(person(request), unread=asked.unread), asked=asked, request=request)
        return Response(plain(NoticePageOut(items=[NoticeOut.of(row) for row in rows], next=after)))


class ReadNotices(Api):
    """Marking as read."""

    @extend_schema(
        operation_id="mark_notices_read",
        summary="Mark as read what you were told, up to one notice",
        tags=["notices"],
        parameters=[IDEMPOTENCY_KEY],
        request=ReadUntil,
        responses=answers({200: Marked}, 409, body=True),
    )
    @idempotent
    def post(self, request: Request) -> Response:
        """The caller's own only."""
        read_query(Closed, request)
        said = read_body(ReadUntil, request)
        return Response(plain(Marked(marked=mark_read(by=person(request), until=said.until, door=Door.API))))


class Notifications(Api):
    """What is mailed."""

    @extend_schema(
        operation_id="read_notifications",
        summary="What is mailed to you, and how",
        tags=["notices"],
        responses=answers({200: MailWish}),
    )
    def get(self, request: Request) -> Response:
        """The choice, every kind named."""
        read_query(Closed, request)
        return Response(plain(chosen_by(person(request))))

    @extend_schema(
        operation_id="choose_notifications",
        summary="Choose what is mailed to you, for each kind, for a while, or for one project",
        tags=["notices"],
        parameters=[IDEMPOTENCY_KEY],
        request=MailWish,
        responses=answers({200: MailWish}, 409, body=True),
    )
    @idempotent
    def put(self, request: Request) -> Response:
        """The whole choice; it holds at once."""
        read_query(Closed, request)
        choose(read_body(MailWish, request), by=person(request), door=Door.API, installation=installation())
        return Response(plain(chosen_by(person(request))))
