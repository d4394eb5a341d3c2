"""What we keep of GitHub's answers, in the words of `provisioning.forge`."""

from collections.abc import Sequence

from provisioning.clients.forge_api import Json
from provisioning.forge import (
    ChangedFile,
    Comment,
    Grant,
    Head,
    Hook,
    Permission,
    Protection,
    PullRequest,
    Push,
    Repository,
    State,
    Status,
)

ROLES: dict[Grant, str] = {"read": "pull", "write": "push", "admin": "admin"}
_PERMISSIONS: dict[str, Permission] = {
    "admin": "admin",
    "maintain": "write",
    "push": "write",
    "write": "write",
    "triage": "read",
    "pull": "read",
    "read": "read",
}
_CHANGES: dict[str, str] = {"removed": "deleted", "modified": "changed"}
SMALL = 8
"""KiB. What has more is not empty."""
_PUSHED = ("push", "force_push", "branch_creation", "pr_merge", "merge_queue_merge")


def repository(found: Json) -> Repository:
    """A repository out of GitHub's answer. A small one is taken for empty: its size is in KiB, and counted later."""
    return {
        "id": found["id"],
        "full_name": found["full_name"],
        "owner": found["owner"]["login"],
        "description": found["description"] or "",
        "default_branch": found["default_branch"],
        "html_url": found["html_url"],
        "clone_url": found["clone_url"],
        "topics": found.get("topics") or [],
        "private": found.get("visibility", "private" if found["private"] else "public") == "private",
        "template": found.get("is_template", False),
        "empty": found["size"] <= SMALL,
    }


def head(found: Json) -> Head:
    """A branch's tip out of GitHub's answer."""
    commit, author, committer = found["commit"], found["author"] or {}, found["committer"] or {}
    return {
        "sha": found["sha"],
        "message": commit["message"],
        "author_name": commit["author"]["name"],
        "author_email": commit["author"]["email"],
        "author_login": author.get("login", ""),
        "committer_name": commit["committer"]["name"],
        "committer_email": commit["committer"]["email"],
        "committer_login": committer.get("login", ""),
    }


def pushes(found: Sequence[Json]) -> list[Push]:
    """The pushes of a list of activities, in its order. Nobody is named who has no account any more."""
    return [
        {
            "sha": one["after"],
            "before": one["before"] if one["before"].strip("0") else "",
            "login": one["actor"]["login"],
        }
        for one in found
        if one["activity_type"] in _PUSHED and one["actor"]
    ]


def permission(role: str) -> Permission:
    """What a role of GitHub's lets do; "none" for one that an organisation made itself and that we don't know."""
    return _PERMISSIONS.get(role, "none")


def protection(found: Json) -> Protection:
    """A branch's rule out of GitHub's answer."""
    reviews = found.get("required_pull_request_reviews") or {}
    allowed = reviews.get("bypass_pull_request_allowances") or {}
    return {
        "approvals": reviews.get("required_approving_review_count", 0),
        "checks": (found.get("required_status_checks") or {}).get("contexts") or [],
        "protected_files": [],
        "push_logins": [one["login"] for one in allowed.get("users") or []],
        "administrators_push": False,
    }


def protection_body(before: Json | None, approvals: int, checks: Sequence[str], push_logins: Sequence[str]) -> Json:
    """What to send for a branch's rule. What a team chose about its reviews otherwise stays as `before` has it."""
    reviews = (before or {}).get("required_pull_request_reviews") or {}
    strict = ((before or {}).get("required_status_checks") or {}).get("strict", False)
    return {
        "required_status_checks": {"strict": strict, "contexts": list(checks)} if checks else None,
        # Administrators are held to the rule too; who may push past it stands there by name.
        "enforce_admins": True,
        "required_pull_request_reviews": {
            "dismiss_stale_reviews": reviews.get("dismiss_stale_reviews", False),
            "require_code_owner_reviews": reviews.get("require_code_owner_reviews", False),
            "required_approving_review_count": approvals,
            "bypass_pull_request_allowances": {"users": list(push_logins), "teams": [], "apps": []},
        },
        "restrictions": None,
        "allow_force_pushes": False,
        "allow_deletions": False,
    }


def hook(found: Json) -> Hook:
    """A webhook out of GitHub's answer."""
    return {
        "id": found["id"],
        "url": found["config"].get("url", ""),
        "events": sorted(found["events"]),
        "active": found["active"],
    }


def hook_body(url: str, secret: str, events: Sequence[str]) -> Json:
    """What to send for a webhook that is on and signs with `secret`."""
    config = {"url": url, "content_type": "json", "secret": secret, "insecure_ssl": "0"}
    return {"active": True, "events": list(events), "config": config}


def statuses(found: Json) -> dict[str, Status]:
    """The last status of each context out of GitHub's answer."""
    return {
        one["context"]: {
            "state": one["state"],
            "description": one["description"] or "",
            "target_url": one["target_url"] or "",
        }
        for one in found.get("statuses") or []
    }


def status_body(context: str, state: State, description: str, target_url: str) -> Json:
    """What to send for a commit status. An empty address is no address to GitHub."""
    body: Json = {"context": context, "state": state, "description": description}
    return {**body, "target_url": target_url} if target_url else body


def pull_request(found: Json) -> PullRequest:
    """A pull request out of GitHub's answer, whole or in a list."""
    head, base = found["head"], found["base"]
    return {
        "number": found["number"],
        "title": found["title"],
        "state": found["state"],
        "merged": bool(found["merged_at"]),
        "author": (found["user"] or {}).get("login", ""),
        "html_url": found["html_url"],
        "head_repository": (head["repo"] or {}).get("full_name", ""),
        "head_branch": head["ref"],
        "head_sha": head["sha"],
        "base_branch": base["ref"],
        "base_sha": base["sha"],
    }


def changed_file(found: Json) -> ChangedFile:
    """A file of a pull request out of GitHub's answer."""
    status = str(found["status"])
    return {"path": found["filename"], "status": _CHANGES.get(status, status)}


def comment(found: Json) -> Comment:
    """A comment out of GitHub's answer. The author is "" when that account is gone."""
    return {
        "id": found["id"],
        "author": (found["user"] or {}).get("login", ""),
        "body": found["body"] or "",
        "edited": found["updated_at"] != found["created_at"],
    }
