"""The look at the whole fleet: who is named, and what it costs."""

from collections.abc import Callable
from typing import Any

import pytest

from provisioning.errors import TargetUnavailable
from provisioning.kind import Wish, kinds
from provisioning.scan import Held, Ledger, missing_in_store, moved_in_cluster
from tests.fakes.cluster import FakeCluster
from tests.fakes.object_store import FakeObjectStore
from tests.provisioning.outside import TEKTON
from tests.provisioning.wishes import one_by_one, wish

UIDS = {
    name: f"5f0c7a52-9a3e-4b1d-8c57-00000000000{number}" for number, name in enumerate(("demand", "supply", "price"))
}
ALL = frozenset(kinds())
WITHOUT_TEKTON = ALL - {"pipeline"}


def fleet(cluster: FakeCluster, *, right: frozenset[str] = ALL, **changes: Any) -> list[Held]:
    """Three projects, made; of each the Kinds that are held to be right."""
    for kind in TEKTON if "pipeline" in right else ():
        cluster.add_kind("triggers.tekton.dev/v1beta1", kind)
    held = []
    for slug, uid in UIDS.items():
        project = wish(slug=slug, uid=uid, **changes)
        for kind in kinds().values():
            if kind.system == "cluster" and kind.name in right:
                desired = kind.desired(project)
                kind.apply(project, cluster, desired, one_by_one)
        held.append(Held(wish=project, kinds=right))
    cluster.calls.clear()
    return held


def moved(cluster: FakeCluster, held: list[Held], *, ledger: Ledger | None = None) -> list[str]:
    """The slugs of the projects that the scan names."""
    found = moved_in_cluster(
        cluster="cluster-north", client=cluster, held=held, kinds=kinds(), ledger=ledger or Ledger()
    )
    return [slug for slug, uid in UIDS.items() if uid in found]


def objects(cluster: FakeCluster, kind: str, slug: str) -> list[dict[str, Any]]:
    return [one for key, one in cluster.objects.items() if key[1] == kind and f"ml-{slug}" in (key[2], key[3])]


def test_an_untouched_fleet_costs_one_list_per_type_and_nothing_else() -> None:
    cluster = FakeCluster()
    held = fleet(cluster)
    assert moved(cluster, held) == []
    mark = "app.kubernetes.io/managed-by=slipway"
    assert sorted(cluster.made("list")) == sorted(
        ("list", kind, mark)
        for kind in (
            "Namespace", "ResourceQuota", "LimitRange", "NetworkPolicy", "RoleBinding", "ServiceAccount",
            *TEKTON,
        )
    )  # fmt: skip
    assert {call[0] for call in cluster.calls} == {"list", "serves"}


def test_secrets_are_never_listed() -> None:
    cluster = FakeCluster()
    held = fleet(cluster)
    for key in [key for key in cluster.objects if key[1] == "Secret"]:
        del cluster.objects[key]
    assert moved(cluster, held) == []
    assert "Secret" not in {call[1] for call in cluster.calls}


TAMPERED: dict[str, Callable[[FakeCluster], object]] = {
    "changed": lambda cluster: objects(cluster, "ResourceQuota", "supply")[0]["spec"].update(hard={"pods": "9000"}),
    "removed": lambda cluster: cluster.delete(
        "networking.k8s.io/v1", "NetworkPolicy", "slipway-default-deny", "ml-supply"
    ),
    "unmarked": lambda cluster: objects(cluster, "RoleBinding", "supply")[0]["metadata"].update(labels={}),
    "another's": lambda cluster: objects(cluster, "Namespace", "supply")[0]["metadata"]["labels"].update(
        {"slipway.dev/uid": "another"}
    ),
    "came back": lambda cluster: cluster.apply(
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": {
                "name": "slipway-allow-internet",
                "namespace": "ml-supply",
                "labels": {"app.kubernetes.io/managed-by": "slipway"},
            },
        }
    ),
}


@pytest.mark.parametrize("what", TAMPERED)
def test_exactly_the_project_that_was_tampered_with_is_named(what: str) -> None:
    cluster, ledger = FakeCluster(), Ledger()
    held = fleet(cluster)
    assert moved(cluster, held, ledger=ledger) == []
    TAMPERED[what](cluster)
    for one in objects(cluster, "ResourceQuota", "supply"):
        one["metadata"]["resourceVersion"] += "0"
    assert moved(cluster, held, ledger=ledger) == ["supply"]
    assert moved(cluster, held, ledger=ledger) == ["supply"]


def test_what_was_verified_is_not_compared_again_until_it_moves() -> None:
    cluster, ledger = FakeCluster(), Ledger()
    held = fleet(cluster)
    assert moved(cluster, held, ledger=ledger) == []
    quota = objects(cluster, "ResourceQuota", "price")[0]
    quota["spec"]["hard"]["pods"] = "9000"
    assert moved(cluster, held, ledger=ledger) == []
    quota["metadata"]["resourceVersion"] += "0"
    assert moved(cluster, held, ledger=ledger) == ["price"]


def test_the_ledger_holds_for_one_generation_and_does_not_grow() -> None:
    cluster, ledger = FakeCluster(), Ledger()
    held = fleet(cluster)
    moved(cluster, held, ledger=ledger)
    size = len(ledger.verified["cluster-north"])
    assert size > 3 * 15
    newer = [Held(wish=wish(slug=slug, uid=uid, generation=2, plan="large"), kinds=ALL) for slug, uid in UIDS.items()]
    assert moved(cluster, newer, ledger=ledger) == ["demand", "supply", "price"]
    for one in newer:
        limits = kinds()["limits"]
        limits.apply(one.wish, cluster, limits.desired(one.wish), one_by_one)
    assert moved(cluster, newer, ledger=ledger) == []
    assert len(ledger.verified["cluster-north"]) == size


def test_a_cluster_without_tekton_is_not_asked_for_its_types() -> None:
    cluster = FakeCluster()
    held = fleet(cluster, right=WITHOUT_TEKTON)
    assert moved(cluster, held) == []
    assert not {call[1] for call in cluster.made("list")} & set(TEKTON)


def test_kinds_that_were_not_right_are_left_to_their_own_looks() -> None:
    """Else a refused change, or drift that is only warned of, would have the project looked at in every round."""
    cluster = FakeCluster()
    held = fleet(cluster)
    objects(cluster, "ResourceQuota", "supply")[0]["spec"]["hard"] = {}
    assert moved(cluster, [Held(wish=one.wish, kinds=one.kinds - {"limits"}) for one in held]) == []


def test_a_silent_cluster_raises() -> None:
    cluster = FakeCluster()
    held = fleet(cluster)
    cluster.fail_with(TargetUnavailable("cluster-north does not answer."), on="list")
    with pytest.raises(TargetUnavailable):
        moved(cluster, held)


def test_a_missing_bucket_is_found_by_one_list() -> None:
    store = FakeObjectStore()
    held = [Held(wish=one, kinds=ALL) for one in map(_project, UIDS)]
    for one in held:
        store.make_bucket(one.wish.names.bucket)
    store.calls.clear()
    assert missing_in_store(client=store, held=held) == set()
    store.remove_bucket("ml-supply", with_data=False)
    store.calls.clear()
    assert missing_in_store(client=store, held=held) == {UIDS["supply"]}
    assert store.calls == [("list_buckets",)]
    assert (
        missing_in_store(client=store, held=[Held(wish=one.wish, kinds=frozenset({"limits"})) for one in held]) == set()
    )


def _project(slug: str) -> Wish:
    return wish(slug=slug, uid=UIDS[slug])
