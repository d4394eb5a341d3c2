"""Values in Redis are JSON. Django would keep pickles, and whoever may write to Redis could have us run one."""

import json
from typing import Any


class CachedJson:
    """How the cache keeps values (`CACHES`): text, numbers, true, false, null, lists and mappings of them."""

    def dumps(self, value: Any) -> bytes:
        """The value as JSON; an integer as Redis itself counts with it. Raises TypeError for what is no JSON."""
        return json.dumps(value).encode()

    def loads(self, data: bytes) -> Any:
        """The value; None, as if it was not there, for what is no JSON."""
        try:
            return json.loads(data)
        except (ValueError, RecursionError):
            return None
