"""Offering files to a team by a pull request of the bot, which is found again by its branch."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from provisioning.errors import AlreadyExists
from provisioning.forge import ForgeClient

_FILE_LIMIT = 5 * 1024 * 1024


@dataclass(frozen=True)
class Offer:
    """What a pull request brings and says. `removed`: path -> id of the file as it was read."""

    files: Mapping[str, bytes]
    text: str
    removed: Mapping[str, str] = field(default_factory=dict)


def offer(
    client: ForgeClient, full_name: str, branch: str, *, base: str, title: str, bring: Callable[[str], Offer]
) -> int:
    """Number of the open pull request from a branch, made if there is none. One that was cut short ends the same.

    bring: what it brings to the branch that it is given, asked for only when it is made. Raises what the client raises.
    """
    already = client.pull_requests_of(full_name, branch)
    if already:
        return already[0]["number"]
    made = client.create_branch(full_name, branch, base)
    # Files are written whole, so they are read where nobody else pushes: a push to the base between reading it and
    # branching off would be undone by what was read before.
    brought = bring(branch if made else base)
    if not made:
        brought = _lacking(client, full_name, branch, brought)
    if brought.files or brought.removed:
        client.put_files(full_name, branch, title, brought.files, removed=brought.removed)
    try:
        return client.create_pull_request(full_name, branch, base, title, brought.text)
    except AlreadyExists:
        return client.pull_requests_of(full_name, branch)[0]["number"]


def _lacking(client: ForgeClient, full_name: str, branch: str, brought: Offer) -> Offer:
    """What the branch of an offer that was cut short still lacks.

    It is filled up, never removed and made anew: Gitea closes the pull requests of a removed branch a moment later, and
    meets the new one then.
    """
    paths = (*brought.files, *brought.removed)
    present = {path: client.file(full_name, path, branch, limit=_FILE_LIMIT) for path in paths}
    return replace(
        brought,
        files={
            path: content
            for path, content in brought.files.items()
            if (there := present[path]) is None or there[0] != content
        },
        removed={path: there[1] for path in brought.removed if (there := present[path]) is not None},
    )
