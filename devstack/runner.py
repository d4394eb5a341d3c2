"""Runs CI in the development stack, two runs at a time: `python -m devstack.runner STACK`.

It takes what `devstack.receiver` has checked and queued, gets the project's key and variables from its namespace, runs
the repository's workflow (`devstack.ci_run`) and says on the commit what came of it. A pull request from a fork runs
nothing: its code would run on this machine with no wall around it, and who wrote it has no right in the project.
"""

import base64
import http.client
import os
import sys
import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote

from devstack import ci_run, python_env
from devstack.ci_jobs import Job, Queue
from devstack.ci_run import Access
from devstack.files import remove_tree
from devstack.prepare_forge import CI_TOKEN, Account
from devstack.receiver import Ask, Cluster
from devstack.stack import Stack, open_stack

AT_ONCE = 2
LOOK_SECONDS = 0.2
AWAY_SECONDS = 3.0
CLONE_SECRET = "slipway-ci-clone"  # noqa: S105
VARIABLES = (
    "bucket-credentials",
    "slipway-ci",
    "tracking-credentials",
    "feature-store-credentials",
    "data-credentials",
)


class Runner:
    """What one stack's runner works with."""

    def __init__(self, stack: Stack, *, ask: Ask) -> None:
        self.stack = stack
        self.queue = Queue(stack)
        self.ask = ask
        self.forge_url = f"http://127.0.0.1:{stack.ports()['gitea']}"
        self.forge = Account(base=self.forge_url, token=stack.secret(CI_TOKEN))
        self.work = self.queue.folder / "work"
        self.cache = python_env.shared_folder()
        self.cache.mkdir(parents=True, exist_ok=True, mode=0o700)

    def take(self, job: Job) -> None:
        """Run a job to its end. Raises OSError or HTTPException when cluster or forge don't answer: it waits then."""
        began, folder = time.monotonic(), self.work / job.run
        if job.fork:
            self._end(job, "failure", "A pull request from a fork runs nothing: push it to a branch of the project")
            return
        self._note(job, f"{job.repository} {job.event} {job.sha} on {job.branch}\n")
        try:
            state, words = self._worked(job, folder)
        finally:
            remove_tree(folder)  # before the end is told: who hears of it finds nothing of the run left
        if state == "no workflow":
            self.queue.end(job, state)
        else:
            self._end(job, state, words if state == "error" else f"{words}, {time.monotonic() - began:.0f} s")

    def _worked(self, job: Job, folder: Path) -> tuple[str, str]:
        """How the run ended, in one word and in a line."""
        try:
            access = access_of(job.namespace, ask=self.ask)
            ci_run.prepare(job, access, folder)
            self._say(job, "pending", "CI runs")
            failed = self._run(job, access, folder)
        except ci_run.NothingToRun:
            return "no workflow", ""
        except ci_run.RunError as error:
            self._note(job, f"{error}\n")
            return "error", "CI could not begin; the log says why"
        return ("failure", f"CI failed: {failed}") if failed else ("success", "CI passed")

    def _run(self, job: Job, access: Access, folder: Path) -> str:
        variables = ci_run.environment(
            job,
            access,
            folder=folder,
            forge_url=self.forge_url,
            run_url=self._address(job),
            cache=self.cache,
        )
        return ci_run.run(job, access, folder=folder, variables=variables, log=self.queue.log(job.run))

    def _end(self, job: Job, state: str, words: str) -> None:
        self._note(job, f"{words}\n")
        self._say(job, state, words)
        self.queue.end(job, state)
        print(f"{job.run} {job.repository} {job.event} {job.sha[:10]}: {words}", flush=True)

    def _note(self, job: Job, text: str) -> None:
        log = self.queue.log(job.run)
        log.touch(mode=0o600)
        with log.open("a", encoding="utf-8") as file:
            file.write(text)

    def _say(self, job: Job, state: str, words: str) -> None:
        """Write the commit's status. A commit or repository that is gone is nobody's to tell."""
        body = {
            "context": f"slipway/ci/{job.event}",
            "state": state,
            "description": words,
            "target_url": self._address(job),
        }
        answer = self.forge.ask("POST", f"/repos/{quote(job.repository)}/statuses/{job.sha}", body)
        if answer.status >= 500 and not self._is_gone(job):
            raise OSError(f"Gitea: {answer.said()}")
        if answer.status >= 300:
            print(f"{job.run}: no status on {job.sha[:10]}: {answer.said()}", flush=True)

    def _is_gone(self, job: Job) -> bool:
        # Asked about an unknown commit, Gitea answers 500 to a status.
        return self.forge.ask("GET", f"/repos/{quote(job.repository)}/git/commits/{job.sha}").status == 404

    def _address(self, job: Job) -> str:
        return f"http://127.0.0.1:{self.stack.ports()['ci']}/runs/{job.run}"


def access_of(namespace: str, *, ask: Ask) -> Access:
    """What the project's namespace holds for a run; a Secret that is not there gives nothing."""
    variables: dict[str, str] = {}
    for name in VARIABLES:
        variables |= _secret(namespace, name, ask=ask)
    return Access(clone=_secret(namespace, CLONE_SECRET, ask=ask), variables=variables)


def _secret(namespace: str, name: str, *, ask: Ask) -> dict[str, str]:
    found = ask(f"/api/v1/namespaces/{quote(namespace)}/secrets/{name}") or {}
    data = found.get("data")
    values = data if isinstance(data, dict) else {}
    return {key: base64.b64decode(value).decode() for key, value in values.items()}


def main(name: str) -> int:
    os.umask(0o077)
    stack = open_stack(name)
    runner = Runner(stack, ask=Cluster(stack).ask)
    for job in runner.queue.waiting():
        ci_run.end_left(job.run)  # the runner may have been killed in the middle of it
    remove_tree(runner.work)
    python_env.forget_broken()
    print(f"takes runs; {sum(1 for _ in runner.queue.waiting())} waiting", flush=True)
    running: dict[str, Future[None]] = {}
    # The threads live as long as the process: a run is tied to the one that started it and ends with it.
    with ThreadPoolExecutor(max_workers=AT_ONCE, thread_name_prefix="run") as threads:
        while True:
            for key in [key for key, run in running.items() if run.done()]:
                running.pop(key).result()
            for job in runner.queue.waiting():
                if len(running) < AT_ONCE and job.key not in running:
                    running[job.key] = threads.submit(_attempt, runner, job)
            time.sleep(LOOK_SECONDS)


def _attempt(runner: Runner, job: Job) -> None:
    """Run a job, or wait a moment when cluster or forge don't answer: it is still queued."""
    try:
        runner.take(job)
    except (OSError, http.client.HTTPException) as error:
        print(f"{job.run} waits: {error}", flush=True)
        time.sleep(AWAY_SECONDS)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
