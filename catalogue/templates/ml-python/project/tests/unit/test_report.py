"""The report that CI sends: what is in it, and that it is only printed where there is no key."""

import hashlib
import json
import os
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from slipway.report import NOT_RUN, data_hash, report, send

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
LOCK = f"stages:\n  prepare:\n    deps:\n{CODE}    outs:\n{TRAIN}  train:\n    deps:\n{TRAIN}    outs:\n{MODEL}"
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x02\x80\x00\x00\x01\xe0"  # of 640 x 480 pixels
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
        "prices 92eb5ffee6ae2fec3ad71c777531578f.dir",
        "raw/weekly sales.csv 92eb5ffee6ae2fec3ad71c777531578f",
        "s3://ml-far/raw/x.csv 0123abcd-1",
    )


def test_what_a_stage_makes_of_data_is_no_data_wherever_it_is(run):
    raw = CODE.replace("src/forecast/data.py", "raw")
    made, model = TRAIN.replace("data/train.csv", "prepared"), TRAIN.replace("data/train.csv", "artifacts/model.pt")
    inside, other = TRAIN.replace("data/train.csv", "prepared/train.csv"), model.replace("0cc1", "ffff")
    lock = f"stages:\n  prepare:\n    deps:\n{CODE}{raw}    outs:\n{made}  train@a:\n    deps:\n{inside}    outs:\n{{}}"
    (run / "dvc.lock").write_text(lock.format(model))
    commit(run)

    (run / "dvc.lock").write_text(lock.format(other))

    assert data_hash(run) == hashed("raw 92eb5ffee6ae2fec3ad71c777531578f")


def test_a_run_that_stopped_early_is_reported_without_the_numbers_that_came_with_the_commit(run):
    failed = run / ".ci-cache/failed"
    failed.mkdir(parents=True)
    (failed / "lint").write_text("Found 1 error.\n")
    os.utime(failed / "lint", (1, 1))
    (failed / "pipeline").write_text("x" * 900 + "\n\nno https://bob:pw@corp.example,\x1b no s3cret-key\n")

    found = report(run, {"AWS_SECRET_ACCESS_KEY": "s3cret-key"}, reproduced=True)

    assert {name: found[name] for name in ("metrics", "data_hash", "reproduced", "plots")} == {
        "metrics": [],
        "data_hash": None,
        "reproduced": None,
        "plots": [],
    }
    lint, pipeline = found["tests"].pop("failed")
    assert found["tests"] == {"passed": 0, "regression_examples": 0}
    assert lint == {"name": "CI failed at lint", "kind": "other", "example": "Found 1 error."}
    assert (pipeline["name"], len(pipeline["example"])) == ("CI stopped at pipeline", 300)
    assert pipeline["example"].endswith("x / no https://***@corp.example, no ***")


def test_what_lint_and_unit_tests_find_hides_no_numbers(run):
    (run / ".ci-cache/failed").mkdir(parents=True)
    (run / ".ci-cache/failed/unit").write_text("1 failed\n")

    found = report(run, {}, reproduced=None)

    assert (found["metrics"], found["tests"]) == (
        [METRIC],
        {
            "passed": 3,
            "failed": [{"name": "CI failed at unit", "kind": "other", "example": "1 failed"}],
            "regression_examples": 2,
        },
    )


def test_examples_that_slipway_would_refuse_are_cut(run):
    failed = run / ".ci-cache/failed"
    failed.mkdir(parents=True)
    for step in ("lint", "unit"):
        (failed / step).write_text("å" * 30_000)
    tests = [{"name": str(one), "kind": "data", "example": "ä" * 250} for one in range(20)]
    (run / "metrics/tests.json").write_text(json.dumps({"passed": 3, "failed": [*tests, {"name": "20"}]}))

    found = report(run, {}, reproduced=None)["tests"]["failed"]

    assert [one["name"] for one in found] == ["CI failed at lint", "CI failed at unit", *map(str, range(21))]
    assert [len(one["example"].encode()) for one in found] == [300, 300, *[500] * 19, 140, 0]


def test_a_secret_that_begins_with_another_one_is_hidden_whole(run):
    (run / ".ci-cache/failed").mkdir(parents=True)
    (run / ".ci-cache/failed/lint").write_text("no bobs-key-of-old\n")

    found = report(run, {"AWS_ACCESS_KEY_ID": "bobs", "AWS_SECRET_ACCESS_KEY": "bobs-key-of-old"}, reproduced=None)

    assert found["tests"]["failed"][0]["example"] == "no ***"


def test_a_plot_that_slipway_would_refuse_is_left_out_and_said(run, capsys):
    (run / "plots").mkdir()
    images = dict.fromkeys([f"{one}.png" for one in "_abcdefg"], PNG)
    wide = PNG.replace(b"\x00\x00\x02\x80", b"\x00\x00\x13\x88")
    for name, content in {**images, "0 no.png": b"GIF", "0.png": PNG + bytes(200_000), "1 wide.png": wide}.items():
        (run / "plots" / name).write_bytes(content)

    found = report(run, {}, reproduced=None)["plots"]

    assert [one["name"] for one in found] == ["a", "b", "c", "d", "e"]
    assert [line.partition(":")[0] for line in capsys.readouterr().err.splitlines()] == [
        f"{name} is not sent" for name in ("0 no.png", "0.png", "1 wide.png", "_.png", "f.png", "g.png")
    ]


@pytest.fixture
def slipway():
    """A small server, and what it shall answer: (status, headers), first to last."""
    answers = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            status, headers = answers.pop(0)
            self.send_response(status)
            for name, value in {**headers, "Content-Length": "0"}.items():
                self.send_header(name, value)
            self.end_headers()

        def do_GET(self):
            self.send_response(200)
            self.end_headers()

        def log_message(self, *words):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", answers
        server.shutdown()


def test_what_slipway_asks_to_send_again_is_sent_again(slipway, monkeypatch):
    url, answers = slipway
    waited = []
    monkeypatch.setattr(time, "sleep", waited.append)
    answers += [(409, {"Retry-After": "1"}), (503, {}), (429, {"Retry-After": "900"}), (201, {})]

    assert send({}, url=url, project="demand", token="slipci_x") == 0
    assert (answers, waited) == ([], [1, 4, 60])

    answers += [(409, {}), (201, {})]
    assert send({}, url=url, project="demand", token="slipci_x") == 1
    assert answers == [(201, {})]


def test_the_token_goes_to_no_other_address(slipway, capsys):
    url, answers = slipway
    answers += [(302, {"Location": f"{url}/elsewhere"}), (201, {})]

    assert send({}, url=url, project="demand", token="slipci_x") == 1
    assert (answers, "refused the report (302)" in capsys.readouterr().err) == ([(201, {})], True)


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
