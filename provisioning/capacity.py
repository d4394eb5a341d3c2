"""How much a target has in all, for everybody: what the nodes of a cluster offer, what the disks of a store hold.

Not every target tells. Unknown stays unknown: nobody may take it for enough.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from provisioning.catalogue import ClusterTarget, ObjectStoreTarget
from provisioning.errors import PermanentError
from provisioning.quantities import served_quantity
from provisioning.targets import Target

_OFFERED = {"cpu": "cpu", "memory": "memory", "gpu": "nvidia.com/gpu", "pods": "pods"}


class ListsNodes(Protocol):
    """What is used of a cluster's client."""

    def list(self, api_version: str, kind: str) -> Iterable[Mapping[str, Any]]: ...


class HasDisks(Protocol):
    """What is used of a store's client."""

    def capacity(self) -> int: ...


def capacity_of(target: Target, client: Any) -> dict[str, float]:
    """By measure, what the target has in all; {} when it doesn't tell. Raises TemporaryError."""
    if isinstance(target, ClusterTarget):
        return of_nodes(client)
    if isinstance(target, ObjectStoreTarget):
        return of_disks(client)
    return {}


def of_nodes(client: ListsNodes) -> dict[str, float]:
    """What all nodes that take pods offer together; {} without nodes, or without the right to list them."""
    offered: dict[str, float] = {}
    try:
        for node in client.list("v1", "Node"):
            if node.get("spec", {}).get("unschedulable"):
                continue
            allocatable = node.get("status", {}).get("allocatable", {})
            for measure, name in _OFFERED.items():
                offered[measure] = offered.get(measure, 0.0) + float(served_quantity(allocatable.get(name, "0")))
    except PermanentError:
        return {}
    return offered


def of_disks(client: HasDisks) -> dict[str, float]:
    """The bytes that all disks hold; {} when the store doesn't tell."""
    held = client.capacity()
    return {"bucket": float(held)} if held else {}
