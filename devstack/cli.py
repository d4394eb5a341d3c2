"""Which command is which; the executable `dev` calls `main`."""

import importlib
import importlib.util
import signal
import sys
from collections.abc import Sequence

from devstack import commands, say
from devstack.endpoints import VARIABLES
from devstack.errors import StackError
from devstack.up import up

HELP = """\
./dev up [--foreground]     everything on this machine: installs and builds what is missing, starts the servers and the
                            portal, takes a sample project to Ready. Again: brings a running stack up to date.
                            With --foreground it stays attached, and Ctrl-C ends everything.
./dev down                  end everything
./dev status                what runs
./dev logs NAME [-f]        what a process said
./dev test [ARGUMENTS]      pytest on real servers of its own; ARGUMENTS go to pytest. SLIPWAY_KEEP=1 keeps them up.
./dev check                 lint, types, import contracts, migrations, OpenAPI
./dev pictures              take the pictures of the pages in docs/images/ anew, on real servers of their own
./dev bench [PART ...]      the measurements, all or some; `./dev bench pages` for the pages
./dev build [SERVER ...]    build the servers into the cache and start nothing
./dev image [ARGUMENTS]     build and try the container image
./dev clean [--all]         remove the stacks' state; with --all also what was built and installed, with sizes

State is kept in .slipway/ (or $SLIPWAY_STATE_DIR), built servers in ${XDG_CACHE_HOME:-~/.cache}/slipway/.
A server that the environment names is used as it is, and nothing is built for it:
""" + "\n".join(f"  {name:26} {meaning}" for name, meaning in VARIABLES.items())


def main(arguments: Sequence[str]) -> int:
    """Run one command. Returns the exit code: 1 for a step that failed, 2 for a wrong call, 130 after Ctrl-C."""
    command, rest = (arguments[0], arguments[1:]) if arguments else ("help", [])
    # So that a plain kill takes the same way out as Ctrl-C: everything started is ended.
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        return _run(command, rest)
    except StackError as error:
        say.fail(f"\n{error.text()}")
        return 1
    except KeyboardInterrupt:
        return 130


def _run(command: str, rest: Sequence[str]) -> int:
    if command == "up":
        if unknown := [argument for argument in rest if argument != "--foreground"]:
            return _wrong(f"up knows no {unknown[0]}")
        return up(foreground="--foreground" in rest)
    if command == "image":
        return _image(rest)
    with_arguments = {
        "logs": commands.logs,
        "test": commands.test,
        "bench": commands.bench,
        "clean": commands.clean,
        "build": commands.build,
    }
    if command in with_arguments:
        return with_arguments[command](rest)
    plain = {
        "down": commands.down,
        "status": commands.status,
        "check": commands.check,
        "pictures": commands.pictures,
    }
    if command in plain:
        return plain[command]() if not rest else _wrong(f"{command} takes no arguments")
    if command in ("help", "-h", "--help"):
        say.plain(HELP)
        return 0
    return _wrong(f"there is no command {command}")


def _wrong(text: str) -> int:
    say.fail(f"{text}\n\n{HELP}")
    return 2


def _image(rest: Sequence[str]) -> int:
    if importlib.util.find_spec("devstack.image") is None:
        say.fail("The image comes with the Dockerfile, and neither is here yet.")
        return 1
    code: int = importlib.import_module("devstack.image").main(rest)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
