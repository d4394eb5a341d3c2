"""Fixtures: workers whose targets are in memory."""

from collections.abc import Iterator
from typing import Any

import pytest
from celery.signals import before_task_publish

from projects import tasks, work
from provisioning import targets
from tests.projects.tended import World, installed


@pytest.fixture
def world() -> Iterator[World]:
    made = World()

    def heard(sender: str, **_: Any) -> None:
        made.rung.append(sender.removeprefix("projects.tasks."))

    before_task_publish.connect(heard)
    tasks._ledger.verified.clear()
    with installed():
        yield made
    before_task_publish.disconnect(heard)
    targets.forget_clients()
    with work.keeper._lock:
        work.keeper._held.clear()
