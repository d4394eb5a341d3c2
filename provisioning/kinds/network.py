"""Who may talk to the workspace, and whom it may talk to: nobody, but for what a policy here allows."""

from typing import Any

from pydantic import Field

from provisioning.kind import Kind, Object, Options, Wish
from provisioning.manifests import apply, goes_with_namespace, manifest, observe
from provisioning.phrases import Phrase, phrase

_NAMESPACE_NAME = "kubernetes.io/metadata.name"
# Not the internet: private networks, shared address space, loopback, link-local (the metadata addresses of clouds).
_PRIVATE_4 = ["10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16"]
_PRIVATE_6 = ["::1/128", "fc00::/7", "fe80::/10"]


class NetworkOptions(Options):
    """What a team may choose about the network."""

    internet: bool = Field(
        default=False, title="Internet access", description="Pods may reach public addresses. Nothing gets in."
    )


def desired(wish: Wish) -> tuple[Object, ...]:
    """The network policies. Empty lists are declared too, so that a rule added to a policy by hand is noticed."""
    options = wish.options("network", NetworkOptions)
    everyone_here: list[Any] = [{"podSelector": {}}]
    dns = {
        "namespaceSelector": {"matchLabels": {_NAMESPACE_NAME: "kube-system"}},
        "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}},
    }
    namespaces = sorted(set(wish.cluster.platform_namespaces))
    platform: list[Any] = [
        {"namespaceSelector": {"matchExpressions": [{"key": _NAMESPACE_NAME, "operator": "In", "values": namespaces}]}}
        for _ in namespaces[:1]
    ]
    # Object store, forge and others that stand outside the cluster: reached from here, never the other way round.
    outside = [{"ipBlock": {"cidr": str(network)}} for network in wish.cluster.platform_cidrs]
    public = [
        {"ipBlock": {"cidr": "0.0.0.0/0", "except": _PRIVATE_4}},
        {"ipBlock": {"cidr": "::/0", "except": _PRIVATE_6}},
    ]
    return (
        _policy(wish, "slipway-default-deny", types=["Ingress", "Egress"]),
        _policy(
            wish,
            "slipway-allow-dns",
            egress=[{"to": [dns], "ports": [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}]}],
        ),
        _policy(
            wish, "slipway-allow-same-namespace", ingress=[{"from": everyone_here}], egress=[{"to": everyone_here}]
        ),
        _policy(
            wish,
            "slipway-allow-platform",
            ingress=[{"from": platform}] if platform else None,
            egress=[{"to": [*platform, *outside]}],
            absent=not (platform or outside),
        ),
        _policy(wish, "slipway-allow-internet", egress=[{"to": public}], absent=not options.internet),
    )


def _policy(
    wish: Wish,
    name: str,
    *,
    ingress: list[Any] | None = None,
    egress: list[Any] | None = None,
    types: list[str] | None = None,
    absent: bool = False,
) -> Object:
    """One policy for all pods. Its types are those it has rules for, unless given."""
    spec: dict[str, Any] = {
        "podSelector": {},
        "policyTypes": types or [kind for kind, rules in (("Ingress", ingress), ("Egress", egress)) if rules],
        "ingress": ingress or [],
        "egress": egress or [],
    }
    return manifest(wish, "NetworkPolicy", name, absent=absent, spec=spec)


def summary(wish: Wish) -> Phrase:
    """What is open."""
    internet = wish.options("network", NetworkOptions).internet
    if internet:
        return phrase("Closed, except for DNS, this workspace, the platform and the internet outwards")
    return phrase("Closed, except for DNS, this workspace, the platform")


KIND = Kind(
    name="network",
    title="Network",
    system="cluster",
    desired=desired,
    observe=observe,
    apply=apply,
    delete=goes_with_namespace,
    summary=summary,
    after=("namespace",),
    within="namespace",
    options=NetworkOptions,
)
