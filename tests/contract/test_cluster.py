"""One contract for `Cluster` and its fake. Cases that need the server's own rules run on the real one only."""

import inspect
from collections.abc import Iterator

import pytest

from provisioning.clients.kubernetes import Cluster
from provisioning.errors import AlreadyExists, PermanentError, Reason, TargetUnavailable, TemporaryError
from tests import own_tokens
from tests.contract.stack import eventually, secret, unique, url
from tests.fakes.cluster import FakeCluster

AnyCluster = Cluster | FakeCluster


def _real(token: str = "cluster-admin.token", value: str = "") -> Cluster:
    return Cluster(
        name="cluster-north",
        api=url("kube-apiserver", scheme="https"),
        ca=secret("cluster-north.ca"),
        token=value or secret(token),
    )


@pytest.fixture
def real() -> Iterator[Cluster]:
    cluster = _real()
    yield cluster
    cluster.close()


@pytest.fixture(params=["fake", "real"])
def cluster(request: pytest.FixtureRequest) -> AnyCluster:
    return FakeCluster() if request.param == "fake" else request.getfixturevalue("real")


def _remove(cluster: AnyCluster, namespace: str) -> None:
    for one in cluster.list("v1", "ConfigMap", namespace=namespace):
        if one["metadata"].get("finalizers"):
            cluster.apply(config_map(namespace, one["metadata"]["name"]))
    cluster.delete("v1", "Namespace", namespace)


@pytest.fixture
def namespace(cluster: AnyCluster) -> Iterator[str]:
    name = unique("contract")
    cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": {"contract": name}}})
    yield name
    _remove(cluster, name)


def config_map(namespace: str, name: str, **rest: object) -> dict:
    labels = rest.pop("labels", {})
    metadata = {"name": name, "namespace": namespace, "labels": labels}
    if "finalizers" in rest:
        metadata["finalizers"] = rest.pop("finalizers")
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, **rest}


def test_fake_has_the_same_methods():
    for name, method in inspect.getmembers(Cluster, inspect.isfunction):
        if not name.startswith("_") or name == "__init__":
            real, fake = inspect.signature(method), inspect.signature(getattr(FakeCluster, name))
            assert list(real.parameters) == list(fake.parameters), name
            kinds = [(one.kind, one.default) for one in real.parameters.values()]
            if name != "__init__":
                assert kinds == [(one.kind, one.default) for one in fake.parameters.values()], name


def test_probe_tells_the_version(cluster: AnyCluster):
    assert cluster.probe().startswith("v1.")


def test_knows_built_in_kinds_and_not_others(cluster: AnyCluster):
    assert cluster.serves("v1", "Namespace")
    assert cluster.serves("rbac.authorization.k8s.io/v1", "RoleBinding")
    assert not cluster.serves("v1", "Spaceship")
    assert not cluster.serves("spaceships.example/v1", "Spaceship")


def test_create_then_get(cluster: AnyCluster, namespace: str):
    made = cluster.create(config_map(namespace, "one", data={"a": "1"}))
    assert made == cluster.get("v1", "ConfigMap", "one", namespace)
    assert made["data"] == {"a": "1"}
    assert made["apiVersion"] == "v1"
    assert "managedFields" not in made["metadata"]


def test_create_twice_is_already_exists(cluster: AnyCluster, namespace: str):
    cluster.create(config_map(namespace, "one", data={"a": "1"}))
    with pytest.raises(AlreadyExists):
        cluster.create(config_map(namespace, "one", data={"a": "2"}))
    assert cluster.get("v1", "ConfigMap", "one", namespace)["data"] == {"a": "1"}


def test_absent_things_are_none(cluster: AnyCluster, namespace: str):
    assert cluster.get("v1", "ConfigMap", "none", namespace) is None
    assert cluster.get("v1", "ConfigMap", "none", "no-such-namespace") is None
    assert cluster.get("spaceships.example/v1", "Spaceship", "none", namespace) is None
    assert list(cluster.list("spaceships.example/v1", "Spaceship")) == []
    assert cluster.delete("v1", "ConfigMap", "none", namespace) is False
    assert cluster.delete("spaceships.example/v1", "Spaceship", "none", namespace) is False


def test_apply_creates_changes_and_takes_back_what_it_gave(cluster: AnyCluster, namespace: str):
    cluster.apply(config_map(namespace, "one", data={"a": "1", "b": "2"}, labels={"x": "1"}))
    changed = cluster.apply(config_map(namespace, "one", data={"a": "3"}))
    assert changed["data"] == {"a": "3"}
    assert "labels" not in changed["metadata"] or "x" not in changed["metadata"]["labels"]


def test_apply_of_the_same_changes_nothing(cluster: AnyCluster, namespace: str):
    first = cluster.apply(config_map(namespace, "one", data={"a": "1"}))
    again = cluster.apply(config_map(namespace, "one", data={"a": "1"}))
    assert again["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]
    assert again["metadata"]["uid"] == first["metadata"]["uid"]


def test_apply_leaves_fields_of_others(cluster: AnyCluster, namespace: str):
    cluster.create(config_map(namespace, "one", data={"theirs": "1", "ours": "1"}))
    applied = cluster.apply(config_map(namespace, "one", data={"ours": "2"}))
    assert applied["data"] == {"theirs": "1", "ours": "2"}
    again = cluster.apply(config_map(namespace, "one"))
    assert again["data"]["theirs"] == "1"


def test_secret_is_kept_as_base64(cluster: AnyCluster, namespace: str):
    metadata = {"name": "s3", "namespace": namespace}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": {"KEY": "value"}}
    assert cluster.apply(secret)["data"] == {"KEY": "dmFsdWU="}
    assert cluster.get("v1", "Secret", "s3", namespace)["type"] == "Opaque"
    plain = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": metadata | {"name": "s4"},
        "data": {"A": "YQ==", "B": "Yg=="},
    }
    cluster.apply(plain)
    assert cluster.apply({**plain, "data": {"A": "YQ=="}})["data"] == {"A": "YQ=="}


def test_write_into_absent_namespace_can_work_later(cluster: AnyCluster):
    for write in (cluster.create, cluster.apply):
        with pytest.raises(TemporaryError) as caught:
            write(config_map("no-such-namespace", "one"))
        assert caught.value.reason == Reason.DEPENDENCY_NOT_READY


def test_write_of_unknown_kind_can_work_later(cluster: AnyCluster, namespace: str):
    manifest = {
        "apiVersion": "spaceships.example/v1",
        "kind": "Spaceship",
        "metadata": {"name": "x", "namespace": namespace},
    }
    with pytest.raises(TemporaryError) as caught:
        cluster.apply(manifest)
    assert caught.value.reason == Reason.UNSUPPORTED


def test_bad_name_needs_a_person(cluster: AnyCluster, namespace: str):
    with pytest.raises(PermanentError) as caught:
        cluster.apply(config_map(namespace, "Not-A-Name"))
    assert caught.value.reason == Reason.REJECTED


def test_delete_with_uid_spares_another_of_the_same_name(cluster: AnyCluster, namespace: str):
    made = cluster.create(config_map(namespace, "one"))
    assert cluster.delete("v1", "ConfigMap", "one", namespace, uid="11111111-2222-3333-4444-555555555555") is False
    assert cluster.get("v1", "ConfigMap", "one", namespace) is not None
    assert cluster.delete("v1", "ConfigMap", "one", namespace, uid=made["metadata"]["uid"]) is True
    assert cluster.get("v1", "ConfigMap", "one", namespace) is None


def test_list_selects_by_label_over_pages(cluster: AnyCluster, namespace: str):
    for number in range(5):
        cluster.create(config_map(namespace, f"one-{number}", labels={"contract": namespace, "odd": str(number % 2)}))
    names = [one["metadata"]["name"] for one in cluster.list("v1", "ConfigMap", f"contract={namespace}", limit=2)]
    assert names == ["one-0", "one-1", "one-2", "one-3", "one-4"]
    odd = list(cluster.list("v1", "ConfigMap", f"contract={namespace},odd=1", namespace))
    assert [one["metadata"]["name"] for one in odd] == ["one-1", "one-3"]
    assert {(one["apiVersion"], one["kind"]) for one in odd} == {("v1", "ConfigMap")}
    assert all("managedFields" not in one["metadata"] for one in odd)
    assert [one["metadata"]["name"] for one in cluster.list("v1", "Namespace", f"contract={namespace}")] == [namespace]


def test_namespace_goes_with_what_is_in_it(cluster: AnyCluster, namespace: str):
    cluster.apply(config_map(namespace, "one"))
    assert cluster.delete("v1", "Namespace", namespace) is True
    eventually(lambda: cluster.get("v1", "Namespace", namespace) is None)
    assert cluster.get("v1", "ConfigMap", "one", namespace) is None
    assert cluster.delete("v1", "Namespace", namespace) is False


def test_namespace_that_is_held_says_by_what(cluster: AnyCluster, namespace: str):
    cluster.apply(config_map(namespace, "held", finalizers=["slipway.dev/hold"]))
    assert cluster.namespace_blockers(namespace) == []
    cluster.delete("v1", "Namespace", namespace)
    blockers = eventually(lambda: cluster.namespace_blockers(namespace))
    assert any("slipway.dev/hold in 1 resource instances" in one for one in blockers)
    assert cluster.get("v1", "Namespace", namespace)["status"]["phase"] == "Terminating"
    assert cluster.delete("v1", "Namespace", namespace) is True
    with pytest.raises(TemporaryError) as caught:
        cluster.apply(config_map(namespace, "late"))
    assert caught.value.reason == Reason.DELETING
    with pytest.raises(AlreadyExists):
        cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
    cluster.apply(config_map(namespace, "held"))
    eventually(lambda: cluster.get("v1", "Namespace", namespace) is None)
    assert cluster.namespace_blockers(namespace) == []


# Only the real server has these rules.


def _namespace(real: Cluster) -> str:
    name = unique("contract")
    real.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    return name


def test_unknown_field_is_our_mistake_and_not_an_outage(real: Cluster):
    namespace = _namespace(real)
    with pytest.raises(PermanentError, match="field not declared in schema"):
        real.apply(config_map(namespace, "one", dota={"a": "1"}))
    real.delete("v1", "Namespace", namespace)


def test_refused_secret_is_not_repeated_in_the_error(real: Cluster):
    namespace = _namespace(real)
    metadata = {"name": "s3", "namespace": namespace}
    for broken in ({"stringData": {"KEY": 424242}}, {"data": {"bad key!": "NDI0MjQy"}}, {"type": 424242}):
        with pytest.raises(PermanentError) as caught:
            real.apply({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, **broken})
        assert "424242" not in caught.value.message
        assert "NDI0MjQy" not in caught.value.message
    real.delete("v1", "Namespace", namespace)


def test_quota_says_no_in_its_own_words(real: Cluster):
    namespace = _namespace(real)
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "few", "namespace": namespace}}
    real.apply({**quota, "spec": {"hard": {"count/configmaps": "0"}}})
    eventually(lambda: real.get("v1", "ResourceQuota", "few", namespace).get("status", {}).get("used"))

    def refusal() -> str:
        try:
            real.apply(config_map(namespace, unique("one")))
        except PermanentError as error:
            return error.message
        return ""

    assert "exceeded quota: few" in eventually(refusal)
    real.delete("v1", "Namespace", namespace)


def test_fresh_rights_are_waited_for(real: Cluster):
    alice = _real(value=own_tokens.for_cluster("alice"))
    namespace = _namespace(real)
    with pytest.raises(PermanentError, match="cannot patch resource"):
        alice.apply(config_map(namespace, "before"))
    with pytest.raises(TemporaryError, match="doesn't let us apply"):
        alice.apply(config_map(namespace, "before"), fresh_rights=True)
    with pytest.raises(PermanentError, match="cannot get resource"):
        alice.get("v1", "ConfigMap", "before", namespace)
    with pytest.raises(TemporaryError, match="doesn't let us show"):
        alice.get("v1", "ConfigMap", "before", namespace, fresh_rights=True)
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "a", "namespace": namespace},
    }
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "edit"}
    subject = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "ad:alice@corp.example"}
    real.apply({**binding, "roleRef": role, "subjects": [subject]})
    assert alice.get("v1", "ConfigMap", "before", namespace, fresh_rights=True) is None
    assert alice.apply(config_map(namespace, "after"), fresh_rights=True)["metadata"]["name"] == "after"
    real.delete("v1", "Namespace", namespace)


def test_refused_token_and_silence_are_unavailable(real: Cluster):
    with pytest.raises(TargetUnavailable, match="refuses our credential"):
        _real(value="wrong").probe()
    with pytest.raises(TargetUnavailable, match="its certificate is not trusted"):
        Cluster(name="cluster-north", api=url("kube-apiserver", scheme="https"), token="wrong").probe()
    with pytest.raises(TargetUnavailable, match="no connection"):
        Cluster(name="cluster-north", api="https://127.0.0.1:1", token="wrong").probe()
    with pytest.raises(TargetUnavailable, match="its name can't be resolved"):
        Cluster(name="cluster-north", api="https://cluster-north.invalid", token="wrong").probe()
