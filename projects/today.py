"""Which day it is for rights and end dates: the installation's, never the reader's.

Pages are drawn in the reader's time zone, so the day of `timezone.localdate()` depends on what a browser says of
itself. A role that ends today must end for everybody at the same moment.
"""

from datetime import date, datetime

from django.utils import timezone


def today() -> date:
    """The day by the installation's clock (TIME_ZONE of the settings)."""
    return day_of(timezone.now())


def day_of(moment: datetime) -> date:
    """The day of a moment by that clock."""
    return timezone.localdate(moment, timezone=timezone.get_default_timezone())


def is_over(last_day: date | None) -> bool:
    """Has the last day passed? Never, where there is none."""
    return last_day is not None and last_day < today()
