"""The trained model for the tests of its behaviour, and metrics/tests.json, which Slipway's report takes along.

In it is every test but those of tests/unit, which are about the code: with the kind that its marker says, or "other". A
file of tests that can't be read is one that fails. Where nothing ran to its end there is no metrics/tests.json, and the
report says so.
"""

import csv
import json
from pathlib import Path

import joblib
import pytest

from forecast.files import MODEL

RESULTS = Path("metrics/tests.json")
EXAMPLES = Path(__file__).parent / "model" / "examples.csv"
UNIT = Path(__file__).parent / "unit"
KINDS = ("invariance", "directional", "minimum", "regression", "slice", "data")
FAILED, EXAMPLE, ALL_EXAMPLES = 200, 500, 10_000
"""How many failed tests a report takes, and how many bytes of examples: of one and of all."""


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


OUTCOMES = pytest.StashKey()


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector):
    report = yield
    if report.failed:
        _note(collector, report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.failed or (report.when == "call" and report.passed):
        _note(item, report)
    return report


def _note(node, report):
    if UNIT not in (node.path, *node.path.parents):
        kind = next((name for name in KINDS if node.get_closest_marker(name)), "other")
        node.session.stash.setdefault(OUTCOMES, {})[node.nodeid] = (node.name, kind, report)


def pytest_sessionfinish(session, exitstatus):
    outcomes = session.stash.get(OUTCOMES, {})
    failed = [one for one in outcomes.values() if one[2].failed]
    ended = exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
    if not outcomes or not (ended or failed) or hasattr(session.config, "workerinput"):
        return
    room = min(EXAMPLE, ALL_EXAMPLES // max(len(failed), 1))
    found = {
        "passed": len(outcomes) - len(failed),
        "failed": [
            {"name": _plain(name)[:200], "kind": kind, "example": _cut(_example(report), room)}
            for name, kind, report in failed[:FAILED]
        ],
        "regression_examples": _tried_again(outcomes),
    }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


def _tried_again(outcomes):
    """How many kept examples there are, where a test of them ran."""
    ran = any(kind == "regression" and report.when == "call" for _, kind, report in outcomes.values())
    if not (ran and EXAMPLES.exists()):
        return 0
    with EXAMPLES.open(newline="", encoding="utf-8") as file:
        return sum(1 for _ in csv.DictReader(file))


def _example(report):
    """The first line that says what went wrong."""
    crash = getattr(report.longrepr, "reprcrash", None)
    lines = str(crash.message if crash else report.longrepr).splitlines()
    return next((line for line in lines if line.startswith("E ")), lines[0] if lines else "")


def _cut(text, room):
    """At most so many bytes of a text."""
    return _plain(text).encode()[:room].decode(errors="ignore")


def _plain(text):
    """Without what is not for reading: Slipway takes no control characters."""
    return "".join(one if one.isprintable() else " " for one in text)
