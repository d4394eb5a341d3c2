"""Which account belongs to a person of the directory.

A person is tenant plus object id. The UPN is only a name: people keep their account when it changes, and somebody who
is given the UPN of a person who left inherits nothing.
"""

import base64
import logging
import re
import uuid
from dataclasses import dataclass

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.utils.translation import gettext_noop

from portal.models import User, group_names
from projects.passed_on import pass_on

log = logging.getLogger(__name__)

# "#" parts a UPN from the object id in names that were moved aside.
_UPN = re.compile(r"[^\s#]+@[^\s#]+")
_OBJECT_ID = re.compile(r"[0-9A-Za-z._=+/-]{1,64}")
_LONGEST_UPN = 180
# Sixteen bytes, as AD FS sends the attribute objectGUID.
_GUID_BYTES = re.compile(r"[0-9A-Za-z+/]{22}==")
_GUID_TEXT = re.compile(r"\{?([0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})\}?")


class SignInRefused(PermissionDenied):
    """The person may not come in. The text is for that person: what happened, why, what to do."""


def canonical_object_id(text: str) -> str:
    """An object id in the one form that we keep: a GUID in lower case. What is no GUID comes back as it is.

    Entra ID and LDAP tools write GUIDs as text, AD FS as base64 of their bytes in the order that Windows keeps them in.
    """
    if found := _GUID_TEXT.fullmatch(text):
        return found[1].lower()
    if _GUID_BYTES.fullmatch(text):
        return str(uuid.UUID(bytes_le=base64.b64decode(text)))
    return text


@dataclass(frozen=True)
class Person:
    """Who a token speaks of: `upn` in lower case, `object_id` as `canonical_object_id` gives it."""

    tenant: str
    object_id: str
    upn: str

    def __post_init__(self) -> None:
        if not _OBJECT_ID.fullmatch(self.object_id):
            raise SignInRefused(
                gettext_noop(
                    "The directory sent no object id for you, and without one we can't tell accounts "
                    "apart. The platform team must add the claim “oid” for this portal in AD FS or "
                    "Entra ID."
                )
            )
        if not _UPN.fullmatch(self.upn) or len(self.upn) > _LONGEST_UPN:
            raise SignInRefused(
                gettext_noop(
                    "The directory sent no usable user principal name for you. The platform team "
                    "must add the claim “upn” for this portal in AD FS or Entra ID."
                )
            )


def known_account(person: Person) -> User | None:
    """The account of `person`, whatever it is called, with its groups, in one query; None when there is none yet."""
    known = (
        User.objects.filter(tenant=person.tenant, object_id=person.object_id)
        .annotate(names=group_names(user="pk"))
        .first()
    )
    if known is not None:
        known.directory_groups = tuple(known.names)
    return known


def account_of(person: Person) -> tuple[User, bool]:
    """The account of `person` and whether it was made just now. Writes nothing when account and name are as they were.

    Raises SignInRefused when a local account has the person's name.
    """
    known = known_account(person)
    if known is not None and known.username == person.upn:
        return known, False
    try:
        return _settle(person)
    except IntegrityError:
        # Two first sign-ins of one person at the same moment: the other one has made the account.
        return _settle(person)


def _settle(person: Person) -> tuple[User, bool]:
    _free_name(person)
    return _with_name(person)


@transaction.atomic
def _free_name(person: Person) -> None:
    """End what the name is to somebody else, here and where it was given a right."""
    others = User.objects.exclude(tenant=person.tenant, object_id=person.object_id)
    # In the order of `projects.locks`: the account, projects, and a new name last.
    holder = others.select_for_update(no_key=True).filter(username__iexact=person.upn).first()
    if holder is not None and not holder.object_id:
        raise SignInRefused(
            gettext_noop(
                "A local account of this portal has your user name, so we can't give it to you. "
                "Ask the platform team to rename or remove the local account."
            )
        )
    pass_on(person.upn, to=person.object_id, held_by=holder.object_id if holder is not None else "")
    if holder is not None:
        _move_aside(holder)


@transaction.atomic
def _with_name(person: Person) -> tuple[User, bool]:
    """The account of the person, by this name from now on, and whether it was made just now."""
    known = User.objects.select_for_update().filter(tenant=person.tenant, object_id=person.object_id).first()
    if known is None:
        made = User(username=person.upn, tenant=person.tenant, object_id=person.object_id)
        made.set_unusable_password()
        made.save()
        log.info("account made for %s", person.upn)
        return made, True
    if known.username != person.upn:
        log.info("account %s is called %s now", known.pk, person.upn)
        known.username = person.upn
        known.save(update_fields=["username"])
    return known, False


def _move_aside(holder: User) -> None:
    """Takes name, groups and sessions from an account whose UPN now belongs to somebody else."""
    log.warning("the name %s belongs to another person now; account %s was moved aside", holder.username, holder.pk)
    holder.username = f"{holder.username}#{holder.object_id}"
    holder.is_staff = False
    # A new unusable password ends the sessions that are open.
    holder.set_unusable_password()
    holder.save(update_fields=["username", "is_staff", "password"])
    holder.groups.clear()
