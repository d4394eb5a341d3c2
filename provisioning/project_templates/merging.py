"""A newer version of a template into files that a team has changed since: three-way, file by file, with diff3.

What the team deleted stays deleted, what it made its own stays its own. Where both changed the same lines, both stand
in the file between conflict markers, and its path is named, so that a person decides.
"""

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from provisioning.errors import PermanentError
from provisioning.phrases import phrase
from provisioning.project_templates.process import TookTooLong, run

DIFF3 = "/usr/bin/diff3"

Read = Callable[[str], tuple[bytes, str] | None]
"""From a path to the team's file and its blob id; None when the team has none there."""


@dataclass
class Merged:
    """What a pull request has to write: files by path, and the blob ids of those to remove. The rest is for its text.

    conflicts: files with conflict markers. kept: files that stay as the team has them, with the reason.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    removed: dict[str, str] = field(default_factory=dict)
    conflicts: list[str] = field(default_factory=list)
    kept: dict[str, str] = field(default_factory=dict)


def merge(old: Mapping[str, bytes], new: Mapping[str, bytes], read: Read, *, labels: tuple[str, str, str]) -> Merged:
    """How the team's files become those of the new version.

    old, new: the project's files as the two versions make them. read: the team's. labels: theirs, old, new, as they
    stand at conflict markers. Only files that differ between the versions are read.
    """
    merged = Merged()
    for path in sorted({*old, *new}):
        if old.get(path) != new.get(path):
            _one(merged, path, old.get(path), new.get(path), read(path), labels)
    return merged


def _one(
    merged: Merged,
    path: str,
    old: bytes | None,
    new: bytes | None,
    theirs: tuple[bytes, str] | None,
    labels: tuple[str, str, str],
) -> None:
    if theirs is None:
        if old is None and new is not None:
            merged.files[path] = new
        elif new is not None:
            merged.kept[path] = "you removed it"
        return
    mine, blob = theirs
    if mine == new:
        return
    if new is None:
        if mine == old:
            merged.removed[path] = blob
        else:
            merged.kept[path] = "the template has none any more, but you changed yours"
    elif mine == old:
        merged.files[path] = new
    elif old is None:
        # Nothing that both began with: a merge would be one file after the other.
        merged.kept[path] = "the template has one too now, and you have your own"
    elif not all(_is_text(content) for content in (mine, old, new)):
        merged.kept[path] = "both changed it, and it is no text"
    else:
        merged.files[path], conflict = three_way(mine, old, new, labels=labels)
        if conflict:
            merged.conflicts.append(path)


def _is_text(content: bytes) -> bool:
    try:
        return "\0" not in content.decode("utf-8")
    except UnicodeDecodeError:
        return False


def three_way(mine: bytes, old: bytes, new: bytes, *, labels: tuple[str, str, str]) -> tuple[bytes, bool]:
    """The merged text, and whether conflict markers are in it. Raises PermanentError when it can't be worked out."""
    with tempfile.TemporaryDirectory(prefix="slipway-merge-") as name:
        scratch = Path(name)
        for title, content in (("mine", mine), ("old", old), ("new", new)):
            # diff3 puts its markers at the end of a line, so the last one must have an end.
            (scratch / title).write_bytes(content if content.endswith(b"\n") or not content else content + b"\n")
        command = [DIFF3, "--merge", "-E", *(word for label in labels for word in ("-L", label)), "mine", "old", "new"]
        try:
            ended = run(command, folder=scratch)
        except (TookTooLong, FileNotFoundError) as error:
            raise PermanentError(phrase("The files can't be merged: %(error)s.", error=error.args[0])) from error
        if ended.code not in (0, 1):
            raise PermanentError(phrase("The files can't be merged: diff3 ended with %(code)s.", code=ended.code))
        return ended.output, ended.code == 1
