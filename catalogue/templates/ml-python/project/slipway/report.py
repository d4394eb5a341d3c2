"""Tell Slipway what this run of CI found: metrics, tests of the model's behaviour, and versions of data and code.

Needs nothing but Python. What it reads: metrics/metrics.json, metrics/tests.json, dvc.lock, requirements.lock, and PNG
images in plots/. Without SLIPWAY_URL, SLIPWAY_PROJECT and SLIPWAY_TOKEN (a fork's pull request has none) it prints the
report and ends well. It ends badly only when Slipway refuses the report.

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
from pathlib import Path
from typing import Any

# Over some four minutes: a portal that is being renewed misses no report, and with it no gate.
ATTEMPTS = 8
PLOTS, PLOT_BYTES = 5, 200_000
_DATA = re.compile(r"- path: (data/\S+)\n\s+hash: md5\n\s+md5: ([0-9a-f]+(?:\.dir)?)")


def report(root: Path, environ: Mapping[str, str], *, reproduced: bool | None) -> dict[str, Any]:
    """The report as Slipway takes it. Raises OSError when there are no metrics yet."""
    pull_request = environ.get("SLIPWAY_PULL_REQUEST", "")
    return {
        "commit": environ.get("GITHUB_SHA") or _commit(root),
        "branch": environ.get("GITHUB_HEAD_REF") or environ.get("GITHUB_REF_NAME") or "unknown",
        "pull_request": int(pull_request) if pull_request.isdecimal() else None,
        "run": environ.get("SLIPWAY_RUN") or environ.get("GITHUB_RUN_ID") or "by-hand",
        "run_url": environ.get("SLIPWAY_RUN_URL") or None,
        "metrics": json.loads((root / "metrics/metrics.json").read_text(encoding="utf-8"))["metrics"],
        "data_hash": data_hash(root / "dvc.lock"),
        "environment_hash": _digest(root / "requirements.lock"),
        "tests": _tests(root / "metrics/tests.json"),
        "reproduced": reproduced,
        "plots": _plots(root / "plots"),
    }


def data_hash(lock: Path) -> str | None:
    """One hash for all data that DVC has locked; None when it has none."""
    found = sorted(set(_DATA.findall(lock.read_text(encoding="utf-8")))) if lock.exists() else []
    lines = "".join(f"{path} {md5}\n" for path, md5 in found)
    return hashlib.sha256(lines.encode()).hexdigest() if lines else None


def _commit(root: Path) -> str:
    asked = subprocess.run(["git", "rev-parse", "HEAD"], cwd=root, capture_output=True, text=True, check=True)
    return asked.stdout.strip()


def _digest(path: Path) -> str | None:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else None


def _tests(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {"passed": 0, "failed": [], "regression_examples": 0}
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
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"There is nothing to report: {error}", file=sys.stderr)
        return 1
    names = ("SLIPWAY_URL", "SLIPWAY_PROJECT", "SLIPWAY_TOKEN")
    url, project, token = (environ.get(name, "") for name in names)
    if not (url and project and token):
        print(json.dumps({**found, "plots": [plot["name"] for plot in found["plots"]]}, indent=2))
        print("Not sent: this run has no key of Slipway's.")
        return 0
    return send(found, url=url, project=project, token=token)


if __name__ == "__main__":
    sys.exit(main())
