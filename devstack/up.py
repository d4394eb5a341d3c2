"""`./dev up`: from whatever this machine is now to a running stack with a Ready sample project."""

import os
import shutil
import signal
import threading
import time
from collections.abc import Iterable

from devstack import (
    builds,
    certificates,
    control,
    domain,
    frontend,
    machine,
    postgres,
    processes,
    python_env,
    sample,
    say,
    settings,
    stack,
    tracker,
)
from devstack.endpoints import Endpoints, from_environment
from devstack.errors import StackError
from devstack.files import last_lines
from devstack.fingerprint import portal_code, stack_plan
from devstack.processes import PORTAL
from devstack.stack import Stack

COLD_SECONDS = 120.0
HOPELESS = 5


def prepare_machine(endpoints: Endpoints, *, level: str) -> None:
    """Debian packages, virtual environment, front-end files. `level` is the requirements file: base or dev."""
    wanted = [machine.OPENSSL, machine.GIT, machine.SSH, machine.VENV]
    if endpoints.database_url is None:
        wanted.append(machine.POSTGRES)
    if endpoints.redis_url is None:
        wanted.append(machine.REDIS)
    if domain.wanted():
        wanted += machine.SAMBA
    if builds.unbuilt(processes.servers_to_build(endpoints)):
        wanted.append(machine.COMPILER)
    if level == "dev":
        wanted.append(machine.CHROMIUM)
    machine.ensure(wanted)
    python_env.ensure(level=level)
    python_env.ensure_templates()
    if tracker.wanted():
        tracker.ensure()
    frontend.ensure()


def prepare_stack(one: Stack, endpoints: Endpoints) -> None:
    """The stack's folder with ports, certificates, secrets and settings; the database's folder."""
    stack.make_folders(one)
    if control.is_running(one) and not set(stack.PORT_NAMES) <= set(one.ports()):
        say.line("the running stack is an older one without some of the servers: it is stopped")
        control.stop(one)
    if not control.is_running(one):
        for name in stack.settle_ports(one):
            say.line(f"the port of {name} is taken by another program: it moved to {one.ports()[name]}")
        if domain.wanted():
            stack.settle_address(one)
        else:
            stack.forget_address(one)
    else:
        stack.settle_ports(one, running=True)
    if certificates.ensure(one):
        say.line("certificates made")
    settings.write(one, endpoints)
    if endpoints.database_url is None and postgres.ensure_data(one):
        say.line("database folder made")


def ensure_supervisor(one: Stack, endpoints: Endpoints, *, attached: bool) -> bool:
    """Have the stack run what lies here now: start it, or bring it up to date. Returns whether this call started it."""
    if control.is_running(one):
        running = control.read(one)
        if running.get("plan") != stack_plan(processes.all_processes(one, endpoints)):
            say.line("the running stack is an older one: it is stopped and started again")
            control.stop(one)
        elif running.get("portal_code") != portal_code(one.folder / "platform.yaml"):
            say.line("the portal's code has changed: web, worker and beat start again")
            control.tell(one, signal.SIGHUP)
            time.sleep(0.3)  # the next state.json must be the one after the signal
            return False
        else:
            say.line("the stack runs already")
            return False
    control.start(one, attached=attached)
    say.line("supervisor started")
    return True


class Builder:
    """Builds what is missing beside everything else."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self.names = names
        self.stop = threading.Event()
        self.failures: list[StackError] = []
        self.thread = threading.Thread(target=self._work, name="builder")

    def _work(self) -> None:
        self.failures = builds.build_all(self.names, stop=self.stop)

    def start(self) -> None:
        """Begin, unless everything is in the cache."""
        missing = builds.unbuilt(self.names)
        if missing:
            names = ", ".join(server.name for server in missing)
            say.line(f"to be built first, beside everything else: {names}")
            self.thread.start()

    @property
    def busy(self) -> bool:
        return self.thread.is_alive()

    def end(self) -> None:
        """Stop what is being built and wait for it."""
        self.stop.set()
        if self.thread.is_alive():
            self.thread.join()


def follow(
    one: Stack,
    builder: Builder,
    *,
    until: Iterable[str] | None = None,
    patience: float = 90.0,
    quiet: bool = False,
    told: dict[str, str] | None = None,
) -> bool:
    """Tell each process's state as it comes (`quiet`: only failures), until all or those named are settled.

    Returns whether they are. Gives up `patience` seconds after the last build has ended, or when all that is left
    fails again and again. `told` carries over what an earlier call has told. Raises StackError when the supervisor
    is gone.
    """
    told = {} if told is None else told
    wanted = set(until) if until is not None else None
    began = time.monotonic()
    while True:
        states = control.states(one)
        if not states and not control.is_running(one):
            raise StackError(
                what="The stack's supervisor is gone",
                why=f"its last words:\n{last_lines(one.log('supervisor'))}",
                do="run ./dev up again",
            )
        for state in states:
            _tell(one, state, told, quiet=quiet)
        open_ones = [state for state in states if not state.settled and (wanted is None or state.name in wanted)]
        if states and not open_ones:
            return True
        hopeless = states and all(state.restarts >= HOPELESS for state in open_ones)
        if builder.busy:
            began = time.monotonic()
        elif hopeless or time.monotonic() - began > patience:
            for state in open_ones:
                say.fail(f"{state.name} is not there: {state.state} {state.detail} (./dev logs {state.name})")
            return False
        time.sleep(0.1)


def _tell(one: Stack, state: control.State, told: dict[str, str], *, quiet: bool) -> None:
    if state.settled and told.get(state.name) != state.state:
        told[state.name] = state.state
        port = one.ports().get(state.name)
        if not quiet:
            say.line(f"{state.name}: {state.state}{f' on port {port}' if port and not state.once else ''}")
    elif state.state == "failed" and told.get(state.name) != "failed" and state.restarts >= 3:
        told[state.name] = "failed"
        say.fail(f"{state.name} fails again and again: {state.detail}\n{last_lines(one.log(state.name))}")
    elif not state.settled and told.get(state.name) in ("ready", "done"):
        told[state.name] = state.state


def up(*, foreground: bool) -> int:
    """The whole of `./dev up`. Returns the exit code: 0 when the sample is Ready."""
    endpoints = from_environment(os.environ)
    one = stack.open_stack("dev")
    prepare_machine(endpoints, level="base")
    prepare_stack(one, endpoints)
    builder = Builder(processes.servers_to_build(endpoints))
    ours = False
    try:
        ours = ensure_supervisor(one, endpoints, attached=foreground)
        builder.start()
        code = _bring_up(one, endpoints, builder)
        if foreground:
            say.plain("Ctrl-C ends everything.")
            while control.is_running(one):
                time.sleep(0.5)
        return code
    except KeyboardInterrupt:
        builder.end()
        if ours or foreground:
            say.plain("\nending the stack ...")
            control.stop(one)
        return 130
    finally:
        builder.end()


def _bring_up(one: Stack, endpoints: Endpoints, builder: Builder) -> int:
    portal = [process.name for process in processes.all_processes(one, endpoints) if process.group == PORTAL]
    told: dict[str, str] = {}
    if follow(one, builder, until=portal, patience=COLD_SECONDS, told=told):
        waiting = "; servers are still being built, their targets show as unavailable" if builder.busy else ""
        say.line(f"the portal answers at http://localhost:{one.ports()['web']}/{waiting}")
    all_there = follow(one, builder, told=told)
    ready = False
    if endpoints.gitea_url is not None:
        say.line("no sample project: Gitea is a configured one, in which the stack makes no people")
        ready = all_there
    elif all_there:
        ready = sample.run(one)
    if builder.failures:
        say.fail(f"{len(builder.failures)} server(s) could not be built, see above")
    while builder.busy:
        time.sleep(0.2)
    say.plain(addresses(one, endpoints))
    return 0 if ready and not builder.failures else 1


def addresses(one: Stack, endpoints: Endpoints) -> str:
    """Where everything is, and who can sign in."""
    ports = one.ports()
    store = endpoints.s3_endpoint or f"http://127.0.0.1:{ports['minio']}"
    forge = endpoints.gitea_url or f"http://127.0.0.1:{ports['gitea']}"
    kubectl = builds.program("kubectl") if endpoints.kubeconfig is None else shutil.which("kubectl")
    kubeconfig = endpoints.kubeconfig or one.kubeconfig
    mlflow = (
        f"\n  MLflow        {tracker.url(one)}/ (admin, {one.secrets / tracker.PASSWORD})" if tracker.wanted() else ""
    )
    return f"""
  Portal        http://localhost:{ports["web"]}/
  Gitea         {forge}/
  Object store  {store}{mlflow}
  Mails, chat   {one.folder}/mail/*.eml, {one.folder}/chat/*.json
  Cluster       {kubectl} --kubeconfig {kubeconfig}
  as oneself    PATH={builds.program("kubectl-oidc_login").parent}:$PATH, then the lines on a project's page

  Sign in as    alice    alice-pw    owner of demand-forecast, team forecasting
                bob      bob-pw      its editor, team forecasting
                charlie  charlie-pw  a stranger
                paula    paula-pw    platform team

  ./dev status shows what runs, ./dev logs NAME what it says, ./dev down ends it.
"""
