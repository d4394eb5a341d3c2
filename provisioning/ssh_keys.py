"""An SSH key pair out of a derived secret, as OpenSSH writes it: the same secret always gives the same text.

The library's own writer puts four random bytes into each private key, so that every look would find another one; the
format (PROTOCOL.key of OpenSSH) is short, and the bytes are only a check that decryption went well.
"""

import base64
import struct
from dataclasses import dataclass, field
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_TYPE = b"ssh-ed25519"
_BLOCK, _LINE = 8, 70


@dataclass(frozen=True)
class KeyPair:
    """`public`: "ssh-ed25519 AAAA…" without a comment. `private`: the text of OpenSSH's private key file."""

    public: str
    private: str = field(repr=False)


def key_pair(secret: str) -> KeyPair:
    """The ed25519 pair whose seed is a derived secret (`KeyRing.derive`: 32 bytes in URL-safe base64)."""
    seed = base64.urlsafe_b64decode(secret + "=")
    public = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
    blob = _string(_TYPE) + _string(public)
    check = sha256(public).digest()[:4]
    inner = check * 2 + blob + _string(seed + public) + _string(b"")
    inner += bytes(range(1, 1 + -len(inner) % _BLOCK))
    whole = b"openssh-key-v1\0" + _string(b"none") * 2 + _string(b"") + struct.pack(">I", 1)
    encoded = base64.b64encode(whole + _string(blob) + _string(inner)).decode()
    lines = [encoded[at : at + _LINE] for at in range(0, len(encoded), _LINE)]
    private = "\n".join(["-----BEGIN OPENSSH PRIVATE KEY-----", *lines, "-----END OPENSSH PRIVATE KEY-----", ""])
    return KeyPair(public=f"{_TYPE.decode()} {base64.b64encode(blob).decode()}", private=private)


def _string(content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + content
