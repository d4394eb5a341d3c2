"""What needs no server: which delivery asks for a run, the queue as files, and what a run gets to see."""

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from devstack import ci_run, processes, python_env
from devstack.ci_jobs import Job, NoRun, Queue, job_of
from devstack.ci_run import Access
from devstack.endpoints import Endpoints
from devstack.files import remove_tree
from devstack.processes import PASSED_ON
from devstack.receiver import Delivery, accept
from devstack.runner import access_of
from devstack.stack import Stack

SHA = "5c0f" * 10
REPOSITORY = "forecasting/demand"
PUSH: dict[str, Any] = {
    "ref": "refs/heads/feature/x",
    "after": SHA,
    "repository": {"full_name": REPOSITORY},
    "sender": {"login": "alice"},
}


def pull(**changes: Any) -> dict[str, Any]:
    """A pull request from a branch of the repository itself."""
    head = {"sha": SHA, "ref": "feature/x", "repo": {"full_name": REPOSITORY}, **changes.pop("head", {})}
    return {
        "action": "opened",
        "number": 7,
        "pull_request": {"head": head},
        "repository": {"full_name": REPOSITORY},
        "sender": {"login": "alice"},
        **changes,
    }


def asked(event: str, payload: dict[str, Any], *, run: str = "0123456789abcdef") -> Job:
    return job_of(event=event, payload=payload, namespace="ml-demand", run=run)


@pytest.fixture
def queue(tmp_path: Path) -> Queue:
    return Queue(Stack(name="test", folder=tmp_path))


def test_a_push_asks_for_its_commit() -> None:
    assert asked("push", PUSH) == Job(
        run="0123456789abcdef",
        namespace="ml-demand",
        repository=REPOSITORY,
        event="push",
        sha=SHA,
        branch="feature/x",
        pull_request=None,
        actor="alice",
        fork="",
        payload=PUSH,
    )


@pytest.mark.parametrize(
    ("payload", "fork"),
    [
        (pull(), ""),
        (pull(action="synchronized"), ""),
        (pull(head={"repo": {"full_name": "bob/demand"}}), "bob/demand"),
        (pull(head={"repo": None}), "a fork that is gone"),
    ],
)
def test_a_pull_request_asks_for_its_head_and_says_whether_it_is_a_forks(payload: dict[str, Any], fork: str) -> None:
    job = asked("pull_request", payload)

    assert (job.sha, job.branch, job.pull_request, job.fork) == (SHA, "feature/x", 7, fork)


@pytest.mark.parametrize(
    ("event", "payload", "why"),
    [
        ("push", {**PUSH, "ref": "refs/tags/v1"}, "not a push to a branch that is there"),
        ("push", {**PUSH, "after": "0" * 40}, "not a push to a branch that is there"),
        ("push", {**PUSH, "after": "$(reboot)"}, "the commit's id is none"),
        ("push", {**PUSH, "after": SHA + "\n"}, "the commit's id is none"),
        ("push", {**PUSH, "after": "--upload-pack=x"}, "the commit's id is none"),
        ("push", {**PUSH, "ref": "refs/heads/a\x00b"}, "a name is too long, or has a character that no name has"),
        ("push", {**PUSH, "ref": "refs/heads/" + "x" * 251}, "a name is too long, or has a character that no name has"),
        ("push", {**PUSH, "sender": {"login": ""}}, "a name is too long, or has a character that no name has"),
        ("push", {**PUSH, "sender": None}, "a field is missing or of another kind"),
        ("pull_request", pull(action="closed"), "nothing to test after closed"),
        ("pull_request", pull(head={"repo": "x"}), "a field is missing or of another kind"),
        ("pull_request", {}, "a field is missing or of another kind"),
        ("issue_comment", PUSH, "issue_comment starts no run"),
    ],
)  # fmt: skip
def test_everything_else_starts_nothing_and_says_why(event: str, payload: dict[str, Any], why: str) -> None:
    with pytest.raises(NoRun) as caught:
        asked(event, payload)

    assert str(caught.value).partition(":")[0] == why


def test_the_same_commit_and_event_is_kept_once_also_after_its_end(queue: Queue) -> None:
    first, again, other = (asked("push", PUSH, run=run) for run in ("a" * 16, "b" * 16, "c" * 16))
    asks = asked("pull_request", pull(), run="d" * 16)
    assert (queue.add(first), queue.add(again), queue.add(asks)) == (True, False, True)
    assert list(queue.waiting()) == [first, asks]

    queue.end(first, "success")

    assert queue.add(other) is False
    assert list(Queue(queue.stack).waiting()) == [asks]


def test_a_training_is_a_run_of_its_own_at_a_commit_that_ran(queue: Queue) -> None:
    trained = [asked("push", {**PUSH, "slipway": {"training": number}}) for number in ("7", "8", "7")]
    assert [queue.add(job) for job in (asked("push", PUSH), *trained)] == [True, True, True, False]


def test_only_a_valid_delivery_is_queued(queue: Queue) -> None:
    told = Delivery(
        time="", repository=REPOSITORY, event="push", delivery="d", namespace="ml-demand", valid=True, reason=""
    )
    body = json.dumps(PUSH).encode()
    forged = Delivery(**{**told.__dict__, "valid": False, "reason": "the signature does not fit"})

    assert accept(forged, body, queue=queue) == forged
    assert list(queue.waiting()) == []
    assert accept(told, body, queue=queue).run == next(queue.waiting()).run
    assert accept(told, body, queue=queue).no_run == "the same run is there"


def test_a_run_gets_what_the_namespace_holds_and_nothing_of_the_runners_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PIP_CERT", "https_proxy"):
        monkeypatch.setenv(name, name)
    monkeypatch.setenv("SLIPWAY_DATABASE_URL", "postgresql://portal:secret@localhost/")
    answers = {
        "/api/v1/namespaces/ml-demand/secrets/bucket-credentials": {"data": {"AWS_SECRET_ACCESS_KEY": "c2VjcmV0"}},
        "/api/v1/namespaces/ml-demand/secrets/tracking-credentials": {"data": {"MLFLOW_TRACKING_PASSWORD": "aGlkZGVu"}},
        "/api/v1/namespaces/ml-demand/secrets/slipway-ci-clone": {"data": {"url": "c3NoOi8v"}},
    }
    access = access_of("ml-demand", ask=answers.get)
    assert access == Access(
        clone={"url": "ssh://"}, variables={"AWS_SECRET_ACCESS_KEY": "secret", "MLFLOW_TRACKING_PASSWORD": "hidden"}
    )

    given = ci_run.environment(
        asked("pull_request", pull()),
        access,
        folder=tmp_path,
        forge_url="http://127.0.0.1:3000",
        run_url="http://127.0.0.1:8081/runs/0123456789abcdef",
        cache=tmp_path / "cache",
    )

    assert (given.pop("PIP_CERT"), given.pop("https_proxy")) == ("PIP_CERT", "https_proxy")
    assert {name: value for name, value in given.items() if not name.upper().startswith(PASSED_ON)} == {
        "AWS_SECRET_ACCESS_KEY": "secret",
        "MLFLOW_TRACKING_PASSWORD": "hidden",
        "LANG": "C.UTF-8",
        "PATH": given["PATH"],
        "HOME": str(tmp_path / "home"),
        "GITHUB_SERVER_URL": "http://127.0.0.1:3000",
        "GITHUB_REPOSITORY": REPOSITORY,
        "GITHUB_RUN_ID": str(0x0123456789ABCDEF),
        "SLIPWAY_PULL_REQUEST": "7",
        "SLIPWAY_TRAINING": "",
        "SLIPWAY_CI_CACHE": str(tmp_path / "cache"),
        "SLIPWAY_RUN_URL": "http://127.0.0.1:8081/runs/0123456789abcdef",
        "SLIPWAY_RUN": "0123456789abcdef",
    }  # fmt: skip


def test_an_environment_that_a_run_made_outlives_the_run(tmp_path: Path) -> None:
    ci_run.write_programs(tmp_path / "bin")
    made = [str(tmp_path / "bin" / "python3"), "-m", "venv", "--without-pip", str(tmp_path / "venv")]
    subprocess.run(made, check=True)
    remove_tree(tmp_path / "bin")
    done = subprocess.run(
        [str(tmp_path / "venv" / "bin" / "python"), "-c", "print(1)"], capture_output=True, check=True
    )
    assert done.stdout == b"1\n"


def test_an_environment_whose_python_is_gone_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(python_env, "shared_folder", lambda: tmp_path)
    for name, python in (("venv-whole", sys.executable), ("venv-broken", str(tmp_path / "gone"))):
        (tmp_path / name / "bin").mkdir(parents=True)
        (tmp_path / name / "bin" / "python").symlink_to(python)
        (tmp_path / name / "complete").touch()
    python_env.forget_broken()
    assert [path.parent.name for path in tmp_path.glob("*/complete")] == ["venv-whole"]


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ("plain", "NAME='plain'\n"),
        ('$(x) `y` "z" \\ #', "NAME='$(x) `y` \"z\" \\ #'\n"),
        ("it's $5 \\", 'NAME="it\'s \\$5 \\\\"\n'),
    ],
)
def test_a_variable_reaches_act_as_it_is(value: str, line: str) -> None:
    assert ci_run._lines({"NAME": value}) == line


def test_secrets_are_blotted_out_and_a_long_log_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ci_run, "LOG_LIMIT", 60)
    target = io.StringIO()
    lines = [b"key sekret-one and sekret-one-more\n", b"short a\n", b"x" * 60 + b"\n", b"more\n"]

    ci_run._copy_masked(lines, target, values=["sekret-one", "sekret-one-more", "a"])

    assert target.getvalue() == "key *** and ***\nshort a\n\n(the log is cut here)\n"


@pytest.mark.parametrize(
    ("name", "endpoints", "there"),
    [
        ("dev", Endpoints(), ["ci-runner"]),
        ("bench", Endpoints(), []),
        ("dev", Endpoints(gitea_url="https://git.corp.example/"), []),
    ],
)
def test_a_stack_has_a_runner_where_it_can_clone_and_nothing_is_measured(
    name: str, endpoints: Endpoints, there: list[str], tmp_path: Path
) -> None:
    assert [one.name for one in processes._runner(Stack(name=name, folder=tmp_path), endpoints)] == there
