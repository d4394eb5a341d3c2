"""Who asks when profile.yaml changes: the person who pushed that change, as the forge signed them in.

Two things can't be trusted here. A commit claims any author, so the author is not asked about. And the tip of a branch
may have been pushed by somebody else than the file: an owner who pushes code on top of another one's profile.yaml must
not lend it their rights. So we go back, push by push, to the one that brought the file as it is.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from django.contrib.auth import get_user_model

from projects.profile import FILE
from provisioning.errors import PermanentError, TargetUnavailable, TemporaryError
from provisioning.forge import ForgeClient

if TYPE_CHECKING:
    from projects.permissions import Person

_MANY = 5


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


def person_of(client: ForgeClient, login: str, *, commit: Mapping[str, Any] | None = None) -> "Person | None":
    """The account here of a person known there; None when nobody with that mail as account name signed in.

    The forge says whose mail it is, for the mails in `commit` (a branch's tip) or when asked. Only accounts of the
    directory count: a local administrator is nobody on a forge.
    """
    users = get_user_model().objects.exclude(object_id="")
    mails = {
        str(commit[f"{who}_email"]).lower()
        for who in ("author", "committer")
        if commit is not None and str(commit[f"{who}_login"]).lower() == login.lower()
    }
    known = users.filter(username__in=mails).first()
    if known is not None:
        return cast("Person", known)
    for user in users.filter(username__istartswith=f"{login}@").order_by("pk")[:_MANY]:
        if (client.find_user(user.username) or "").lower() == login.lower():
            return cast("Person", user)
    return None
