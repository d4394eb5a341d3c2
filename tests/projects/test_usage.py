"""Usage from a target's words to the rows and back: measured for all at once, written when it moves, never guessed."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from projects import tasks, usage
from projects.installation import installation
from projects.models import Heartbeat, Project, TargetUsage, Usage, UsageDay
from projects.today import today
from projects.usage_tasks import measure_usage
from provisioning.errors import TargetUnavailable
from tests.projects.tended import NAMESPACE, World, asked, fresh, look

pytestmark = pytest.mark.django_db(transaction=True)

GIB = 2.0**30
COUNTED = datetime(2026, 11, 26, 9, 40, tzinfo=UTC)


def count(world: World, **used: str) -> None:
    """What the cluster's quota controller does: `requests_cpu="3"`."""
    for name in ("slipway-compute", "slipway-storage"):
        quota = world.cluster.objects[("v1", "ResourceQuota", NAMESPACE, name)]
        hard = quota["spec"]["hard"]
        told = {quantity: used.get(quantity.replace(".", "_"), "0") for quantity in hard}
        quota["status"] = {"hard": dict(hard), "used": told}


def figures() -> dict[str, tuple[float, float | None]]:
    return {row.measure: (row.used, row.limit) for row in Usage.objects.all()}


def of(project: Project) -> dict[str, usage.Use]:
    return {one.measure.name: one for one in usage.of_project(project, catalogue=installation().catalogue)}


def days(project: Project, *, last: int, measure: str = "bucket", limit: float | None = 500 * GIB, **used: Any) -> None:
    """Days of the past: `d9=100.0` is nine days ago."""
    UsageDay.objects.filter(project=project).delete()
    UsageDay.objects.bulk_create(
        UsageDay(project=project, day=today() - timedelta(days=int(name[1:])), figures={measure: [value, limit]})
        for name, value in {**used, "d0": last}.items()
    )


def test_one_pass_over_each_target_measures_every_project(world: World) -> None:
    look(asked())
    count(world, requests_cpu="3500m", limits_cpu="12", requests_memory="14Gi", pods="9", requests_storage="120Gi")
    world.store.put_object(NAMESPACE, "a.bin", b"x" * 100)
    world.store.put_object(NAMESPACE, "b.bin", b"x" * 20)
    world.store.counted_at = COUNTED
    world.forget_calls()
    measure_usage()
    assert figures() == {
        "cpu": (12.0, 16.0), "memory": (14 * GIB, 64 * GIB), "gpu": (0.0, 0.0), "pods": (9.0, 50.0),
        "storage": (120 * GIB, 500 * GIB), "bucket": (120.0, 500 * GIB), "objects": (2.0, None),
    }  # fmt: skip
    assert [call[0] for call in world.calls()] == ["list", "list", "data_usage", "capacity"]
    told = {row.target: row.as_of for row in TargetUsage.objects.all()}
    assert told["store-1"] == COUNTED
    assert told["cluster-north"] is not None
    assert UsageDay.objects.get().day == today()


def test_only_what_moved_is_written_and_a_day_keeps_its_most(world: World) -> None:
    look(asked())
    count(world, requests_cpu="8", pods="9")
    measure_usage()
    before = {row.measure: row.moved_at for row in Usage.objects.all()}
    count(world, requests_cpu="2", pods="9")
    measure_usage()
    after = {row.measure: row.moved_at for row in Usage.objects.all()}
    assert {measure for measure in after if after[measure] != before[measure]} == {"cpu"}
    assert figures()["cpu"] == (2.0, 16.0)
    day = UsageDay.objects.get().figures
    assert (day["cpu"], day["pods"]) == ([8.0, 16.0], [9.0, 50.0])


def test_a_silent_target_keeps_its_last_figures_and_the_others_are_measured(world: World) -> None:
    look(asked())
    count(world, pods="9")
    world.store.put_object(NAMESPACE, "a.bin", b"x" * 100)
    measure_usage()
    asked_at = TargetUsage.objects.get(target="cluster-north").asked_at
    world.cluster.fail_with(TargetUnavailable("cluster-north does not answer."), on="list", times=9)
    world.store.put_object(NAMESPACE, "b.bin", b"x" * 100)
    measure_usage()
    assert (figures()["pods"], figures()["bucket"]) == ((9.0, 50.0), (200.0, 500 * GIB))
    assert TargetUsage.objects.get(target="cluster-north").asked_at == asked_at
    assert Heartbeat.objects.get(name="usage").detail == {"moved": 2}


def test_ci_runs_are_a_measure_where_the_cluster_counts_them_and_no_gap_elsewhere(world: World) -> None:
    project = look(asked())
    count(world, pods="9")
    measure_usage()
    assert "runs" not in of(fresh(project))
    quota = world.cluster.objects[("v1", "ResourceQuota", NAMESPACE, "slipway-objects")]
    runs = "count/pipelineruns.tekton.dev"
    quota["status"] = {"hard": {runs: quota["spec"]["hard"][runs]}, "used": {runs: "430"}}
    measure_usage()
    found = of(fresh(project))["runs"]
    assert (found.used, found.limit, found.over, found.larger) == (430.0, 500.0, True, None)


def test_a_store_that_has_not_counted_gives_no_figure_for_its_buckets(world: World) -> None:
    project = look(asked())
    world.store.put_object(NAMESPACE, "a.bin", b"x" * 100)
    world.store.counted_at = None
    measure_usage()
    assert "bucket" not in figures()
    assert of(project)["bucket"].used is None
    assert TargetUsage.objects.get(target="store-1").as_of is None


def test_a_project_tells_every_measure_with_its_age_and_the_next_plan(world: World) -> None:
    project = look(asked())
    count(world, requests_cpu="13")
    measure_usage()
    found = of(fresh(project))
    assert list(found) == [one.name for one in usage.measures() if one.everywhere]
    cpu = found["cpu"]
    assert (cpu.used, cpu.limit, cpu.share, cpu.over) == (13.0, 16.0, 13 / 16, True)
    assert cpu.as_of is not None
    assert timezone.now() - cpu.as_of < timedelta(minutes=1)
    assert [one and one.name for one in (cpu.larger, found["gpu"].larger, found["objects"].larger)] == [
        "large", "gpu", None,
    ]  # fmt: skip
    assert (found["gpu"].share, found["bucket"].used, found["bucket"].as_of) == (None, None, None)


@pytest.mark.parametrize(
    ("limit", "past", "full_in"),
    [
        (500.0, {"d10": 300.0}, 10.0),
        (500.0, {"d20": 0.0, "d10": 300.0}, 10.0),
        (500.0, {"d10": 450.0}, None),
        (500.0, {"d2": 300.0}, None),
        (500.0, {}, None),
        (400.0, {"d10": 300.0}, None),
        (None, {"d10": 300.0}, None),
    ],
    ids=["grows", "two weeks count", "shrinks", "too short", "one day", "full already", "no limit"],
)
def test_the_pace_of_two_weeks_says_when_it_is_full(
    world: World, limit: float | None, past: dict[str, float], full_in: float | None
) -> None:
    project = look(asked())
    Usage.objects.create(project=project, measure="bucket", target="store-1", used=400.0, limit=limit)
    days(project, last=400, limit=limit, **past)
    assert of(project)["bucket"].full_in == full_in


def test_what_comes_and_goes_has_no_pace_and_a_day_without_a_round_has_no_figure(world: World) -> None:
    project = look(asked())
    Usage.objects.create(project=project, measure="cpu", target="cluster-north", used=8.0, limit=16.0)
    days(project, measure="cpu", limit=16.0, last=8, d7=4.0, d6=6.0)
    cpu = of(project)["cpu"]
    assert (cpu.full_in, cpu.week_ago) == (None, 4.0)
    assert [one.used for one in cpu.days] == [4.0, 6.0, None, None, None, None, None, 8]


def test_a_target_is_summed_and_capacity_that_it_does_not_tell_stays_unknown(world: World) -> None:
    project = look(asked())
    count(world, requests_cpu="13", pods="9")
    measure_usage()
    cluster = usage.target_use("cluster-north")
    assert cluster is not None
    assert (cluster.used["cpu"], cluster.granted["cpu"]) == (13.0, 16.0)
    assert (cluster.used["pods"], cluster.granted["pods"], cluster.free("cpu")) == (9.0, 50.0, None)
    world.cluster.create({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n"}, "spec": {}})
    world.cluster.objects[("v1", "Node", "", "n")]["status"] = {"allocatable": {"cpu": "64"}}
    measure_usage()
    known = usage.target_use("cluster-north")
    assert known is not None
    assert (known.free("cpu"), usage.target_use("cluster-south")) == (51.0, None)
    Project.objects.filter(pk=project.pk).update(deletion_requested_at=timezone.now())
    emptied = usage.target_use("cluster-north")
    assert emptied is not None
    assert emptied.used == {}


def test_a_target_that_left_the_catalogue_has_no_capacity_any_more(world: World) -> None:
    TargetUsage.objects.create(target="cluster-of-old", as_of=timezone.now(), capacity={"cpu": 64.0})
    measure_usage()
    assert [one.name for one in usage.target_uses()] == ["cluster-north", "store-1"]


def test_measuring_more_projects_asks_no_more_of_the_database(world: World, django_assert_max_num_queries: Any) -> None:
    first = asked()
    look(first)
    count(world, pods="9")
    for number in range(30):
        spec = {**first.spec, "slug": f"demand-{number}"}
        Project.objects.create(slug=spec["slug"], team=first.team, spec=spec)
    with django_assert_max_num_queries(32):
        measure_usage()


def test_old_days_and_the_figures_of_gone_projects_are_forgotten(world: World) -> None:
    project = look(asked())
    count(world, pods="9")
    measure_usage()
    UsageDay.objects.create(project=project, day=today() - timedelta(days=36), figures={"pods": [1.0, 50.0]})
    tasks.tidy()
    assert [row.day for row in UsageDay.objects.all()] == [today()]
    now = timezone.now()
    Project.objects.filter(pk=project.pk).update(deletion_requested_at=now, deleted_at=now)
    tasks.tidy()
    assert Usage.objects.count() == 0
