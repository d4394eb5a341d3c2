"""What the measurements have in common: waiting for something, and many times in a few figures."""

import statistics
import sys
import time
from collections.abc import Callable, Sequence


def until(condition: Callable[[], object], why: str, *, seconds: float, every: float = 0.01) -> None:
    """Wait for it. Exits with the sentence when it doesn't come."""
    end = time.perf_counter() + seconds
    while not condition():
        if time.perf_counter() > end:
            sys.exit(f"{why} within {seconds:.0f} s")
        time.sleep(every)


def p95(times: Sequence[float]) -> float:
    """What 95 of 100 stay below; 0.0 for none."""
    ordered = sorted(times)
    return ordered[max(0, round(0.95 * len(ordered)) - 1)] if ordered else 0.0


def summary(times: Sequence[float]) -> dict[str, float]:
    """p50, p95 and max, in the unit of the times; {} for none."""
    return {"p50": statistics.median(times), "p95": p95(times), "max": max(times)} if times else {}
