"""Programs that work on what others wrote run here: alone, for a short time, and with nothing of ours in reach.

A template is the platform team's, but a fault in one must not hold up or fill a worker, and the files that are merged
are anybody's. So: an empty environment (no credential is in it), a folder of their own, limits on time, memory and file
size, and an end of the whole process group. It is no sandbox against a program that means harm: what runs is Copier
without leave to run a template's own code, or diff3, never a template's program.
"""

import os
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from provisioning.phrases import phrase

SECONDS = 20
_MEMORY_KIB = 1024 * 1024
_FILE_BLOCKS = 12 * 1024 * 2
"""Largest file that may be written, in blocks of 512 bytes: more than the 5 MiB that are taken, which is noticed."""
_LIMITED = 'ulimit -t "$1" && ulimit -v "$2" && ulimit -f "$3" && shift 3 && exec "$@"'


class TookTooLong(Exception):
    """The program was ended because its time was up."""


@dataclass(frozen=True)
class Ended:
    """How a program ended: its exit code (negative: the signal), what it printed, and the last it complained of."""

    code: int
    output: bytes
    complaint: str


def run(command: Sequence[str], *, folder: Path, seconds: int = SECONDS) -> Ended:
    """Run a program in a folder, also its home. Raises TookTooLong, FileNotFoundError for a missing program."""
    if not Path(command[0]).exists():
        raise FileNotFoundError(command[0])
    limits = [str(seconds), str(_MEMORY_KIB), str(_FILE_BLOCKS)]
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "TMPDIR": str(folder), "LANG": "C.UTF-8"}
    with (folder / "stdout").open("w+b") as output, (folder / "stderr").open("w+b") as complaints:
        child = subprocess.Popen(
            ["/bin/sh", "-c", _LIMITED, "limited", *limits, *command],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=complaints,
            start_new_session=True,
        )
        try:
            code = child.wait(timeout=seconds)
        except subprocess.TimeoutExpired as error:
            took = phrase("%(program)s took more than %(seconds)s s", program=command[0], seconds=seconds)
            raise TookTooLong(took) from error
        finally:
            _end(child)
        output.seek(0)
        complaints.seek(0)
        said = complaints.read(64 * 1024).decode("utf-8", "replace").strip().splitlines()
        return Ended(code=code, output=output.read(), complaint=said[-1][:300] if said else "")


def _end(child: subprocess.Popen) -> None:
    """End what is left of the child and of whatever it started."""
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    finally:
        child.wait()
