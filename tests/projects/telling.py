"""A project with a branch beside main, reports about it, and what the forge was told: for tests of feedback."""

from collections.abc import Callable
from typing import Any

import pytest

from projects import feedback
from projects.feedback_tasks import tell
from projects.models import Project, Report
from provisioning.errors import TargetUnavailable
from tests.ci import MAE, PASSED, ci, send
from tests.projects import file_door
from tests.projects.tended import REPOSITORY, World, asked, look

GATE = "slipway/model-gate"
WAITS = ("pending", "Waits for CI to report about this commit's model.")
LAX: list[dict[str, Any]] = [{**MAE, "value": 0.9, "threshold": None}]
"""Metrics of whoever dropped the threshold that main has."""
MISSED = "mae (test) is 0.9; 0.2 or less is needed."
"""What is said of them beside main's."""


def ready(world: World, **changes: Any) -> Project:
    """The project, as the engine has made it. Tests that use it remember nothing of others (`nothing_remembered`)."""
    made = look(asked(**changes))
    world.forge.create_branch(REPOSITORY, "shorter-window", "main")
    return made


def push(world: World, text: str = "x", *, branch: str = "shorter-window") -> str:
    return world.forge.put_files(REPOSITORY, branch, "Change", {"train.py": text.encode()})


def opened(world: World) -> tuple[int, str]:
    """A pull request with one commit: its number and that commit."""
    sha = push(world)
    return world.forge.create_pull_request(REPOSITORY, "shorter-window", "main", "Shorter window", ""), sha


def offered(world: World, number: int, text: str) -> str:
    """A push to the pull request; the commit."""
    head = push(world, text)
    world.forge.repositories[REPOSITORY].pull_requests[number]["head_sha"] = head
    return head


def into_scratch(world: World) -> int:
    """A second pull request from the branch of the first, into a branch without a report; its number."""
    world.forge.create_branch(REPOSITORY, "scratch", "main")
    push(world, "drift", branch="scratch")
    return world.forge.create_pull_request(REPOSITORY, "shorter-window", "scratch", "Try it", "")


def main_of(world: World) -> str:
    """The commit that main is at."""
    return str(world.forge.branch_head(REPOSITORY, "main")["sha"])


def main_reported(world: World, project: Project) -> Report:
    """A report about that commit, with a threshold that holds."""
    return reported(project, main_of(world), None, metrics=[MAE], tests=PASSED)


def reported(project: Project, sha: str, number: int | None, **changes: Any) -> Report:
    said = {"commit": sha, "pull_request": number, "branch": "shorter-window" if number else "main", **changes}
    answer = send(ci(project), run=str(Report.objects.count()), **said)
    assert answer.status_code == 201, answer.content
    return Report.objects.get(pk=answer.json()["id"])


def comments(world: World, number: int) -> list[str]:
    return [one["body"] for one in world.forge.repositories[REPOSITORY].comments.get(number, [])]


def gate_on(world: World, sha: str) -> tuple[str, str]:
    said = world.forge.statuses(REPOSITORY, sha)[GATE]
    return said["state"], said["description"]


def tell_all() -> None:
    for one in feedback.due(limit=100):
        tell(one)


def looked_at(world: World, project: Project, number: int) -> str:
    """The forge tells of the pull request, and a worker looks; what came of it."""
    row = file_door.listened(project)
    told = file_door.delivered(row, f"d-{row.deliveries.count()}", event="pull_request", pull_request=number)
    file_door.look(world.forge, row)
    told.refresh_from_db()
    return told.outcome


def meanwhile(monkeypatch: pytest.MonkeyPatch, world: World, act: Callable[[], None], *, dies: bool = False) -> None:
    """At the next gate that is set: act first, as if the call took that long, and perhaps die right after it."""
    plain = world.forge.set_status

    def late(*args: Any) -> None:
        monkeypatch.setattr(world.forge, "set_status", plain)
        act()
        plain(*args)
        if dies:
            raise TargetUnavailable("git-1 does not answer.")

    monkeypatch.setattr(world.forge, "set_status", late)
