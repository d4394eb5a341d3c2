"""What there is in all: the sum of what nodes offer, the store's disks; unknown where nobody tells."""

from provisioning.capacity import capacity_of
from provisioning.errors import PermanentError
from tests.fakes.cluster import FakeCluster
from tests.fakes.object_store import FakeObjectStore
from tests.provisioning.wishes import CATALOGUE


def node(cluster: FakeCluster, name: str, *, unschedulable: bool = False, **offers: str) -> None:
    made = cluster.create({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}, "spec": {}})
    key = ("v1", "Node", "", made["metadata"]["name"])
    cluster.objects[key]["spec"]["unschedulable"] = unschedulable
    cluster.objects[key]["status"] = {"allocatable": offers}


def test_nodes_that_take_pods_are_summed() -> None:
    cluster = FakeCluster()
    node(cluster, "a", cpu="7910m", memory="32Gi", pods="110")
    node(cluster, "b", cpu="16", memory="67108864Ki", pods="110", **{"nvidia.com/gpu": "4"})
    node(cluster, "being-emptied", unschedulable=True, cpu="16", memory="64Gi", pods="110")
    assert capacity_of(CATALOGUE.cluster(), cluster) == {
        "cpu": 23.91, "memory": 96.0 * 2**30, "gpu": 4.0, "pods": 220.0,
    }  # fmt: skip


def test_a_cluster_without_nodes_or_without_the_right_to_list_them_tells_nothing() -> None:
    cluster = FakeCluster()
    assert capacity_of(CATALOGUE.cluster(), cluster) == {}
    node(cluster, "a", cpu="8", memory="32Gi", pods="110")
    cluster.fail_with(PermanentError("nodes is forbidden"), on="list")
    assert capacity_of(CATALOGUE.cluster(), cluster) == {}


def test_a_store_tells_its_disks_and_a_forge_nothing() -> None:
    store = FakeObjectStore()
    assert capacity_of(CATALOGUE.object_store(), store) == {}
    store.disks = 4 * 2**40
    assert capacity_of(CATALOGUE.object_store(), store) == {"bucket": 4.0 * 2**40}
    assert capacity_of(CATALOGUE.forge(), object()) == {}
