"""Whom a project's programs trust when they open the database: tried with libpq and a server that speaks TLS."""

import base64
import os
import socket
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from provisioning import ci, database_trust
from provisioning.clients import postgres
from provisioning.errors import TargetUnavailable
from provisioning.kind import Wish
from tests.provisioning.wishes import DATABASE, catalogue, wish

FEATURES = {"features": {"enabled": True}}


class Server:
    """Takes TLS as Postgres does and hears what comes then. `ca`: who signed its certificate."""

    def __init__(self, folder: Path) -> None:
        self.ca, self.heard = folder / "ca.pem", list[bytes]()
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
        now = datetime.now(UTC)
        made = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(hours=1))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256())
        )
        self.ca.write_bytes(made.public_bytes(serialization.Encoding.PEM))
        keys = folder / "key.pem"
        plain = serialization.NoEncryption()
        keys.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain))
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(self.ca, keys)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._socket.getsockname()[1])
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            try:
                connection.recv(8)
                connection.sendall(b"S")
                with self._context.wrap_socket(connection, server_side=True) as secure:
                    self.heard.append(secure.recv(500))
            except OSError:
                continue

    def close(self) -> None:
        self._socket.close()


@pytest.fixture(name="server")
def _server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    # As in an image or a runner: no certificates at home, and nothing in the environment that helps.
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in [one for one in os.environ if one.startswith(("PGSSL", "SSL_CERT"))]:
        monkeypatch.delenv(name)
    server = Server(tmp_path)
    yield server
    server.close()


def wanted(*, database_ca: str = "", **changes: object) -> Wish:
    here = catalogue(databases=[{**DATABASE, **changes}])
    return wish(catalogue=here, options=FEATURES, database_ca=database_ca)


def refused(server: Server, monkeypatch: pytest.MonkeyPatch, given: dict[str, str]) -> str:
    """What libpq says, which has the variables of a run and tries to sign in."""
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(psycopg.OperationalError) as told:
        psycopg.connect(f"postgresql://localhost:{server.port}/x?sslmode=verify-full", user="demand", connect_timeout=5)
    return str(told.value)


def test_a_server_of_a_public_authority_is_trusted(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    given = database_trust.variables(wanted())
    assert "PGSSLROOTCERT" in given
    monkeypatch.setattr(database_trust, "SYSTEM_AUTHORITIES", str(server.ca))
    refused(server, monkeypatch, database_trust.variables(wanted()))
    assert b"demand" in server.heard[-1], "it did not come so far as to say who it is"


def test_the_systems_authorities_are_a_file_that_is_there_and_does_not_trust_everybody(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = refused(server, monkeypatch, database_trust.variables(wanted()))
    assert "certificate verify failed" in said
    assert server.heard == []


def test_an_authority_of_the_catalogue_comes_along(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    given = database_trust.variables(wanted(ca={"file": "features-1.ca"}, database_ca=server.ca.read_text().strip()))
    assert list(given) == ["DATABASE_CA"]
    assert len(given["DATABASE_CA"].splitlines()) == 1
    written = server.ca.parent / "written.pem"
    written.write_bytes(base64.b64decode(given["DATABASE_CA"]))
    refused(server, monkeypatch, {"PGSSLROOTCERT": str(written)})
    assert b"demand" in server.heard[-1]


def test_nothing_is_said_where_nothing_is_checked_and_of_a_file_that_is_missing() -> None:
    assert database_trust.variables(wanted(tls=False)) == {}
    assert database_trust.variables(wish()) == {}
    assert database_trust.variables(wanted(ca={"file": "features-1.ca"})) == {}
    assert "PGSSLROOTCERT" not in ci.variables(wish())
    assert ci.variables(wanted())["PGSSLROOTCERT"] == database_trust.SYSTEM_AUTHORITIES


def test_the_portal_itself_trusts_the_systems_authorities(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "SYSTEM_AUTHORITIES", str(server.ca))
    there = {"host": "localhost", "port": server.port, "database": "x", "username": "slipway", "password": "p"}
    client = postgres.Database(name="features-1", tls=True, ca=None, **there)  # type: ignore[arg-type]
    with pytest.raises(TargetUnavailable):
        client.probe()
    assert b"slipway" in server.heard[-1]
