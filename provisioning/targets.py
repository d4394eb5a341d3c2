"""Open clients, one per target and process, and a breaker in front of each.

A client is dropped when its target does not answer or refuses the credential, so that a rotated credential or a new CA
is read at the next attempt. While the breaker is open nobody is kept waiting for a time-out: the last error is told at
once. The vendor packages are imported by the first connection, so the web processes never load them.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from provisioning.catalogue import (
    Catalogue,
    ClusterTarget,
    DatabaseTarget,
    ForgeTarget,
    GraphDirectory,
    LdapDirectory,
    ObjectStoreTarget,
    TrackerTarget,
)
from provisioning.directory import Directory
from provisioning.errors import PermanentError, TargetUnavailable
from provisioning.phrases import phrase
from provisioning.secrets import Resolve

Target = ClusterTarget | ObjectStoreTarget | ForgeTarget | TrackerTarget | DatabaseTarget
OPEN_SECONDS = 1.0


@dataclass
class _Slot:
    client: Any = None
    error: TargetUnavailable | None = None
    closed_from: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)


_slots: dict[str, _Slot] = {}
_given: dict[str, Any] = {}
_guard = threading.Lock()


def _slot(name: str) -> _Slot:
    with _guard:
        return _slots.setdefault(name, _Slot())


def forget_clients() -> None:
    """Drop every client, and those that were given: after a fork, and between tests."""
    with _guard:
        _slots.clear()
        _given.clear()


def use(name: str, client: Any) -> None:
    """Have this client instead of a connection, until `forget_clients`: how tests put a fake in a target's place."""
    with _guard:
        _given[name] = client
        _slots.pop(name, None)


def connect(target: Target, *, resolve: Resolve) -> Any:
    """A new client for the target. Raises TargetUnavailable when its credential is not there yet."""
    if target.name in _given:
        return _given[target.name]
    from provisioning import clients

    if isinstance(target, ClusterTarget):
        return clients.connect_cluster(target, resolve=resolve)
    if isinstance(target, ObjectStoreTarget):
        return clients.connect_object_store(target, resolve=resolve)
    if isinstance(target, TrackerTarget):
        return clients.connect_tracker(target, resolve=resolve)
    if isinstance(target, DatabaseTarget):
        return clients.connect_database(target, resolve=resolve)
    return clients.connect_forge(target, resolve=resolve)


def connect_directory(target: LdapDirectory | GraphDirectory, *, resolve: Resolve) -> Directory:
    """A new client for the directory; close it after use. Raises TargetUnavailable when its credential isn't there."""
    if target.name in _given:
        given: Directory = _given[target.name]
        return given
    from provisioning import clients

    return clients.connect_directory(target, resolve=resolve)


def trip(name: str, error: TargetUnavailable) -> None:
    """Open the breaker of a target that did not answer, and drop its client. While it is open this changes nothing."""
    slot = _slot(name)
    with slot.lock:
        if time.monotonic() >= slot.closed_from:
            slot.client, slot.error = None, error
            slot.closed_from = time.monotonic() + max(OPEN_SECONDS, error.delay or 0.0)


def open_client(target: Target, *, resolve: Resolve) -> Any:
    """The client of a target. Raises TargetUnavailable at once while the breaker is open."""
    slot = _slot(target.name)
    with slot.lock:
        left = slot.closed_from - time.monotonic()
        if slot.error is not None and left > 0:
            raise TargetUnavailable(slot.error.message, delay=None if slot.error.delay is None else left)
        if slot.client is None:
            try:
                slot.client = connect(target, resolve=resolve)
            except TargetUnavailable as error:
                slot.error, slot.closed_from = error, time.monotonic() + OPEN_SECONDS
                raise
            slot.error = None
        return slot.client


def targets(catalogue: Catalogue) -> dict[str, Target]:
    """Every target of the catalogue by name."""
    everything: tuple[Target, ...] = (
        *catalogue.clusters,
        *catalogue.object_stores,
        *catalogue.forges,
        *catalogue.trackers,
        *catalogue.databases,
    )
    return {target.name: target for target in everything}


def opener(catalogue: Catalogue, *, resolve: Resolve) -> Callable[[str], Any]:
    """A function from a target's name to its client. It raises PermanentError for one that is not in the catalogue."""
    known = targets(catalogue)

    def client_of(name: str) -> Any:
        if name not in known:
            raise PermanentError(phrase("The server for this has left the catalogue. The platform team puts it back."))
        return open_client(known[name], resolve=resolve)

    return client_of
