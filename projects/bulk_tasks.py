"""The worker's part of runs over many projects: one item after the other, for as long as it is its turn."""

import time

from celery import shared_task

from projects import bulk
from projects.doorbell import ring
from projects.installation import installation
from projects.models import BulkRun, RunState

TURN = 10.0
"""Seconds after which others get their turn; the run goes on with the next ring."""


@shared_task
def go_on(run_id: int) -> None:
    """Do items of a run until it stands still or its turn is over. Comes twice or never without harm."""
    settings = installation()
    end = time.monotonic() + TURN
    while bulk.step(run_id, installation=settings):
        if time.monotonic() > end:
            ring("projects.bulk_tasks.go_on", run_id)
            return


@shared_task
def ring_for_runs() -> None:
    """Ring for every run that is on. This is what makes a dead worker cost seconds and nothing else."""
    for run_id in BulkRun.objects.filter(state=RunState.RUNNING).order_by("pk").values_list("pk", flat=True):
        ring("projects.bulk_tasks.go_on", run_id)
