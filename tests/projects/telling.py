"""A project with a branch beside main, reports about it, and what the forge was told: for tests of feedback."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.cache import cache

from projects import feedback
from projects.feedback_tasks import tell
from projects.models import Project, Report
from tests.ci import ci, send
from tests.projects.tended import REPOSITORY, World, asked, look

GATE = "slipway/model-gate"


@contextmanager
def ready(world: World, **changes: Any) -> Iterator[Project]:
    """The project, as the engine has made it; nobody remembers anything of others."""
    cache.clear()
    made = look(asked(**changes))
    world.forge.create_branch(REPOSITORY, "shorter-window", "main")
    yield made
    cache.clear()


def push(world: World, text: str = "x", *, branch: str = "shorter-window") -> str:
    return world.forge.put_files(REPOSITORY, branch, "Change", {"train.py": text.encode()})


def opened(world: World) -> tuple[int, str]:
    """A pull request with one commit: its number and that commit."""
    sha = push(world)
    return world.forge.create_pull_request(REPOSITORY, "shorter-window", "main", "Shorter window", ""), sha


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
