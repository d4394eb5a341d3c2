"""Which data and model a run of CI came to, kept in the bucket, so that they can be had again.

`dvc push` keeps the bytes; which ones they were, dvc.lock and the *.dvc files say, and those end with the run. CI puts
them beside the bytes, in runs/<commit>-<run>/ of DVC's remote.

    python -m slipway.runs keep         what CI does
    python -m slipway.runs list         the runs that are kept, newest last
    python -m slipway.runs fetch NAME   dvc.lock and *.dvc as that run had them; then: dvc pull
"""

import argparse
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from slipway.report import commit, run

LOCK = "dvc.lock"


def name_of(commit: str, run: str) -> str:
    """What a run is kept under; in a folder's name no other characters than these."""
    return re.sub(r"[^A-Za-z0-9._-]", "-", f"{commit}-{run}")


def pinned(root: Path) -> list[str]:
    """The files that name data and model: dvc.lock, and each *.dvc that git has."""
    said = subprocess.run(["git", "ls-files", "-z", "*.dvc"], cwd=root, check=True, capture_output=True, text=True)
    return [path for path in (LOCK, *filter(None, said.stdout.split("\0"))) if (root / path).exists()]


def keep(root: Path, files: Any, folder: str, name: str) -> None:
    """Put the files of this run into the remote."""
    # The lock last: a folder that has one is a run that is kept, and whole.
    for path in reversed(pinned(root)):
        there = f"{folder}/{name}/{path}"
        files.makedirs(there.rpartition("/")[0], exist_ok=True)
        files.put_file(str(root / path), there)
    print(f"Which data and model this was is kept. To get them back: python -m slipway.runs fetch {name} && dvc pull")


def kept(files: Any, folder: str) -> list[str]:
    """The names of the runs, newest last."""
    if not files.exists(folder):
        return []
    locks = [path for path in files.find(folder) if path.endswith(f"/{LOCK}")]
    return [path.split("/")[-2] for path in sorted(locks, key=files.modified)]


def fetch(root: Path, files: Any, folder: str, name: str) -> int:
    """Bring the files of a run here; the exit code."""
    there = f"{folder}/{name}"
    found = list(files.find(there)) if re.fullmatch(r"\w[\w.-]*", name, re.ASCII) and files.exists(there) else []
    if not found:
        print(f"No run {name} is kept. Which ones are: python -m slipway.runs list", file=sys.stderr)
        return 1
    for path in found:
        here = (root / path.partition(f"/runs/{name}/")[2]).resolve()
        # Whoever may write to the bucket has named it.
        if not here.is_relative_to(root) or not (here.name == LOCK or here.suffix == ".dvc"):
            print(f"{path} is left where it is: it names no data.", file=sys.stderr)
            continue
        here.parent.mkdir(parents=True, exist_ok=True)
        files.get_file(path, str(here))
        print(here.relative_to(root))
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description="Keep which data and model a run came to, and get them back.")
    parser.add_argument("what", choices=("keep", "list", "fetch"))
    parser.add_argument("name", nargs="?", default="")
    chosen = parser.parse_args()
    from dvc.repo import Repo  # takes a second, which nobody waits for who only imports this

    root = Path(__file__).resolve().parents[1]
    remote = Repo(str(root)).cloud.get_remote()
    files, folder = remote.fs, f"{remote.path}/runs"
    if chosen.what == "keep":
        keep(root, files, folder, name_of(commit(root, os.environ), run(os.environ)))
    elif chosen.what == "list":
        sys.stdout.writelines(f"{name}\n" for name in kept(files, folder))
    else:
        return fetch(root, files, folder, chosen.name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
