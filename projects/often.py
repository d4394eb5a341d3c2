"""How often somebody may do what costs us something: counted in Redis. Without Redis nobody counts."""

from contextlib import suppress

import redis
from django.core.cache import cache

_MINUTE = 60


def times(what: str, *, seconds: int) -> int:
    """How often this was counted in the running time, this one included; 0 when nobody can count.

    The time runs from the first count. The caller decides what 0 means: these are brakes, not locks.
    """
    try:
        return 1 if cache.add(what, 1, timeout=seconds) else cache.incr(what)
    except (redis.RedisError, ValueError):
        # ValueError: the time ended between the two calls.
        return 0


def forget(what: str) -> None:
    """Count this from nothing again."""
    with suppress(redis.RedisError):
        cache.delete(what)


def too_often(what: str, who: int, *, limit: int) -> int:
    """Seconds to wait when this person asked more than `limit` times in the running minute; 0 when it is fine."""
    return _MINUTE if times(f"often:{what}:{who}", seconds=_MINUTE) > limit else 0
