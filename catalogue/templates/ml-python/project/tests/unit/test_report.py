"""The report that CI sends: what is in it, and that it is only printed where there is no key."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

from slipway.report import data_hash, report

SCRIPT = Path("slipway/report.py").resolve()
METRIC = {"name": "mae", "value": 1.5, "split": "test", "direction": "lower", "threshold": None}
LOCK = """stages:
  prepare:
    outs:
    - path: data/train.csv
      hash: md5
      md5: 0cc175b9c0f1b6a831c399e269772661
      size: 1
"""


def test_a_report_says_commit_metrics_tests_and_versions(tmp_path):
    (tmp_path / "metrics").mkdir()
    (tmp_path / "metrics/metrics.json").write_text(json.dumps({"version": 1, "metrics": [METRIC]}))
    (tmp_path / "metrics/tests.json").write_text('{"passed": 3, "failed": [], "regression_examples": 2}')
    (tmp_path / "requirements.lock").write_text("numpy==2\n")
    (tmp_path / "dvc.lock").write_text(LOCK)
    environ = {"GITHUB_SHA": "a" * 40, "GITHUB_REF_NAME": "main", "SLIPWAY_RUN": "7", "SLIPWAY_PULL_REQUEST": "3"}

    assert report(tmp_path, environ, reproduced=True) == {
        "commit": "a" * 40,
        "branch": "main",
        "pull_request": 3,
        "run": "7",
        "run_url": None,
        "metrics": [METRIC],
        "data_hash": hashlib.sha256(b"data/train.csv 0cc175b9c0f1b6a831c399e269772661\n").hexdigest(),
        "environment_hash": hashlib.sha256(b"numpy==2\n").hexdigest(),
        "tests": {"passed": 3, "failed": [], "regression_examples": 2},
        "reproduced": True,
        "plots": [],
    }


def test_without_locked_data_there_is_no_hash(tmp_path):
    assert data_hash(tmp_path / "dvc.lock") is None


def test_without_a_key_the_report_is_printed(tmp_path):
    (tmp_path / "slipway").mkdir()
    (tmp_path / "metrics").mkdir()
    (tmp_path / "slipway/report.py").write_text(SCRIPT.read_text())
    (tmp_path / "metrics/metrics.json").write_text(json.dumps({"version": 1, "metrics": [METRIC]}))

    ran = subprocess.run(
        [sys.executable, tmp_path / "slipway/report.py"],
        env={"GITHUB_SHA": "b" * 40, "GITHUB_HEAD_REF": "feature"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert json.loads(ran.stdout[: ran.stdout.rindex("}") + 1])["branch"] == "feature"
    assert ran.stdout.endswith("Not sent: this run has no key of Slipway's.\n")
