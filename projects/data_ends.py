"""Owners hear a week before the last day on which their project reads data of other teams. Once for each day."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date

from django.db import transaction

from projects import consents, permissions
from projects.installation import Installation
from projects.models import DataEndTold, Project
from projects.notices import announce
from projects.readable import readable
from projects.wishes import NoWish, present_wish
from provisioning import data_access
from provisioning.kind import Consent

BEFORE = 7


def tell_ahead(*, day: date, installation: Installation) -> int:
    """Tell owners of what ends within a week, the last day of the project's choice or of a consent. Returns how often.

    Who was told of a day is not told of it again, whatever else ends on it by then.
    """
    let = consents.of_all()
    rows = Project.objects.filter(
        deletion_requested_at=None, suspended=False, spec__options__has_key=data_access.OPTIONS
    )
    told = 0
    for project in rows.select_related("team", "registered_repository").iterator(chunk_size=500):
        for until, stores in _ends(project, let=let.get(project.pk, {}), installation=installation).items():
            if 0 <= (until - day).days <= BEFORE:
                told += _tell(project, until=until, stores=stores, left=(until - day).days)
    return told


def _ends(project: Project, *, let: Mapping[str, Consent], installation: Installation) -> dict[date, list[str]]:
    """Stores that the project reads now, by the last day of reading."""
    try:
        wish = present_wish(project, settings=installation, moved={}, consents=let)
    except NoWish:
        return {}
    wish = replace(wish, spec=readable(wish.spec))
    found: dict[date, list[str]] = defaultdict(list)
    for store in data_access.readable(wish):
        if until := data_access.last_day(wish, store):
            found[until].append(store.name)
    return found


def _tell(project: Project, *, until: date, stores: Sequence[str], left: int) -> bool:
    when = "today" if left == 0 else "tomorrow" if left == 1 else f"in {left} days, on {until.isoformat()}"
    text = f"{project.slug} reads {', '.join(stores)} no more after its last day, {when}. To go on, name a later day."
    with transaction.atomic():
        _, first = DataEndTold.objects.get_or_create(project=project, until=until)
        if first:
            announce("data-ends", to=permissions.owners_of(project), text=text, project=project)
    return first
