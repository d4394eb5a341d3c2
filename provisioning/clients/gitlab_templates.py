"""A template's files for a new GitLab project, which GitLab's free edition can't start from a template by itself."""

from provisioning.clients.forge_api import ForgeApi, Json
from provisioning.clients.forge_files import answer_limit
from provisioning.errors import PermanentError
from provisioning.phrases import phrase

FILES_AT_MOST = 300
_BYTES_AT_MOST = 1024 * 1024
_PLAIN = ("100644", "100755")


def as_actions(api: ForgeApi, *, project: str, ref: str, full_name: str) -> list[Json]:
    """All files of a template as the actions of one commit, content in base64 as it came.

    project: its path in the API. full_name: its name, for people. PermanentError when it has more files or larger ones
    than we take, or a symbolic link or submodule.
    """
    doing = phrase("read the template %(full_name)s", full_name=full_name)
    found = list(api.pages(doing, f"{project}/repository/tree?recursive=true&ref={ref}"))
    files = [one for one in found if one["type"] != "tree"]
    strange = [one["path"] for one in files if one["mode"] not in _PLAIN]
    if strange:
        raise PermanentError(
            phrase(
                "The template %(full_name)s holds more than plain files: %(strange)s.",
                full_name=full_name,
                strange=strange[0],
            )
        )
    if len(files) > FILES_AT_MOST:
        raise PermanentError(
            phrase(
                "The template %(full_name)s has %(number)s files; at most %(files_at_most)s are copied.",
                full_name=full_name,
                number=len(files),
                files_at_most=FILES_AT_MOST,
            )
        )
    return [_action(api, doing, project=project, entry=one) for one in files]


def _action(api: ForgeApi, doing: str, *, project: str, entry: Json) -> Json:
    blob = api.find_bounded(doing, f"{project}/repository/blobs/{entry['id']}", limit=answer_limit(_BYTES_AT_MOST))
    if blob is None:
        raise PermanentError(phrase("%(name)s can't %(doing)s: it changed meanwhile.", name=api.name, doing=doing))
    return {
        "action": "create",
        "file_path": entry["path"],
        "content": blob["content"],
        "encoding": "base64",
        "execute_filemode": entry["mode"] == "100755",
    }
