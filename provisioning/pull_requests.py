"""Offering files to a team by a pull request of the bot, which is found again by its branch."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from provisioning.errors import AlreadyExists
from provisioning.forge import ForgeClient


@dataclass(frozen=True)
class Offer:
    """What a pull request brings and says. `removed`: path -> id of the file as it was read."""

    files: Mapping[str, bytes]
    text: str
    removed: Mapping[str, str] = field(default_factory=dict)


def offer(
    client: ForgeClient, full_name: str, branch: str, *, base: str, title: str, bring: Callable[[], Offer]
) -> int:
    """Number of the open pull request from a branch, made if there is none. One that was cut short ends the same.

    bring: what it brings, asked for only when it is made. Raises what the client raises.
    """
    already = client.pull_requests_of(full_name, branch)
    if already:
        return already[0]["number"]
    brought = bring()
    # A branch without a pull request is what an offer that was cut short has left.
    client.delete_branch(full_name, branch)
    client.create_branch(full_name, branch, base)
    client.put_files(full_name, branch, title, brought.files, removed=brought.removed)
    try:
        return client.create_pull_request(full_name, branch, base, title, brought.text)
    except AlreadyExists:
        return client.pull_requests_of(full_name, branch)[0]["number"]
