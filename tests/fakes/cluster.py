"""A cluster in memory, with as much of the API server as Kinds and engine lean on.

Server-side apply with one manager, namespaces that must be there and that take two looks to go, finalizers, uids,
label selectors. No schema, no quota, no rights: use `fail_with` for what those would say.
"""

import base64
import builtins
import copy
import itertools
import re
from collections.abc import Iterator
from typing import Any

from provisioning.errors import AlreadyExists, PermanentError, Reason, TemporaryError
from tests.fakes.recording import Recorder

Manifest = dict[str, Any]
_Key = tuple[str, str, str, str]

_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?")
_KINDS = {
    ("v1", "Namespace"): False,
    ("v1", "ConfigMap"): True,
    ("v1", "LimitRange"): True,
    ("v1", "ResourceQuota"): True,
    ("v1", "Secret"): True,
    ("v1", "ServiceAccount"): True,
    ("networking.k8s.io/v1", "NetworkPolicy"): True,
    ("rbac.authorization.k8s.io/v1", "ClusterRole"): False,
    ("v1", "Node"): False,
    ("rbac.authorization.k8s.io/v1", "Role"): True,
    ("rbac.authorization.k8s.io/v1", "RoleBinding"): True,
}


class FakeCluster(Recorder):
    """`Cluster` without a cluster. `objects` holds what is in it, by apiVersion, kind, namespace and name."""

    def __init__(self, *, name: str = "cluster-north", api: str = "", token: str = "", ca: str | None = None) -> None:
        super().__init__()
        self.name = name
        self.objects: dict[_Key, Manifest] = {}
        self._kinds = dict(_KINDS)
        self._applied: dict[_Key, Manifest] = {}
        self._numbers = itertools.count(1)

    def add_kind(self, api_version: str, kind: str, *, namespaced: bool = True) -> None:
        """Install a kind, as a CustomResourceDefinition does."""
        self._kinds[(api_version, kind)] = namespaced

    def close(self) -> None:
        self._enter("close")

    def probe(self) -> str:
        self._enter("probe")
        return "v1.37.2"

    def serves(self, api_version: str, kind: str) -> bool:
        self._enter("serves", api_version, kind)
        return (api_version, kind) in self._kinds

    def create(self, manifest: Manifest) -> Manifest:
        with self._lock:
            self._enter("create", _title(manifest))
            key = self._admit(manifest, "create")
            if key in self.objects:
                raise AlreadyExists(f"{_title(manifest)} already exists on {self.name}.")
            self.objects[key] = self._born(manifest)
            return copy.deepcopy(self.objects[key])

    def apply(self, manifest: Manifest, *, fresh_rights: bool = False) -> Manifest:
        with self._lock:
            self._enter("apply", _title(manifest))
            key = self._admit(manifest, "apply")
            wanted = _stored(manifest)
            if key not in self.objects:
                self.objects[key] = self._born(manifest)
            else:
                before = self.objects[key]
                after = _merge(_without(before, self._applied.get(key, {}), wanted), wanted)
                if after != before:
                    after["metadata"]["resourceVersion"] = str(next(self._numbers))
                self.objects[key] = after
                self._collect(key)
            self._applied[key] = wanted
            return copy.deepcopy(self.objects.get(key, wanted))

    def get(
        self,
        api_version: str,
        kind: str,
        name: str,
        namespace: str | None = None,
        *,
        fresh_rights: bool = False,
    ) -> Manifest | None:
        with self._lock:
            self._enter("get", f"{kind} {namespace}/{name}" if namespace else f"{kind} {name}")
            key = self._key(api_version, kind, name, namespace)
            found = copy.deepcopy(self.objects.get(key))
            self._tick(key)
            return found

    def delete(
        self, api_version: str, kind: str, name: str, namespace: str | None = None, uid: str | None = None
    ) -> bool:
        with self._lock:
            self._enter("delete", f"{kind} {namespace}/{name}" if namespace else f"{kind} {name}")
            key = self._key(api_version, kind, name, namespace)
            found = self.objects.get(key)
            if found is None or (uid is not None and found["metadata"]["uid"] != uid):
                return False
            found["metadata"].setdefault("deletionTimestamp", "2026-01-01T00:00:00Z")
            if kind == "Namespace":
                found["status"] = {"phase": "Terminating"}
                for other in [one for one in self.objects if one[2] == name]:
                    self.objects[other]["metadata"].setdefault("deletionTimestamp", "2026-01-01T00:00:00Z")
                    self._collect(other)
            else:
                self._collect(key)
            return True

    def list(
        self,
        api_version: str,
        kind: str,
        label_selector: str | None = None,
        namespace: str | None = None,
        limit: int = 500,
    ) -> Iterator[Manifest]:
        with self._lock:
            self._enter("list", kind, label_selector or "")
            keys = sorted(one for one in self.objects if one[:2] == (api_version, kind))
            found = [
                copy.deepcopy(self.objects[key])
                for key in keys
                if namespace in (None, key[2]) and _selected(self.objects[key], label_selector)
            ]
            for key in keys:
                self._tick(key)
        yield from found

    def namespace_blockers(self, name: str) -> builtins.list[str]:
        with self._lock:
            self._enter("namespace_blockers", name)
            namespace = self.objects.get(("v1", "Namespace", "", name))
            if namespace is None or namespace["status"]["phase"] != "Terminating":
                return []
            held: dict[str, int] = {}
            for key, one in self.objects.items():
                for finalizer in one["metadata"].get("finalizers", []) if key[2] == name else []:
                    held[finalizer] = held.get(finalizer, 0) + 1
            return [
                f"Some content in the namespace has finalizers remaining: {finalizer} in {count} resource instances"
                for finalizer, count in sorted(held.items())
            ]

    def _key(self, api_version: str, kind: str, name: str, namespace: str | None) -> _Key:
        namespaced = self._kinds.get((api_version, kind), True)
        return (api_version, kind, (namespace or "") if namespaced else "", name)

    def _admit(self, manifest: Manifest, verb: str) -> _Key:
        """The key of an object that may be written. Raises what the API server would answer."""
        doing, kind = f"{verb} {_title(manifest)}", (manifest["apiVersion"], manifest["kind"])
        if kind not in self._kinds:
            message = f"{self.name} can't {doing}, since it doesn't know that kind. The platform team must install it."
            raise TemporaryError(message, delay=60, reason=Reason.UNSUPPORTED)
        key = self._key(*kind, manifest["metadata"]["name"], manifest["metadata"].get("namespace"))
        namespace = self.objects.get(("v1", "Namespace", "", key[2]))
        if self._kinds[kind] and namespace is None:
            message = f"{self.name} can't {doing}, since its namespace isn't there."
            raise TemporaryError(message, reason=Reason.DEPENDENCY_NOT_READY)
        if namespace is not None and namespace["status"]["phase"] == "Terminating" and key not in self.objects:
            message = f"{self.name} can't {doing} while its namespace is being removed."
            raise TemporaryError(message, reason=Reason.DELETING)
        if not _NAME.fullmatch(key[3]):
            raise PermanentError(f"{self.name} refuses to {doing}: its name is not valid.")
        return key

    def _born(self, manifest: Manifest) -> Manifest:
        """The object as the server keeps it from the start."""
        number = next(self._numbers)
        born = _stored(manifest)
        born["metadata"] |= {
            "uid": f"00000000-0000-4000-8000-{number:012d}",
            "resourceVersion": str(number),
            "creationTimestamp": "2026-01-01T00:00:00Z",
        }
        if manifest["kind"] == "Namespace":
            born["metadata"].setdefault("labels", {})["kubernetes.io/metadata.name"] = manifest["metadata"]["name"]
            born["spec"] = {"finalizers": ["kubernetes"]}
            born["status"] = {"phase": "Active"}
        if manifest["kind"] == "Secret":
            born.setdefault("type", "Opaque")
        return born

    def _collect(self, key: _Key) -> None:
        """Forget an object that is being removed, once no finalizer holds it."""
        metadata = self.objects[key]["metadata"]
        if key[1] != "Namespace" and "deletionTimestamp" in metadata and not metadata.get("finalizers"):
            del self.objects[key]
            self._applied.pop(key, None)

    def _tick(self, key: _Key) -> None:
        """A namespace that is being removed is seen once more and then gone, unless something in it holds it."""
        found = self.objects.get(key)
        if found is None or key[1] != "Namespace" or found["status"]["phase"] != "Terminating":
            return
        if not any(one[2] == key[3] for one in self.objects):
            del self.objects[key]
            self._applied.pop(key, None)


def _title(manifest: Manifest) -> str:
    metadata = manifest["metadata"]
    where = f"{metadata['namespace']}/" if metadata.get("namespace") else ""
    return f"{manifest['kind']} {where}{metadata['name']}"


def _stored(manifest: Manifest) -> Manifest:
    """A manifest as it is kept: a Secret's `stringData` becomes base64 `data`."""
    kept = copy.deepcopy(manifest)
    if manifest["kind"] == "Secret" and "stringData" in kept:
        plain = kept.pop("stringData")
        kept["data"] = kept.get("data", {}) | {
            key: base64.b64encode(text.encode()).decode() for key, text in plain.items()
        }
    return kept


def _merge(live: Manifest, wanted: Manifest) -> Manifest:
    """`live` with every field of `wanted`; lists are replaced."""
    merged = dict(live)
    for field, value in wanted.items():
        if isinstance(value, dict) and isinstance(merged.get(field), dict):
            merged[field] = _merge(merged[field], value)
        else:
            merged[field] = copy.deepcopy(value)
    return merged


def _without(live: Manifest, applied: Manifest, wanted: Manifest) -> Manifest:
    """`live` less the fields that were applied last time and are no longer wanted."""
    kept = dict(live)
    for field, value in applied.items():
        if field not in wanted:
            if isinstance(value, dict) and isinstance(kept.get(field), dict):
                kept[field] = _without(kept[field], value, {})
                if not kept[field]:
                    del kept[field]
            else:
                kept.pop(field, None)
        elif isinstance(value, dict) and isinstance(wanted[field], dict) and isinstance(kept.get(field), dict):
            kept[field] = _without(kept[field], value, wanted[field])
    return kept


def _selected(found: Manifest, selector: str | None) -> bool:
    """Does an object match `a=b,c!=d,e,!f`?"""
    labels = found["metadata"].get("labels", {})
    for term in selector.split(",") if selector else ():
        if "!=" in term:
            key, value = term.split("!=")
            matches = labels.get(key) != value
        elif "=" in term:
            key, value = term.replace("==", "=").split("=")
            matches = labels.get(key) == value
        else:
            matches = (term.lstrip("!") in labels) != term.startswith("!")
        if not matches:
            return False
    return True
