"""Runs of CI as files, so that none is lost and none happens twice: what the receiver adds and the runner takes.

`jobs/<key>.json` is a delivery that counts, `done/<key>.json` how its run ended. The key is made of what is tested, so
the forge's second delivery of the same finds the first one there, also after its run. A run that was cut off has no end
and begins anew.
"""

import hashlib
import json
import os
import re
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from devstack.files import write_atomically
from devstack.stack import Stack

_SHA = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
_NAME = re.compile(r"[^\x00-\x20\x7f]{1,250}")
_ACTIONS = ("opened", "reopened", "synchronize", "synchronized")
RUN = re.compile(r"[0-9a-f]{16}")


class NoRun(Exception):
    """A delivery that starts nothing; the text says why."""


@dataclass(frozen=True)
class Job:
    """One run: which commit of which repository, after which event. `fork`: where a pull request comes from, or ""."""

    run: str
    namespace: str
    repository: str
    event: str
    sha: str
    branch: str
    pull_request: int | None
    actor: str
    fork: str
    payload: Mapping[str, Any] = field(repr=False)

    @property
    def training(self) -> str:
        """Slipway's number of the training that asks for this run; "" for somebody's push or pull request."""
        asked = self.payload.get("slipway")
        return str(asked.get("training", ""))[:40] if isinstance(asked, dict) else ""

    @property
    def key(self) -> str:
        """The same for each delivery that asks for the same run; a training is one of its own at a commit that ran."""
        what: tuple[object, ...] = (self.namespace, self.repository, self.event, self.sha, self.pull_request)
        if self.training:
            what = (*what, self.training)
        return hashlib.sha256(json.dumps(what).encode()).hexdigest()[:32]


def job_of(*, event: str, payload: Mapping[str, Any], namespace: str, run: str = "") -> Job:
    """The run that a checked delivery asks for. Raises NoRun where it asks for none, as Tekton's filter would.

    Whatever the payload says is text of somebody else; here the commit's id is the one field that gets a meaning.
    """
    try:
        repository = str(payload["repository"]["full_name"])
        if event == "push":
            ref, sha, number, source = str(payload["ref"]), str(payload["after"]), None, repository
            if not ref.startswith("refs/heads/") or set(sha) == {"0"}:
                raise NoRun("not a push to a branch that is there")
            branch = ref.removeprefix("refs/heads/")
        elif event == "pull_request":
            if payload["action"] not in _ACTIONS:
                raise NoRun(f"nothing to test after {payload['action']}")
            head = payload["pull_request"]["head"]
            sha, branch, number = str(head["sha"]), str(head["ref"]), int(payload["number"])
            source = str((head["repo"] or {}).get("full_name", ""))
        else:
            raise NoRun(f"{event} starts no run")
        actor = str(payload["sender"]["login"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise NoRun(f"a field is missing or of another kind: {error}") from error
    if not _SHA.fullmatch(sha):
        raise NoRun("the commit's id is none")
    if not all(_NAME.fullmatch(name) for name in (branch, actor)):
        raise NoRun("a name is too long, or has a character that no name has")
    return Job(
        run=run or secrets.token_hex(8),
        namespace=namespace,
        repository=repository,
        event=event,
        sha=sha,
        branch=branch,
        pull_request=number,
        actor=actor,
        fork="" if source == repository else source or "a fork that is gone",
        payload=payload,
    )


class Queue:
    """The jobs of one stack."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.folder = stack.folder / "ci"
        self.jobs, self.done = self.folder / "jobs", self.folder / "done"
        for folder in (self.jobs, self.done):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def add(self, job: Job) -> bool:
        """Keep a job. False when the same one is there already, waiting, running or done."""
        temporary = self.jobs / f".{job.run}"
        write_atomically(temporary, json.dumps(asdict(job)), mode=0o600)
        try:
            os.link(temporary, self.jobs / f"{job.key}.json")
        except FileExistsError:
            return False
        finally:
            temporary.unlink()
        return True

    def waiting(self) -> Iterator[Job]:
        """Those without an end, oldest first; also one that is running now."""
        ended = {path.name for path in self.done.iterdir()}
        paths = [path for path in self.jobs.glob("[0-9a-f]*.json") if path.name not in ended]
        for path in sorted(paths, key=lambda path: (path.stat().st_mtime_ns, path.name)):
            yield Job(**json.loads(path.read_text(encoding="utf-8")))

    def log(self, run: str) -> Path:
        """Where a run's words go: `./dev logs run-<id>`."""
        return self.stack.log(f"run-{run}")

    def end(self, job: Job, outcome: str) -> None:
        """Say how it ended: it is never run again."""
        text = json.dumps({"run": job.run, "repository": job.repository, "sha": job.sha, "outcome": outcome})
        write_atomically(self.done / f"{job.key}.json", text + "\n", mode=0o600)
