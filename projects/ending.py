"""Ending somebody's access at once, and giving it back: by the platform team, with a reason, whatever the directory
says.

What is ended is what a leaver loses (`projects.leavers`). No sync brings it back: it brings back only whom the
directory had switched off, and `left_at` says who that was.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import structlog
from django.contrib.auth import get_user_model
from django.db import transaction
from django.utils.translation import gettext
from knox.models import get_token_model

from projects import account_groups, contributors, identity, permissions, succession
from projects.doorbell import make_due
from projects.errors import Conflict, Fault, InvalidSpec, NotAllowed
from projects.exports import Record
from projects.granting import audited_by
from projects.installation import installation
from projects.leavers import switch_off
from projects.list_address import Listed
from projects.models import AccessChange, Door, Membership, Project
from projects.sorting import BY_ID

if TYPE_CHECKING:
    from projects.permissions import Person

log = structlog.get_logger(__name__)

COLUMNS = ("number", "account", "ended", "because", "by", "door", "at")
"""What the list of changes has as a file."""


@dataclass(frozen=True)
class Ends:
    """What ends with somebody's access. `roles`: those in their own name; they stay written down and count again when
    access is given back. `ownerless`: projects of which nobody else is owner.
    """

    tokens: int
    roles: tuple[Membership, ...]
    ownerless: tuple[Project, ...]


def account_called(name: str) -> "Person":
    """The account of this user name; one that is not stored yet for somebody of the directory who never signed in, and
    may have roles all the same. Raises InvalidSpec when there is neither.
    """
    name = name.strip()
    found = get_user_model().objects.filter(username__iexact=name).first()
    if found is not None:
        return cast("Person", found)
    entry = identity.entries_of([(False, name)]).get((False, name))
    if entry is None:
        message = gettext("Nobody is called %(name)s: no account here, and nobody in the directory.")
        raise InvalidSpec([Fault(path=("account",), code="not_possible", message=message % {"name": name})])
    told = {"username": entry.account.lower(), "email": entry.mail}
    return cast("Person", get_user_model()(tenant=installation().tenant, object_id=entry.object_id, **told))


def is_ended(account: "Person") -> bool:
    """Was the access ended here, and not by the directory?"""
    return not account.is_active and account.left_at is None


def what_ends(account: "Person") -> Ends:
    """What would end now. A few queries, however many roles there are."""
    rows = contributors.roles_of(object_id=account.object_id, username=account.username)
    roles = tuple(rows.filter(project__deleted_at=None).select_related("project").order_by("project__slug"))
    return Ends(
        tokens=get_token_model().objects.filter(user=account.pk).count(),
        roles=roles,
        ownerless=tuple(succession.left_by(account).order_by("slug")),
    )


def end_access(account: "Person", *, by: "Person", because: str, door: Door, dry_run: bool = False) -> Ends:
    """End sessions, tokens, rights in the portal, role bindings and rights on the forge of this account.

    Returns what ended, or with `dry_run` would. Raises NotAllowed, InvalidSpec without a reason, Conflict when it is
    ended already.
    """
    _check(account, by=by, because=because, door=door)
    with audited_by(by=by, door=door), transaction.atomic():
        if not dry_run:
            account = _held(account)
        if is_ended(account):
            raise Conflict(gettext("The access of %(who)s is ended already.") % {"who": account.username})
        ends = what_ends(account)
        if not dry_run:
            switch_off(account, left_at=None)
            _changed(account, by=by, door=door, because=because, ended=True)
    return ends


def give_back_access(account: "Person", *, by: "Person", because: str, door: Door) -> AccessChange:
    """Let the account in again, with the groups that the directory has it in now. Ended sessions and tokens stay so.

    Raises NotAllowed, InvalidSpec without a reason, Conflict when it was not ended here.
    """
    _check(account, by=by, because=because, door=door)
    with audited_by(by=by, door=door), transaction.atomic():
        account = _held(account)
        if not is_ended(account):
            message = gettext("The access of %(who)s was not ended here. Who left comes back by the directory.")
            raise Conflict(message % {"who": account.username})
        account.is_active = True
        # Of a local account, which has no groups that say so.
        account.is_staff = account.is_superuser
        account.save(update_fields=["is_active", "is_staff"])
        groups = account_groups.groups_now(account.object_id) if account.object_id else None
        if groups is not None:
            account_groups.write(account, groups)
        return _changed(account, by=by, door=door, because=because, ended=False)


def _check(account: "Person", *, by: "Person", because: str, door: Door) -> None:
    if not permissions.may_end_access(by, account, door=door):
        raise NotAllowed(why_not(account, by=by))
    if not because.strip():
        raise InvalidSpec([Fault(path=("because",), code="missing", message=gettext("Say why."))])


def why_not(account: "Person", *, by: "Person") -> str:
    """Why this person may not, by page or API, end the access of this account or give it back; "" where they may."""
    if not permissions.is_platform_admin(by) or by.pk == account.pk:
        return gettext("Only the platform team ends somebody's access or gives it back, and nobody their own.")
    if not permissions.may_end_access(by, account, door=Door.FORM):
        message = gettext(
            "%(who)s is a break-glass account, the way in when nobody else can. Only `manage.py end_access` ends it."
        )
        return message % {"who": account.username}
    return ""


def _held(account: "Person") -> "Person":
    """The account as it is now, under lock: a sync may run, or a first sign-in."""
    accounts = get_user_model().objects.select_for_update(no_key=True)
    if account.pk is not None:
        return cast("Person", accounts.get(pk=account.pk))
    told = {"username": account.username, "email": account.email}
    made, _ = accounts.get_or_create(tenant=installation().tenant, object_id=account.object_id, defaults=told)
    return cast("Person", made)


def _changed(account: "Person", *, by: "Person", door: Door, because: str, ended: bool) -> AccessChange:
    row = AccessChange.objects.create(
        account_id=account.pk, ended=ended, because=because.strip(), by_name=by.username, door=door
    )
    roles = contributors.roles_of(object_id=account.object_id, username=account.username)
    make_due(Project.objects.filter(pk__in=roles.values("project")))
    log.warning("access_changed", account=account.pk, ended=ended, by=by.pk)
    return row


def record(row: AccessChange) -> Record:
    """One row as API and files carry it."""
    return {
        "number": row.pk,
        "account": row.account.username,
        "ended": row.ended,
        "because": row.because,
        "by": row.by_name,
        "door": row.door,
        "at": row.at,
    }


LIST = Listed((BY_ID,), COLUMNS, record)
