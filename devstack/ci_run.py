"""One run of CI: a fresh folder, the commit by the project's own deploy key, then the repository's workflow with `act`.

What a run is: the repository's code, on this machine, as the one who started the stack. The stack is for trying things
out; a real installation runs CI in containers. What is kept apart all the same: the run has a home of its own, and sees
the secrets of its own project only. No field of a delivery is ever part of a shell's text, and flags and files of the
repository don't reach `act` itself (it would read `.actrc`, `.env` and `.secrets` from where it stands).
"""

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from devstack import builds
from devstack.ci_jobs import Job
from devstack.files import remove_tree
from devstack.process_control import die_with_parent, marked_with, signal_group
from devstack.processes import PASSED_ON
from devstack.supervisor import MARK

MINUTES = 20
GIT_SECONDS = 120
LOG_LIMIT = 5_000_000
_SHORTEST_SECRET = 6  # a shorter value would blot out half of a log
_SECRET_WORDS = ("KEY", "SECRET", "TOKEN", "PASSWORD")
_RUN_VARIABLE = "SLIPWAY_RUN"


class RunError(Exception):
    """The run could not begin; the text says why, without a secret."""


class NothingToRun(Exception):
    """There is no workflow at this commit."""


@dataclass(frozen=True)
class Access:
    """What the project's namespace gives to a run: the clone key's Secret, and the variables that the workflow gets."""

    clone: Mapping[str, str]
    variables: Mapping[str, str]


def prepare(job: Job, access: Access, folder: Path) -> None:
    """Have the commit in `folder`/code, on its branch. Raises RunError, and NothingToRun without a workflow."""
    remove_tree(folder)
    for name in ("code", "home"):
        (folder / name).mkdir(parents=True, mode=0o700)
    if not access.clone:
        raise RunError("the project has no clone key: its Secret slipway-ci-clone is not there")
    for name in ("ssh-privatekey", "known_hosts"):
        with open(folder / name, "w", encoding="utf-8", opener=_private) as file:
            file.write(access.clone[name])
    ssh = (
        f"ssh -F none -i '{folder}/ssh-privatekey' -o IdentitiesOnly=yes -o BatchMode=yes -o ConnectTimeout=10"
        f" -o StrictHostKeyChecking=yes -o UserKnownHostsFile='{folder}/known_hosts'"
    )
    code = folder / "code"
    _git(code, "init", "-q", "--initial-branch=main")
    _git(code, "config", "uploadpack.allowAnySHA1InWant", "true")
    _git(code, "fetch", "-q", "--no-tags", access.clone["url"], "+refs/heads/*:refs/remotes/origin/*", ssh=ssh)
    for name in ("ssh-privatekey", "known_hosts"):
        (folder / name).unlink()
    _git(code, "update-ref", f"refs/heads/{job.branch}", job.sha)
    _git(code, "symbolic-ref", "HEAD", f"refs/heads/{job.branch}")
    _git(code, "reset", "-q", "--hard")
    workflows = code / ".github" / "workflows"
    if workflows.is_symlink() or not any(one.suffix in (".yaml", ".yml") for one in _files(workflows)):
        raise NothingToRun


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.is_file()] if folder.is_dir() else []


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _git(code: Path, *arguments: str, ssh: str = "") -> None:
    """Run git. Raises RunError with its own words."""
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(code.parent / "home"),
        "LANG": "C.UTF-8",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_CONFIG_NOSYSTEM": "1",
        **({"GIT_SSH_COMMAND": ssh} if ssh else {}),
    }
    try:
        done = subprocess.run(
            ["git", "-C", str(code), *arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=GIT_SECONDS,
            preexec_fn=die_with_parent(),
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise RunError(f"git {arguments[0]} took longer than {GIT_SECONDS} seconds") from None
    if done.returncode != 0:
        raise RunError(f"git {arguments[0]} failed: {done.stderr.strip()[-300:]}")


def environment(job: Job, access: Access, *, folder: Path, forge_url: str, run_url: str, cache: Path) -> dict[str, str]:
    """The variables of the workflow's steps."""
    return {
        **{name: value for name, value in os.environ.items() if name.upper().startswith(PASSED_ON) or name == MARK},
        **access.variables,
        "LANG": "C.UTF-8",
        "PATH": os.pathsep.join([str(folder / "bin"), os.environ.get("PATH", os.defpath)]),
        "HOME": str(folder / "home"),
        "GITHUB_SERVER_URL": forge_url,
        "GITHUB_REPOSITORY": job.repository,
        "GITHUB_RUN_ID": str(int(job.run, 16)),
        "SLIPWAY_PULL_REQUEST": "" if job.pull_request is None else str(job.pull_request),
        "SLIPWAY_TRAINING": job.training,
        "SLIPWAY_CI_CACHE": str(cache),
        "SLIPWAY_RUN_URL": run_url,
        _RUN_VARIABLE: job.run,
    }


def run(job: Job, access: Access, *, folder: Path, variables: Mapping[str, str], log: Path) -> str:
    """Run the workflow of a prepared folder, its words into `log` without secrets. Returns "", or why it failed."""
    _write_inputs(job, access, folder=folder, variables=variables)
    command = [
        *(str(builds.program("act")), job.event, f"--actor={job.actor}", f"--eventpath={folder / 'event.json'}"),
        *(f"--directory={folder / 'code'}", "--platform=ubuntu-latest=-self-hosted"),
        *(f"--env-file={folder / 'variables'}", f"--secret-file={folder / 'secrets'}", "--no-cache-server"),
        *("--container-daemon-socket=-", "--concurrent-jobs=1"),
    ]
    running = subprocess.Popen(
        command,
        cwd=folder,
        env={name: variables[name] for name in ("PATH", "HOME", _RUN_VARIABLE, MARK) if name in variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        preexec_fn=die_with_parent(nice=5),
    )
    late = threading.Event()

    def give_up() -> None:
        late.set()
        signal_group(running.pid, signal.SIGKILL)
        end_left(job.run)

    timer = threading.Timer(MINUTES * 60, give_up)
    timer.start()
    try:
        with open(log, "a", encoding="utf-8", opener=_private) as file:
            _copy_masked(running.stdout or [], file, values=_secrets(access).values())
        code = running.wait()
    finally:
        timer.cancel()
        signal_group(running.pid, signal.SIGKILL)
        end_left(job.run)
    if late.is_set():
        return f"it took longer than {MINUTES} minutes"
    return "" if code == 0 else "a step failed"


def end_left(run_id: str) -> None:
    """End what a run has left behind: its steps have sessions of their own, which a signal to `act` doesn't reach."""
    for pid in marked_with(_RUN_VARIABLE, run_id):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


def _write_inputs(job: Job, access: Access, *, folder: Path, variables: Mapping[str, str]) -> None:
    texts = {
        "event.json": json.dumps(job.payload),
        "variables": _lines(variables),
        # Named as secrets too, for workflows that ask for ${{ secrets.NAME }}.
        "secrets": _lines(_secrets(access)),
        # The workflow's own checkout finds the commit here: a private repository opens to the deploy key only.
        "home/.gitconfig": _git_config(variables["GITHUB_SERVER_URL"], job.repository, folder / "code"),
    }
    for name, text in texts.items():
        with open(folder / name, "w", encoding="utf-8", opener=_private) as file:
            file.write(text)
    write_programs(folder / "bin")


def write_programs(folder: Path) -> None:
    """Write what a step finds before anything else: the stack's own Python, and a bash that is slow to fail."""
    folder.mkdir()
    # No links: an environment made by a linked Python needs the link, and this folder goes with its run.
    python = f'exec {shlex.quote(str(Path(sys.executable).resolve()))} "$@"\n'
    # When a step fails, `act` doesn't wait for its last words: the very lines that say why would often be missing.
    bash = f'{shutil.which("bash")} "$@" || {{ code=$?; sleep 0.5; exit $code; }}\n'
    for name, line in (("python3", python), ("python", python), ("bash", bash)):
        (folder / name).write_text(f"#!/bin/sh\n{line}", encoding="utf-8")
        (folder / name).chmod(0o700)


def _secrets(access: Access) -> dict[str, str]:
    """Those variables that a log must not show."""
    return {name: value for name, value in access.variables.items() if any(word in name for word in _SECRET_WORDS)}


def _lines(values: Mapping[str, str]) -> str:
    """A file of NAME="value" as `act` reads it. Raises RunError for a value of several lines."""
    for name, value in values.items():
        if "\n" in value or "\r" in value:
            raise RunError(f"{name} has several lines")
    # In single quotes nothing has a meaning but the quote itself.
    return "".join(f"{name}={_quoted(value)}\n" for name, value in values.items())


def _quoted(value: str) -> str:
    if "'" not in value:
        return f"'{value}'"
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$")
    return f'"{escaped}"'


def _git_config(server: str, repository: str, code: Path) -> str:
    address = f"{server}/{repository}"
    return f'[url "{code}"]\n\tinsteadOf = "{address}.git"\n\tinsteadOf = "{address}"\n'


def _copy_masked(source: Iterable[bytes], target: IO[str], *, values: Iterable[str]) -> None:
    """Copy lines as they come, secrets blotted out. It reads on when the log is full: a full pipe blocks."""
    hidden = sorted({value for value in values if len(value) >= _SHORTEST_SECRET}, key=len, reverse=True)
    written = 0
    for line in source:
        text = line.decode(errors="replace")
        for value in hidden:
            text = text.replace(value, "***")
        if written <= LOG_LIMIT:
            target.write(text if written + len(text) <= LOG_LIMIT else "\n(the log is cut here)\n")
            target.flush()
        written += len(text)
