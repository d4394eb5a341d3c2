"""People on GitLab: called by number, and members of a project at a level, by themselves or through its group.

What somebody has through the group can't be taken away in a project; who administers that way reads as "owner".
`project` is always the path of a project in the API, `full_name` its name for people.
"""

from collections.abc import Iterator
from urllib.parse import quote

from provisioning.clients import forge_doings as doings
from provisioning.clients import gitlab_documents as documents
from provisioning.clients.forge_api import ForgeApi, Json
from provisioning.errors import Reason, TemporaryError
from provisioning.forge import Grant, Permission
from provisioning.phrases import phrase


def login_of(api: ForgeApi, login: str) -> str | None:
    """A login as GitLab writes it; None when nobody has it."""
    found = _person(api, login)
    return None if found is None else str(found["username"])


def logins_with(api: ForgeApi, mail: str) -> Iterator[str]:
    """The logins of all who have this mail address, hidden ones only with an administrator's token."""
    for one in api.pages(doings.find_person(mail), f"/users?search={quote(mail, safe='')}"):
        mails = {(one.get(field) or "").lower() for field in ("email", "public_email")}
        if mail.lower() in mails:
            yield str(one["username"])


def _person(api: ForgeApi, login: str) -> Json | None:
    found = api.find(doings.find_login(login), f"/users?username={quote(login, safe='')}") or []
    return next((one for one in found if one["username"].lower() == login.lower()), None)


def collaborators(api: ForgeApi, *, project: str, full_name: str) -> dict[str, Permission]:
    """The members of a project by login; "owner": who administers it through the group."""
    doing, path = phrase("list the members of %(full_name)s", full_name=full_name), f"{project}/members"
    own = {one["username"]: documents.permission(one["access_level"]) for one in api.pages(doing, path)}
    everybody = api.pages(doing, f"{path}/all")
    above = {one["username"] for one in everybody if documents.permission(one["access_level"]) == "admin"} - own.keys()
    return {**own, **dict.fromkeys(sorted(above), "owner")}


def permission(api: ForgeApi, login: str, *, project: str, full_name: str) -> Permission:
    """What a person may do on a project, by whatever way; "none" also when either isn't there."""
    person = _person(api, login)
    if person is None:
        return "none"
    found = api.find(doings.tell_permission(full_name, login), f"{project}/members/all/{person['id']}")
    return "none" if found is None else documents.permission(found["access_level"])


def let_in(api: ForgeApi, login: str, grant: Grant, *, project: str, full_name: str) -> None:
    """Give a person rights, or change them. TemporaryError while GitLab doesn't know the person."""
    doing, person = doings.let_in(full_name, login), _person(api, login)
    if person is None:
        message = phrase("%(name)s can't %(doing)s: it knows nobody of that name.", name=api.name, doing=doing)
        raise TemporaryError(message, reason=Reason.DEPENDENCY_NOT_READY)
    path, level = f"{project}/members", {"access_level": documents.LEVELS[grant]}
    made = api.send("POST", path, body={"user_id": person["id"], **level})
    if made.status_code == 409:
        api.ask(doing, "PUT", f"{path}/{person['id']}", body=level)
    elif not made.is_success:
        raise api.error(made, doing)


def take_off(api: ForgeApi, login: str, *, project: str, full_name: str) -> None:
    """Take a person's own rights away. Nothing happens when there are none, or no such person."""
    person = _person(api, login)
    if person is not None:
        api.drop(doings.take_off(full_name, login), f"{project}/members/{person['id']}")
