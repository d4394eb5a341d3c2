"""The platform team's part of the worker: counting the fleet, so that no page has to."""

from celery import shared_task

from projects import platform_figures


@shared_task
def count_fleet() -> None:
    """Count the fleet's figures and keep them. Two at the same time do no harm: the later one stays."""
    platform_figures.refresh()
