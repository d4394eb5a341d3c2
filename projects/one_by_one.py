"""Saying the same to several things at once: each on its own, in the order given, with what came of each.

What is said to one is a transaction of its own, with the rights and locks that it has alone; so what somebody else did
meanwhile stops that one and no other.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from django.db import OperationalError
from django.db.models import Model, QuerySet

from projects.errors import InvalidSpec, NotFound, ProjectError
from projects.in_use import in_use, is_in_use

MOST = 100
"""At a time."""

K = TypeVar("K")
M = TypeVar("M", bound=Model)


@dataclass(frozen=True)
class Result(Generic[M]):
    """What came of one. row: None when the person can't see it. said: why nothing was done."""

    number: int
    row: M | None
    done: bool
    said: str


def each_on_its_own(
    wanted: Iterable[K], *, number_of: Callable[[K], int], visible: QuerySet[M], act: Callable[[M, K], object]
) -> list[Result[M]]:
    """Do it to each that is visible, once for what is named twice; what is beyond MOST is left out."""
    results = []
    for one in list(dict.fromkeys(wanted))[:MOST]:
        number = number_of(one)
        row = visible.filter(pk=number).first()
        try:
            if row is None:
                raise NotFound
            act(row, one)
        except InvalidSpec as error:
            results.append(Result(number, row, done=False, said=error.faults[0].message))
        except ProjectError as error:
            results.append(Result(number, row, done=False, said=error.message))
        except OperationalError as error:
            if not is_in_use(error):
                raise
            results.append(Result(number, row, done=False, said=in_use()))
        else:
            results.append(Result(number, row, done=True, said=""))
    return results
