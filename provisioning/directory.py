"""What a company directory tells us, whichever kind it is: people, groups, and who is directly in what.

A driver (`provisioning.clients.ldap_directory`, `graph_directory`) reads all of it as one stream. The stream ends
without an error only when everything was read: what a broken read did not show has not vanished.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

_OBJECT_ID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def is_object_id(text: str) -> bool:
    """Whether a group is named by its object id, and not by an account name."""
    return _OBJECT_ID.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class Entry:
    """A person or a group. Its object id is a GUID as text, in lower case.

    `account` is the name by which specs and tokens call it: the UPN of a person, in lower case; of a group its
    sAMAccountName, or the object id where it has none. `place` is for people who must tell two entries apart.
    """

    object_id: str
    is_group: bool
    account: str
    name: str
    mail: str = ""
    place: str = ""
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class Edge:
    """Somebody, or some group, is directly in a group; both by object id."""

    member: str
    group: str


class Directory(Protocol):
    """What a driver can do. Every error it raises is one of `provisioning.errors`."""

    @property
    def name(self) -> str: ...

    def read(self) -> Iterator[Entry | Edge]:
        """Everything, in any order. An edge may lead to what is not among the entries; guests are not among them."""

    def close(self) -> None:
        """Let the connections go."""
