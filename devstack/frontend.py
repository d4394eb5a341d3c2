"""Front-end files and the identity provider's library, from npm; a warm run does nothing."""

import hashlib
import re
import subprocess

from devstack import say, toolchain
from devstack.errors import StackError
from devstack.files import write_atomically, write_if_changed
from devstack.stack import ROOT

MODULES = ROOT / "node_modules"
VENDOR = ROOT / "static" / "vendor"
COPIED = {"bootstrap.min.css": "bootstrap/dist/css/bootstrap.min.css"}


def without_source_map(css: str) -> str:
    """The style sheet without the comment that makes browsers, and Django's manifest, look for a map file."""
    return re.sub(r"/\*# sourceMappingURL=.*?\*/", "", css).rstrip() + "\n"


def ensure() -> None:
    """Install what package-lock.json says and copy the front-end files to static/vendor. Raises StackError."""
    wanted = hashlib.sha256((ROOT / "package-lock.json").read_bytes()).hexdigest()
    stamp = MODULES / ".slipway-stamp"
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != wanted:
        node = toolchain.node()
        with say.step("installing front-end packages (npm ci)"):
            command = [*toolchain.npm(node), "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
            done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
            if done.returncode != 0:
                raise StackError(
                    what="The front-end packages could not be installed",
                    why="\n".join((done.stdout + done.stderr).splitlines()[-8:]),
                    do="check the network and npm's settings, then run ./dev again",
                )
        write_atomically(stamp, wanted)
    for name, source in COPIED.items():
        write_if_changed(VENDOR / name, without_source_map((MODULES / source).read_text(encoding="utf-8")))
