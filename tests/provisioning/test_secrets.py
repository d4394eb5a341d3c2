"""Derived secrets: the same for the same purpose, different for any other, and never stored."""

import base64
from pathlib import Path

import pytest
from pydantic import ValidationError

from provisioning.errors import PermanentError, TargetUnavailable
from provisioning.secrets import KeyRing, SecretRef, resolver, signature, signed

FIRST = base64.b64encode(b"a" * 32).decode()
SECOND = base64.b64encode(b"b" * 32).decode()


def test_each_purpose_project_and_version_has_its_own() -> None:
    ring = KeyRing.parse(f"k1:{FIRST}")
    made = {
        ring.derive(uid=uid, purpose=purpose, version=version)
        for uid in ("one", "two")
        for purpose in ("bucket", "webhook")
        for version in (1, 2)
    }
    assert len(made) == 8
    assert all(len(secret) == 43 for secret in made)
    assert ring.derive(uid="one", purpose="bucket") in made


def test_the_first_key_makes_secrets_and_the_others_stay() -> None:
    before = KeyRing.parse(f"k1:{FIRST}").derive(uid="u", purpose="bucket")
    ring = KeyRing.parse(f"k2:{SECOND}\nk1:{FIRST}\n")
    assert ring.derive(uid="u", purpose="bucket") != before
    assert ring.derive(uid="u", purpose="bucket", key_id="k1") == before


def test_a_key_that_left_the_ring_is_told() -> None:
    with pytest.raises(PermanentError, match="k0 left the key ring"):
        KeyRing.parse(f"k1:{FIRST}").derive(uid="u", purpose="bucket", key_id="k0")


@pytest.mark.parametrize("text", ["", "\n", "k1", "k1:short", f":{FIRST}", f"k1:{FIRST}x!"])
def test_a_bad_key_ring_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="key ring"):
        KeyRing.parse(text)


@pytest.mark.parametrize("value", [{}, {"file": "a", "env": "B"}, {"file": "../a"}, {"file": ".a"}, {"value": "x"}])
def test_a_secret_is_a_reference(value: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        SecretRef.model_validate(value)


def test_a_secret_is_read_when_it_is_there(tmp_path: Path) -> None:
    resolve = resolver(folder=tmp_path, environ={"TOKEN": "from the environment"})
    with pytest.raises(TargetUnavailable, match="not there yet"):
        resolve(SecretRef(file="token"))
    (tmp_path / "token").write_text("first\n")
    assert resolve(SecretRef(file="token")) == "first"
    (tmp_path / "token").write_text("second")
    assert resolve(SecretRef(file="token")) == "second"
    assert resolve(SecretRef(env="TOKEN")) == "from the environment"


def test_signatures() -> None:
    body = b'{"ref": "refs/heads/main"}'
    good = signature(secret="now", body=body)
    assert signed(secrets=("now", "before"), body=body, given=good)
    assert signed(secrets=("other", "now"), body=body, given=good)
    assert not signed(secrets=("other",), body=body, given=good)
    assert not signed(secrets=("now",), body=body + b" ", given=good)
    assert not signed(secrets=("now",), body=body, given="")
