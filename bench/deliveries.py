"""A forge that pushes without a pause while the portal makes many projects: is each delivery taken, and how fast?

The senders are a process of their own (`bench.sender`), so that what they need of a CPU doesn't look like the portal's
time. An answer's time begins when the delivery was due, not when a connection was free for it.
"""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from bench.bare import Clients
from bench.measure import CONCURRENCY
from bench.stack import Portal
from bench.times import summary, until

PER_SECOND, SECONDS = 50, 10
REPOSITORIES = 10
_PATIENCE = 300.0


def run(*, portal: Portal, clients: Clients, address: str, tag: str, bulk: int) -> dict[str, Any]:
    """Seconds until deliveries are answered and until the worker has dealt with them; how many are lost."""
    hooks = [_hook(f"{tag}-d{number}", portal=portal, clients=clients) for number in range(REPOSITORIES)]
    slugs = [f"{tag}-b{number}" for number in range(bulk)]
    with ThreadPoolExecutor(CONCURRENCY) as pool:
        list(pool.map(portal.ask, slugs))
    plan = {"address": address, "per_second": PER_SECOND, "seconds": SECONDS, "hooks": hooks, "tag": tag}
    command = [sys.executable, "-m", "bench.sender"]
    before = _ready(slugs)
    done = subprocess.run(command, input=json.dumps(plan), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"the senders failed: {done.stderr[-2000:]}")
    after = _ready(slugs)
    came: dict[str, Any] = json.loads(done.stdout)
    sent: list[dict[str, Any]] = came["deliveries"]
    dealt = _dealt_with(tag)
    answered = [one["seconds"] for one in sent if one["status"] == 202]
    times = [one["due"] + one["late"] for one in sent]
    return {
        "per_second": (len(sent) - 1) / (max(times) - min(times)),
        "sent": len(sent),
        "sent_late": summary([one["late"] for one in sent]),
        "answered": summary(answered),
        "healthz_meanwhile": summary(came["healthz"]),
        "dealt_with": summary(dealt),
        "lost": len(sent) - min(len(answered), len(dealt)),
        "bulk": {"projects": bulk, "ready_before": before, "ready_after": after},
    }


def _hook(slug: str, *, portal: Portal, clients: Clients) -> dict[str, str]:
    """A project's hook as its forge knows it, once the project is ready."""
    from projects.installation import installation
    from projects.models import Project
    from provisioning.kinds.webhook import PURPOSE_PROFILE, hook_path

    portal.ask(slug)
    until(lambda: bool(portal.get(f"/projects/{slug}/")["ready"]), f"{slug} did not become ready", seconds=_PATIENCE)
    project = Project.objects.get(slug=slug, deleted_at=None)
    name = f"forecasting/{slug}"
    return {
        "path": hook_path(forge=installation().catalogue.defaults.forge, uid=project.uid),
        "secret": installation().key_ring.derive(uid=str(project.uid), purpose=PURPOSE_PROFILE),
        "repository": name,
        "commit": str(clients.forge.branch_head(name, "main")["sha"]),
    }


def _ready(slugs: list[str]) -> int:
    from projects.models import Project

    return Project.objects.filter(slug__in=slugs, ready_at__isnull=False).count()


def _dealt_with(tag: str) -> list[float]:
    """Wait until the worker has an outcome for each delivery that was noted; seconds from the one to the other."""
    from projects.models import Delivery

    noted = Delivery.objects.filter(delivery_id__startswith=f"{tag}-")
    until(
        lambda: not noted.filter(answered_at=None).exists(),
        "the deliveries were not all dealt with",
        seconds=_PATIENCE,
        every=0.1,
    )
    times = noted.values_list("received_at", "answered_at")
    return [(end - begin).total_seconds() for begin, end in times if end is not None]
