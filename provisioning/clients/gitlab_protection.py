"""GitLab's protected branches, by access level, and its approval rules, which are a thing of their own there.

`project` is always the path of a project in the API.
"""

from urllib.parse import quote

from provisioning.clients import forge_doings as doings
from provisioning.clients.forge_api import ForgeApi
from provisioning.forge import Protection, cannot
from provisioning.phrases import phrase

_NO_ONE, _DEVELOPERS, _MAINTAINERS = 0, 30, 40
_APPROVALS = "Slipway"
"""Name of our approval rule."""


def protection(api: ForgeApi, project: str, branch: str) -> Protection | None:
    """The rule of exactly that name, or None."""
    found = api.find(doings.read_protection(branch), _rule(project, branch))
    if found is None:
        return None
    pushing = {one["access_level"] for one in found["push_access_levels"]}
    merging = {one["access_level"] for one in found["merge_access_levels"]}
    ours = (pushing, merging) == ({_MAINTAINERS}, {_DEVELOPERS}) and not found["allow_force_push"]
    return {
        "approvals": _approvals(api, project)[1],
        "checks": [],
        "protected_files": [],
        "push_logins": [],
        "administrators_push": ours,
    }


def protect(api: ForgeApi, project: str, branch: str, *, anybody_pushes: bool) -> None:
    """Make the rule anew: Maintainers push, or nobody does; Developers merge."""
    doing = phrase("protect %(branch)s", branch=branch)
    api.drop(doing, _rule(project, branch))
    body = {
        "name": branch,
        "push_access_level": _MAINTAINERS if anybody_pushes else _NO_ONE,
        "merge_access_level": _DEVELOPERS,
        "allow_force_push": False,
    }
    api.ask(doing, "POST", f"{project}/protected_branches", body=body)


def ask_for_approvals(api: ForgeApi, project: str, number: int) -> None:
    """Ask for so many approvals. PermanentError on the free edition, unless none are asked for."""
    doing, path = phrase("ask for approvals"), f"{project}/approval_rules"
    rule, present = _approvals(api, project)
    if present == number:
        return
    body = {"name": _APPROVALS, "approvals_required": number}
    if rule is not None:
        api.ask(doing, "PUT", f"{path}/{rule}", body=body)
        return
    made = api.send("POST", path, body=body)
    if made.status_code in (403, 404):
        raise cannot(api.name, doing, phrase("That needs GitLab Premium; ask for none in the project."))
    if not made.is_success:
        raise api.error(made, doing)


def _approvals(api: ForgeApi, project: str) -> tuple[int | None, int]:
    """Number of our approval rule and how many it asks for; (None, 0) without one, as on the free edition."""
    response = api.send("GET", f"{project}/approval_rules?per_page=100")
    if response.status_code in (403, 404):
        return None, 0
    if not response.is_success:
        raise api.error(response, phrase("read the approval rules"))
    rule = next((one for one in api.document(response) if one["name"] == _APPROVALS), None)
    return (None, 0) if rule is None else (rule["id"], rule["approvals_required"])


def _rule(project: str, branch: str) -> str:
    return f"{project}/protected_branches/{quote(branch, safe='')}"
