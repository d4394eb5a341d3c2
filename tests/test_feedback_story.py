"""A change to a model, from the clone to the merge: CI, the comment with its numbers, the gate, the bot.

On the running stack with real servers: alice works with git, the project's own workflow runs, and what came of it is
read where people read it. `pytest -s` prints when each step was done. Of some 100 seconds nearly all are CI's: six or
seven runs, two at a time; those of the main branch train twice. The seventh is that of the template's own commit, where
the forge tells of it as late as to have the hook already; it ends with the first of alice's, and both are told.
"""

import base64
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import live
from tests.contract.stack import eventually, folder, unique, url

PUSH, PULL, GATE = "slipway/ci/push", "slipway/ci/pull_request", "slipway/model-gate"
BOT = "slipway-bot"
MARKER = "<!-- slipway-report -->"
PATIENCE = 600
"""Seconds for one run: the first one on a machine installs the template's packages."""


@pytest.fixture(scope="module")
def slug() -> Iterator[str]:
    """A project from the template, whose main branch wants the gate; alice owns it, bob works in it."""
    folder()
    eventually(live.portal_alive, seconds=120)
    name = unique("told")
    answer = live.ask(
        name,
        title="Told",
        contributors=[{"user": "bob@corp.example", "role": "editor"}],
        options={"repository": {"template": "ml-python", "model_gate": "required"}},
    )
    assert answer.status_code == 202, answer.text
    live.ready(name)
    yield name
    live.retire(name)


class Clock:
    """Says when each step was done."""

    def __init__(self) -> None:
        self._began = self._last = time.monotonic()

    def done(self, step: str) -> None:
        now = time.monotonic()
        print(f"{now - self._began:7.1f} s  (+{now - self._last:5.1f})  {step}")
        self._last = now


class Clone:
    """Alice's clone."""

    def __init__(self, slug: str, at: Path) -> None:
        address = url("gitea").replace("://", "://alice:alice-pw@") + f"/forecasting/{slug}.git"
        self._at = at
        self.git("clone", "-q", address, ".")
        self.git("config", "user.name", "alice")
        self.git("config", "user.email", "alice@corp.example")

    def git(self, *words: str) -> str:
        done = subprocess.run(["git", "-C", str(self._at), *words], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def change(self, path: str, before: str, after: str, *, branch: str) -> str:
        """Replace a text of a file, commit and push; the commit's id."""
        text = (self._at / path).read_text()
        assert before in text
        (self._at / path).write_text(text.replace(before, after))
        self.git("commit", "-qam", f"Say {after} in {path}")
        self.git("push", "-q", "origin", f"HEAD:refs/heads/{branch}")
        return self.git("rev-parse", "HEAD")


def words_on(slug: str, sha: str) -> dict[str, dict[str, Any]]:
    """The last status of each context."""
    answer = live.forge("bob").get(f"/repos/forecasting/{slug}/commits/{sha}/statuses", params={"limit": 50})
    assert answer.status_code == 200, answer.text
    return {one["context"]: one for one in sorted(answer.json(), key=lambda one: int(one["id"]))}


def told(slug: str, sha: str, context: str) -> tuple[str, str]:
    """Wait until a context has come to an end: its state and its words."""

    def look() -> dict[str, Any] | None:
        found = words_on(slug, sha).get(context)
        return found if found and found["status"] != "pending" else None

    found: dict[str, Any] = eventually(look, seconds=PATIENCE)  # type: ignore[assignment]
    return found["status"], found["description"]


def comments(slug: str, number: int) -> list[dict[str, Any]]:
    answer = live.forge("bob").get(f"/repos/forecasting/{slug}/issues/{number}/comments")
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()
    return found


def the_report(slug: str, number: int, sha: str) -> dict[str, Any]:
    """Wait until the bot's one comment is about this commit, and return it."""

    def look() -> dict[str, Any] | None:
        ours = [one for one in comments(slug, number) if one["body"].startswith(MARKER)]
        assert len(ours) <= 1
        return ours[0] if ours and f"code `{sha[:10]}`" in ours[0]["body"] else None

    found: dict[str, Any] = eventually(look, seconds=PATIENCE)  # type: ignore[assignment]
    assert found["user"]["login"] == BOT
    return found


def secret_of(slug: str, name: str) -> dict[str, str]:
    answer = live.administrator().get(f"/api/v1/namespaces/ml-{slug}/secrets/{name}")
    assert answer.status_code == 200, answer.text
    return {key: base64.b64decode(value).decode() for key, value in answer.json()["data"].items()}


def merge(slug: str, number: int) -> int:
    """Alice presses "merge"; the forge's status code."""
    return live.forge("alice").post(f"/repos/forecasting/{slug}/pulls/{number}/merge", json={"Do": "merge"}).status_code


def test_worse_then_better_in_one_comment_and_bob_asks_the_bot(slug: str, tmp_path: Path) -> None:
    clock = Clock()
    assert set(secret_of(slug, "slipway-ci")) == {"SLIPWAY_URL", "SLIPWAY_PROJECT", "SLIPWAY_TOKEN"}
    assert secret_of(slug, "bucket-credentials")["BUCKET"] == f"ml-{slug}"

    clone = Clone(slug, tmp_path)
    assert told(slug, clone.git("rev-parse", "HEAD"), PUSH)[0] == "success"
    clock.done("the first commit, which nobody pushed by hand, is tested")
    first = clone.change("README.md", "A demand forecast", "A forecast of demand", branch="main")
    assert told(slug, first, PUSH)[0] == "success"
    assert told(slug, first, GATE) == ("success", "2 of 2 thresholds held, 51 model tests passed.")
    kept = [one.object_name for one in live.store_admin().list_objects(f"ml-{slug}", recursive=True)]
    assert kept
    assert {"/".join(name.split("/")[:2]) for name in kept} == {"dvc/files", "dvc/runs"}
    assert any(name.startswith(f"dvc/runs/{first}-") and name.endswith("/dvc.lock") for name in kept)
    clock.done("main is tested, its model is in the bucket, its report is here")

    clone.git("checkout", "-qb", "smoother")
    worse = clone.change("params.yaml", "alpha: 0.01", "alpha: 300", branch="smoother")
    asked = live.forge("alice").post(
        f"/repos/forecasting/{slug}/pulls", json={"head": "smoother", "base": "main", "title": "Smooth it"}
    )
    assert asked.status_code == 201, asked.text
    number: int = asked.json()["number"]
    waits: dict[str, Any] = eventually(lambda: words_on(slug, worse).get(GATE), seconds=30)  # type: ignore[assignment]
    assert (waits["status"], waits["description"]) == ("pending", "Waits for CI to report about this commit's model.")
    assert told(slug, worse, PULL)[0] == "failure"
    red = the_report(slug, number, worse)
    lines = red["body"].splitlines()
    assert lines[1].startswith("### Model: the gate is shut")
    (skill,) = (line for line in lines if line.startswith("| skill (test)"))
    assert "▼ worse by" in skill
    assert "**missed**: 0.5 or more" in skill
    assert [line for line in lines if "(minimum): " in line]
    assert told(slug, worse, GATE)[0] == "failure"
    assert told(slug, worse, PUSH)[0] == "failure"
    assert merge(slug, number) == 405
    clock.done("the pull request is red, in one comment, and can't be merged")

    better = clone.change("params.yaml", "alpha: 300", "alpha: 0.02", branch="smoother")
    assert told(slug, better, PULL)[0] == "success"
    green = the_report(slug, number, better)
    assert green["id"] == red["id"]
    assert green["body"].splitlines()[1].startswith("### Model: the gate is open")
    assert told(slug, better, GATE) == ("success", "2 of 2 thresholds held, 51 model tests passed.")
    assert told(slug, better, PUSH)[0] == "success"
    eventually(lambda: merge(slug, number) == 200, seconds=30)
    clock.done("the same comment is green, and it is merged")

    answered_bob(slug, number, better)
    clock.done("bob asked, and the bot answered")
    merged = live.forge("bob").get(f"/repos/forecasting/{slug}/branches/main").json()["commit"]["id"]
    assert told(slug, merged, GATE) == ("success", "2 of 2 thresholds held, 51 model tests passed.")
    page_of_models(slug, number, merged=merged, better=better)
    clock.done("main is tested again, and the page shows both")


def answered_bob(slug: str, number: int, sha: str) -> None:
    """Bob asks under the pull request; nobody else is let in there."""
    with live.signed_in("bob"):
        pass  # who has never been here is not known to the bot
    there = f"/repos/forecasting/{slug}/issues/{number}/comments"
    assert live.forge("charlie").post(there, json={"body": "/slipway status"}).status_code == 404
    asked = live.forge("bob").post(there, json={"body": "/slipway status"})
    assert asked.status_code == 201, asked.text

    def look() -> list[dict[str, Any]]:
        return [one for one in comments(slug, number) if f"slipway-reply-{asked.json()['id']} -->" in one["body"]]

    (answer,) = eventually(look, seconds=30)
    assert answer["user"]["login"] == BOT
    assert [line for line in answer["body"].splitlines() if line][1:4] == [
        "> /slipway status",
        "Told: Ready.",
        f"- model at {sha[:10]} (pull request {number}): 2 of 2 thresholds held, 51 model tests passed.",
    ]


def page_of_models(slug: str, number: int, *, merged: str, better: str) -> None:
    """The page "Models", as bob sees it; charlie sees none."""
    address = f"/projects/{slug}/models/"
    with live.signed_in("bob") as session:
        page = session.get(address)
        of_pull_request = session.get(address, params={"pull_request": number})
    assert page.status_code == of_pull_request.status_code == 200
    assert "The gate is open." in page.text
    assert f"<code>{merged[:12]}</code>" in page.text
    assert "the same metrics" in page.text
    assert f"Newest run of pull request {number}" in of_pull_request.text
    assert f"<code>{better[:12]}</code>" in of_pull_request.text
    assert "The forge was told" in of_pull_request.text
    with live.signed_in("charlie") as session:
        assert session.get(address).status_code == 404
