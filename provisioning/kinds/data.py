"""Reading data stores of other teams: the project's choice, and whether the catalogue allows it.

What opens them is one part of the policy of the project's own key, so the bucket's Kind writes it: two writers of one
user's policies would take away each other's. Nothing is left to make here; it is ready when the bucket is.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from provisioning.catalogue import Catalogue
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
from provisioning.data_stores import DataStore
from provisioning.kind import Body, Each, Kind, Object, Wish
from provisioning.phrases import Phrase, joined, numbered, phrase


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


def check(wish: Wish) -> Iterator[tuple[str, Phrase]]:
    """Stores that there are none of, and a last day that is missing or too late.

    For a new choice: one that stands is cut to what the catalogue allows by now, and holds up no other change.
    """
    options = chosen(wish)
    names = [one.name for one in offered(wish)]
    for name in sorted(set(options.read) - set(names)):
        yield "read", _unknown(name, names)
    if options.read and options.until is None:
        yield "until", phrase("Say until which day the data is needed. Nobody reads data of others without an end.")
    for store in offered(wish):
        latest = longest(store, since=wish.today)
        if store.name in options.read and options.until and latest and options.until > latest:
            late = phrase(
                "%(store)s is read for at most %(most)s at a time. Choose %(latest)s or an earlier day.",
                store=store.name,
                most=_days(store),
                latest=latest,
            )
            yield "until", late


def _unknown(name: str, known: Sequence[str]) -> Phrase:
    if not known:
        return phrase("There is no data store %(name)s, nor any other.", name=name)
    return phrase("There is no data store %(name)s. Data stores: %(known)s.", name=name, known=", ".join(known))


def _days(store: DataStore) -> Phrase:
    return numbered("%(number)s day", "%(number)s days", store.max_days or 0)


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


def summary(wish: Wish) -> Phrase:
    """What it reads and until when, and what it can't read yet, or not any more."""
    said = [
        phrase("Reads %(store)s until %(day)s.", store=one.address, day=last_day(wish, one)) for one in readable(wish)
    ]
    over = timed_out(wish)
    said += [
        phrase(
            "%(store)s is read for at most %(most)s at a time, and they have passed: name a new last day.",
            store=one.name,
            most=_days(one),
        )
        for one in over
    ]
    said += [_why_not(wish, one) for one in without_consent(wish) if one not in over]
    return joined(" ", said) or phrase("Reads no data of others now.")


def _why_not(wish: Wish, store: DataStore) -> Phrase:
    needs = phrase("%(store)s needs the consent of team %(team)s.", store=store.name, team=store.owner)
    before = stood_for(wish, store)
    if before is None:
        return needs
    was = phrase(
        "The one of team %(team)s was for %(before)s, and the name stands for %(place)s now: ask again.",
        team=before.owner,
        before=before.place or phrase("another place"),
        place=store.place,
    )
    return joined(" ", [needs, was])


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
