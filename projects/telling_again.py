"""What a forge refused for good is told once more: when somebody asks for a look, or when its Kinds got through again.

A refusal (the bot's right was taken away, a commit that isn't there) is not tried again by itself, as it would be
refused for ever. It costs one try each time that there is a reason to hope. What is closed refused nothing.
"""

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from projects.doorbell import ring
from projects.models import Feedback, Project
from projects.reports import TELL
from provisioning.conditions import Status
from provisioning.models import Resource

THROUGH = ("repository", "webhook")
"""Kinds whose success says that the forge lets us into the repository."""
AT_MOST = 20
"""What is told again at a time; the newest counts."""


def after_a_look(project: Project) -> None:
    """Somebody asked for a look at the project. In the caller's transaction."""
    _again(Feedback.objects.filter(project=project))


def after_a_recovery() -> None:
    """Whatever was refused before one of these Kinds became right, of all projects."""
    right_since = Resource.objects.filter(
        project=OuterRef("project"),
        kind__in=THROUGH,
        synced_status=Status.TRUE,
        synced_since__gt=OuterRef("told_at"),
    )
    with transaction.atomic():
        _again(Feedback.objects.filter(Exists(right_since)))


def _again(rows: QuerySet[Feedback]) -> None:
    refused = rows.filter(look_at=None, lease_until=None).exclude(why__in=["", Feedback.CLOSED]).order_by("-report_id")
    ids = list(refused.select_for_update(skip_locked=True).values_list("pk", flat=True)[:AT_MOST])
    Feedback.objects.filter(pk__in=ids).update(look_at=timezone.now(), tries=0)
    for one in ids:
        ring(TELL, one)
