"""What goes round on timers, on a real Postgres with targets in memory: probe, scan, sweep, tidy."""

from collections.abc import Sequence
from datetime import timedelta

import psycopg
import pytest
from django.db import connection
from django.utils import timezone

from projects import tasks
from projects.models import Delivery, Door, Heartbeat, IdempotencyKey, LookAsked, Project, RegisteredRepository
from provisioning.conditions import Word
from provisioning.errors import PermanentError, Reason, TargetUnavailable
from provisioning.models import TargetHealth
from tests.fakes.cluster import FakeCluster
from tests.people import person
from tests.projects.tended import (
    ALICE,
    BOB,
    REPOSITORY,
    World,
    asked,
    database,
    events,
    fresh,
    installed,
    is_due,
    look,
    rows,
)
from tests.provisioning.outside import TEKTON

pytestmark = pytest.mark.django_db(transaction=True)


SILENT = TargetUnavailable("cluster-north does not answer.")


# The probe


def test_a_silent_target_makes_things_wait_and_wakes_them_when_it_is_back(world: World) -> None:
    world.cluster.fail_with(SILENT, on="*", times=10_000)
    project = look(asked())
    reasons = rows(project)
    assert (reasons["namespace"], reasons["limits"]) == ("TargetUnavailable", "DependencyNotReady")
    assert (reasons["bucket"], reasons["webhook"]) == ("Available", "Available")
    assert project.resources.get(kind="namespace").word is Word.WAITING
    world.connect()
    tasks.probe_targets()
    answers = dict(TargetHealth.objects.values_list("name", "answering"))
    assert answers == {"cluster-north": False, "store-1": True, "git-1": True}
    since = TargetHealth.objects.get(name="cluster-north").since
    tasks.probe_targets()
    assert TargetHealth.objects.get(name="cluster-north").since == since
    Project.objects.filter(pk=project.pk).update(next_look_at=timezone.now() + timedelta(minutes=5))
    world.cluster.end_failures()
    world.connect()
    world.rung.clear()
    tasks.probe_targets()
    assert TargetHealth.objects.get(name="cluster-north").answering
    assert (is_due(project), world.rung) == (True, ["drain"])
    tasks.drain()
    assert fresh(project).word is Word.READY


def test_a_target_that_answers_but_says_later_is_not_asked_before(world: World) -> None:
    tasks.probe_targets()
    world.cluster.fail_with(TargetUnavailable("cluster-north is busy.", delay=60), on="create")
    project = look(asked())
    world.connect()
    tasks.probe_targets()
    assert not is_due(project)


def test_health_of_a_target_that_left_the_catalogue_is_forgotten(world: World) -> None:
    TargetHealth.objects.create(name="cluster-south", answering=True)
    tasks.probe_targets()
    assert set(TargetHealth.objects.values_list("name", flat=True)) == {"cluster-north", "store-1", "git-1"}


# The scan


def test_an_untouched_fleet_stays_as_it_is(world: World) -> None:
    project = look(asked())
    world.forget_calls()
    tasks.scan_fleet()
    assert not is_due(project)
    assert {call[0] for call in world.calls()} <= {"list", "serves", "list_buckets"}
    assert Heartbeat.objects.get(name="scan").detail == {"projects": 1, "moved": 0}


def test_an_empty_fleet_has_a_heartbeat_too(world: World) -> None:
    tasks.scan_fleet()
    assert Heartbeat.objects.get(name="scan").detail == {"projects": 0, "moved": 0}


@pytest.mark.parametrize(
    ("policy", "pods", "word", "told"),
    [("heal", "50", Word.READY, 1), ("warn", "9000", Word.ATTENTION, 1), ("ignore", "9000", Word.READY, 0)],
)
def test_drift_is_handled_as_the_catalogue_says(world: World, policy: str, pods: str, word: Word, told: int) -> None:
    with installed(drift={"limits": policy}):
        project = look(asked())
        world.spoil_quota()
        for _ in range(3):
            tasks.scan_fleet()
            tasks.drain()
        project = look(project)
        tasks.scan_fleet()
    assert (world.pods(), project.word, len(events(Reason.DRIFTED))) == (pods, word, told)
    assert not is_due(project)


def test_drift_under_a_warning_is_not_looked_at_in_every_round(world: World) -> None:
    with installed(drift={"limits": "warn"}):
        project = look(asked())
        world.spoil_quota()
        tasks.scan_fleet()
        assert is_due(project)
        tasks.drain()
        tasks.scan_fleet()
        assert not is_due(project)


def test_one_target_that_refuses_the_scan_does_not_hide_the_others(world: World) -> None:
    project = look(asked())
    world.cluster.fail_with(PermanentError("cluster-north does not let us list."), on="list")
    world.store.buckets.clear()
    tasks.scan_fleet()
    assert is_due(project)


def test_a_cluster_without_tekton_is_ready_without_and_gets_it_later(world: World) -> None:
    world.cluster = FakeCluster()
    world.connect()
    project = look(asked())
    assert (rows(project)["pipeline"], project.word, project.ready_at is None) == ("Unsupported", Word.READY, False)
    tasks.scan_fleet()
    assert not is_due(project)
    for kind in TEKTON:
        world.cluster.add_kind("triggers.tekton.dev/v1beta1", kind)
    world.rung.clear()
    tasks.scan_fleet()
    assert (is_due(project), world.rung) == (True, ["drain"])
    tasks.drain()
    assert rows(project)["pipeline"] == "Available"
    assert events(Reason.DRIFTED) == []


# The last day of a role


@pytest.mark.parametrize("policy", ["heal", "warn", "ignore"])
def test_who_had_a_last_day_is_out_at_the_next_look(world: World, policy: str) -> None:
    today = timezone.localdate()
    yesterday = today - timedelta(days=1)
    with installed(drift={"access": policy, "repository_access": policy}):
        project = look(asked(contributors=[ALICE, {**BOB, "until": str(today)}]))
        assert world.subjects("editor") == ["ad:bob@corp.example"]
        assert set(world.forge.repositories[REPOSITORY].collaborators) == {"alice", "bob"}
        spec = {**project.spec, "contributors": [ALICE, {**BOB, "until": str(yesterday)}]}
        Project.objects.filter(pk=project.pk).update(spec=spec)
        project = look(project)
    assert (world.subjects("owner"), world.subjects("editor")) == (["ad:alice@corp.example"], [])
    assert set(world.forge.repositories[REPOSITORY].collaborators) == {"alice"}
    assert events(Reason.DRIFTED) == []
    assert project.word is Word.READY


def test_the_last_owner_stays_and_nobody_else_with_them(world: World) -> None:
    yesterday = str(timezone.localdate() - timedelta(days=1))
    look(asked(contributors=[{**ALICE, "until": yesterday}, {**BOB, "until": yesterday}]))
    assert (world.subjects("owner"), world.subjects("editor")) == (["ad:alice@corp.example"], [])


# Sweep and tidy


def test_the_sweep_rings_for_what_is_due(world: World) -> None:
    project = asked()
    tasks.sweep()
    assert world.rung == ["drain"]
    assert Heartbeat.objects.get(name="sweep").detail == {"due": 1}
    world.rung.clear()
    look(project)
    world.rung.clear()
    tasks.sweep()
    assert world.rung == []


@pytest.mark.parametrize("name", ["sweep", "probe", "scan", "poll"])
def test_each_loop_runs_once_at_a_time(world: World, name: str) -> None:
    loops = {"sweep": tasks.sweep, "probe": tasks.probe_targets, "scan": tasks.scan_fleet, "poll": tasks.poll_profiles}
    asked()
    with psycopg.connect(**database(), autocommit=True) as other:
        other.execute("SELECT pg_advisory_lock(hashtext(%s))", [f"slipway:{name}"])
        loops[name]()
        assert (world.rung, world.calls(), Heartbeat.objects.count()) == ([], [], 0)
    loops[name]()
    held = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"
    with connection.cursor() as cursor:
        cursor.execute(held)
        assert cursor.fetchone() == (0,)


def test_tidy_forgets_what_has_served_its_time(world: World) -> None:
    now, alice = timezone.now(), person("alice")
    row = RegisteredRepository.objects.create(forge="git-1", full_name=REPOSITORY)
    ages: Sequence[tuple[str, timedelta | None]] = [
        ("old", timedelta(days=31)),
        ("new", timedelta(days=1)),
        ("open", None),
    ]
    for number, age in ages:
        answered = now - age if age else None
        Delivery.objects.create(repository=row, delivery_id=number, event="push", answered_at=answered)
    for key, hours in (("old", 25), ("new", 23)):
        created = now - timedelta(hours=hours)
        IdempotencyKey.objects.create(user=alice, key=key, fingerprint="0" * 64, created_at=created)
    project = asked()
    for door, days in ((Door.FORM, 91), (Door.CHAT, 89)):
        LookAsked.objects.create(project=project, asked_by_name="alice", door=door, asked_at=now - timedelta(days=days))
    tasks.tidy()
    assert set(LookAsked.objects.values_list("door", flat=True)) == {Door.CHAT}
    assert set(Delivery.objects.values_list("delivery_id", flat=True)) == {"new", "open"}
    assert set(IdempotencyKey.objects.values_list("key", flat=True)) == {"new"}
