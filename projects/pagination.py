"""Keyset pages, newest first or in an order: a cursor stays right while rows come and go. Nothing is counted."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any, TypeVar

from django.db.models import Model, QuerySet
from pydantic import Field
from rest_framework.request import Request

from projects.api_errors import Refused
from projects.closed import Closed
from projects.errors import Fault
from projects.payload import bad_query
from projects.sorting import Order, is_key, sorted_page

M = TypeVar("M", bound=Model)
_LARGEST_ID = 2**63 - 1


class PageQuery(Closed):
    """Parameters of every list."""

    cursor: str | None = Field(default=None, max_length=40, description="From `next` of the page before.")
    limit: int = Field(default=50, ge=1, le=100, description="Rows of a page.")


def page_of(rows: QuerySet[M], *, asked: PageQuery, request: Request) -> tuple[list[M], str | None]:
    """One page of rows by falling id, and the address of the next one (None on the last). Raises Refused (400)."""
    if asked.cursor is not None:
        rows = rows.filter(pk__lt=_id_of(asked.cursor))
    found = list(rows.order_by("-pk")[: asked.limit + 1])
    if len(found) <= asked.limit:
        return found, None
    shown = found[: asked.limit]
    query: Any = request.query_params.copy()
    query["cursor"] = _cursor_of(shown[-1].pk)
    return shown, f"{request.path}?{query.urlencode()}"


def sorted_page_of(
    rows: QuerySet[M], *, order: Order, falling: bool, asked: PageQuery, request: Request
) -> tuple[list[M], str | None]:
    """One page of rows in an order, and the address of the next one (None on the last). Raises Refused (400).

    A cursor belongs to the order that it comes from.
    """
    before, key = f"s1:{order.word}:", ""
    if asked.cursor is not None:
        text = _decoded(asked.cursor)
        key = text.removeprefix(before)
        if not text.startswith(before) or not is_key(key, order):
            raise _invalid()
    page = sorted_page(rows, order=order, falling=falling, after=key, size=asked.limit)
    if not page.older:
        return page.rows, None
    query: Any = request.query_params.copy()
    query["cursor"] = _encoded(f"{before}{page.older}")
    return page.rows, f"{request.path}?{query.urlencode()}"


def _cursor_of(pk: int) -> str:
    return _encoded(f"v1:{pk}")


def _id_of(cursor: str) -> int:
    version, _, number = _decoded(cursor).partition(":")
    pk = int(number) if version == "v1" and number.isascii() and number.isdecimal() else 0
    if not 0 < pk <= _LARGEST_ID:
        raise _invalid()
    return pk


def _encoded(text: str) -> str:
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _decoded(cursor: str) -> str:
    """What a cursor says; "" for one that is none."""
    try:
        return urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    except ValueError:
        return ""


def _invalid() -> Refused:
    return bad_query(Fault(path=("cursor",), code="invalid_cursor", message="Take it from `next` of a page."))
