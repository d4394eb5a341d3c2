"""Making, listing and removing one's own tokens over REST. A token is shown once, in the answer that made it.

A token can't make tokens: who finds one could otherwise keep the door open after it is taken away.
"""

from datetime import datetime
from typing import cast
from uuid import UUID

from drf_spectacular.utils import extend_schema
from pydantic import BaseModel, Field
from rest_framework.request import Request
from rest_framework.response import Response

from portal.models import ApiToken, User
from portal.token_actions import NewToken, Scope, make_token, remove_token
from projects.api_base import Api, plain
from projects.closed import Closed
from projects.errors import NotAllowed
from projects.idempotency import idempotent
from projects.openapi import IDEMPOTENCY_KEY, answers
from projects.payload import read_body, read_query


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
        made, token = make_token(wanted, owner=owner)
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
        remove_token(uid, owner=_owner(request))
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
