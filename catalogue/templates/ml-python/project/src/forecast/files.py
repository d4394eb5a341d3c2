"""Where the pipeline's files are, and how rows and parameters get in and out of them. Run everything from the root."""

import csv
from collections.abc import Iterable
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from forecast.data import Week

PARAMETERS = Path("params.yaml")
TRAIN, TEST = Path("data/train.csv"), Path("data/test.csv")
MODEL = Path("models/model.joblib")
METRICS, SUMMARY = Path("metrics/metrics.json"), Path("metrics/summary.json")
FORECASTS = Path("plots/forecasts.csv")


def parameters(section: str) -> dict[str, Any]:
    """One section of params.yaml."""
    chosen: dict[str, Any] = YAML(typ="safe", pure=True).load(PARAMETERS.read_text(encoding="utf-8"))[section]
    return chosen


def write_rows(path: Path, rows: Iterable[Week]) -> None:
    """Write rows as CSV, one line each."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, [field.name for field in fields(Week)], lineterminator="\n")
        table.writeheader()
        table.writerows(asdict(row) for row in rows)


def read_rows(path: Path) -> list[Week]:
    """The rows of a CSV file. Raises ValueError for a number that is none."""
    with path.open(newline="", encoding="utf-8") as file:
        return [
            Week(
                product=row["product"],
                week=int(row["week"]),
                price=float(row["price"]),
                promotion=int(row["promotion"]),
                demand=float(row["demand"]),
            )
            for row in csv.DictReader(file)
        ]
