"""`./dev image`: builds the container image and tries it on a running stack, without a container engine or a registry.

buildah builds it (as root, in a chroot), on a base that debootstrap makes under the name that the Dockerfile asks for.
Wheels are fetched outside, with this machine's own pip settings, and mounted into the build: so the image's build needs
no index, and the lock's hashes still decide. Then each role is started with a read-only root file system.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

from devstack import frontend, machine, python_env, say, toolchain
from devstack.commands import STACKS
from devstack.control import is_running
from devstack.errors import StackError
from devstack.files import last_lines, remove_tree, write_atomically
from devstack.image_trial import try_out
from devstack.machine import Package
from devstack.stack import ROOT, open_stack

BASE = "docker.io/library/debian:bookworm-slim"
SUITE = "bookworm"
PYTHON = "3.11"
TAG = "localhost/slipway"
PACKAGES = (
    Package("buildah", lambda: shutil.which("buildah") is not None, "builds the image"),
    Package("debootstrap", lambda: shutil.which("debootstrap") is not None, "makes the base image"),
)
# What the official slim image leaves out too.
LEFT_OUT = ("var/cache/apt", "var/lib/apt/lists", "usr/share/doc", "usr/share/man", "usr/share/locale")


def folder() -> Path:
    """Where images and wheels are kept; `./dev clean --all` removes it with the rest of the cache."""
    return toolchain.cache() / "image"


def buildah(*arguments: str) -> list[str]:
    """A buildah command on our own storage; vfs works everywhere, also inside another container."""
    storage = ("--root", str(folder() / "storage"), "--runroot", str(folder() / "run"), "--storage-driver", "vfs")
    return ["buildah", *storage, *arguments]


def environment() -> dict[str, str]:
    """What buildah needs in its environment to do without an engine."""
    return {**os.environ, "BUILDAH_ISOLATION": "chroot", "TMPDIR": str(folder() / "tmp")}


def main(arguments: Sequence[str]) -> int:
    """Build, try, say what came of it. Returns 0 when the image does what it should. Raises StackError."""
    parser = argparse.ArgumentParser(prog="./dev image", description="Build the container image and try it.")
    parser.add_argument("--build-only", action="store_true", help="do not start it")
    options = parser.parse_args(arguments)
    if os.geteuid() != 0:
        raise StackError(
            what="The image cannot be built here",
            why="without a container engine, buildah and debootstrap need root",
            do="run it as root, or build with an engine of yours: docker build -t slipway .",
        )
    running = next((stack for stack in map(open_stack, STACKS) if is_running(stack)), None)
    if running is None and not options.build_only:
        raise StackError(
            what="The image cannot be tried",
            why="no stack runs, and the portal needs its servers",
            do="./dev up first, or ./dev image --build-only",
        )
    machine.ensure(PACKAGES)
    python_env.ensure(level="base")
    frontend.ensure()
    for name in ("tmp", "run", "logs"):
        (folder() / name).mkdir(parents=True, exist_ok=True)
    ensure_base()
    build(wheels())
    say.line(f"image {TAG}: {size(TAG)} (base {size(BASE)}), kept in {folder()}")
    if options.build_only or running is None:
        return 0
    with say.step("making a container"):
        container, root = start_container()
    try:
        faults = try_out(
            stack=running,
            root=root,
            command=lambda *words: buildah("run", "--isolation", "chroot", *words),
            container=container,
            environment=environment(),
            scratch=folder() / "trial",
        )
    finally:
        run("remove the container", *buildah("rm", container))
        remove_tree(folder() / "tmp")
    for fault in faults:
        say.fail(f"  {fault}")
    say.line(f"the image has {len(faults)} fault(s)" if faults else "the image does what it should")
    return 1 if faults else 0


def wheels() -> Path:
    """The folder with exactly the wheels that the image's locks name, fetched when one of them has changed."""
    target = folder() / "wheels"
    locks = [ROOT / "requirements" / f"{name}.txt" for name in ("base", "templates")]
    digests = "\n".join(map(python_env.digest, locks))
    stamp = target / "lock.sha256"
    if stamp.exists() and stamp.read_text(encoding="utf-8") == digests:
        return target
    remove_tree(target)
    target.mkdir(parents=True)
    with say.step("fetching wheels"):
        pip = (str(python_env.PYTHON), "-m", "pip", "download", "-q", "--disable-pip-version-check", "--no-deps")
        wanted = ("--require-hashes", "--only-binary", ":all:", "--python-version", PYTHON)
        for lock in locks:
            run("fetch the wheels", *pip, *wanted, "--requirement", str(lock), "--dest", str(target))
    write_atomically(stamp, digests)
    return target


def ensure_base() -> None:
    """Have the base image in our storage. It stands in for the registry's one: same suite, made from its packages."""
    known = subprocess.run(buildah("images", "-q", BASE), env=environment(), capture_output=True, check=False)
    if known.returncode == 0 and known.stdout.strip():
        return
    rootfs, context = folder() / "rootfs", folder() / "base"
    remove_tree(rootfs)
    remove_tree(context)
    context.mkdir(parents=True)
    with say.step("making the base image (about a minute)"):
        run("make the base system", "debootstrap", "--variant=minbase", SUITE, str(rootfs))
        for name in LEFT_OUT:
            remove_tree(rootfs / name)
            (rootfs / name).mkdir(parents=True)
        # debootstrap copies this machine's own.
        for name in ("etc/resolv.conf", "etc/hostname"):
            (rootfs / name).write_text("", encoding="utf-8")
        run("pack the base system", "tar", "-C", str(rootfs), "-cf", str(context / "base.tar"), ".")
        remove_tree(rootfs)
        (context / "Dockerfile").write_text('FROM scratch\nADD base.tar /\nCMD ["bash"]\n', encoding="utf-8")
        run("make the base image", *buildah("bud", "-q", "-t", BASE, str(context)))
        remove_tree(context)


def build(wheels: Path) -> None:
    """Build the Dockerfile. Layers are not kept: on this storage each is a whole copy."""
    arguments = ("PIP_NO_INDEX=1", "PIP_FIND_LINKS=/wheels")
    given = [word for argument in arguments for word in ("--build-arg", argument)]
    before = images()
    with say.step("building the image (about two minutes)"):
        mount = ("--volume", f"{wheels}:/wheels:ro")
        run("build the image", *buildah("bud", "--pull-never", "-t", TAG, *mount, *given, str(ROOT)))
    # The image that had the tag before is a full copy that nobody can reach by a name any more.
    for stale in before - images(named=True):
        run("remove the old image", *buildah("rmi", "--force", stale))


def images(*, named: bool = False) -> set[str]:
    """Ids of the images in our storage; with `named`, only of those that have a name."""
    found = json.loads(run("list the images", *buildah("images", "--no-trunc", "--json")) or "null") or []
    return {str(image["id"]) for image in found if image.get("names") or not named}


def size(name: str) -> str:
    """The size of an image, unpacked."""
    return run("ask for its size", *buildah("images", "--format", "{{.Size}}", name)).strip()


def start_container() -> tuple[str, Path]:
    """A container of the image, and the folder of its root file system."""
    name = run("make a container", *buildah("from", "--pull-never", TAG)).strip()
    return name, Path(run("find its files", *buildah("mount", name)).strip())


def run(what: str, *command: str) -> str:
    """Run one step, its errors into a log. Returns what it printed. Raises StackError with the log's end."""
    log = folder() / "logs" / "image.log"
    with log.open("ab") as errors:
        errors.write(f"\n$ {' '.join(command)}\n".encode())
        errors.flush()
        done = subprocess.run(
            command, env=environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors, check=False
        )
        errors.write(done.stdout)
    if done.returncode != 0:
        how = f"signal {signal.Signals(-done.returncode).name}" if done.returncode < 0 else f"code {done.returncode}"
        raise StackError(
            what=f"Could not {what}",
            why=f"{command[0]} ended with {how}; the end of {log}:\n{last_lines(log, count=12)}",
            do="mend what the log says, then run ./dev image again",
        )
    return done.stdout.decode(errors="replace")
