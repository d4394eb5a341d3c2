"""What the measurements use of the running stack: environment, clients, the API as alice, processes, memory."""

import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import httpx

from bench.bare import Clients
from bench.times import until
from portal.config import config
from provisioning.catalogue import Catalogue, load
from provisioning.kind import Wish
from provisioning.names import Names
from provisioning.project_templates.rendering import Templates
from provisioning.secrets import KeyRing, resolver
from provisioning.spec import ProjectSpec
from provisioning.targets import connect

ALICE = "alice@corp.example"


def folder() -> Path:
    """The stack's folder. Exits with a sentence when there is no stack."""
    path = os.environ.get("SLIPWAY_STACK_DIR")
    if not path:
        sys.exit("The measurements run on a stack of their own: start them with ./dev bench.")
    return Path(path)


def catalogue() -> Catalogue:
    """The stack's catalogue."""
    return load(Path(os.environ["SLIPWAY_CATALOGUE"]))


def clients(platform: Catalogue) -> Clients:
    """Clients of the three systems with the portal's own credentials."""
    resolve = resolver(folder=Path(os.environ["SLIPWAY_SECRETS_DIR"]))
    return Clients(
        cluster=connect(platform.cluster(), resolve=resolve),
        store=connect(platform.object_store(), resolve=resolve),
        forge=connect(platform.forge(), resolve=resolve),
    )


def spec(slug: str) -> dict[str, Any]:
    """The standard project: an owner by name, an editor by group."""
    return {
        "slug": slug,
        "title": "Bench",
        "team": "forecasting",
        "plan": "small",
        "contributors": [{"user": ALICE, "role": "owner"}, {"group": "ml-vision", "role": "editor"}],
    }


def wish(slug: str, *, platform: Catalogue) -> Wish:
    """The standard project as the Kinds see it, under a uid of its own."""
    uid = str(uuid.uuid4())
    ring = KeyRing.parse((Path(os.environ["SLIPWAY_SECRETS_DIR"]) / "key-ring").read_text())
    return Wish(
        uid=uid,
        generation=1,
        spec=ProjectSpec.model_validate(spec(slug)),
        plan=platform.plans["small"],
        names=Names(slug=slug, team="forecasting", uid=uid, prefix=platform.naming.prefix),
        catalogue=platform,
        portal_url=f"{os.environ['SLIPWAY_PUBLIC_URL']}/projects/{slug}/",
        derive=ring.derive,
        render=_templates().render,
    )


@cache
def _templates() -> Templates:
    # One for all wishes: a version is rendered once per process, here as in the worker.
    return config.installation().templates


class Portal:
    """The portal's API as alice."""

    def __init__(self) -> None:
        command = [sys.executable, "manage.py", "dev_token", ALICE]
        token = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip().splitlines()[-1]
        self._client = httpx.Client(
            base_url=os.environ["SLIPWAY_PUBLIC_URL"] + "/api/v1",
            headers={"Authorization": f"Bearer {token}"},
            timeout=30,
            limits=httpx.Limits(max_connections=32),
        )

    def ask(self, slug: str) -> float:
        """Ask for a standard project; seconds until the 202."""
        started = time.perf_counter()
        answer = self._client.post("/projects/", json=spec(slug))
        took = time.perf_counter() - started
        if answer.status_code != 202:
            sys.exit(f"asking for {slug} was answered {answer.status_code}: {answer.text[:500]}")
        return took

    def post(self, path: str) -> dict[str, Any]:
        """The JSON answer to a call without a body."""
        answer = self._client.post(path, json={})
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    def get(self, path: str) -> dict[str, Any]:
        """A JSON answer."""
        answer = self._client.get(path)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found


def pids() -> dict[str, int]:
    """The stack's processes."""
    found: dict[str, int] = json.loads((folder() / "pids.json").read_text())
    return found


def family(pid: int) -> list[int]:
    """A process and its descendants."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(other for child in children for other in family(int(child)))]


@contextmanager
def held(name: str) -> Iterator[None]:
    """Keep a process of the stack stopped meanwhile."""
    hold = folder() / "hold" / name
    hold.parent.mkdir(exist_ok=True)
    hold.touch()
    try:
        until(lambda: not _runs(name), f"{name} did not stop; see ./dev status", seconds=60)
        yield
    finally:
        hold.unlink()
        until(lambda: _runs(name), f"{name} did not start again; see ./dev status", seconds=60)


def _runs(name: str) -> bool:
    pid = pids().get(name)
    return pid is not None and Path(f"/proc/{pid}").exists()


def memory(pid: int) -> int:
    """Bytes a process takes, its shared pages divided among their users (PSS of smaps_rollup)."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return 0


def cpu_seconds(pid: int) -> float:
    """CPU seconds a process and its living descendants have used."""
    ticks = 0
    for one in family(pid):
        fields = Path(f"/proc/{one}/stat").read_text().rsplit(")", 1)[1].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")
