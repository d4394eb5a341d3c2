"""Judging the fleet by the scorecard, in rounds, so that lists over it read one row for each project."""

from collections.abc import Iterator, Sequence

from celery import shared_task
from django.utils import timezone

from projects.models import Heartbeat, Project, Scorecard
from projects.rounds import alone
from projects.scorecard import judge, marks
from projects.scorecard_facts import facts_of

_BATCH = 200


@shared_task
def judge_fleet() -> None:
    """Judge every project that is there, and keep what the rules said."""
    with alone("scorecard") as mine:
        if not mine:
            return
        judged = sum(_keep(batch) for batch in _batches())
        Heartbeat.objects.update_or_create(
            name="scorecard", defaults={"at": timezone.now(), "detail": {"projects": judged}}
        )


def _keep(projects: Sequence[Project]) -> int:
    facts, now = facts_of(projects), timezone.now()
    rows = [Scorecard(project_id=pk, marks=marks(judge(found)), judged_at=now) for pk, found in facts.items()]
    Scorecard.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["project"], update_fields=["marks", "judged_at"]
    )
    return len(rows)


def _batches() -> Iterator[list[Project]]:
    """Every project that is not being removed, some at a time."""
    rows = Project.objects.filter(deletion_requested_at=None).order_by("pk")
    batch: list[Project] = []
    for project in rows.select_related("registered_repository", "team").iterator(chunk_size=_BATCH):
        batch.append(project)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
