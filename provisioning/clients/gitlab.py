"""GitLab in the words of `provisioning.forge`, by its published REST API (version 4).

Written against that API's documentation and tried with answers of its shapes only: no GitLab was ever called. Where it
differs from Gitea:

- People have levels: Reporter reads, Developer writes, Maintainer administers (`gitlab_people`).
- On the free edition nobody may push to a protected branch by name; Maintainers may. Approvals need Premium.
- The free edition can't start a project from a template: it is made empty and gets the template's files as one commit.
- "Not private" means `internal` (everybody signed in), never `public`.
- A status can't go from pending to pending. Files can't be protected by a branch's rule.
- A merge request is called by its number within the project, as pull requests are elsewhere.
"""

import base64
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import quote

from provisioning.clients import forge_doings as doings
from provisioning.clients import forge_errors as errors
from provisioning.clients import gitlab_documents as documents
from provisioning.clients import gitlab_people, gitlab_protection
from provisioning.clients.forge_api import ForgeApi, Json, said
from provisioning.clients.forge_files import answer_limit, check_size
from provisioning.clients.gitlab_actions import WithoutActions
from provisioning.clients.gitlab_templates import as_actions
from provisioning.errors import AlreadyExists, Reason, TemporaryError
from provisioning.forge import (
    FILE_LIMIT,
    NOTHING,
    ChangedFile,
    Comment,
    DeployKey,
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
    cannot,
)
from provisioning.phrases import phrase

_DIFFS = 30
"""Older versions, up to 17, answer 500 when they are asked for more at a time."""


class GitLab(WithoutActions):
    """One GitLab. Threads may share it; processes may not. What each method does stands at `ForgeClient`."""

    status_limit = 255
    _edit = "PUT"

    def __init__(self, *, name: str, url: str, token: str, bot: str, vouches_for_mail: bool = False) -> None:
        api = ForgeApi(
            name=name, base=f"{url.rstrip('/')}/api/v4", headers={"PRIVATE-TOKEN": token}, page_size="per_page"
        )
        super().__init__(name=name, bot=bot, vouches_for_mail=vouches_for_mail, api=api)

    def probe(self) -> str:
        """The server's version. PermanentError when the token is somebody else's than the bot's."""
        login = self._api.ask(doings.SAY_WHOSE_TOKEN, "GET", "/user")["username"]
        self._check_bot(login)
        return str(self._api.ask(doings.TELL_VERSION, "GET", "/version")["version"])

    # Repositories

    def repository(self, full_name: str) -> Repository | None:
        """A project, or None; for a former name the one that it leads to."""
        found = self._api.find_moved(doings.find_repository(full_name), _project(full_name))
        return None if found is None else documents.repository(found)

    def repository_by_id(self, repository_id: int) -> Repository | None:
        """A project by its number; None when it isn't there."""
        found = self._api.find(doings.find_repository_by_id(repository_id), f"/projects/{repository_id}")
        return None if found is None else documents.repository(found)

    def ensure_organisation(self, name: str) -> bool:
        """Make a private group unless it is there. True: made now."""
        doing = phrase("make the group %(name)s", name=name)
        if self._group(name) is not None:
            return False
        made = self._api.send("POST", "/groups", body={"name": name, "path": name, "visibility": "private"})
        if made.status_code in (400, 409) and self._group(name) is not None:
            return False
        if not made.is_success:
            raise self._api.error(made, doing)
        return True

    def _group(self, name: str) -> int | None:
        found = self._api.find(
            phrase("look for the group %(name)s", name=name), f"/groups/{quote(name, safe='')}?with_projects=false"
        )
        return None if found is None else int(found["id"])

    def create_from_template(
        self, template_full_name: str, owner: str, name: str, description: str, private: bool = True
    ) -> Repository:
        """Make a project with a template's files as its first commit. Raises AlreadyExists.

        One that an attempt left empty, with this very description, is filled.
        """
        template = self.repository(template_full_name)
        if template is None or template["empty"]:
            raise errors.no_template(self.name, template_full_name)
        try:
            made = self.create_repository(owner, name, description, private=private, auto_init=False)
        except AlreadyExists:
            left = self.repository(f"{owner}/{name}")
            if left is None or not left["empty"] or left["description"] != description:
                raise
            made = left
        source, branch = _project(template_full_name), template["default_branch"]
        actions = as_actions(self._api, project=source, ref=quote(branch, safe=""), full_name=template_full_name)
        self._commit(made["full_name"], branch, "Initial commit", actions)
        return {**made, "default_branch": branch, "empty": False}

    def create_repository(
        self, owner: str, name: str, description: str, private: bool = True, auto_init: bool = True
    ) -> Repository:
        """Make a project in a group, with a README unless `auto_init` is off. Raises AlreadyExists."""
        doing = phrase("make %(owner)s/%(name)s", owner=owner, name=name)
        group = self._group(owner)
        if group is None:
            message = phrase(
                "%(name)s can't %(doing)s: there is no group %(owner)s.", name=self.name, doing=doing, owner=owner
            )
            raise TemporaryError(message, reason=Reason.DEPENDENCY_NOT_READY)
        body = {
            "name": name,
            "path": name,
            "namespace_id": group,
            "description": description,
            "visibility": _visibility(private),
            "initialize_with_readme": auto_init,
        }
        made = self._api.send("POST", "/projects", body=body)
        if made.status_code in (400, 409) and "already been taken" in said(made):
            raise errors.taken(self.name, f"{owner}/{name}")
        if not made.is_success:
            raise self._api.error(made, doing)
        return documents.repository(self._api.document(made))

    def delete_repository(self, full_name: str) -> bool:
        """Remove a project with all that is in it. False when it wasn't there."""
        return self._api.drop(doings.remove_repository(full_name), _project(full_name))

    def set_topics(self, full_name: str, topics: Sequence[str]) -> None:
        """Replace the project's topics."""
        body = {"topics": list(topics)}
        self._api.ask(doings.set_topics(full_name), "PUT", _project(full_name), body=body)

    def set_private(self, full_name: str, private: bool) -> None:
        """Show the project to its own people only, or to everybody signed in; never to the world."""
        body = {"visibility": _visibility(private)}
        self._api.ask(doings.set_who_sees(full_name), "PUT", _project(full_name), body=body)

    def page_of_line(self, html_url: str, sha: str, path: str, line: int) -> str:
        """Address of the page that shows a line of a file. html_url: the project's page."""
        return f"{html_url}/-/blob/{sha}/{quote(path)}#L{line}"

    # Branches and files

    def branch_head(self, full_name: str, branch: str) -> Head | None:
        """The commit at a branch's tip; None when there is no such branch (or project)."""
        found = self._api.find(doings.read_branch(full_name, branch), _branch(full_name, branch))
        return None if found is None else documents.head(found["commit"])

    def pushes(self, full_name: str, branch: str) -> list[Push]:
        """The newest pushes to a branch and who made them, newest first, of the last 50 of the project."""
        path = f"{_project(full_name)}/events?action=pushed&per_page=50"
        return documents.pushes(self._api.find(doings.tell_pushes(branch), path) or [], branch)

    def create_branch(self, full_name: str, branch: str, start: str) -> bool:
        doing, path = doings.make_branch(full_name, branch), f"{_project(full_name)}/repository/branches"
        made = self._api.send("POST", path, body={"branch": branch, "ref": start})
        if made.status_code == 400 and "already exists" in said(made):
            return False
        if made.status_code == 400 and "Invalid reference" in said(made):
            raise errors.no_start(self.name, doing, start)
        if not made.is_success:
            raise self._api.error(made, doing)
        return True

    def delete_branch(self, full_name: str, branch: str) -> bool:
        return self._api.drop(doings.remove_branch(full_name, branch), _branch(full_name, branch))

    def file(self, full_name: str, path: str, ref: str, *, limit: int = FILE_LIMIT) -> tuple[bytes, str] | None:
        """A file's bytes and blob id at a branch, tag or commit; None when there is no such file, or it is a folder.

        TemporaryError when there is no such ref (yet). PermanentError when it is larger than `limit`. A symbolic link
        reads as the path that it holds.
        """
        doing, project = doings.read_file(full_name, path), _project(full_name)
        where = f"{project}/repository/files/{quote(path, safe='')}?ref={quote(ref, safe='')}"
        found = self._api.find_bounded(doing, where, limit=answer_limit(limit))
        if found is None:
            if self._api.find(doing, f"{project}/repository/commits/{quote(ref, safe='')}?stats=false") is None:
                raise errors.no_ref(self.name, doing, ref)
            return None
        check_size(found["size"], limit=limit, path=path, full_name=full_name)
        return base64.b64decode(found["content"]), found["blob_id"]

    def put_files(
        self,
        full_name: str,
        branch: str,
        message: str,
        files: Mapping[str, bytes],
        *,
        removed: Mapping[str, str] = NOTHING,
    ) -> str:
        """Write files in one commit on a branch, new ones and present ones alike; the commit's id.

        In an empty project this makes the branch. removed: the blob ids of files that go away with it, by path.
        """
        doing, files_at = doings.write(full_name, branch), f"{_project(full_name)}/repository/files"
        actions: list[Json] = []
        for path, content in files.items():
            present = self._api.find(doing, f"{files_at}/{quote(path, safe='')}?ref={quote(branch, safe='')}")
            actions.append(
                {
                    "action": "create" if present is None else "update",
                    "file_path": path,
                    "content": base64.b64encode(content).decode(),
                    "encoding": "base64",
                }
            )
        actions += [{"action": "delete", "file_path": path} for path in removed]
        return self._commit(full_name, branch, message, actions)

    def _commit(self, full_name: str, branch: str, message: str, actions: Sequence[Json]) -> str:
        doing, path = doings.write(full_name, branch), f"{_project(full_name)}/repository/commits"
        body = {"branch": branch, "commit_message": message, "actions": list(actions)}
        made = self._api.send("POST", path, body=body)
        if made.status_code == 400 and "You can only create or edit files when you are on a branch" in said(made):
            raise errors.no_branch(self.name, doing)
        if not made.is_success:
            raise self._api.error(made, doing)
        return str(self._api.document(made)["id"])

    def branch_protection(self, full_name: str, branch: str) -> Protection | None:
        """The rule of exactly that name, or None. One that lets others than we would push names nobody."""
        return gitlab_protection.protection(self._api, _project(full_name), branch)

    def put_branch_protection(
        self,
        full_name: str,
        branch: str,
        *,
        approvals: int = 0,
        checks: Sequence[str] = (),
        protected_files: Sequence[str] = (),
        push_logins: Sequence[str] = (),
        new: bool = False,  # noqa: ARG002
    ) -> None:
        """Make or replace the rule of a branch: Maintainers push when `push_logins` names anybody, else nobody does.

        A rule can only be replaced by removing it first, so for a moment there is none. Checks and approvals that can't
        be in it are refused once the rest protects the branch. new: as elsewhere, unused here.
        """
        if protected_files:
            raise errors.protects_no_files(self.name)
        project = _project(full_name)
        gitlab_protection.protect(self._api, project, branch, anybody_pushes=bool(push_logins))
        if checks:
            raise cannot(
                self.name,
                phrase("ask for checks by name"),
                phrase("Ask for a pipeline that succeeds, in the settings there."),
            )
        gitlab_protection.ask_for_approvals(self._api, project, approvals)

    # People

    def _login_called(self, login: str) -> str | None:
        return gitlab_people.login_of(self._api, login)

    def _logins_with(self, mail: str) -> Iterator[str]:
        """Addresses that people hide are found with an administrator's token only."""
        return gitlab_people.logins_with(self._api, mail)

    def collaborators(self, full_name: str) -> dict[str, Permission]:
        """The members of the project by login; "owner": who administers it through the group."""
        return gitlab_people.collaborators(self._api, project=_project(full_name), full_name=full_name)

    def permission(self, full_name: str, login: str) -> Permission:
        """What a person may do on a project, by whatever way; "none" also when either isn't there."""
        return gitlab_people.permission(self._api, login, project=_project(full_name), full_name=full_name)

    def put_collaborator(self, full_name: str, login: str, permission: Grant) -> None:
        """Give a person rights, or change them. TemporaryError while GitLab doesn't know the person."""
        gitlab_people.let_in(self._api, login, permission, project=_project(full_name), full_name=full_name)

    def delete_collaborator(self, full_name: str, login: str) -> None:
        gitlab_people.take_off(self._api, login, project=_project(full_name), full_name=full_name)

    # Webhooks

    def hooks(self, full_name: str) -> list[Hook]:
        """The webhooks of a project, events in our words and sorted."""
        found = self._api.pages(doings.list_hooks(full_name), f"{_project(full_name)}/hooks")
        return [documents.hook(one) for one in found]

    def create_hook(self, full_name: str, url: str, secret: str, events: Sequence[str]) -> int:
        """Make a webhook that sends `secret` along; its number."""
        body = documents.hook_body(url, secret, events)
        made = self._api.ask(doings.make_hook(full_name), "POST", f"{_project(full_name)}/hooks", body=body)
        return int(made["id"])

    def update_hook(self, full_name: str, hook_id: int, url: str, secret: str, events: Sequence[str]) -> None:
        """Rewrite all of a webhook, its secret too; one that GitLab has switched off is made anew.

        GitLab switches on again only what answers a test well.
        """
        path, body = f"{_project(full_name)}/hooks/{hook_id}", documents.hook_body(url, secret, events)
        changed = self._api.ask(doings.change_hook(full_name, hook_id), "PUT", path, body=body)
        if not documents.hook(changed)["active"]:
            self.delete_hook(full_name, hook_id)
            self.create_hook(full_name, url, secret, events)

    def delete_hook(self, full_name: str, hook_id: int) -> bool:
        return self._api.drop(doings.remove_hook(full_name, hook_id), f"{_project(full_name)}/hooks/{hook_id}")

    # Deploy keys

    def deploy_keys(self, full_name: str) -> list[DeployKey]:
        """The deploy keys of a project; [] when it isn't there."""
        found = self._api.pages(doings.list_deploy_keys(full_name), f"{_project(full_name)}/deploy_keys")
        return [documents.deploy_key(one) for one in found]

    def create_deploy_key(self, full_name: str, title: str, public: str) -> int:
        """Let whoever has the private half read the project; the key's number."""
        body = {"title": title, "key": public, "can_push": False}
        made = self._api.ask(doings.add_deploy_key(full_name), "POST", f"{_project(full_name)}/deploy_keys", body=body)
        return int(made["id"])

    def delete_deploy_key(self, full_name: str, key_id: int) -> None:
        self._api.drop(doings.remove_deploy_key(full_name, key_id), f"{_project(full_name)}/deploy_keys/{key_id}")

    # Statuses, merge requests, comments

    def set_status(
        self, full_name: str, sha: str, context: str, state: State, description: str, target_url: str = ""
    ) -> None:
        """Say something about a commit under a context; the last word of a context counts. Cut to 255 characters.

        A pending one stays as it is when it is to be pending: GitLab changes no words without a change of state.
        """
        body: Json = {
            "name": context,
            "state": documents.STATES[state],
            "description": description[: self.status_limit],
        }
        if target_url:
            body["target_url"] = target_url
        made = self._api.send("POST", f"{_project(full_name)}/statuses/{sha}", body=body)
        if made.status_code == 400 and "Cannot transition status" in said(made):
            present = self.statuses(full_name, sha).get(context)
            if state == "pending" and present is not None and present["state"] == "pending":
                return
        if not made.is_success:
            raise self._api.error(made, doings.write_status(full_name, sha))

    def statuses(self, full_name: str, sha: str) -> dict[str, Status]:
        path = f"{_project(full_name)}/repository/commits/{sha}/statuses"
        return documents.statuses(list(self._api.pages(doings.read_statuses(sha), path)))

    def pull_request(self, full_name: str, number: int) -> PullRequest | None:
        """A merge request, or None."""
        found = self._api.find(
            phrase("read merge request %(number)s of %(full_name)s", number=number, full_name=full_name),
            _request(full_name, number),
        )
        if found is None:
            return None
        if found["source_project_id"] == found["target_project_id"]:
            return documents.pull_request(found, head_repository=full_name)
        fork = self.repository_by_id(found["source_project_id"]) if found["source_project_id"] else None
        return documents.pull_request(found, head_repository=fork["full_name"] if fork is not None else "")

    def pull_requests_of(self, full_name: str, branch: str) -> list[PullRequest]:
        """The open merge requests that come from a branch of this very project, oldest number first."""
        path = f"{_project(full_name)}/merge_requests?state=opened&source_branch={quote(branch, safe='')}"
        found = self._api.pages(phrase("list the merge requests of %(full_name)s", full_name=full_name), path)
        own = [one for one in found if one["source_project_id"] == one["target_project_id"]]
        ours = [documents.pull_request(one, head_repository=full_name) for one in own]
        return sorted(ours, key=lambda one: one["number"])

    def ever_proposed(self, full_name: str, branch: str, base: str) -> bool:
        """Was a merge request from `branch` of this project into `base` ever made, open or not?"""
        query = f"source_branch={quote(branch, safe='')}&target_branch={quote(base, safe='')}"
        found = self._api.pages(
            phrase("find a merge request of %(full_name)s", full_name=full_name),
            f"{_project(full_name)}/merge_requests?{query}",
        )
        return any(one["source_project_id"] == one["target_project_id"] for one in found)

    def create_pull_request(self, full_name: str, branch: str, base: str, title: str, body: str) -> int:
        """Ask for `branch` to be merged into `base`; the merge request's number. Raises AlreadyExists."""
        document = {"source_branch": branch, "target_branch": base, "title": title, "description": body}
        made = self._api.send("POST", f"{_project(full_name)}/merge_requests", body=document)
        if made.status_code == 409:
            raise errors.already_proposed(full_name, branch)
        if not made.is_success:
            raise self._api.error(made, phrase("make a merge request on %(full_name)s", full_name=full_name))
        return int(self._api.document(made)["iid"])

    def pull_request_files(self, full_name: str, number: int) -> list[ChangedFile]:
        """The files that a merge request touches."""
        path = f"{_request(full_name, number)}/diffs"
        found = self._api.pages(phrase("list the files of %(number)s", number=number), path, size=_DIFFS)
        return [documents.changed_file(one) for one in found]

    def comments(self, full_name: str, number: int) -> list[Comment]:
        """What people wrote under a merge request, oldest first; GitLab's own notes are left out."""
        doing, path = doings.read_comments(full_name, number), _request(full_name, number)
        if self._api.find(doing, path) is None:
            raise errors.no_pull_request(full_name, number)
        found = self._api.pages(doing, f"{path}/notes?sort=asc&order_by=created_at")
        return [documents.comment(one) for one in found if not one["system"]]

    def _comments_at(self, full_name: str, number: int) -> str:
        return f"{_request(full_name, number)}/notes"

    def _comment_at(self, full_name: str, number: int, comment_id: int) -> str:
        return f"{_request(full_name, number)}/notes/{comment_id}"


def _project(full_name: str) -> str:
    return f"/projects/{quote(full_name, safe='')}"


def _branch(full_name: str, branch: str) -> str:
    return f"{_project(full_name)}/repository/branches/{quote(branch, safe='')}"


def _request(full_name: str, number: int) -> str:
    return f"{_project(full_name)}/merge_requests/{number}"


def _visibility(private: bool) -> str:
    return "private" if private else "internal"
