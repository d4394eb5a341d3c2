"""Certificates of one stack, made with openssl: a CA, a server certificate, a pair that signs tokens."""

import subprocess
from pathlib import Path

from devstack.errors import StackError
from devstack.stack import Stack

DAYS = 825
RENEW_SECONDS = 30 * 24 * 3600

CA_EXTENSIONS = (
    "basicConstraints=critical,CA:TRUE,pathlen:0",
    "keyUsage=critical,keyCertSign,cRLSign",
    "subjectKeyIdentifier=hash",
)
SERVER_NAMES = "DNS:localhost,IP:127.0.0.1,IP:::1,DNS:kubernetes.default.svc,IP:10.0.0.1"
SERVER_EXTENSIONS = """\
basicConstraints=critical,CA:FALSE
keyUsage=critical,digitalSignature,keyEncipherment
extendedKeyUsage=serverAuth
subjectAltName={names}
subjectKeyIdentifier=hash
authorityKeyIdentifier=keyid
"""


def ensure(stack: Stack) -> bool:
    """Make what is missing or about to run out in the stack's `tls/` folder. Returns whether anything was made.

    ca.pem (+ .key): signs server.pem (+ .key) for localhost, and directory.pem (+ .key) for the directory's address
    where the stack has one; sign.pem (+ .key): RSA, signs the identity provider's tokens; service-accounts.key
    (+ .pub): RSA, signs the cluster's service account tokens.
    """
    made = False
    if not (_lasts(stack.tls / "ca.pem") and _lasts(stack.tls / "server.pem")):
        _make_ca(stack.tls)
        _make_server(stack.tls, "server", names=SERVER_NAMES)
        made = True
    address = stack.address()
    if address and not _is_for(stack.tls, "directory", address):
        _make_server(stack.tls, "directory", names=f"IP:{address},DNS:dc1.corp.example")
        made = True
    if not _lasts(stack.tls / "sign.pem"):
        _self_signed_rsa(stack.tls)
        made = True
    key = stack.tls / "service-accounts.key"
    if not key.exists():
        _openssl("genrsa", "-out", str(key), "2048")
        key.chmod(0o600)
        _openssl("rsa", "-in", str(key), "-pubout", "-out", str(stack.tls / "service-accounts.pub"))
        made = True
    return made


def _make_ca(folder: Path) -> None:
    extensions = [argument for text in CA_EXTENSIONS for argument in ("-addext", text)]
    _openssl(
        *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-sha256"),
        *("-days", str(DAYS), "-subj", "/CN=Slipway development CA", *extensions),
        *("-keyout", str(folder / "ca.key"), "-out", str(folder / "ca.pem")),
    )
    (folder / "ca.key").chmod(0o600)


def _make_server(folder: Path, name: str, *, names: str) -> None:
    request, extensions = folder / f"{name}.csr", folder / f"{name}.ext"
    extensions.write_text(SERVER_EXTENSIONS.format(names=names), encoding="utf-8")
    _openssl(
        *("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-sha256"),
        *("-subj", f"/CN={name}", "-keyout", str(folder / f"{name}.key"), "-out", str(request)),
    )
    _openssl(
        *("x509", "-req", "-in", str(request), "-CA", str(folder / "ca.pem"), "-CAkey", str(folder / "ca.key")),
        *("-CAcreateserial", "-days", str(DAYS), "-sha256", "-extfile", str(extensions)),
        *("-out", str(folder / f"{name}.pem")),
    )
    (folder / f"{name}.key").chmod(0o600)
    request.unlink()
    extensions.unlink()


def _self_signed_rsa(folder: Path) -> None:
    _openssl(
        *("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-sha256", "-days", str(DAYS)),
        *("-subj", "/CN=ADFS Signing - localhost"),
        *("-keyout", str(folder / "sign.key"), "-out", str(folder / "sign.pem")),
    )
    (folder / "sign.key").chmod(0o600)


def _lasts(certificate: Path) -> bool:
    if not certificate.exists():
        return False
    command = ["openssl", "x509", "-in", str(certificate), "-noout", "-checkend", str(RENEW_SECONDS)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _is_for(folder: Path, name: str, address: str) -> bool:
    """Is this certificate one of our CA for this address, and does it last."""
    certificate = folder / f"{name}.pem"
    command = ["openssl", "verify", "-CAfile", str(folder / "ca.pem"), "-verify_ip", address, str(certificate)]
    return _lasts(certificate) and subprocess.run(command, capture_output=True, check=False).returncode == 0


def _openssl(*arguments: str) -> None:
    done = subprocess.run(["openssl", *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise StackError(
            what="A certificate of the stack could not be made",
            why=f"openssl {arguments[0]}: {done.stderr.strip()[-400:]}",
            do="check that openssl 3 works here and that the stack's folder can be written, then run ./dev again",
        )
