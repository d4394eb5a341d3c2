"""The round that removes old CI runs: where usage tells of many, over every cluster, one process at a time."""

import pytest
from django.utils import timezone

from projects.ci_run_tasks import remove_old_runs
from projects.models import Project
from projects.usage_tasks import measure_usage
from provisioning import ci_runs
from provisioning.errors import PermanentError, TargetUnavailable
from tests.projects.tended import NAMESPACE, World, asked, look, without_medium
from tests.provisioning.test_ci_runs import names, run

pytestmark = pytest.mark.django_db(transaction=True)


def measured(world: World, runs: int) -> None:
    """So many runs, which the cluster's quota controller counted and a round measured."""
    world.cluster.add_kind("tekton.dev/v1", "PipelineRun")
    for number in range(runs):
        run(world.cluster, number)
    quota = world.cluster.objects[("v1", "ResourceQuota", NAMESPACE, "slipway-objects")]
    counted = "count/pipelineruns.tekton.dev"
    quota["status"] = {"hard": {counted: quota["spec"]["hard"][counted]}, "used": {counted: str(runs)}}
    measure_usage()
    world.forget_calls()


def test_a_project_whose_ci_ran_often_can_run_it_again(world: World) -> None:
    look(asked())
    measured(world, ci_runs.MANY + 1)
    remove_old_runs()
    assert len(names(world.cluster)) == ci_runs.KEPT
    assert [call[:2] for call in world.cluster.calls if call[0] == "list"] == [("list", "PipelineRun")]


def test_few_runs_cost_no_call(world: World) -> None:
    look(asked())
    measured(world, ci_runs.MANY)
    remove_old_runs()
    assert world.calls() == []


def test_old_runs_go_too_where_the_plan_left_the_catalogue(world: World) -> None:
    look(asked())
    measured(world, ci_runs.MANY + 1)
    with without_medium():
        remove_old_runs()
    assert len(names(world.cluster)) == ci_runs.KEPT


def test_what_is_being_removed_is_left_to_that(world: World) -> None:
    look(asked())
    measured(world, ci_runs.MANY + 1)
    Project.objects.update(deletion_requested_at=timezone.now())
    remove_old_runs()
    assert world.calls() == []


@pytest.mark.parametrize("error", [PermanentError("forbidden"), TargetUnavailable("cluster-north does not answer.")])
def test_a_cluster_that_refuses_or_is_away_ends_no_round(world: World, error: Exception) -> None:
    look(asked())
    measured(world, ci_runs.MANY + 1)
    world.cluster.fail_with(error, on="list")
    remove_old_runs()
    assert len(names(world.cluster)) == ci_runs.MANY + 1
