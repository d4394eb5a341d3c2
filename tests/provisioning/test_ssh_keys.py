import subprocess
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from hypothesis import given
from hypothesis import strategies as st

from provisioning.secrets import KeyRing
from provisioning.ssh_keys import key_pair
from tests.provisioning.wishes import KEY_RING, UID


def derived(uid: str = UID, version: int = 1, ring: KeyRing = KEY_RING) -> str:
    return ring.derive(uid=uid, purpose="clone", version=version)


@given(uid=st.text(max_size=40), version=st.integers(1, 99))
def test_the_same_secret_gives_the_same_pair_and_the_halves_fit(uid: str, version: int) -> None:
    pair = key_pair(derived(uid, version))

    assert pair == key_pair(derived(uid, version))
    assert pair != key_pair(derived(uid, version + 1))
    private = serialization.load_ssh_private_key(pair.private.encode(), password=None)
    openssh = (serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    assert private.public_key().public_bytes(*openssh).decode() == pair.public


def test_openssh_itself_reads_the_private_half(tmp_path: Path) -> None:
    pair, file = key_pair(derived()), tmp_path / "key"
    file.write_text(pair.private)
    file.chmod(0o600)

    told = subprocess.run(["ssh-keygen", "-y", "-f", str(file)], capture_output=True, text=True, check=True)

    assert told.stdout.split() == pair.public.split()


def test_the_private_half_is_not_shown() -> None:
    pair = key_pair(derived())

    assert repr(pair) == f"KeyPair(public={pair.public!r})"
