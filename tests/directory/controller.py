"""The stack's domain controller as its administrator uses it: people come, change and go.

Where the stack has none, tests that need it are skipped, with the reason.
"""

import json
import socket
import ssl
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cache

import pytest
from ldap3 import MODIFY_ADD, MODIFY_DELETE, MODIFY_REPLACE, NONE, SAFE_SYNC, Connection, Server, Tls
from ldap3.utils.conv import escape_filter_chars
from ldap3.utils.dn import escape_rdn

from tests.contract.stack import folder, secret

DOMAIN = "DC=corp,DC=example"
COMPANY = f"OU=Company,{DOMAIN}"
_FOUND = ["distinguishedName", "objectGUID"]


@cache
def address() -> str:
    """Where the controller listens; skips the test where this stack has none."""
    kept = folder() / "address.json"
    if not kept.exists():
        pytest.skip("needs a domain controller: this stack has people.json instead (no root, or asked for)")
    at = str(json.loads(kept.read_text())["directory"])
    try:
        socket.create_connection((at, 636), timeout=3).close()
    except OSError as error:
        pytest.fail(f"the stack's domain controller at {at} does not answer: {error}")
    return at


@dataclass(frozen=True)
class Person:
    """Somebody who is in the directory for a test."""

    account: str
    object_id: str

    @property
    def upn(self) -> str:
        return f"{self.account}@corp.example"

    @property
    def password(self) -> str:
        return f"{self.account}-pw"


@contextmanager
def administrator() -> Iterator[Connection]:
    """A connection of the domain's administrator; whatever the controller refuses is raised."""
    tls = Tls(validate=ssl.CERT_REQUIRED, ca_certs_file=str(folder() / "tls" / "ca.pem"))
    server = Server(address(), port=636, use_ssl=True, tls=tls, get_info=NONE)
    connection = Connection(
        server,
        user="Administrator@corp.example",
        password=secret("directory-admin.password"),
        client_strategy=SAFE_SYNC,
        raise_exceptions=True,
        auto_bind=True,
    )
    try:
        yield connection
    finally:
        connection.unbind()


def _entry(connection: Connection, account: str) -> tuple[str, str]:
    """The DN and the object id of whoever has this sAMAccountName."""
    condition = f"(sAMAccountName={escape_filter_chars(account)})"
    _, _, found, _ = connection.search(COMPANY, condition, attributes=_FOUND)
    (entry,) = (one for one in found if one["type"] == "searchResEntry")
    return entry["dn"], str(uuid.UUID(bytes_le=entry["raw_attributes"]["objectGUID"][0]))


def object_id(account: str) -> str:
    """The object id of a person or group."""
    with administrator() as connection:
        return _entry(connection, account)[1]


@contextmanager
def person(account: str, *, groups: tuple[str, ...] = (), unit: str = "OU=Sales") -> Iterator[Person]:
    """Somebody new, who is gone again afterwards."""
    dismiss(account)  # what a broken run has left
    try:
        yield hire(account, groups=groups, unit=unit)
    finally:
        dismiss(account)


def hire(account: str, *, groups: tuple[str, ...] = (), unit: str = "OU=Sales") -> Person:
    """A new person with a password, in these groups."""
    at = f"CN={escape_rdn(account)},{unit},{COMPANY}"
    facts = {
        "sAMAccountName": account,
        "userPrincipalName": f"{account}@corp.example",
        "givenName": account.title(),
        "sn": "Newcomer",
        "displayName": f"{account.title()} Newcomer",
        "mail": f"{account}@corp.example",
        "userAccountControl": "512",
        "unicodePwd": f'"{account}-pw"'.encode("utf-16-le"),
    }
    with administrator() as connection:
        connection.add(at, "user", facts)
        for group in groups:
            connection.modify(_entry(connection, group)[0], {"member": [(MODIFY_ADD, [at])]})
        return Person(account=account, object_id=_entry(connection, account)[1])


def dismiss(account: str) -> None:
    """Remove somebody from the directory; nothing happens where nobody has the account."""
    with administrator() as connection:
        _, _, found, _ = connection.search(COMPANY, f"(sAMAccountName={escape_filter_chars(account)})")
        for one in found:
            if one["type"] == "searchResEntry":
                connection.delete(one["dn"])


def switch(account: str, *, on: bool) -> None:
    """Switch somebody on or off."""
    with administrator() as connection:
        flags = [(MODIFY_REPLACE, ["512" if on else "514"])]
        connection.modify(_entry(connection, account)[0], {"userAccountControl": flags})


def expire(account: str, *, at: datetime | None) -> None:
    """Let an account end at this time; None: never."""
    ticks = 0 if at is None else int((at.timestamp() + 11_644_473_600) * 10_000_000)
    with administrator() as connection:
        connection.modify(_entry(connection, account)[0], {"accountExpires": [(MODIFY_REPLACE, [str(ticks)])]})


def rename(account: str, to: str) -> None:
    """Give somebody another account name and UPN; the entry stays the same one."""
    with administrator() as connection:
        change = {
            "sAMAccountName": [(MODIFY_REPLACE, [to])],
            "userPrincipalName": [(MODIFY_REPLACE, [f"{to}@corp.example"])],
        }
        connection.modify(_entry(connection, account)[0], change)


def join(account: str, group: str) -> None:
    """Put a person or group into a group."""
    _members(account, group, MODIFY_ADD)


def leave(account: str, group: str) -> None:
    """Take a person or group out of a group."""
    _members(account, group, MODIFY_DELETE)


def _members(account: str, group: str, verb: str) -> None:
    with administrator() as connection:
        dn, _ = _entry(connection, account)
        connection.modify(_entry(connection, group)[0], {"member": [(verb, [dn])]})
