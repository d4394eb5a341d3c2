"""The report that CI sends: what is in it, and that it is only printed where there is no key."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from slipway.report import NOT_RUN, data_hash, report

SCRIPT = Path("slipway/report.py").resolve()
METRIC = {"name": "mae", "value": 1.5, "split": "test", "direction": "lower", "threshold": None}
TRAIN = """    - path: data/train.csv
      hash: md5
      md5: 0cc175b9c0f1b6a831c399e269772661
      size: 1
"""
CODE = """    - path: src/forecast/data.py
      hash: md5
      md5: 92eb5ffee6ae2fec3ad71c777531578f
      size: 1
"""
MODEL = TRAIN.replace("data/train.csv", "models/model.joblib")
LOCK = f"stages:\n  prepare:\n    deps:\n{CODE}    outs:\n{TRAIN}  train:\n    outs:\n{MODEL}"
PYTHON = f"python {sys.version_info.major}.{sys.version_info.minor}\n"
ON_GITHUB = {
    "CI": "true",
    "GITHUB_ACTIONS": "true",
    "GITHUB_BASE_REF": "main",
    "GITHUB_EVENT_NAME": "pull_request",
    "GITHUB_HEAD_REF": "feature",
    "GITHUB_REF": "refs/pull/3/merge",
    "GITHUB_REF_NAME": "3/merge",
    "GITHUB_REF_TYPE": "branch",
    "GITHUB_REPOSITORY": "forecasting/demand",
    "GITHUB_RUN_ATTEMPT": "2",
    "GITHUB_RUN_ID": "4711",
    "GITHUB_RUN_NUMBER": "12",
    "GITHUB_SERVER_URL": "https://github.com",
    "GITHUB_SHA": "d" * 40,  # the merge that GitHub makes up
}


@pytest.fixture
def run(tmp_path):
    """A repository whose pipeline ran and whose tests passed, with dvc.lock committed."""
    for path, text in {
        "metrics/metrics.json": json.dumps({"version": 1, "metrics": [METRIC]}),
        "requirements.lock": "numpy==2\n",
        "dvc.lock": LOCK,
        "src/forecast/data.py": "",
        "slipway/report.py": SCRIPT.read_text(),
    }.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    git(tmp_path, "init", "-q")
    commit(tmp_path)
    (tmp_path / "metrics/tests.json").write_text('{"passed": 3, "failed": [], "regression_examples": 2}')
    return tmp_path


def git(folder, *words):
    said = subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True, text=True)
    return said.stdout.strip()


def commit(folder):
    git(folder, "add", "-A")
    git(folder, "-c", "user.name=ci", "-c", "user.email=ci@corp.example", "commit", "-qm", "Now")


def hashed(*lines):
    return hashlib.sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest()


def test_a_pull_request_on_github_is_reported_by_number_branch_and_its_own_commit(run):
    workflow = {
        "SLIPWAY_COMMIT": "a" * 40,
        "SLIPWAY_PULL_REQUEST": "3",
        "SLIPWAY_RUN": "4711-2",
        "SLIPWAY_RUN_URL": "https://github.com/forecasting/demand/actions/runs/4711",
    }

    assert report(run, {**ON_GITHUB, **workflow}, reproduced=True) == {
        "commit": "a" * 40,
        "branch": "feature",
        "pull_request": 3,
        "run": "4711-2",
        "run_url": "https://github.com/forecasting/demand/actions/runs/4711",
        "metrics": [METRIC],
        "data_hash": hashed("data/train.csv 0cc175b9c0f1b6a831c399e269772661"),
        "environment_hash": hashlib.sha256(f"{PYTHON}numpy==2\n".encode()).hexdigest(),
        "tests": {"passed": 3, "failed": [], "regression_examples": 2},
        "reproduced": True,
        "plots": [],
    }


def test_without_the_workflow_s_words_it_is_the_commit_that_is_checked_out_and_each_attempt_is_a_run(run):
    found = report(run, ON_GITHUB, reproduced=None)

    assert (found["commit"], found["run"]) == (git(run, "rev-parse", "HEAD"), "4711-2")
    assert report(run, {}, reproduced=None)["run"] == "by-hand"


def test_data_is_named_only_where_the_commit_pins_it(run):
    (run / "dvc.lock").write_text(LOCK.replace("0cc1", "ffff"))
    assert data_hash(run) is None

    commit(run)
    assert data_hash(run) == hashed("data/train.csv ffff75b9c0f1b6a831c399e269772661")

    (run / ".gitignore").write_text("dvc.lock\n")
    git(run, "rm", "-q", "--cached", "dvc.lock")
    commit(run)
    assert data_hash(run) is None

    (run / "dvc.lock").unlink()
    assert data_hash(run) is None


def test_a_training_names_the_data_that_it_took(run):
    (run / "dvc.lock").write_text(LOCK.replace("0cc1", "ffff"))
    newer = hashed("data/train.csv ffff75b9c0f1b6a831c399e269772661")
    assert report(run, {"SLIPWAY_TRAINING": "12"}, reproduced=None)["data_hash"] == newer
    assert report(run, {"SLIPWAY_TRAINING": ""}, reproduced=None)["data_hash"] is None

    (run / "dvc.lock").unlink()
    assert data_hash(run, training=True) is None


def test_another_model_of_the_same_data_leaves_the_data_pinned(run):
    (run / "dvc.lock").write_text(LOCK.replace(MODEL, MODEL.replace("0cc1", "ffff")))

    assert data_hash(run) == hashed("data/train.csv 0cc175b9c0f1b6a831c399e269772661")


def test_own_data_counts_wherever_it_is(run):
    raw = CODE.replace("src/forecast/data.py", "raw/weekly sales.csv")
    folder = CODE.replace("src/forecast/data.py", "prices").replace("31578f\n", "31578f.dir\n")
    far = "    - path: s3://ml-far/raw/x.csv\n      etag: 0123abcd-1\n      size: 1\n"
    (run / "dvc.lock").write_text(LOCK.replace(CODE, CODE + raw + folder + far))
    for path in ("raw/weekly sales.csv.dvc", "raw/.gitignore", "prices/.gitignore"):
        (run / path).parent.mkdir(exist_ok=True)
        (run / path).write_text("")
    commit(run)

    assert data_hash(run) == hashed(
        "data/train.csv 0cc175b9c0f1b6a831c399e269772661",
        "prices 92eb5ffee6ae2fec3ad71c777531578f.dir",
        "raw/weekly sales.csv 92eb5ffee6ae2fec3ad71c777531578f",
        "s3://ml-far/raw/x.csv 0123abcd-1",
    )


def test_model_tests_that_did_not_run_are_one_that_failed(run):
    none = {"passed": 0, "failed": [NOT_RUN], "regression_examples": 0}
    tests, metrics = run / "metrics/tests.json", run / "metrics/metrics.json"

    os.utime(tests, ns=(0, metrics.stat().st_mtime_ns - 1))
    assert report(run, {}, reproduced=None)["tests"] == none

    tests.unlink()
    assert report(run, {}, reproduced=None)["tests"] == none


def test_without_a_key_the_report_is_printed_and_says_how_data_is_pinned(run):
    (run / "dvc.lock").unlink()

    ran = subprocess.run(
        [sys.executable, run / "slipway/report.py"],
        env={"PATH": os.environ["PATH"], "SLIPWAY_COMMIT": "b" * 40, "GITHUB_HEAD_REF": "feature"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert json.loads(ran.stdout[: ran.stdout.rindex("}") + 1])["branch"] == "feature"
    assert ran.stdout.endswith("Not sent: this run has no key of Slipway's.\n")
    assert "commit dvc.lock" in ran.stderr
