from typing import Any

from provisioning.kind import Object
from provisioning.kinds.network import KIND
from tests.provisioning.wishes import LABELS, catalogue, wish


def policy(name: str, **spec: Any) -> Object:
    body = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": name, "namespace": "ml-demand", "labels": LABELS},
        "spec": {"podSelector": {}, "ingress": [], "egress": [], **spec},
    }
    return Object(key=f"NetworkPolicy/{name}", body=body)


PLATFORM = {
    "namespaceSelector": {
        "matchExpressions": [
            {"key": "kubernetes.io/metadata.name", "operator": "In", "values": ["monitoring", "tekton-pipelines"]}
        ]
    }
}
DNS = {
    "to": [
        {
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}},
            "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}},
        }
    ],
    "ports": [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}],
}
INTERNET = {
    "to": [
        {
            "ipBlock": {
                "cidr": "0.0.0.0/0",
                "except": [
                    "10.0.0.0/8",
                    "100.64.0.0/10",
                    "127.0.0.0/8",
                    "169.254.0.0/16",
                    "172.16.0.0/12",
                    "192.168.0.0/16",
                ],
            }
        },
        {"ipBlock": {"cidr": "::/0", "except": ["::1/128", "fc00::/7", "fe80::/10"]}},
    ]
}
CLOSED = (
    policy("slipway-default-deny", policyTypes=["Ingress", "Egress"]),
    policy("slipway-allow-dns", policyTypes=["Egress"], egress=[DNS]),
    policy(
        "slipway-allow-same-namespace",
        policyTypes=["Ingress", "Egress"],
        ingress=[{"from": [{"podSelector": {}}]}],
        egress=[{"to": [{"podSelector": {}}]}],
    ),
    policy(
        "slipway-allow-platform",
        policyTypes=["Ingress", "Egress"],
        ingress=[{"from": [PLATFORM]}],
        egress=[{"to": [PLATFORM]}],
    ),
)
OPEN: dict[str, Any] = {"network": {"internet": True}}


def test_closed_unless_asked() -> None:
    assert KIND.desired(wish()) == (*CLOSED, Object(key="NetworkPolicy/slipway-allow-internet", body=None))


def test_internet_outwards_but_no_private_network() -> None:
    internet = policy("slipway-allow-internet", policyTypes=["Egress"], egress=[INTERNET])
    assert KIND.desired(wish(options=OPEN)) == (*CLOSED, internet)


def test_no_platform_namespaces_no_platform_policy() -> None:
    bare = catalogue(cluster={"platform_namespaces": []})
    assert KIND.desired(wish(catalogue=bare)) == (
        *CLOSED[:3],
        Object(key="NetworkPolicy/slipway-allow-platform", body=None),
        Object(key="NetworkPolicy/slipway-allow-internet", body=None),
    )


def test_object_store_and_forge_outside_the_cluster_are_reached_outwards_only() -> None:
    outside = catalogue(cluster={"platform_namespaces": [], "platform_cidrs": ["10.20.0.0/24"]})
    allowed = policy(
        "slipway-allow-platform", policyTypes=["Egress"], egress=[{"to": [{"ipBlock": {"cidr": "10.20.0.0/24"}}]}]
    )
    assert KIND.desired(wish(catalogue=outside))[3] == allowed


def test_summary() -> None:
    assert KIND.summary(wish()) == "Closed, except for DNS, this workspace, the platform"
    assert (
        KIND.summary(wish(options=OPEN))
        == "Closed, except for DNS, this workspace, the platform and the internet outwards"
    )
