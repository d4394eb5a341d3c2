"""What a forge's delivery says, in one shape, whatever kind of forge sent it; and whether that forge sent it.

Gitea, Forgejo and GitHub sign the body (HMAC-SHA256); GitLab sends the hook's secret itself along. Which way counts is
the catalogue's word, never the request's: a forge that signs must not be spoken for by somebody who read a token
somewhere. Nothing here is believed further than "look there", and whatever has another type than it should counts as
absent.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from provisioning.secrets import one_of, signed

COMMENT = "issue_comment"
_HEX = re.compile(r"[0-9a-f]{64}")
_COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
_GITLAB_EVENTS = {"Push Hook": "push", "Merge Request Hook": "pull_request", "Note Hook": COMMENT}
_GITLAB_ACTIONS = {"open": "opened", "reopen": "reopened", "update": "edited", "close": "closed", "merge": "closed"}

_DELIVERY_HEADERS: Mapping[str, tuple[str, ...]] = {
    "gitea": ("X-Gitea-Delivery", "X-GitHub-Delivery"),
    "forgejo": ("X-Forgejo-Delivery", "X-Gitea-Delivery", "X-GitHub-Delivery"),
    "github": ("X-GitHub-Delivery",),
    "gitlab": ("Idempotency-Key", "X-Gitlab-Event-UUID"),
}
_EVENT_HEADERS: Mapping[str, tuple[str, ...]] = {
    "gitea": ("X-Gitea-Event", "X-GitHub-Event"),
    "forgejo": ("X-Forgejo-Event", "X-Gitea-Event", "X-GitHub-Event"),
    "github": ("X-GitHub-Event",),
    "gitlab": ("X-Gitlab-Event",),
}


@dataclass(frozen=True)
class Said:
    """What a delivery tells.

    event: GitHub's name of it (push, pull_request, issue_comment, ping), or the forge's own. repository: owner/name, ""
    when it isn't told; `repository_id`: its number there. branch: what was pushed to, "" for a tag. commit: "" for
    none. number: the pull request's. by: login of whoever did it.
    """

    event: str
    repository: str
    repository_id: int | None
    default_branch: str
    branch: str = ""
    commit: str = ""
    number: int | None = None
    action: str = ""
    by: str = ""


def authentic(kind: str, *, headers: Mapping[str, str], body: bytes, secrets: tuple[str, ...]) -> bool:
    """Does the request come from a forge of this kind that has one of the secrets? Compares in constant time."""
    if kind == "gitlab":
        return one_of(secrets, given=headers.get("X-Gitlab-Token", ""))
    given = None
    if kind != "github":
        given = _header(headers, "X-Forgejo-Signature", "X-Gitea-Signature")
    if given is None:
        prefix, _, given = headers.get("X-Hub-Signature-256", "").partition("=")
        given = given if prefix == "sha256" else ""
    return signed(secrets=secrets, body=body, given=given if _HEX.fullmatch(given) else "")


def delivery_id(kind: str, headers: Mapping[str, str]) -> str:
    """The forge's number of this delivery, the same when it is sent again; "" when it is missing."""
    return _header(headers, *_DELIVERY_HEADERS[kind]) or ""


def delivery_headers(kind: str) -> str:
    """The headers that may hold it, in words."""
    return " or ".join(_DELIVERY_HEADERS[kind])


def read(kind: str, *, headers: Mapping[str, str], payload: Mapping[str, Any]) -> Said:
    """A delivery's payload in our shape."""
    event = _header(headers, *_EVENT_HEADERS[kind]) or ""
    if kind == "gitlab":
        return _gitlab(_GITLAB_EVENTS.get(event, event), payload)
    # GitHub and Gitea shape their payloads alike.
    repository = _below(payload, "repository")
    return Said(
        event=event,
        repository=_text(repository, "full_name"),
        repository_id=_number(repository, "id", below=2**63),
        default_branch=_text(repository, "default_branch"),
        branch=_branch(payload),
        commit=_commit(payload),
        number=_commented(payload) if event == COMMENT else _number(payload, "number"),
        action=_text(payload, "action"),
        by=_text(_below(payload, "sender"), "login"),
    )


def _gitlab(event: str, payload: Mapping[str, Any]) -> Said:
    project, about = _below(payload, "project"), _below(payload, "object_attributes")
    # Before version 17 a note tells of no action, and is told of when it is new.
    action = _text(about, "action") or ("create" if event == COMMENT else "")
    return Said(
        event=event,
        repository=_text(project, "path_with_namespace"),
        repository_id=_number(project, "id", below=2**63),
        default_branch=_text(project, "default_branch"),
        branch=_branch(payload),
        commit=_commit(payload),
        number=_number(_below(payload, "merge_request") if event == COMMENT else about, "iid"),
        action=_GITLAB_ACTIONS.get(action, action),
        by=_text(payload, "user_username") or _text(_below(payload, "user"), "username"),
    )


def _commented(payload: Mapping[str, Any]) -> int | None:
    """The pull request that a comment stands under; None when it is an issue that is none."""
    issue = _below(payload, "issue")
    is_pull = payload.get("is_pull") is True or bool(_below(issue, "pull_request"))
    return _number(issue, "number") if is_pull else None


def _header(headers: Mapping[str, str], *names: str) -> str | None:
    return next((headers[name] for name in names if name in headers), None)


def _below(payload: Mapping[str, Any], field: str) -> Mapping[str, Any]:
    found = payload.get(field)
    return found if isinstance(found, dict) else {}


def _text(payload: Mapping[str, Any], field: str) -> str:
    found = payload.get(field)
    return found if isinstance(found, str) else ""


def _number(payload: Mapping[str, Any], field: str, *, below: int = 2**31) -> int | None:
    found = payload.get(field)
    return found if isinstance(found, int) and not isinstance(found, bool) and 0 < found < below else None


def _branch(payload: Mapping[str, Any]) -> str:
    ref = _text(payload, "ref")
    return ref.removeprefix("refs/heads/") if ref.startswith("refs/heads/") else ""


def _commit(payload: Mapping[str, Any]) -> str:
    """What was pushed; "" also when a branch was removed, which forges tell as zeros."""
    commit = _text(payload, "after")
    return commit if _COMMIT.fullmatch(commit) and commit.strip("0") else ""
