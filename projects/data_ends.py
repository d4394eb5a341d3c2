"""Owners hear a week before the last day on which their project reads data of other teams. Once for each day.

Where a store's longest time became so much shorter that the day has passed, they hear of it when that is seen.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date

from django.db import transaction

from projects import audience, consents
from projects.dates import ahead
from projects.installation import Installation
from projects.models import DataEndTold, Project
from projects.notices import announce
from projects.readable import readable
from projects.wishes import NoWish, present_wish
from provisioning import data_access
from provisioning.data_stores import DataStore
from provisioning.kind import Wish
from provisioning.phrases import Phrase, phrase

BEFORE = 7


def tell_ahead(*, day: date, installation: Installation) -> int:
    """Tell owners of what ends within a week, the last day of the project's choice or of a consent. Returns how often.

    And of what ended before they could be told, since a store's longest time became shorter. Who was told of a day is
    not told of it again, whatever else ends on it by then.
    """
    let = consents.of_all()
    rows = Project.objects.filter(
        deletion_requested_at=None, suspended=False, spec__options__has_key=data_access.OPTIONS
    )
    told = 0
    for project in rows.select_related("team", "registered_repository").iterator(chunk_size=500):
        try:
            wish = present_wish(
                project, settings=installation, moved={}, consents=let.get(project.pk, {}), any_plan=True
            )
        except NoWish:
            continue
        wish = replace(wish, spec=readable(wish.spec), today=day)
        for until, stores in _by_day(wish, data_access.last_day).items():
            if 0 <= (until - day).days <= BEFORE:
                told += _tell(project, until=until, text=_ends(project, stores, until=until, day=day))
        for until, stores in _by_day(wish, data_access.ended_early).items():
            told += _tell(project, until=until, text=_ended(project, stores, until=until))
    return told


def _by_day(wish: Wish, day_of: Callable[[Wish, DataStore], date | None]) -> dict[date, list[str]]:
    """Names of the stores that the project chose, by the day that is asked for; those without one are left out."""
    found: dict[date, list[str]] = defaultdict(list)
    for store in data_access.chosen_stores(wish):
        if until := day_of(wish, store):
            found[until].append(store.name)
    return found


def _ends(project: Project, stores: Sequence[str], *, until: date, day: date) -> Phrase:
    return phrase(
        "%(slug)s reads %(stores)s no more after its last day, %(when)s. To go on, name a later day.",
        slug=project.slug,
        stores=", ".join(stores),
        when=ahead(until, today=day),
    )


def _ended(project: Project, stores: Sequence[str], *, until: date) -> Phrase:
    return phrase(
        "The catalogue shortened the time for which %(slug)s reads %(stores)s; it ended on %(day)s. To go on, name a "
        "new last day.",
        slug=project.slug,
        stores=", ".join(stores),
        day=until,
    )


def _tell(project: Project, *, until: date, text: Phrase) -> bool:
    with transaction.atomic():
        _, first = DataEndTold.objects.get_or_create(project=project, until=until)
        if first:
            announce("data-ends", to=audience.owners_of(project), text=text, project=project)
    return first
