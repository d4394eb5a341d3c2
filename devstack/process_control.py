"""What the kernel is asked for when a child is started, and how a whole group of them is ended."""

import ctypes
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

PR_SET_PDEATHSIG = 1
_TRIES = 10
_libc = ctypes.CDLL(None, use_errno=True)


def die_with_parent(*, death_signal: signal.Signals = signal.SIGKILL, nice: int = 0) -> Callable[[], None]:
    """A `preexec_fn`: the kernel sends `death_signal` to the child once the thread that started it is gone.

    It holds however the parent dies, SIGKILL included. A change of user id drops it: `setpriv` has
    an option of its own for that case. `nice`: as with the command of that name. Of a session's leader it is the whole
    session's, since the kernel may share the cores among sessions first (autogroups).
    """
    parent = os.getpid()

    def before_exec() -> None:
        _libc.prctl(PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
        if os.getppid() != parent:  # it died between fork and prctl: nobody would ever send the signal
            os._exit(1)
        if nice:
            os.nice(nice)
            if os.getsid(0) == os.getpid():
                _give_way(nice)

    return before_exec


def _give_way(nice: int) -> None:
    """The session's share of the cores gets that priority; nothing happens where sessions have none."""
    for _ in range(_TRIES):
        try:
            with open("/proc/self/autogroup", "w", encoding="ascii") as file:
                file.write(str(nice))
        except BlockingIOError:  # the kernel takes one such change in a tenth of a second, but from root
            time.sleep(0.12)
        except OSError:
            return
        else:
            return


def follow_parent(parent: int, *, death_signal: signal.Signals = signal.SIGTERM) -> None:
    """Ask for `death_signal` for this very process once `parent` is gone."""
    _libc.prctl(PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
    if os.getppid() != parent:
        os.kill(os.getpid(), death_signal)


def signal_group(leader: int, number: signal.Signals) -> None:
    """Send a signal to the process group of `leader`; nothing happens where it is gone."""
    try:
        os.killpg(leader, number)
    except ProcessLookupError:
        return


def marked_with(variable: str, value: str) -> list[int]:
    """Process ids whose environment at start had `variable=value`; only those of this user can be seen."""
    wanted = f"{variable}={value}".encode()
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit() or int(folder.name) == os.getpid():
            continue
        try:
            environment = (folder / "environ").read_bytes().split(b"\0")
        except OSError:  # gone meanwhile, or somebody else's
            continue
        if wanted in environment:
            found.append(int(folder.name))
    return found
