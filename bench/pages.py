"""Pages with a large fleet behind them: server time, queries, and what they weigh.

Runs on a database of its own beside the stack's (made, filled and removed here), with a web server of its own and no
worker, so that nobody tends the made-up projects. Started as a process of its own: `python -m bench.pages`.
"""

import gzip
import json
import os
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urljoin

import httpx

from bench.scratch import apart

FEW, MANY = 100, 10_000
VISITS = 60
PAGES: dict[str, tuple[str, str]] = {
    "start, alice": ("alice", "/"),
    "start, paula (all)": ("paula", "/"),
    "list by status": ("paula", "/?status=Needs+attention"),
    "list by search": ("paula", "/?q=lane"),
    "list sorted by name": ("paula", "/?sort=name"),
    "list sorted by status": ("paula", "/?sort=status"),
    "list sorted by end": ("paula", "/?sort=ends&team=team-03"),
    "account": ("alice", "/account/"),
    "project": ("alice", "/projects/{slug}/"),
    "people": ("alice", "/projects/{slug}/people/"),
    "usage": ("alice", "/projects/{slug}/usage/"),
    "credentials": ("alice", "/projects/{slug}/credentials/"),
    "activity": ("alice", "/projects/{slug}/activity/"),
    "new project": ("alice", "/projects/new/"),
    "teams": ("alice", "/teams/"),
    "team of the company": ("alice", "/teams/team-00/"),
    "requests": ("paula", "/requests/?show=all"),
    "platform": ("paula", "/platform/"),
}
"""Who looks at what; {slug} is a project of alice's."""


def run(*, many: int = MANY, visits: int = VISITS) -> dict[str, Any]:
    """Measure in a process of its own on a database of its own; what `main` prints, as data."""
    return apart("bench.pages", str(many), str(visits))


def main() -> int:
    """Fill the database twice, count queries with each filling, then time the pages with the larger one."""
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    django.setup()
    from django.core.management import call_command
    from django.db import connection

    from bench import fleet
    from projects import platform_figures

    many, visits = (int(argument) for argument in sys.argv[1:3])
    call_command("migrate", verbosity=0)
    fleet.people()
    fleet.company()
    fleet.projects(FEW)
    few = {name: queries(person, path) for name, (person, path) in PAGES.items()}
    fleet.projects(many - FEW, first=FEW)
    with connection.cursor() as cursor:
        # A fleet grows in weeks, so Postgres has long looked through it; here it would do so beside the first pages.
        cursor.execute("VACUUM ANALYZE")
    full = {name: queries(person, path) for name, (person, path) in PAGES.items()}
    # A worker counts the fleet every half minute; without one, the dashboard would count for itself at each visit.
    platform_figures.refresh()
    with web() as address:
        measured = {
            name: {
                **times(address, person, path, visits=visits),
                "queries": full[name],
                "queries_few": few[name],
                "kilobytes": weight(address, person, path),
            }
            for name, (person, path) in PAGES.items()
        }
    print(json.dumps({"projects": many, "visits": visits, "pages": measured}))
    return 0


def queries(person: str, path: str) -> int:
    """How many queries the page makes, session and all; the second visit counts."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from bench import fleet

    browser = fleet.browser(person)
    for _ in range(2):
        with CaptureQueriesContext(connection) as seen:
            answer = browser.get(path.format(slug=fleet.ALICES), HTTP_HOST="localhost")
            # A streamed answer makes its queries while it is read.
            if answer.status_code != 200 or not answer.getvalue():
                sys.exit(f"{path} was answered {answer.status_code}")
    return len(seen)


@contextmanager
def web() -> Iterator[str]:
    """A web server on this database, as it is run elsewhere; its address."""
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    command = [os.path.join(os.path.dirname(sys.executable), "gunicorn"), "portal.wsgi", "-c", "portal/gunicorn.py"]
    running = subprocess.Popen(command, env={**os.environ, "BIND": f"127.0.0.1:{port}"}, stdout=sys.stderr)
    try:
        deadline = time.monotonic() + 30
        while not _answers(address):
            if time.monotonic() > deadline:
                sys.exit("the web server did not start within 30 s")
            time.sleep(0.1)
        yield address
    finally:
        running.terminate()
        running.wait()


def _answers(address: str) -> bool:
    try:
        return httpx.get(f"{address}/healthz").status_code == 200
    except httpx.TransportError:
        return False


def times(address: str, person: str, path: str, *, visits: int) -> dict[str, float]:
    """Milliseconds from request to the whole answer, one visit after another."""
    from bench import fleet

    with httpx.Client(cookies=fleet.cookies(person)) as client:
        took = []
        for number in range(visits + 5):
            began = time.perf_counter()
            answer = client.get(address + path.format(slug=fleet.ALICES))
            if answer.status_code != 200:
                sys.exit(f"{path} was answered {answer.status_code}")
            if number >= 5:  # the first few warm connections up and don't count
                took.append(1000 * (time.perf_counter() - began))
    ordered = sorted(took)
    return {"p50": statistics.median(ordered), "p95": ordered[int(len(ordered) * 0.95) - 1]}


def weight(address: str, person: str, path: str) -> float:
    """Kilobytes of the page, its styles and its scripts on the way: compressed, as a proxy sends pages."""
    from bench import fleet

    with httpx.Client(cookies=fleet.cookies(person), headers={"Accept-Encoding": "gzip"}) as client:
        page = client.get(address + path.format(slug=fleet.ALICES))
        total = len(gzip.compress(page.content, 6))
        for reference in sorted(set(re.findall(r'(?:src|href)="(/static/[^"#]+)', page.text))):
            with client.stream("GET", urljoin(address, reference)) as answer:
                total += sum(len(part) for part in answer.iter_raw())
    return total / 1000


if __name__ == "__main__":
    sys.exit(main())
