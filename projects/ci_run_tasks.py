"""The round that removes old CI runs. One that is missed is made good by the next."""

import structlog
from celery import shared_task

from projects.installation import installation
from projects.rounds import alone
from provisioning import ci_runs, targets
from provisioning.catalogue import ClusterTarget
from provisioning.errors import ProvisioningError, TargetUnavailable

log = structlog.get_logger(__name__)


@shared_task
def remove_old_runs() -> None:
    """Have every cluster let go of CI runs that ended long ago."""
    settings = installation()
    with alone("ci-runs") as mine:
        if not mine:
            return
        for target in targets.targets(settings.catalogue).values():
            if not isinstance(target, ClusterTarget):
                continue
            try:
                ci_runs.remove_old(targets.open_client(target, resolve=settings.resolve))
            except TargetUnavailable as error:
                targets.trip(target.name, error)
            except ProvisioningError as error:
                log.warning("runs_unseen", target=target.name, error=error.message)
