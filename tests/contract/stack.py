"""The real servers of a stack, for the half of the contract suite that runs on them.

`SLIPWAY_STACK_DIR` names the stack's folder: `ports.json` and `secrets/`. Without it that half is skipped, loudly.
"""

import json
import os
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest
from minio import MinioAdmin
from minio.credentials import StaticProvider

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


def change_repository(full_name: str, **said: Any) -> None:
    """What whoever administers a repository says of it, such as `name`, or `template`: others may start from it."""
    path, headers = f"{url('gitea')}/api/v1/repos/{full_name}", {"Authorization": f"token {secret('git-1.token')}"}
    httpx.patch(path, headers=headers, json=said, timeout=15).raise_for_status()


def switch_user(name: str, *, on: bool) -> None:
    """What the store's administrator does to an account."""
    keys = StaticProvider(secret("store-1.root-access-key"), secret("store-1.root-secret-key"))
    endpoint = url("minio").removeprefix("http://")
    admin = MinioAdmin(endpoint=endpoint, region="us-east-1", secure=False, credentials=keys)
    (admin.user_enable if on else admin.user_disable)(name)


def open_store() -> ObjectStore:
    """The store with the portal's own key. Close it."""
    keys = {"access_key": secret("store-1.access-key"), "secret_key": secret("store-1.secret-key")}
    return ObjectStore(name="store-1", endpoint=url("minio"), region="us-east-1", **keys)


def open_forge() -> Forge:
    """The forge with the bot's token. Close it."""
    token = secret("git-1.token")
    return Forge(name="git-1", url=url("gitea"), token=token, bot="slipway-bot", vouches_for_mail=True)
