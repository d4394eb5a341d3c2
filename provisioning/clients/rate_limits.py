"""How long a forge wants to be left alone, out of the many ways in which forges say so.

`Retry-After` in seconds or as a date; `X-RateLimit-*` (GitHub) and `RateLimit-*` (GitLab) with the second at which the
budget is full again. GitHub also answers 403 with a sentence, and no header at all, when many calls come at once; its
documentation asks for a minute then.
"""

import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

A_MINUTE = 60.0


def told_to_wait(*, status: int, headers: Mapping[str, str], message: str, now: float | None = None) -> float | None:
    """Seconds to wait; None when the answer is about something else than too many calls, or doesn't say how long.

    headers: looked up in any case. now: seconds since 1970, for the headers that name a point in time.
    """
    present = time.time() if now is None else now
    retry = _retry_after(headers.get("Retry-After", ""), now=present)
    if retry is not None and (status in (403, 429) or status >= 500):
        return retry
    if status not in (403, 429):
        return None
    if (headers.get("X-RateLimit-Remaining") or headers.get("RateLimit-Remaining")) == "0":
        reset = headers.get("X-RateLimit-Reset") or headers.get("RateLimit-Reset") or ""
        return max(float(reset) - present, 1.0) if reset.isdecimal() else A_MINUTE
    return A_MINUTE if status == 429 or "rate limit" in message.lower() else None


def _retry_after(told: str, *, now: float) -> float | None:
    if told.isdecimal():
        # At once is no pause: what asks us to come back at once could have us ask without end.
        return max(float(told), 1.0)
    try:
        return max(parsedate_to_datetime(told).timestamp() - now, 1.0)
    except ValueError:
        return None
