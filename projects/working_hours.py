"""How many working hours lie between two moments, by the catalogue's calendar.

Counted on the wall clock of the calendar's zone, so a day has the same hours when clocks change: a request asked on
Friday evening has waited no hour on Monday morning.
"""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from provisioning.policy_rules import WorkingHours

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def hours_between(since: datetime, until: datetime, *, calendar: WorkingHours) -> float:
    """Working hours from `since` to `until`, both with a zone; 0 when `until` is not later."""
    zone = ZoneInfo(calendar.zone)
    first, last = (moment.astimezone(zone).replace(tzinfo=None) for moment in (since, until))
    total, day = 0.0, first.date()
    while day <= last.date():
        if is_working_day(day, calendar=calendar):
            begins = max(first, datetime.combine(day, calendar.begins))
            ends = min(last, datetime.combine(day, calendar.ends))
            total += max((ends - begins).total_seconds(), 0.0)
        day += timedelta(days=1)
    return total / 3600


def is_working_day(day: date, *, calendar: WorkingHours) -> bool:
    """Does anybody work that day?"""
    return _DAYS[day.weekday()] in calendar.days and day not in calendar.holidays
