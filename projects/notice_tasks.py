"""The rounds of telling people: send what is due, look which projects end soon, forget what is old."""

from celery import shared_task
from django.utils import timezone

from projects import chatting, data_ends, end_dates, mailing, repairs, troubles
from projects.audit import audited
from projects.installation import installation
from projects.models import Door
from projects.rounds import alone
from projects.today import today


@shared_task
def send_notices() -> None:
    """Mail what people are to be told."""
    with alone("notices") as mine:
        if mine:
            mailing.send_due(installation=installation())


@shared_task
def post_to_channels() -> None:
    """Post what channels are to be told."""
    with alone("channels") as mine:
        if mine:
            chatting.post_due(installation=installation())


@shared_task
def tell_of_ends() -> None:
    """Tell owners of end dates that come near."""
    with alone("ends") as mine, audited(actor="slipway", door=Door.SYSTEM):
        if mine:
            end_dates.tell_ahead(day=today())
            data_ends.tell_ahead(day=today(), installation=installation())


@shared_task
def tell_of_troubles() -> None:
    """Tell owners of projects that need attention."""
    with alone("troubles") as mine, audited(actor="slipway", door=Door.SYSTEM):
        if mine:
            troubles.tell_of_troubles(now=timezone.now())


@shared_task
def tell_of_repairs() -> None:
    """Tell the platform team what was put back."""
    repairs.tell_of_repairs(now=timezone.now())


@shared_task
def forget_notices() -> None:
    """Forget notices and mails that have served their time."""
    mailing.forget_old(now=timezone.now())
