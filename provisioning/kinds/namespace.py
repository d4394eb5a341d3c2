"""The workspace: a namespace of the cluster, and the role binding that lets us work in it.

The namespace is created, never adopted by an apply, so that a foreign one of the same name stays untouched. The role
binding belongs to it because every other Kind of the cluster can write only once it is there.
"""

from collections.abc import Sequence

from provisioning.errors import AlreadyExists, NameTaken, Reason, TemporaryError
from provisioning.kind import Body, Each, Kind, Object, Wish
from provisioning.manifests import API_VERSIONS, ClusterClient, Manifest, make_so, manifest
from provisioning.names import ANNOTATION_PORTAL, LABEL_UID
from provisioning.phrases import Phrase, phrase

SYSTEM_NAMESPACE = "slipway-system"
PORTAL_ACCOUNT = "portal"
_WAIT_SECONDS = 2


def desired(wish: Wish) -> tuple[Object, ...]:
    """The namespace with our mark and its pod security, and the portal's own role binding in it."""
    version = wish.cluster.pod_security_version
    security = {"enforce": "baseline", "audit": "restricted", "warn": "restricted"}
    labels = wish.names.labels()
    for mode, level in security.items():
        labels[f"pod-security.kubernetes.io/{mode}"] = level
        labels[f"pod-security.kubernetes.io/{mode}-version"] = version
    # All three are always declared: what a create wrote, an apply that leaves it out doesn't take away.
    annotations = {
        ANNOTATION_PORTAL: wish.portal_url,
        "slipway.dev/title": wish.spec.title,
        "slipway.dev/description": wish.spec.description,
    }
    body: Manifest = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": wish.names.namespace, "labels": labels, "annotations": annotations},
    }
    binding = manifest(
        wish,
        "RoleBinding",
        "slipway-workspace-manager",
        roleRef={"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "slipway-workspace-manager"},
        subjects=[{"kind": "ServiceAccount", "name": PORTAL_ACCOUNT, "namespace": SYSTEM_NAMESPACE}],
    )
    return (Object(key=f"Namespace/{wish.names.namespace}", body=body), binding)


def observe(wish: Wish, client: ClusterClient, objects: Sequence[Object], each: Each) -> dict[str, Body | None]:
    """Both as they are, or None. Raises NameTaken, and TemporaryError while the namespace is being removed."""

    def look(thing: Object) -> Body | None:
        kind, name = thing.key.split("/", 1)
        return client.get(API_VERSIONS[kind], kind, name, None if kind == "Namespace" else wish.names.namespace)

    found = dict(zip((thing.key for thing in objects), each(look, objects), strict=True))
    namespace = found.get(f"Namespace/{wish.names.namespace}")
    if namespace is not None:
        _check(wish, namespace)
    return found


def apply(wish: Wish, client: ClusterClient, objects: Sequence[Object], _each: Each) -> None:
    """Make the namespace, or bring ours up to date; then the role binding. Raises NameTaken."""
    for thing in objects:
        if thing.body is None:
            continue
        if thing.body["kind"] == "Namespace":
            _make_namespace(wish, client, dict(thing.body))
        else:
            make_so(client, dict(thing.body))


def _make_namespace(wish: Wish, client: ClusterClient, body: Manifest) -> None:
    try:
        client.create(body)
    except AlreadyExists:
        present = client.get("v1", "Namespace", wish.names.namespace)
        if present is None:
            raise _being_removed(wish) from None
        _check(wish, present)
        client.apply(body)


def _check(wish: Wish, namespace: Body) -> None:
    """Raise when this namespace can't be worked with: it is going away, or it is not ours."""
    if "deletionTimestamp" in namespace["metadata"]:
        raise _being_removed(wish)
    if not _ours(wish, namespace):
        raise NameTaken(
            phrase(
                "The namespace %(namespace)s exists on %(cluster)s and is not this project's. It stays as it is. "
                "Start the project under another name, or ask the platform team to free this one.",
                namespace=wish.names.namespace,
                cluster=wish.cluster.name,
            )
        )


def _ours(wish: Wish, namespace: Body) -> bool:
    return bool(namespace["metadata"].get("labels", {}).get(LABEL_UID) == wish.uid)


def _being_removed(wish: Wish) -> TemporaryError:
    return TemporaryError(
        phrase(
            "The namespace %(namespace)s on %(cluster)s is still being removed. We make it anew then.",
            namespace=wish.names.namespace,
            cluster=wish.cluster.name,
        ),
        delay=_WAIT_SECONDS,
    )


def delete(wish: Wish, client: ClusterClient) -> bool:
    """Remove our namespace with all that is in it. True when it is gone, or was never ours; False while it goes.

    Raises TemporaryError with what the cluster says is in the way.
    """
    name = wish.names.namespace
    present = client.get("v1", "Namespace", name)
    if present is None or not _ours(wish, present):
        return True
    if "deletionTimestamp" not in present["metadata"]:
        client.delete("v1", "Namespace", name, uid=present["metadata"]["uid"])
        return False
    blockers = client.namespace_blockers(name)
    if blockers:
        raise TemporaryError(
            phrase(
                "The namespace %(namespace)s on %(cluster)s is being removed. What is in the way: %(blockers)s",
                namespace=name,
                cluster=wish.cluster.name,
                blockers=" ".join(blockers),
            ),
            delay=_WAIT_SECONDS,
            reason=Reason.DELETING,
        )
    return False


def summary(wish: Wish) -> Phrase:
    """Where the workspace is."""
    where = wish.cluster.title or wish.cluster.name
    return phrase("%(namespace)s on %(cluster)s", namespace=wish.names.namespace, cluster=where)


KIND = Kind(
    name="namespace",
    title="Workspace",
    system="cluster",
    desired=desired,
    observe=observe,
    apply=apply,
    delete=delete,
    summary=summary,
)
