"""How several files become one commit on GitHub: by several calls (blobs, tree, commit, branch).

An empty repository takes no such calls before it has a commit: one is made that says what it is, and is then replaced
by a commit of all files that has no parent. A repository with that one alone still counts as empty, so that a crash
between the two is settled later.
"""

import base64
from collections.abc import Mapping
from urllib.parse import quote

from provisioning.clients import forge_doings as doings
from provisioning.clients import forge_errors as errors
from provisioning.clients.forge_api import ForgeApi, Json, said
from provisioning.clients.forge_driver import repo
from provisioning.errors import TemporaryError
from provisioning.phrases import phrase

_BEGUN = "Begin; the project's files follow"
_BEGUN_FILE = b"The project's files follow in a moment.\n"
_EMPTY: tuple[list[str], ...] = ([], [_BEGUN])
"""The messages of an empty repository's commits."""


def is_empty(api: ForgeApi, full_name: str) -> bool:
    """Has it nothing but, at most, the commit that `put` begins with and replaces?"""
    return _first_messages(api, full_name) in _EMPTY


def _first_messages(api: ForgeApi, full_name: str) -> list[str]:
    """The messages of the newest two commits; [] when there is none."""
    found = api.send("GET", f"{repo(full_name)}/commits?per_page=2")
    if found.status_code == 409:
        return []
    if not found.is_success:
        raise api.error(found, phrase("list the commits of %(full_name)s", full_name=full_name))
    return [one["commit"]["message"] for one in api.document(found)]


def tip(api: ForgeApi, full_name: str, branch: str, doing: str) -> str:
    """The commit at a branch's tip, to `doing` from there. TemporaryError while the branch isn't there."""
    found = api.find(doing, f"{repo(full_name)}/git/ref/heads/{quote(branch)}")
    if found is None:
        raise errors.no_start(api.name, doing, branch)
    return str(found["object"]["sha"])


def put(
    api: ForgeApi,
    full_name: str,
    branch: str,
    message: str,
    files: Mapping[str, bytes],
    *,
    removed: Mapping[str, str],
) -> str:
    """Write files in one commit on a branch, and take away those of `removed`; the commit's id.

    TemporaryError while the branch isn't there, except in an empty repository, and when somebody pushes in between.
    """
    doing, git = doings.write(full_name, branch), f"{repo(full_name)}/git"
    before = _first_messages(api, full_name)
    first = before in _EMPTY
    if not before:
        _begin(api, full_name, branch)
    parent = tip(api, full_name, branch, doing)
    entries = []
    for path, content in files.items():
        blob = {"content": base64.b64encode(content).decode(), "encoding": "base64"}
        made = api.ask(doing, "POST", f"{git}/blobs", body=blob)
        entries.append({"path": path, "mode": "100644", "type": "blob", "sha": made["sha"]})
    entries += [{"path": path, "mode": "100644", "type": "blob", "sha": None} for path in removed]
    whole: Json = {"tree": entries}
    if not first:
        whole["base_tree"] = api.ask(doing, "GET", f"{git}/commits/{parent}")["tree"]["sha"]
    tree = api.ask(doing, "POST", f"{git}/trees", body=whole)["sha"]
    document = {"message": message, "tree": tree, "parents": [] if first else [parent]}
    commit = str(api.ask(doing, "POST", f"{git}/commits", body=document)["sha"])
    body = {"sha": commit, "force": first}
    moved = api.send("PATCH", f"{git}/refs/heads/{quote(branch)}", body=body)
    if moved.status_code == 422 and "fast forward" in said(moved):
        raise TemporaryError(
            phrase("%(name)s can't %(doing)s, since somebody pushed meanwhile.", name=api.name, doing=doing),
            delay=0.2,
        )
    if not moved.is_success:
        raise api.error(moved, doing)
    return commit


def _begin(api: ForgeApi, full_name: str, branch: str) -> None:
    """Make a commit, since blobs and trees want one to be there. It tells whoever finds it what it is."""
    body = {"message": _BEGUN, "content": base64.b64encode(_BEGUN_FILE).decode(), "branch": branch}
    doing = phrase("write the first file of %(full_name)s", full_name=full_name)
    api.ask(doing, "PUT", f"{repo(full_name)}/contents/README.md", body=body)
