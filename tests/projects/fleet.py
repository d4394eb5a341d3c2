"""A small fleet as the engine would leave it, for tests of the platform team's pages."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from projects.models import Project, ReadyTime, Usage
from provisioning.conditions import Status
from provisioning.errors import Reason
from provisioning.models import Event, Resource
from tests.people import team
from tests.usual import usual_kinds

HOUR = timedelta(hours=1)


def ready(slug: str, *, of: str = "forecasting", **fields: Any) -> Project:
    """A project whose every resource is as it should be."""
    now = timezone.now()
    plan = fields.pop("plan", "small")
    spec = {
        "version": 1,
        "slug": slug,
        "title": slug.replace("-", " ").capitalize(),
        "team": of,
        "plan": plan,
        "contributors": [{"user": "alice@corp.example", "role": "owner"}],
    }
    given = {"units": 4, "observed_generation": 1, "ready_at": now, "next_look_at": now + HOUR, "key_id": "k1"}
    project = Project.objects.create(slug=slug, team=team(of), spec=spec, **{**given, **fields})
    fine = {"synced_status": Status.TRUE, "synced_reason": Reason.AVAILABLE, "ready_status": Status.TRUE}
    Resource.objects.bulk_create(
        Resource(
            project=project, kind=kind, target="cluster-north", ready_reason=Reason.AVAILABLE, applied=True, **fine
        )
        for kind in usual_kinds()
    )
    return project


def broken(project: Project, kind: str, reason: Reason, message: str = "", *, since: timedelta = HOUR) -> Resource:
    """One of its resources, failing for so long."""
    row = Resource.objects.get(project=project, kind=kind)
    row.synced_status, row.synced_reason, row.synced_message = Status.FALSE, reason, message
    row.synced_since = timezone.now() - since
    row.save()
    return row


def happened(project: Project, kind: str, reason: Reason, message: str = "") -> Event:
    """An entry of its history."""
    target = project.resources.get(kind=kind).target
    return Event.objects.create(project=project, kind=kind, target=target, reason=reason, message=message, generation=1)


def took(project: Project, seconds: float, *, queue: float | None = 0.1, ago: timedelta = HOUR, **steps: float) -> None:
    """A wish of it that became ready."""
    at = timezone.now() - ago
    generation = project.ready_times.count() + 1
    ReadyTime.objects.create(
        project=project, generation=generation, accepted_at=at - timedelta(seconds=seconds), ready_at=at,
        seconds=seconds, queue_seconds=queue, steps=steps,
    )  # fmt: skip


def measured(project: Project, **figures: tuple[float, float | None]) -> None:
    """What a round wrote of it: `cpu=(12.0, 16.0)` is 12 used of 16."""
    targets = {"bucket": "store-1", "objects": "store-1"}
    Usage.objects.bulk_create(
        Usage(project=project, measure=name, target=targets.get(name, "cluster-north"), used=used, limit=limit)
        for name, (used, limit) in figures.items()
    )
