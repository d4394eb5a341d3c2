"""Old runs of CI go, oldest first; what runs, what is new and what the Trigger did not make stays."""

from typing import Any

import pytest

from provisioning import ci_runs
from provisioning.errors import PermanentError, TargetUnavailable
from provisioning.kinds.pipeline import KIND as PIPELINE
from tests.fakes.cluster import FakeCluster
from tests.provisioning.wishes import wish

NAMESPACE = "ml-demand"


@pytest.fixture(name="cluster")
def _cluster() -> FakeCluster:
    cluster = FakeCluster()
    cluster.add_kind("tekton.dev/v1", "PipelineRun")
    return cluster


def labels_of_the_trigger() -> dict[str, str]:
    """Those that a run really gets."""
    template = next(one.body for one in PIPELINE.desired(wish()) if one.key == "TriggerTemplate/slipway-ci")
    assert template is not None
    labels = template["spec"]["resourcetemplates"][0]["metadata"]["labels"]
    return {**labels, "slipway.dev/event": "push"}


def workspace(cluster: FakeCluster, namespace: str = NAMESPACE) -> None:
    cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})


def run(cluster: FakeCluster, number: int, namespace: str = NAMESPACE, **changes: Any) -> None:
    """Run `number`, a minute after the one before it. succeeded: its condition; None: it has not begun."""
    name, succeeded = changes.get("name", f"ci-{number:04d}"), changes.get("succeeded", "True")
    metadata = {"name": name, "namespace": namespace, "labels": changes.get("labels", labels_of_the_trigger())}
    cluster.create({"apiVersion": "tekton.dev/v1", "kind": "PipelineRun", "metadata": metadata})
    kept = cluster.objects[("tekton.dev/v1", "PipelineRun", namespace, name)]
    kept["metadata"]["creationTimestamp"] = (
        f"2026-11-{10 + number // 1440:02d}T{number // 60 % 24:02d}:{number % 60:02d}:00Z"
    )
    if succeeded is not None:
        kept["status"] = {"conditions": [{"type": "Succeeded", "status": succeeded}]}


def names(cluster: FakeCluster, namespace: str = NAMESPACE) -> list[str]:
    return sorted(one[3] for one in cluster.objects if one[1] == "PipelineRun" and one[2] == namespace)


def test_the_newest_ended_runs_stay_and_the_rest_goes(cluster: FakeCluster) -> None:
    workspace(cluster)
    for number in range(300):
        run(cluster, number, succeeded="False" if number % 3 else "True")
    assert ci_runs.remove_old(cluster, [NAMESPACE]) == 200
    assert names(cluster) == [f"ci-{number:04d}" for number in range(200, 300)]
    assert ci_runs.remove_old(cluster, [NAMESPACE]) == 0


def test_one_look_removes_the_oldest_and_no_more_than_it_may(cluster: FakeCluster) -> None:
    workspace(cluster)
    for number in range(500):
        run(cluster, number)
    assert ci_runs.remove_old(cluster, [NAMESPACE]) == ci_runs.AT_ONCE
    assert names(cluster)[0] == f"ci-{ci_runs.AT_ONCE:04d}"
    assert ci_runs.remove_old(cluster, [NAMESPACE]) == 200
    assert len(names(cluster)) == ci_runs.KEPT


def test_what_runs_and_what_others_made_is_left_alone(cluster: FakeCluster) -> None:
    workspace(cluster)
    run(cluster, 0, name="waits", succeeded=None)
    run(cluster, 1, name="goes-on", succeeded="Unknown")
    run(cluster, 2, name="theirs", labels={})
    run(cluster, 3, name="pipelines-as-code", labels={"pipelinesascode.tekton.dev/repository": "demand"})
    run(cluster, 4, name="another", labels={"slipway.dev/project": "demand"})
    for number in range(5, 5 + ci_runs.MANY):
        run(cluster, number)
    assert ci_runs.remove_old(cluster, [NAMESPACE]) == ci_runs.MANY - ci_runs.KEPT
    left = names(cluster)
    assert [name for name in left if not name.startswith("ci-")] == [
        "another", "goes-on", "pipelines-as-code", "theirs", "waits",
    ]  # fmt: skip


def test_a_workspace_that_refuses_holds_up_no_other(cluster: FakeCluster) -> None:
    for namespace in (NAMESPACE, "ml-winter"):
        workspace(cluster, namespace)
        for number in range(ci_runs.MANY + 1):
            run(cluster, number, namespace)
    cluster.fail_with(PermanentError("cluster-north refuses to remove PipelineRun ci-0000: forbidden"), on="delete")
    assert ci_runs.remove_old(cluster, [NAMESPACE, "ml-winter"]) == ci_runs.MANY + 1 - ci_runs.KEPT
    assert len(names(cluster)) == ci_runs.MANY + 1
    assert len(names(cluster, "ml-winter")) == ci_runs.KEPT


def test_a_cluster_that_is_away_says_so(cluster: FakeCluster) -> None:
    cluster.fail_with(TargetUnavailable("cluster-north does not answer."), on="list")
    with pytest.raises(TargetUnavailable):
        ci_runs.remove_old(cluster, [NAMESPACE])
