"""How MinIO's admin interface wants a body sealed that holds a secret, in the form that costs little.

The server takes three forms, told apart by one byte. The `minio` library knows the two that derive the key by Argon2id:
64 MiB of memory and a tenth of a second of a core, on our side and on the server's. This is the third one, by PBKDF2,
which MinIO's own client uses in FIPS mode: some milliseconds. How hard a derivation is matters for secrets that can be
guessed; ours is a random key (docs/decisions/0047-sealed-by-pbkdf2.md).

The form, after the servers' own code (madmin and sio): salt, the byte 2, half a nonce, then one AES-256-GCM packet
whose nonce ends with its number, 1, and whose associated data is 0x80 (the last one) and the tag of an empty packet 0.
"""

import os

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC

_BY_PBKDF2 = b"\x02"
_ROUNDS = 8192
_LAST = b"\x80"
MOST = 16 * 1024
"""Bytes of one packet. Ours are about a hundred, so a second one is never needed."""


def seal(body: bytes, *, secret: str) -> bytes:
    """The body, sealed for whoever has the secret key that signs the request. ValueError for one above MOST."""
    if len(body) > MOST:
        raise ValueError(f"A body of {len(body)} bytes does not fit into one packet of {MOST}.")
    salt, nonce = os.urandom(32), os.urandom(8)
    key = PBKDF2HMAC(algorithm=SHA256(), length=32, salt=salt, iterations=_ROUNDS).derive(secret.encode())
    cipher = AESGCM(key)
    about = _LAST + cipher.encrypt(nonce + bytes(4), b"", b"")
    return salt + _BY_PBKDF2 + nonce + cipher.encrypt(nonce + (1).to_bytes(4, "little"), body, about)
