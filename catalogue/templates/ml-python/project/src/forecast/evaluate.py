"""Stage 3: measure the model, on what it learned from and on later weeks, and write the numbers to metrics/.

metrics.json is for Slipway, which compares them on each pull request: `direction` says which way is better, `threshold`
what the model must reach to be merged; without one, a number is only shown. summary.json has the same numbers as DVC
reads them, and plots/forecasts.csv what `dvc plots` draws.
"""

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import joblib
import numpy as np

from forecast.data import Week
from forecast.files import FORECASTS, METRICS, MODEL, SUMMARY, TEST, TRAIN, read_rows
from forecast.model import Forecast


def errors(model: Forecast, rows: Sequence[Week]) -> np.ndarray:
    """How far each forecast is off, in pieces."""
    return np.abs(model.predict(rows) - np.array([row.demand for row in rows]))


def share_off(model: Forecast, rows: Sequence[Week]) -> float:
    """Mean of how far forecasts are off, as a share of the demand."""
    return float(np.mean(errors(model, rows) / np.array([max(row.demand, 1.0) for row in rows])))


def skill(model: Forecast, train: Sequence[Week], rows: Sequence[Week]) -> float:
    """How much smaller the error is than that of saying each product's usual demand: 1 is perfect, 0 no better."""
    usual = {
        product: float(np.mean([row.demand for row in train if row.product == product]))
        for product in {row.product for row in rows}
    }
    plain = float(np.mean([abs(usual[row.product] - row.demand) for row in rows]))
    return 1 - float(np.mean(errors(model, rows))) / plain


def measured(model: Forecast, train: Sequence[Week], test: Sequence[Week]) -> list[dict[str, Any]]:
    """The metrics as metrics.json has them. Rounded, so that the last bits of another processor don't count."""
    return [
        _metric("mae", float(np.mean(errors(model, test))), "test", "lower", None),
        _metric("share_off", share_off(model, test), "test", "lower", 0.08),
        _metric("share_off", share_off(model, train), "train", "lower", None),
        _metric("skill", skill(model, train, test), "test", "higher", 0.5),
    ]


def _metric(name: str, value: float, split: str, direction: str, threshold: float | None) -> dict[str, Any]:
    return {"name": name, "value": round(value, 6), "split": split, "direction": direction, "threshold": threshold}


def summary(metrics: Sequence[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """The numbers alone, by split and name: DVC's own commands read no lists."""
    found: dict[str, dict[str, float]] = {}
    for one in metrics:
        found.setdefault(one["split"], {})[one["name"]] = one["value"]
    return found


def _write(path: Path, found: dict[str, Any]) -> None:
    """Write JSON. Raises ValueError for a number that is none: nobody could compare it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(found, indent=2, allow_nan=False) + "\n", encoding="utf-8")


def main() -> None:
    model, test = joblib.load(MODEL), read_rows(TEST)
    found = measured(model, read_rows(TRAIN), test)
    _write(METRICS, {"version": 1, "metrics": found})
    _write(SUMMARY, summary(found))
    FORECASTS.parent.mkdir(parents=True, exist_ok=True)
    with FORECASTS.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["product", "week", "demand", "forecast"])
        for row, forecast in zip(test, model.predict(test), strict=True):
            table.writerow([row.product, row.week, row.demand, round(float(forecast), 1)])


if __name__ == "__main__":
    main()
