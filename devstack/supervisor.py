"""Keeps one stack's processes running: `python -m devstack.supervisor STACK [--attached PID]`.

One single-threaded process per stack. It starts each process once what it requires is ready, restarts what
dies, stops what somebody holds (`hold/NAME`), and writes what it knows to pids.json and state.json. Should it
die itself, by SIGKILL too, the kernel ends its children (see process_control).
"""

import argparse
import fcntl
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO

from devstack.endpoints import from_environment
from devstack.errors import StackError
from devstack.files import write_atomically
from devstack.fingerprint import portal_code, stack_plan
from devstack.process_control import die_with_parent, follow_parent, signal_group
from devstack.processes import PORTAL, Process, all_processes, base_environment
from devstack.readiness import is_ready
from devstack.stack import ROOT, Stack, open_stack

TICK = 0.1
FIRST_WAIT, LONGEST_WAIT = 0.2, 5.0
STEADY_SECONDS = 10.0  # after running this long, a death counts as the first one again
LOG_LIMIT = 20_000_000
MARK = "SLIPWAY_SUPERVISED_BY"


@dataclass
class Child:
    """What the supervisor knows about one process."""

    process: Process
    state: str = "waiting"
    detail: str = ""
    running: "subprocess.Popen[bytes] | None" = None
    since: float = field(default_factory=time.time)
    started: float = 0.0
    log_began: int = 0
    ask_again_at: float = 0.0
    restarts: int = 0
    failures: int = 0
    not_before: float = 0.0
    kill_at: float | None = None

    def enter(self, state: str, detail: str = "") -> None:
        """Note a state; its time changes only when the state does."""
        if state != self.state:
            self.since = time.time()
        self.state, self.detail = state, detail


class Supervisor:
    """The loop. `tick` does one round and returns; `run` goes on until it is told to end."""

    def __init__(self, *, stack: Stack, processes: Sequence[Process], environment: Mapping[str, str]) -> None:
        self.stack = stack
        self.environment = {**environment, MARK: str(stack.folder)}
        self.children = {process.name: Child(process=process) for process in processes}
        self.ancestors = {name: self._ancestors(name) for name in self.children}
        self.ending = False
        self.portal_changed = False
        self.written = ""
        self.portal_code = portal_code(stack.folder / "platform.yaml")
        self.plan = stack_plan(processes)

    def _ancestors(self, name: str) -> set[str]:
        found: set[str] = set()
        open_ends = [name]
        while open_ends:
            for required in self.children[open_ends.pop()].process.requires:
                if required not in found:
                    found.add(required)
                    open_ends.append(required)
        return found

    def run(self, wakeup: int) -> None:
        """Go round until `end` was called and every process is gone. `wakeup` is readable after a signal."""
        while not (self.ending and all(child.running is None for child in self.children.values())):
            self.tick()
            if select.select([wakeup], [], [], TICK)[0]:
                os.read(wakeup, 4096)

    def tick(self) -> None:
        """One round: bury the dead, stop, start, ask for readiness, write down what is known."""
        held = set(os.listdir(self.stack.hold))
        now = time.monotonic()
        for child in self.children.values():
            self._bury(child, now)
        if self.ending:
            self._stop_for_good(now)
        elif self.portal_changed:
            self._restart_portal(now)
        for child in self.children.values():
            if child.running is not None:
                self._attend(child, held, now)
            elif not self.ending and child.state != "done":
                self._consider(child, held, now)
        self._write()

    def end(self) -> None:
        """Stop everything, in the reverse order of what requires what."""
        self.ending = True

    def restart_portal(self) -> None:
        """Run the portal's set-up again and start its processes anew: its code has changed."""
        self.portal_changed = True

    def _restart_portal(self, now: float) -> None:
        self.portal_changed = False
        self.portal_code = portal_code(self.stack.folder / "platform.yaml")
        for child in self.children.values():
            if child.process.group != PORTAL:
                continue
            child.failures, child.not_before = 0, 0.0
            if child.running is not None:
                self._stop(child, now)
            else:
                child.enter("waiting")

    def _bury(self, child: Child, now: float) -> None:
        running = child.running
        if running is None or (code := running.poll()) is None:
            return
        signal_group(running.pid, signal.SIGKILL)  # whatever it has left behind
        child.running, child.kill_at = None, None
        if child.state == "stopping":
            child.enter("waiting")
        elif child.process.once and code == 0:
            child.enter("done")
        else:
            if now - child.started > STEADY_SECONDS:
                child.failures = 0
            wait = min(FIRST_WAIT * 2**child.failures, LONGEST_WAIT)
            child.failures += 1
            child.restarts += 1
            child.not_before = now + wait
            how = f"signal {-code}" if code < 0 else f"code {code}"
            child.enter("failed", f"ended with {how}; again in {wait:.1f} s; see the log")
            self._note(f"{child.process.name} ended with {how}; again in {wait:.1f} s")

    def _stop_for_good(self, now: float) -> None:
        running = {name for name, child in self.children.items() if child.running is not None}
        still_needed = {name for other in running for name in self.ancestors[other]}
        for name in running - still_needed:
            if self.children[name].state != "stopping":
                self._stop(self.children[name], now)

    def _attend(self, child: Child, held: set[str], now: float) -> None:
        process = child.process
        if child.state == "stopping":
            if child.running and child.kill_at is not None and now >= child.kill_at:
                signal_group(child.running.pid, signal.SIGKILL)
                child.kill_at = None
        elif process.name in held:
            self._stop(child, now)
        elif child.state == "starting" and not process.once and self._is_ready(child):
            child.enter("ready")
            self._note(f"{process.name} is ready after {time.monotonic() - child.started:.1f} s")

    def _is_ready(self, child: Child) -> bool:
        check = child.process.ready
        if check is None:
            return True
        began = time.monotonic()
        if began < child.ask_again_at:
            return False
        answer = is_ready(check, log=self.stack.log(child.process.name), since=child.log_began)
        took = time.monotonic() - began
        if took > TICK:  # a server that lets us wait must not take all our time
            child.ask_again_at = began + 3 * took
        return answer

    def _consider(self, child: Child, held: set[str], now: float) -> None:
        process = child.process
        if process.name in held:
            child.enter("held", f"remove {self.stack.hold / process.name} to start it again")
            return
        missing = [path for path in process.needs if not path.exists()]
        lacking = [name for name in process.requires if self.children[name].state not in ("ready", "done")]
        if now < child.not_before:
            return
        if missing:
            child.enter("waiting", f"for {missing[0].name}, which is not there yet")
        elif lacking:
            child.enter("waiting", f"for {', '.join(lacking)}")
        else:
            self._start(child)

    def _start(self, child: Child) -> None:
        process = child.process
        log = self.stack.log(process.name)
        if log.exists() and log.stat().st_size > LOG_LIMIT:
            log.replace(log.with_suffix(".log.1"))
        with log.open("ab") as output:
            child.log_began = output.tell()
            try:
                child.running = subprocess.Popen(
                    process.command,
                    cwd=ROOT,
                    env={**self.environment, **process.environment},
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    preexec_fn=die_with_parent(death_signal=process.death_signal, nice=process.nice),
                )
            except OSError as error:
                child.failures += 1
                child.not_before = time.monotonic() + LONGEST_WAIT
                child.enter("failed", f"cannot be started: {error}")
                return
        child.started = time.monotonic()
        child.enter("starting")

    def _stop(self, child: Child, now: float) -> None:
        child.enter("stopping")
        child.kill_at = now + child.process.stop_seconds
        if child.running is not None:
            # To the leader only: servers with workers of their own want to stop them in their own order.
            child.running.terminate()

    def _write(self) -> None:
        state = {
            "supervisor": os.getpid(),
            "portal_code": self.portal_code,
            "plan": self.plan,
            "processes": {
                name: {
                    "state": child.state,
                    "detail": child.detail,
                    "pid": child.running.pid if child.running else None,
                    "since": round(child.since, 3),
                    "restarts": child.restarts,
                    "once": child.process.once,
                }
                for name, child in self.children.items()
            },
        }
        text = json.dumps(state, indent=1)
        if text == self.written:
            return
        self.written = text
        pids = {
            name: child.running.pid
            for name, child in self.children.items()
            if child.running is not None and not child.process.once
        }
        write_atomically(self.stack.folder / "pids.json", json.dumps(pids, indent=1) + "\n")
        write_atomically(self.stack.folder / "state.json", text + "\n")

    def _note(self, text: str) -> None:
        print(time.strftime("%Y-%m-%dT%H:%M:%S"), text, flush=True)


def lock(stack: Stack) -> IO[str] | None:
    """Take the lock that a supervisor holds while it lives; None where another one has it."""
    file = (stack.folder / "supervisor.lock").open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    return file


def serve(supervisor: Supervisor, *, attached_to: int | None) -> None:
    """Run until SIGTERM or SIGINT; SIGHUP restarts the portal. Ends with the process `attached_to`, if one is given."""
    wakeup, write_end = os.pipe()
    os.set_blocking(write_end, False)
    signal.set_wakeup_fd(write_end)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: supervisor.end())
    signal.signal(signal.SIGHUP, lambda *_: supervisor.restart_portal())
    signal.signal(signal.SIGCHLD, lambda *_: None)  # a handler, if an empty one, is what makes `wakeup` readable
    if attached_to:
        follow_parent(attached_to)
    folder = supervisor.stack.folder
    (folder / "supervisor.pid").write_text(f"{os.getpid()}\n", encoding="utf-8")
    supervisor.run(wakeup)
    for name in ("pids.json", "supervisor.pid"):
        (folder / name).unlink(missing_ok=True)


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m devstack.supervisor")
    parser.add_argument("stack")
    parser.add_argument("--attached", type=int, metavar="PID", help="end as soon as this parent process is gone")
    options = parser.parse_args(arguments)
    stack = open_stack(options.stack)
    held_lock = lock(stack)
    if held_lock is None:
        print("another supervisor runs this stack already")
        return 1
    try:
        processes = all_processes(stack, from_environment(os.environ))
    except StackError as error:
        print(error.text())
        return 1
    supervisor = Supervisor(stack=stack, processes=processes, environment=base_environment(stack))
    serve(supervisor, attached_to=options.attached)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
