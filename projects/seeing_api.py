"""Who saw the portal as whom over REST, for the platform team. Seeing as somebody is for pages alone."""

from datetime import datetime

from drf_spectacular.utils import extend_schema
from pydantic import BaseModel, Field
from rest_framework.request import Request
from rest_framework.response import Response

from projects import seeing
from projects.api_base import Api, plain
from projects.models import SeenAs
from projects.openapi import answers, parameters_of
from projects.pagination import PageQuery, page_of
from projects.payload import read_query
from projects.platform_api import platform_admin


class SeenAsOut(BaseModel):
    """Somebody of the platform team saw the portal as another person, read-only."""

    number: int
    by: str = Field(description="Account of who saw.")
    seen: str = Field(description="Account of the person as whom.")
    because: str
    began_at: datetime
    over_at: datetime = Field(description="When it was, or by itself will be, over.")


class SeenAsPage(BaseModel):
    """Who saw as whom, newest first."""

    items: list[SeenAsOut]
    next: str | None = Field(description="Address of the next page; null on the last.")


class SeeAs(Api):
    """Who saw as whom."""

    @extend_schema(
        operation_id="list_seen_as",
        summary="List who of the platform team saw the portal as whom, newest first (platform team)",
        tags=["platform"],
        parameters=parameters_of(PageQuery),
        responses=answers({200: SeenAsPage}, 404),
    )
    def get(self, request: Request) -> Response:
        """A page of the record."""
        platform_admin(request)
        asked = read_query(PageQuery, request)
        rows, after = page_of(SeenAs.objects.all(), asked=asked, request=request)
        return Response(plain(SeenAsPage(items=[SeenAsOut(**seeing.record(row)) for row in rows], next=after)))
