"""Owners hear when their project has needed attention for a while, once for each trouble.

What comes and goes is one trouble: it is over when nothing has needed attention for an hour.
"""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef

from projects import audience
from projects.models import Project, TroubleTold
from projects.notices import announce
from provisioning.kind import kinds
from provisioning.models import NEEDS_PERSON, Resource
from provisioning.phrases import joined, numbered, phrase, word

AFTER = timedelta(minutes=15)
OVER_AFTER = timedelta(hours=1)
AT_MOST = 200
"""Projects told about in one round; the next round goes on."""


def tell_of_troubles(*, now: datetime) -> int:
    """Tell owners of projects that need attention, and note which are well again. Returns how many are news."""
    needing = Resource.objects.filter(NEEDS_PERSON, project=OuterRef("project"))
    told = TroubleTold.objects.alias(needed=Exists(needing))
    told.filter(needed=False, well_since=None).update(well_since=now)
    told.filter(needed=True).exclude(well_since=None).update(well_since=None)
    TroubleTold.objects.filter(well_since__lte=now - OVER_AFTER).delete()
    lasting = Resource.objects.filter(NEEDS_PERSON, project=OuterRef("pk"), synced_since__lte=now - AFTER)
    present = Project.objects.filter(deleted_at=None, deletion_requested_at=None, suspended=False, trouble_told=None)
    news = list(present.filter(Exists(lasting)).order_by("pk")[:AT_MOST])
    return sum(_tell(project, now=now) for project in news)


def _tell(project: Project, *, now: datetime) -> bool:
    rows = list(project.resources.filter(NEEDS_PERSON, synced_since__lte=now - AFTER).order_by("synced_since", "pk"))
    if not rows:
        return False
    first = rows[0]
    kind = kinds().get(first.kind)
    text = phrase(
        "%(slug)s has needed attention for more than %(minutes)s minutes. %(kind)s: %(why)s",
        slug=project.slug,
        minutes=int(AFTER.total_seconds() // 60),
        kind=word(kind.title) if kind else first.kind,
        why=first.synced.message,
    )
    if len(rows) > 1:
        others = numbered(
            "%(number)s more of its resources needs attention too.",
            "%(number)s more of its resources need attention too.",
            len(rows) - 1,
        )
        text = joined(" ", [text, others])
    with transaction.atomic():
        _, new = TroubleTold.objects.get_or_create(project=project, defaults={"told_at": now})
        if new:
            announce("attention", to=audience.owners_of(project), text=text, project=project)
    return new
