"""What the commands print: one line per step, with the time since the command began."""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

_began = time.monotonic()
_lock = threading.Lock()


def line(text: str) -> None:
    """Print one line with the seconds since the command began."""
    with _lock:
        print(f"{time.monotonic() - _began:7.1f} s  {text}", flush=True)


def plain(text: str = "") -> None:
    """Print text as it is."""
    with _lock:
        print(text, flush=True)


def fail(text: str) -> None:
    """Print a failure to standard error."""
    with _lock:
        print(text, file=sys.stderr, flush=True)


@contextmanager
def step(text: str) -> Iterator[None]:
    """Say that a step begins and, once it is through, how long it took."""
    began = time.monotonic()
    line(f"{text} ...")
    yield
    line(f"{text}: done in {duration(time.monotonic() - began)}")


def duration(seconds: float) -> str:
    """Seconds as people say them: `0.4 s`, `12 s`, `3 min 05 s`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s"


def size(octets: int) -> str:
    """Bytes as people say them: `412 kB`, `1.3 GB`."""
    amount = float(octets)
    for unit in ("B", "kB", "MB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}"
        amount /= 1000
    return f"{amount:.1f} GB"
