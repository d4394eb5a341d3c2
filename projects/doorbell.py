"""Rings for the workers after a commit. A lost ring costs seconds: the sweep finds in Postgres what is due."""

import structlog
from celery import current_app
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from kombu.exceptions import OperationalError

from projects.locks import hold_projects
from projects.models import Project

log = structlog.get_logger(__name__)


def ring(task: str, *args: int) -> None:
    """After this transaction, ask for a task by name with row ids. Never raises, whatever the broker does."""
    transaction.on_commit(lambda: _send(task, args), robust=True)


def ring_project(project_id: int) -> None:
    """After this transaction, ask for a look at a project."""
    ring("projects.tasks.reconcile_project", project_id)


def make_due(projects: QuerySet[Project]) -> int:
    """Have these projects looked at now, but for those that are gone: written down first, then rung for. How many."""
    with transaction.atomic():
        held = hold_projects(projects.filter(deleted_at=None))
        due = Project.objects.filter(pk__in=held).update(next_look_at=timezone.now())
        if due:
            ring("projects.tasks.drain")
    return due


def _send(task: str, args: tuple[int, ...]) -> None:
    try:
        current_app.send_task(task, args=args, expires=300)
    except OperationalError as error:
        log.warning("doorbell_silent", task=task, error=str(error)[:200])
