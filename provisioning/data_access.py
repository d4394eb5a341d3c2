"""Which data stores a project may read now: those that it chose and that it is let read, until its day.

Who lets it: the catalogue, for the teams that it names as readers; else the team whose data it is, by its consent to
this project. A consent is given for a place, not for a name: where the catalogue points the name elsewhere, or to
another team's data, it opens nothing. Kinds ask here, so that the bucket's policy, the database's roles,
`project-info` and what people are told never differ. All this counts at each look: who is taken out, or whose consent
is over, reads nothing from the next look on.

A prefix of a bucket opens by the project's own key. A schema of the database opens by a role of the project that reads
and does nothing else, so that it needs no feature store and its password can end with the last day.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any
from urllib.parse import quote, urlencode

from pydantic import Field, ValidationError

from provisioning import database_trust
from provisioning.catalogue import Catalogue, DatabaseTarget
from provisioning.data_stores import DataStore, PrefixData, SchemaData
from provisioning.kind import Consent, Options, Wish
from provisioning.spec import Day, ProjectSpec

OPTIONS = "data"
_FAR = date(9999, 1, 1)
PURPOSE = "data-schemas"
SECRET = "data-credentials"  # noqa: S105 (the name of a Secret)


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
    """Stores that the project can choose: those on the servers that it is on; its own bucket is none."""
    within_reach = (store for store in wish.catalogue.data_stores if is_within_reach(store, catalogue=wish.catalogue))
    return tuple(one for one in within_reach if not (isinstance(one, PrefixData) and one.bucket == wish.names.bucket))


def is_within_reach(store: DataStore, *, catalogue: Catalogue) -> bool:
    """Is it on a server that projects are on, and so can open it?"""
    if isinstance(store, SchemaData):
        database = catalogue.database()
        return database is not None and store.database == database.name
    return store.object_store == catalogue.defaults.object_store


def is_open(store: DataStore, *, team: str) -> bool:
    """May projects of the team read it without asking? Those of its own team, and of the readers in the catalogue."""
    return team in (store.owner, *store.readers)


def last_day(wish: Wish, store: DataStore) -> date | None:
    """The last day on which the project reads a store that it chose; None when nobody lets it, or not any more.

    None without a day of its own too: access without an end is given to nobody. The store's longest time counts from
    the team's yes, and where none is needed from the wish; it may have become shorter since.
    """
    day = _granted(wish, store)
    if day is None or store.max_days is None:
        return day
    day = min(day, longest(store, since=_since(wish, store)) or day)
    return None if wish.today is not None and day < wish.today else day


def ended_early(wish: Wish, store: DataStore) -> date | None:
    """The day on which the store's longest time ended the reading before the granted day; None where it did not.

    Who shortens that time can end what was read the day before, and nobody could be told ahead.
    """
    granted, over = _granted(wish, store), longest(store, since=_since(wish, store))
    if wish.today is None or granted is None or over is None:
        return None
    return over if over < wish.today <= granted else None


def _since(wish: Wish, store: DataStore) -> date | None:
    """From when the store's longest time counts."""
    consent = None if is_open(store, team=wish.spec.team) else wish.consents.get(store.name)
    return consent.given if consent else wish.accepted or wish.today


def _granted(wish: Wish, store: DataStore) -> date | None:
    """The last day by what was asked for and consented to, however long ago."""
    until = chosen(wish).until
    if until is None or is_open(store, team=wish.spec.team):
        return until
    consent = wish.consents.get(store.name)
    return min(until, consent.until) if consent is not None and is_for(consent, store) else None


def longest(store: DataStore, *, since: date | None) -> date | None:
    """The latest last day for who is let read the store from that day on; None for any."""
    return None if store.max_days is None or since is None else since + timedelta(days=store.max_days)


def is_cut_short(wish: Wish, store: DataStore) -> bool:
    """Does the store's longest time end the reading before the day that was granted?"""
    return last_day(wish, store) != _granted(wish, store)


def is_for(consent: Consent, store: DataStore) -> bool:
    """Was the consent given for what the store is now?"""
    return (consent.owner, consent.place) == (store.owner, store.place)


def chosen_stores(wish: Wish) -> tuple[DataStore, ...]:
    """Stores that the project chose, of those that it can choose, by name."""
    read = chosen(wish).read
    return tuple(sorted((one for one in offered(wish) if one.name in read), key=lambda one: one.name))


def readable(wish: Wish) -> tuple[DataStore, ...]:
    """Stores that the project reads, by name."""
    return tuple(one for one in chosen_stores(wish) if last_day(wish, one) is not None)


def without_consent(wish: Wish) -> tuple[DataStore, ...]:
    """Stores that the project chose and can't read: it would need the consent of their team, and doesn't have it."""
    closed = (one for one in chosen_stores(wish) if not is_open(one, team=wish.spec.team))
    return tuple(one for one in closed if last_day(wish, one) is None)


def timed_out(wish: Wish) -> tuple[DataStore, ...]:
    """Stores that the project chose, was let read, and reads no more, since their longest time has passed."""
    return tuple(one for one in chosen_stores(wish) if last_day(wish, one) is None and is_cut_short(wish, one))


def stood_for(wish: Wish, store: DataStore) -> Consent | None:
    """The consent for what the store's name stood for before; None where the name still stands for that."""
    consent = wish.consents.get(store.name)
    return consent if consent is not None and not is_for(consent, store) else None


def without_ends(wish: Wish) -> Wish:
    """The wish as if every consent were there and no time had passed: what differs from it ended or was never given."""
    given = {
        one.name: Consent(owner=one.owner, place=one.place, until=date.max, given=date.min)
        for one in chosen_stores(wish)
    }
    return replace(wish, consents=given, today=None, accepted=None)


def schemas(wish: Wish) -> tuple[SchemaData, ...]:
    """Those stores that the project reads which are schemas of the database, by name."""
    return tuple(one for one in readable(wish) if isinstance(one, SchemaData))


def password_ends(wish: Wish) -> datetime | None:
    """When the reader's password opens nothing any more, also where nobody looks; None when no schema is read now."""
    days = [day for one in schemas(wish) if (day := last_day(wish, one)) is not None]
    return _over(max(days)) if days else None


def _over(day: date) -> datetime:
    """When a day is over everywhere: it is the installation's, whose clock the servers don't know."""
    return datetime.combine(min(day, _FAR) + timedelta(days=1), time(12), UTC)


def statements(wish: Wish) -> Iterator[dict[str, Any]]:
    """What the policy of the project's key needs: list below each prefix and read what is there now, nothing more.

    The bucket's location is what clients that were told no region ask for first. The slash belongs to the prefix: `raw`
    must not open `raw-2`. MinIO gives old versions, and what was deleted, along with what may be read, unless asking
    for one by its number is denied; without that condition, the denial would cover all in a bucket that keeps versions.
    One value in each condition: the store gives several back in any order. What is opened ends by the store's own clock
    too, where nobody looks after the last day.
    """
    prefixes = ((one, last_day(wish, one)) for one in readable(wish) if isinstance(one, PrefixData))
    for number, (store, day) in enumerate(prefixes, start=1):
        bucket = f"arn:aws:s3:::{store.bucket}"
        ends = {"DateLessThan": {"aws:CurrentTime": [f"{_over(day or date.min):%Y-%m-%dT%H:%M:%SZ}"]}}
        yield {
            "Sid": f"DataWhere{number}",
            "Effect": "Allow",
            "Action": ["s3:GetBucketLocation"],
            "Resource": [bucket],
            "Condition": ends,
        }
        yield {
            "Sid": f"DataList{number}",
            "Effect": "Allow",
            "Action": ["s3:ListBucket"],
            "Resource": [bucket],
            "Condition": {**ends, "StringLike": {"s3:prefix": [f"{store.prefix}/*"]}},
        }
        yield {
            "Sid": f"DataRead{number}",
            "Effect": "Allow",
            "Action": ["s3:GetObject"],
            "Resource": [f"{bucket}/{store.prefix}/*"],
            "Condition": ends,
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
    return {variable(one): _url(wish, one) for one in readable(wish)}


def variable(store: DataStore) -> str:
    """The name of the variable that says where a store is."""
    return f"DATA_{store.name.upper().replace('-', '_')}_URL"


def _url(wish: Wish, store: DataStore) -> str:
    if isinstance(store, PrefixData) or wish.database is None:
        return store.address
    return _connection(wish.database, schema=store.database_schema)


def _connection(database: DatabaseTarget, *, schema: str) -> str:
    """Where libpq and all that is built on it find the schema's tables by their bare names."""
    options = urlencode({"options": f"-csearch_path={schema}"}, quote_via=quote)
    return f"postgresql://{database.host}:{database.port}/{database.database}?{options}"


def reader(wish: Wish) -> str:
    """Name of the project's role that reads schemas. No slug has a dot, so no project's own schema is called so."""
    return f"{wish.names.namespace.replace('-', '_')}.data"


def login(wish: Wish) -> dict[str, str]:
    """How that role signs in, by the names that Postgres' own tools read; {} where no schema is read."""
    if wish.database is None or not schemas(wish):
        return {}
    return {
        "PGUSER": reader(wish),
        "PGPASSWORD": wish.secret(PURPOSE),
        "PGSSLMODE": database_trust.ssl_mode(wish.database),
        **database_trust.variables(wish),
    }


def variables(wish: Wish) -> dict[str, str]:
    """All that a run needs to read what the project is let read, besides the keys of its bucket."""
    return {**addresses(wish), **login(wish)}
