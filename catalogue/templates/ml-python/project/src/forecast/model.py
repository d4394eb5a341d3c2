"""The model: a ridge regression of the logarithm of demand. Small, quick, and the same to the bit each time."""

import math
from collections.abc import Sequence

import numpy as np
from sklearn.linear_model import Ridge

from forecast.data import PRODUCTS, WEEKS_A_YEAR, Week

_PRODUCTS = sorted(PRODUCTS)


def features(rows: Sequence[Week]) -> np.ndarray:
    """One line of numbers for each row. Raises ValueError for a product that the model does not know."""
    return np.array([_line(row) for row in rows], dtype=np.float64)


def _line(row: Week) -> list[float]:
    if row.product not in PRODUCTS:
        raise ValueError(f"{row.product} is not one of {', '.join(_PRODUCTS)}")
    which = [float(row.product == product) for product in _PRODUCTS]
    angle = 2 * math.pi * row.week / WEEKS_A_YEAR
    season = [part * one for part in (math.cos(angle), math.sin(angle)) for one in which]
    return [*which, *season, row.week / WEEKS_A_YEAR, math.log(row.price), float(row.promotion)]


class Forecast:
    """What `train` saves and everybody else loads."""

    def __init__(self, *, alpha: float) -> None:
        self._ridge = Ridge(alpha=alpha, fit_intercept=False, solver="cholesky")

    def fit(self, rows: Sequence[Week]) -> "Forecast":
        """Learn from rows; the model itself."""
        self._ridge.fit(features(rows), np.log1p([row.demand for row in rows]))
        return self

    def predict(self, rows: Sequence[Week]) -> np.ndarray:
        """The demand of each row, never below zero; the rows' own demand is not looked at."""
        return np.maximum(np.expm1(self._ridge.predict(features(rows))), 0.0)
