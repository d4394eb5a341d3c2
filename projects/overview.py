"""What the first page of a project says in a line: what needs somebody, and how full the fullest of its limits is."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from django.utils.translation import gettext

from projects.dates import short_day
from projects.situation import Situation
from projects.today import today
from projects.usage import LOAD_LINE, Use
from projects.usage_words import title_of
from provisioning.conditions import Word
from provisioning.spec import ProjectSpec

SOON = timedelta(days=30)
"""How long before its end date a project speaks of it."""


@dataclass(frozen=True)
class Need:
    """Something that a person must do, or should know before it happens. `title`: what it is about."""

    icon: str
    title: str
    text: str
    do: str


@dataclass(frozen=True)
class Fullest:
    """The limit that is used most, in percent. `over`: it is over the load line."""

    title: str
    percent: int
    over: bool


def needs_of(state: Situation, *, spec: ProjectSpec, may_change: bool) -> tuple[Need, ...]:
    """What needs somebody, most urgent first; () for nothing."""
    found = [
        Need(icon=row.icon, title=row.title, text=row.message, do=row.advice)
        for group in state.groups
        for row in group.rows
        if row.word is Word.ATTENTION
    ]
    if spec.expires is not None and today() <= spec.expires <= today() + SOON:
        do = (
            gettext("Set a later end date, or retire the project.")
            if may_change
            else gettext("Ask an owner for a later end date.")
        )
        text = gettext("After %(day)s we stop looking after the project. Nothing is removed.")
        found.append(
            Need(
                icon="waiting",
                title=gettext("It ends soon"),
                text=text % {"day": short_day(spec.expires, year=True)},
                do=do,
            )
        )
    return tuple(found)


def fullest(uses: Iterable[Use]) -> Fullest | None:
    """The limit that is used most; None while nothing was measured."""
    known = [(use.share, title_of(use.measure)) for use in uses if use.share is not None]
    if not known:
        return None
    share, title = max(known)
    return Fullest(title=title, percent=round(share * 100), over=share >= LOAD_LINE)
