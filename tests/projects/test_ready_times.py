"""How long a wish took is kept once, with the look that found it ready, and only then."""

from datetime import timedelta

import pytest
from django.utils import timezone

from projects import tasks
from projects.models import Project, ReadyTime
from provisioning.errors import TargetUnavailable
from tests.projects.tended import World, asked, change, fresh, look
from tests.usual import usual_kinds

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_wish_made_in_one_look_has_its_wait_and_every_kinds_seconds(world: World) -> None:
    project = asked()
    Project.objects.filter(pk=project.pk).update(accepted_at=timezone.now() - timedelta(seconds=30))
    project = look(project)
    row = ReadyTime.objects.get()
    assert (row.project_id, row.generation, row.ready_at) == (project.pk, 1, project.ready_at)
    assert row.accepted_at == project.accepted_at
    assert row.seconds == pytest.approx((row.ready_at - row.accepted_at).total_seconds())
    assert row.queue_seconds is not None
    assert 30 <= row.queue_seconds <= row.seconds
    assert row.steps.keys() == usual_kinds().keys()
    assert all(0 <= seconds < 30 for seconds in row.steps.values())


def test_each_wish_is_kept_once_however_often_it_is_looked_at(world: World) -> None:
    project = look(asked())
    look(project)
    Project.objects.update(ready_at=None)
    look(project)
    assert list(ReadyTime.objects.values_list("generation", flat=True)) == [1]
    change(fresh(project), plan="large")
    look(project)
    assert list(ReadyTime.objects.values_list("generation", flat=True)) == [2, 1]


def test_what_took_more_than_one_look_has_no_wait(world: World) -> None:
    world.forge.fail_with(TargetUnavailable("git-1 does not answer."), on="*", times=99)
    project = look(asked())
    assert (project.ready_at, ReadyTime.objects.count()) == (None, 0)
    world.forge.end_failures()
    world.connect()
    look(project)
    assert ReadyTime.objects.get().queue_seconds is None


def test_old_times_are_forgotten(world: World) -> None:
    look(asked())
    tasks.tidy()
    assert ReadyTime.objects.count() == 1
    ReadyTime.objects.update(ready_at=timezone.now() - timedelta(days=91))
    tasks.tidy()
    assert ReadyTime.objects.count() == 0
