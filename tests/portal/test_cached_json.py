"""What is in the cache is read as plain values, whoever wrote it there."""

import pickle
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.cache import cache
from redis import Redis

KEY = "test:cached-json"


class Trap:
    """Unpickled, it makes a file."""

    def __init__(self, made: Path) -> None:
        self.made = made

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.made,)


@pytest.fixture(autouse=True)
def empty() -> None:
    cache.delete(KEY)


def written_by_others(value: bytes) -> None:
    with Redis.from_url(settings.CACHES["default"]["LOCATION"]) as server:
        server.set(cache.make_key(KEY), value)


def test_a_pickle_is_not_there_and_nothing_of_it_runs(tmp_path: Path) -> None:
    made = tmp_path / "made"
    written_by_others(pickle.dumps(Trap(made)))
    assert cache.get(KEY) is None
    assert not made.exists()


@pytest.mark.parametrize("value", [b"", b"{", b"\xff\xfe", b"[" * 100_000])
def test_what_is_no_json_is_not_there(value: bytes) -> None:
    written_by_others(value)
    assert cache.get(KEY) is None


@pytest.mark.parametrize("value", ["", "bob", 0, 17, True, None, ["bob", {"seen": 1.5}]])
def test_plain_values_come_back_as_they_were(value: Any) -> None:
    cache.set(KEY, value)
    assert cache.get(KEY) == value


def test_numbers_are_counted_by_redis() -> None:
    assert (cache.add(KEY, 1), cache.incr(KEY), cache.get(KEY)) == (True, 2, 2)


def test_what_is_no_plain_value_is_not_kept() -> None:
    with pytest.raises(TypeError):
        cache.set(KEY, Path("somewhere"))
