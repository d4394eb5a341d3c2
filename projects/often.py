"""How often somebody may ask for what costs us something: a count per person and minute, in Redis."""

import redis
from django.core.cache import cache

_MINUTE = 60


def too_often(what: str, who: int, *, limit: int) -> int:
    """Seconds to wait when this person asked more than `limit` times in the running minute; 0 when it is fine.

    Without Redis nobody counts, and nobody is refused: this protects from a script, not from an attack.
    """
    key = f"often:{what}:{who}"
    try:
        asked = 1 if cache.add(key, 1, timeout=_MINUTE) else cache.incr(key)
    except (redis.RedisError, ValueError):
        # ValueError: the minute ended between the two calls.
        return 0
    return _MINUTE if asked > limit else 0
