"""The calls that every driver of a forge is tried with, and what comes back whatever the forge is.

Each driver's test says by name what its forge answers, and what it must have been asked.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from provisioning.errors import AlreadyExists, PermanentError, TargetUnavailable, TemporaryError
from provisioning.forge import ForgeClient

NAME = "forecasting/demand"
SHA = "5f0c7a529a3e4b1d8c572f6d1e0b9a445f0c7a52"
BEFORE = "0b1d7a529a3e4b1d8c572f6d1e0b9a445f0c7a52"
PARTED = "7c3d7a529a3e4b1d8c572f6d1e0b9a445f0c7a52"
BOT = "slipway-bot"
URL = "https://portal.corp.example/hooks/git-2/u/"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEx"
MARK = "<!-- slipway-report -->\n"


@dataclass(frozen=True)
class Raised:
    """The call ends with an error whose message holds `words`."""

    error: type[Exception]
    words: str


@dataclass(frozen=True)
class Called:
    """A call and what comes of it."""

    call: Callable[[ForgeClient], object]
    result: Any


def pull_request(**changes: Any) -> dict[str, Any]:
    """The pull request that all answers tell of."""
    return {
        "number": 7,
        "title": "A change",
        "state": "open",
        "merged": False,
        "author": "alice",
        "head_repository": NAME,
        "head_branch": "change",
        "head_sha": SHA,
        "base_branch": "main",
        "base_sha": BEFORE,
        **changes,
    }


def _without_addresses(found: Any) -> Any:
    if isinstance(found, list):
        return [_without_addresses(one) for one in found]
    return found and {name: value for name, value in found.items() if name not in ("html_url", "clone_url")}


def _without_merge_base(found: Any) -> Any:
    """Nor what not every forge tells."""
    return {name: value for name, value in _without_addresses(found).items() if name != "merge_base"}


REPOSITORY = {
    "id": 1296269,
    "full_name": NAME,
    "owner": "forecasting",
    "description": "Demand (Slipway project 1)",
    "default_branch": "main",
    "topics": ["slipway"],
    "private": True,
    "template": False,
    "empty": False,
}

CALLS = {
    "repository": Called(lambda forge: _without_addresses(forge.repository(NAME)), REPOSITORY),
    "repository that is not there": Called(lambda forge: forge.repository("forecasting/none"), None),
    "repository by a former name": Called(
        lambda forge: _without_addresses(forge.repository("forecasting/before")), REPOSITORY
    ),
    "repository by number": Called(lambda forge: _without_addresses(forge.repository_by_id(1296269)), REPOSITORY),
    "organisation that is there": Called(lambda forge: forge.ensure_organisation("forecasting"), False),
    "make a repository": Called(
        lambda forge: _without_addresses(
            forge.create_repository("forecasting", "demand", "Demand (Slipway project 1)")
        ),
        REPOSITORY,
    ),
    "make a repository whose name is in use": Called(
        lambda forge: forge.create_repository("forecasting", "demand", "Demand (Slipway project 1)"),
        Raised(AlreadyExists, f"{NAME} already exists on git-2."),
    ),
    "make a repository where nothing is": Called(
        lambda forge: forge.create_repository("forecasting", "demand", "Demand (Slipway project 1)"),
        Raised(TemporaryError, "git-2 can't make forecasting/demand"),
    ),
    "make from a template": Called(
        lambda forge: _without_addresses(
            forge.create_from_template("catalogue/python", "forecasting", "demand", "Demand (Slipway project 1)")
        ),
        REPOSITORY,
    ),
    "make from a template that is not there": Called(
        lambda forge: forge.create_from_template("catalogue/none", "forecasting", "demand", "Demand"),
        Raised(PermanentError, "git-2 has no template catalogue/none. The platform team must mend the catalogue."),
    ),
    "remove a repository": Called(lambda forge: forge.delete_repository(NAME), True),
    "topics": Called(lambda forge: forge.set_topics(NAME, ["slipway", "u-1"]), None),
    "show to the company": Called(lambda forge: forge.set_private(NAME, False), None),
    "branch": Called(
        lambda forge: forge.branch_head(NAME, "main"),
        {
            "sha": SHA,
            "message": "Train on winter weeks",
            "author_name": "Alice",
            "author_email": "alice@corp.example",
            "committer_name": "Alice",
            "committer_email": "alice@corp.example",
        },
    ),
    "who pushed": Called(
        lambda forge: forge.pushes(NAME, "main"),
        [{"sha": SHA, "before": BEFORE, "login": "alice"}, {"sha": BEFORE, "before": "", "login": BOT}],
    ),
    "make a branch": Called(lambda forge: forge.create_branch(NAME, "change", "main"), True),
    "make a branch that is there": Called(lambda forge: forge.create_branch(NAME, "change", "main"), False),
    "remove a branch": Called(lambda forge: forge.delete_branch(NAME, "change"), True),
    "file": Called(lambda forge: forge.file(NAME, "conf/a.yaml", SHA), (b"hello\n", "b1b1")),
    "file that is not there": Called(lambda forge: forge.file(NAME, "none.yaml", SHA), None),
    "file at a commit that is not there": Called(
        lambda forge: forge.file(NAME, "none.yaml", "change"), Raised(TemporaryError, "since change isn't there yet.")
    ),
    "file that is too large": Called(
        lambda forge: forge.file(NAME, "conf/a.yaml", SHA), Raised(PermanentError, "is larger than 64 KiB.")
    ),
    "write files": Called(
        lambda forge: forge.put_files(NAME, "main", "Write", {"a.txt": b"a\n", "b/c.bin": b"\xff\x00"}), SHA
    ),
    "branch without a rule": Called(lambda forge: forge.branch_protection(NAME, "main"), None),
    "protect a branch by files": Called(
        lambda forge: forge.put_branch_protection(NAME, "main", protected_files=["profile.yaml"]),
        Raised(PermanentError, "git-2 can't protect single files."),
    ),
    "person by login": Called(lambda forge: forge.find_user("alice"), "alice"),
    "person by mail": Called(lambda forge: forge.find_user("alice@corp.example"), "alice"),
    "person whom the forge doesn't know": Called(lambda forge: forge.find_user("charlie@corp.example"), None),
    "let a person in": Called(lambda forge: forge.put_collaborator(NAME, "bob", "write"), None),
    "take a person off": Called(lambda forge: forge.delete_collaborator(NAME, "bob"), None),
    "hooks": Called(
        lambda forge: forge.hooks(NAME),
        [{"id": 3, "url": URL, "events": ["issue_comment", "pull_request", "push"], "active": True}],
    ),
    "make a hook": Called(lambda forge: forge.create_hook(NAME, URL, "s3cret", ["pull_request", "push"]), 3),
    "change a hook": Called(lambda forge: forge.update_hook(NAME, 3, URL, "s3cret", ["pull_request", "push"]), None),
    "remove a hook": Called(lambda forge: forge.delete_hook(NAME, 3), True),
    "deploy keys": Called(
        lambda forge: forge.deploy_keys(NAME),
        [{"id": 4, "title": "slipway-ci v1", "public": KEY, "read_only": True}],
    ),
    "make a deploy key": Called(lambda forge: forge.create_deploy_key(NAME, "slipway-ci v1", KEY), 4),
    "remove a deploy key": Called(lambda forge: forge.delete_deploy_key(NAME, 4), None),
    "status": Called(
        lambda forge: forge.set_status(
            NAME, SHA, "slipway/profile", "failure", "x" * 300, "https://portal.corp.example/p"
        ),
        None,
    ),
    "statuses": Called(
        lambda forge: forge.statuses(NAME, SHA),
        {
            "slipway/profile": {
                "state": "success",
                "description": "Ready.",
                "target_url": "https://portal.corp.example/p",
            },
            "lint": {"state": "failure", "description": "", "target_url": ""},
        },
    ),
    "statuses of no commit": Called(lambda forge: forge.statuses(NAME, BEFORE), {}),
    "pull request": Called(
        lambda forge: _without_addresses(forge.pull_request(NAME, 7)), pull_request(merge_base=PARTED)
    ),
    "pull request of a fork that is gone": Called(
        lambda forge: _without_merge_base(forge.pull_request(NAME, 7)),
        pull_request(head_repository="", state="closed", merged=True),
    ),
    "pull request that is not there": Called(lambda forge: forge.pull_request(NAME, 8), None),
    "pull requests of a branch": Called(
        lambda forge: [one["number"] for one in forge.pull_requests_of(NAME, "change")], [7]
    ),
    "ever proposed": Called(lambda forge: forge.ever_proposed(NAME, "change", "main"), True),
    "never proposed": Called(lambda forge: forge.ever_proposed(NAME, "change", "main"), False),
    "make a pull request": Called(
        lambda forge: forge.create_pull_request(NAME, "change", "main", "A change", "Why"), 7
    ),
    "make a pull request again": Called(
        lambda forge: forge.create_pull_request(NAME, "change", "main", "A change", "Why"),
        Raised(AlreadyExists, f"{NAME} already has a pull request for change."),
    ),
    "files of a pull request": Called(
        lambda forge: forge.pull_request_files(NAME, 7),
        [
            {"path": "a.txt", "status": "added"},
            {"path": "b.txt", "status": "changed"},
            {"path": "c.txt", "status": "deleted"},
            {"path": "d.txt", "status": "renamed"},
        ],
    ),
    "comments": Called(
        lambda forge: [(one["id"], one["edited"]) for one in forge.comments(NAME, 7)], [(19, False), (20, True)]
    ),
    "first comment": Called(lambda forge: forge.upsert_comment(NAME, 7, "slipway-report", "Better."), 21),
    "changed comment": Called(lambda forge: forge.upsert_comment(NAME, 7, "slipway-report", "Better."), 20),
    "unchanged comment": Called(lambda forge: forge.upsert_comment(NAME, 7, "slipway-report", "Better."), 20),
    "known comment": Called(lambda forge: forge.edit_comment(NAME, 7, 20, "slipway-report", "Better."), True),
    "known comment that is gone": Called(
        lambda forge: forge.edit_comment(NAME, 7, 20, "slipway-report", "Better."), False
    ),
    "comment on nothing": Called(
        lambda forge: forge.upsert_comment(NAME, 8, "slipway-report", "Better."),
        Raised(PermanentError, f"{NAME} has no pull request 8 to comment on."),
    ),
    "token that is refused": Called(
        lambda forge: forge.repository(NAME), Raised(TargetUnavailable, "git-2 refuses our credential.")
    ),
    "too many calls": Called(
        lambda forge: forge.repository(NAME), Raised(TargetUnavailable, "it was asked too much in too short a time")
    ),
    "token of somebody else": Called(lambda forge: forge.probe(), Raised(PermanentError, "belongs to alice")),
    "page of a line": Called(
        lambda forge: forge.page_of_line("https://git.corp.example/x", SHA, "profile.yaml", 3).partition(SHA)[2],
        "/profile.yaml#L3",
    ),
}


def check(name: str, forge: ForgeClient, *, author_login: str) -> None:
    """Make the call of that name and compare what comes of it. author_login: the author by the forge."""
    called = CALLS[name]
    expected = called.result
    if isinstance(expected, Raised):
        with pytest.raises(expected.error) as caught:
            called.call(forge)
        assert expected.words in str(caught.value)
        return
    if name == "branch":
        expected = {**expected, "author_login": author_login, "committer_login": ""}
    assert called.call(forge) == expected
