"""What we keep of GitLab's answers, in the words of `provisioning.forge`."""

from collections.abc import Sequence

from provisioning.clients.forge_api import Json
from provisioning.forge import (
    ChangedFile,
    Comment,
    DeployKey,
    Grant,
    Head,
    Hook,
    Permission,
    PullRequest,
    Push,
    Repository,
    State,
    Status,
)

LEVELS: dict[Grant, int] = {"read": 20, "write": 30, "admin": 40}
"""Reporter, Developer, Maintainer. A Guest can't read a private project's files, so that counts as nothing."""
STATES: dict[State, str] = {"pending": "pending", "success": "success", "error": "failed", "failure": "failed"}
_STATES = {"success": "success", "failed": "failure", "canceled": "error", "skipped": "success"}
_EVENTS = {"push": "push_events", "pull_request": "merge_requests_events", "issue_comment": "note_events"}


def repository(found: Json) -> Repository:
    """A project out of GitLab's answer. GitLab marks no project as a template: any may be started from."""
    return {
        "id": found["id"],
        "full_name": found["path_with_namespace"],
        "owner": found["namespace"]["full_path"],
        "description": found["description"] or "",
        "default_branch": found.get("default_branch") or "main",
        "html_url": found["web_url"],
        "clone_url": found["http_url_to_repo"],
        "topics": found.get("topics") or [],
        "private": found["visibility"] == "private",
        "template": False,
        "empty": found.get("empty_repo", False),
    }


def head(commit: Json) -> Head:
    """A branch's tip out of GitLab's answer, which says nothing of accounts."""
    return {
        "sha": commit["id"],
        "message": commit["message"],
        "author_name": commit["author_name"],
        "author_email": commit["author_email"],
        "author_login": "",
        "committer_name": commit["committer_name"],
        "committer_email": commit["committer_email"],
        "committer_login": "",
    }


def pushes(found: Sequence[Json], branch: str) -> list[Push]:
    """The pushes to a branch out of a list of events, in its order; those that left no commit are none."""
    pushed = ((one["push_data"], one["author_username"]) for one in found if one.get("push_data"))
    return [
        {"sha": data["commit_to"], "before": data["commit_from"] or "", "login": login}
        for data, login in pushed
        if data["ref_type"] == "branch" and data["ref"] == branch and data["commit_to"]
    ]


def permission(level: int) -> Permission:
    """What an access level lets do."""
    if level >= LEVELS["admin"]:
        return "admin"
    if level >= LEVELS["write"]:
        return "write"
    return "read" if level >= LEVELS["read"] else "none"


def hook(found: Json) -> Hook:
    """A webhook out of GitLab's answer. One that failed too often is off until it is made anew."""
    return {
        "id": found["id"],
        "url": found["url"],
        "events": sorted(event for event, field in _EVENTS.items() if found.get(field)),
        "active": found.get("alert_status", "executable") != "disabled",
    }


def hook_body(url: str, secret: str, events: Sequence[str]) -> Json:
    """What to send for a webhook that carries `secret` along."""
    wanted = {field: event in events for event, field in _EVENTS.items()}
    return {"url": url, "token": secret, "enable_ssl_verification": True, **wanted}


def deploy_key(found: Json) -> DeployKey:
    """A deploy key out of GitLab's answer."""
    return {
        "id": found["id"],
        "title": found["title"],
        "public": " ".join(found["key"].split()[:2]),
        "read_only": not found["can_push"],
    }


def statuses(found: Sequence[Json]) -> dict[str, Status]:
    """The last status of each context out of GitLab's answer; what is neither good nor bad yet is pending."""
    return {
        one["name"]: {
            "state": _STATES.get(one["status"], "pending"),
            "description": one["description"] or "",
            "target_url": one["target_url"] or "",
        }
        for one in sorted(found, key=lambda one: int(one["id"]))
    }


def pull_request(found: Json, *, head_repository: str) -> PullRequest:
    """A merge request out of GitLab's answer. head_repository: where it comes from, which GitLab only numbers.

    What GitLab calls its base is where it left the target branch, and the start that branch's tip at its last push.
    """
    refs = found.get("diff_refs") or {}
    return {
        "number": found["iid"],
        "title": found["title"],
        "state": "open" if found["state"] == "opened" else "closed",
        "merged": found["state"] == "merged",
        "author": found["author"]["username"],
        "html_url": found["web_url"],
        "head_repository": head_repository,
        "head_branch": found["source_branch"],
        "head_sha": found["sha"] or "",
        "base_branch": found["target_branch"],
        "base_sha": refs.get("start_sha") or "",
        "merge_base": refs.get("base_sha") or "",
    }


def changed_file(found: Json) -> ChangedFile:
    """A file of a merge request out of GitLab's answer."""
    if found["new_file"]:
        status = "added"
    elif found["deleted_file"]:
        status = "deleted"
    else:
        status = "renamed" if found["renamed_file"] else "changed"
    return {"path": found["new_path"], "status": status}


def comment(found: Json) -> Comment:
    """A note out of GitLab's answer."""
    return {
        "id": found["id"],
        "author": found["author"]["username"],
        "body": found["body"],
        "edited": found["updated_at"] != found["created_at"],
    }
