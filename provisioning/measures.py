"""How much is used of what a project may use: the measures that a Kind has, and how a whole target tells them at once.

Looking at ten thousand projects one by one would cost ten thousand calls every few minutes. So a Kind reads its target
once (`survey`), and finds each project's figures in what came back (`readings`), asking nothing more.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

Unit = Literal["cores", "bytes", "pieces"]


@dataclass(frozen=True, kw_only=True)
class Measure:
    """Something that can be measured of a project.

    plan: the field of a plan that bounds it, "" when none does. lasting: what is used stays until somebody removes it,
    so that its growth tells when it will be full. everywhere: every target tells it; otherwise what was never told is
    no gap, and nobody is shown one.
    """

    name: str
    title: str
    unit: Unit
    plan: str = ""
    lasting: bool = False
    everywhere: bool = True


@dataclass(frozen=True)
class Reading:
    """How much is used, and how much may be; None: it has no limit."""

    used: float
    limit: float | None


@dataclass(frozen=True)
class Survey:
    """What a target told at once. as_of: of when its figures are, by its own word; None: of now."""

    found: Any
    as_of: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Usage:
    """How a Kind measures.

    - survey(client) -> everything there is to know, in one pass over the target. Raises ProvisioningError.
    - readings(wish, found) -> {name of a measure: reading}; those that the target doesn't know yet are missing. Pure.
    """

    measures: tuple[Measure, ...]
    survey: Callable[[Any], Survey]
    readings: Callable[[Any, Any], Mapping[str, Reading]]
