"""What an Active Directory says, as our values. The attributes are as a Samba domain controller sends them.

The whole conversation is held against a real domain controller in tests/directory/.
"""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from ldap3.core.exceptions import (
    LDAPBusyResult,
    LDAPCommunicationError,
    LDAPException,
    LDAPInvalidCredentialsResult,
    LDAPInvalidFilterError,
    LDAPNoSuchObjectResult,
    LDAPSizeLimitExceededResult,
)

from provisioning.clients.ldap_directory import LdapDirectory, _edges, _group, _person
from provisioning.directory import Edge, Entry
from provisioning.errors import PermanentError, ProvisioningError, TargetUnavailable
from tests.swedish import in_swedish

ALICE: dict[str, Sequence[bytes]] = {
    "objectGUID": [bytes.fromhex("7cc416c38322b5439d883c5b275b0742")],
    "sAMAccountName": [b"alice"],
    "displayName": ["Ålice Andersson".encode()],
    "cn": [b"Alice Andersson"],
    "mail": [b"alice@corp.example"],
    "userPrincipalName": [b"Alice@Corp.Example"],
    "userAccountControl": [b"512"],
    "memberOf": [b"CN=ml-vision,OU=Analytics,DC=corp,DC=example", b"CN=Elsewhere,DC=other,DC=example"],
}
AT = "CN=Alice Andersson,OU=Vision,OU=Plant\\, Skövde,DC=corp,DC=example"


def test_a_person() -> None:
    assert _person(AT, ALICE) == Entry(
        object_id="c316c47c-2283-43b5-9d88-3c5b275b0742",
        is_group=False,
        account="alice@corp.example",
        name="Ålice Andersson",
        mail="alice@corp.example",
        place="Plant, Skövde / Vision",
        enabled=True,
    )


@pytest.mark.parametrize(
    "flags, enabled",
    [(b"512", True), (b"514", False), (b"66048", True), (b"66050", False), (b"", False), (b"x", False)],
)
def test_whoever_is_not_said_to_be_switched_on_is_not(flags: bytes, enabled: bool) -> None:
    assert _person(AT, {**ALICE, "userAccountControl": [flags]}).enabled is enabled


@pytest.mark.parametrize(
    "expires, enabled",
    [
        (b"0", True),
        (b"9223372036854775807", True),
        (b"", True),
        (b"132223104000000000", False),  # 2020-01-01
        (b"157469184000000000", True),  # 2100-01-01
        (b"1", False),
        (b"-1", False),
        (b"x", False),
    ],
)
def test_whose_account_has_expired_is_not_there_any_more(expires: bytes, enabled: bool) -> None:
    assert _person(AT, {**ALICE, "accountExpires": [expires]}).enabled is enabled


def test_a_person_without_upn_has_the_one_that_the_domain_implies() -> None:
    bare = {name: value for name, value in ALICE.items() if name in ("objectGUID", "sAMAccountName", "cn")}
    found = _person(AT, bare)
    assert (found.account, found.name, found.mail, found.enabled) == (
        "alice@corp.example",
        "Alice Andersson",
        "",
        False,
    )


def test_a_group_and_who_is_in_it() -> None:
    group = _group(
        "CN=ml-vision,OU=Analytics,DC=corp,DC=example",
        {"objectGUID": ALICE["objectGUID"], "sAMAccountName": [b"ml-vision"], "cn": [b"ml-vision"]},
    )
    assert group == Entry(
        object_id="c316c47c-2283-43b5-9d88-3c5b275b0742",
        is_group=True,
        account="ml-vision",
        name="ml-vision",
        place="Analytics",
    )
    groups = {"cn=ml-vision,ou=analytics,dc=corp,dc=example": ("g1", ())}
    assert list(_edges("p1", ALICE["memberOf"], groups)) == [Edge(member="p1", group="g1")]


def directory(url: str, *, ca: str | None = None) -> LdapDirectory:
    return LdapDirectory(
        name="corp-directory",
        url=url,
        ca=ca,
        account="reader@corp.example",
        password="canary-password",
        people=("DC=corp,DC=example", "(objectClass=user)"),
        groups=("DC=corp,DC=example", "(objectClass=group)"),
    )


def reading(url: str, *, ca: str | None = None) -> TargetUnavailable:
    """Why nothing can be read there."""
    client = directory(url, ca=ca)
    with pytest.raises(TargetUnavailable) as told:
        list(client.read())
    client.close()
    return told.value


def test_a_silent_directory_is_said_to_be_silent_and_the_password_is_not_told() -> None:
    told = reading("ldaps://127.0.0.1:1")
    assert told.message == "corp-directory does not answer (no connection). We look again by ourselves."
    swedish = "corp-directory svarar inte (ingen förbindelse). Vi tittar igen av oss själva."
    assert in_swedish(told.message) == swedish
    assert "canary" not in f"{told!r} {told.__cause__!r}"


@pytest.fixture
def impostor(tmp_path: Path) -> Iterator[Callable[[str], tuple[str, str]]]:
    """Begin to listen with a certificate for some name; gives the address and the certificate as PEM."""
    listening: list[socket.socket] = []

    def listen(name: str) -> tuple[str, str]:
        certificate, key = self_signed(name)
        (tmp_path / "both.pem").write_text(certificate + key)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(tmp_path / "both.pem")
        server = socket.create_server(("127.0.0.1", 0))
        listening.append(server)
        threading.Thread(target=serve, args=(server, context), daemon=True).start()
        return f"ldaps://127.0.0.1:{server.getsockname()[1]}", certificate

    yield listen
    for server in listening:
        server.close()


def serve(server: socket.socket, context: ssl.SSLContext) -> None:
    """Shake hands once, hear what is said, and hang up."""
    try:
        with context.wrap_socket(server.accept()[0], server_side=True) as connection:
            connection.recv(1000)
    except OSError:
        return


def self_signed(name: str) -> tuple[str, str]:
    """Certificate and key, as PEM, of a host name or an address."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "dc1")])
    try:
        other: x509.GeneralName = x509.IPAddress(ip_address(name))
    except ValueError:
        other = x509.DNSName(name)
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([other]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return certificate.public_bytes(Encoding.PEM).decode(), private.decode()


@pytest.mark.parametrize(
    "name, trusted, why",
    [
        ("127.0.0.1", True, "no connection"),
        ("127.0.0.1", False, "its certificate is not trusted, or of another name"),
        ("dc2.corp.example", True, "its certificate is not trusted, or of another name"),
        ("127.0.0.2", True, "its certificate is not trusted, or of another name"),
    ],
)
def test_the_password_goes_only_to_the_server_that_is_meant(
    impostor: Callable[[str], tuple[str, str]], name: str, trusted: bool, why: str
) -> None:
    url, certificate = impostor(name)
    told = reading(url, ca=certificate if trusted else None)
    assert told.message == f"corp-directory does not answer ({why}). We look again by ourselves."


@pytest.mark.parametrize(
    ("error", "kind", "english", "swedish"),
    [
        (
            LDAPInvalidCredentialsResult(),
            TargetUnavailable,
            "corp-directory refuses our account. The platform team must renew its password.",
            "corp-directory godtar inte vårt konto. Plattformsteamet måste förnya dess lösenord.",
        ),
        (
            LDAPNoSuchObjectResult(),
            PermanentError,
            "corp-directory has no such base. Correct the directory's bases in platform.yaml.",
            "corp-directory har ingen sådan bas. Rätta katalogens baser i platform.yaml.",
        ),
        (
            LDAPInvalidFilterError(),
            PermanentError,
            "A filter of the directory in platform.yaml is no LDAP filter. Correct it.",
            "Ett av katalogens filter i platform.yaml är inget LDAP-filter. Rätta det.",
        ),
        (
            LDAPSizeLimitExceededResult(),
            PermanentError,
            "corp-directory tells only a part of what is there: its limit is lower than a page.",
            "corp-directory berättar bara om en del av det som finns: dess gräns är lägre än en sida.",
        ),
        (
            LDAPCommunicationError("CERTIFICATE_VERIFY_FAILED"),
            TargetUnavailable,
            "corp-directory does not answer (its certificate is not trusted, or of another name). We look again by "
            "ourselves.",
            "corp-directory svarar inte (dess certifikat är inte betrott, eller har ett annat namn). Vi tittar igen av "
            "oss själva.",
        ),
        (
            LDAPBusyResult(description="busy"),
            TargetUnavailable,
            "corp-directory can't tell who is there (busy). We look again by ourselves.",
            "corp-directory kan inte berätta vilka som finns (busy). Vi tittar igen av oss själva.",
        ),
        (
            LDAPException(),
            TargetUnavailable,
            "corp-directory does not answer as a directory (LDAPException). We look again by ourselves.",
            "corp-directory svarar inte som en katalog (LDAPException). Vi tittar igen av oss själva.",
        ),
    ],
)
def test_each_fault_says_what_to_do_in_both_languages(
    error: LDAPException, kind: type[ProvisioningError], english: str, swedish: str
) -> None:
    told = directory("ldaps://127.0.0.1:1")._said(error)
    assert (type(told), told.message, in_swedish(told.message)) == (kind, english, swedish)
