"""No secret at rest: every credential is derived, so a retry after a crash produces the same one.

HKDF-SHA256 over a key of the key ring, with the project's uid, the purpose and a version as context. The key ring is a
file of lines `<key id>:<base64 of 32 bytes>`; the first key makes new secrets, the others stay so that what was made
with them can still be checked while it is being rotated.
"""

import base64
import hmac
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pydantic import BaseModel, ConfigDict, model_validator

from provisioning.errors import PermanentError, TargetUnavailable
from provisioning.phrases import phrase


class SecretRef(BaseModel):
    """Where a secret is to be found: a file of the secrets folder, or a variable of the environment. Never a value."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: str | None = None
    env: str | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> "SecretRef":
        if (self.file is None) == (self.env is None):
            raise ValueError("a secret is given as {file: NAME} or {env: NAME}, never as a value")
        if self.file is not None and ("/" in self.file or self.file.startswith(".")):
            raise ValueError("a secret's file is a plain name inside the secrets folder")
        return self


Resolve = Callable[[SecretRef], str]


def resolver(*, folder: Path, environ: Mapping[str, str] | None = None) -> Resolve:
    """A function that reads a SecretRef now. It raises TargetUnavailable while the secret is not there."""
    variables = os.environ if environ is None else environ

    def resolve(ref: SecretRef) -> str:
        if ref.env is not None:
            value = variables.get(ref.env, "")
        else:
            try:
                value = (folder / str(ref.file)).read_text().strip()
            except FileNotFoundError:
                value = ""
        if not value:
            raise TargetUnavailable(
                phrase(
                    "The credential %(credential)s is not there yet. We look again by ourselves.",
                    credential=ref.file or ref.env,
                )
            )
        return value

    return resolve


@dataclass(frozen=True)
class Earlier:
    """A version of a credential that goes on working for a while beside the present one, and the key it comes from."""

    version: int
    key_id: str | None


@dataclass(frozen=True)
class KeyRing:
    """The portal's derivation keys, newest first: (key id, 32 bytes)."""

    keys: tuple[tuple[str, bytes], ...]

    @property
    def current(self) -> str:
        """Id of the key that makes new secrets."""
        return self.keys[0][0]

    @classmethod
    def parse(cls, text: str) -> "KeyRing":
        """Read the file's text. Raises ValueError naming the line that is not `<id>:<base64 of 32 bytes>`."""
        keys = []
        for number, line in enumerate(text.splitlines(), start=1):
            if not line.strip():
                continue
            identifier, _, encoded = line.strip().partition(":")
            try:
                key = base64.b64decode(encoded, validate=True)
            except ValueError:
                key = b""
            if not identifier or len(key) != 32:
                raise ValueError(f"key ring, line {number}: expected <key id>:<base64 of 32 bytes>")
            keys.append((identifier, key))
        if not keys:
            raise ValueError("the key ring is empty")
        return cls(keys=tuple(keys))

    def derive(self, *, uid: str, purpose: str, version: int = 1, key_id: str | None = None) -> str:
        """The secret for one purpose of one project: 43 characters, URL-safe. The same input gives the same secret.

        key_id: the key to derive from, None for the current one. Raises PermanentError when it left the key ring.
        """
        known = dict(self.keys)
        if key_id is not None and key_id not in known:
            raise PermanentError(
                phrase("The key %(key_id)s left the key ring. The platform team puts its line back.", key_id=key_id)
            )
        key = self.keys[0][1] if key_id is None else known[key_id]
        info = f"slipway/v1/{uid}/{purpose}/{version}".encode()
        raw = HKDF(algorithm=SHA256(), length=32, salt=b"slipway", info=info).derive(key)
        return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def signature(*, secret: str, body: bytes) -> str:
    """Hex HMAC-SHA256 of a webhook's raw body, as GitHub, Gitea and Forgejo send it."""
    return hmac.new(secret.encode(), body, sha256).hexdigest()


def signed(*, secrets: tuple[str, ...], body: bytes, given: str) -> bool:
    """True when `given` (bare hex) signs `body` with one of the secrets. Compares in constant time, tries them all."""
    answers = [hmac.compare_digest(signature(secret=secret, body=body), given) for secret in secrets]
    return any(answers)


def one_of(secrets: tuple[str, ...], *, given: str) -> bool:
    """True when `given` is one of the secrets, for a forge that sends it as it is. Compares in constant time."""
    answers = [hmac.compare_digest(secret.encode(), given.encode()) for secret in secrets]
    return any(answers)
