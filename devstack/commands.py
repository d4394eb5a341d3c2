"""The other commands of `./dev`: down, status, logs, test, pictures, check, bench, clean."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from devstack import builds, control, frontend, postgres, processes, python_env, say, test_runs, toolchain, up
from devstack.endpoints import from_environment
from devstack.files import remove_tree, tree_size
from devstack.process_control import die_with_parent
from devstack.processes import portal_environment
from devstack.stack import ROOT, Stack, open_stack
from devstack.test_runs import Run

STACKS = ("dev", "test", "bench")


def down() -> int:
    """End all stacks of this folder, and whatever of them is left."""
    for name in STACKS:
        stack = open_stack(name)
        if control.stop(stack):
            say.line(f"stack {name} ended")
        elif name == "dev":
            say.line("stack dev does not run")
    return 0


def status() -> int:
    """What runs. Returns 0 when everything of the stack dev is as it should be, 3 otherwise."""
    code = 3
    for name in STACKS:
        stack = open_stack(name)
        states = control.states(stack)
        if not states:
            if name == "dev":
                say.plain("stack dev does not run; ./dev up starts it")
            continue
        say.plain(f"stack {name} ({stack.folder})")
        ports = stack.ports()
        for state in states:
            since = say.duration(max(0.0, time.time() - state.since))
            port = "" if state.once else str(ports.get(state.name, ""))
            again = f"  restarted {state.restarts} times" if state.restarts else ""
            pid = str(state.pid or "")
            row = f"  {state.name:24} {state.state:9} {pid:>8} {port:>6}  for {since}{again}  {state.detail}"
            say.plain(row.rstrip())
        if name == "dev" and all(state.settled for state in states):
            code = 0
    return code


def logs(arguments: Sequence[str]) -> int:
    """Print a process's log, or follow it with -f; without a name, list the logs."""
    names = [argument for argument in arguments if not argument.startswith("-")]
    stack = next((one for one in map(open_stack, STACKS) if control.is_running(one)), open_stack("dev"))
    known = sorted(path.stem for path in stack.logs.glob("*.log"))
    if len(names) != 1 or names[0] not in known:
        say.plain(f"./dev logs NAME [-f]   names: {', '.join(known) or 'none yet, ./dev up makes them'}")
        return 0 if not names else 2
    follow = ["-F"] if "-f" in arguments else []
    return subprocess.run(["tail", "-n", "300", *follow, str(stack.log(names[0]))], check=False).returncode


def in_stack(name: str, work: Callable[[Stack, dict[str, str]], int]) -> int:
    """Do `work` with a fresh stack of that name running, and take the stack down afterwards.

    With SLIPWAY_KEEP=1 it stays up, and the next run uses it as it is.
    """
    keep = os.environ.get("SLIPWAY_KEEP") == "1"
    endpoints = from_environment(os.environ)
    stack = open_stack(name)
    up.prepare_machine(endpoints, level="dev")
    builder = up.Builder(processes.servers_to_build(endpoints))
    if not (keep and control.is_running(stack)):
        control.stop(stack)
        remove_stack(stack)
    try:
        builder.start()
        up.prepare_stack(stack, endpoints)
        up.ensure_supervisor(stack, endpoints, attached=not keep)
        complete = up.follow(stack, builder, quiet=True) and not builder.failures
        if complete:
            say.line(f"stack {name} is up")
        else:
            say.fail(f"The stack {name} is not complete; what needs the missing part will fail. Logs: {stack.logs}")
        code = work(stack, {**os.environ, **portal_environment(stack)})
        return code if complete else code or 1
    finally:
        builder.end()
        if not keep:
            control.stop(stack)


def test(arguments: Sequence[str]) -> int:
    """pytest on real servers. Returns 0 when all of it passed, else an exit code of pytest's."""
    rounds = test_runs.rounds(arguments, cores=os.cpu_count() or 1)

    def work(stack: Stack, environment: dict[str, str]) -> int:
        # All of them run, also after one that failed.
        codes: list[int] = []
        behind: list[_Beside] = []
        for runs in rounds:
            codes += _at_once(stack, runs, environment, behind=behind)
        codes += [_ended(one, behind) for one in behind]
        return next((code for code in codes if code), 0)

    return in_stack("test", work)


@dataclass(frozen=True)
class _Beside:
    """A run beside the one that is printed as it goes. Its output is printed when it has ended."""

    run: Run
    output: Path
    running: "subprocess.Popen[bytes]"


def _at_once(stack: Stack, runs: Sequence[Run], environment: dict[str, str], *, behind: "list[_Beside]") -> list[int]:
    """Run them beside each other, and return the exit codes of those that have to end in this round.

    behind: those of the background that go on; what starts in this round is added.
    """
    first, *others = runs
    names = [one.run.name for one in behind] + [run.name for run in others]
    if names:
        say.line(f"tests: {first.name}; beside them {' and '.join(names)}")
    beside = []
    for run in others:
        output = stack.logs / f"tests-{run.name.replace(' ', '-')}.log"
        with output.open("wb") as file:
            beside.append(_Beside(run=run, output=output, running=_started(run, environment, output=file)))
    behind += [one for one in beside if one.run.background]
    code = _waited_for(_started(first, environment), [one.running for one in behind])
    return [code, *(_ended(one, behind) for one in beside if not one.run.background)]


def _ended(one: _Beside, behind: "Sequence[_Beside]") -> int:
    # Those of the background lead sessions of their own, so the terminal's Ctrl-C doesn't reach them.
    code = _waited_for(one.running, [other.running for other in behind])
    say.line(f"tests: {one.run.name}")
    say.plain(one.output.read_text(encoding="utf-8", errors="replace"))
    return code


def _started(run: Run, environment: dict[str, str], *, output: IO[bytes] | None = None) -> "subprocess.Popen[bytes]":
    command = [str(python_env.PYTHON), "-m", "pytest", *run.arguments]
    how = die_with_parent(death_signal=signal.SIGTERM, nice=10 if run.background else 0)
    return subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdout=output,
        stderr=output,
        start_new_session=run.background,  # so that its priority holds against the stack's processes
        preexec_fn=how,
    )


def bench(arguments: Sequence[str]) -> int:
    """The measurements of bench/."""
    if not (ROOT / "bench").exists():
        say.fail("There is no bench/ here yet, so nothing to measure.")
        return 1
    command = [str(python_env.PYTHON), "-m", "bench", *arguments]
    return in_stack("bench", lambda _, environment: _run(command, environment))


def pictures() -> int:
    """Take the pictures in docs/images/ anew, of a sample fleet on a stack of its own."""
    command = [str(python_env.PYTHON), "-m", "tests.browser.pictures"]
    return in_stack("test", lambda _, environment: _run(command, environment))


def check() -> int:
    """Lint, format, types, import contracts, migrations, OpenAPI. Returns 0 when all of them agree."""
    python_env.ensure(level="dev")
    programs = python_env.VENV / "bin"
    manage = [str(python_env.PYTHON), "manage.py"]
    checks = {
        "ruff check": [str(programs / "ruff"), "check", "."],
        "ruff format": [str(programs / "ruff"), "format", "--check", "."],
        "mypy": [str(programs / "mypy")],
        "import contracts": [str(programs / "lint-imports")],
        "migrations": [*manage, "makemigrations", "--check", "--dry-run"],
        "OpenAPI": [*manage, "spectacular", "--validate", "--fail-on-warn", "--file", os.devnull],
    }
    environment = {**os.environ, **_without_stack()}
    failed = 0
    for name, command in checks.items():
        began = time.monotonic()
        done = subprocess.run(
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
        word = "ok" if done.returncode == 0 else "FAILED"
        say.plain(f"{word:7} {name:18} {say.duration(time.monotonic() - began)}")
        if done.returncode != 0:
            failed += 1
            say.plain(done.stdout)
    return 1 if failed else 0


def _without_stack() -> dict[str, str]:
    # The checks read the portal's settings, and these want their files; no server has to run.
    return {
        "SLIPWAY_BUILD_ONLY": "1",
        "SLIPWAY_CATALOGUE": str(ROOT / "platform.example.yaml"),
        "SLIPWAY_METRICS_PORT": "0",
    }


def clean(arguments: Sequence[str]) -> int:
    """Remove the stacks' state; with --all also built servers, virtual environment and npm's packages."""
    down()
    state = open_stack("dev").folder.parent
    removed = sum(remove_stack(open_stack(name)) for name in STACKS)
    if state.exists() and not any(state.iterdir()):
        state.rmdir()
    say.plain(f"removed   {say.size(removed):>8}  stacks in {state}")
    caches = {
        toolchain.cache(): "built servers and toolchains",
        python_env.VENV: "virtual environment",
        python_env.TEMPLATES_VENV: "environment for project templates",
        frontend.MODULES: "npm's packages",
        frontend.VENDOR: "copied front-end files",
        ROOT / "staticfiles": "collected static files",
    }
    for path, what in caches.items():
        if not path.exists():
            continue
        size = say.size(tree_size(path))
        if "--all" in arguments:
            remove_tree(path)
            say.plain(f"removed   {size:>8}  {what}: {path}")
        else:
            say.plain(f"kept      {size:>8}  {what}: {path} (./dev clean --all removes it)")
    for path in go_caches():
        size = say.size(tree_size(path))
        say.plain(f"not ours  {size:>8}  Go's own cache: {path} (go clean -cache -modcache empties it)")
    return 0


def remove_stack(stack: Stack) -> int:
    """Remove a stack that does not run. Returns the bytes that it had used."""
    size = tree_size(stack.folder)
    remove_tree(stack.folder)
    outside = postgres.system_user_launcher(stack).data.parent
    size += tree_size(outside)
    remove_tree(outside)
    return size


def go_caches() -> list[Path]:
    """Where Go keeps modules and build results; empty where there is no Go or nothing is kept."""
    go = shutil.which("go") or "/usr/local/go/bin/go"
    if not Path(go).exists():
        found = [Path.home() / "go" / "pkg" / "mod", Path.home() / ".cache" / "go-build"]
    else:
        told = subprocess.run([go, "env", "GOMODCACHE", "GOCACHE"], capture_output=True, text=True, check=False)
        found = [Path(line) for line in told.stdout.split()]
    return [path for path in found if path.exists()]


def build(arguments: Sequence[str]) -> int:
    """Build servers into the cache, all or those named, without starting anything."""
    names = tuple(arguments) or tuple(builds.BY_NAME)
    builder = up.Builder(names)
    try:
        builder.start()
        while builder.busy:
            time.sleep(0.2)
    finally:
        builder.end()
    return 1 if builder.failures else 0


def _run(command: Sequence[str], environment: dict[str, str]) -> int:
    how = die_with_parent(death_signal=signal.SIGTERM)
    return _waited_for(subprocess.Popen(command, cwd=ROOT, env=environment, preexec_fn=how))


def _waited_for(running: "subprocess.Popen[bytes]", out_of_reach: Sequence["subprocess.Popen[bytes]"] = ()) -> int:
    while True:
        try:
            return running.wait()
        except KeyboardInterrupt:
            # It got the terminal's Ctrl-C as well and says what it has to say.
            for other in out_of_reach:
                other.send_signal(signal.SIGINT)
