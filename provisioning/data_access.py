"""Which data stores a project may read now: those that it chose and that it is let read, until its day.

Who lets it: the catalogue, for the teams that it names as readers; else the team whose data it is, by its consent to
this project. Kinds ask here, so that the bucket's policy, `project-info` and what people are told never differ. Both
count at each look: who is taken out, or whose consent is over, reads nothing from the next look on.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Annotated, Any

from pydantic import Field, ValidationError

from provisioning.catalogue import DataStore
from provisioning.kind import Options, Wish
from provisioning.spec import Day, ProjectSpec

OPTIONS = "data"


class DataOptions(Options):
    """What a team may choose about data of others. Without a store, there is none."""

    read: tuple[str, ...] = Field(
        default=(),
        max_length=20,
        title="Data stores to read",
        description="Stores of the catalogue. Their teams are asked, unless they let your team read already.",
    )
    until: Annotated[Day | None, Field(title="Read until", description="Last day of reading, such as 2027-06-30.")] = (
        None
    )


def chosen(wish: Wish) -> DataOptions:
    """The team's choice."""
    return wish.options(OPTIONS, DataOptions)


def without_ended(spec: ProjectSpec, *, today: date) -> ProjectSpec:
    """The spec without its choice of stores where the last day has passed; as it is where it has not.

    A choice that this version can't read stays: the Kind says so itself, and the others go on.
    """
    try:
        until = DataOptions.model_validate(spec.options.get(OPTIONS, {})).until
    except ValidationError:
        return spec
    if until is None or until >= today:
        return spec
    return spec.model_copy(update={"options": {name: one for name, one in spec.options.items() if name != OPTIONS}})


def offered(wish: Wish) -> tuple[DataStore, ...]:
    """Stores that the project can choose: those on the store that its keys open; its own bucket is none."""
    return tuple(
        store
        for store in wish.catalogue.data_stores
        if store.object_store == wish.object_store.name and store.bucket != wish.names.bucket
    )


def is_open(store: DataStore, *, team: str) -> bool:
    """May projects of the team read it without asking? Those of its own team, and of the readers in the catalogue."""
    return team in (store.owner, *store.readers)


def last_day(wish: Wish, store: DataStore) -> date | None:
    """The last day on which the project reads a store that it chose; None when nobody lets it.

    None without a day of its own too: access without an end is given to nobody.
    """
    until = chosen(wish).until
    if until is None or is_open(store, team=wish.spec.team):
        return until
    consent = wish.consents.get(store.name)
    return None if consent is None else min(until, consent)


def readable(wish: Wish) -> tuple[DataStore, ...]:
    """Stores that the project reads, by name."""
    return tuple(one for one in _chosen_stores(wish) if last_day(wish, one) is not None)


def without_consent(wish: Wish) -> tuple[DataStore, ...]:
    """Stores that the project chose and can't read: it would need the consent of their team, and doesn't have it."""
    closed = (one for one in _chosen_stores(wish) if not is_open(one, team=wish.spec.team))
    return tuple(one for one in closed if one.name not in wish.consents)


def with_all_consents(wish: Wish) -> Wish:
    """The wish as if every consent were there: what differs from it is what ended or was never given."""
    return replace(wish, consents=dict.fromkeys(chosen(wish).read, date.max))


def _chosen_stores(wish: Wish) -> tuple[DataStore, ...]:
    read = chosen(wish).read
    return tuple(sorted((one for one in offered(wish) if one.name in read), key=lambda one: one.name))


def statements(wish: Wish) -> Iterator[dict[str, Any]]:
    """What the policy of the project's key needs: list below each prefix and read what is there now, nothing more.

    The slash belongs to the prefix: `raw` must not open `raw-2`. MinIO gives old versions, and what was deleted, along
    with what may be read, unless asking for one by its number is denied; without that condition, the denial would cover
    all in a bucket that keeps versions. One value in each condition: the store gives several back in any order.
    """
    for number, store in enumerate(readable(wish), start=1):
        bucket = f"arn:aws:s3:::{store.bucket}"
        yield {
            "Sid": f"DataList{number}",
            "Effect": "Allow",
            "Action": ["s3:ListBucket"],
            "Resource": [bucket],
            "Condition": {"StringLike": {"s3:prefix": [f"{store.prefix}/*"]}},
        }
        yield {
            "Sid": f"DataRead{number}",
            "Effect": "Allow",
            "Action": ["s3:GetObject"],
            "Resource": [f"{bucket}/{store.prefix}/*"],
        }
        yield {
            "Sid": f"DataNow{number}",
            "Effect": "Deny",
            "Action": ["s3:GetObject", "s3:GetObjectVersion"],
            "Resource": [f"{bucket}/{store.prefix}/*"],
            "Condition": {"StringLike": {"s3:versionid": ["?*"]}},
        }


def addresses(wish: Wish) -> dict[str, str]:
    """Where each store is, by the name that programs in the workspace read in `project-info`."""
    return {f"DATA_{one.name.upper().replace('-', '_')}_URL": one.url for one in readable(wish)}
