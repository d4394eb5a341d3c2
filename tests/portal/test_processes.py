"""The worker and beat as processes: what they load, and what they say to an order that is none."""

import subprocess
import sys

import pytest

from devstack.stack import ROOT

TERMINAL = ("prompt_toolkit", "click_repl", "celery.bin.celery")


def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("module", ["portal.worker", "portal.beat"])
def test_no_terminal_is_loaded(module: str) -> None:
    done = run(
        "-c", f"import {module}, sys; print(*sorted(set({TERMINAL!r}) & set(sys.modules)), 'kombu' in sys.modules)"
    )
    assert done.stdout == "True\n", done.stderr


@pytest.mark.parametrize("threads", ["", "0", "many", "-1", "8.5"])
def test_a_number_of_threads_that_is_none_is_said(threads: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKER_THREADS", threads)
    done = run("-m", "portal.worker")
    assert (done.returncode, done.stderr) == (
        1,
        f"WORKER_THREADS is {threads!r}: it has to be a number, such as 8.\n",
    )


def test_beat_says_what_it_needs() -> None:
    done = run("-m", "portal.beat")
    assert (done.returncode, done.stderr) == (1, "usage: python -m portal.beat FILE\n")
