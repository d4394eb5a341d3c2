"""The small marks that every page uses: icon, status, plan mark, time, the head of a column that sorts."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from django import template
from django.templatetags.static import static
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_noop

from projects import comparison, phrases
from projects.dates import short_day
from projects.deciders import deciders
from projects.nesting import in_words
from projects.presentation import LOOKS
from projects.sorting import Sorted

register = template.Library()

WORDS = (
    gettext_noop("Ready"),
    gettext_noop("Working on it"),
    gettext_noop("Waiting"),
    gettext_noop("Needs attention"),
    gettext_noop("Suspended"),
    gettext_noop("Being removed"),
    gettext_noop("Not available"),
    gettext_noop("Answering"),
    gettext_noop("Not answering"),
    gettext_noop("Previewed"),
    gettext_noop("Running"),
    gettext_noop("Paused"),
    gettext_noop("Stopped"),
    gettext_noop("Done"),
    gettext_noop("Waits for its turn"),
    gettext_noop("Left out"),
    gettext_noop("Refused"),
    gettext_noop("Waits for a decision"),
    gettext_noop("Changes asked"),
    gettext_noop("Approved"),
    gettext_noop("Rejected"),
    gettext_noop("Withdrawn"),
    gettext_noop("To come"),
    gettext_noop("Shown"),
    gettext_noop("Over"),
    gettext_noop("create"),
    gettext_noop("update"),
    gettext_noop("delete"),
    gettext_noop("keep"),
)
"""What the marks below say. The words themselves are made where no language is known: by the engine and by models."""


register.filter("deciders", deciders)
register.filter("in_words", in_words)
register.filter("said", phrases.said)
register.filter("steps_failed", comparison.steps_failed)
register.filter("tests_failed", comparison.tests_failed)
register.filter("tests_ran", comparison.tests_ran)
register.filter("translated", phrases.translated)


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
    """A point in time as people say it: today 09:41, last week Friday 15:02, before 17 Nov; to come 17 Nov 09:41.

    "" for none.
    """
    if moment is None:
        return ""
    local, today = timezone.localtime(moment), timezone.localtime()
    if local.date() == today.date():
        said = date_format(local, "H:i:s" if seconds else "H:i")
    elif timedelta(0) <= today.date() - local.date() < timedelta(days=7):
        said = date_format(local, "l H:i")
    else:
        said = short_day(local, year=local.year != today.year)
        said += date_format(local, " H:i") if local > today else ""
    return format_html('<time datetime="{}">{}</time>', local.isoformat(timespec="seconds"), said)


@register.simple_tag
def day(given: date | str | None) -> SafeString | str:
    """A day, such as an end date (also as a spec has it, 2026-12-31). "" for none."""
    if not given:
        return ""
    known = date.fromisoformat(given) if isinstance(given, str) else given
    said = short_day(known, year=known.year != timezone.localtime().year)
    return format_html('<time datetime="{}">{}</time>', known.isoformat(), said)


@register.simple_tag(takes_context=True)
def column(context: dict[str, Any], page: Sorted[Any], word: str, title: str, style: str = "") -> SafeString:
    """The head of a column that sorts the list: the way to the first page in that order, or in the opposite one.

    A link; where the list is asked for `by_form`, a button that sends it along.
    """
    query = context["request"].GET.copy()
    for name in ("after", "before", "format"):
        query.pop(name, None)
    current = page.order.word == word
    query["sort"] = f"-{word}" if current and not page.word.startswith("-") else word
    sign, sort = ("↓", "descending") if page.falling else ("↑", "ascending")
    said = format_html('{}<span class="visually-hidden">{}</span>', title, gettext(", sort by it"))
    link, button = '<a href="?{}">{}</a>', '<button name="turn" value="page" formaction="?{}">{}</button>'
    return format_html(
        '<th role="columnheader" scope="col" class="{}"{}>{}{}</th>',
        f"{style} text-nowrap".lstrip() if current else style,
        format_html(' aria-sort="{}"', sort) if current else "",
        format_html(button if context.get("by_form") else link, query.urlencode(), said),
        format_html('<span aria-hidden="true">&nbsp;{}</span>', sign) if current else "",
    )


@register.simple_tag
def right_of(rights: Mapping[str, str], system: str) -> str:
    """What these rights open on a system; "" for nothing."""
    return rights.get(system, "")
