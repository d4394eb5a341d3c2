"""What real servers count: the quota controller of a real cluster, and who may list its nodes."""

from collections.abc import Iterator
from typing import Any

import pytest

from provisioning.capacity import of_nodes
from provisioning.clients import connect_cluster
from provisioning.kind import Wish, kinds
from provisioning.kinds import limits
from provisioning.measures import Reading
from tests.contract.clusters import administrator, in_parallel, portal_cluster, service_account, stack
from tests.contract.stack import eventually, unique
from tests.contract.test_kinds_settle import sample

GIB = 2.0**30
RBAC = "/apis/rbac.authorization.k8s.io/v1"


@pytest.fixture
def workspace() -> Iterator[tuple[Any, Wish]]:
    """The portal's client, and a project whose namespace and limits are there."""
    client = portal_cluster()
    project = sample(unique("usage"), rich=False)
    for name in ("namespace", "limits"):
        kind = kinds()[name]
        kind.apply(project, client, kind.desired(project), in_parallel)
    yield client, project
    client.delete("v1", "Namespace", project.names.namespace)
    client.close()


def figures(client: Any, project: Wish) -> dict[str, Reading]:
    return limits.readings(project, limits.survey(client).found)


def test_pods_and_volumes_move_the_figures_as_admission_counts_them(workspace: tuple[Any, Wish]) -> None:
    client, project = workspace
    space = f"/api/v1/namespaces/{project.names.namespace}"
    admin = administrator()
    nothing = {
        "cpu": Reading(0.0, 4.0), "memory": Reading(0.0, 16 * GIB), "gpu": Reading(0.0, 0.0),
        "pods": Reading(0.0, 20.0), "storage": Reading(0.0, 100 * GIB),
        "runs": Reading(0.0, 500.0),
    }  # fmt: skip
    eventually(lambda: figures(client, project) == nothing)

    resources = {"requests": {"cpu": "750m", "memory": "3Gi"}, "limits": {"cpu": "1500m", "memory": "3Gi"}}
    container = {"name": "train", "image": "train", "resources": resources}
    pod = {"metadata": {"name": "train"}, "spec": {"containers": [container]}}
    # A namespace's own service account comes a moment after it.
    eventually(lambda: admin("POST", f"{space}/pods", pod).status == 201)
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "40Gi"}}}
    assert admin("POST", f"{space}/persistentvolumeclaims", {"metadata": {"name": "data"}, "spec": claim}).status == 201
    used = nothing | {
        "cpu": Reading(1.5, 4.0), "memory": Reading(3 * GIB, 16 * GIB), "pods": Reading(1.0, 20.0),
        "storage": Reading(40 * GIB, 100 * GIB),
    }  # fmt: skip
    eventually(lambda: figures(client, project) == used)

    assert admin("DELETE", f"{space}/pods/train?gracePeriodSeconds=0").status == 200
    eventually(lambda: figures(client, project)["pods"] == Reading(0.0, 20.0))


def test_nodes_are_listed_only_with_the_optional_right(workspace: tuple[Any, Wish]) -> None:
    client, project = workspace
    assert of_nodes(client) == {}

    admin, name = administrator(), unique("nodes")
    catalogue, resolve = stack()
    target = catalogue.cluster()
    space = f"/api/v1/namespaces/{project.names.namespace}"
    assert admin("POST", f"{space}/serviceaccounts", {"metadata": {"name": name}}).status == 201
    role = {"metadata": {"name": name}, "rules": [{"apiGroups": [""], "resources": ["nodes"], "verbs": ["list"]}]}
    subject = {"kind": "ServiceAccount", "name": name, "namespace": project.names.namespace}
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name}
    binding = {"metadata": {"name": name}, "roleRef": reference, "subjects": [subject]}
    node = {"metadata": {"name": name}, "spec": {"unschedulable": False}}
    offers = {"status": {"allocatable": {"cpu": "7910m", "memory": "31Gi", "pods": "110", "nvidia.com/gpu": "2"}}}
    try:
        assert admin("POST", f"{RBAC}/clusterroles", role).status == 201
        assert admin("POST", f"{RBAC}/clusterrolebindings", binding).status == 201
        token = service_account(admin, project.names.namespace, name).token
        lister = connect_cluster(target, resolve=lambda ref: token if ref == target.token else resolve(ref))
        before = of_nodes(lister)
        assert admin("POST", "/api/v1/nodes", node).status == 201
        patched = admin(
            "PATCH", f"/api/v1/nodes/{name}/status", offers, content_type="application/strategic-merge-patch+json"
        )
        assert patched.status == 200, patched.said
        now = eventually(lambda: of_nodes(lister))
        assert {measure: now[measure] - before.get(measure, 0.0) for measure in now} == {
            "cpu": 7.91, "memory": 31 * GIB, "pods": 110.0, "gpu": 2.0,
        }  # fmt: skip
        lister.close()
    finally:
        for path in (
            "/api/v1/nodes/" + name, f"{RBAC}/clusterrolebindings/{name}", f"{RBAC}/clusterroles/{name}",
        ):  # fmt: skip
            admin("DELETE", path)
