"""What the portal's token can't do, and what people can and can't do in a workspace, tried on a real API server.

A refusal counts only when it comes from the rights or from an admission policy: a wrong path proves nothing.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from provisioning.kind import kinds
from tests.contract.attempts import (
    ADMISSION,
    LOOKS,
    POD,
    PORTAL_FORBIDDEN,
    PORTAL_LISTS,
    TEMPLATE,
    TENANTS_FORBIDDEN,
    TRIGGERS,
    VIEWERS_FORBIDDEN,
    WORK,
    Try,
    delete,
    get,
    merge,
    post,
    space,
    user,
)
from tests.contract.clusters import service_account
from tests.contract.stack import eventually
from tests.contract.stage import MARK, RBAC, Stage, stage
from tests.provisioning.wishes import catalogue, wish

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module", name="scene")
def _scene() -> Iterator[Stage]:
    with stage() as scene:
        yield scene


@pytest.mark.parametrize("name", PORTAL_FORBIDDEN)
def test_the_portals_token_can_not(name: str, scene: Stage) -> None:
    answer = PORTAL_FORBIDDEN[name].by(scene.portal, scene)
    assert answer.refused, (answer.status, answer.said)


@pytest.mark.parametrize("name", PORTAL_LISTS)
def test_the_portals_token_lists_for_the_scan(name: str, scene: Stage) -> None:
    answer = PORTAL_LISTS[name].by(scene.portal, scene)
    assert answer.status == 200, answer.said


@pytest.mark.parametrize("who", ["alice", "bob", "charlie"])
@pytest.mark.parametrize("name", TENANTS_FORBIDDEN)
def test_no_tenant_can(name: str, who: str, scene: Stage) -> None:
    answer = TENANTS_FORBIDDEN[name].by(getattr(scene, who), scene)
    assert answer.refused, (answer.status, answer.said)


@pytest.mark.parametrize("name", VIEWERS_FORBIDDEN)
def test_a_viewer_can_not(name: str, scene: Stage) -> None:
    answer = VIEWERS_FORBIDDEN[name].by(scene.charlie, scene)
    assert answer.refused, (answer.status, answer.said)


@pytest.mark.parametrize("who", ["alice", "bob", "charlie"])
@pytest.mark.parametrize("name", LOOKS)
def test_every_role_can_look_at(name: str, who: str, scene: Stage) -> None:
    assert LOOKS[name].by(getattr(scene, who), scene).status == 200


@pytest.mark.parametrize("who", ["alice", "bob"])
@pytest.mark.parametrize("name", WORK)
def test_owner_and_editor_can_work_with_a(name: str, who: str, scene: Stage) -> None:
    answer = WORK[name].by(getattr(scene, who), scene)
    assert answer.status in (200, 201), answer.said


def test_pods_get_the_defaults_and_are_held_to_the_plan_and_to_baseline(scene: Stage) -> None:
    made = post(space("OWN", "/pods"), {**POD, "metadata": {"generateName": "work-"}}).by(scene.bob, scene)
    large = {"containers": [{"name": "c", "image": "i", "resources": {"limits": {"cpu": "5"}}}]}
    privileged = {"containers": [{"name": "c", "image": "i"}], "hostNetwork": True}
    refusals = [
        post(space("OWN", "/pods"), {"metadata": {"name": "tried"}, "spec": spec}).by(scene.bob, scene)
        for spec in (large, privileged)
    ]

    assert made.body["spec"]["containers"][0]["resources"] == {
        "limits": {"cpu": "500m", "memory": "1Gi", "ephemeral-storage": "10Gi"},
        "requests": {"cpu": "100m", "memory": "256Mi", "ephemeral-storage": "1Gi"},
    }
    assert [answer.status for answer in refusals] == [403, 403], [answer.said for answer in refusals]
    assert "maximum cpu usage per Container is 4, but limit is 5" in refusals[0].said
    assert "violates PodSecurity" in refusals[1].said


def test_no_service_opens_a_port_of_the_nodes(scene: Stage) -> None:
    for kind in ("LoadBalancer", "NodePort"):
        body = {"metadata": {"name": "tried"}, "spec": {"type": kind, "ports": [{"port": 80}]}}
        answer = post(space("OWN", "/services"), body).by(scene.bob, scene)
        assert (answer.status, "exceeded quota: slipway-objects" in answer.said) == (403, True), answer.said


def test_a_service_gets_no_outer_address_later(scene: Stage) -> None:
    path, spec = space("OWN", "/services"), {"ports": [{"port": 443}]}
    post(path, {"metadata": {"name": "mine"}, "spec": spec}).by(scene.bob, scene)
    answer = merge(f"{path}/mine", {"spec": {"externalIPs": ["203.0.113.7"]}}).by(scene.bob, scene)
    assert (answer.status, "has no externalIPs" in answer.said) == (422, True), answer.said


def test_a_service_keeps_the_outer_address_that_it_had(scene: Stage) -> None:
    """Else nothing could be written to it, such as the removal of a controller's finalizer."""
    name = f"{scene.own}-before"
    spec = {"ports": [{"port": 443}], "externalIPs": ["203.0.113.7"]}
    try:
        scene.admin("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
        post(space(name, "/services"), {"metadata": {"name": "old"}, "spec": spec}).by(scene.admin, scene)
        merge(space(name), {"metadata": {"labels": MARK}}).by(scene.admin, scene)
        changes: list[dict[str, Any]] = [
            {"metadata": {"annotations": {"seen": "yes"}}},
            {"spec": {"externalIPs": ["203.0.113.7", "203.0.113.8"]}},
        ]
        answers = [merge(space(name, "/services/old"), one).by(scene.admin, scene).status for one in changes]
        assert answers == [200, 422]
    finally:
        scene.admin("DELETE", f"/api/v1/namespaces/{name}")


def test_no_pod_of_a_deployment_is_of_the_systems_priority(scene: Stage) -> None:
    """The pods come from a controller, which the policy for tenants lets through."""
    template = {**TEMPLATE, "spec": {**TEMPLATE["spec"], "priorityClassName": "system-cluster-critical"}}
    spec = {"selector": {"matchLabels": {"app": "a"}}, "template": template}
    post("/apis/apps/v1/namespaces/OWN/deployments", {"metadata": {"name": "urgent"}, "spec": spec}).by(
        scene.bob, scene
    )

    def refusals() -> list[str]:
        sets = get("/apis/apps/v1/namespaces/OWN/replicasets").by(scene.bob, scene).body["items"]
        return [
            condition["message"]
            for one in sets
            if one["metadata"]["name"].startswith("urgent-")
            for condition in one.get("status", {}).get("conditions", [])
            if condition["type"] == "ReplicaFailure"
        ]

    eventually(lambda: bool(refusals()), seconds=20)
    assert "none of the system's priority classes" in refusals()[0]


def test_clearing_a_collection_leaves_our_objects(scene: Stage) -> None:
    for kind in ("configmaps", "secrets"):
        delete(space("OWN", f"/{kind}")).by(scene.alice, scene)
    left = {
        kind: scene.admin(
            "GET", f"/api/v1/namespaces/{scene.own}/{kind}?labelSelector=app.kubernetes.io/managed-by=slipway"
        )
        for kind in ("configmaps", "secrets")
    }
    assert {kind: [item["metadata"]["name"] for item in one.body["items"]] for kind, one in left.items()} == {
        "configmaps": ["project-info", "retrain"],
        "secrets": [
            "bucket-credentials",
            "data-credentials",
            "feature-store-credentials",
            "slipway-ci",
            "slipway-ci-clone",
            "slipway-ci-webhook",
            "tracking-credentials",
        ],
    }


def test_the_ci_accounts_start_runs_in_their_workspace_and_nothing_else(scene: Stage) -> None:
    listener = service_account(scene.admin, "slipway-system", "ci-listener")
    pipeline = service_account(scene.admin, scene.own, "pipeline")
    body = {"apiVersion": "tekton.dev/v1", "kind": "PipelineRun", "metadata": {"generateName": "ci-"}}
    runs = post("/apis/tekton.dev/v1/namespaces/OWN/pipelineruns", body)
    if get("/apis/tekton.dev/v1").by(scene.admin, scene).status == 404:
        pytest.skip("the cluster has no Tekton")

    def acting_as(name: str, what: Try) -> Try:
        return Try(what.method, what.path, what.body, headers=(("Impersonate-User", name.replace("OWN", scene.own)),))

    allowed = [
        runs.by(pipeline, scene),
        acting_as("system:serviceaccount:OWN:pipeline", runs).by(listener, scene),
        get(f"{TRIGGERS}/triggers").by(listener, scene),
    ]
    refused = [
        runs.by(listener, scene),
        acting_as("system:serviceaccount:OWN:workload", runs).by(listener, scene),
        acting_as(f"system:serviceaccount:{scene.foreign}:pipeline", runs).by(listener, scene),
        acting_as("ad:alice@corp.example", runs).by(listener, scene),
        get(space("OWN", "/secrets/slipway-ci-webhook")).by(listener, scene),
        get("/api/v1/secrets").by(listener, scene),
        get(space("OWN", "/secrets/bucket-credentials")).by(pipeline, scene),
        get(space("OWN", "/pods")).by(pipeline, scene),
        post(space("OWN", "/pods"), POD).by(pipeline, scene),
        post("/apis/tekton.dev/v1/namespaces/OTHER/pipelineruns", body).by(pipeline, scene),
        get(space("OWN", "/pods")).by(service_account(scene.admin, scene.own, "workload"), scene),
    ]
    assert [answer.status for answer in allowed] == [201, 201, 200]
    assert [answer.refused for answer in refused] == [True] * len(refused)


def test_who_administers_the_cluster_is_not_held(scene: Stage) -> None:
    """Also such an administrator who is not of system:masters, as clusters of today have them."""
    name = f"test-{scene.own}"
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"}
    scene.admin(
        "POST",
        f"{RBAC}/clusterrolebindings",
        {"metadata": {"name": name}, "roleRef": reference, "subjects": [user(f"cluster-administrator-{name}")]},
    )
    change = merge(space("OWN", "/configmaps/project-info"), {"metadata": {"annotations": {"seen": "yes"}}})
    as_user = Try(
        change.method,
        change.path,
        change.body,
        change.content_type,
        headers=(("Impersonate-User", f"cluster-administrator-{name}"),),
    )
    try:
        assert [one.by(scene.admin, scene).status for one in (change, as_user)] == [200, 200]
    finally:
        scene.admin("DELETE", f"{RBAC}/clusterrolebindings/{name}")


def documents() -> list[dict[str, Any]]:
    """Everything in deploy/cluster."""
    yaml = YAML(typ="safe", pure=True)
    return [one for path in sorted((ROOT / "deploy/cluster").glob("*.yaml")) for one in yaml.load_all(path.read_text())]


def roles() -> dict[str, list[dict[str, Any]]]:
    """Rules of each ClusterRole in deploy/cluster."""
    return {one["metadata"]["name"]: one["rules"] for one in documents() if one["kind"] == "ClusterRole"}


def test_no_role_of_ours_has_a_wildcard_or_a_way_up() -> None:
    for name, rules in roles().items():
        for rule in rules:
            assert "nonResourceURLs" not in rule, name
            assert not any("*" in word for words in rule.values() for word in words), name
            assert "escalate" not in rule["verbs"], name
            if "impersonate" in rule["verbs"]:
                assert (name, rule["resourceNames"]) == ("slipway-listener-impersonate", ["pipeline"])
            if "bind" in rule["verbs"]:
                assert (name, rule["verbs"], rule["resources"]) == ("slipway-portal", ["bind"], ["clusterroles"])
                assert set(rule["resourceNames"]) < set(roles())


def test_the_portal_reads_secrets_and_configmaps_only_by_name() -> None:
    named = {
        (name, resource): rule.get("resourceNames")
        for name in ("slipway-portal", "slipway-workspace-manager")
        for rule in roles()[name]
        for resource in rule["resources"]
        if resource in ("secrets", "configmaps")
    }
    assert named == {
        ("slipway-portal", "configmaps"): ["project-info"],
        ("slipway-workspace-manager", "configmaps"): ["project-info", "retrain"],
        ("slipway-workspace-manager", "secrets"): [
            "bucket-credentials",
            "slipway-ci",
            "slipway-ci-clone",
            "slipway-ci-webhook",
            "tracking-credentials",
            "feature-store-credentials",
            "data-credentials",
        ],
    }


def test_the_portal_may_give_exactly_the_roles_that_the_kinds_give() -> None:
    given = set()
    for listener in ("shared", "project"):
        rich = wish(
            catalogue=catalogue(cluster={"event_listener": listener}),
            contributors=[{"group": "ml-vision", "role": role} for role in ("owner", "editor", "viewer")],
        )
        things = [one.body for kind in kinds().values() if kind.system == "cluster" for one in kind.desired(rich)]
        given |= {body["roleRef"]["name"] for body in things if body and body["kind"] == "RoleBinding"}
    allowed = {name for rule in roles()["slipway-portal"] if "bind" in rule["verbs"] for name in rule["resourceNames"]}
    assert given == allowed


def test_the_cluster_has_the_roles_and_policies_of_the_repository(scene: Stage) -> None:
    for one in documents():
        kind, name = one["kind"], one["metadata"]["name"]
        if kind == "ClusterRole":
            assert scene.admin("GET", f"{RBAC}/clusterroles/{name}").body["rules"] == one["rules"]
        if kind == "ValidatingAdmissionPolicy":
            there = scene.admin("GET", f"{ADMISSION}/validatingadmissionpolicies/{name}").body
            assert there["spec"]["validations"] == one["spec"]["validations"]
            assert there["status"]["typeChecking"] == {}
