"""The round that keeps the directory's rows in line with the directory."""

from celery import shared_task

from projects import directory_state, directory_sync
from projects.installation import installation


@shared_task
def sync_directory() -> None:
    """When it is time, read the whole directory and write what differs; `directory_state` keeps what went wrong."""
    settings = installation()
    target = settings.catalogue.directory
    if target is not None and directory_state.due(target.name, every=settings.directory_every):
        directory_sync.sync_installed(settings)
