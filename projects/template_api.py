"""Template versions over REST, for the platform team. For everybody else there is nothing at this address."""

from datetime import datetime

from drf_spectacular.utils import extend_schema
from pydantic import BaseModel, Field
from rest_framework.request import Request
from rest_framework.response import Response

from projects import template_board
from projects.api_base import Api, plain
from projects.openapi import answers, parameters_of
from projects.pagination import PageQuery, page_of
from projects.payload import read_query
from projects.platform_api import platform_admin


class AdoptionOut(BaseModel):
    """A version of a template, and how many projects are at it."""

    template: str
    version: str
    projects: int
    open: int = Field(description="Of these, how many have a pull request with a newer version open.")


class TemplateUseOut(BaseModel):
    """A project that follows a template."""

    project: str
    team: str
    template: str
    version: str
    since: datetime = Field(description="When it was first found at this version.")
    offered: str | None = Field(description="The newest version that was offered to it.")
    offered_at: datetime | None
    pull_request: str | None = Field(description="Address of the newest offer.")
    pull_request_open: bool
    note: str = Field(description="Why nothing could be offered.")


class TemplatesPage(BaseModel):
    """Versions in use, all of them, and a page of the projects, newest first."""

    versions: list[AdoptionOut]
    items: list[TemplateUseOut]
    next: str | None = Field(description="Address of the next page; null on the last.")


class TemplatesQuery(PageQuery):
    """Which projects; a field that is left out filters nothing."""

    template: str = Field(default="", max_length=63)
    version: str = Field(default="", max_length=20)
    team: str = Field(default="", max_length=40)


class Templates(Api):
    """Which project is at which version of its template."""

    @extend_schema(
        operation_id="list_template_uses",
        summary="List which project is at which template version (platform team)",
        tags=["platform"],
        parameters=parameters_of(TemplatesQuery),
        responses=answers({200: TemplatesPage}, 404),
    )
    def get(self, request: Request) -> Response:
        """Versions with counts, and a page of projects."""
        platform_admin(request)
        asked = read_query(TemplatesQuery, request)
        found = template_board.rows(template=asked.template, version=asked.version, team=asked.team)
        rows, after = page_of(found, asked=asked, request=request)
        page = TemplatesPage(
            versions=[AdoptionOut.model_validate(one, from_attributes=True) for one in template_board.adoption()],
            items=[TemplateUseOut(**template_board.record(row)) for row in rows],
            next=after,
        )
        return Response(plain(page))
