"""How pages write a day, or a moment. The format is a translation: only English begins months with a capital."""

from datetime import date, datetime

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import pgettext


def short_day(day: date, *, year: bool = False) -> str:
    """ "17 Nov", or "17 Nov 2026", in the reader's language."""
    return date_format(day, pgettext("format of a date", "j M Y") if year else pgettext("format of a date", "j M"))


def short_moment(at: datetime) -> str:
    """ "17 Nov 09:41", in the reader's language and time zone."""
    local = timezone.localtime(at)
    return f"{short_day(local)} {date_format(local, 'H:i')}"
