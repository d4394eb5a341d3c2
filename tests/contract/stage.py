"""Two workspaces and a foreign namespace on the real cluster, for the tests of rights.

alice is owner, bob editor and charlie viewer of the first workspace; nobody has a role in the second.
"""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from provisioning.catalogue import Catalogue
from provisioning.kind import kinds
from tests.contract.clusters import (
    Caller,
    administrator,
    in_parallel,
    person,
    portal,
    portal_cluster,
    stack,
)
from tests.provisioning.wishes import wish

RBAC = "/apis/rbac.authorization.k8s.io/v1"
MARK = {"app.kubernetes.io/managed-by": "slipway"}
CONTRIBUTORS = (
    {"user": "alice@corp.example", "role": "owner"},
    {"user": "bob@corp.example", "role": "editor"},
    {"user": "charlie@corp.example", "role": "viewer"},
)


@dataclass(frozen=True)
class Stage:
    """The namespaces by name, and who acts."""

    own: str
    other: str
    foreign: str
    uid: str
    portal: Caller
    admin: Caller
    alice: Caller
    bob: Caller
    charlie: Caller


def _with_tekton(catalogue: Catalogue) -> Catalogue:
    """The stack's catalogue with CI on the cluster, so that every right that a workspace can give is there."""
    own = catalogue.cluster().model_copy(update={"ci": "tekton"})
    others = tuple(one for one in catalogue.clusters if one.name != own.name)
    return catalogue.model_copy(update={"clusters": (own, *others)})


@contextmanager
def stage() -> Iterator[Stage]:
    """Set the stage with the portal's token; take everything away afterwards."""
    client, admin, mark = portal_cluster(), administrator(), secrets.token_hex(4)
    catalogue = _with_tekton(stack()[0])
    own = wish(slug=f"rights-{mark}", uid=f"uid-{mark}", catalogue=catalogue, plan="small", contributors=CONTRIBUTORS)
    other = wish(slug=f"others-{mark}", uid=f"uid-other-{mark}", catalogue=catalogue, plan="small", contributors=())
    foreign = f"foreign-{mark}"
    for project in (own, other):
        for kind in kinds().values():
            if kind.system == "cluster" and not (kind.unsupported and kind.unsupported(project, client)):
                objects = [thing for thing in kind.desired(project) if thing.body is not None]
                kind.apply(project, client, objects, in_parallel)
    admin("POST", "/api/v1/namespaces", {"metadata": {"name": foreign}})
    for space in (foreign, own.names.namespace):
        for name in ("theirs", "spare"):
            admin("POST", f"/api/v1/namespaces/{space}/secrets", {"metadata": {"name": name}, "stringData": {"a": "b"}})
            admin("POST", f"/api/v1/namespaces/{space}/configmaps", {"metadata": {"name": name}, "data": {"a": "b"}})
    policy = {"metadata": {"name": "theirs"}, "spec": {"podSelector": {}}}
    admin("POST", f"/apis/networking.k8s.io/v1/namespaces/{foreign}/networkpolicies", policy)
    rules = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"]}]
    admin("POST", f"{RBAC}/namespaces/{own.names.namespace}/roles", {"metadata": {"name": "theirs"}, "rules": rules})
    view = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "slipway-viewer"}
    admin("POST", f"{RBAC}/namespaces/{foreign}/rolebindings", {"metadata": {"name": "theirs"}, "roleRef": view})
    yield Stage(
        own=own.names.namespace,
        other=other.names.namespace,
        foreign=foreign,
        uid=own.uid,
        portal=portal(),
        admin=admin,
        alice=person("alice"),
        bob=person("bob"),
        charlie=person("charlie"),
    )
    # Nobody waits for the end of it: the controllers take some 15 s.
    for name in (own.names.namespace, other.names.namespace, foreign):
        admin("DELETE", f"/api/v1/namespaces/{name}")
    client.close()
