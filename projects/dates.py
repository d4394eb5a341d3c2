"""How pages write a day, or a moment. The format is a translation: only English begins months with a capital."""

from datetime import date, datetime

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import pgettext

from provisioning.phrases import Phrase, phrase


def short_day(day: date, *, year: bool = False) -> str:
    """ "17 Nov", or "17 Nov 2026", in the reader's language."""
    return date_format(day, pgettext("format of a date", "j M Y") if year else pgettext("format of a date", "j M"))


def short_moment(at: datetime) -> str:
    """ "17 Nov 09:41", in the reader's language and time zone."""
    local = timezone.localtime(at)
    return f"{short_day(local)} {date_format(local, 'H:i')}"


def ahead(day: date, *, today: date) -> Phrase:
    """When a day that has not passed comes: "today", "tomorrow", or "in 7 days, on 2027-06-30"."""
    days = (day - today).days
    if days < 2:
        return phrase("tomorrow") if days else phrase("today")
    return phrase("in %(days)s days, on %(day)s", days=days, day=day)
