"""Owners hear of their project's end date in time, and when it has passed. Each is told once for a date.

What has ended is suspended until it gets a later last day, and nobody resumes it before: the next round would suspend
it again.
"""

from datetime import date

from django.db import transaction
from django.utils import timezone

from projects import audience
from projects.dates import ahead
from projects.models import EndTold, Project
from projects.notices import announce
from projects.phrases import say
from projects.readable import shown_spec
from projects.today import is_over
from provisioning.phrases import phrase

BEFORE = (1, 7, 30)
_ENDED = 0


def tell_ahead(*, day: date) -> int:
    """Tell owners of projects whose last day is 30, 7 or 1 days away, or nearer. Returns of how many projects."""
    last = date.fromordinal(day.toordinal() + max(BEFORE)).isoformat()
    ending = Project.objects.filter(
        deleted_at=None,
        deletion_requested_at=None,
        suspended=False,
        spec__expires__isnull=False,
        spec__expires__gte=day.isoformat(),
        spec__expires__lte=last,
    )
    return sum(_tell(project, day=day) for project in ending.order_by("pk").prefetch_related("ends_told"))


def _tell(project: Project, *, day: date) -> bool:
    expires = date.fromisoformat(project.spec["expires"])
    left = (expires - day).days
    mark = next(days for days in BEFORE if left <= days)
    if any(told.expires == expires and told.days <= mark for told in project.ends_told.all()):
        return False
    text = phrase(
        "%(slug)s ends %(when)s. After that it is suspended, and nothing is removed. To keep it, change its end date.",
        slug=project.slug,
        when=ahead(expires, today=day),
    )
    with transaction.atomic():
        _, first = EndTold.objects.get_or_create(project=project, expires=expires, days=mark)
        if first:
            announce("ends", to=audience.owners_of(project), text=text, project=project)
    return first


def tell_ended(project: Project) -> None:
    """Tell owners that the project was suspended after its last day. Inside the transaction that suspends it."""
    expires = date.fromisoformat(project.spec["expires"])
    _, first = EndTold.objects.get_or_create(
        project=project, expires=expires, days=_ENDED, defaults={"at": timezone.now()}
    )
    if first:
        text = phrase(
            "%(slug)s is suspended: its last day was %(day)s. Nothing is removed. A new end date resumes it.",
            slug=project.slug,
            day=expires,
        )
        announce("suspended", to=audience.owners_of(project), text=text, project=project)


def why_not_resumed(project: Project) -> str:
    """Why nobody resumes it now, and what to do instead; "" when its last day hasn't passed or it has none."""
    expires = shown_spec(project).expires
    if expires is None or not is_over(expires):
        return ""
    values = {"slug": project.slug, "day": expires.isoformat()}
    if project.ended:
        return say("The last day of %(slug)s was %(day)s. Give it a later one; that resumes it.", **values)
    return say("The last day of %(slug)s was %(day)s. Give it a later one first, then resume it.", **values)
