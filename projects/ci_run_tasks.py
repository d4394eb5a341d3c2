"""The round that removes old CI runs. One that is missed is made good by the next."""

from contextlib import suppress

from celery import shared_task

from projects.installation import Installation, installation
from projects.models import Usage
from projects.rounds import alone
from projects.wishes import NoWish, present_wish
from provisioning import ci_runs, targets
from provisioning.catalogue import ClusterTarget
from provisioning.errors import TargetUnavailable
from provisioning.kinds import limits


@shared_task
def remove_old_runs() -> None:
    """Have every cluster let go of CI runs that ended long ago."""
    settings = installation()
    with alone("ci-runs") as mine:
        if not mine:
            return
        for target in settings.catalogue.clusters:
            crowded = _crowded(target, settings)
            if not crowded:
                continue
            try:
                ci_runs.remove_old(targets.open_client(target, resolve=settings.resolve), crowded)
            except TargetUnavailable as error:
                targets.trip(target.name, error)


def _crowded(target: ClusterTarget, settings: Installation) -> list[str]:
    """Workspaces of a cluster that had many runs, ended or not, when they were measured last."""
    rows = Usage.objects.filter(
        target=target.name, measure=limits.RUNS, used__gt=ci_runs.MANY, project__deletion_requested_at=None
    )
    found = []
    for row in rows.select_related("project__team", "project__registered_repository").order_by("project"):
        with suppress(NoWish):
            wish = present_wish(row.project, settings=settings, moved={}, consents={}, any_plan=True)
            found.append(wish.names.namespace)
    return found
