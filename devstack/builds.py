"""Builds the servers once from their Go modules and keeps the programs in the cache folder."""

import fcntl
import hashlib
import os
import platform
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from devstack import say, toolchain
from devstack.errors import StackError
from devstack.files import last_lines, remove_tree
from devstack.process_control import die_with_parent
from devstack.stack import ROOT

KUBERNETES_VERSION = "-X k8s.io/component-base/version"
PROGRESS_SECONDS = 15.0


@dataclass(frozen=True)
class Server:
    """One Go module to build: `packages` become programs, `folders` of `module` are copied beside them."""

    name: str
    programs: tuple[tuple[str, str], ...]
    estimate: float  # seconds, cold, on two cores
    tags: str = ""
    linker_flags: str = "-s -w"
    cgo: bool = False
    module: str = ""
    folders: tuple[str, ...] = ()

    @property
    def source(self) -> Path:
        return ROOT / "devstack" / "servers" / self.name

    def command(self, *, go: str, package: str, output: Path) -> list[str]:
        """The build command of one program."""
        tags = ["-tags", self.tags] if self.tags else []
        return [go, "build", "-trimpath", *tags, "-ldflags", self.linker_flags, "-o", str(output), package]


# In the order in which they are useful: MinIO takes two minutes, the cluster six.
SERVERS = (
    Server(name="etcd", programs=(("etcd", "go.etcd.io/etcd/server/v3"),), estimate=45),
    Server(name="minio", programs=(("minio", "github.com/minio/minio"),), estimate=140),
    Server(
        name="kubernetes",
        programs=(
            ("kube-apiserver", "k8s.io/kubernetes/cmd/kube-apiserver"),
            ("kube-controller-manager", "k8s.io/kubernetes/cmd/kube-controller-manager"),
            ("kubectl", "k8s.io/kubernetes/cmd/kubectl"),
        ),
        # Built as a module they would report a version that stock kubectl cannot parse.
        linker_flags=(
            f"-s -w {KUBERNETES_VERSION}.gitVersion=v1.37.2 {KUBERNETES_VERSION}.gitMajor=1"
            f" {KUBERNETES_VERSION}.gitMinor=37"
        ),
        estimate=370,
    ),
    Server(
        name="gitea",
        programs=(("gitea", "code.gitea.io/gitea"),),
        tags="sqlite sqlite_unlock_notify",
        cgo=True,
        module="code.gitea.io/gitea",
        folders=("options", "templates", "public"),
        estimate=160,
    ),
    Server(name="kubelogin", programs=(("kubectl-oidc_login", "github.com/int128/kubelogin"),), estimate=15),
    Server(name="act", programs=(("act", "github.com/nektos/act"),), estimate=60),
)
BY_NAME = {server.name: server for server in SERVERS}


def key(server: Server) -> str:
    """What the cached programs depend on: go.mod, go.sum, flags and the machine's architecture."""
    content = hashlib.sha256()
    for name in ("go.mod", "go.sum"):
        content.update((server.source / name).read_bytes())
    flags = (server.programs, server.tags, server.linker_flags, server.cgo, server.folders, platform.machine())
    content.update(repr(flags).encode())
    return content.hexdigest()[:12]


def folder(server: Server) -> Path:
    """Where the finished programs of this version lie (or will lie)."""
    return toolchain.cache() / f"{server.name}-{key(server)}"


def program(name: str) -> Path:
    """The path of one program, for example `kube-apiserver`, whether it is built yet or not."""
    for server in SERVERS:
        if any(name == built for built, _ in server.programs):
            return folder(server) / name
    raise KeyError(name)


def unbuilt(names: tuple[str, ...]) -> list[Server]:
    """Those servers that are not in the cache."""
    return [server for server in SERVERS if server.name in names and not folder(server).exists()]


def build_all(names: tuple[str, ...], *, stop: threading.Event) -> list[StackError]:
    """Build what is missing, one after the other; one failure does not keep the others from it.

    Returns the failures. Ends early, with what it was building ended too, once `stop` is set.
    """
    failures = []
    for server in unbuilt(names):
        if stop.is_set():
            break
        try:
            build(server, stop=stop)
        except StackError as error:
            failures.append(error)
            say.fail(error.text())
    return failures


def build(server: Server, *, stop: threading.Event) -> None:
    """Build one server into the cache, or wait for another run that does. Raises StackError."""
    final = folder(server)
    waiting = f"another ./dev is building {server.name}; waiting for it"
    with _locked(final.with_suffix(".lock"), waiting=waiting, stop=stop):
        if final.exists() or stop.is_set():
            return
        temporary = final.with_name(f".{final.name}.{os.getpid()}")
        remove_tree(temporary)
        temporary.mkdir(parents=True)
        began = time.monotonic()
        try:
            go = toolchain.go()
            say.line(f"building {server.name}, {_about(server)} (once; kept in {final.parent})")
            for name, package in server.programs:
                command = server.command(go=go, package=package, output=temporary / name)
                _run(server, command, log=final.with_suffix(".log"), began=began, stop=stop)
            if stop.is_set():
                return
            _copy_folders(server, go=go, target=temporary)
            temporary.rename(final)
        finally:
            remove_tree(temporary)
        say.line(f"{server.name} is built, took {say.duration(time.monotonic() - began)}")


def _about(server: Server) -> str:
    cores = min(os.cpu_count() or 1, 8)
    return f"about {say.duration(max(10.0, server.estimate * 2 / cores))} when nothing is cached"


def _environment(server: Server, *, go: str) -> dict[str, str]:
    return {
        **os.environ,
        "PATH": f"{Path(go).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "GOTOOLCHAIN": "local",
        "GOFLAGS": "-buildvcs=false",
        "CGO_ENABLED": "1" if server.cgo else "0",
    }


def _run(server: Server, command: list[str], *, log: Path, began: float, stop: threading.Event) -> None:
    with log.open("ab") as output:
        output.write(f"\n$ {' '.join(command)}\n".encode())
        output.flush()
        running = subprocess.Popen(
            command,
            cwd=server.source,
            env=_environment(server, go=command[0]),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=die_with_parent(death_signal=signal.SIGTERM, nice=15),
        )
    code = _follow(running, tell=lambda elapsed: _tell(server, elapsed), began=began, stop=stop)
    if code != 0 and not stop.is_set():
        raise StackError(
            what=f"{server.name} could not be built",
            why=f"go build ended with code {code}; the end of {log}:\n{last_lines(log)}",
            do="mend what the log says (network, disk, memory), then run ./dev up again; what is built already is kept",
        )


def _tell(server: Server, elapsed: float) -> None:
    say.line(f"building {server.name}: {say.duration(elapsed)} so far, {_about(server)}")


def _follow(
    running: "subprocess.Popen[bytes]", *, tell: Callable[[float], None], began: float, stop: threading.Event
) -> int:
    told = time.monotonic()
    while (code := running.poll()) is None:
        if stop.wait(0.2):
            os.killpg(running.pid, signal.SIGTERM)
            running.wait()
            return 1
        if time.monotonic() - told >= PROGRESS_SECONDS:
            told = time.monotonic()
            tell(told - began)
    return code


def _copy_folders(server: Server, *, go: str, target: Path) -> None:
    if not server.folders:
        return
    command = [go, "list", "-m", "-f", "{{.Dir}}", server.module]
    listed = subprocess.run(
        command, cwd=server.source, env=_environment(server, go=go), capture_output=True, text=True, check=True
    )
    module = Path(listed.stdout.strip())
    for name in server.folders:
        # The module cache is read-only; a copy that cannot be removed would stay for ever.
        shutil.copytree(module / name, target / name, copy_function=shutil.copyfile)
        for found in (target / name, *(target / name).rglob("*")):
            found.chmod(0o755 if found.is_dir() else 0o644)


@contextmanager
def _locked(path: Path, *, waiting: str, stop: threading.Event) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        told = False
        while not stop.is_set():
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if not told:
                    say.line(waiting)
                    told = True
                stop.wait(0.5)
        yield
