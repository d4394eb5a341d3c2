"""The supervisor with small processes of the test's own, as a real process that can be killed."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from devstack import control
from devstack.stack import ROOT, Stack, make_folders

DRIVER = """
import json, os, sys
from pathlib import Path
from devstack.processes import Process
from devstack.readiness import Says
from devstack.stack import Stack
from devstack.supervisor import Supervisor, lock, serve

folder, wanted = Path(sys.argv[1]), json.loads(sys.argv[2])
stack = Stack(name="try", folder=folder)
held = lock(stack)
processes = [
    Process(
        name=one["name"],
        command=tuple(one["command"]),
        requires=tuple(one.get("requires", ())),
        needs=tuple(Path(path) for path in one.get("needs", ())),
        ready=Says(one["says"]) if "says" in one else None,
        once=one.get("once", False),
        group=one.get("group", ""),
        stop_seconds=0.5,
    )
    for one in wanted
]
serve(Supervisor(stack=stack, processes=processes, environment=dict(os.environ)), attached_to=None)
"""
SERVER = ["sh", "-c", "echo ready; exec sleep 600"]

Run = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    one = Stack(name="try", folder=tmp_path)
    make_folders(one)
    yield one
    for pid in control.leftovers(one):
        os.kill(pid, signal.SIGKILL)


@pytest.fixture
def run(stack: Stack) -> Iterator[Run]:
    started: list[subprocess.Popen[bytes]] = []

    def start(*processes: dict[str, object]) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-c", DRIVER, str(stack.folder), json.dumps(processes)]
        started.append(subprocess.Popen(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}))
        return started[-1]

    yield start
    for one in started:
        if one.poll() is None:
            one.terminate()
        one.wait(10)


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true in 10 seconds"
        time.sleep(0.02)


def words(stack: Stack) -> dict[str, str]:
    return {state.name: state.state for state in control.states(stack)}


def pids(stack: Stack) -> dict[str, int]:
    path = stack.folder / "pids.json"
    return json.loads(path.read_text()) if path.exists() else {}


def test_a_process_starts_once_what_it_requires_is_ready(stack: Stack, run: Run) -> None:
    order = stack.folder / "order"
    first = ["sh", "-c", f"sleep 0.3; echo first >> {order}; echo ready; exec sleep 600"]
    second = ["sh", "-c", f"echo prepare >> {order}"]
    third = ["sh", "-c", f"echo third >> {order}; exec sleep 600"]

    run(
        {"name": "third", "command": third, "requires": ["prepare"]},
        {"name": "prepare", "command": second, "requires": ["first"], "once": True},
        {"name": "first", "command": first, "says": "ready"},
    )

    until(lambda: words(stack) == {"third": "ready", "prepare": "done", "first": "ready"})
    until(lambda: order.read_text().split() == ["first", "prepare", "third"])
    assert sorted(pids(stack)) == ["first", "third"]


def test_a_server_that_is_still_being_built_joins_later(stack: Stack, run: Run) -> None:
    program = stack.folder / "program"

    run({"name": "late", "command": SERVER, "needs": [str(program)]}, {"name": "early", "command": SERVER})

    until(lambda: words(stack) == {"late": "waiting", "early": "ready"})
    program.touch()
    until(lambda: words(stack) == {"late": "ready", "early": "ready"})


def test_what_dies_is_started_again_with_longer_and_longer_pauses(stack: Stack, run: Run) -> None:
    times = stack.folder / "times"

    run({"name": "weak", "command": ["sh", "-c", f"date +%s.%N >> {times}; exit 3"], "says": "never"})

    until(lambda: times.exists() and len(times.read_text().split()) >= 4)
    at = [float(text) for text in times.read_text().split()][:4]
    pauses = [later - earlier for earlier, later in pairwise(at)]
    assert pauses[0] >= 0.19
    assert pauses[1] >= 0.39
    assert pauses[2] >= 0.79


def test_a_killed_server_is_back_with_another_process(stack: Stack, run: Run) -> None:
    run({"name": "server", "command": SERVER, "says": "ready"})
    until(lambda: words(stack) == {"server": "ready"})
    before = pids(stack)["server"]

    os.kill(before, signal.SIGKILL)

    until(lambda: words(stack) == {"server": "ready"} and pids(stack)["server"] != before)
    assert control.states(stack)[0].restarts == 1


def test_a_held_process_stays_away_until_it_is_let_go(stack: Stack, run: Run) -> None:
    run({"name": "server", "command": SERVER}, {"name": "other", "command": SERVER})
    until(lambda: words(stack) == {"server": "ready", "other": "ready"})

    (stack.hold / "server").touch()
    until(lambda: words(stack) == {"server": "held", "other": "ready"})
    assert sorted(pids(stack)) == ["other"]

    (stack.hold / "server").unlink()
    until(lambda: words(stack) == {"server": "ready", "other": "ready"})


def test_one_that_ignores_sigterm_is_killed(stack: Stack, run: Run) -> None:
    supervisor = run({"name": "deaf", "command": ["sh", "-c", "trap '' TERM; echo ready; while :; do sleep 1; done"]})
    until(lambda: words(stack) == {"deaf": "ready"})

    supervisor.terminate()

    assert supervisor.wait(5) == 0
    assert control.leftovers(stack) == []


def test_everything_ends_in_the_reverse_order(stack: Stack, run: Run) -> None:
    order = stack.folder / "order"

    def server(name: str) -> list[str]:
        return [
            "sh",
            "-c",
            f"trap 'sleep 0.1; echo {name} >> {order}; exit 0' TERM; echo ready; while :; do sleep 0.02; done",
        ]

    supervisor = run(
        {"name": "database", "command": server("database"), "says": "ready"},
        {"name": "setup", "command": ["true"], "requires": ["database"], "once": True},
        {"name": "web", "command": server("web"), "says": "ready", "requires": ["setup"]},
    )
    until(lambda: words(stack) == {"database": "ready", "setup": "done", "web": "ready"})

    supervisor.terminate()

    assert supervisor.wait(5) == 0
    assert order.read_text().split() == ["web", "database"]
    assert not control.is_running(stack)


def test_new_code_runs_the_setup_again_and_leaves_the_servers_alone(stack: Stack, run: Run) -> None:
    setups = stack.folder / "setups"
    supervisor = run(
        {"name": "database", "command": SERVER},
        {"name": "setup", "command": ["sh", "-c", f"echo x >> {setups}"], "once": True, "group": "portal"},
        {"name": "web", "command": SERVER, "requires": ["setup"], "group": "portal"},
    )
    until(lambda: words(stack) == {"database": "ready", "setup": "done", "web": "ready"})
    before = pids(stack)

    supervisor.send_signal(signal.SIGHUP)

    until(lambda: len(setups.read_text().split()) == 2 and words(stack).get("web") == "ready")
    until(lambda: pids(stack).get("web") not in (None, before["web"]))
    assert pids(stack)["database"] == before["database"]


def test_nothing_is_left_when_the_supervisor_is_killed(stack: Stack, run: Run) -> None:
    supervisor = run(
        {"name": "server", "command": SERVER, "says": "ready"},
        {"name": "other", "command": SERVER, "says": "ready", "requires": ["server"]},
    )
    until(lambda: words(stack) == {"server": "ready", "other": "ready"})
    assert len(control.leftovers(stack)) == 2

    supervisor.kill()

    until(lambda: control.leftovers(stack) == [])
    assert not control.is_running(stack)
