"""An Active Directory by LDAPS, read with an account that may only read.

What it taught us: who is in which group is read from the member's side (`memberOf`), since a server cuts `member` of a
group off after 1500 names. And a server that is asked for more than it likes says so in the answer's code, after a
part of the entries: such an answer is an error, not a smaller directory.
"""

import re
import ssl
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from ldap3 import NONE, SAFE_SYNC, SUBTREE, Connection, Server, Tls
from ldap3.core.exceptions import (
    LDAPCommunicationError,
    LDAPException,
    LDAPInsufficientAccessRightsResult,
    LDAPInvalidCredentialsResult,
    LDAPInvalidFilterError,
    LDAPNoSuchObjectResult,
    LDAPOperationResult,
    LDAPSizeLimitExceededResult,
)

from provisioning.clients.certificates import trusting
from provisioning.clients.silence import silent
from provisioning.directory import Edge, Entry
from provisioning.errors import PermanentError, ProvisioningError, TargetUnavailable
from provisioning.phrases import phrase

_CONNECT_SECONDS = 5
_ANSWER_SECONDS = 30
_PAGE = 500
_SWITCHED_OFF = 0x2
_SHARED = ("objectGUID", "sAMAccountName", "displayName", "cn", "mail", "memberOf")
_OF_PEOPLE = (*_SHARED, "userPrincipalName", "userAccountControl", "accountExpires")
_NEVER = (0, 2**63 - 1)
_SECONDS_TO_1970 = 11_644_473_600
"""From 1601, where Active Directory's time begins."""
_COMMA = re.compile(r"(?<!\\),")
_ESCAPED = re.compile(r"\\(.)")

Attributes = Mapping[str, Sequence[bytes]]


class _Checked(Tls):  # type: ignore[misc]  # the library has no types
    """TLS as Python does it. The library's own compares names by itself, and addresses not at all from Python 3.12."""

    def __init__(self, context: ssl.SSLContext) -> None:
        super().__init__(validate=ssl.CERT_REQUIRED)
        self._context = context

    def wrap_socket(self, connection: Connection, do_handshake: bool = False) -> None:
        """Put TLS around a new connection; the context checks certificate and name."""
        connection.socket = self._context.wrap_socket(
            connection.socket, server_hostname=connection.server.host, do_handshake_on_connect=do_handshake
        )


class LdapDirectory:
    """One domain. `ca`: certificates that its server may show, None for those that the system trusts."""

    def __init__(
        self,
        *,
        name: str,
        url: str,
        ca: str | None,
        account: str,
        password: str,
        people: tuple[str, str],
        groups: tuple[str, str],
    ) -> None:
        self.name = name
        self._people, self._groups = people, groups
        at = urlsplit(url)
        tls = _Checked(trusting(ca, name=name))
        server = Server(
            at.hostname,
            port=at.port or 636,
            use_ssl=True,
            tls=tls,
            get_info=NONE,
            connect_timeout=_CONNECT_SECONDS,
        )
        self._connection = Connection(
            server,
            user=account,
            password=password,
            client_strategy=SAFE_SYNC,
            read_only=True,
            raise_exceptions=True,
            auto_referrals=False,
            check_names=False,
            receive_timeout=_ANSWER_SECONDS,
        )

    def close(self) -> None:
        """Let the connection go, broken or not."""
        with suppress(LDAPException):
            self._connection.unbind()

    def read(self) -> Iterator[Entry | Edge]:
        """Groups first, then people: what an entry is in is known by name only, until all groups were read."""
        try:
            self._connection.bind()
            held: dict[str, tuple[str, Sequence[bytes]]] = {}
            for dn, found in self._search(*self._groups, _SHARED):
                group = _group(dn, found)
                held[dn.lower()] = (group.object_id, found.get("memberOf", ()))
                yield group
            for member, above in held.values():
                yield from _edges(member, above, held)
            for dn, found in self._search(*self._people, _OF_PEOPLE):
                person = _person(dn, found)
                yield person
                yield from _edges(person.object_id, found.get("memberOf", ()), held)
        except LDAPException as error:
            raise self._said(error) from error

    def _search(self, base: str, condition: str, wanted: Sequence[str]) -> Iterator[tuple[str, Attributes]]:
        found = self._connection.extend.standard.paged_search(
            base, condition, SUBTREE, attributes=list(wanted), paged_size=_PAGE, paged_criticality=True, generator=True
        )
        for one in found:
            # Other parts of the forest are named as references; they are not ours to read.
            if one["type"] != "searchResEntry":
                continue
            attributes: Attributes = one["raw_attributes"]
            if any(name.lower().startswith("memberof;range=") for name in attributes):
                raise PermanentError(
                    phrase(
                        "%(name)s tells only a part of the groups that %(entry)s is in.",
                        name=self.name,
                        entry=one["dn"],
                    )
                )
            if not attributes.get("objectGUID"):
                raise PermanentError(
                    phrase(
                        "%(name)s tells no objectGUID of %(entry)s: our account may not read it.",
                        name=self.name,
                        entry=one["dn"],
                    )
                )
            yield one["dn"], attributes

    def _said(self, error: LDAPException) -> ProvisioningError:
        """The library's error as one of ours. What the server wrote stays out: it may quote what we sent."""
        match error:
            case LDAPInvalidCredentialsResult() | LDAPInsufficientAccessRightsResult():
                return TargetUnavailable(
                    phrase("%(name)s refuses our account. The platform team must renew its password.", name=self.name)
                )
            case LDAPNoSuchObjectResult():
                return PermanentError(
                    phrase("%(name)s has no such base. Correct the directory's bases in platform.yaml.", name=self.name)
                )
            case LDAPInvalidFilterError():
                return PermanentError(
                    phrase("A filter of the directory in platform.yaml is no LDAP filter. Correct it.")
                )
            case LDAPSizeLimitExceededResult():
                return PermanentError(
                    phrase(
                        "%(name)s tells only a part of what is there: its limit is lower than a page.", name=self.name
                    )
                )
            case LDAPCommunicationError():
                untrusted = "CERTIFICATE_VERIFY_FAILED" in str(error)
                why = (
                    phrase("its certificate is not trusted, or of another name")
                    if untrusted
                    else phrase("no connection")
                )
                return TargetUnavailable(silent(self.name, why=why))
            case LDAPOperationResult():
                said = str(error.description)[:80]
                return TargetUnavailable(
                    phrase(
                        "%(name)s can't tell who is there (%(said)s). We look again by ourselves.",
                        name=self.name,
                        said=said,
                    )
                )
        return TargetUnavailable(
            phrase(
                "%(name)s does not answer as a directory (%(error)s). We look again by ourselves.",
                name=self.name,
                error=type(error).__name__,
            )
        )


def _group(dn: str, found: Attributes) -> Entry:
    account = _text(found, "sAMAccountName")
    return Entry(
        object_id=_object_id(found),
        is_group=True,
        account=account or _object_id(found),
        name=_text(found, "displayName") or _text(found, "cn") or account,
        mail=_text(found, "mail"),
        place=_place(dn),
    )


def _person(dn: str, found: Attributes) -> Entry:
    account = _text(found, "userPrincipalName") or f"{_text(found, 'sAMAccountName')}@{_domain(dn)}"
    flags = _text(found, "userAccountControl")
    return Entry(
        object_id=_object_id(found),
        is_group=False,
        account=account.lower(),
        name=_text(found, "displayName") or _text(found, "cn") or account,
        mail=_text(found, "mail"),
        place=_place(dn),
        # Without a word about it nobody is taken for switched on.
        enabled=flags.lstrip("-").isdecimal() and not int(flags) & _SWITCHED_OFF and not _expired(found),
    )


def _expired(found: Attributes) -> bool:
    """Has the account's last day passed? AD lets it sign in no more then, and leaves `userAccountControl` as it was."""
    text = _text(found, "accountExpires") or "0"
    if not text.isdecimal():
        return True
    ticks = int(text)
    return ticks not in _NEVER and ticks / 10_000_000 - _SECONDS_TO_1970 <= time.time()


def _edges(member: str, above: Sequence[bytes], groups: Mapping[str, tuple[str, Any]]) -> Iterator[Edge]:
    for raw in above:
        group = groups.get(raw.decode(errors="replace").lower())
        if group is not None:
            yield Edge(member=member, group=group[0])


def _object_id(found: Attributes) -> str:
    """Microsoft writes the first three parts of a GUID with their bytes turned round."""
    return str(uuid.UUID(bytes_le=found["objectGUID"][0]))


def _text(found: Attributes, name: str) -> str:
    values = found.get(name) or (b"",)
    return values[0].decode(errors="replace").strip()


def _place(dn: str) -> str:
    """The units that a DN stands in, from the top down: "Analytics / Vision"."""
    units = [part[3:] for part in _COMMA.split(dn)[1:] if part[:3].upper() in ("OU=", "CN=")]
    return " / ".join(_ESCAPED.sub(r"\1", unit) for unit in reversed(units))


def _domain(dn: str) -> str:
    return ".".join(part[3:] for part in _COMMA.split(dn) if part[:3].upper() == "DC=")
