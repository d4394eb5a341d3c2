"""The round that removes old CI runs: over every cluster, one process at a time."""

import pytest

from projects.ci_run_tasks import remove_old_runs
from provisioning import ci_runs
from provisioning.errors import PermanentError
from tests.projects.tended import World, asked, look
from tests.provisioning.test_ci_runs import count, names, run

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_project_whose_ci_ran_often_can_run_it_again(world: World) -> None:
    look(asked())
    world.cluster.add_kind("tekton.dev/v1", "PipelineRun")
    for number in range(ci_runs.MANY + 1):
        run(world.cluster, number)
    count(world.cluster)
    remove_old_runs()
    assert len(names(world.cluster)) == ci_runs.KEPT


def test_a_cluster_that_refuses_ends_no_round(world: World) -> None:
    world.cluster.fail_with(PermanentError("cluster-north refuses to list resourcequotas: forbidden"), on="list")
    remove_old_runs()
    assert world.cluster.made("delete") == []
