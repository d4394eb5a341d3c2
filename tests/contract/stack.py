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
