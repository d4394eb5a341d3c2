"""The worker's part of continuous training. A ring may come twice or never without harm."""

from celery import shared_task

from projects import retraining, training
from projects.doorbell import ring
from projects.installation import installation
from provisioning import targets

_AT_MOST = 50


@shared_task
def send(training_id: int) -> None:
    """Ring CI's listener for one training."""
    settings = installation()
    opener = targets.opener(settings.catalogue, resolve=settings.resolve)
    training.send(training_id, installation=settings, open_client=opener)


@shared_task
def ring_for_trainings() -> None:
    """Ring for what is due. This is what makes a lost ring cost seconds and nothing else."""
    for training_id in training.due(limit=_AT_MOST):
        ring(training.SEND, training_id)


@shared_task
def follow_schedules() -> None:
    """Ask for the trainings whose time has come, and tell of those that never reported.

    A round that is missed is made good by the next.
    """
    retraining.follow_schedules()
    training.miss_reports()


@shared_task
def follow_data() -> None:
    """Ask for the trainings whose data has changed."""
    settings = installation()
    opener = targets.opener(settings.catalogue, resolve=settings.resolve)
    retraining.follow_data(installation=settings, open_client=opener)
