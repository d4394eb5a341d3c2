"""Who pushed what, as the forge itself recorded it.

A commit claims any author it likes, so nobody's rights may be read from it. The forge signed the pusher in; it keeps
that in the repository's feed, for pushes, edits on its pages and merges alike. An entry may come a second or two after
the push itself.
"""

import re

import orjson

from provisioning.clients import forge_doings as doings
from provisioning.clients.forge_api import ForgeApi, Json
from provisioning.forge import Push

PUSHES = 50
_COMPARED = re.compile(r"/compare/([0-9a-f]{40,64})\.\.\.([0-9a-f]{40,64})$")


def pushes(api: ForgeApi, path: str, branch: str) -> list[Push]:
    """The newest pushes to a branch, newest first; [] when there were none or the repository isn't there.

    path: the repository's path in the API. At most 50 entries of the feed are read.
    """
    found = api.find(doings.tell_pushes(branch), f"{path}/activities/feeds?limit={PUSHES}") or []
    ours = [one for one in found if one["op_type"] == "commit_repo" and one["ref_name"] == f"refs/heads/{branch}"]
    # The feed is sorted by the second; its numbers count up.
    ours.sort(key=lambda one: int(one["id"]), reverse=True)
    return [push for one in ours if (push := _push(one)) is not None]


def _push(entry: Json) -> Push | None:
    """An entry of the feed as a push; None for the making of a branch, which has no content."""
    if not entry["content"]:
        return None
    content = orjson.loads(entry["content"])
    compared = _COMPARED.search(content.get("CompareURL") or "")
    return {
        "sha": content["HeadCommit"]["Sha1"],
        "before": compared[1] if compared else "",
        "login": entry["act_user"]["login"],
    }
