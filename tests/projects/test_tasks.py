"""What a worker's look does, on a real Postgres with targets in memory, and what it leaves in the rows."""

from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.db import connection
from django.utils import timezone

from projects import actions, tasks, work
from projects.installation import installation
from projects.models import Door, Project, RegisteredRepository
from provisioning.conditions import Word
from provisioning.errors import PermanentError, Reason, TargetUnavailable
from provisioning.models import Event, Resource
from tests.fakes.cluster import FakeCluster
from tests.people import person, teams
from tests.projects.tended import (
    ALICE,
    NAMESPACE,
    World,
    asked,
    change,
    database,
    events,
    fresh,
    is_due,
    look,
    rows,
    without_medium,
)
from tests.usual import usual_kinds

pytestmark = pytest.mark.django_db(transaction=True)


# A look


def test_a_new_project_is_made_and_its_rows_say_so(world: World) -> None:
    project = look(asked())
    assert rows(project) == dict.fromkeys(usual_kinds(), "Available")
    assert rows(project, "observed_generation") == dict.fromkeys(usual_kinds(), 1)
    # The forge's own Actions are off here, so that Kind had nothing to make.
    assert {kind for kind, _ in events(Reason.AVAILABLE)} == set(usual_kinds()) - {"actions"}
    assert (project.word, project.settled, project.lease_until, project.lease_holder) == (Word.READY, True, None, "")
    assert project.ready_at is not None
    assert project.next_look_at is not None
    assert timedelta(minutes=9) < project.next_look_at - timezone.now() <= installation().resync


def test_a_second_look_says_and_changes_nothing(world: World) -> None:
    project = look(asked())
    before, ready_at = Event.objects.count(), project.ready_at
    world.forget_calls()
    project = look(project)
    assert Event.objects.count() == before
    assert project.ready_at == ready_at
    writes = ("create", "apply", "delete", "make", "set_", "put_", "remove", "update", "ensure")
    assert [call for call in world.calls() if call[0].startswith(writes)] == []


def test_a_retired_project_is_gone_and_its_name_free(world: World) -> None:
    project = look(asked())
    Project.objects.filter(pk=project.pk).update(deletion_requested_at=timezone.now(), remove_data=True, generation=2)
    for _ in range(4):
        project = look(project)
    assert project.deleted_at is not None
    assert not project.resources.exists()
    assert [key for key in world.cluster.objects if NAMESPACE in key] == []
    assert (world.store.buckets, world.store.users, world.store.policies, world.forge.repositories) == ({}, {}, {}, {})


def test_one_worker_looks_at_all_that_is_due(world: World) -> None:
    projects = [asked()]
    for slug in ("supply", "price"):
        spec = {**projects[0].spec, "slug": slug}
        projects.append(Project.objects.create(slug=slug, team=teams()["forecasting"], spec=spec))
    tasks.drain()
    assert [fresh(one).word for one in projects] == [Word.READY] * 3


def test_a_worker_that_stops_draining_holds_no_claim(world: World) -> None:
    first = asked()
    for number in range(tasks.DRAIN_AT_MOST + 2):
        slug = f"supply-{number}"
        Project.objects.create(slug=slug, team=teams()["forecasting"], spec={**first.spec, "slug": slug})
    tasks.reconcile_project(first.pk)
    assert Project.objects.filter(ready_at=None).count() == 2
    assert not Project.objects.exclude(lease_until=None).exists()
    assert len(work.due(limit=9)) == 2


def test_a_refused_change_is_told_once_and_is_not_ready(world: World) -> None:
    project = look(asked())
    change(project, plan="large")
    for _ in range(3):
        world.cluster.fail_with(PermanentError("The quota is refused. Choose a smaller plan."), on="apply")
        project = look(project)
    assert events(Reason.REJECTED) == [("limits", "The quota is refused. Choose a smaller plan.")]
    assert (project.word, project.ready_at, project.settled) == (Word.ATTENTION, None, True)
    assert rows(project, "ready_status")["limits"] == "True"
    tasks.scan_fleet()
    assert not is_due(project)
    project = look(project)
    assert (project.word, project.ready_at is None) == (Word.READY, False)


def test_however_long_a_server_makes_us_wait_the_project_is_looked_at_in_time(world: World) -> None:
    world.forge.fail_with(TargetUnavailable("git-1 is busy.", delay=86_400), on="*", times=50)
    project = look(asked())
    assert project.next_look_at is not None
    assert project.next_look_at - timezone.now() <= installation().resync


def test_rows_of_a_kind_that_is_no_more_are_forgotten(world: World) -> None:
    project = asked()
    Resource.objects.create(project=project, kind="mailbox", target="mail-1")
    project = look(project)
    assert set(rows(project)) == set(usual_kinds())
    assert project.word is Word.READY


# A wish that can't be made


SENTENCE = "Plan medium is no longer in the catalogue. Choose another plan, or ask the platform team."


def test_a_plan_that_left_the_catalogue_needs_attention_until_it_is_back(world: World) -> None:
    project = look(asked())
    world.forget_calls()
    with without_medium():
        for _ in range(3):
            project = look(project)
        tasks.scan_fleet()
    assert world.calls() == []
    assert (project.word, project.lease_until, is_due(project)) == (Word.ATTENTION, None, False)
    assert rows(project, "synced_message") == dict.fromkeys(usual_kinds(), SENTENCE)
    assert rows(project, "ready_status") == dict.fromkeys(usual_kinds(), "True")
    assert events(Reason.REJECTED) == [(kind, SENTENCE) for kind in usual_kinds()]
    project = look(project)
    assert project.word is Word.READY
    assert events(Reason.DRIFTED) == []


@pytest.mark.parametrize("suspended", [False, True])
def test_who_is_out_loses_rights_where_the_plan_left_and_nothing_else_is_done(world: World, suspended: bool) -> None:
    project = look(asked())
    Project.objects.filter(pk=project.pk).update(suspended=suspended)
    change(project, contributors=[ALICE])
    world.forget_calls()
    with without_medium():
        project = look(project)
        assert (world.subjects("editor"), world.subjects("owner")) == ([], ["ad:alice@corp.example"])
        assert [call for call in world.calls() if "ResourceQuota" in str(call) or "set_quota" in str(call)] == []
        assert (project.word, is_due(project)) == (Word.SUSPENDED if suspended else Word.ATTENTION, False)
        messages = rows(project, "synced_message")
        followed = {"access", "repository_access"}
        assert {messages[kind] for kind in usual_kinds().keys() - followed} == {"" if suspended else SENTENCE}
        world.forget_calls()
        project = look(project)
        assert world.calls() == []
        assert set(rows(project, "synced_message").values()) == {"" if suspended else SENTENCE}
    Project.objects.filter(pk=project.pk).update(suspended=False)
    assert look(project).word is Word.READY
    assert events(Reason.DRIFTED) == []


def test_a_target_that_is_away_delays_the_rights_of_a_project_whose_plan_left_and_loses_them_not(world: World) -> None:
    project = look(asked())
    change(project, contributors=[ALICE])
    world.cluster.fail_with(TargetUnavailable("cluster-north is away."), on="*", times=20)
    with without_medium():
        project = look(project)
        assert (rows(project)["access"], rows(project)["limits"]) == (Reason.TARGET_UNAVAILABLE, Reason.REJECTED)
        assert project.next_look_at is not None
        assert project.next_look_at - timezone.now() < timedelta(minutes=1)
        world.cluster.end_failures()
        world.connect()
        look(project)
    assert world.subjects("editor") == []


def test_a_plan_that_left_before_the_first_look_is_said_too(world: World) -> None:
    with without_medium():
        project = look(asked())
    assert project.word is Word.ATTENTION
    assert rows(project, "synced_message") == dict.fromkeys(usual_kinds(), SENTENCE)


def test_a_project_whose_plan_left_can_be_removed(world: World) -> None:
    project = look(asked())
    Project.objects.filter(pk=project.pk).update(deletion_requested_at=timezone.now(), generation=2)
    with without_medium():
        for _ in range(4):
            project = look(project)
    assert project.deleted_at is not None


def test_a_stored_spec_that_no_longer_reads_stops_nobody_else(world: World) -> None:
    broken = asked(plan="medium", contributors="nobody")
    spec = {**broken.spec, "slug": "supply", "contributors": [ALICE]}
    other = Project.objects.create(slug="supply", team=teams()["forecasting"], spec=spec)
    tasks.drain()
    assert (fresh(broken).word, fresh(other).word) == (Word.ATTENTION, Word.READY)
    assert "can't be read" in rows(broken, "synced_message")["namespace"]
    tasks.scan_fleet()
    assert not is_due(fresh(broken))


# Suspended


def test_a_suspended_project_is_left_alone_and_goes_on_when_resumed(world: World) -> None:
    project, paula = asked(), person("paula")
    actions.suspend(project, by=paula, suspended=True, door=Door.FORM, because="Night work.")
    project = look(project)
    assert (world.calls(), project.word, is_due(project)) == ([], Word.SUSPENDED, False)
    actions.suspend(project, by=paula, suspended=False, door=Door.FORM, because="Night work.")
    assert is_due(project)
    tasks.reconcile_project(project.pk)
    assert fresh(project).word is Word.READY


def test_who_is_out_loses_rights_in_a_suspended_project_and_nothing_else_is_done(world: World) -> None:
    project = look(asked())
    actions.suspend(project, by=person("paula"), suspended=True, door=Door.FORM, because="Night work.")
    project = look(project)
    world.forget_calls()
    assert look(project).word is Word.SUSPENDED
    assert world.calls() == []
    change(project, plan="medium", contributors=[ALICE])
    Project.objects.filter(pk=project.pk).update(suspended=True)
    project = look(project)
    assert world.subjects("editor") == []
    assert world.subjects("owner") == ["ad:alice@corp.example"]
    assert [call for call in world.calls() if "ResourceQuota" in str(call)] == []
    assert (project.word, project.settled, project.lease_until) == (Word.SUSPENDED, False, None)
    world.forget_calls()
    look(project)
    assert world.calls() == []


def test_a_target_that_is_away_delays_the_rights_of_a_suspended_project_and_loses_them_not(world: World) -> None:
    project = look(asked())
    change(project, contributors=[ALICE])
    Project.objects.filter(pk=project.pk).update(suspended=True)
    world.cluster.fail_with(TargetUnavailable("cluster-north is away."), on="*", times=20)
    project = look(project)
    assert project.next_look_at is not None
    assert project.next_look_at - timezone.now() < timedelta(minutes=1)
    world.cluster.end_failures()
    world.connect()
    look(project)
    assert world.subjects("editor") == []


# Faults


class Cutting(FakeCluster):
    """A cluster during whose first answer the worker loses its connection to the database."""

    worker = 0

    def create(self, manifest: dict[str, Any]) -> dict[str, Any]:
        worker, self.worker = self.worker, 0
        if worker:
            with psycopg.connect(**database(), autocommit=True) as other:
                other.execute("SELECT pg_terminate_backend(%s)", [worker])
        return super().create(manifest)


def test_a_lost_database_costs_seconds_and_no_lease(world: World) -> None:
    project = asked()
    world.cluster = cluster = Cutting()
    world.connect()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (cluster.worker,) = cursor.fetchone() or (0,)
    tasks.reconcile_project(project.pk)
    project = fresh(project)
    assert (work.keeper._held, project.lease_until) == ({}, None)
    assert project.next_look_at is not None
    assert project.next_look_at - timezone.now() < timedelta(seconds=3)
    assert look(project).word is Word.READY


# Who hears of it


def test_a_file_hears_once_how_it_came_out(world: World) -> None:
    """Every unready look asks what stands on the commit, and writes only when that is no longer so."""
    project = asked()
    world.forge.organisations.add("forecasting")
    world.forge.create_repository("forecasting", "profile", "")
    sha = world.forge.put_files("forecasting/profile", "main", "Ask", {"profile.yaml": b"slug: demand\n"})
    RegisteredRepository.objects.create(
        forge="git-1", full_name="forecasting/profile", project=project, seen_commit=sha
    )
    project.requests.create(
        slug="demand", team=project.team, action="create", door=Door.FILE, requested_by_name="alice", commit=sha,
        generation=1, decision="approved", decided_at=timezone.now(), rule="within-budget", because="It fits.",
    )  # fmt: skip
    for _ in range(4):
        world.store.fail_with(PermanentError("The store is full."), on="make_bucket")
        look(project)
    said = [call[4] for call in world.forge.made("set_status")]
    assert said == ["failure"]
    project = look(project)
    assert project.word is Word.READY
    assert [call[4] for call in world.forge.made("set_status")] == ["failure", "success"]
