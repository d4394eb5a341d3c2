"""The platform team's part of the worker: counting the fleet, so that no page has to, and what it takes of budgets."""

from celery import shared_task

from projects import plan_units, platform_figures
from projects.installation import installation
from projects.rounds import alone


@shared_task
def count_fleet() -> None:
    """Count the fleet's figures and keep them. Two at the same time do no harm: the later one stays."""
    platform_figures.refresh()


@shared_task
def recount_units() -> None:
    """Have what projects take of budgets follow the catalogue."""
    with alone("units") as mine:
        if mine:
            plan_units.recount(catalogue=installation().catalogue)
