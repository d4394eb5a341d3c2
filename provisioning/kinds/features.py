"""A schema of the project's own in the platform's Postgres, and the role that works in it: Feast's registry and online
store. The file that tells Feast of them is offered by the Kind `feast`.

Role and schema carry the project's uid in their comment from birth. Postgres keeps one password a role, so a rotated
one has no overlap.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from provisioning.catalogue import ROLE_CONNECTIONS
from provisioning.errors import NameTaken, TemporaryError
from provisioning.features import OPTIONS, PURPOSE, SECRET, FeaturesOptions, login, schema, wanted
from provisioning.kind import Body, Credential, Each, Kind, Object, Right, Wish
from provisioning.phrases import Phrase, phrase

_RIGHTS = ["CREATE", "USAGE"]


class DatabaseClient(Protocol):
    """What this Kind uses of `provisioning.clients.postgres.Database`."""

    def role(self, name: str) -> Mapping[str, Any] | None: ...
    def schema(self, name: str, *, role: str) -> Mapping[str, Any] | None: ...
    def signs_in(self, role: str, password: str) -> bool: ...
    def put_role(self, name: str, *, password: str, mark: str, connections: int) -> None: ...
    def put_schema(self, name: str, *, role: str, mark: str) -> None: ...
    def close_role(self, name: str) -> None: ...
    def drop_schema(self, name: str) -> None: ...
    def drop_role(self, name: str) -> None: ...


def check(wish: Wish) -> Iterator[tuple[str, Phrase]]:
    """A feature store where the platform has no database for it."""
    if wanted(wish) and wish.database is None:
        yield (
            "enabled",
            phrase("The platform offers no database for features. Leave this off, or ask the platform team for one."),
        )


def _mark(wish: Wish) -> str:
    return f"Slipway project {wish.uid}"


def desired(wish: Wish) -> tuple[Object, ...]:
    """Role and schema, both of the same name."""
    name, mark = schema(wish), _mark(wish)
    role = {"mark": mark, "login": True, "connections": ROLE_CONNECTIONS, "password_version": wish.version(PURPOSE)}
    return (
        Object(key=f"role/{name}", body=role),
        Object(key=f"schema/{name}", body={"mark": mark, "rights": _RIGHTS}),
    )


def rights(wish: Wish) -> Iterator[Right]:
    """Who can use the role: whoever may read the Secret with its password."""
    for one in wish.spec.readers_of_secrets():
        text = phrase(
            "use the schema %(schema)s (account in the Secret %(secret)s)", schema=schema(wish), secret=SECRET
        )
        yield Right(subject=one.subject, is_group=one.is_group, text=text)


def observe(wish: Wish, client: DatabaseClient, objects: Sequence[Object], _each: Each) -> dict[str, Body | None]:
    """Both as Postgres has them. Raises NameTaken for those that aren't this project's."""
    name = schema(wish)
    role, found = _own(wish, client)
    right = role is not None and client.signs_in(name, login(wish)["FEATURES_DB_PASSWORD"])
    seen: dict[str, Body | None] = {
        "role": {**role, "password_version": wish.version(PURPOSE) if right else 0} if role else None,
        "schema": found,
    }
    return {thing.key: seen[thing.key.partition("/")[0]] for thing in objects}


def apply(wish: Wish, client: DatabaseClient, objects: Sequence[Object], _each: Each) -> None:
    """Make the objects so; the schema needs the role. Raises NameTaken for those that aren't this project's."""
    name, mark, asked = schema(wish), _mark(wish), {thing.key.partition("/")[0] for thing in objects}
    role, _ = _own(wish, client)
    if "role" in asked:
        client.put_role(name, password=login(wish)["FEATURES_DB_PASSWORD"], mark=mark, connections=ROLE_CONNECTIONS)
    if "schema" in asked:
        if role is None and "role" not in asked:
            raise TemporaryError(phrase("The role %(name)s went while we looked. We look again.", name=name), delay=1)
        client.put_schema(name, role=name, mark=mark)


def _own(wish: Wish, client: DatabaseClient) -> tuple[Mapping[str, Any] | None, Mapping[str, Any] | None]:
    """Role and schema of the project; None for what is not there. Raises NameTaken when one is somebody else's."""
    name = schema(wish)
    both = client.role(name), client.schema(name, role=name)
    for what, one in zip(("role", "schema"), both, strict=True):
        if one is not None and one["mark"] != _mark(wish):
            raise NameTaken(
                phrase(
                    "The %(what)s %(name)s exists in the database and is not this project's. Pick another name.",
                    what=what,
                    name=name,
                )
            )
    return both


def delete(wish: Wish, client: DatabaseClient) -> bool:
    """The role signs in no more. With `wish.remove_data` schema and role go; another's of the name are left alone."""
    name, mark = schema(wish), _mark(wish)
    role = client.role(name)
    if role is None or role["mark"] != mark:
        return True
    client.close_role(name)
    if wish.remove_data:
        found = client.schema(name, role=name)
        if found is not None and found["mark"] == mark:
            client.drop_schema(name)
        # The role goes last: it is what says that something is left to remove.
        client.drop_role(name)
    return True


def summary(wish: Wish) -> Phrase:
    """Where registry, online store and offline data are."""
    return phrase(
        "Schema %(schema)s for registry and online store, offline data in %(bucket)s/features",
        schema=schema(wish),
        bucket=wish.names.bucket,
    )


KIND = Kind(
    name=OPTIONS,
    title="Feature store",
    system="database",
    desired=desired,
    observe=observe,
    apply=apply,
    delete=delete,
    summary=summary,
    holds_data=True,
    options=FeaturesOptions,
    check=check,
    wanted=wanted,
    rights=rights,
    credentials=(
        Credential(
            purpose=PURPOSE,
            title="Feature store password",
            kinds=("actions", "features", "features_account"),
            place=f"Secret {SECRET} in %(namespace)s",
            overlaps=False,
            shown=login,
        ),
    ),
)
