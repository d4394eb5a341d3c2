"""A role that reads schemas of other teams, and nothing else, as long as the project is let read one.

What a reader may do stands in a role of the owning team's (`provisioning.data_stores.SchemaData`), so tables that are
made later are that team's to open, and we never need rights to its data ourselves: we make members and end members.
Where nothing may be read any more the role goes, with its sessions.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from provisioning.catalogue import ROLE_CONNECTIONS
from provisioning.data_access import PURPOSE, SECRET, last_day, login, password_ends, reader, schemas
from provisioning.errors import NameTaken
from provisioning.kind import Body, Credential, Each, Kind, Object, Right, Wish
from provisioning.phrases import Phrase, joined, phrase


class DatabaseClient(Protocol):
    """What this Kind uses of `provisioning.clients.postgres.Database`."""

    def reader(self, name: str) -> Mapping[str, Any] | None: ...
    def signs_in(self, role: str, password: str) -> bool: ...
    def put_reader(
        self, name: str, *, password: str, mark: str, connections: int, member_of: Sequence[str], until: str
    ) -> None: ...
    def close_role(self, name: str) -> None: ...
    def drop_role(self, name: str) -> None: ...


def wanted(wish: Wish) -> bool:
    """Is there a schema that the project reads now?"""
    return bool(schemas(wish))


def _mark(wish: Wish) -> str:
    return f"Slipway project {wish.uid}, reading"


def desired(wish: Wish) -> tuple[Object, ...]:
    """The role: whose roles it has, and until when."""
    until = password_ends(wish)
    body = {
        "mark": _mark(wish),
        "login": True,
        "connections": ROLE_CONNECTIONS,
        "member_of": sorted({one.role for one in schemas(wish)}),
        "until": until.isoformat() if until else None,
        "password_version": wish.version(PURPOSE),
    }
    return (Object(key=f"role/{reader(wish)}", body=body),)


def rights(wish: Wish) -> Iterator[Right]:
    """Who can read by it: whoever may read the Secret with its password."""
    for person in wish.spec.readers_of_secrets():
        for one in schemas(wish):
            text = phrase(
                "read %(store)s until %(day)s (account in the Secret %(secret)s)",
                store=one.name,
                day=last_day(wish, one),
                secret=SECRET,
            )
            yield Right(subject=person.subject, is_group=person.is_group, text=text)


def observe(wish: Wish, client: DatabaseClient, objects: Sequence[Object], _each: Each) -> dict[str, Body | None]:
    """The role as Postgres has it. Raises NameTaken when it isn't this project's."""
    found = _own(wish, client)
    right = found is not None and client.signs_in(reader(wish), wish.secret(PURPOSE))
    seen = {**found, "password_version": wish.version(PURPOSE) if right else 0} if found else None
    return {thing.key: seen for thing in objects}


def apply(wish: Wish, client: DatabaseClient, objects: Sequence[Object], _each: Each) -> None:
    """Make the role so. Raises NameTaken when it isn't this project's."""
    _own(wish, client)
    for thing in objects:
        body = thing.body or {}
        client.put_reader(
            reader(wish),
            password=wish.secret(PURPOSE),
            mark=_mark(wish),
            connections=ROLE_CONNECTIONS,
            member_of=body["member_of"],
            until=body["until"],
        )


def _own(wish: Wish, client: DatabaseClient) -> Mapping[str, Any] | None:
    """The project's role; None when it is not there. Raises NameTaken when it is somebody else's."""
    found = client.reader(reader(wish))
    if found is not None and found["mark"] != _mark(wish):
        raise NameTaken(
            phrase(
                "The role %(reader)s exists in the database and is not this project's. Pick another name.",
                reader=reader(wish),
            )
        )
    return found


def delete(wish: Wish, client: DatabaseClient) -> bool:
    """The role goes, and with it its sessions; somebody else's of the name is left alone."""
    found = client.reader(reader(wish))
    if found is not None and found["mark"] == _mark(wish):
        client.close_role(reader(wish))
        client.drop_role(reader(wish))
    return True


def summary(wish: Wish) -> Phrase:
    """What it reads and until when."""
    read = [phrase("%(store)s until %(day)s", store=one.address, day=last_day(wish, one)) for one in schemas(wish)]
    if not read:
        return phrase("Reads no schema of others now")
    return phrase("Role %(role)s reads %(stores)s", role=reader(wish), stores=joined(", ", read))


KIND = Kind(
    name="data_schemas",
    title="Schemas of others",
    system="database",
    desired=desired,
    observe=observe,
    apply=apply,
    delete=delete,
    summary=summary,
    wanted=wanted,
    rights=rights,
    credentials=(
        Credential(
            purpose=PURPOSE,
            title="Password for schemas of others",
            kinds=("actions", "data_schemas", "data_account"),
            place=f"Secret {SECRET} in %(namespace)s",
            overlaps=False,
            shown=login,
        ),
    ),
)
