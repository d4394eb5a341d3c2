"""Data of teams as it stands in platform.yaml: what others may read, and where it lies."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, Discriminator, Field, Tag

from provisioning.entries import Name, Named

_DatabaseName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,62}$")]


def _no_role_of_postgres(role: str) -> str:
    if role.startswith("pg_"):
        raise ValueError("roles of Postgres' own open far more than a schema; make one for the readers")
    return role


class _DataStore(Named):
    """Data of a team that others may read.

    owner: the team whose data it is. readers: teams that it lets read without asking, as it told the platform team.
    max_days: for how long at a time; None for any time.
    """

    description: str = ""
    classification: str = ""
    owner: Name
    readers: tuple[Name, ...] = ()
    max_days: Annotated[int, Field(ge=1)] | None = None


class PrefixData(_DataStore):
    """What lies below a prefix of a bucket. Nothing in bucket and prefix can be taken for a pattern by the store."""

    object_store: str
    bucket: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")]
    prefix: Annotated[
        str, Field(max_length=200, pattern=r"^[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)*$")
    ]

    @property
    def address(self) -> str:
        """Where it is, in words that people and tools know."""
        return f"s3://{self.bucket}/{self.prefix}"

    @property
    def place(self) -> str:
        """What a consent is given for. Kept with consents and compared letter by letter: other words would end all."""
        return f"{self.address} on {self.object_store}"


class SchemaData(_DataStore):
    """What lies in a schema of the platform's database.

    role: what the owner lets readers do, as a role of the server that nobody signs in with. Who may read becomes a
    member of it; Slipway's account must have it with ADMIN OPTION.
    """

    database: str
    database_schema: _DatabaseName
    role: Annotated[_DatabaseName, AfterValidator(_no_role_of_postgres)]

    @property
    def address(self) -> str:
        """Where it is, in words that people know."""
        return f"{self.database}/{self.database_schema}"

    @property
    def place(self) -> str:
        """What a consent is given for, as for a prefix. The role belongs to it: it is what opens, whatever is meant."""
        return f"{self.address} by the role {self.role}"


def _holds(store: Any) -> str:
    """By what an entry says of itself: is it a schema or a prefix?"""
    said = store if isinstance(store, Mapping) else vars(store)
    return "schema" if said.keys() & {"database", "database_schema", "role"} else "prefix"


DataStore = Annotated[
    Annotated[PrefixData, Tag("prefix")] | Annotated[SchemaData, Tag("schema")], Discriminator(_holds)
]
"""Data of a team that others may read."""
