"""Ending somebody's access at once, and giving it back: by the platform team, with a reason, whatever the directory
says.

What is ended is what a leaver loses (`projects.leavers`). No sync brings it back: it brings back only whom the
directory had switched off, and `left_at` says who that was.
"""

from typing import TYPE_CHECKING, cast

import structlog
from django.contrib.auth import get_user_model
from django.db import transaction

from projects import account_groups, contributors, permissions
from projects.errors import Conflict, Fault, InvalidSpec, NotAllowed
from projects.granting import audited_by
from projects.leavers import make_due, switch_off
from projects.models import AccessChange, Door

if TYPE_CHECKING:
    from projects.permissions import Person

log = structlog.get_logger(__name__)


def end_access(account: "Person", *, by: "Person", because: str) -> None:
    """End sessions, tokens, rights in the portal, role bindings and rights on the forge of this account.

    Raises NotAllowed, InvalidSpec without a reason, Conflict when it is ended already.
    """
    _check(account, by=by, because=because)
    with audited_by(by=by, door=Door.SYSTEM), transaction.atomic():
        account = _held(account)
        if not account.is_active and account.left_at is None:
            raise Conflict(f"The access of {account.username} is ended already.")
        switch_off(account, left_at=None)
        _changed(account, by=by, because=because, ended=True)


def give_back_access(account: "Person", *, by: "Person", because: str) -> None:
    """Let the account in again, with the groups that the directory has it in now. Ended sessions and tokens stay so.

    Raises NotAllowed, InvalidSpec without a reason, Conflict when it was not ended here.
    """
    _check(account, by=by, because=because)
    with audited_by(by=by, door=Door.SYSTEM), transaction.atomic():
        account = _held(account)
        if account.is_active or account.left_at is not None:
            raise Conflict(
                f"The access of {account.username} was not ended here. Who left comes back by the directory."
            )
        account.is_active = True
        # Of a local account, which has no groups that say so.
        account.is_staff = account.is_superuser
        account.save(update_fields=["is_active", "is_staff"])
        groups = account_groups.groups_now(account.object_id) if account.object_id else None
        if groups is not None:
            account_groups.write(account, groups)
        _changed(account, by=by, because=because, ended=False)


def _check(account: "Person", *, by: "Person", because: str) -> None:
    if not permissions.may_end_access(by, account):
        raise NotAllowed("Only the platform team ends somebody's access or gives it back, and nobody their own.")
    if not because.strip():
        raise InvalidSpec([Fault(path=("because",), code="missing", message="Say why.")])


def _held(account: "Person") -> "Person":
    """The account as it is now, under lock: a sync may run."""
    return cast("Person", get_user_model().objects.select_for_update().get(pk=account.pk))


def _changed(account: "Person", *, by: "Person", because: str, ended: bool) -> None:
    AccessChange.objects.create(account_id=account.pk, ended=ended, because=because.strip(), by_name=by.username)
    make_due(set(contributors.grants_to(object_id=account.object_id, username=account.username)))
    log.warning("access_changed", account=account.pk, ended=ended, by=by.pk)
