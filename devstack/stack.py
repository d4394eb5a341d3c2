"""Where one stack keeps its things: folder, ports, secrets, logs."""

import json
import os
import secrets
import socket
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from devstack.errors import StackError
from devstack.files import read_json, write_atomically, write_if_changed

ROOT = Path(__file__).resolve().parent.parent

PORT_NAMES = (
    "web",
    "metrics",
    "postgres",
    "redis",
    "etcd",
    "etcd-peer",
    "kube-apiserver",
    "kube-controller-manager",
    "minio",
    "minio-console",
    "gitea",
    "gitea-ssh",
    "idp",
    "ci",
    "mail",
    "chat",
    "mlflow",
)

# Below the range that the kernel hands out for outgoing connections, so that a kept port is
# seldom taken by somebody's client when the stack starts again.
PORT_RANGE = range(20000, 30000)

# Of a directory: LDAP, LDAPS, and both of the global catalogue. They are fixed: each stack has an address of its own.
DIRECTORY_PORTS = (389, 636, 3268, 3269)
ADDRESSES = tuple(f"127.0.0.{last}" for last in range(2, 255))


@dataclass(frozen=True)
class Stack:
    """One set of servers: `dev`, `test` or `bench`."""

    name: str
    folder: Path

    @property
    def secrets(self) -> Path:
        return self.folder / "secrets"

    @property
    def logs(self) -> Path:
        return self.folder / "logs"

    @property
    def hold(self) -> Path:
        return self.folder / "hold"

    @property
    def tls(self) -> Path:
        return self.folder / "tls"

    @property
    def kubeconfig(self) -> Path:
        """The cluster admin's kubeconfig: for set-up and tests only."""
        return self.folder / "kubeconfig"

    def log(self, name: str) -> Path:
        return self.logs / f"{name}.log"

    def ports(self) -> dict[str, int]:
        """The ports chosen for this stack; empty before the first start."""
        return {name: port for name, port in read_json(self.folder / "ports.json").items() if isinstance(port, int)}

    def address(self) -> str:
        """The loopback address of this stack's directory; empty before the first start."""
        return str(read_json(self.folder / "address.json").get("directory", ""))

    def secret(self, name: str) -> str:
        """A secret's text; raises FileNotFoundError where there is none yet."""
        return (self.secrets / name).read_text(encoding="utf-8").strip()

    def write_secret(self, name: str, value: str) -> None:
        """Keep a secret, readable by this user only."""
        write_if_changed(self.secrets / name, value, mode=0o600)

    def ensure_secret(self, name: str, make: Callable[[], str] = lambda: secrets.token_urlsafe(24)) -> str:
        """The secret of that name, made on first use."""
        if not (self.secrets / name).exists():
            write_atomically(self.secrets / name, make(), mode=0o600)
        return self.secret(name)


def open_stack(name: str, *, environ: Mapping[str, str] | None = None) -> Stack:
    """The stack of that name, in `.slipway/` or below $SLIPWAY_STATE_DIR."""
    environ = os.environ if environ is None else environ
    parent = environ.get("SLIPWAY_STATE_DIR") or str(ROOT / ".slipway")
    return Stack(name=name, folder=Path(parent).resolve() / name)


def make_folders(stack: Stack) -> None:
    """Make the stack's folders; the secrets' one is closed to others."""
    for folder in (stack.folder, stack.logs, stack.hold, stack.tls, stack.secrets):
        folder.mkdir(parents=True, exist_ok=True)
    stack.secrets.chmod(0o700)


def choose_ports(
    *,
    kept: Mapping[str, int],
    names: Iterable[str],
    is_free: Callable[[int], bool],
    candidates: Iterable[int],
    preferred: Mapping[str, int] | None = None,
) -> tuple[dict[str, int], list[str]]:
    """A port for every name: the kept one while it is free, otherwise the preferred or the next free candidate.

    Returns the ports and the names whose kept port was taken by somebody else.
    """
    chosen: dict[str, int] = {}
    moved: list[str] = []
    offered = iter(candidates)
    taken = set(kept.values())
    for name in names:
        port = kept.get(name)
        if port is not None and is_free(port):
            chosen[name] = port
            continue
        if port is not None:
            moved.append(name)
        wish = (preferred or {}).get(name)
        if wish is not None and wish not in taken and is_free(wish):
            chosen[name] = wish
        else:
            chosen[name] = next(port for port in offered if port not in taken and is_free(port))
        taken.add(chosen[name])
    return chosen, moved


def settle_ports(stack: Stack, *, running: bool = False) -> list[str]:
    """Choose the stack's ports and keep them in ports.json. Returns the names that had to move.

    None moves of a stack that runs, whose own servers would count as somebody else; it gets what it lacks.
    """
    kept = stack.ports()
    pick = secrets.SystemRandom()
    candidates = pick.sample(PORT_RANGE, 500)
    ports, moved = choose_ports(
        kept=kept,
        names=PORT_NAMES,
        is_free=lambda port: (running and port in kept.values()) or port_is_free(port),
        candidates=candidates,
        preferred={"web": 8000} if stack.name == "dev" else None,
    )
    write_if_changed(stack.folder / "ports.json", json.dumps(ports, indent=2) + "\n")
    return moved


def settle_address(stack: Stack, *, is_free: Callable[[str], bool] | None = None) -> None:
    """Choose the directory's loopback address and keep it in address.json, as `settle_ports` does with ports.

    Raises StackError when each of them is taken.
    """
    is_free = is_free or address_is_free
    kept = stack.address()
    candidates = secrets.SystemRandom().sample(ADDRESSES, len(ADDRESSES))
    chosen = next((one for one in [*filter(None, [kept]), *candidates] if is_free(one)), None)
    if chosen is None:
        raise StackError(
            what="The directory has no address",
            why=f"on each of {ADDRESSES[0]} to {ADDRESSES[-1]} a port of a directory is taken or may not be used",
            do="end what listens there, or set SLIPWAY_DEV_DIRECTORY=file to do without a domain controller",
        )
    write_if_changed(stack.folder / "address.json", json.dumps({"directory": chosen}) + "\n")


def forget_address(stack: Stack) -> None:
    """The stack has no directory of its own from now on."""
    (stack.folder / "address.json").unlink(missing_ok=True)


def address_is_free(address: str) -> bool:
    """Whether a directory could listen on its ports of this address now."""
    return all(port_is_free(port, address) for port in DIRECTORY_PORTS)


def port_is_free(port: int, address: str = "127.0.0.1") -> bool:
    """Whether a server could listen on this port of this machine now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True
