"""Counting how often somebody asks, with a real Redis and without one."""

from typing import Any

from django.core.cache import cache

from projects.often import times, too_often


def test_each_time_counts_and_who_is_over_the_limit_waits() -> None:
    cache.delete_many(["often:a test:1", "often:a test:2"])
    assert [times("often:a test:1", seconds=60) for _ in range(2)] == [1, 2]
    assert [too_often("a test", 1, limit=3) for _ in range(2)] == [0, 60]
    assert too_often("a test", 2, limit=3) == 0


def test_without_redis_nobody_counts_and_nobody_waits(settings: Any) -> None:
    backend = settings.CACHES["default"]["BACKEND"]
    settings.CACHES = {"default": {"BACKEND": backend, "LOCATION": "redis://127.0.0.1:1"}}
    assert [too_often("a test", 1, limit=0) for _ in range(3)] == [0, 0, 0]
