"""CI of a project, really run: a push is delivered, checked, cloned with the project's own key, run, and told.

On the running stack with real servers; the words on the commit are the forge's, the log is the runner's.
"""

import base64
import hashlib
import hmac
import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests import live
from tests.contract.stack import eventually, folder, unique, url

WORKFLOW = """\
name: ci
on: [push, pull_request]
jobs:
  test:
    runs-on: ubuntu-latest
    steps:
      - run: |
          git init -q .
          git fetch -q "$GITHUB_SERVER_URL/$GITHUB_REPOSITORY" "$GITHUB_SHA"
          git checkout -q FETCH_HEAD
      - run: sh check.sh
"""
WORKFLOW_FILE = ".github/workflows/ci.yaml"
PUSH, PULL = "slipway/ci/push", "slipway/ci/pull_request"


@pytest.fixture(scope="module")
def slug() -> Iterator[str]:
    """A project of alice's and bob's, without a workflow yet."""
    folder()
    eventually(live.portal_alive, seconds=120)
    name = unique("runs")
    answer = live.ask(
        name,
        title="Runs",
        contributors=[
            {"user": "bob@corp.example", "role": "editor"},
            {"user": "paula@corp.example", "role": "viewer"},
        ],
        options={"repository": {"template": "empty"}},
    )
    assert answer.status_code == 202, answer.text
    live.ready(name)
    yield name
    live.retire(name)


def commit(slug: str, check: str, *, branch: str = "main", person: str = "alice", **more: Any) -> str:
    """Commit the workflow and what it does on a branch, new or present; the commit's id."""
    repository = more.pop("repository", f"forecasting/{slug}")
    client = live.forge(person)
    if client.get(f"/repos/{repository}/branches/{branch}").status_code == 404:
        made = client.post(f"/repos/{repository}/branches", json={"new_branch_name": branch, "old_ref_name": "main"})
        assert made.status_code == 201, made.text
    files = []
    for path, text in {WORKFLOW_FILE: WORKFLOW, "check.sh": check}.items():
        content = base64.b64encode(text.encode()).decode()
        present = client.get(f"/repos/{repository}/contents/{path}", params={"ref": branch})
        if present.status_code == 200:
            files.append({"operation": "update", "path": path, "content": content, "sha": present.json()["sha"]})
        else:
            files.append({"operation": "create", "path": path, "content": content})
    body = {"branch": branch, "message": "Check it", "files": files, **more}
    answer = client.post(f"/repos/{repository}/contents", json=body)
    assert answer.status_code == 201, answer.text
    sha: str = answer.json()["commit"]["sha"]
    return sha


def status(slug: str, sha: str, context: str = PUSH) -> dict[str, Any] | None:
    """The last status of that context."""
    found = live.forge("bot").get(f"/repos/forecasting/{slug}/commits/{sha}/statuses").json()
    ours = sorted((one for one in found if one["context"] == context), key=lambda one: int(one["id"]))
    return ours[-1] if ours else None


def ended(slug: str, sha: str, context: str = PUSH) -> dict[str, Any]:
    """Wait for the run's end and return its status."""

    def look() -> dict[str, Any] | None:
        found = status(slug, sha, context)
        return found if found and found["status"] != "pending" else None

    return eventually(look, seconds=120)  # type: ignore[return-value]


def log_of(told: dict[str, Any]) -> str:
    """The run's log, from the address that the commit's status has."""
    answer = httpx.get(told["target_url"], timeout=10)
    assert answer.status_code == 200, answer.text
    return answer.text


def deliveries(slug: str) -> list[dict[str, Any]]:
    """What the listener wrote of this project, in order."""
    lines = (folder() / "logs" / "ci.log").read_text().splitlines()
    found = [json.loads(line) for line in lines if line.startswith("{")]
    return [one for one in found if one["repository"] == f"forecasting/{slug}"]


def secret_of(slug: str, name: str) -> dict[str, str]:
    answer = live.administrator().get(f"/api/v1/namespaces/ml-{slug}/secrets/{name}")
    assert answer.status_code == 200, answer.text
    return {key: base64.b64decode(value).decode() for key, value in answer.json()["data"].items()}


def deliver(slug: str, payload: dict[str, Any], *, signed_with: str | None = None) -> None:
    """Deliver by hand, with the project's own secret or another one."""
    body = json.dumps(payload).encode()
    secret = secret_of(slug, "slipway-ci-webhook")["secret"] if signed_with is None else signed_with
    digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    headers = {"X-GitHub-Event": "push", "X-GitHub-Delivery": unique("d"), "X-Hub-Signature-256": f"sha256={digest}"}
    assert httpx.post(url("ci"), content=body, headers=headers, timeout=10).status_code == 202


def push_payload(slug: str, sha: str, *, branch: str = "main") -> dict[str, Any]:
    return {
        "ref": f"refs/heads/{branch}",
        "after": sha,
        "repository": {"full_name": f"forecasting/{slug}"},
        "sender": {"login": "alice"},
    }


def test_a_push_runs_with_the_projects_own_keys_which_no_log_shows(slug: str) -> None:
    check = f"""
        set -eu
        test "$BUCKET" = ml-{slug}
        test "$(git rev-parse HEAD)" = "$GITHUB_SHA"
        test "$GITHUB_REF_NAME" = main
        test -z "$SLIPWAY_PULL_REQUEST"
        test -d "$SLIPWAY_CI_CACHE"
        python3 -c 'import sys; assert sys.version_info >= (3, 11)'
        echo "the key is $AWS_SECRET_ACCESS_KEY, the run is $SLIPWAY_RUN"
    """
    sha = commit(slug, check)

    told = ended(slug, sha)

    assert told["status"] == "success", log_of(told)
    assert told["description"].startswith("CI passed")
    assert told["creator"]["login"] == "slipway-bot"
    log = log_of(told)
    assert "the key is ***, the run is " + told["target_url"].rpartition("/")[2] in log
    assert secret_of(slug, "bucket-credentials")["AWS_SECRET_ACCESS_KEY"] not in log
    assert not (folder() / "ci" / "work" / told["target_url"].rpartition("/")[2]).exists()


def test_a_failing_test_turns_the_commit_red(slug: str) -> None:
    told = ended(slug, commit(slug, "echo three tests fail; exit 1"))

    assert (told["status"], told["description"].partition(",")[0]) == ("failure", "CI failed: a step failed")
    assert "three tests fail" in log_of(told)


def test_a_pull_request_says_its_number_and_branch(slug: str) -> None:
    branch = unique("better")
    sha = commit(
        slug, 'test "$GITHUB_EVENT_NAME" = push || echo "$SLIPWAY_PULL_REQUEST $GITHUB_HEAD_REF"', branch=branch
    )
    made = live.forge("alice").post(
        f"/repos/forecasting/{slug}/pulls", json={"head": branch, "base": "main", "title": "Better"}
    )
    assert made.status_code == 201, made.text

    told = ended(slug, sha, PULL)

    assert told["status"] == "success", log_of(told)
    assert f"{made.json()['number']} {branch}" in log_of(told)
    assert ended(slug, sha)["status"] == "success"


def test_a_forged_delivery_runs_nothing_and_a_second_one_of_the_same_neither(slug: str, tmp_path: Path) -> None:
    counter = tmp_path / "runs"
    sha = commit(slug, f"echo once >> '{counter}'", branch=unique("once"))
    assert ended(slug, sha)["status"] == "success"
    before = len(deliveries(slug))

    deliver(slug, push_payload(slug, sha))
    deliver(slug, push_payload(slug, "1" * 40), signed_with="another project's")
    deliver(slug, push_payload(slug, "$(touch /tmp/x)"))

    def all_three() -> list[dict[str, Any]] | None:
        found = deliveries(slug)[before:]
        return found if len(found) == 3 else None

    found: list[dict[str, Any]] = eventually(all_three, seconds=10)  # type: ignore[assignment]
    assert [(one["valid"], one["run"], one["reason"] or one["no_run"]) for one in found] == [
        (True, "", "the same run is there"),
        (False, "", "the signature does not fit"),
        (True, "", "the commit's id is none"),
    ]
    assert counter.read_text() == "once\n"


def test_shell_syntax_in_names_and_messages_is_text(slug: str, tmp_path: Path) -> None:
    marker = Path(f"/tmp/{unique('pwned')}")
    attack = f"';touch${{IFS}}{marker};'`touch${{IFS}}{marker}`$(touch${{IFS}}{marker})"
    branch = f"x{attack}".replace("//", "/")
    who = {"name": attack, "email": "charlie@corp.example"}
    told = ended(
        slug,
        push_by_git(slug, 'printf "%s\\n" "$GITHUB_REF_NAME"', branch=branch, message=attack, author=who, at=tmp_path),
    )

    assert told["status"] == "success", log_of(told)
    assert branch in log_of(told)
    assert not marker.exists()


def push_by_git(slug: str, check: str, *, branch: str, message: str, author: dict[str, str], at: Path) -> str:
    """Commit and push as alice would with git, which allows more than the forge's pages."""
    address = url("gitea").replace("://", "://alice:alice-pw@") + f"/forecasting/{slug}.git"

    def git(*arguments: str) -> str:
        done = subprocess.run(["git", "-C", str(at), *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    git("clone", "-q", address, ".")
    git("checkout", "-q", "-b", branch)
    for path, text in {WORKFLOW_FILE: WORKFLOW, "check.sh": check}.items():
        (at / path).parent.mkdir(parents=True, exist_ok=True)
        (at / path).write_text(text)
    git("add", "-A")
    identity = ("-c", f"user.name={author['name']}", "-c", f"user.email={author['email']}")
    git(*identity, "commit", "-q", "-m", message)
    git("push", "-q", "origin", f"HEAD:refs/heads/{branch}")
    return git("rev-parse", "HEAD")


def test_a_viewer_changes_no_workflow(slug: str) -> None:
    commit(slug, "true")
    content = base64.b64encode(WORKFLOW.replace("sh check.sh", "env").encode()).decode()
    body = {"branch": "main", "message": "Show the keys", "content": content}
    at = f"/repos/forecasting/{slug}/contents/{WORKFLOW_FILE}"
    present = live.forge("paula").get(at)
    assert present.status_code == 200, present.text

    for branch in ({}, {"new_branch": unique("keys")}):
        answer = live.forge("paula").put(at, json={**body, **branch, "sha": present.json()["sha"]})
        assert answer.status_code == 403, answer.text
    assert live.forge("alice").get(at).json()["sha"] == present.json()["sha"]


@pytest.mark.parametrize("person", ["bob", "paula"], ids=["an editor's", "a viewer's"])
def test_a_forks_pull_request_runs_nothing_and_gets_no_secret(slug: str, person: str) -> None:
    fork = unique("fork")
    made = live.forge(person).post(f"/repos/forecasting/{slug}/forks", json={"name": fork})
    assert made.status_code == 202, made.text
    assert live.forge("charlie").post(f"/repos/forecasting/{slug}/forks", json={}).status_code == 404
    try:
        sha = commit(slug, "env", branch="steal", person=person, repository=f"{person}/{fork}")
        asked = live.forge(person).post(
            f"/repos/forecasting/{slug}/pulls",
            json={"head": f"{person}:steal", "base": "main", "title": "Look at this"},
        )
        assert asked.status_code == 201, asked.text

        told = ended(slug, sha, PULL)

        assert told["status"] == "failure"
        assert told["description"].startswith("A pull request from a fork runs nothing")
        assert "AWS_" not in log_of(told)
    finally:
        live.forge(person).delete(f"/repos/{person}/{fork}")


def test_a_runner_that_is_killed_goes_on_where_it_was(slug: str, tmp_path: Path) -> None:
    starts, go = tmp_path / "starts", tmp_path / "go"
    check = f"echo start >> '{starts}'; until test -e '{go}'; do sleep 0.1; done"
    sha = commit(slug, check, branch=unique("cut"))
    eventually(starts.exists, seconds=60)
    assert (status(slug, sha) or {})["status"] == "pending"

    live.kill("ci-runner")
    eventually(lambda: starts.read_text().count("start") == 2, seconds=60)
    go.touch()

    assert ended(slug, sha)["status"] == "success"
    assert starts.read_text() == "start\n" * 2


def test_the_clone_key_reads_this_repository_and_writes_none(slug: str, tmp_path: Path) -> None:
    key = secret_of(slug, "slipway-ci-clone")
    for name in ("ssh-privatekey", "known_hosts"):
        (tmp_path / name).write_text(key[name])
        (tmp_path / name).chmod(0o600)
    ssh = (
        f"ssh -F none -i '{tmp_path}/ssh-privatekey' -o IdentitiesOnly=yes -o BatchMode=yes"
        f" -o StrictHostKeyChecking=yes -o UserKnownHostsFile='{tmp_path}/known_hosts'"
    )
    git = with_ssh(ssh, tmp_path)

    assert git("clone", "-q", key["url"], "code").returncode == 0
    refused = git("-C", "code", "push", "-q", "origin", "HEAD:refs/heads/mine")
    other = git("ls-remote", key["url"].replace(slug, "demand-forecast-no"))

    assert refused.returncode != 0
    assert other.returncode != 0
    assert live.forge("bot").get(f"/repos/forecasting/{slug}/branches/mine").status_code == 404


def with_ssh(ssh: str, folder: Path) -> Callable[..., "subprocess.CompletedProcess[str]"]:
    environment = {"GIT_SSH_COMMAND": ssh, "PATH": "/usr/bin:/bin", "HOME": str(folder)}

    def git(*arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            ["git", *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
        )

    return git
