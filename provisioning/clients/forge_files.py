"""One file as forges answer it: how long the answer may be, and that it is a plain file of no more than its limit."""

from typing import Any

from provisioning.errors import PermanentError
from provisioning.phrases import phrase


def answer_limit(limit: int) -> int:
    """How long an answer with a file of `limit` bytes may be: base64, maybe in lines, and some names and links."""
    return limit * 3 // 2 + 16 * 1024


def check_size(size: int, *, limit: int, path: str, full_name: str) -> None:
    """PermanentError when a file is larger than `limit`."""
    if size > limit:
        raise PermanentError(
            phrase(
                "%(path)s of %(full_name)s is larger than %(most)s KiB.",
                path=path,
                full_name=full_name,
                most=limit // 1024,
            )
        )


def check_plain(found: Any, *, limit: int, path: str, full_name: str) -> None:
    """PermanentError when what `/contents` of GitHub and Gitea answers is no plain file, or one larger than `limit`.

    A folder is answered as a list.
    """
    if isinstance(found, list) or found["type"] != "file":
        what = "folder" if isinstance(found, list) else found["type"]
        raise PermanentError(
            phrase(
                "%(path)s of %(full_name)s is a %(what)s. It must be a plain file.",
                path=path,
                full_name=full_name,
                what=what,
            )
        )
    check_size(found["size"], limit=limit, path=path, full_name=full_name)
