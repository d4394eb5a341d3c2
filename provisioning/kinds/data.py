"""Reading data stores of other teams: the project's choice, and whether the catalogue allows it.

What opens them is one part of the policy of the project's own key, so the bucket's Kind writes it: two writers of one
user's policies would take away each other's. Nothing is left to make here; it is ready when the bucket is.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from provisioning.catalogue import Catalogue, DataStore
from provisioning.data_access import (
    OPTIONS,
    DataOptions,
    chosen,
    is_within_reach,
    last_day,
    longest,
    offered,
    readable,
    stood_for,
    timed_out,
    without_consent,
)
from provisioning.kind import Body, Each, Kind, Object, Wish


def wanted(wish: Wish) -> bool:
    """Does the project want to read any?"""
    return bool(chosen(wish).read)


def choices(catalogue: Catalogue) -> dict[str, list[tuple[str, str]]]:
    """The stores within reach of projects, with their team and classification."""
    stores = (one for one in catalogue.data_stores if is_within_reach(one, catalogue=catalogue))
    return {"read": [(one.name, _words(one)) for one in stores]}


def at_most(catalogue: Catalogue) -> dict[str, int]:
    """For how many days at a time each store is read, where the catalogue bounds it."""
    return {one.name: one.max_days for one in catalogue.data_stores if one.max_days is not None}


def _words(store: DataStore) -> str:
    about = ", ".join(part for part in (store.owner, store.classification) if part)
    return f"{store.title or store.name} ({about})"


def check(wish: Wish) -> Iterator[tuple[str, str]]:
    """Stores that there are none of, and a last day that is missing or too late.

    For a new choice: one that stands is cut to what the catalogue allows by now, and holds up no other change.
    """
    options = chosen(wish)
    names = [one.name for one in offered(wish)]
    for name in sorted(set(options.read) - set(names)):
        yield "read", f"There is no data store {name}. Data stores: {', '.join(names) or 'none'}."
    if options.read and options.until is None:
        yield "until", "Say until which day the data is needed. Nobody reads data of others without an end."
    for store in offered(wish):
        latest = longest(store, since=wish.today)
        if store.name in options.read and options.until and latest and options.until > latest:
            yield (
                "until",
                f"{store.name} is read for at most {store.max_days} days at a time. Choose {latest} or an earlier day.",
            )


def desired(_wish: Wish) -> tuple[Object, ...]:
    """Nothing of its own."""
    return ()


def observe(_wish: Wish, _client: Any, _objects: Sequence[Object], _each: Each) -> dict[str, Body | None]:
    """Nothing to look at."""
    return {}


def apply(_wish: Wish, _client: Any, _objects: Sequence[Object], _each: Each) -> None:
    """Nothing to make."""


def delete(_wish: Wish, _client: Any) -> bool:
    """Nothing to remove: the bucket's policy loses its part by itself."""
    return True


def summary(wish: Wish) -> str:
    """What it reads and until when, and what it can't read yet, or not any more."""
    said = [f"Reads {one.address} until {last_day(wish, one)}." for one in readable(wish)]
    over = timed_out(wish)
    said += [
        f"{one.name} is read for at most {one.max_days} days at a time, and they have passed: name a new last day."
        for one in over
    ]
    said += [_why_not(wish, one) for one in without_consent(wish) if one not in over]
    return " ".join(said) or "Reads no data of others now."


def _why_not(wish: Wish, store: DataStore) -> str:
    needs = f"{store.name} needs the consent of team {store.owner}."
    before = stood_for(wish, store)
    if before is None:
        return needs
    was = before.place or "another place"
    return (
        f"{needs} The one of team {before.owner} was for {was}, and the name stands for {store.place} now: ask again."
    )


KIND = Kind(
    name=OPTIONS,
    title="Data of others",
    system="object_store",
    desired=desired,
    observe=observe,
    apply=apply,
    delete=delete,
    summary=summary,
    after=("bucket",),
    options=DataOptions,
    check=check,
    lasting=True,
    wanted=wanted,
    choices=choices,
    at_most=at_most,
)
