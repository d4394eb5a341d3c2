"""Starts every role of the image on a running stack's servers and looks whether it does its work.

The root file system is bound read-only in mount and process namespaces of its own, so nothing stays behind, whatever
happens. The roles get the configuration as in production: catalogue and secrets as read-only files, owned by the
image's user, each role only those that it needs. web listens on a free port; the worker joins the stack's queue and
beat rings too, which harms nobody.
"""

import http.client
import json
import os
import re
import shlex
import signal
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from devstack import say
from devstack.calls import Answer, call
from devstack.files import last_lines, remove_tree
from devstack.process_control import marked_with
from devstack.processes import portal_environment
from devstack.stack import PORT_RANGE, Stack, port_is_free

USER = 10001
MARK = "SLIPWAY_TRIAL"
PATIENCE = 60.0
SECRETS, CATALOGUE = "/run/secrets", "/etc/slipway/platform.yaml"
# The settings come from a file: a password has no place in a command line.
START = """
import json, os, sys
os.environ.update(json.load(open("/run/secrets/environment.json")))
os.environ.update(word.split("=", 1) for word in sys.argv[2:])
os.execv("/app/deploy/entrypoint", ["entrypoint", sys.argv[1]])
"""
# buildah wants to tidy the container's files afterwards, can't, and ends with a code of its own: ours is printed.
MIGRATE = """
import json, os
os.environ.update(json.load(open("/run/secrets/environment.json")))
print(json.dumps({"code": os.spawnv(os.P_WAIT, "/app/deploy/entrypoint", ["entrypoint", "migrate"])}))
"""
LOOK = """
import json, os
skip = ("/proc", "/sys", "/dev")
walk = (path for path, _, _ in os.walk("/") if not path.startswith(skip) and os.access(path, os.W_OK))
print(json.dumps({"uid": os.getuid(), "writable": sorted(walk)}))
"""

Command = Callable[..., list[str]]


@dataclass(frozen=True)
class Trial:
    """What every start needs: the container and its files, and how its processes are known again."""

    container: str
    root: Path
    command: Command
    environment: Mapping[str, str]
    scratch: Path
    mark: str

    def argv(self, role: str, *words: str) -> list[str]:
        """The command that runs `words` in the container, read-only, with a role's secrets, in own namespaces."""
        mounts = (
            *("--volume", f"{self.scratch / f'secrets-of-{role}'}:{SECRETS}:ro"),
            *("--volume", f"{self.scratch / 'platform.yaml'}:{CATALOGUE}:ro"),
            *("--volume", f"{self.scratch / 'tmp'}:/tmp"),
        )
        inside = shlex.join(self.command(*mounts, self.container, "--", *words))
        root = shlex.quote(str(self.root))
        script = f"mount --bind {root} {root} && mount -o remount,bind,ro {root} && exec {inside}"
        # Once unshare is killed, the kernel ends all that runs in its namespace.
        return ["unshare", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child=KILL", "sh", "-c", script]


def try_out(
    *,
    stack: Stack,
    root: Path,
    command: Command,
    container: str,
    environment: Mapping[str, str],
    scratch: Path,
) -> list[str]:
    """Run the checks and print what each found. Returns the faults, none when all is well."""
    remove_tree(scratch)
    trial = Trial(
        container=container, root=root, command=command, environment=environment, scratch=scratch, mark=uuid.uuid4().hex
    )
    _write_settings(trial, stack)
    try:
        return [fault for check in (_look, _migrate, _web, _worker, _beat) for fault in check(trial)]
    finally:
        remove_tree(scratch)


def _write_settings(trial: Trial, stack: Stack) -> None:
    """Catalogue and secrets as the container sees them, readable for its user; places to mount them in its files."""
    temporary = trial.scratch / "tmp"
    temporary.mkdir(parents=True)
    temporary.chmod(0o1777)
    catalogue = (stack.folder / "platform.yaml").read_text(encoding="utf-8")
    (trial.scratch / "platform.yaml").write_text(catalogue, encoding="utf-8")
    settings = portal_environment(stack) | {
        "SLIPWAY_SECRETS_DIR": SECRETS,
        "SLIPWAY_CATALOGUE": CATALOGUE,
        "SLIPWAY_ADFS_CA_BUNDLE": f"{SECRETS}/ca.pem",
        "SLIPWAY_METRICS_PORT": "0",
        MARK: trial.mark,
    }
    everyone = {
        "environment.json": json.dumps(settings).encode(),
        **_read(stack, "django-secret-key", "key-ring"),
    }
    signs_in = {"ca.pem": (stack.tls / "ca.pem").read_bytes(), **_read(stack, "adfs-client-secret")}
    named = re.findall(r"""\{"?file"?: "?([\w.-]+)"?\}""", catalogue)
    talks_to_targets = _read(stack, *named)
    signs_in |= _read(stack, *(name for name in named if name.endswith(".ca")))
    for role, more in {"web": signs_in, "worker": talks_to_targets, "beat": {}, "migrate": {}}.items():
        folder = trial.scratch / f"secrets-of-{role}"
        folder.mkdir()
        for name, content in {**everyone, **more}.items():
            (folder / name).touch(mode=0o400)
            (folder / name).write_bytes(content)
            os.chown(folder / name, USER, USER)
    # An engine makes the places to mount at by itself; a read-only root leaves nobody else to do it.
    for place in ("run/secrets", "etc/slipway"):
        (trial.root / place).mkdir(parents=True, exist_ok=True)
    for place in ("run/.containerenv", "etc/slipway/platform.yaml"):
        (trial.root / place).touch()


def _read(stack: Stack, *names: str) -> dict[str, bytes]:
    return {name: (stack.secrets / name).read_bytes() for name in names}


def _look(trial: Trial) -> Iterator[str]:
    seen, said = _ask(trial, LOOK)
    if not seen:
        yield f"nothing can be run in it:\n{said}"
        return
    say.line(f"  runs as uid {seen['uid']}; may write: {', '.join(seen['writable'])}")
    if seen != {"uid": USER, "writable": ["/tmp"]}:  # noqa: S108
        yield f"it should run as uid {USER} and write nothing but /tmp"


def _migrate(trial: Trial) -> Iterator[str]:
    began = time.monotonic()
    answer, said = _ask(trial, MIGRATE)
    code = answer.get("code")
    say.line(f"  migrate: code {code}, {say.duration(time.monotonic() - began)}")
    if code != 0:
        yield f"migrate failed:\n{said}"


def _web(trial: Trial) -> Iterator[str]:
    port = free_port()
    with _started(trial, "web", f"BIND=127.0.0.1:{port}") as running:
        # The sign-in page needs templates, the static files' manifest and the identity provider's settings.
        for path in ("/healthz", "/readyz", "/sign-in/"):
            answer, seconds = _answer(running, f"http://127.0.0.1:{port}{path}")
            if answer is None:
                yield f"web does not answer {path}:\n{last_lines(running.log)}"
                return
            said = "" if path == "/sign-in/" else answer.body.decode(errors="replace").strip()[:300]
            say.line(f"  web {path}: {answer.status} after {say.duration(seconds)}  {said}".rstrip())
            if answer.status != 200:
                yield f"web answers {path} with {answer.status}"


def _worker(trial: Trial) -> Iterator[str]:
    port = free_port()
    with _started(trial, "worker", f"SLIPWAY_METRICS_PORT={port}") as running:
        seconds = _says(running, " ready.")
        if seconds is None:
            yield f"worker does not get ready:\n{last_lines(running.log)}"
            return
        answer, _ = _answer(running, f"http://127.0.0.1:{port}/metrics")
        up = answer is not None and b"\nslipway_up 1.0" in answer.body
        say.line(f"  worker: ready after {say.duration(seconds)}; /metrics {'answers' if up else 'DOES NOT ANSWER'}")
        if not up:
            yield f"worker's /metrics does not say slipway_up 1:\n{last_lines(running.log)}"


def _beat(trial: Trial) -> Iterator[str]:
    with _started(trial, "beat") as running:
        seconds = _says(running, "is starting.")
        if seconds is None:
            yield f"beat does not start:\n{last_lines(running.log)}"
        else:
            say.line(f"  beat: started after {say.duration(seconds)}")


@dataclass(frozen=True)
class Running:
    """A role that was started."""

    process: "subprocess.Popen[bytes]"
    log: Path
    began: float


@contextmanager
def _started(trial: Trial, role: str, *settings: str) -> Iterator[Running]:
    """Start a role; end it gently, so that a worker gives back what it holds, then for good."""
    log = trial.scratch / f"{role}.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            trial.argv(role, "python", "-c", START, role, *settings),
            env=dict(trial.environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield Running(process=process, log=log, began=time.monotonic())
    finally:
        for pid in marked_with(MARK, trial.mark):
            os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + 10
        while marked_with(MARK, trial.mark) and time.monotonic() < deadline:
            time.sleep(0.1)
        process.kill()
        process.wait()


def _ask(trial: Trial, program: str) -> tuple[dict[str, Any], str]:
    """Run a Python program in the container. Returns the JSON object of its last line, {} for none, and all it said."""
    done = subprocess.run(
        trial.argv("migrate", "python", "-c", program),
        env=dict(trial.environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE * 2,
        check=False,
    )
    last = next((line for line in reversed(done.stdout.splitlines()) if line.startswith("{")), "{}")
    return json.loads(last), (done.stdout + done.stderr)[:2000]


def _answer(running: Running, url: str) -> tuple[Answer | None, float]:
    """The first answer, and the seconds since the start; None when the role ended or none came in time."""
    while time.monotonic() - running.began < PATIENCE and running.process.poll() is None:
        try:
            return call("GET", url, timeout=10), time.monotonic() - running.began
        except (OSError, http.client.HTTPException):
            time.sleep(0.1)
    return None, time.monotonic() - running.began


def _says(running: Running, words: str) -> float | None:
    """Seconds until the log says so; None when the role ended or it did not come in time."""
    while time.monotonic() - running.began < PATIENCE and running.process.poll() is None:
        if words in running.log.read_text(encoding="utf-8", errors="replace"):
            return time.monotonic() - running.began
        time.sleep(0.1)
    return None


def free_port(candidates: Sequence[int] = PORT_RANGE) -> int:
    """A port of 127.0.0.1 that nobody listens on now."""
    return next(port for port in reversed(candidates) if port_is_free(port))
