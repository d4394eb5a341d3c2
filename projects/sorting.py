"""Pages of a list under any order, by key: they stay right while rows come and go, and deep pages cost no more.

A page's key is the last row's value and id, carried in the address (`after`, `before`). What is no key counts as none.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar, cast

from django.core.exceptions import ValidationError
from django.db.models import F, Model, Q, QuerySet
from django.db.models.expressions import Combinable

PAGE = 25
MOST_COUNTED = 1000
"""Longer lists are counted as "more than" this: nobody reads the difference, and counting all of them takes time."""

M = TypeVar("M", bound=Model)


@dataclass(frozen=True)
class Order:
    """One way to sort: its word in the address, and what is compared. Equal rows stand by their id.

    `falling`: largest first, unless the address asks for the other way round. `read` takes a value back from a key.
    `computed`: no index has the key, so the database works it out for all rows. It carries no more than that along
    then, which takes a third of the time for 10,000, and whole rows are read of one page only.
    """

    word: str
    key: Combinable
    falling: bool = False
    read: Callable[[str], Any] = field(default=str)
    computed: bool = False


@dataclass(frozen=True)
class Sorted(Generic[M]):
    """One page: its rows, and the keys of the pages around it; "" where there is none."""

    rows: list[M]
    order: Order
    falling: bool
    older: str
    newer: str

    @property
    def word(self) -> str:
        """The order as the address says it, such as `name` or `-name`; "" when it is the list's own."""
        return f"-{self.order.word}" if self.falling is not self.order.falling else self.order.word


def order_asked(orders: Sequence[Order], word: str) -> tuple[Order, bool]:
    """The order that an address asks for, and whether the largest stand first. The first of `orders` when none."""
    for order in orders:
        if word.removeprefix("-") == order.word:
            return order, order.falling is not word.startswith("-")
    return orders[0], orders[0].falling


def in_order(rows: QuerySet[M], *, order: Order, falling: bool) -> QuerySet[M]:
    """All rows, sorted."""
    sign = "-" if falling else ""
    keyed: Any = rows.annotate(sort_key=order.key)
    return cast("QuerySet[M]", keyed.order_by(f"{sign}sort_key", f"{sign}pk"))


def sorted_page(
    rows: QuerySet[M], *, order: Order, falling: bool, after: str = "", before: str = "", size: int = PAGE
) -> Sorted[M]:
    """The page that begins after one key or ends before another; the first one when both are empty."""
    key = _key(before, order)
    if key is not None:
        found = _first(rows, order=order, falling=not falling, beyond=key, size=size + 1)
        if len(found) > size:
            shown = found[:size][::-1]
            return Sorted(shown, order, falling, older=_key_of(shown[-1]), newer=_key_of(shown[0]))
        # So near to the beginning that a whole first page is better than a short one.
        key = None
    else:
        key = _key(after, order)
    found = _first(rows, order=order, falling=falling, beyond=key, size=size + 1)
    shown = found[:size]
    older = _key_of(shown[-1]) if len(found) > size else ""
    return Sorted(shown, order, falling, older=older, newer=_key_of(shown[0]) if shown and key is not None else "")


def _first(rows: QuerySet[M], *, order: Order, falling: bool, beyond: tuple[Any, int] | None, size: int) -> list[M]:
    """The first rows in this order, or the first beyond a key, each with its `sort_key`."""
    wanted = in_order(rows, order=order, falling=falling)
    if beyond is not None:
        wanted = wanted.filter(_beyond(beyond, falling=falling))
    if not order.computed:
        return list(wanted[:size])
    keys = dict(wanted.select_related(None).values_list("pk", "sort_key")[:size])
    # Without those that were removed in between.
    whole: dict[int, Any] = {row.pk: row for row in rows.order_by().filter(pk__in=keys)}
    for pk, row in whole.items():
        row.sort_key = keys[pk]
    return [whole[pk] for pk in keys if pk in whole]


def counted(rows: QuerySet[M]) -> int:
    """How many rows there are, at most one more than MOST_COUNTED."""
    return rows.order_by()[: MOST_COUNTED + 1].count()


def is_key(text: str, order: Order) -> bool:
    """Whether this is a key of a page in this order. `sorted_page` takes any other for none."""
    return _key(text, order) is not None


def _beyond(key: tuple[Any, int], *, falling: bool) -> Q:
    value, pk = key
    way = "lt" if falling else "gt"
    return Q(**{f"sort_key__{way}": value}) | Q(sort_key=value, **{f"pk__{way}": pk})


def _key_of(row: Any) -> str:
    value = row.sort_key
    return f"{row.pk}~{value.isoformat() if hasattr(value, 'isoformat') else value}"


def _key(text: str, order: Order) -> tuple[Any, int] | None:
    number, mark, value = text.partition("~")
    if not mark or not (number.isascii() and number.isdigit() and len(number) < 19):
        return None
    try:
        return order.read(value), int(number)
    except (ValueError, ValidationError):
        return None


BY_ID = Order("newest", F("pk"), falling=True, read=int)
"""Newest first: ids rise with time."""
