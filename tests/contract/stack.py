"""The real servers of a stack, for the half of the contract suite that runs on them.

`SLIPWAY_STACK_DIR` names the stack's folder: `ports.json` and `secrets/`. Without it that half is skipped, loudly.
"""

import json
import os
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from provisioning.clients.gitea import Forge
from provisioning.clients.minio import ObjectStore

T = TypeVar("T")


def folder() -> Path:
    """The stack's folder; skips the test when there is none."""
    value = os.environ.get("SLIPWAY_STACK_DIR")
    if not value:
        pytest.skip("needs real servers: SLIPWAY_STACK_DIR is not set (./dev test sets it)")
    return Path(value)


def url(server: str, *, scheme: str = "http") -> str:
    """The address of one server of the stack."""
    port = json.loads((folder() / "ports.json").read_text())[server]
    return f"{scheme}://127.0.0.1:{port}"


def secret(name: str) -> str:
    """The text of one secret of the stack."""
    return (folder() / "secrets" / name).read_text().strip()


def unique(stem: str) -> str:
    """A name that no earlier run has used."""
    return f"{stem}-{uuid.uuid4().hex[:8]}"


def eventually(look: Callable[[], T], *, seconds: float = 60) -> T:
    """Look until the answer is true, and return it. Fails after `seconds`, showing the last answer."""
    deadline = time.monotonic() + seconds
    while not (answer := look()):
        assert time.monotonic() < deadline, f"still {answer!r} after {seconds} s"
        time.sleep(0.05)
    return answer


def open_store() -> ObjectStore:
    """The store with the portal's own key. Close it."""
    keys = {"access_key": secret("store-1.access-key"), "secret_key": secret("store-1.secret-key")}
    return ObjectStore(name="store-1", endpoint=url("minio"), region="us-east-1", **keys)


def open_forge() -> Forge:
    """The forge with the bot's token. Close it."""
    return Forge(name="git-1", url=url("gitea"), token=secret("git-1.token"), bot="slipway-bot")
