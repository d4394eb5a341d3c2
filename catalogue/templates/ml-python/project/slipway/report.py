"""Tell Slipway what this run of CI found: metrics, tests of the model's behaviour, and versions of data and code.

Needs nothing but Python and git. What it reads: metrics/metrics.json, metrics/tests.json, dvc.lock, requirements.lock,
PNG images in plots/, and from the environment which commit, pull request and run it is about. Without SLIPWAY_URL,
SLIPWAY_PROJECT and SLIPWAY_TOKEN (a fork's pull request has none) it prints the report and ends well. It ends badly
only when Slipway refuses the report.

    python slipway/report.py [--reproduced yes|no]
"""

import argparse
import base64
import hashlib
import json
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

# Over some four minutes: a portal that is being renewed misses no report, and with it no gate.
ATTEMPTS = 8
PLOTS, PLOT_BYTES = 5, 200_000
NOT_DATA = ("metrics/", "models/", "plots/")
"""What the pipeline makes of the data."""
NOT_RUN = {
    "name": "the model tests did not run",
    "kind": "other",
    "example": "metrics/tests.json is not there, or older than the metrics: run `pytest tests/data tests/model`",
}
UNPINNED = (
    "The report names no data: the commit's dvc.lock is missing, or names other data than this run had. "
    "To pin the data, run `dvc repro` and commit dvc.lock and metrics/metrics.json."
)
_LOCKED = re.compile(r"^ *- path: (.+)\n(?: +hash: .+\n)? +(?:md5|etag|checksum): (\S+)$", re.MULTILINE)


def report(root: Path, environ: Mapping[str, str], *, reproduced: bool | None) -> dict[str, Any]:
    """The report as Slipway takes it. Raises OSError when there are no metrics yet."""
    pull_request = environ.get("SLIPWAY_PULL_REQUEST", "")
    return {
        "commit": environ.get("SLIPWAY_COMMIT") or (_git(root, "rev-parse", "HEAD") or "").strip(),
        "branch": environ.get("GITHUB_HEAD_REF") or environ.get("GITHUB_REF_NAME") or "unknown",
        "pull_request": int(pull_request) if pull_request.isdecimal() else None,
        "run": environ.get("SLIPWAY_RUN") or _run(environ) or "by-hand",
        "run_url": environ.get("SLIPWAY_RUN_URL") or None,
        "metrics": json.loads((root / "metrics/metrics.json").read_text(encoding="utf-8"))["metrics"],
        "data_hash": data_hash(root, training=bool(environ.get("SLIPWAY_TRAINING"))),
        "environment_hash": environment_hash(root / "requirements.lock"),
        "tests": _tests(root / "metrics"),
        "reproduced": reproduced,
        "plots": _plots(root / "plots"),
    }


def _run(environ: Mapping[str, str]) -> str:
    """The run as the forge's own CI names it: run again, it may find something else, and is another one."""
    return "-".join(filter(None, (environ.get("GITHUB_RUN_ID"), environ.get("GITHUB_RUN_ATTEMPT"))))


def data_hash(root: Path, *, training: bool = False) -> str | None:
    """One hash for all data that this run used and the commit pins; None when its dvc.lock names no or other data.

    A training may take other data than the commit pins, which it keeps in the bucket: that is what is named then.
    """
    lock, pinned = root / "dvc.lock", _git(root, "show", "HEAD:dvc.lock")
    used = _data(root, lock.read_text(encoding="utf-8")) if lock.exists() else ""
    named = used and (training or (pinned and used == _data(root, pinned)))
    return hashlib.sha256(used.encode()).hexdigest() if named else None


def _data(root: Path, lock: str) -> str:
    """Path and hash of what DVC has locked and git has not, but for what is made of it; a line each."""
    listed = (_git(root, "ls-files", "-z") or "").split("\0")
    code = {PurePosixPath(path) for path in listed if not path.endswith((".dvc", ".gitignore"))}
    code |= {parent for path in code for parent in path.parents}
    found = {(path, md5) for path, md5 in _LOCKED.findall(lock) if not path.startswith(NOT_DATA)}
    return "".join(f"{path} {md5}\n" for path, md5 in sorted(found) if PurePosixPath(path) not in code)


def environment_hash(lock: Path) -> str | None:
    """One hash for the locked packages and the Python that they run on; None when nothing is locked."""
    if not lock.exists():
        return None
    python = f"python {sys.version_info.major}.{sys.version_info.minor}\n"
    return hashlib.sha256(python.encode() + lock.read_bytes()).hexdigest()


def _git(root: Path, *words: str) -> str | None:
    """What git prints; None when it says no."""
    asked = subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, check=False)
    return asked.stdout if asked.returncode == 0 else None


def _tests(folder: Path) -> dict[str, Any]:
    """How the model tests went. Results from before the metrics are some other model's."""
    path = folder / "tests.json"
    if not path.exists() or path.stat().st_mtime_ns < (folder / "metrics.json").stat().st_mtime_ns:
        return {"passed": 0, "failed": [NOT_RUN], "regression_examples": 0}
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def _plots(folder: Path) -> list[dict[str, str]]:
    images = [path for path in sorted(folder.glob("*.png")) if path.stat().st_size <= PLOT_BYTES][:PLOTS]
    return [
        {"name": path.stem, "media_type": "image/png", "content": base64.b64encode(path.read_bytes()).decode()}
        for path in images
    ]


def send(found: Mapping[str, Any], *, url: str, project: str, token: str) -> int:
    """Deliver the report; the exit code. Slipway takes the same report twice, so an attempt may be repeated."""
    request = urllib.request.Request(
        f"{url.rstrip('/')}/api/v1/projects/{project}/reports/",
        data=json.dumps(found).encode(),
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
        method="POST",
    )
    for attempt in range(ATTEMPTS):
        if attempt:
            time.sleep(2**attempt)
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                print(f"Slipway has the report ({answer.status}).")
                return 0
        except urllib.error.HTTPError as error:
            said = error.read(4000).decode("utf-8", "replace")
            if error.code < 500 and error.code != 429:
                print(f"Slipway refused the report ({error.code}): {said}", file=sys.stderr)
                return 1
            print(f"Slipway answered {error.code}.", file=sys.stderr)
        except OSError as error:
            print(f"Slipway does not answer: {error}", file=sys.stderr)
    print("The report was not delivered. Run this job again when Slipway is back.", file=sys.stderr)
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description="Tell Slipway what this run found.")
    parser.add_argument("--reproduced", choices=("yes", "no"), help="whether a second run gave the same metrics")
    chosen = parser.parse_args().reproduced
    root, environ = Path(__file__).resolve().parents[1], os.environ
    try:
        found = report(root, environ, reproduced=None if chosen is None else chosen == "yes")
    except OSError as error:
        print(f"There is nothing to report: {error}", file=sys.stderr)
        return 1
    if found["data_hash"] is None:
        print(UNPINNED, file=sys.stderr)
    names = ("SLIPWAY_URL", "SLIPWAY_PROJECT", "SLIPWAY_TOKEN")
    url, project, token = (environ.get(name, "") for name in names)
    if not (url and project and token):
        print(json.dumps({**found, "plots": [plot["name"] for plot in found["plots"]]}, indent=2))
        print("Not sent: this run has no key of Slipway's.")
        return 0
    return send(found, url=url, project=project, token=token)


if __name__ == "__main__":
    sys.exit(main())
