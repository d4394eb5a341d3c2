"""Fixtures: workers whose targets are in memory, and pages with their sample teams."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from celery.signals import before_task_publish
from django.core.cache import cache
from django.db.models import Model

from projects import tasks, work
from projects.models import (
    DirectoryEntry,
    Membership,
    Project,
    ProjectHistory,
    ProjectRequest,
    ProjectRequestHistory,
    RegisteredRepository,
)
from provisioning import targets
from tests.entries import group_entry, person_entry
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
def untouched(django_capture_on_commit_callbacks: Any) -> Any:
    """Within `untouched(*more)` nothing may be written about projects, nor in these tables, and nobody rung for."""

    @contextmanager
    def check(*more: type[Model]) -> Iterator[None]:
        tables = (Project, ProjectRequest, Membership, ProjectHistory, ProjectRequestHistory, *more)
        before = [list(table._default_manager.order_by("pk").values()) for table in tables]
        with django_capture_on_commit_callbacks() as rung:
            yield
        assert [list(table._default_manager.order_by("pk").values()) for table in tables] == before
        assert rung == []

    return check


@pytest.fixture
def pages() -> None:
    """The teams that pages are tested with."""
    teams()


@pytest.fixture
def staffed(pages: None) -> None:
    """A directory: alice and, by a group in it, bob in ml-forecasting; charlie in ml-vision."""
    alice, bob, charlie = (person_entry(name) for name in ("alice", "bob", "charlie"))
    group_entry("ml-forecasting", alice, group_entry("ml-planners", bob))
    group_entry("ml-vision", charlie)
    DirectoryEntry.objects.filter(is_group=True).update(place="Groups")


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
