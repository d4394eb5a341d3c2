"""Fixtures: workers whose targets are in memory, and pages with their sample teams."""

from collections.abc import Iterator
from typing import Any

import pytest
from celery.signals import before_task_publish
from django.core.cache import cache

from projects import tasks, work
from projects.models import RegisteredRepository
from provisioning import targets
from tests.people import person, teams
from tests.projects.file_door import PushedForge, listen
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


@pytest.fixture
def nothing_remembered() -> Iterator[None]:
    """Nothing that tests before this one left in the cache: who asked how often, and what was told."""
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def pages() -> None:
    """The teams that pages are tested with."""
    teams()


@pytest.fixture
def forge() -> PushedForge:
    """A forge where the four people push."""
    teams()
    for name in ("alice", "bob", "charlie", "paula"):
        person(name)
    return PushedForge()


@pytest.fixture
def row(forge: PushedForge) -> RegisteredRepository:
    """The repository of it that the portal listens to."""
    return listen(forge)
