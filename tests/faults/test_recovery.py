"""Workers die, Redis forgets, the cluster goes away: every project asked for ends Ready, once.

On the running stack. What counts at the end is what the servers list, not what our tables say.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import redis

from tests import live
from tests.contract.stack import eventually, folder, unique

MARK = "app.kubernetes.io/managed-by=slipway"


@pytest.fixture(autouse=True)
def _stack(without_ci: None) -> None:
    folder()
    eventually(live.portal_alive, seconds=120)


retired: list[str] = []
"""What the tests before have retired. The last one waits for all of it."""


@pytest.fixture
def slugs() -> Iterator[list[str]]:
    """Names to ask for; what was asked for is retired again, while the next fault comes."""
    asked: list[str] = []
    yield asked
    for slug in asked:
        live.retire(slug)
    retired.extend(asked)


def ask_for(slugs: list[str], count: int) -> None:
    for _ in range(count):
        slug = unique("fault")
        answer = live.ask(slug)
        assert answer.status_code == 202, answer.text
        slugs.append(slug)


def words(slug: str) -> dict[str, str]:
    rows = live.api("alice").get(f"projects/{slug}/resources/").json()["items"]
    return {row["kind"]: row["word"] for row in rows}


def namespaces_of(slugs: list[str]) -> Counter[str]:
    """How many namespaces the cluster has for each of these projects; those without one are not in it."""
    namespaces = live.administrator().get("/api/v1/namespaces", params={"labelSelector": MARK}).json()["items"]
    named = (one["metadata"]["labels"]["slipway.dev/project"] for one in namespaces)
    return Counter(name for name in named if name in slugs)


def outside(slugs: list[str]) -> dict[str, Any]:
    """What the servers hold for these projects: counts per name."""
    by_project = namespaces_of(slugs)
    buckets = Counter(bucket.name for bucket in live.store_admin().list_buckets())
    bot = live.forge("bot")
    repositories = {slug: bot.get(f"/repos/forecasting/{slug}") for slug in slugs}
    hooks = {slug: bot.get(f"/repos/forecasting/{slug}/hooks").json() for slug in slugs}
    return {
        "namespaces": {slug: by_project[slug] for slug in slugs},
        "buckets": {slug: buckets[f"ml-{slug}"] for slug in slugs},
        "repositories": {slug: int(repositories[slug].status_code == 200) for slug in slugs},
        "hooks": {slug: len(hooks[slug]) for slug in slugs},
    }


def each_once(slugs: list[str]) -> dict[str, Any]:
    return {
        "namespaces": dict.fromkeys(slugs, 1),
        "buckets": dict.fromkeys(slugs, 1),
        "repositories": dict.fromkeys(slugs, 1),
        "hooks": dict.fromkeys(slugs, 2),
    }


def test_the_worker_is_killed_in_the_middle_of_twelve_projects(slugs: list[str]) -> None:
    with live.held("worker"):
        ask_for(slugs, 12)
    eventually(lambda: 0 < len(namespaces_of(slugs)) < 12, seconds=60)
    live.kill("worker")
    for slug in slugs:
        live.ready(slug, seconds=120)
    assert outside(slugs) == each_once(slugs)


def test_redis_forgets_everything_while_ten_wait(slugs: list[str]) -> None:
    with live.held("worker"):
        ask_for(slugs, 10)
        broker = redis.Redis.from_url(live.environment()["SLIPWAY_REDIS_URL"])
        assert broker.llen("slipway") >= 10
        broker.flushall()
    for slug in slugs:
        live.ready(slug, seconds=120)
    assert outside(slugs) == each_once(slugs)


def test_redis_is_away_and_asking_still_works(slugs: list[str]) -> None:
    with live.held("redis"):
        ask_for(slugs, 2)
    for slug in slugs:
        live.ready(slug, seconds=120)
    assert outside(slugs) == each_once(slugs)


def test_the_cluster_is_away_for_a_while(slugs: list[str]) -> None:
    with live.held("kube-apiserver"):
        ask_for(slugs, 3)
        expected = {"namespace": "Waiting", "bucket": "Ready", "repository": "Ready", "webhook": "Ready"}
        for slug in slugs:
            eventually(lambda slug=slug: expected.items() <= words(slug).items(), seconds=60)  # type: ignore[misc]
        said = [
            row["conditions"][0]["message"]
            for row in live.api("alice").get(f"projects/{slugs[0]}/resources/").json()["items"]
            if row["kind"] == "namespace"
        ]
        assert "cluster-north" in said[0]
        targets = {one["name"]: one["answering"] for one in live.api("alice").get("targets/").json()["items"]}
        assert targets["cluster-north"] is False
        assert live.project(slugs[0])["word"] == "Working on it"
    for slug in slugs:
        live.ready(slug, seconds=120)
    assert outside(slugs) == each_once(slugs)


def test_nothing_is_orphaned(slugs: list[str]) -> None:
    """Everything that carries our mark belongs to a project that is there; what was retired is gone."""
    ask_for(slugs, 1)
    live.ready(slugs[0])

    def known() -> set[str]:
        found: set[str] = set()
        page: str | None = "projects/?limit=100"
        while page:
            answer = live.api("paula").get(page).json()
            found |= {item["uid"] for item in answer["items"]}
            page = answer["next"] and answer["next"].split("/api/v1/", 1)[1]
        return found

    def orphans() -> set[str]:
        namespaces = live.administrator().get("/api/v1/namespaces", params={"labelSelector": MARK}).json()["items"]
        there = {one["metadata"]["labels"].get("slipway.dev/uid", one["metadata"]["name"]) for one in namespaces}
        return {uid for uid in there - known() if uid != "slipway-system"}

    for slug in retired:
        eventually(lambda slug=slug: live.api("alice").get(f"projects/{slug}/").status_code == 404, seconds=120)  # type: ignore[misc]
    # Namespaces of contract tests go within seconds; what stays is an orphan.
    eventually(lambda: not orphans(), seconds=60)
