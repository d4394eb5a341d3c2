"""What the tests of the API share: calls, a small wish, and a project as the engine leaves it."""

from typing import Any

from django.test import Client
from django.utils import timezone

from projects.models import Project
from provisioning.conditions import Condition, Status
from provisioning.errors import Reason
from provisioning.models import Resource

API = "/api/v1"
SMALL = {"slug": "demand", "team": "forecasting"}


FITS = "It fits the budget of team forecasting: 100 of 100 units are free."


def send(caller: Client, method: str, path: str, body: Any = None, *, headers: dict[str, str] | None = None) -> Any:
    """A call with a body of JSON."""
    kwargs = {} if method == "get" else {"data": "" if body is None else body, "content_type": "application/json"}
    return getattr(caller, method)(f"{API}{path}", headers=headers or {}, **kwargs)


def create(caller: Client, **changes: Any) -> Any:
    """Ask for a small project."""
    return send(caller, "post", "/projects/", {**SMALL, **changes})


def make_ready(project: Project) -> None:
    """As the engine leaves a project that is done."""
    now = timezone.now()
    row = Resource(project=project, kind="namespace", target="cluster-north", applied=True, last_look=now)
    row.observed_generation = project.generation
    synced = Condition(status=Status.TRUE, reason=Reason.AVAILABLE, message="", since=now)
    row.set_conditions(synced=synced, ready=Condition(Status.TRUE, Reason.AVAILABLE, "Namespace ml-demand", now))
    row.save()
    Project.objects.filter(pk=project.pk).update(observed_generation=project.generation, ready_at=now)
