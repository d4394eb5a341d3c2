"""The company directory by API: who is there, and how old that knowledge is."""

from datetime import datetime
from typing import Literal

from drf_spectacular.utils import extend_schema
from pydantic import BaseModel, Field
from rest_framework.request import Request
from rest_framework.response import Response

from projects import directory, permissions
from projects.api_base import Api, person, plain
from projects.api_errors import Refused
from projects.closed import Closed
from projects.directory_state import directory_status
from projects.directory_views import KINDS, SEARCHES_PER_MINUTE, TOO_OFTEN, as_json
from projects.often import too_often
from projects.openapi import answers, parameters_of
from projects.payload import read_query


class DirectoryQuery(Closed):
    """Who is looked for."""

    q: str = Field(default="", max_length=directory.LONGEST, description="Words of a name, an account or a mail.")
    kind: Literal["person", "group"] | None = Field(default=None, description="Only people, or only groups.")
    limit: int = Field(default=8, ge=1, le=50, description="The best so many.")


class DirectoryEntryOut(BaseModel):
    """A person or a group. `account` is what a contributor of a project is named by."""

    kind: Literal["person", "group"]
    account: str
    name: str = Field(description="Two groups may have the same; `place` tells them apart.")
    mail: str
    place: str


class DirectoryEntryList(BaseModel):
    """Who matches, best first."""

    items: list[DirectoryEntryOut]


class DirectoryStateOut(BaseModel):
    """How old what we know of the directory is. Why a sync fails is for the platform team."""

    source: str
    title: str
    word: str = Field(description="Answering, Waiting (never read yet), Not answering, Needs attention.")
    people: int
    groups: int
    complete_at: datetime | None = Field(description="When it was last read whole.")
    failing_since: datetime | None = Field(description="Since when it can't be read, or is held back; else null.")
    message: str | None = None


class DirectoryStateList(BaseModel):
    """The directory of this installation, if it has one."""

    items: list[DirectoryStateOut]


class DirectorySearch(Api):
    """People and groups."""

    @extend_schema(
        operation_id="search_directory",
        summary="Find people and groups of the company",
        tags=["directory"],
        parameters=parameters_of(DirectoryQuery),
        responses=answers({200: DirectoryEntryList}, 429),
    )
    def get(self, request: Request) -> Response:
        """Who holds every word of `q`, without regard to case and accents; nobody for no words."""
        asked = read_query(DirectoryQuery, request)
        if wait := too_often("directory", person(request).pk, limit=SEARCHES_PER_MINUTE):
            raise Refused(429, code="too_often", detail=str(TOO_OFTEN), wait=wait)
        found = directory.search(asked.q, is_group=KINDS.get(asked.kind or ""), limit=asked.limit)
        return Response({"items": [as_json(one) for one in found]}, headers={"Cache-Control": "private, no-store"})


class DirectoryState(Api):
    """The sync."""

    @extend_schema(
        operation_id="read_directory_state",
        summary="How the company directory answers",
        tags=["directory"],
        responses=answers({200: DirectoryStateList}),
    )
    def get(self, request: Request) -> Response:
        """When it was read, and how much it holds; nothing when this installation has none."""
        read_query(Closed, request)
        status = directory_status()
        items = [DirectoryStateOut.model_validate(status, from_attributes=True)] if status else []
        if not permissions.is_platform_admin(person(request)):
            items = [one.model_copy(update={"message": None}) for one in items]
        return Response(plain(DirectoryStateList(items=items)))
