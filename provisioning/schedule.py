"""When something that is to happen again and again happens: cron expressions in a time zone, by cronsim.

Around a change of the clocks it is as with Debian's cron: what falls into the hour that is left out happens right
after it, and what falls into the hour that comes twice happens once.
"""

from datetime import datetime, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from provisioning.phrases import Phrase, phrase

LEAST = timedelta(hours=1)
_LOOKED_AT = 100
"""Times in a row of which no two may be closer than LEAST."""


def following(expression: str, *, zone: str, after: datetime) -> datetime:
    """The first time after a moment (aware), in the zone. Raises ValueError for no cron expression or no zone."""
    return next(_times(expression, zone=zone, after=after))


def check(expression: str, *, zone: str) -> Phrase | None:
    """A sentence about what is wrong with a schedule; None when nothing is."""
    start = datetime(2026, 1, 1, tzinfo=ZoneInfo("UTC"))
    try:
        some = list(islice(_times(expression, zone=zone, after=start), _LOOKED_AT))
    except ValueError:
        return phrase(
            "%(schedule)r is no schedule. Write minute, hour, day, month and weekday, such as 0 3 * * 1.",
            schedule=expression,
        )
    if not some:
        return phrase("%(schedule)r never comes. Choose a day that there is.", schedule=expression)
    if any(later - earlier < LEAST for earlier, later in pairwise(some)):
        return phrase("More often than once an hour is too often. Write one minute, such as 0 * * * *.")
    return None


def _times(expression: str, *, zone: str, after: datetime) -> CronSim:
    # A sixth field would be seconds.
    if len(expression.split()) != 5:
        raise ValueError(expression)
    try:
        return CronSim(expression, after.astimezone(ZoneInfo(zone)))
    except (CronSimError, KeyError) as error:
        raise ValueError(expression) from error
