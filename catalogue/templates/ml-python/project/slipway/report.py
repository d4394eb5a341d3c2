"""Tell Slipway what this run of CI found: metrics, tests of the model's behaviour, and versions of data and code.

Needs nothing but Python and git. What it reads: metrics/metrics.json, metrics/tests.json, dvc.lock, requirements.lock,
PNG images in plots/, .ci-cache/failed (what each step of CI said that did not end well), and from the environment which
commit, pull request and run it is about. A run that stopped early is reported too, without numbers. Without
SLIPWAY_URL, SLIPWAY_PROJECT and SLIPWAY_TOKEN (a fork's pull request has none) it prints the report and ends well. It
ends badly only when Slipway refuses the report.

    python slipway/report.py [--reproduced yes|no]
"""

import argparse
import base64
import hashlib
import json
import os
import re
import struct
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

# Over some four minutes: a portal that is being renewed misses no report, and with it no gate.
ATTEMPTS = 8
LONGEST_WAIT = 60
PLOTS, PLOT_BYTES, PLOT_PIXELS = 5, 200_000, 4096
STOPS = ("install", "pipeline", "again")
"""Steps of CI without which there is no model to speak of."""
FAILED, EXAMPLES = 200, 10_240
"""How many failed tests Slipway takes, and how many bytes of examples of all together."""
READ, LAST_WORDS = 20_000, 300
"""How many bytes at the end of what a failed step said are read, and how many are told; a comment shows no more."""
NOT_RUN = {
    "name": "the model tests did not run",
    "kind": "other",
    "example": "metrics/tests.json is not there, or older than the metrics: run `pytest tests/data tests/model`",
}
UNPINNED = (
    "The report names no data: the commit's dvc.lock is missing, or names other data than this run had. "
    "To pin the data, run `dvc repro` and commit dvc.lock and metrics/."
)
_STAGE = re.compile(r"^  \S.*:\n((?:   .*\n)+)", re.MULTILINE)
_SECTION = re.compile(r"^    (deps|outs):\n((?:    [- ].*\n)+)", re.MULTILINE)
_LOCKED = re.compile(r"^ *- path: (.+)\n(?: +hash: .+\n)? +(?:md5|etag|checksum): (\S+)$", re.MULTILINE)
_PLOT = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _.:/@%+-]{0,99}", re.ASCII)
_SECRET = re.compile(r"KEY|SECRET|TOKEN|PASS|CREDENTIAL", re.IGNORECASE)
_LOGIN = re.compile(r"(?<=://)[^/\s@]+@")


def report(root: Path, environ: Mapping[str, str], *, reproduced: bool | None) -> dict[str, Any]:
    """The report as Slipway takes it. Raises OSError when there are no metrics yet, though nothing failed."""
    pull_request = environ.get("SLIPWAY_PULL_REQUEST", "")
    broken = {step: _last_words(path, environ) for step, path in _failed(root)}
    # Where the pipeline did not end, metrics and data are those that the commit came with.
    stopped = not broken.keys().isdisjoint(STOPS)
    training = bool(environ.get("SLIPWAY_TRAINING"))
    return {
        "commit": commit(root, environ),
        "branch": environ.get("GITHUB_HEAD_REF") or environ.get("GITHUB_REF_NAME") or "unknown",
        "pull_request": int(pull_request) if pull_request.isdecimal() else None,
        "run": run(environ),
        "run_url": environ.get("SLIPWAY_RUN_URL") or None,
        "metrics": [] if stopped else _metrics(root),
        "data_hash": None if stopped else data_hash(root, training=training),
        "environment_hash": environment_hash(root / "requirements.lock"),
        "tests": _with_broken({"passed": 0, "failed": []} if stopped else _tests(root / "metrics"), broken),
        "reproduced": None if stopped else reproduced,
        "plots": [] if stopped else _plots(root / "plots"),
    }


def commit(root: Path, environ: Mapping[str, str]) -> str:
    """The commit that is tested."""
    return environ.get("SLIPWAY_COMMIT") or (_git(root, "rev-parse", "HEAD") or "").strip()


def run(environ: Mapping[str, str]) -> str:
    """A name of this run. The forge's own CI counts attempts: run again, it may find something else, and is another."""
    of_forge = "-".join(filter(None, (environ.get("GITHUB_RUN_ID"), environ.get("GITHUB_RUN_ATTEMPT"))))
    return environ.get("SLIPWAY_RUN") or of_forge or "by-hand"


def _metrics(root: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((root / "metrics/metrics.json").read_text(encoding="utf-8"))["metrics"]
    return found


def _failed(root: Path) -> Iterator[tuple[str, Path]]:
    """The steps of CI that did not end well, in their order, and where is what they said."""
    paths = (root / ".ci-cache/failed").glob("*")
    yield from ((path.name, path) for path in sorted(paths, key=lambda path: path.stat().st_mtime_ns))


def _last_words(path: Path, environ: Mapping[str, str]) -> str:
    """What a step said last, in one line, without what only this run may know."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - READ))
        text = file.read().decode("utf-8", "replace")
    secrets = {value for name, value in environ.items() if _SECRET.search(name) and len(value) > 3}
    # A secret may begin with another one.
    for value in sorted(secrets, key=len, reverse=True):
        text = text.replace(value, "***")
    text = "".join(one if one.isprintable() or one == "\n" else " " for one in _LOGIN.sub("***@", text))
    lines = (" ".join(line.split()) for line in text.splitlines())
    words = " / ".join(line for line in lines if line).encode()
    return words[-LAST_WORDS:].decode(errors="ignore").strip()


def _with_broken(tests: dict[str, Any], broken: Mapping[str, str]) -> dict[str, Any]:
    """The tests, and before them each failed step as one that fails: so the gate is shut, and says why. More tests and
    examples than Slipway takes are left out: it would refuse all.
    """
    steps = [
        {"name": f"CI {'stopped' if step in STOPS else 'failed'} at {step}", "kind": "other", "example": words}
        for step, words in broken.items()
    ]
    failed, room = [], EXAMPLES
    for one in [*steps, *tests["failed"]][:FAILED]:
        example = one.get("example", "").encode()[:room]
        room -= len(example)
        failed.append({**one, "example": example.decode(errors="ignore")})
    return {"regression_examples": 0, **tests, "failed": failed}


def data_hash(root: Path, *, training: bool = False) -> str | None:
    """One hash for all data that this run used and the commit pins; None when its dvc.lock names no or other data.

    A training may take other data than the commit pins, which it keeps in the bucket: that is what is named then.
    """
    lock, pinned = root / "dvc.lock", _git(root, "show", "HEAD:dvc.lock")
    used = _data(root, lock.read_text(encoding="utf-8")) if lock.exists() else ""
    named = used and (training or (pinned and used == _data(root, pinned)))
    return hashlib.sha256(used.encode()).hexdigest() if named else None


def _data(root: Path, lock: str) -> str:
    """Path and hash of the data, a line each: what stages read that neither git has nor a stage makes. A stage that
    reads nothing else than code brings data in by itself, as one does that asks a database: its outputs are data.
    """
    listed = (_git(root, "ls-files", "-z") or "").split("\0")
    code = {PurePosixPath(path) for path in listed if not path.endswith((".dvc", ".gitignore"))}
    code |= {parent for path in code for parent in path.parents}
    stages = [
        {section: _LOCKED.findall(entries) for section, entries in _SECTION.findall(body)}
        for body in _STAGE.findall(f"{lock}\n")
    ]
    made = [PurePosixPath(path) for one in stages for path, _ in one.get("outs", ())]
    found: set[tuple[str, str]] = set()
    for one in stages:
        read = [(path, md5) for path, md5 in one.get("deps", ()) if PurePosixPath(path) not in code]
        brought = read or [(path, md5) for path, md5 in one.get("outs", ()) if PurePosixPath(path) not in code]
        found |= {(path, md5) for path, md5 in brought if not read or not _overlaps(PurePosixPath(path), made)}
    return "".join(f"{path} {md5}\n" for path, md5 in sorted(found))


def _overlaps(path: PurePosixPath, others: Iterable[PurePosixPath]) -> bool:
    """Is it one of them, in one of them, or a folder that one is in?"""
    return any(path.is_relative_to(one) or one.is_relative_to(path) for one in others)


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
    """Images of the folder by name. What Slipway would not take is left out, and said: it would refuse all."""
    found = []
    for path in sorted(folder.glob("*.png")):
        content = path.read_bytes()
        if len(content) > PLOT_BYTES:
            why = f"it has {len(content):,} bytes, and {PLOT_BYTES:,} are the most"
        elif len(content) < 24 or not content.startswith(b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"):
            why = "it is no PNG"
        elif max(size := struct.unpack(">II", content[16:24])) > PLOT_PIXELS:
            why = f"it is {size[0]} x {size[1]} pixels, and {PLOT_PIXELS} each way are the most"
        elif not _PLOT.fullmatch(path.stem):
            why = "its name has other characters than A-Z a-z 0-9 space _ . : / @ % + -, or more than 100"
        elif len(found) == PLOTS:
            why = f"{PLOTS} are the most"
        else:
            content64 = base64.b64encode(content).decode()
            found.append({"name": path.stem, "media_type": "image/png", "content": content64})
            continue
        print(f"{path.name} is not sent: {why}.", file=sys.stderr)
    return found


class _AsAsked(urllib.request.HTTPRedirectHandler):
    """Follows no address that an answer names: the token would go there, and the report would not."""

    def redirect_request(self, *_: Any) -> None:
        return None


def send(found: Mapping[str, Any], *, url: str, project: str, token: str) -> int:
    """Deliver the report; the exit code. Slipway takes the same report twice, so an attempt may be repeated: where it
    does not answer, has no time for it, or says after which time to ask again (Retry-After).
    """
    request = urllib.request.Request(
        f"{url.rstrip('/')}/api/v1/projects/{project}/reports/",
        data=json.dumps(found).encode(),
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
        method="POST",
    )
    opener, asked = urllib.request.build_opener(_AsAsked), ""
    for attempt in range(ATTEMPTS):
        if attempt:
            time.sleep(max(1, min(int(asked), LONGEST_WAIT)) if asked.isdecimal() else 2**attempt)
            asked = ""
        try:
            with opener.open(request, timeout=20) as answer:
                print(f"Slipway has the report ({answer.status}).")
                return 0
        except urllib.error.HTTPError as error:
            said = error.read(4000).decode("utf-8", "replace")
            asked = error.headers.get("Retry-After") or ""
            if error.code < 500 and error.code != 429 and not asked:
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
