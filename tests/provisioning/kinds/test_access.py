from typing import Any

from provisioning.kind import Object
from provisioning.kinds.access import KIND
from tests.provisioning.wishes import LABELS, catalogue, wish

RBAC = "rbac.authorization.k8s.io"


def metadata(name: str) -> dict[str, Any]:
    return {"name": name, "namespace": "ml-demand", "labels": LABELS}


def account(name: str) -> Object:
    body = {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": metadata(name),
        "automountServiceAccountToken": False,
    }
    return Object(key=f"ServiceAccount/{name}", body=body)


def binding(role: str, *subjects: tuple[str, str]) -> Object:
    body = {
        "apiVersion": f"{RBAC}/v1",
        "kind": "RoleBinding",
        "metadata": metadata(f"slipway-{role}s"),
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": f"slipway-{role}"},
        "subjects": [{"apiGroup": RBAC, "kind": kind, "name": name} for kind, name in subjects],
    }
    return Object(key=f"RoleBinding/slipway-{role}s", body=body)


ACCOUNTS = (account("default"), account("pipeline"), account("workload"))


def test_people_and_groups_by_role_with_the_clusters_prefix() -> None:
    assert KIND.desired(wish()) == (
        *ACCOUNTS,
        binding("owner", ("User", "ad:alice@corp.example")),
        binding("editor", ("User", "ad:bob@corp.example"), ("Group", "ad:ml-forecasting")),
        binding("viewer", ("Group", "ad:ml-vision")),
    )


def test_a_role_that_nobody_has_is_bound_to_nobody() -> None:
    owners = [{"user": "alice@corp.example", "role": "owner"}]
    assert KIND.desired(wish(contributors=owners)) == (
        *ACCOUNTS,
        binding("owner", ("User", "ad:alice@corp.example")),
        Object(key="RoleBinding/slipway-editors", body=None),
        Object(key="RoleBinding/slipway-viewers", body=None),
    )


def test_a_person_is_bound_once_and_a_group_is_not_a_person() -> None:
    people = [
        {"user": "Bob@corp.example", "role": "owner"},
        {"user": "bob@corp.example", "role": "owner", "until": "2020-01-01"},
        {"group": "bob@corp.example", "role": "owner"},
    ]
    prefixes = catalogue(cluster={"user_prefix": "person:", "group_prefix": "group:"})
    owners = KIND.desired(wish(contributors=people, catalogue=prefixes))[3]
    assert owners == binding("owner", ("User", "person:bob@corp.example"), ("Group", "group:bob@corp.example"))


def test_summary() -> None:
    assert KIND.summary(wish()) == "1 owner, 2 editors, 1 viewer"
    assert KIND.summary(wish(contributors=())) == "nobody yet"
