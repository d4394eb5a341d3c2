"""The end of `./dev up`: one project from a committed profile.yaml to Ready, followed on screen.

Alice's repository in Gitea, its push, the portal's REST API: nothing here reaches behind the doors. Whatever of it
is not there yet is said in one line, and the stack stays up.
"""

import base64
import http.client
import os
import subprocess
import time
from dataclasses import dataclass
from typing import Any

from devstack import python_env, sample_ci, say
from devstack.calls import Answer, call
from devstack.prepare_forge import Account, ForgeError
from devstack.processes import portal_environment
from devstack.stack import ROOT, Stack

OWNER, NAME = "forecasting", "demand-forecast"
PROFILE = """\
version: 1
slug: demand-forecast
title: Demand forecast
description: The sample project of the development stack.
team: forecasting
plan: small
contributors:
  - user: bob@corp.example
    role: editor
"""
PATIENCE = 90.0


class SampleError(Exception):
    """The sample can't go on. The text says what happened and where to look."""


@dataclass(frozen=True)
class Portal:
    """The portal's REST API as alice sees it."""

    base: str
    token: str

    def get(self, path: str) -> Answer:
        """GET below /api/v1/. Raises SampleError when nobody answers."""
        try:
            return call(
                "GET", f"{self.base}/api/v1/{path}", headers={"Authorization": f"Bearer {self.token}"}, timeout=10
            )
        except (OSError, http.client.HTTPException) as error:
            raise SampleError(f"the portal does not answer ({error}); see ./dev logs web") from error


def run(stack: Stack) -> bool:
    """Make the sample, or see that it is there. Returns whether it is Ready; says why where it is not."""
    try:
        return _run(stack)
    except SampleError as error:
        say.fail(f"The sample project is not Ready: {error}")
        return False


def _run(stack: Stack) -> bool:
    environment = portal_environment(stack)
    token = _manage(environment, "dev_token", "alice@corp.example").split()[-1]
    portal = Portal(base=environment["SLIPWAY_PUBLIC_URL"], token=token)
    began = time.monotonic()
    found = portal.get(f"projects/{NAME}/")
    if found.status == 200 and _word(portal) == "Ready":
        say.line(f"the sample project {NAME} is there and Ready")
        sample_ci.show(stack, owner=OWNER, name=NAME)
        return True
    if found.status not in (200, 404):
        raise SampleError(f"GET projects/{NAME}/: {found.said()}; see ./dev logs web")
    if found.status == 404:
        _push(stack, environment)
        began = time.monotonic()
    _follow(stack, portal, began=began)
    sample_ci.show(stack, owner=OWNER, name=NAME)
    return True


def _push(stack: Stack, environment: dict[str, str]) -> None:
    base = f"http://127.0.0.1:{stack.ports()['gitea']}"
    alice = Account(base=base, user="alice", password="alice-pw")  # noqa: S106
    path = f"/repos/{OWNER}/{NAME}"
    try:
        if not alice.exists(path):
            alice.do("POST", f"/orgs/{OWNER}/repos", {"name": NAME, "default_branch": "main", "auto_init": True})
            say.line(f"alice made the repository {OWNER}/{NAME} in Gitea")
        said = _manage(environment, "register_repository", "git-1", f"{OWNER}/{NAME}")
        say.line(f"registered it with the portal: {said.strip().splitlines()[-1] if said.strip() else 'done'}")
        kept = alice.ask("GET", f"{path}/contents/profile.yaml")
        body: dict[str, Any] = {"content": base64.b64encode(PROFILE.encode()).decode(), "branch": "main"}
        if kept.status == 200:
            # The same text would be no commit and so no push.
            again = f"{PROFILE}# {time.strftime('%Y-%m-%d %H:%M:%S')}\n"
            body |= {"content": base64.b64encode(again.encode()).decode(), "sha": kept.json()["sha"]}
            alice.do("PUT", f"{path}/contents/profile.yaml", {**body, "message": "Ask again"})
        else:
            alice.do("POST", f"{path}/contents/profile.yaml", {**body, "message": "Ask for a project"})
    except (OSError, http.client.HTTPException) as error:
        raise SampleError(f"Gitea does not answer ({error}); see ./dev logs gitea") from error
    except ForgeError as error:
        raise SampleError(f"{error}; see ./dev logs gitea") from error
    say.line("alice pushed profile.yaml")


def _manage(environment: dict[str, str], *arguments: str) -> str:
    command = [str(python_env.PYTHON), str(ROOT / "manage.py"), *arguments]
    inherited = {**os.environ, **environment, "SLIPWAY_METRICS_PORT": "0"}
    done = subprocess.run(command, cwd=ROOT, env=inherited, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        said = [line for line in (done.stdout + done.stderr).splitlines() if "Error: " in line]
        raise SampleError(f"manage.py {arguments[0]} failed: {said[-1] if said else 'it did not say why'}")
    return done.stdout


def _follow(stack: Stack, portal: Portal, *, began: float) -> None:
    """Print each resource once its word changes, until the project is Ready. Raises SampleError after PATIENCE."""
    told: dict[str, str] = {}
    while time.monotonic() - began < PATIENCE:
        for resource in _resources(portal):
            kind, word = str(resource["kind"]), str(resource["word"])
            if told.get(kind) == word:
                continue
            told[kind] = word
            why = "" if word in ("Ready", "Working on it") else f": {_reason(resource)}"
            say.line(f"  {time.monotonic() - began:5.2f} s  {kind:12} {word}{why}")
        word = _word(portal)
        if word == "Ready":
            say.line(f"{NAME} is Ready, {time.monotonic() - began:.2f} s after the push")
            return
        time.sleep(0.05)
    word = _word(portal)
    state = f"it still says {word!r}" if word else f"the portal has no such project; on the commit: {_verdict(stack)}"
    raise SampleError(f"{PATIENCE:.0f} s after the push {state}; see ./dev logs worker and ./dev logs web")


def _resources(portal: Portal) -> list[dict[str, Any]]:
    answer = portal.get(f"projects/{NAME}/resources/")
    found: list[dict[str, Any]] = answer.json()["items"] if answer.status == 200 else []
    return found


def _reason(resource: dict[str, Any]) -> str:
    return next((str(one["message"]) for one in resource["conditions"] if one["message"]), "no reason given")


def _word(portal: Portal) -> str:
    """The project's word, as the pages say it; empty where the project is not known."""
    answer = portal.get(f"projects/{NAME}/")
    return str(answer.json()["word"]) if answer.status == 200 else ""


def _verdict(stack: Stack) -> str:
    """What the portal wrote to alice's commit."""
    base = f"http://127.0.0.1:{stack.ports()['gitea']}"
    alice = Account(base=base, user="alice", password="alice-pw")  # noqa: S106
    try:
        statuses = alice.do("GET", f"/repos/{OWNER}/{NAME}/commits/main/statuses")
    except (ForgeError, OSError, http.client.HTTPException) as error:
        return str(error)
    return ", ".join(f"{one['status']} ({one['description']})" for one in statuses) or "nothing"
