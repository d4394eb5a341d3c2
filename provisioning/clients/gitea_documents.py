"""What we keep of Gitea's answers, in the words of `provisioning.forge`."""

from collections.abc import Sequence

from provisioning.clients.forge_api import Json
from provisioning.forge import Comment, Head, Hook, Protection, PullRequest, Repository, Status


def repository(found: Json) -> Repository:
    """A repository out of the forge's answer."""
    return {
        "id": found["id"],
        "full_name": found["full_name"],
        "owner": found["owner"]["login"],
        "description": found["description"],
        "default_branch": found["default_branch"],
        "html_url": found["html_url"],
        "clone_url": found["clone_url"],
        "topics": found["topics"] or [],
        "private": found["private"],
        "template": found["template"],
        "empty": found["empty"],
    }


def head(commit: Json) -> Head:
    """A branch's tip out of the forge's answer."""
    author, committer = commit["author"], commit["committer"]
    return {
        "sha": commit["id"],
        "message": commit["message"],
        "author_name": author["name"],
        "author_email": author["email"],
        "author_login": author["username"],
        "committer_name": committer["name"],
        "committer_email": committer["email"],
        "committer_login": committer["username"],
    }


def pull_request(found: Json) -> PullRequest:
    """A pull request out of the forge's answer."""
    head, base = found["head"], found["base"]
    return {
        "number": found["number"],
        "title": found["title"],
        "state": found["state"],
        "merged": found["merged"],
        "author": found["user"]["login"],
        "html_url": found["html_url"],
        "head_repository": (head["repo"] or {}).get("full_name", ""),
        "head_branch": head["ref"],
        "head_sha": head["sha"],
        "base_branch": base["ref"],
        "base_sha": base["sha"],
        "merge_base": found.get("merge_base") or "",
    }


def protection(found: Json) -> Protection:
    """A branch's rule out of the forge's answer."""
    return {
        "approvals": found["required_approvals"],
        "checks": (found["status_check_contexts"] or []) if found["enable_status_check"] else [],
        "protected_files": [one for one in found["protected_file_patterns"].split(";") if one],
        "push_logins": (found["push_whitelist_usernames"] or []) if found["enable_push"] else [],
        "administrators_push": False,
    }


def protection_body(
    approvals: int, checks: Sequence[str], protected_files: Sequence[str], push_logins: Sequence[str]
) -> Json:
    """What to send for a branch's rule."""
    return {
        "required_approvals": approvals,
        "enable_status_check": bool(checks),
        "status_check_contexts": list(checks),
        "protected_file_patterns": ";".join(protected_files),
        "enable_push": bool(push_logins),
        "enable_push_whitelist": bool(push_logins),
        "push_whitelist_usernames": list(push_logins),
        "enable_force_push": False,
    }


def statuses(found: Json) -> dict[str, Status]:
    """The last status of each context out of the forge's answer."""
    return {
        one["context"]: {"state": one["status"], "description": one["description"], "target_url": one["target_url"]}
        for one in found.get("statuses") or []
    }


def comment(found: Json) -> Comment:
    """A comment out of the forge's answer."""
    return {
        "id": found["id"],
        "author": found["user"]["login"],
        "body": found["body"],
        "edited": found["updated_at"] != found["created_at"],
    }


def hook(found: Json) -> Hook:
    """A webhook out of the forge's answer."""
    return {
        "id": found["id"],
        "url": found["config"]["url"],
        "events": families(found["events"]),
        "active": found["active"],
    }


def hook_body(url: str, secret: str, events: Sequence[str]) -> Json:
    """What to send for a webhook that is on and signs with `secret`."""
    config = {"url": url, "content_type": "json", "secret": secret}
    return {"active": True, "events": list(events), "config": config}


def families(events: Sequence[str]) -> list[str]:
    """Events without those that another one of the list stands for: `pull_request` for `pull_request_sync`."""
    return sorted(one for one in events if not any(one.startswith(f"{other}_") for other in events))
