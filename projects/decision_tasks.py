"""The round that looks after requests which wait for people."""

from celery import shared_task
from django.utils import timezone

from projects import reminders
from projects.installation import installation
from projects.rounds import alone


@shared_task
def remind_deciders() -> None:
    """Remind approvers of what waits too long, and ask others as well when it goes on."""
    with alone("remind") as mine:
        if mine:
            reminders.remind(installation=installation(), now=timezone.now())
