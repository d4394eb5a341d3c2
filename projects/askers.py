"""Who asks when profile.yaml changes: the person who pushed that change, as the forge signed them in. Who that is here.

Two things can't be trusted here. A commit claims any author, so the author is not asked about. And the tip of a branch
may have been pushed by somebody else than the file: an owner who pushes code on top of another one's profile.yaml must
not lend it their rights. So we go back, push by push, to the one that brought the file as it is.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from itertools import chain
from typing import TYPE_CHECKING, Any, cast

import redis
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.db.models import Q

from projects.models import Project
from projects.profile import FILE
from provisioning.errors import PermanentError, TargetUnavailable, TemporaryError
from provisioning.forge import ForgeClient
from provisioning.phrases import Phrase, phrase

if TYPE_CHECKING:
    from projects.permissions import Person

_MANY = 5
_MEMBERS = 100
_KNOWN = 300
"""Seconds for which we remember which login belongs to somebody's mail."""


def blob_at(client: ForgeClient, full_name: str, sha: str) -> str | None:
    """The blob id of profile.yaml at a commit; None when there is no plain file, or no such commit any more."""
    try:
        found = client.file(full_name, FILE, sha)
    except TargetUnavailable:
        raise
    except (TemporaryError, PermanentError):
        return None
    return found[1] if found is not None else None


def who_brought(client: ForgeClient, *, full_name: str, branch: str, sha: str, blob: str) -> str | None:
    """The forge's login of whoever pushed profile.yaml as it is at the branch's tip.

    None when the forge doesn't say: its feed is a moment behind, or the file is older than what the feed has.
    """
    tip = sha
    for push in client.pushes(full_name, branch):
        if push["sha"] != tip:
            continue
        if not push["before"] or blob_at(client, full_name, push["before"]) != blob:
            return str(push["login"])
        tip = push["before"]
    return None


def person_of(
    client: ForgeClient, login: str, *, project: Project | None, commit: Mapping[str, Any] | None = None
) -> "Person | None":
    """The account here of a person known there; None when nobody whose account name is that person's mail signed in.

    The forge says whose mail it is, for the mails in `commit` (a branch's tip) or when asked. It is asked about
    accounts that are called like the login, and about those with a role in the project, as when they were given their
    rights on the repository. Only accounts of the directory count: a local administrator is nobody on a forge. On a
    forge that doesn't vouch for mail addresses nobody is known: whoever took another one's would get their rights.
    """
    if not login or not client.vouches_for_mail:
        # "" is an account that is gone on the forge, and also what we make of mails that nobody has there.
        return None
    users = get_user_model().objects.exclude(object_id="")
    mails = {
        str(commit[f"{who}_email"]).lower()
        for who in ("author", "committer")
        if commit is not None and str(commit[f"{who}_login"]).lower() == login.lower()
    }
    known = users.filter(username__in=mails).first()
    if known is not None:
        return cast("Person", known)
    alike = users.filter(username__istartswith=f"{login}@").order_by("pk")[:_MANY]
    for user in chain(alike, _members_called(client, login, project) if project is not None else ()):
        if _login_of(client, user) == login.lower():
            return cast("Person", user)
    return None


def stranger(client: ForgeClient, login: str) -> Phrase:
    """What to say of somebody whom `person_of` doesn't find; a sentence goes on from here."""
    return phrase("Slipway knows nobody whose account on %(forge)s is %(login)s", forge=client.name, login=login)


def way_in(client: ForgeClient, *, portal: str) -> Phrase:
    """What has to be done so that `person_of` finds somebody; a sentence goes on from here."""
    if client.vouches_for_mail:
        return phrase("Sign in once at %(portal)s, by the mail address that is known there", portal=portal)
    return phrase("The platform team has to say that %(forge)s vouches for mail addresses", forge=client.name)


def _members_called(client: ForgeClient, login: str, project: Project) -> Iterator[Any]:
    """Of the accounts with a role in the project those that had this login lately. Ask again before you believe it."""
    people = project.memberships.filter(is_group=False)
    named = Q(username__in=people.filter(object_id="").values("subject"))
    bound = Q(object_id__in=people.exclude(object_id="").values("object_id"))
    users = get_user_model().objects.exclude(object_id="").filter(named | bound)
    for user in users.order_by("pk")[:_MEMBERS]:
        # Each by itself, so that a forge that asks us to wait has been asked for nothing in vain.
        key, seen = f"forge-login:{client.name}:{user.pk}", None
        with suppress(redis.RedisError):
            seen = cache.get(key)
        if seen is None:
            seen = _login_of(client, user)
            with suppress(redis.RedisError):
                cache.set(key, seen, timeout=_KNOWN)
        if seen == login.lower():
            yield user


def _login_of(client: ForgeClient, user: Any) -> str:
    """The login in lower case of whoever has the account's name as mail there; "" for nobody."""
    return (client.find_user(user.username) or "").lower()
