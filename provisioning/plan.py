"""Desired against observed: a plan is a value that can be printed before anything happens.

Only what we declare is compared (a server adds fields of its own). Lists are compared whole.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from provisioning.kind import Body, Object


class Action(StrEnum):
    """What a plan does with one object."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    KEEP = "keep"


@dataclass(frozen=True)
class Difference:
    """One field that differs: dotted path, value as observed, value as desired. Hidden values are "…"."""

    path: str
    observed: Any
    desired: Any


@dataclass(frozen=True)
class Change:
    """One line of a plan."""

    kind: str
    key: str
    action: Action
    differences: tuple[Difference, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """JSON-able form, the same in the API, in events and in comments."""
        return {
            "kind": self.kind,
            "object": self.key,
            "action": self.action.value,
            "differences": [
                {"path": one.path, "observed": one.observed, "desired": one.desired} for one in self.differences
            ],
        }


def differences(*, desired: Any, observed: Any, path: str = "") -> tuple[Difference, ...]:
    """The fields declared in `desired` that `observed` does not have so. Empty when nothing differs."""
    if isinstance(desired, Mapping) and isinstance(observed, Mapping):
        found: list[Difference] = []
        for name in sorted(desired):
            below = f"{path}.{name}" if path else str(name)
            found += differences(desired=desired[name], observed=observed.get(name), path=below)
        return tuple(found)
    if isinstance(desired, list | tuple) and isinstance(observed, list | tuple):
        same_length = len(desired) == len(observed)
        if same_length and not any(differences(desired=a, observed=b) for a, b in zip(desired, observed, strict=True)):
            return ()
    elif desired == observed or (observed is None and desired in ({}, [], ())):
        return ()
    return (Difference(path=path, observed=observed, desired=desired),)


def compare(*, kind: str, desired: Sequence[Object], observed: Mapping[str, Body | None]) -> tuple[Change, ...]:
    """One change per object, KEEP included; objects that must be absent and are absent give none."""
    changes = []
    for thing in desired:
        present = observed.get(thing.key)
        if thing.body is None:
            if present is not None:
                changes.append(Change(kind=kind, key=thing.key, action=Action.DELETE))
        elif present is None:
            changes.append(Change(kind=kind, key=thing.key, action=Action.CREATE))
        else:
            found = differences(desired=thing.body, observed=present)
            if thing.sensitive:
                found = tuple(Difference(path=one.path, observed="…", desired="…") for one in found)
            action = Action.UPDATE if found else Action.KEEP
            changes.append(Change(kind=kind, key=thing.key, action=action, differences=found))
    return tuple(changes)


def counts(changes: Iterable[Change]) -> dict[str, int]:
    """How many lines a plan has of each action, zeros included."""
    totals = {action.value: 0 for action in Action}
    for change in changes:
        totals[change.action.value] += 1
    return totals
