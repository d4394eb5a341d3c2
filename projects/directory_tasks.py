"""The rounds that keep rows in line with the directory, and everything else in line with the rows."""

from celery import shared_task
from django.utils import timezone

from projects import directory_state, directory_sync, leavers, succession
from projects.audit import audited
from projects.installation import installation
from projects.models import Door
from projects.rounds import alone


@shared_task
def sync_directory() -> None:
    """When it is time, read the whole directory and write what differs; `directory_state` keeps what went wrong."""
    settings = installation()
    target = settings.catalogue.directory
    if target is not None and directory_state.due(target.name, every=settings.directory_every):
        directory_sync.sync_installed(settings)


@shared_task
def follow_directory() -> None:
    """What needs no change of the directory: names that were written meanwhile, and offers whose time is over.

    Without a directory, offers only: of owners whose access was ended here.
    """
    with alone("directory") as mine:
        if mine and installation().catalogue.directory is not None:
            leavers.after_sync(frozenset())
        elif mine:
            with audited(actor="slipway", door=Door.SYSTEM):
                succession.review(now=timezone.now(), catalogue=installation().catalogue)
