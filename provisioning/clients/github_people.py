"""People on GitHub: found by the mail address that they show, and let in by an invitation.

Who is outside the organisation is invited and has no right before accepting. An invitation counts as the right here
until it ends, after a week, or each look would invite anew.
"""

from collections.abc import Iterator
from urllib.parse import quote

from provisioning.clients import forge_doings as doings
from provisioning.clients import github_documents as documents
from provisioning.clients.forge_api import ForgeApi, Json
from provisioning.clients.forge_driver import repo
from provisioning.forge import Grant, Permission
from provisioning.phrases import phrase


def login_of(api: ForgeApi, login: str) -> str | None:
    """A login as GitHub writes it; None when nobody has it."""
    found = _person(api, login)
    return None if found is None else str(found["login"])


def logins_with(api: ForgeApi, mail: str) -> Iterator[str]:
    """The logins of all who show this mail address."""
    path = f"/search/users?q={quote(f'{mail} in:email', safe='')}"
    for one in api.pages(doings.find_person(mail), path, within="items"):
        person = _person(api, one["login"]) or {}
        if (person.get("email") or "").lower() == mail.lower():
            yield str(person["login"])


def _person(api: ForgeApi, login: str) -> Json | None:
    found: Json | None = api.find(doings.find_login(login), f"/users/{quote(login, safe='')}")
    return found


def collaborators(api: ForgeApi, full_name: str) -> dict[str, Permission]:
    """Those with rights of their own on a repository, by login, and those whose invitation hasn't ended."""
    doing, path = doings.list_collaborators(full_name), repo(full_name)
    present = {
        one["login"]: documents.permission(one["role_name"])
        for one in api.pages(doing, f"{path}/collaborators?affiliation=direct")
    }
    open_ones = (one for one in _invitations(api, full_name) if not one.get("expired"))
    return {**{one["invitee"]["login"]: documents.permission(one["permissions"]) for one in open_ones}, **present}


def _invitations(api: ForgeApi, full_name: str) -> Iterator[Json]:
    """Those of people whom GitHub knows, ended ones too."""
    found = api.pages(
        phrase("list the invitations of %(full_name)s", full_name=full_name), f"{repo(full_name)}/invitations"
    )
    return (one for one in found if one["invitee"])


def permission(api: ForgeApi, full_name: str, login: str) -> Permission:
    """What a person may do on a repository, by whatever way; "none" also when either isn't there."""
    path = f"{_collaborator(full_name, login)}/permission"
    found = api.find(doings.tell_permission(full_name, login), path)
    return "none" if found is None else documents.permission(found["permission"])


def let_in(api: ForgeApi, full_name: str, login: str, grant: Grant) -> None:
    """Give a person rights, invite them, or change what they have or are invited to."""
    doing, path = doings.let_in(full_name, login), _collaborator(full_name, login)
    body = {"permission": documents.ROLES[grant]}
    invitation = api.ask(doing, "PUT", path, body=body)
    if invitation is not None and invitation.get("expired"):
        # The one that has ended stands in the way of another.
        api.drop(doing, f"{repo(full_name)}/invitations/{invitation['id']}")
        api.ask(doing, "PUT", path, body=body)


def take_off(api: ForgeApi, full_name: str, login: str) -> None:
    """Take a person's own rights away, and the invitation. Nothing happens when there are none."""
    doing = doings.take_off(full_name, login)
    api.drop(doing, _collaborator(full_name, login))
    for one in list(_invitations(api, full_name)):
        if one["invitee"]["login"] == login:
            api.drop(doing, f"{repo(full_name)}/invitations/{one['id']}")


def _collaborator(full_name: str, login: str) -> str:
    return f"{repo(full_name)}/collaborators/{quote(login, safe='')}"
