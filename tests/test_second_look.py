"""A look that finds nothing to do writes nothing, and a new project costs no needless call: counted at a proxy."""

import os
from collections.abc import Iterator

import pytest
from django.conf import settings
from django.test import override_settings

from bench import bare, measure, stack
from projects import tasks
from projects.models import Project
from provisioning.targets import forget_clients
from tests.contract.stack import folder
from tests.people import person, teams

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def tag() -> Iterator[str]:
    """A stem for names; what was made under it is removed again."""
    folder()
    stem = f"look{os.getpid()}x{os.urandom(2).hex()}"
    teams()
    person("alice")
    yield stem
    for project in Project.objects.filter(slug__startswith=stem):
        Project.objects.filter(pk=project.pk).update(deletion_requested_at=project.created_at, remove_data=True)
        for _ in range(60):
            Project.objects.filter(pk=project.pk).update(next_look_at=project.created_at)
            tasks.reconcile_project(project.pk)
            project.refresh_from_db()
            if project.deleted_at:
                break
    forget_clients()


def test_calls_are_counted_at_a_proxy(tag: str) -> None:
    with override_settings(INSTALLATION=settings.INSTALLATION):
        counted = measure.calls(tag=tag)
    assert counted["second_look_written"] == []
    assert counted["second_look_reads"] > 10
    assert counted["ratio"] <= 1.15, counted["all_calls"]
    assert counted["objects"] == bare.objects_made(bare.bodies(stack.wish(f"{tag}-c1", platform=stack.catalogue())))
