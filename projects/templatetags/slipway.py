"""The small marks that every page uses: icon, status, plan mark, time."""

from datetime import datetime, timedelta

from django import template
from django.templatetags.static import static
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_noop

from projects.presentation import LOOKS

register = template.Library()

WORDS = (
    gettext_noop("Ready"),
    gettext_noop("Working on it"),
    gettext_noop("Waiting"),
    gettext_noop("Needs attention"),
    gettext_noop("Suspended"),
    gettext_noop("Being removed"),
    gettext_noop("Not available"),
    gettext_noop("Waits for a decision"),
    gettext_noop("Approved"),
    gettext_noop("Rejected"),
    gettext_noop("Withdrawn"),
    gettext_noop("create"),
    gettext_noop("update"),
    gettext_noop("delete"),
    gettext_noop("keep"),
)
"""What the marks below say. The words themselves are made where no language is known: by the engine and by models."""


@register.simple_tag
def icon(name: str) -> SafeString:
    """An icon of icons.svg. It only decorates: a word always stands beside it."""
    return format_html('<svg class="sw-icon" aria-hidden="true"><use href="{}#{}"/></svg>', static("icons.svg"), name)


@register.simple_tag
def status(word: str) -> SafeString:
    """A status word with its icon."""
    look, picture = LOOKS[word]
    return format_html('<span class="sw-status {}">{}{}</span>', look, icon(picture), gettext(str(word)))


@register.simple_tag
def mark(action: str) -> SafeString:
    """The sign and word before a line of a plan."""
    return format_html('<span class="sw-mark is-{}">{}{}</span>', action, icon(action), gettext(action))


@register.simple_tag
def when(moment: datetime | None, seconds: bool = False) -> SafeString | str:
    """A point in time as people say it: today 09:41, this week Friday 15:02, then 17 Nov. "" for none."""
    if moment is None:
        return ""
    local, today = timezone.localtime(moment), timezone.localtime()
    if local.date() == today.date():
        said = date_format(local, "H:i:s" if seconds else "H:i")
    elif timedelta(0) <= today.date() - local.date() < timedelta(days=7):
        said = date_format(local, "l H:i")
    else:
        said = date_format(local, "j M" if local.year == today.year else "j M Y")
    return format_html('<time datetime="{}">{}</time>', local.isoformat(timespec="seconds"), said)
