"""What the address of a list asks for: which rows, in which order, which page of them, or all of them as a file."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from django.db.models import Model, QuerySet
from django.http import HttpRequest, StreamingHttpResponse

from projects.exports import BATCH, Record, file_of
from projects.sorting import PAGE, Order, Sorted, in_order, order_asked, sorted_page

LONGEST = 100
"""Of what an address says. No name is longer, and nobody searches for more."""
_IN_ADDRESS = {"words": "q"}

M = TypeVar("M", bound=Model)


@dataclass(frozen=True)
class Listed(Generic[M]):
    """A list: the ways to sort it, the usual one first; what it has as a file, and what is read for that `along`."""

    orders: Sequence[Order]
    columns: Sequence[str]
    record: Callable[[M], Record]
    along: Sequence[str] = ()


def chosen_in(request: HttpRequest, *names: str, **known: Iterable[str]) -> dict[str, str]:
    """What the address asks of a list under these names, without what it leaves open.

    known: names with the words that they may have; any other counts as none. What is searched for are its `words`.
    """
    given = {name: request.GET.get(_IN_ADDRESS.get(name, name), "").strip()[:LONGEST] for name in (*names, *known)}
    return {name: text for name, text in given.items() if text and (name not in known or text in set(known[name]))}


def matching(rows: QuerySet[M], **wanted: str) -> QuerySet[M]:
    """Those whose fields have these values; "" leaves a field open."""
    return rows.filter(**{field: value for field, value in wanted.items() if value})


def list_page(request: HttpRequest, rows: QuerySet[M], *, of: Listed[M], size: int = PAGE) -> Sorted[M]:
    """The page of these rows that the address asks for."""
    order, falling = order_asked(of.orders, request.GET.get("sort", ""))
    after, before = request.GET.get("after", ""), request.GET.get("before", "")
    return sorted_page(rows, order=order, falling=falling, after=after, before=before, size=size)


def list_file(request: HttpRequest, rows: QuerySet[M], *, of: Listed[M], name: str) -> StreamingHttpResponse | None:
    """All of these rows as a file called `name`; None when the address asks for a page."""
    order, falling = order_asked(of.orders, request.GET.get("sort", ""))
    sorted_rows = in_order(rows, order=order, falling=falling).prefetch_related(*of.along)
    return file_of(request, map(of.record, sorted_rows.iterator(chunk_size=BATCH)), columns=of.columns, name=name)
