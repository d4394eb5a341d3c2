"""A forge in memory: repositories with branches of commits, protection, people, webhooks, statuses, pull requests."""

import copy
import hashlib
import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from provisioning.errors import AlreadyExists, PermanentError, Reason, TemporaryError
from provisioning.forge import (
    FILE_LIMIT,
    NOTHING,
    ChangedFile,
    Comment,
    DeployKey,
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
from tests.fakes.forge_actions import FakeActions
from tests.fakes.forge_state import StoredCommit, StoredRepository


class FakeForge(FakeActions):
    """`Forge` without a forge. `repositories` holds what is in it by full name; `users` is login to mail address;
    `bot_is_outside` are those that the bot sees and does not administer."""

    def __init__(
        self, *, name: str = "git-1", url: str = "http://git.example", token: str = "", bot: str = "slipway-bot"
    ) -> None:
        super().__init__()
        self.name = name
        self.bot = bot
        self.status_limit = 255
        self.vouches_for_mail = True
        self.users = {bot: f"{bot}@corp.example"}
        self.users |= {login: f"{login}@corp.example" for login in ("alice", "bob", "charlie", "paula")}
        self.organisations: set[str] = set()
        self.bot_is_outside: set[str] = set()
        self.repositories: dict[str, StoredRepository] = {}
        self._former: dict[str, str] = {}
        self._url = url
        self._numbers = itertools.count(1)

    def put_link(self, full_name: str, branch: str, path: str) -> None:
        """What a tenant does: a symbolic link in place of a file."""
        kept = self.repositories[full_name]
        kept.links.add(path)
        kept.branches[branch].files[path] = b"/etc/passwd"

    def change(self, full_name: str, **said: Any) -> None:
        """What whoever administers it says of it, such as `description`, or `template`: others may start from it."""
        self.repositories[full_name].repository.update(said)  # type: ignore[typeddict-item]

    def rename(self, full_name: str, name: str) -> None:
        """What a tenant who administers it does; the former name goes on leading there."""
        kept = self.repositories.pop(full_name)
        kept.repository["full_name"] = f"{kept.repository['owner']}/{name}"
        self.repositories[kept.repository["full_name"]] = kept
        self._former[full_name] = kept.repository["full_name"]

    def comment(self, full_name: str, number: int, author: str, body: str) -> None:
        """What a tenant does."""
        comment: Comment = {"id": next(self._numbers), "author": author, "body": body, "edited": False}
        self.repositories[full_name].comments.setdefault(number, []).append(comment)

    def close(self) -> None:
        self._enter("close")

    def probe(self) -> str:
        self._enter("probe")
        return "in memory"

    # Repositories

    def repository(self, full_name: str) -> Repository | None:
        self._enter("repository", full_name)
        name = full_name if full_name in self.repositories else self._former.get(full_name, "")
        return copy.deepcopy(self.repositories[name].repository) if name in self.repositories else None

    def repository_by_id(self, repository_id: int) -> Repository | None:
        self._enter("repository_by_id", str(repository_id))
        for kept in self.repositories.values():
            if kept.repository["id"] == repository_id:
                return copy.deepcopy(kept.repository)
        return None

    def ensure_organisation(self, name: str) -> bool:
        with self._lock:
            self._enter("ensure_organisation", name)
            if name in self.organisations:
                return False
            self.organisations.add(name)
            return True

    def create_from_template(
        self, template_full_name: str, owner: str, name: str, description: str, private: bool = True
    ) -> Repository:
        with self._lock:
            self._enter("create_from_template", f"{owner}/{name}", template_full_name)
            template = self.repositories.get(template_full_name)
            if template is None or not template.repository["template"]:
                raise PermanentError(f"{self.name} has no template {template_full_name}.")
            branch = template.repository["default_branch"]
            made = self._make(owner, name, description, private, branch)
            self._commit(made, branch, "Initial commit\n", owner, dict(template.branches[branch].files))
            return copy.deepcopy(made.repository)

    def create_repository(
        self, owner: str, name: str, description: str, private: bool = True, auto_init: bool = True
    ) -> Repository:
        with self._lock:
            self._enter("create_repository", f"{owner}/{name}")
            made = self._make(owner, name, description, private, "main")
            if auto_init:
                self._commit(made, "main", "Initial commit\n", self.bot, {"README.md": f"# {name}\n".encode()})
            return copy.deepcopy(made.repository)

    def delete_repository(self, full_name: str) -> bool:
        self._enter("delete_repository", full_name)
        return self.repositories.pop(full_name, None) is not None

    def set_topics(self, full_name: str, topics: Sequence[str]) -> None:
        self._enter("set_topics", full_name)
        if any(len(topic) > 35 for topic in topics):
            raise PermanentError(f"{self.name} refuses to set the topics of {full_name}: Topic names are invalid")
        self._kept(full_name, "set the topics").repository["topics"] = sorted(topics)

    def set_private(self, full_name: str, private: bool) -> None:
        self._enter("set_private", full_name)
        self._kept(full_name, "set who sees it").repository["private"] = private

    def page_of_line(self, html_url: str, sha: str, path: str, line: int) -> str:
        return f"{html_url}/src/commit/{sha}/{path}#L{line}"

    # Branches and files

    def branch_head(self, full_name: str, branch: str) -> Head | None:
        self._enter("branch_head", full_name, branch)
        kept = self.repositories.get(full_name)
        return copy.copy(kept.branches[branch].head) if kept and branch in kept.branches else None

    def pushes(self, full_name: str, branch: str) -> list[Push]:
        self._enter("pushes", full_name, branch)
        kept = self.repositories.get(full_name)
        return list(kept.pushes.get(branch, [])) if kept else []

    def create_branch(self, full_name: str, branch: str, start: str) -> bool:
        with self._lock:
            self._enter("create_branch", full_name, branch)
            kept = self._kept(full_name, f"make the branch {branch}")
            if branch in kept.branches:
                return False
            if start not in kept.branches:
                raise TemporaryError(f"{self.name} can't make the branch {branch} of {full_name}: no {start}")
            kept.branches[branch] = copy.deepcopy(kept.branches[start])
            return True

    def delete_branch(self, full_name: str, branch: str) -> bool:
        self._enter("delete_branch", full_name, branch)
        kept = self.repositories.get(full_name)
        return kept is not None and kept.branches.pop(branch, None) is not None

    def file(self, full_name: str, path: str, ref: str, *, limit: int = FILE_LIMIT) -> tuple[bytes, str] | None:
        self._enter("file", full_name, path, ref)
        kept = self.repositories.get(full_name)
        commit = (kept.branches.get(ref) or kept.commits.get(ref)) if kept else None
        if kept is None or commit is None:
            raise TemporaryError(
                f"{self.name} can't read {path} of {full_name}, since {ref} isn't there yet.", delay=0.2
            )
        if any(one.startswith(f"{path}/") for one in commit.files):
            raise PermanentError(f"{path} of {full_name} is a folder. It must be a plain file.")
        if path not in commit.files:
            return None
        if path in kept.links:
            raise PermanentError(f"{path} of {full_name} is a symlink. It must be a plain file.")
        content = commit.files[path]
        if len(content) > limit:
            raise PermanentError(f"{path} of {full_name} is larger than {limit // 1024} KiB.")
        return content, _blob(content)

    def put_files(
        self,
        full_name: str,
        branch: str,
        message: str,
        files: Mapping[str, bytes],
        *,
        removed: Mapping[str, str] = NOTHING,
    ) -> str:
        with self._lock:
            self._enter("put_files", full_name, branch, *sorted(files))
            kept = self._kept(full_name, f"write to {branch}")
            if kept.branches and branch not in kept.branches:
                message = f"{self.name} can't write to {branch} of {full_name}, since the branch isn't there yet."
                raise TemporaryError(message, delay=0.2)
            before = kept.branches[branch].files if branch in kept.branches else {}
            left = {path: content for path, content in before.items() if path not in removed}
            return self._commit(kept, branch, f"{message}\n", self.bot, left | dict(files))

    def branch_protection(self, full_name: str, branch: str) -> Protection | None:
        self._enter("branch_protection", full_name, branch)
        kept = self.repositories.get(full_name)
        return copy.deepcopy(kept.protections.get(branch)) if kept else None

    def put_branch_protection(
        self,
        full_name: str,
        branch: str,
        *,
        approvals: int = 0,
        checks: Sequence[str] = (),
        protected_files: Sequence[str] = (),
        push_logins: Sequence[str] = (),
        new: bool = False,
    ) -> None:
        self._enter("put_branch_protection", full_name, branch)
        self._kept(full_name, f"protect {branch}").protections[branch] = {
            "approvals": approvals,
            "checks": list(checks),
            "protected_files": list(protected_files),
            "push_logins": list(push_logins),
            "administrators_push": False,
        }

    # People

    def find_user(self, who: str) -> str | None:
        self._enter("find_user", who)
        if "@" not in who:
            return next((login for login in self.users if login.lower() == who.lower()), None)
        found = [login for login, mail in self.users.items() if mail.lower() == who.lower()]
        return found[0] if self.vouches_for_mail and len(found) == 1 else None

    def collaborators(self, full_name: str) -> dict[str, Permission]:
        self._enter("collaborators", full_name)
        return dict(self.repositories[full_name].collaborators) if full_name in self.repositories else {}

    def permission(self, full_name: str, login: str) -> Permission:
        self._enter("permission", full_name, login)
        if full_name not in self.repositories:
            return "none"
        if login == self.bot:
            return "read" if full_name in self.bot_is_outside else "owner"
        if full_name in self.bot_is_outside:
            raise PermanentError(f"{self.name} refuses to tell what {login} may do on {full_name}: Only admins can")
        return self.repositories[full_name].collaborators.get(login, "none")

    def put_collaborator(self, full_name: str, login: str, permission: Permission) -> None:
        self._enter("put_collaborator", full_name, login, permission)
        if login not in self.users:
            message = f"{self.name} can't let {login} into {full_name}: user does not exist"
            raise TemporaryError(message, reason=Reason.DEPENDENCY_NOT_READY)
        self._kept(full_name, f"let {login} in").collaborators[login] = permission

    def delete_collaborator(self, full_name: str, login: str) -> None:
        self._enter("delete_collaborator", full_name, login)
        if full_name in self.repositories:
            self.repositories[full_name].collaborators.pop(login, None)

    # Webhooks

    def hooks(self, full_name: str) -> list[Hook]:
        self._enter("hooks", full_name)
        return (
            copy.deepcopy(list(self.repositories[full_name].hooks.values())) if full_name in self.repositories else []
        )

    def create_hook(self, full_name: str, url: str, secret: str, events: Sequence[str]) -> int:
        with self._lock:
            self._enter("create_hook", full_name, url)
            kept, number = self._kept(full_name, "make a webhook"), next(self._numbers)
            kept.hooks[number] = {"id": number, "url": url, "events": sorted(events), "active": True}
            kept.secrets[number] = secret
            return number

    def update_hook(self, full_name: str, hook_id: int, url: str, secret: str, events: Sequence[str]) -> None:
        with self._lock:
            self._enter("update_hook", full_name, str(hook_id))
            kept = self._kept(full_name, f"change webhook {hook_id}")
            if hook_id not in kept.hooks:
                raise TemporaryError(f"{self.name} can't change webhook {hook_id} of {full_name}: not found")
            kept.hooks[hook_id] = {"id": hook_id, "url": url, "events": sorted(events), "active": True}
            kept.secrets[hook_id] = secret

    def delete_hook(self, full_name: str, hook_id: int) -> bool:
        self._enter("delete_hook", full_name, str(hook_id))
        kept = self.repositories.get(full_name)
        return kept is not None and kept.hooks.pop(hook_id, None) is not None

    # Deploy keys

    def deploy_keys(self, full_name: str) -> list[DeployKey]:
        self._enter("deploy_keys", full_name)
        kept = self.repositories.get(full_name)
        return copy.deepcopy(list(kept.deploy_keys.values())) if kept else []

    def create_deploy_key(self, full_name: str, title: str, public: str) -> int:
        with self._lock:
            self._enter("create_deploy_key", full_name, title)
            kept = self._kept(full_name, "add a deploy key")
            if any(title == one["title"] or public == one["public"] for one in kept.deploy_keys.values()):
                raise PermanentError(f"{self.name} refuses to add a deploy key to {full_name}: it exists already")
            number = next(self._numbers)
            kept.deploy_keys[number] = {"id": number, "title": title, "public": public, "read_only": True}
            return number

    def delete_deploy_key(self, full_name: str, key_id: int) -> None:
        self._enter("delete_deploy_key", full_name, str(key_id))
        if full_name in self.repositories:
            self.repositories[full_name].deploy_keys.pop(key_id, None)

    # Statuses, pull requests, comments

    def set_status(
        self, full_name: str, sha: str, context: str, state: State, description: str, target_url: str = ""
    ) -> None:
        self._enter("set_status", full_name, sha, context, state)
        kept = self._kept(full_name, "write a status")
        if sha not in kept.commits:
            raise PermanentError(f"{full_name} has no commit {sha[:10]} to write a status on.")
        status: Status = {"state": state, "description": description[:255], "target_url": target_url}
        kept.statuses.setdefault(sha, {})[context] = status

    def statuses(self, full_name: str, sha: str) -> dict[str, Status]:
        self._enter("statuses", full_name, sha)
        return (
            copy.deepcopy(self.repositories[full_name].statuses.get(sha, {})) if full_name in self.repositories else {}
        )

    def pull_request(self, full_name: str, number: int) -> PullRequest | None:
        self._enter("pull_request", full_name, str(number))
        kept = self.repositories.get(full_name)
        return copy.copy(kept.pull_requests.get(number)) if kept else None

    def pull_requests_of(self, full_name: str, branch: str) -> list[PullRequest]:
        self._enter("pull_requests_of", full_name, branch)
        kept = self.repositories.get(full_name)
        found = kept.pull_requests.values() if kept else ()
        return [copy.copy(one) for one in found if one["head_branch"] == branch and one["state"] == "open"]

    def ever_proposed(self, full_name: str, branch: str, base: str) -> bool:
        self._enter("ever_proposed", full_name, branch, base)
        kept = self.repositories.get(full_name)
        found = kept.pull_requests.values() if kept else ()
        return any(one["head_branch"] == branch and one["base_branch"] == base for one in found)

    def create_pull_request(self, full_name: str, branch: str, base: str, title: str, body: str) -> int:
        with self._lock:
            self._enter("create_pull_request", full_name, branch, base)
            kept = self._kept(full_name, "make a pull request")
            alike = (one for one in kept.pull_requests.values() if one["state"] == "open")
            if any((one["head_branch"], one["base_branch"]) == (branch, base) for one in alike):
                raise AlreadyExists(f"{full_name} already has a pull request for {branch}.")
            number = len(kept.pull_requests) + 1
            kept.pull_request_texts[number] = body
            kept.pull_requests[number] = {
                "number": number,
                "title": title,
                "state": "open",
                "merged": False,
                "author": self.bot,
                "html_url": f"{self._url}/{full_name}/pulls/{number}",
                "head_repository": full_name,
                "head_branch": branch,
                "head_sha": kept.branches[branch].head["sha"],
                "base_branch": base,
                "base_sha": kept.branches[base].head["sha"],
                "merge_base": kept.branches[base].head["sha"],
            }
            return number

    def pull_request_files(self, full_name: str, number: int) -> list[ChangedFile]:
        self._enter("pull_request_files", full_name, str(number))
        kept = self.repositories.get(full_name)
        if kept is None or number not in kept.pull_requests:
            return []
        asked = kept.pull_requests[number]
        before, after = kept.branches[asked["base_branch"]].files, kept.branches[asked["head_branch"]].files
        changed: list[ChangedFile] = []
        for path in sorted(before.keys() | after.keys()):
            if path not in before:
                changed.append({"path": path, "status": "added"})
            elif path not in after:
                changed.append({"path": path, "status": "deleted"})
            elif before[path] != after[path]:
                changed.append({"path": path, "status": "changed"})
        return changed

    def comments(self, full_name: str, number: int) -> list[Comment]:
        self._enter("comments", full_name, str(number))
        kept = self._kept(full_name, "read comments")
        if number not in kept.pull_requests:
            raise PermanentError(f"{full_name} has no pull request {number} to comment on.")
        return copy.deepcopy(kept.comments.get(number, []))

    def edit_comment(self, full_name: str, number: int, comment_id: int, marker: str, body: str) -> bool:
        with self._lock:
            self._enter("edit_comment", full_name, str(number), str(comment_id))
            kept = self._kept(full_name, "change a comment")
            found = [one for one in kept.comments.get(number, []) if one["id"] == comment_id]
            for one in found:
                self._edit(one, f"<!-- {marker} -->\n{body}")
            return bool(found)

    def upsert_comment(self, full_name: str, number: int, marker: str, body: str) -> int:
        with self._lock:
            self._enter("upsert_comment", full_name, str(number), marker)
            kept, hidden = self._kept(full_name, "comment"), f"<!-- {marker} -->"
            if number not in kept.pull_requests:
                raise PermanentError(f"{full_name} has no pull request {number} to comment on.")
            for one in kept.comments.setdefault(number, []):
                if one["author"] == self.bot and one["body"].startswith(hidden):
                    self._edit(one, f"{hidden}\n{body}")
                    return one["id"]
            self.comment(full_name, number, self.bot, f"{hidden}\n{body}")
            return kept.comments[number][-1]["id"]

    def _edit(self, comment: Comment, body: str) -> None:
        comment["body"], comment["edited"] = body, comment["edited"] or body != comment["body"]

    def _make(self, owner: str, name: str, description: str, private: bool, branch: str) -> StoredRepository:
        full_name = f"{owner}/{name}"
        if owner not in self.organisations:
            message = f"{self.name} can't make {full_name}: there is no {owner}"
            raise TemporaryError(message, reason=Reason.DEPENDENCY_NOT_READY)
        if full_name in self.repositories:
            raise AlreadyExists(f"{full_name} already exists on {self.name}.")
        kept = StoredRepository(
            {
                "id": next(self._numbers),
                "full_name": full_name,
                "owner": owner,
                "description": description,
                "default_branch": branch,
                "html_url": f"{self._url}/{full_name}",
                "clone_url": f"{self._url}/{full_name}.git",
                "topics": [],
                "private": private,
                "template": False,
                "empty": True,
            }
        )
        self.repositories[full_name] = kept
        return kept

    def _commit(self, kept: StoredRepository, branch: str, message: str, author: str, files: dict[str, bytes]) -> str:
        sha = hashlib.sha1(f"{next(self._numbers)}{message}".encode(), usedforsecurity=False).hexdigest()
        mail, login = self.users.get(author, ""), author if author in self.users else ""
        head: Head = {
            "sha": sha,
            "message": message,
            "author_name": author,
            "author_email": mail,
            "author_login": login,
            "committer_name": author,
            "committer_email": mail,
            "committer_login": login,
        }
        kept.branches[branch] = kept.commits[sha] = StoredCommit(head, files)
        kept.repository["empty"] = False
        for one in kept.pull_requests.values():
            if one["head_branch"] == branch and one["state"] == "open":
                one["head_sha"] = sha
        return sha


def _blob(content: bytes) -> str:
    """The id that git gives a file's content."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
