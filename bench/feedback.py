"""From a report that CI sends to the comment on the pull request: through web, Redis, worker and forge, one by one."""

import sys
import time
from functools import partial
from typing import Any

import httpx

from bench import stack
from bench.bare import Clients
from bench.proxy import CountingProxy
from bench.stack import Portal
from bench.times import summary, until

REPORTS = 40
"""Fewer than a project may send in a minute."""
_PATIENCE = 60.0


def run(*, portal: Portal, clients: Clients, address: str, tag: str) -> dict[str, Any]:
    """Seconds from the call to the comment that names it, and until it is answered; calls for one more of them."""
    slug = f"{tag}-feedback"
    portal.ask(slug)
    until(lambda: bool(portal.get(f"/projects/{slug}/")["ready"]), f"{slug} did not become ready", seconds=_PATIENCE)
    token = portal.post(f"/projects/{slug}/credentials/ci-report/reveal/")["values"]["SLIPWAY_TOKEN"]
    forge, name = clients.forge, f"forecasting/{slug}"
    forge.create_branch(name, "change", "main")
    sha = forge.put_files(name, "change", "Change", {"train.py": b"weeks = 2\n"})
    number = forge.create_pull_request(name, "change", "main", "Change", "")
    told, answered = [], []
    with httpx.Client(base_url=address, headers={"Authorization": f"Bearer {token}"}, timeout=30) as ci:
        for count in range(REPORTS):
            began = time.perf_counter()
            answer = ci.post(f"/api/v1/projects/{slug}/reports/", json=_report(sha, number, count))
            answered.append(time.perf_counter() - began)
            if answer.status_code != 201:
                sys.exit(f"the report was answered {answer.status_code}: {answer.text[:500]}")
            named = partial(_named, forge, name, number, f"run-{count}")
            until(named, "the comment did not follow", seconds=_PATIENCE)
            told.append(time.perf_counter() - began)
        with stack.held("worker"):
            answer = ci.post(f"/api/v1/projects/{slug}/reports/", json=_report(sha, number, REPORTS))
            calls = _calls(slug)
    about = [one for one in calls if "/comments" in one]
    return {
        "reports": REPORTS,
        "told": summary(told),
        "answered": summary(answered),
        "calls": calls,
        "comment_calls": len(about),
    }


def _calls(slug: str) -> list[str]:
    """Tell in this process what the held worker would, and return each call to the forge that it takes."""
    from projects import feedback
    from projects.installation import installation
    from projects.models import Feedback
    from provisioning.targets import connect, forget_clients

    made = installation()
    with CountingProxy(made.catalogue.forge().url) as proxy:
        forge = made.catalogue.forge().model_copy(update={"url": proxy.url})
        row = Feedback.objects.exclude(pull_request=None).get(project__slug=slug)
        client = connect(forge, resolve=made.resolve)
        feedback.tell(row.pk, installation=made, open_client=lambda _: client)
        row.refresh_from_db()
        if row.told_id != row.report_id or row.why:
            sys.exit(f"the last report was not told: {row.why}")
    forget_clients()
    return [f"{one.method} {one.path}" for one in proxy.seen]


def _report(sha: str, number: int, count: int) -> dict[str, Any]:
    metrics = [
        {"name": f"metric {one}", "value": 1 + count / 100 + one, "direction": "lower", "threshold": 50}
        for one in range(20)
    ]
    tests = {"passed": 12, "failed": [{"name": "test_winter_weeks", "kind": "slice", "example": "912 instead of 240"}]}
    said = {"commit": sha, "branch": "change", "pull_request": number, "metrics": metrics, "tests": tests}
    return {**said, "run": f"run-{count}"}


def _named(forge: Any, name: str, number: int, run: str) -> bool:
    return any(one["body"].count(f"run {run}\n") for one in forge.comments(name, number))
