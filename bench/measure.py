"""The measurements themselves. Each returns plain data; what they mean stands in DESIGN's table of numbers."""

import statistics
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

from bench import bare, stack
from bench.proxy import CountingProxy
from bench.times import p95

CONCURRENCY = 8


def _rows(slugs: list[str]) -> dict[str, tuple[datetime, datetime | None]]:
    """accepted and ready times of projects, by the database's rows."""
    from projects.models import Project

    found = Project.objects.filter(slug__in=slugs, deleted_at=None).values_list("slug", "accepted_at", "ready_at")
    return {slug: (accepted, ready) for slug, accepted, ready in found}


def _wait_ready(slugs: list[str], *, seconds: float, every: float) -> dict[str, tuple[datetime, datetime]]:
    """Wait until all are ready. Raises TimeoutError naming what is not."""
    deadline = time.monotonic() + seconds
    while True:
        rows = _rows(slugs)
        done = {slug: (accepted, ready) for slug, (accepted, ready) in rows.items() if ready is not None}
        if len(done) == len(slugs):
            return done
        if time.monotonic() > deadline:
            raise TimeoutError(f"not ready after {seconds:.0f} s: {sorted(set(slugs) - set(done))[:5]}")
        time.sleep(every)


def one_project(*, portal: stack.Portal, clients: bare.Clients, pairs: int, tag: str) -> dict[str, Any]:
    """R1: accepted to ready of one project on an idle portal, by turns with the bare script."""
    platform = stack.catalogue()
    ours, floor, posts = [], [], []
    for number in range(-1, pairs):  # the first pair warms both sides up and does not count
        slug = f"{tag}-p{number + 1}"
        posts.append(portal.ask(slug))
        accepted, ready = _wait_ready([slug], seconds=60, every=0.03)[slug]
        ours.append((ready - accepted).total_seconds())
        wish = stack.wish(f"{tag}-b{number + 1}", platform=platform)
        floor.append(bare.make_project(wish, clients, bare.bodies(wish)))
    ours, floor, posts = ours[1:], floor[1:], posts[1:]
    ratios = [a / b for a, b in zip(ours, floor, strict=True)]
    return {
        "pairs": pairs,
        "portal_seconds": ours,
        "bare_seconds": floor,
        "submit_seconds": posts,
        "median_portal": statistics.median(ours),
        "median_bare": statistics.median(floor),
        "ratio_of_medians": statistics.median(ours) / statistics.median(floor),
        "median_of_ratios": statistics.median(ratios),
        "min_ratio": min(ratios),
        "max_ratio": max(ratios),
    }


def many_projects(*, portal: stack.Portal, clients: bare.Clients, count: int, pairs: int, tag: str) -> dict[str, Any]:
    """R2 and the second half of R8: projects asked for at once; first ask to last ready, and submits meanwhile."""
    platform = stack.catalogue()
    ours: list[float] = []
    floor: list[float] = []
    meanwhile: list[float] = []
    burst: list[float] = []
    cpu: list[dict[str, float]] = []
    for number in range(pairs):
        wishes = [stack.wish(f"{tag}-m{number}b{index}", platform=platform) for index in range(count)]
        prepared = [(wish, bare.bodies(wish)) for wish in wishes]
        started = time.perf_counter()
        with ThreadPoolExecutor(CONCURRENCY) as pool:
            list(pool.map(lambda one: bare.make_project(one[0], clients, one[1]), prepared))
        floor.append(time.perf_counter() - started)

        slugs = [f"{tag}-m{number}p{index}" for index in range(count)]
        before = {name: stack.cpu_seconds(pid) for name, pid in stack.pids().items()}
        with ThreadPoolExecutor(CONCURRENCY) as pool:
            burst += list(pool.map(portal.ask, slugs))
        extra: list[str] = []
        stop = threading.Event()
        sampler = threading.Thread(target=_submit_slowly, args=(portal, f"{tag}-m{number}x", extra, meanwhile, stop))
        sampler.start()
        done = _wait_ready(slugs, seconds=900, every=0.25)
        stop.set()
        sampler.join()
        after = {name: stack.cpu_seconds(pid) for name, pid in stack.pids().items()}
        first = min(accepted for accepted, _ in done.values())
        last = max(ready for _, ready in done.values())
        ours.append((last - first).total_seconds())
        made = count + len(extra)
        cpu.append({name: round((after[name] - before.get(name, 0.0)) / made, 4) for name in after if name in before})
        _wait_ready(extra, seconds=120, every=0.25)
    ratios = [a / b for a, b in zip(ours, floor, strict=True)]
    return {
        "projects": count,
        "concurrency": CONCURRENCY,
        "portal_seconds": ours,
        "bare_seconds": floor,
        "median_of_ratios": statistics.median(ratios),
        "min_ratio": min(ratios),
        "max_ratio": max(ratios),
        "projects_per_minute": 60 * count / statistics.median(ours),
        "submit_meanwhile_p95": p95(meanwhile),
        "submit_meanwhile_count": len(meanwhile),
        "submit_burst_p95": p95(burst),
        "cpu_seconds_per_project": cpu,
    }


def _submit_slowly(portal: stack.Portal, tag: str, slugs: list[str], times: list[float], stop: threading.Event) -> None:
    """A submit each half second while the bulk run works; at most 60 of them."""
    while not stop.wait(0.5) and len(slugs) < 60:
        slug = f"{tag}{len(slugs)}"
        times.append(portal.ask(slug))
        slugs.append(slug)


def submits(*, portal: stack.Portal, count: int, tag: str) -> dict[str, Any]:
    """R8, idle: each submit waits until the one before is ready."""
    times = []
    for number in range(count):
        slug = f"{tag}-s{number}"
        times.append(portal.ask(slug))
        _wait_ready([slug], seconds=60, every=0.05)
    return {"count": count, "seconds": times, "p95": p95(times), "median": statistics.median(times)}


def calls(*, tag: str) -> dict[str, Any]:
    """R3 and R4: what goes over the wire for one project, and for a look that finds nothing to do."""
    from django.conf import settings
    from django.test import override_settings

    from projects.installation import Installation
    from provisioning.targets import forget_clients

    made: Installation = settings.INSTALLATION
    platform = made.catalogue
    tls = stack.folder() / "tls"
    cluster, store, forge = platform.cluster(), platform.object_store(), platform.forge()
    with (
        CountingProxy(cluster.api, certificate=tls / "server.pem", key=tls / "server.key") as in_cluster,
        CountingProxy(store.endpoint) as in_store,
        CountingProxy(forge.url) as in_forge,
    ):
        proxies = {"cluster": in_cluster, "object_store": in_store, "forge": in_forge}
        through = platform.model_copy(
            update={
                "clusters": (cluster.model_copy(update={"api": in_cluster.url}),),
                "object_stores": (store.model_copy(update={"endpoint": in_store.url}),),
                "forges": (forge.model_copy(update={"url": in_forge.url}),),
            }
        )
        forget_clients()
        with override_settings(INSTALLATION=Installation(**{**vars(made), "catalogue": through})):
            # A first project pays for discovery, which later ones share.
            _timeline(f"{tag}-c0")
            for proxy in proxies.values():
                proxy.seen.clear()
            making = _timeline(f"{tag}-c1")
            first = {name: [f"{one.method} {one.path}" for one in proxy.seen] for name, proxy in proxies.items()}
            for proxy in proxies.values():
                proxy.seen.clear()
            _look_again(f"{tag}-c1")
            writes = [f"{one.method} {one.path}" for proxy in proxies.values() for one in proxy.writes]
            reads = sum(len(proxy.seen) for proxy in proxies.values())
    forget_clients()
    objects = bare.objects_made(bare.bodies(stack.wish(f"{tag}-c1", platform=platform)))
    total = sum(len(one) for one in first.values())
    return {
        "objects": objects,
        "calls": {name: len(one) for name, one in first.items()},
        "calls_total": total,
        "ratio": total / objects,
        "second_look_writes": len(writes),
        "second_look_written": writes,
        "second_look_reads": reads,
        "made_through_proxy": making,
        "all_calls": first,
    }


def breakdown(*, tag: str, runs: int) -> dict[str, Any]:
    """Where the time of one project goes: milliseconds since the ask, medians over some runs in this process."""
    timelines = [_timeline(f"{tag}-t{number}") for number in range(runs + 1)][1:]
    # What comes last is written together with the end, and has no step of its own in that run.
    steps = {step for one in timelines for step in one}
    medians = {step: statistics.median(one[step] for one in timelines if step in one) for step in steps}
    return {"runs": runs, "milliseconds": dict(sorted(medians.items(), key=lambda item: item[1]))}


def _person() -> Any:
    from portal.models import User

    return User.objects.get(username=stack.ALICE)


def _timeline(slug: str) -> dict[str, float]:
    """Make one project in this process, without the queue; milliseconds since the start of the ask at each step."""
    from projects import actions, tasks, work
    from projects.installation import installation
    from projects.models import Door

    at: dict[str, float] = {}
    original: Callable[..., None] = work.record
    started = time.perf_counter()

    def mark(step: str) -> None:
        at.setdefault(step, (time.perf_counter() - started) * 1000)

    def record(claim: work.Claim, outcomes: Any, *, generation: int) -> None:
        for outcome in outcomes:
            mark(f"{outcome.kind} made")
        original(claim, outcomes, generation=generation)

    # The stack's workers are held while this runs, so nobody else takes the project.
    asked = actions.create(stack.spec(slug), by=_person(), door=Door.API, installation=installation())
    mark("accepted")
    work.record = record
    try:
        tasks.reconcile_project(asked.project.pk if asked.project else 0)
    finally:
        work.record = original
    mark("last one made and all written")
    return at


def _look_again(slug: str) -> None:
    from django.utils import timezone

    from projects import tasks
    from projects.models import Project

    project = Project.objects.get(slug=slug, deleted_at=None)
    Project.objects.filter(pk=project.pk).update(next_look_at=timezone.now())
    tasks.reconcile_project(project.pk)


def memory() -> dict[str, Any]:
    """R12: PSS of the portal's processes, in MB."""
    found: dict[str, list[float]] = {}
    for name in ("web", "worker", "beat"):
        found[name] = [round(stack.memory(pid) / 1e6, 1) for pid in stack.family(stack.pids()[name])]
    return {
        "processes": found,
        "largest_web_worker": max(found["web"][1:], default=found["web"][0]),
        "largest_worker": max(found["worker"]),
        "all": round(sum(sum(one) for one in found.values()), 1),
    }
