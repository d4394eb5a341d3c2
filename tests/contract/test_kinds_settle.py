"""On a real API server, with the portal's own token: what a Kind makes is what it asked for, in its very words.

A second look that finds a difference would write, forever. So each Kind of the cluster is applied, looked at and
compared, for a plain wish, for a rich one, and back again.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from provisioning.errors import NameTaken
from provisioning.kind import Wish, kinds
from provisioning.kinds import namespace
from provisioning.manifests import API_VERSIONS
from provisioning.plan import Action, compare, counts
from tests.contract.clusters import administrator, in_parallel, portal_cluster, stack
from tests.contract.stack import eventually, unique
from tests.provisioning.wishes import catalogue, wish

CLUSTER_KINDS = [name for name, kind in kinds().items() if kind.system == "cluster"]

PEOPLE = [
    *({"group": "ml-vision", "role": role} for role in ("owner", "editor", "viewer")),
    {"user": "maria.o'connor@corp.example", "role": "editor"},
]


def sample(slug: str, *, rich: bool) -> Wish:
    """The sample project on the stack's cluster; a rich one uses every option that adds an object or a field."""
    target = stack()[0].cluster()
    own = target.model_copy(update={"event_listener": "project" if rich else "shared"})
    sample = catalogue().model_copy(update={"clusters": (own,)})
    return wish(
        slug=slug,
        uid=f"uid-of-{slug}",
        catalogue=sample.model_copy(update={"defaults": sample.defaults.model_copy(update={"cluster": own.name})}),
        plan="gpu" if rich else "small",
        title="Größe & Menge" if rich else "",
        contributors=PEOPLE if rich else (),
        options={
            "network": {"internet": rich},
            "limits": {"cpu": "300m", "memory": "1024Mi", "pods": 3, "gpu": 2, "storage": "0.5Ti"} if rich else {},
        },
    )


@pytest.fixture(scope="module")
def workspace() -> Iterator[tuple[Any, str]]:
    """The portal's client, and the slug of a project whose namespace is there."""
    client, slug = portal_cluster(), unique("settle")
    plain = sample(slug, rich=False)
    namespace.KIND.apply(plain, client, namespace.KIND.desired(plain), in_parallel)
    yield client, slug
    client.delete("v1", "Namespace", plain.names.namespace)
    client.close()


@pytest.mark.parametrize("name", CLUSTER_KINDS)
def test_what_was_applied_compares_as_it_was_asked_for(name: str, workspace: tuple[Any, str]) -> None:
    client, slug = workspace
    kind = kinds()[name]
    plain, rich = sample(slug, rich=False), sample(slug, rich=True)
    if kind.unsupported is not None and (why := kind.unsupported(plain, client)):
        pytest.skip(why)
    for now in (plain, rich, plain):
        objects = kind.desired(now)
        wanted = [thing for thing in objects if thing.body is not None]

        kind.apply(now, client, objects, in_parallel)

        seen = kind.observe(now, client, objects, in_parallel)
        changes = compare(kind=name, desired=objects, observed=seen)
        assert [(one.key, one.action, one.differences) for one in changes] == [
            (thing.key, Action.KEEP, ()) for thing in wanted
        ]
        kind.apply(now, client, objects, in_parallel)
        assert versions(kind.observe(now, client, objects, in_parallel)) == versions(seen)


def test_a_name_that_is_not_told_any_more_is_taken_out(workspace: tuple[Any, str]) -> None:
    client, slug = workspace
    plain, credentials = sample(slug, rich=False), kinds()["credentials"]
    one = {"name": "roads", "owner": "vision", "readers": ["forecasting"], "object_store": "store-1"}
    stores = catalogue(data_stores=[{**one, "bucket": "vision-shared", "prefix": "roads"}]).data_stores
    data = {"read": ["roads"], "until": "2099-12-31"}
    reading = replace(
        plain,
        catalogue=plain.catalogue.model_copy(update={"data_stores": stores}),
        spec=plain.spec.model_copy(update={"options": {"data": data}}),
    )
    credentials.apply(plain, client, credentials.desired(plain), in_parallel)
    for now, told in ((reading, "s3://vision-shared/roads"), (plain, None)):
        assert found(credentials, now, client)["update"] == 1

        credentials.apply(now, client, credentials.desired(now), in_parallel)

        assert found(credentials, now, client)["update"] == 0
        info = client.get("v1", "ConfigMap", "project-info", plain.names.namespace)
        assert info["data"].get("DATA_ROADS_URL") == told


def versions(seen: Any) -> dict[str, str]:
    """Key -> resourceVersion, to see whether applying the same again writes.

    Left out: quotas, whose use the controller counts, and network policies, since the server forgets that we own the
    empty lists in them and notes it again. That costs a write only when something else in the Kind differs.
    """
    busy = ("ResourceQuota/", "NetworkPolicy/")
    return {
        key: body["metadata"]["resourceVersion"]
        for key, body in seen.items()
        if body is not None and not key.startswith(busy)
    }


def test_each_object_that_was_taken_away_or_changed_is_noticed_and_made_again(workspace: tuple[Any, str]) -> None:
    client, slug = workspace
    admin, plain = administrator(), sample(slug, rich=False)
    space = plain.names.namespace
    network, access, limits, credentials = (kinds()[one] for one in ("network", "access", "limits", "credentials"))
    for kind in (network, access, limits, credentials):
        kind.apply(plain, client, kind.desired(plain), in_parallel)
    base = f"/apis/networking.k8s.io/v1/namespaces/{space}/networkpolicies"
    merge = "application/merge-patch+json"
    admin("PATCH", f"{base}/slipway-default-deny", {"spec": {"ingress": [{}]}}, content_type=merge)
    admin("DELETE", f"{base}/slipway-allow-dns")
    admin(
        "PATCH",
        f"/api/v1/namespaces/{space}/resourcequotas/slipway-compute",
        {"metadata": {"labels": {"slipway.dev/uid": None}}, "spec": {"hard": {"pods": "99"}}},
        content_type=merge,
    )

    assert found(network, plain, client) == {"create": 1, "update": 1, "delete": 0, "keep": 2}
    assert found(limits, plain, client) == {"create": 0, "update": 1, "delete": 0, "keep": 3}
    for kind in (network, limits):
        kind.apply(plain, client, kind.desired(plain), in_parallel)
    assert found(network, plain, client) == {"create": 0, "update": 0, "delete": 0, "keep": 4}
    assert found(limits, plain, client) == {"create": 0, "update": 0, "delete": 0, "keep": 4}
    assert client.get(API_VERSIONS["NetworkPolicy"], "NetworkPolicy", "slipway-default-deny", space)["spec"] == {
        "podSelector": {},
        "policyTypes": ["Ingress", "Egress"],
    }


def found(kind: Any, plain: Wish, client: Any) -> dict[str, int]:
    objects = kind.desired(plain)
    seen = kind.observe(plain, client, objects, in_parallel)
    return counts(compare(kind=kind.name, desired=objects, observed=seen))


def test_what_can_not_be_changed_is_replaced(workspace: tuple[Any, str]) -> None:
    client, slug = workspace
    admin, rich = administrator(), sample(slug, rich=True)
    space = rich.names.namespace
    access, credentials = kinds()["access"], kinds()["credentials"]
    bindings, secret_path = (
        f"/apis/rbac.authorization.k8s.io/v1/namespaces/{space}/rolebindings",
        f"/api/v1/namespaces/{space}/secrets",
    )
    for kind in (access, credentials):
        kind.apply(rich, client, kind.desired(rich), in_parallel)
    admin("DELETE", f"{bindings}/slipway-viewers")
    admin("DELETE", f"{secret_path}/bucket-credentials")
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "slipway-owner"}
    made = admin("POST", bindings, {"metadata": {"name": "slipway-viewers"}, "roleRef": reference})
    also = admin("POST", secret_path, {"metadata": {"name": "bucket-credentials"}, "type": "example.com/other"})
    assert (made.status, also.status) == (201, 201)

    for kind in (access, credentials):
        kind.apply(rich, client, kind.desired(rich), in_parallel)

    assert found(access, rich, client) == {"create": 0, "update": 0, "delete": 0, "keep": 6}
    assert found(credentials, rich, client) == {"create": 0, "update": 0, "delete": 0, "keep": 5}


def test_a_namespace_of_somebody_else_stays_as_it_is(workspace: tuple[Any, str]) -> None:
    client, slug = workspace
    other = replace(sample(slug, rich=True), uid="another-project")
    objects = namespace.KIND.desired(other)
    before = client.get("v1", "Namespace", other.names.namespace)

    with pytest.raises(NameTaken) as apply:
        namespace.KIND.apply(other, client, objects, in_parallel)
    with pytest.raises(NameTaken) as observe:
        namespace.KIND.observe(other, client, objects, in_parallel)

    assert namespace.KIND.delete(other, client) is True
    assert str(apply.value) == str(observe.value)
    assert client.get("v1", "Namespace", other.names.namespace) == before


def test_removal_takes_everything_along_and_the_name_is_free_again() -> None:
    client, slug = portal_cluster(), unique("leave")
    plain = sample(slug, rich=False)
    for name in ("namespace", "limits", "network", "access", "credentials"):
        kind = kinds()[name]
        kind.apply(plain, client, kind.desired(plain), in_parallel)

    assert namespace.KIND.delete(plain, client) is False

    eventually(lambda: removed(plain, client))
    assert namespace.KIND.delete(plain, client) is True
    client.close()


def removed(plain: Wish, client: Any) -> bool:
    return client.get("v1", "Namespace", plain.names.namespace) is None
