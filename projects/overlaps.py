"""Which credentials of the version before still work, and until when. `projects.credentials` writes the rows."""

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Min, QuerySet
from django.utils import timezone

from projects.models import Project, Rotation
from provisioning.secrets import Earlier


def earlier_of(project: Project) -> dict[str, Earlier]:
    """By purpose, the version before the present one, where it still works now. No query for a first version."""
    if not project.versions:
        return {}
    return {
        row.purpose: Earlier(version=row.version - 1, key_id=row.earlier_key_id or None)
        for row in _running([project.pk])
        if row.version == project.versions.get(row.purpose, 1)
    }


def next_end(project: Project) -> datetime | None:
    """When the next of them ends; None when none is running."""
    if not project.versions:
        return None
    found: datetime | None = _running([project.pk]).aggregate(first=Min("earlier_until"))["first"]
    return found


def _running(projects: Iterable[int]) -> QuerySet[Rotation]:
    return Rotation.objects.filter(project__in=projects, earlier_until__gt=timezone.now()).order_by("version")
