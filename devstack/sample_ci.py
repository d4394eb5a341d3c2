"""CI of the sample project, once it is Ready: alice pushes a small model with its workflow, and the commit turns green.

It is shown, and no more: where pip finds no package index the run fails, and the stack is of use all the same.
"""

import base64
import http.client
import time
from typing import Any

from devstack import say
from devstack.prepare_forge import TEMPLATE_FILES, Account, ForgeError, template_files
from devstack.stack import Stack

WORKFLOW = ".github/workflows/ci.yaml"
CONTEXT = "slipway/ci/push"
PATIENCE = 90.0


def show(stack: Stack, *, owner: str, name: str) -> None:
    """Push what is to be tested unless it is there, wait for the run's end and print it. Raises nothing."""
    alice = Account(base=f"http://127.0.0.1:{stack.ports()['gitea']}", user="alice", password="alice-pw")  # noqa: S106
    path = f"/repos/{owner}/{name}"
    try:
        sha = _push(alice, path)
        _follow(alice, path, sha)
    except (ForgeError, OSError, http.client.HTTPException) as error:
        say.fail(f"CI of the sample can't be shown: {error}; see ./dev logs gitea and ./dev logs ci-runner")


def _push(alice: Account, path: str) -> str:
    """The commit that is tested: a new one with the model and its workflow, or the present one that has them."""
    if alice.exists(f"{path}/contents/{WORKFLOW}"):
        present: str = alice.do("GET", f"{path}/branches/main")["commit"]["id"]
        return present
    files: list[dict[str, Any]] = [
        {"operation": "upload", "path": name, "content": base64.b64encode(content).decode()}
        for name, content in template_files(TEMPLATE_FILES).items()
    ]
    body = {"branch": "main", "message": "Start with a baseline to beat", "files": files}
    made: str = alice.do("POST", f"{path}/contents", body)["commit"]["sha"]
    say.line("alice pushed a small model with its tests")
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
    say.fail(f"CI of the sample has no end after {PATIENCE:.0f} s; ./dev logs ci-runner says how it goes on")
