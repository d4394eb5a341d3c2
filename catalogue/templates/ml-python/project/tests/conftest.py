"""The trained model for the tests of its behaviour, and metrics/tests.json, which Slipway's report takes along."""

import csv
import json
from pathlib import Path

import joblib
import pytest

from forecast.files import MODEL

RESULTS = Path("metrics/tests.json")
EXAMPLES = Path(__file__).parent / "model" / "examples.csv"
KINDS = ("invariance", "directional", "minimum", "regression", "slice", "data")


@pytest.fixture(scope="session")
def model():
    """The model that `dvc repro` trained."""
    if not MODEL.exists():
        pytest.fail(f"{MODEL} is not there: run `dvc repro` first", pytrace=False)
    return joblib.load(MODEL)


@pytest.fixture(scope="session")
def examples():
    """Cases that were right once, each with the range that a forecast must be in."""
    with EXAMPLES.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    kind = next((name for name in KINDS if item.get_closest_marker(name)), None)
    if kind and (report.when == "call" or report.failed):
        item.session.stash.setdefault(OUTCOMES, {})[item.nodeid] = (item.name, kind, report)


OUTCOMES = pytest.StashKey()


def pytest_sessionfinish(session):
    outcomes = session.stash.get(OUTCOMES, {})
    if not outcomes or hasattr(session.config, "workerinput"):
        return
    failed = [
        {"name": name, "kind": kind, "example": _example(report)[:500]}
        for name, kind, report in outcomes.values()
        if report.failed
    ]
    with EXAMPLES.open(encoding="utf-8") as file:
        kept = sum(1 for _ in file) - 1
    found = {"passed": len(outcomes) - len(failed), "failed": failed, "regression_examples": kept}
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


def _example(report):
    """The first line that says what went wrong."""
    crash = getattr(report.longrepr, "reprcrash", None)
    return str(crash.message if crash else report.longrepr).splitlines()[0]
