"""A look at the whole fleet on a timer: which projects have something outside that is not as it was left?

One LIST per object type and cluster, in pages, raw; nothing per project. An object whose resourceVersion was verified
before is not compared again (the ledger is in memory: losing it costs one comparison, not correctness). The scan only
names projects; the loop then looks at them and repairs by policy. Kinds that were not found right at their last look
are left out: what is wrong with them is known, and they get looks at their own pace. Secrets and ConfigMaps are not
listed (the portal has no right to) and are looked at when a project's own turn comes.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from provisioning.kind import Kind, Wish
from provisioning.manifests import API_VERSIONS
from provisioning.names import LABEL_UID, MANAGED_BY, MANAGER
from provisioning.plan import differences

LISTED = (
    "Namespace", "ResourceQuota", "LimitRange", "NetworkPolicy", "RoleBinding", "ServiceAccount",
    "Trigger", "TriggerBinding", "TriggerTemplate", "EventListener",
)  # fmt: skip


class Lists(Protocol):
    """What the scan uses of a cluster's client."""

    def list(self, api_version: str, kind: str, *, label_selector: str) -> Iterable[Mapping[str, Any]]: ...
    def serves(self, api_version: str, kind: str) -> bool: ...


class ListsBuckets(Protocol):
    """What the scan uses of an object store's client."""

    def list_buckets(self) -> Iterable[str]: ...


@dataclass(frozen=True)
class Held:
    """A project to compare: its wish, and those of its Kinds that were found right at their last look."""

    wish: Wish
    kinds: frozenset[str]


Entry = tuple[str, str, str, int]


class Present(NamedTuple):
    """One object of a listing. `body` is kept only where its version was not found right before: a fleet is large."""

    uid: str
    version: str
    body: Mapping[str, Any] | None


@dataclass
class Ledger:
    """By cluster: resourceVersion last found right, by (kind, namespace, name, generation)."""

    verified: dict[str, dict[Entry, str]] = field(default_factory=dict)


def moved_in_cluster(
    *, cluster: str, client: Lists, held: Sequence[Held], kinds: Mapping[str, Kind], ledger: Ledger
) -> set[str]:
    """The uids of those projects whose objects on this cluster are missing or differ. Raises ProvisioningError."""
    before, verified = ledger.verified.get(cluster, {}), {}
    found = _listing(client, before=before, generations={one.wish.uid: one.wish.generation for one in held})
    moved = set()
    for one in held:
        wish = one.wish
        for thing in _expected(one, kinds):
            kind, name = thing.key.split("/", 1)
            if kind not in found:
                continue
            namespace = "" if kind == "Namespace" else wish.names.namespace
            present = found[kind].get((namespace, name))
            if thing.body is None:
                if present is not None:
                    moved.add(wish.uid)
                continue
            if present is None or present.uid != wish.uid:
                moved.add(wish.uid)
                continue
            entry = (kind, namespace, name, wish.generation)
            if before.get(entry) == present.version:
                verified[entry] = present.version
            elif present.body is None or differences(desired=thing.body, observed=present.body):
                moved.add(wish.uid)
            else:
                verified[entry] = present.version
    # Only what is there now is remembered, so that the ledger does not grow with every generation.
    ledger.verified[cluster] = verified
    return moved


def missing_in_store(*, client: ListsBuckets, held: Iterable[Held]) -> set[str]:
    """The uids of those projects whose bucket is not there any more. Raises ProvisioningError."""
    present = set(client.list_buckets())
    return {one.wish.uid for one in held if "bucket" in one.kinds and one.wish.names.bucket not in present}


def _expected(held: Held, kinds: Mapping[str, Kind]) -> list[Any]:
    return [
        thing
        for kind in kinds.values()
        if kind.system == "cluster" and kind.name in held.kinds
        for thing in kind.desired(held.wish)
        if not thing.sensitive
    ]


def _listing(
    client: Lists, *, before: Mapping[Entry, str], generations: Mapping[str, int]
) -> dict[str, dict[tuple[str, str], Present]]:
    """By type, then by (namespace, name). before: the ledger; generations: by uid, the wishes that are compared."""
    selector = f"{MANAGED_BY}={MANAGER}"
    found: dict[str, dict[tuple[str, str], Present]] = {}
    for kind in LISTED:
        if not client.serves(API_VERSIONS[kind], kind):
            continue
        found[kind] = {}
        for item in client.list(API_VERSIONS[kind], kind, label_selector=selector):
            metadata = item["metadata"]
            place, version = (metadata.get("namespace", ""), metadata["name"]), metadata["resourceVersion"]
            uid = metadata.get("labels", {}).get(LABEL_UID, "")
            known = before.get((kind, *place, generations.get(uid, 0))) == version
            found[kind][place] = Present(uid=uid, version=version, body=None if known else item)
    return found
