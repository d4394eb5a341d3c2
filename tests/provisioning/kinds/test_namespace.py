from typing import Any

import pytest

from provisioning.errors import NameTaken, PermanentError, Reason, TargetUnavailable, TemporaryError
from provisioning.kind import Object
from provisioning.kinds.namespace import KIND
from provisioning.plan import Action, compare
from tests.fakes.cluster import FakeCluster
from tests.provisioning.wishes import LABELS, one_by_one, wish

NAMESPACE = {
    "apiVersion": "v1",
    "kind": "Namespace",
    "metadata": {
        "name": "ml-demand",
        "labels": {
            **LABELS,
            "pod-security.kubernetes.io/enforce": "baseline",
            "pod-security.kubernetes.io/enforce-version": "v1.37",
            "pod-security.kubernetes.io/audit": "restricted",
            "pod-security.kubernetes.io/audit-version": "v1.37",
            "pod-security.kubernetes.io/warn": "restricted",
            "pod-security.kubernetes.io/warn-version": "v1.37",
        },
        "annotations": {
            "slipway.dev/portal": "http://localhost:8000",
            "slipway.dev/title": "Demand forecast",
            "slipway.dev/description": "How many parts each plant needs next week.",
        },
    },
}
BINDING = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "RoleBinding",
    "metadata": {"name": "slipway-workspace-manager", "namespace": "ml-demand", "labels": LABELS},
    "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "slipway-workspace-manager"},
    "subjects": [{"kind": "ServiceAccount", "name": "portal", "namespace": "slipway-system"}],
}
REMOVED = "The namespace ml-demand on cluster-north is still being removed. We make it anew then."
FOREIGN = (
    "The namespace ml-demand exists on cluster-north and is not this project's. "
    "It stays as it is. Start the project under another name, or ask the platform team to free this one."
)


def apply(client: FakeCluster, **changes: Any) -> None:
    now = wish(**changes)
    KIND.apply(now, client, KIND.desired(now), one_by_one)


def observe(client: FakeCluster, **changes: Any) -> Any:
    now = wish(**changes)
    return KIND.observe(now, client, KIND.desired(now), one_by_one)


def namespace(client: FakeCluster) -> Any:
    return client.get("v1", "Namespace", "ml-demand")


def test_namespace_and_the_portals_role_binding() -> None:
    assert KIND.desired(wish()) == (
        Object(key="Namespace/ml-demand", body=NAMESPACE),
        Object(key="RoleBinding/slipway-workspace-manager", body=BINDING),
    )


def test_title_and_description_are_declared_when_empty_too() -> None:
    body = KIND.desired(wish(title="", description=""))[0].body
    assert body is not None
    assert body["metadata"]["annotations"] == {
        "slipway.dev/portal": "http://localhost:8000",
        "slipway.dev/title": "",
        "slipway.dev/description": "",
    }


def test_a_new_namespace_is_created_and_then_compares_equal() -> None:
    client = FakeCluster()
    apply(client)
    assert client.calls == [
        ("create", "Namespace ml-demand"),
        ("apply", "RoleBinding ml-demand/slipway-workspace-manager"),
    ]
    changes = compare(kind="namespace", desired=KIND.desired(wish()), observed=observe(client))
    assert [change.action for change in changes] == [Action.KEEP, Action.KEEP]


def test_our_namespace_is_brought_up_to_date() -> None:
    client = FakeCluster()
    apply(client)
    apply(client, title="Demand, weekly")
    assert namespace(client)["metadata"]["annotations"]["slipway.dev/title"] == "Demand, weekly"


def test_after_a_lost_answer_the_namespace_is_found_and_used() -> None:
    client = FakeCluster()
    client.create(NAMESPACE)
    apply(client)
    assert client.made("create", "apply") == [
        ("create", "Namespace ml-demand"),
        ("create", "Namespace ml-demand"),
        ("apply", "Namespace ml-demand"),
        ("apply", "RoleBinding ml-demand/slipway-workspace-manager"),
    ]


@pytest.mark.parametrize(
    "labels",
    [{}, {"app.kubernetes.io/managed-by": "slipway"}, {**LABELS, "slipway.dev/uid": "of-another-project"}],
)
def test_a_namespace_that_is_not_this_projects_stays_untouched(labels: dict[str, str]) -> None:
    client = FakeCluster()
    client.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "ml-demand", "labels": labels}})
    before = namespace(client)

    with pytest.raises(NameTaken) as applied:
        apply(client)
    with pytest.raises(NameTaken) as observed:
        observe(client)

    assert KIND.delete(wish(), client) is True
    assert (applied.value.message, observed.value.message) == (FOREIGN, FOREIGN)
    assert namespace(client) == before


def test_while_it_is_being_removed_we_wait() -> None:
    client = FakeCluster()
    apply(client)
    client.delete("v1", "Namespace", "ml-demand")
    client.objects[("v1", "ConfigMap", "ml-demand", "held")] = {"metadata": {"finalizers": ["example.com/held"]}}

    for attempt in (apply, observe):
        with pytest.raises(TemporaryError) as waiting:
            attempt(client)
        assert (waiting.value.message, waiting.value.delay) == (REMOVED, 2)


def test_removal_is_asked_for_once_and_watched_until_it_is_gone() -> None:
    client = FakeCluster()
    apply(client)
    assert [KIND.delete(wish(), client) for _ in range(3)] == [False, False, True]
    assert client.made("delete") == [("delete", "Namespace ml-demand")]


def test_removal_says_what_is_in_the_way() -> None:
    client = FakeCluster()
    apply(client)
    client.objects[("v1", "ConfigMap", "ml-demand", "held")] = {"metadata": {"finalizers": ["example.com/held"]}}
    assert KIND.delete(wish(), client) is False

    with pytest.raises(TemporaryError) as blocked:
        KIND.delete(wish(), client)

    assert (blocked.value.message, blocked.value.delay, blocked.value.reason) == (
        "The namespace ml-demand on cluster-north is being removed. What is in the way: "
        "Some content in the namespace has finalizers remaining: example.com/held in 1 resource instances",
        2,
        Reason.DELETING,
    )


def test_what_the_cluster_says_is_passed_on() -> None:
    for error in (TargetUnavailable("cluster-north does not answer"), PermanentError("cluster-north refuses")):
        client = FakeCluster()
        client.fail_with(error, on="create")
        with pytest.raises(type(error)) as passed:
            apply(client)
        assert passed.value is error


def test_a_role_binding_of_another_role_is_replaced() -> None:
    class Strict(FakeCluster):
        """As an API server: a role binding's role can't be changed."""

        def apply(self, manifest: Any, *, fresh_rights: bool = False) -> Any:
            present = self.objects.get(
                (manifest["apiVersion"], manifest["kind"], "ml-demand", manifest["metadata"]["name"])
            )
            if present is not None and present.get("roleRef") != manifest.get("roleRef"):
                raise PermanentError("cluster-north refuses to change roleRef")
            return super().apply(manifest, fresh_rights=fresh_rights)

    client = Strict()
    client.create(NAMESPACE)
    client.create({**BINDING, "roleRef": {**BINDING["roleRef"], "name": "cluster-admin"}})  # type: ignore[dict-item]

    apply(client)

    changes = compare(kind="namespace", desired=KIND.desired(wish()), observed=observe(client))
    assert [change.action for change in changes] == [Action.KEEP, Action.KEEP]


def test_summary_and_place() -> None:
    assert KIND.summary(wish()) == "ml-demand on Cluster North"
    assert (KIND.system, KIND.after, KIND.within) == ("cluster", (), None)
