"""The worker's part of telling the forge what CI reported. A ring may come twice or never without harm."""

from celery import shared_task

from projects import feedback, telling_again
from projects.doorbell import ring
from projects.installation import installation
from projects.reports import TELL
from provisioning import targets

_AT_MOST = 50


@shared_task
def tell(feedback_id: int) -> None:
    """Say what is to be said about one pull request, or one commit of a branch."""
    settings = installation()
    opener = targets.opener(settings.catalogue, resolve=settings.resolve)
    feedback.tell(feedback_id, installation=settings, open_client=opener)


@shared_task
def ring_for_feedback() -> None:
    """Ring for what is due. This is what makes a lost ring cost seconds and nothing else."""
    telling_again.after_a_recovery()
    for feedback_id in feedback.due(limit=_AT_MOST):
        ring(TELL, feedback_id)
