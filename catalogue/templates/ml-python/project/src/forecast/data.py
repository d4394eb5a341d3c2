"""The data: what a row is, where the sample comes from, and what must be true of every row.

Replace `sample` with reading your own data; `faults` says what the rest counts on.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

WEEKS_A_YEAR = 52
PRODUCTS = {"brakes": 420.0, "filters": 900.0, "tyres": 260.0, "wipers": 640.0}
"""Usual demand a week, by product."""
_WINTER = {"brakes": 0.10, "filters": 0.02, "tyres": 0.35, "wipers": 0.25}


@dataclass(frozen=True)
class Week:
    """One product in one week. `week` counts from the beginning of the data; `price` is relative to the usual one."""

    product: str
    week: int
    price: float
    promotion: int
    demand: float


def sample(*, seed: int, weeks: int) -> list[Week]:
    """Made-up demand with a season, a trend, a reaction to prices, and noise. The same seed gives the same rows."""
    random = np.random.default_rng(seed)
    return [row for product in PRODUCTS for row in _history(product, weeks, random)]


def _history(product: str, weeks: int, random: np.random.Generator) -> Iterator[Week]:
    for week in range(weeks):
        price = round(float(random.uniform(0.8, 1.2)), 2)
        promotion = int(random.random() < 0.15)
        season = 1 + _WINTER[product] * math.cos(2 * math.pi * week / WEEKS_A_YEAR)
        trend = 1 + 0.0008 * week
        noise = float(random.normal(1.0, 0.05))
        demand = PRODUCTS[product] * season * trend * price**-1.2 * (1.25 if promotion else 1.0) * noise
        yield Week(product, week, price, promotion, round(max(demand, 0.0), 1))


def split(rows: Iterable[Week], *, test_weeks: int) -> tuple[list[Week], list[Week]]:
    """The rows before the last `test_weeks`, and those: a forecast is tried on what comes later."""
    every = list(rows)
    first = max(row.week for row in every) - test_weeks + 1
    return [row for row in every if row.week < first], [row for row in every if row.week >= first]


def faults(rows: Iterable[Week]) -> list[str]:
    """What is wrong with the rows, a sentence each; [] when nothing is."""
    found, seen = [], set()
    for row in rows:
        place = f"{row.product}, week {row.week}"
        if row.product not in PRODUCTS:
            found.append(f"{place}: an unknown product")
        if (row.product, row.week) in seen:
            found.append(f"{place}: stands there twice")
        seen.add((row.product, row.week))
        if not (math.isfinite(row.demand) and row.demand >= 0):
            found.append(f"{place}: demand is {row.demand}")
        if not 0.5 <= row.price <= 2.0:
            found.append(f"{place}: price is {row.price} of the usual one")
        if row.promotion not in (0, 1):
            found.append(f"{place}: promotion is {row.promotion}, neither 0 nor 1")
    return found
