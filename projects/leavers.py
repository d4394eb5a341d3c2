"""What follows from a sync of the directory: who left is out, who came back is in again, groups are as they are there.

Only a complete sync that changed something comes here, so an outage of the directory removes nobody. Accounts are
compared with the rows as they are now, and not only those that changed, so that a sync that was cut short is made up
for by the next one. Local accounts have no object id and are never touched.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, cast

import structlog
from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.functions import Lower
from django.utils import timezone
from knox.models import get_token_model

from projects import account_groups, succession
from projects.audit import audited
from projects.directory import groups_by_member, has_left, inside
from projects.doorbell import make_due
from projects.identity import bind_memberships, bind_teams, shared_names
from projects.installation import installation
from projects.models import DirectoryEntry, Door, Membership, Project

if TYPE_CHECKING:
    from projects.permissions import Person

log = structlog.get_logger(__name__)

_AT_ONCE = 1000
_ENTRY = DirectoryEntry.objects.filter(object_id=OuterRef("object_id"), is_group=False)


def after_sync(changed: frozenset[str]) -> None:
    """Make accounts, grants and workspaces follow the directory.

    changed: object ids of people and groups that appeared, left, were switched on or off, got another name, or are in
    other groups than before. Each step is a transaction of its own, so that nobody waits for a whole sync, nor it for
    them; after one that was cut short, all are done again.
    """
    _tell_ids(changed)
    with audited(actor="slipway", door=Door.SYSTEM):
        make_due(Project.objects.filter(pk__in=set(_projects_with(changed))))
        bind_memberships()
        bind_teams()
        _switch_off()
        back = _switch_on()
        _follow(changed | back | _in_groups_called_as(changed))
        succession.review(now=timezone.now(), catalogue=installation().catalogue)


def _switch_off() -> None:
    """End accounts of people who left or are switched off: sessions, tokens, groups, and the account itself."""
    out = _accounts().filter(Exists(_ENTRY.filter(has_left())), is_active=True)
    for pk in out.values_list("pk", flat=True):
        with transaction.atomic():
            user = _still_among(out, pk)
            if user is not None:
                switch_off(user, left_at=timezone.now())
                log.warning("account_left", account=pk)


def switch_off(user: "Person", *, left_at: datetime | None) -> None:
    """End an account: sessions, tokens, groups, and the account itself. left_at: since when the directory says so, by
    which it comes back; None for an end that the directory has no say in.
    """
    user.is_active, user.left_at = False, left_at
    user.is_staff, user.group_ids = False, []
    # Sessions hold a digest of the password: another unusable one ends them, also should the person return.
    user.set_unusable_password()
    user.save(update_fields=["is_active", "left_at", "is_staff", "group_ids", "password"])
    user.groups.clear()
    get_token_model().objects.filter(user=user).delete()


def _switch_on() -> set[str]:
    """Bring back whom the directory had switched off, and nobody whom somebody here did; their object ids."""
    there = _accounts().filter(Exists(_ENTRY.filter(enabled=True, gone_at=None)), left_at__isnull=False)
    back = set()
    for pk in there.values_list("pk", flat=True):
        with transaction.atomic():
            user = _still_among(there, pk)
            if user is not None:
                user.is_active, user.left_at = True, None
                user.save(update_fields=["is_active", "left_at"])
                back.add(user.object_id)
                log.warning("account_came_back", account=pk)
    return back


def _still_among(accounts: "QuerySet[Person]", pk: int) -> "Person | None":
    """The account under lock; None where it is none of these any more, as somebody here ended its access meanwhile."""
    return accounts.select_for_update(no_key=True).filter(pk=pk).first()


def _tell_ids(changed: frozenset[str]) -> None:
    """Write object ids of groups to the accounts among these before anything is bound to one.

    Whoever answers a page reads the account first, and asks then what is granted. With both written at once, a page
    between the two would know no id of a group that counts by its id already, and answer 404.
    """
    for accounts in _present(changed):
        for user, _, groups in accounts:
            ids = account_groups.kept_ids(groups)
            if user.group_ids != ids:
                user.group_ids = ids
                user.save(update_fields=["group_ids"])


def _follow(changed: frozenset[str]) -> None:
    """Groups, platform team, name and mail address of the accounts among these, as the directory has them."""
    for accounts in _present(changed):
        shared = shared_names({one.account for _, _, groups in accounts for one in groups})
        for user, entry, groups in accounts:
            if account_groups.write(user, groups, shared=shared):
                log.info("account_groups_changed", account=user.pk)
            _rename(user, entry.account)
            _write_to(user, entry.mail)


def _present(changed: frozenset[str]) -> "Iterator[list[tuple[Person, DirectoryEntry, Sequence[DirectoryEntry]]]]":
    """Accounts among these that are there to the directory too, with their entry and their groups, many at once."""
    for ids in _batches(changed):
        present = DirectoryEntry.objects.filter(object_id__in=ids, is_group=False, enabled=True, gone_at=None)
        entries = {entry.object_id: entry for entry in present}
        accounts = list(_accounts().filter(object_id__in=entries, is_active=True).prefetch_related("groups"))
        groups = groups_by_member([user.object_id for user in accounts])
        yield [(user, entries[user.object_id], groups[user.object_id]) for user in accounts]


def _in_groups_called_as(changed: frozenset[str]) -> set[str]:
    """People in groups that have the name of a changed one: a name that two share is none (`identity.shared_names`)."""
    groups: set[str] = set()
    for ids in _batches(changed):
        lowered = Lower("account")
        names = DirectoryEntry.objects.filter(object_id__in=ids, is_group=True).values_list(lowered, flat=True)
        called = DirectoryEntry.objects.filter(is_group=True, gone_at=None).alias(lowered=lowered)
        groups.update(called.filter(lowered__in=set(names)).values_list("object_id", flat=True))
    return inside(groups) if groups else set()


def _rename(user: "Person", name: str) -> None:
    """Call the account as the directory does. A name that somebody still has is left to the next sign-in to settle."""
    if user.username == name or get_user_model().objects.filter(username__iexact=name).exclude(pk=user.pk).exists():
        return
    user.username = name
    user.save(update_fields=["username"])
    log.info("account_renamed", account=user.pk)


def _write_to(user: "Person", mail: str) -> None:
    """Mail goes to where the directory says; where it says nothing, to where the last sign-in did."""
    if mail and user.email != mail:
        user.email = mail
        user.save(update_fields=["email"])
        log.info("account_mail_changed", account=user.pk)


def _projects_with(changed: frozenset[str]) -> Iterator[int]:
    """Projects that grant something to somebody among these."""
    for ids in _batches(changed):
        yield from Membership.objects.filter(object_id__in=ids).order_by().values_list("project", flat=True)


def _accounts() -> "QuerySet[Person]":
    return cast("QuerySet[Person]", get_user_model().objects.exclude(object_id="").order_by("pk"))


def _batches(ids: frozenset[str]) -> Iterator[Sequence[str]]:
    ordered = sorted(ids)
    return (ordered[start : start + _AT_ONCE] for start in range(0, len(ordered), _AT_ONCE))
