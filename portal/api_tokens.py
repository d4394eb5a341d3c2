"""Making, listing and removing one's own tokens over REST. A token is shown once, in the answer that made it.

A token can't make tokens: who finds one could otherwise keep the door open after it is taken away.
"""

from datetime import datetime, timedelta
from typing import Annotated, Literal, cast
from uuid import UUID

from drf_spectacular.utils import extend_schema
from pydantic import AfterValidator, BaseModel, Field, StringConstraints
from rest_framework.request import Request
from rest_framework.response import Response

from portal.models import ApiToken, User
from projects.api_base import Api, plain
from projects.errors import Conflict, NotAllowed, NotFound
from projects.idempotency import idempotent
from projects.openapi import IDEMPOTENCY_KEY, answers
from projects.payload import Closed, read_body, read_query
from provisioning.spec import check_text

MOST = 50
Scope = Literal["read", "write"]


class NewToken(Closed):
    """What the token is for, what it may do, and for how many days."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=80), AfterValidator(check_text)]
    scopes: list[Scope] = Field(default=["read"], min_length=1, max_length=2)
    days: int = Field(default=90, ge=1, le=365)


class TokenOut(BaseModel):
    """A token, without itself."""

    id: UUID
    name: str
    scopes: list[Scope]
    created: datetime
    expiry: datetime | None
    last_used: datetime | None = Field(description="To the minute.")

    @classmethod
    def of(cls, row: ApiToken) -> "TokenOut":
        """One token of the list."""
        return cls(**_fields_of(row))


class TokenMade(TokenOut):
    """A new token. `token` is shown in this answer only; null when the answer is given again."""

    token: str | None


class TokenList(BaseModel):
    """Your tokens, newest first."""

    items: list[TokenOut]


class Tokens(Api):
    """One's own tokens."""

    shown_once = ("token",)

    @extend_schema(
        operation_id="list_tokens", summary="List your tokens", tags=["tokens"], responses=answers({200: TokenList})
    )
    def get(self, request: Request) -> Response:
        """The caller's tokens."""
        read_query(Closed, request)
        rows = ApiToken.objects.filter(user=_owner(request))
        return Response(plain(TokenList(items=[TokenOut.of(row) for row in rows])))

    @extend_schema(
        operation_id="create_token",
        summary="Make a token",
        tags=["tokens"],
        parameters=[IDEMPOTENCY_KEY],
        request=NewToken,
        responses=answers({201: TokenMade}, 403, 409, body=True),
    )
    @idempotent
    def post(self, request: Request) -> Response:
        """Make a token and show it."""
        read_query(Closed, request)
        _no_token(request)
        wanted = read_body(NewToken, request)
        owner = _owner(request)
        if ApiToken.objects.filter(user=owner).count() >= MOST:
            raise Conflict(f"You have {MOST} tokens. Remove those that nothing uses any more.")
        scopes = sorted({"read", *wanted.scopes})
        made, token = ApiToken.objects.create(
            owner, expiry=timedelta(days=wanted.days), name=wanted.name, scopes=scopes
        )
        return Response(plain(TokenMade(**_fields_of(made), token=token)), status=201)


class TokenDetail(Api):
    """One of one's own tokens."""

    @extend_schema(
        operation_id="remove_token",
        summary="Remove a token; it ends at once",
        tags=["tokens"],
        parameters=[IDEMPOTENCY_KEY],
        request=None,
        responses=answers({204: None}, 403, 404, 409, 422),
    )
    @idempotent
    def delete(self, request: Request, uid: UUID) -> Response:
        """Remove it. A token may remove itself, and no other."""
        read_query(Closed, request)
        if isinstance(request.auth, ApiToken) and request.auth.uid != uid:
            _no_token(request)
        gone, _ = ApiToken.objects.filter(user=_owner(request), uid=uid).delete()
        if not gone:
            raise NotFound
        return Response(status=204)


def _owner(request: Request) -> User:
    return cast(User, request.user)


def _no_token(request: Request) -> None:
    if isinstance(request.auth, ApiToken):
        raise NotAllowed("A token can't make or remove other tokens. Sign in, or use a token of the directory.")


def _fields_of(row: ApiToken) -> dict[str, object]:
    return {
        "id": row.uid,
        "name": row.name,
        "scopes": row.scopes,
        "created": row.created,
        "expiry": row.expiry,
        "last_used": row.last_used,
    }
