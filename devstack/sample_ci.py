"""CI of the sample project, once it is Ready: alice pushes the platform's template, and the commit turns green.

The sample was asked for by its own profile.yaml, so no template has filled its repository. It is shown, and no more:
where pip finds no package index the run fails, and the stack is of use all the same.
"""

import base64
import http.client
import os
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from devstack import python_env, say
from devstack.endpoints import from_environment
from devstack.prepare_forge import Account, ForgeError
from devstack.stack import ROOT, Stack

WORKFLOW = ".github/workflows/ci.yaml"
CONTEXT = "slipway/ci/push"
TEMPLATE = ROOT / "catalogue" / "templates" / "ml-python"
PATIENCE = 240.0
"""The first run on a machine installs what the template needs."""


def show(stack: Stack, *, owner: str, name: str) -> None:
    """Push what is to be tested unless it is there, wait for the run's end and print it. Raises nothing."""
    alice = Account(base=f"http://127.0.0.1:{stack.ports()['gitea']}", user="alice", password="alice-pw")  # noqa: S106
    path = f"/repos/{owner}/{name}"
    try:
        answers = {
            "version": (TEMPLATE / "VERSION").read_text(encoding="utf-8").strip(),
            "slug": name,
            "team": owner,
            "bucket": f"ml-{name}",
            "endpoint": from_environment(os.environ).s3_endpoint or f"http://127.0.0.1:{stack.ports()['minio']}",
            "portal": f"http://localhost:{stack.ports()['web']}/projects/{name}/",
        }
        sha = _push(alice, path, answers)
        _follow(alice, path, sha)
    except (ForgeError, OSError, http.client.HTTPException, subprocess.CalledProcessError) as error:
        say.fail(f"CI of the sample can't be shown: {error}; see ./dev logs gitea and ./dev logs ci-runner")


def rendered(answers: Mapping[str, str]) -> dict[str, bytes]:
    """The template's files by path, with these answers and the template's own for the rest.

    Raises OSError and CalledProcessError where Copier is not there or says no.
    """
    given = [word for name, value in answers.items() for word in ("--data", f"{name}={value}")]
    with tempfile.TemporaryDirectory() as made:
        copier = [str(python_env.TEMPLATES_VENV / "bin" / "copier"), "copy", "--quiet", "--defaults", *given]
        subprocess.run([*copier, str(TEMPLATE), made], capture_output=True, check=True)
        paths = sorted(path for path in Path(made).rglob("*") if path.is_file())
        return {str(path.relative_to(made)): path.read_bytes() for path in paths}


def _push(alice: Account, path: str, answers: Mapping[str, str]) -> str:
    """The commit that is tested: a new one with the model and its workflow, or the present one that has them."""
    if alice.exists(f"{path}/contents/{WORKFLOW}"):
        present: str = alice.do("GET", f"{path}/branches/main")["commit"]["id"]
        return present
    files: list[dict[str, Any]] = [
        {"operation": "upload", "path": name, "content": base64.b64encode(content).decode()}
        for name, content in rendered(answers).items()
        if name != "profile.yaml"
    ]
    body = {"branch": "main", "message": "Start with a baseline to beat", "files": files}
    made: str = alice.do("POST", f"{path}/contents", body)["commit"]["sha"]
    say.line("alice pushed a model with its tests and its pipeline")
    return made


def _follow(alice: Account, path: str, sha: str) -> None:
    began, told = time.monotonic(), ""
    while time.monotonic() - began < PATIENCE:
        statuses = alice.do("GET", f"{path}/commits/{sha}/statuses")
        ours = sorted((one for one in statuses if one["context"] == CONTEXT), key=lambda one: int(one["id"]))
        state = ours[-1]["status"] if ours else ""
        if state not in ("", "pending"):
            tell = say.line if state == "success" else say.fail
            tell(f"CI of the sample, {sha[:10]}: {ours[-1]['description']}; its log: {ours[-1]['target_url']}")
            return
        if state and not told:
            told = state
            say.line(f"CI of the sample runs: {ours[-1]['target_url']}")
        time.sleep(0.2)
    say.line(f"CI of the sample still runs after {PATIENCE:.0f} s; ./dev logs ci-runner says how it goes on")
