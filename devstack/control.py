"""Starting, watching and ending a stack's supervisor from the outside."""

import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass

from devstack.errors import StackError
from devstack.files import last_lines, read_json
from devstack.process_control import marked_with
from devstack.stack import ROOT, Stack
from devstack.supervisor import MARK

END_SECONDS = 40.0


@dataclass(frozen=True)
class State:
    """One process as the supervisor last wrote it down."""

    name: str
    state: str
    detail: str
    pid: int | None
    since: float
    restarts: int
    once: bool

    @property
    def settled(self) -> bool:
        """Whether it is what it should be: a server ready, a preparation done."""
        return self.state == ("done" if self.once else "ready")


def is_running(stack: Stack) -> bool:
    """Whether a supervisor of this stack lives: it holds a lock as long as it does."""
    path = stack.folder / "supervisor.lock"
    if not path.exists():
        return False
    with path.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def read(stack: Stack) -> dict[str, object]:
    """The whole of state.json; empty where no supervisor runs."""
    return read_json(stack.folder / "state.json") if is_running(stack) else {}


def states(stack: Stack) -> list[State]:
    """What every process is doing now; empty where no supervisor runs."""
    processes = read(stack).get("processes")
    if not isinstance(processes, Mapping):
        return []
    return [State(name=name, **facts) for name, facts in processes.items()]


def start(stack: Stack, *, attached: bool) -> "subprocess.Popen[bytes]":
    """Start the supervisor in a session of its own. Attached, it ends with this process, however that ends."""
    # Otherwise the last run's state would be read as this one's.
    (stack.folder / "state.json").unlink(missing_ok=True)
    command = [sys.executable, "-m", "devstack.supervisor", stack.name]
    if attached:
        command += ["--attached", str(os.getpid())]
    environment = {**os.environ, "SLIPWAY_STATE_DIR": str(stack.folder.parent)}
    with stack.log("supervisor").open("ab") as log:
        running = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    deadline = time.monotonic() + 10
    while not states(stack):
        if running.poll() is not None or time.monotonic() > deadline:
            raise StackError(
                what="The stack's supervisor did not start",
                why=f"it ended with code {running.poll()}; its last words:\n{last_lines(stack.log('supervisor'))}",
                do="mend what it says, then run ./dev up again",
            )
        time.sleep(0.05)
    return running


def tell(stack: Stack, number: signal.Signals) -> bool:
    """Send the supervisor a signal. Returns whether there was one to send it to."""
    path = stack.folder / "supervisor.pid"
    if not (is_running(stack) and path.exists()):
        return False
    try:
        os.kill(int(path.read_text(encoding="utf-8")), number)
    except ProcessLookupError:
        return False
    return True


def stop(stack: Stack) -> bool:
    """End the stack and wait until nothing of it runs. Returns whether anything did run."""
    was_running = tell(stack, signal.SIGTERM)
    deadline = time.monotonic() + END_SECONDS
    while is_running(stack) and time.monotonic() < deadline:
        time.sleep(0.05)
    if is_running(stack):
        tell(stack, signal.SIGKILL)
    left = leftovers(stack)
    for pid in left:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    return was_running or bool(left)


def leftovers(stack: Stack) -> list[int]:
    """Processes that carry the mark of this stack's supervisor; none may be left once it is gone."""
    return marked_with(MARK, str(stack.folder))
