"""What every Kind of the cluster does alike: its objects are manifests, applied server-side, looked at one by one.

Not a Kind itself and so not in their folder; a cluster Kind says only what it desires.
"""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from provisioning.errors import PermanentError
from provisioning.kind import Body, Each, Object, Wish
from provisioning.plan import differences

Manifest = dict[str, Any]


class ClusterClient(Protocol):
    """What the cluster Kinds use of `provisioning.clients.kubernetes.Cluster` (and of its fake)."""

    def create(self, manifest: Manifest) -> Manifest: ...
    def get(
        self, api_version: str, kind: str, name: str, namespace: str | None = None, *, fresh_rights: bool = False
    ) -> Manifest | None: ...
    def apply(self, manifest: Manifest, *, fresh_rights: bool = False) -> Manifest: ...
    def delete(
        self, api_version: str, kind: str, name: str, namespace: str | None = None, *, uid: str | None = None
    ) -> bool: ...
    def serves(self, api_version: str, kind: str) -> bool: ...
    def namespace_blockers(self, name: str) -> list[str]: ...


API_VERSIONS = {
    "Namespace": "v1",
    "ResourceQuota": "v1",
    "LimitRange": "v1",
    "ServiceAccount": "v1",
    "Secret": "v1",
    "ConfigMap": "v1",
    "NetworkPolicy": "networking.k8s.io/v1",
    "RoleBinding": "rbac.authorization.k8s.io/v1",
    "Trigger": "triggers.tekton.dev/v1beta1",
    "TriggerBinding": "triggers.tekton.dev/v1beta1",
    "TriggerTemplate": "triggers.tekton.dev/v1beta1",
    "EventListener": "triggers.tekton.dev/v1beta1",
    "PipelineRun": "tekton.dev/v1",
}
# Fields that the API server lets nobody change. Where one differs, somebody made the object anew by hand.
_UNCHANGEABLE = {"RoleBinding": "roleRef", "Secret": "type"}


def manifest(wish: Wish, kind: str, name: str, *, absent: bool = False, sensitive: bool = False, **rest: Any) -> Object:
    """An object of the project's namespace that carries our mark. With `absent`, one that must not be there."""
    if absent:
        return Object(key=f"{kind}/{name}", body=None)
    metadata: Manifest = {"name": name, "namespace": wish.names.namespace, "labels": wish.names.labels()}
    if "annotations" in rest:
        metadata["annotations"] = rest.pop("annotations")
    body = {"apiVersion": API_VERSIONS[kind], "kind": kind, "metadata": metadata, **rest}
    return Object(key=f"{kind}/{name}", body=body, sensitive=sensitive)


def secret(wish: Wish, name: str, values: Mapping[str, str], *, type: str = "Opaque", **rest: Any) -> Object:
    """A Secret of the project's namespace, its values encoded as the API server gives them back."""
    data = {key: b64encode(value.encode()).decode() for key, value in values.items()}
    return manifest(wish, "Secret", name, sensitive=True, type=type, data=data, **rest)


def names_of(data: Mapping[str, str]) -> dict[str, str]:
    """The annotation that names the keys of a ConfigMap or Secret of which some come and go.

    A key that is declared no more is no difference by itself, and would stay.
    """
    return {"slipway.dev/keys": " ".join(sorted(data))}


def observe(wish: Wish, client: ClusterClient, objects: Sequence[Object], each: Each) -> dict[str, Body | None]:
    """Each object as the cluster has it, or None."""

    def look(thing: Object) -> Body | None:
        kind, name = thing.key.split("/", 1)
        # A namespace that was made a moment ago is looked at too, after an attempt that was cut off.
        return client.get(API_VERSIONS[kind], kind, name, wish.names.namespace, fresh_rights=True)

    return dict(zip((thing.key for thing in objects), each(look, objects), strict=True))


def apply(wish: Wish, client: ClusterClient, objects: Sequence[Object], each: Each) -> None:
    """Server-side apply of each object; those with no body are deleted."""

    def make(thing: Object) -> None:
        if thing.body is None:
            kind, name = thing.key.split("/", 1)
            client.delete(API_VERSIONS[kind], kind, name, wish.names.namespace)
        else:
            make_so(client, dict(thing.body))

    each(make, objects)


def make_so(client: ClusterClient, body: Manifest) -> None:
    """Server-side apply of one object, which is replaced where it differs in a field that can't be changed."""
    try:
        client.apply(body, fresh_rights=True)
    except PermanentError:
        field = _UNCHANGEABLE.get(body["kind"])
        name, namespace = body["metadata"]["name"], body["metadata"]["namespace"]
        present = client.get(body["apiVersion"], body["kind"], name, namespace) if field else None
        if present is None or not differences(desired=body[str(field)], observed=present.get(str(field))):
            raise
        uid = present["metadata"]["uid"]
        client.delete(body["apiVersion"], body["kind"], name, namespace, uid=uid)
        client.apply(body, fresh_rights=True)


def goes_with_namespace(_wish: Wish, _client: ClusterClient) -> bool:
    """`delete` of a Kind whose objects vanish with the namespace: nothing to do."""
    return True
