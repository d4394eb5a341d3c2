"""How pages write a day. The format is a translation: only English begins the names of months with a capital."""

from datetime import date

from django.utils.formats import date_format
from django.utils.translation import pgettext


def short_day(day: date, *, year: bool = False) -> str:
    """ "17 Nov", or "17 Nov 2026", in the reader's language."""
    return date_format(day, pgettext("format of a date", "j M Y") if year else pgettext("format of a date", "j M"))
