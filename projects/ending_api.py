"""Ending somebody's access and giving it back over REST, for the platform team; and whose it was, and why."""

from datetime import datetime

from drf_spectacular.utils import extend_schema
from pydantic import BaseModel, Field
from rest_framework.request import Request
from rest_framework.response import Response

from projects import ending
from projects.api_base import Api, plain
from projects.closed import Closed
from projects.idempotency import idempotent
from projects.models import AccessChange, Door
from projects.openapi import IDEMPOTENCY_KEY, answers, parameters_of
from projects.pagination import PageQuery, page_of
from projects.payload import read_body, read_query
from projects.platform_api import platform_admin
from projects.reference_serializers import DryRun, Sentence
from provisioning.spec import Role


class AccessChangeOut(BaseModel):
    """The access of an account ended, or given back."""

    number: int
    account: str
    ended: bool = Field(description="False: it was given back.")
    because: str
    by: str = Field(description="Account of who did it.")
    door: Door = Field(description="By which door; system: the command.")
    at: datetime


class AccessChangePage(BaseModel):
    """Whose access was ended and given back, newest first."""

    items: list[AccessChangeOut]
    next: str | None = Field(description="Address of the next page; null on the last.")


class AccessWish(Closed):
    """Whose access, and why."""

    account: str = Field(min_length=1, max_length=254, description="User name, such as bob@corp.example.")
    because: Sentence = Field(description="Kept with it; only the platform team reads it.")


class RoleKept(BaseModel):
    """A role that stays written down, and counts for nothing until access is given back."""

    project: str
    role: Role


class AccessEndsOut(BaseModel):
    """What ended, or would. All sessions do, and rights by groups."""

    account: str
    ended: bool = Field(description="False in a dry run.")
    tokens: int = Field(description="API tokens that end. They don't come back.")
    roles: list[RoleKept] = Field(description="Roles in their own name.")
    ownerless: list[str] = Field(description="Projects of which nobody else is owner.")


class AccessChanges(Api):
    """Whose access was ended, and given back."""

    @extend_schema(
        operation_id="list_access_changes",
        summary="List whose access was ended and given back, newest first (platform team)",
        tags=["platform"],
        parameters=parameters_of(PageQuery),
        responses=answers({200: AccessChangePage}, 404),
    )
    def get(self, request: Request) -> Response:
        """A page of the record."""
        platform_admin(request)
        asked = read_query(PageQuery, request)
        rows, after = page_of(AccessChange.objects.select_related("account"), asked=asked, request=request)
        return Response(plain(AccessChangePage(items=[_out(row) for row in rows], next=after)))


class AccessEnd(Api):
    """The end of somebody's access."""

    @extend_schema(
        operation_id="end_access",
        summary="End sessions, tokens and rights of an account at once (platform team)",
        tags=["platform"],
        parameters=[*parameters_of(DryRun), IDEMPOTENCY_KEY],
        request=AccessWish,
        responses=answers({200: AccessEndsOut}, 403, 404, 409, body=True),
    )
    @idempotent
    def post(self, request: Request) -> Response:
        """End it. Never one's own, and never that of a break-glass account."""
        caller = platform_admin(request)
        asked, wish = read_query(DryRun, request), read_body(AccessWish, request)
        account = ending.account_called(wish.account)
        ends = ending.end_access(account, by=caller, because=wish.because, door=Door.API, dry_run=asked.dry_run)
        shown = AccessEndsOut(
            account=account.username,
            ended=not asked.dry_run,
            tokens=ends.tokens,
            roles=[RoleKept(project=one.project.slug, role=Role(one.role)) for one in ends.roles],
            ownerless=[one.slug for one in ends.ownerless],
        )
        return Response(plain(shown))


class AccessBack(Api):
    """Letting somebody in again."""

    @extend_schema(
        operation_id="give_back_access",
        summary="Let an account in again whose access was ended (platform team)",
        tags=["platform"],
        parameters=[IDEMPOTENCY_KEY],
        request=AccessWish,
        responses=answers({200: AccessChangeOut}, 403, 404, 409, body=True),
    )
    @idempotent
    def post(self, request: Request) -> Response:
        """Give it back, with the groups that the directory has now. Ended sessions and tokens don't come back."""
        caller = platform_admin(request)
        read_query(Closed, request)
        wish = read_body(AccessWish, request)
        account = ending.account_called(wish.account)
        return Response(plain(_out(ending.give_back_access(account, by=caller, because=wish.because, door=Door.API))))


def _out(row: AccessChange) -> AccessChangeOut:
    return AccessChangeOut(**ending.record(row))
