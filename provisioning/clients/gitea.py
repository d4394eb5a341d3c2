"""A git forge (Gitea, Forgejo) in the words the Kinds use.

How our mark gets on a repository, where no labels exist: `/generate` takes a description and nothing else that could
carry it, so the uid stands in the description from the very first call (a crash after it leaves a repository that says
whose it is). The topics `slipway` and `u-<uid without dashes>` follow for people and searches: a topic has at most 35
of a-z, 0-9, "-" and ".", so a uid with its dashes does not fit.

What the server taught us, each held by tests/contract/test_forge.py:

- A repository made by `/generate` has its branch in git but not in Gitea's table of branches, for good: reading or
  writing a file answers 404. *Listing* its branches makes Gitea notice. `create_from_template` does that at once (in
  30 ms), and `branch_head` does it for one that was left behind.
- Asked for `pull_request`, a webhook answers with all ten events of that family; `hooks` gives the family's name back.
- A webhook's secret can be written, never read.
- A status on an unknown commit and the comments of an unknown issue answer 500, without a reason for all but site
  administrators. Before that counts as an outage, we look whether the thing is there.
- The list of collaborators doesn't say their permission; each is asked for.
"""

import base64
import re
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import quote

from provisioning.clients import forge_doings as doings
from provisioning.clients import forge_errors as errors
from provisioning.clients import gitea_documents as documents
from provisioning.clients import gitea_feed
from provisioning.clients.forge_api import Json, said
from provisioning.clients.forge_driver import LikeGitHub, own, repo, variable
from provisioning.clients.forge_files import answer_limit, check_plain
from provisioning.clients.gitea_api import GiteaApi
from provisioning.errors import PermanentError
from provisioning.forge import (
    FILE_LIMIT,
    NOTHING,
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
from provisioning.phrases import phrase

_COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")


class Forge(LikeGitHub):
    """One Gitea or Forgejo. Threads may share it; processes may not. What each method does stands at `ForgeClient`."""

    status_limit = 255
    _variable_edit = "PUT"
    _variable_value = "data"

    def __init__(self, *, name: str, url: str, token: str, bot: str, vouches_for_mail: bool = False) -> None:
        super().__init__(
            name=name, bot=bot, vouches_for_mail=vouches_for_mail, api=GiteaApi(name=name, url=url, token=token)
        )

    def probe(self) -> str:
        """The forge's version. PermanentError when the token is somebody else's than the bot's."""
        login = self._api.ask(doings.SAY_WHOSE_TOKEN, "GET", "/user")["login"]
        self._check_bot(login)
        return str(self._api.ask(doings.TELL_VERSION, "GET", "/version")["version"])

    # Repositories

    def repository(self, full_name: str) -> Repository | None:
        found = self._api.find_moved(doings.find_repository(full_name), repo(full_name))
        return None if found is None else documents.repository(found)

    def repository_by_id(self, repository_id: int) -> Repository | None:
        found = self._api.find(doings.find_repository_by_id(repository_id), f"/repositories/{repository_id}")
        return None if found is None else documents.repository(found)

    def ensure_organisation(self, name: str) -> bool:
        path = f"/orgs/{quote(name, safe='')}"
        if self._api.find(doings.find_organisation(name), path) is not None:
            return False
        made = self._api.send("POST", "/orgs", body={"username": name, "visibility": "private"})
        if made.is_success:
            return True
        if made.status_code == 422 and self._api.find(doings.find_organisation(name), path) is not None:
            return False
        raise self._api.error(made, doings.make_organisation(name))

    def create_from_template(
        self, template_full_name: str, owner: str, name: str, description: str, private: bool = True
    ) -> Repository:
        body = {
            "owner": owner,
            "name": name,
            "description": description,
            "private": private,
            "git_content": True,
            "labels": True,
        }
        made = self._create(f"{repo(template_full_name)}/generate", f"{owner}/{name}", body, template_full_name)
        branches = self._branches(f"{owner}/{name}")
        if branches:
            # The answer of /generate leaves the default branch's name empty.
            made["default_branch"] = branches[0]["name"]
        return made

    def create_repository(
        self, owner: str, name: str, description: str, private: bool = True, auto_init: bool = True
    ) -> Repository:
        body = {
            "name": name,
            "description": description,
            "private": private,
            "auto_init": auto_init,
            "default_branch": "main",
        }
        return self._create(f"/orgs/{quote(owner, safe='')}/repos", f"{owner}/{name}", body)

    def _create(self, path: str, full_name: str, body: Json, template: str | None = None) -> Repository:
        doing = doings.make_repository(full_name)
        made = self._api.send("POST", path, body=body)
        if made.status_code == 409:
            raise errors.taken(self.name, full_name)
        if made.status_code == 404 and template is not None and "owner" not in said(made):
            raise errors.no_template(self.name, template)
        if not made.is_success:
            raise self._api.error(made, doing)
        return documents.repository(self._api.document(made))

    def delete_repository(self, full_name: str) -> bool:
        return self._api.drop(doings.remove_repository(full_name), repo(full_name))

    def set_topics(self, full_name: str, topics: Sequence[str]) -> None:
        path = f"{repo(full_name)}/topics"
        self._api.ask(doings.set_topics(full_name), "PUT", path, body={"topics": list(topics)})

    def set_private(self, full_name: str, private: bool) -> None:
        self._api.ask(doings.set_who_sees(full_name), "PATCH", repo(full_name), body={"private": private})

    def page_of_line(self, html_url: str, sha: str, path: str, line: int) -> str:
        return f"{html_url}/src/commit/{sha}/{quote(path)}#L{line}"

    # Branches and files

    def branch_head(self, full_name: str, branch: str) -> Head | None:
        doing = doings.read_branch(full_name, branch)
        path = f"{repo(full_name)}/branches/{quote(branch, safe='')}"
        found = self._api.find(doing, path)
        if found is None and self._branches(full_name):
            found = self._api.find(doing, path)
        return None if found is None else documents.head(found["commit"])

    def pushes(self, full_name: str, branch: str) -> list[Push]:
        return gitea_feed.pushes(self._api, repo(full_name), branch)

    def _branches(self, full_name: str) -> list[Json]:
        return (
            self._api.find(
                phrase("list the branches of %(full_name)s", full_name=full_name), f"{repo(full_name)}/branches?limit=1"
            )
            or []
        )

    def create_branch(self, full_name: str, branch: str, start: str) -> bool:
        body = {"new_branch_name": branch, "old_ref_name": start}
        made = self._api.send("POST", f"{repo(full_name)}/branches", body=body)
        if made.status_code == 409:
            return False
        if not made.is_success:
            raise self._api.error(made, doings.make_branch(full_name, branch))
        return True

    def delete_branch(self, full_name: str, branch: str) -> bool:
        path = f"{repo(full_name)}/branches/{quote(branch, safe='')}"
        return self._api.drop(doings.remove_branch(full_name, branch), path)

    def file(self, full_name: str, path: str, ref: str, *, limit: int = FILE_LIMIT) -> tuple[bytes, str] | None:
        doing = doings.read_file(full_name, path)
        where = f"{repo(full_name)}/contents/{quote(path)}?ref={quote(ref, safe='')}"
        found = self._api.find_bounded(doing, where, limit=answer_limit(limit))
        if found is None and not _COMMIT.fullmatch(ref) and self.branch_head(full_name, ref) is not None:
            # Either the file is absent, or Gitea has only now noticed the branch.
            found = self._api.find_bounded(doing, where, limit=answer_limit(limit))
        elif found is None and not self._has_commit(full_name, ref):
            raise errors.no_ref(self.name, doing, ref)
        if found is None:
            return None
        check_plain(found, limit=limit, path=path, full_name=full_name)
        return base64.b64decode(found["content"]), found["sha"]

    def _has_commit(self, full_name: str, ref: str) -> bool:
        path = f"{repo(full_name)}/git/commits/{quote(ref, safe='')}?stat=false&files=false&verification=false"
        response = self._api.send("GET", path)
        if not response.is_success and response.status_code not in (404, 422):
            raise self._api.error(
                response, phrase("look for %(ref)s in %(full_name)s", ref=ref[:10], full_name=full_name)
            )
        return response.is_success

    def put_files(
        self,
        full_name: str,
        branch: str,
        message: str,
        files: Mapping[str, bytes],
        *,
        removed: Mapping[str, str] = NOTHING,
    ) -> str:
        body = {
            "branch": branch,
            "message": message,
            "files": [
                {"operation": "upload", "path": path, "content": base64.b64encode(content).decode()}
                for path, content in files.items()
            ]
            + [{"operation": "delete", "path": path, "sha": blob} for path, blob in removed.items()],
        }
        made = self._api.ask(doings.write(full_name, branch), "POST", f"{repo(full_name)}/contents", body=body)
        return str(made["commit"]["sha"])

    def branch_protection(self, full_name: str, branch: str) -> Protection | None:
        path = f"{repo(full_name)}/branch_protections/{quote(branch, safe='')}"
        found = self._api.find(doings.read_protection(branch), path)
        return None if found is None else documents.protection(found)

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
        """Make or replace the rule of a branch, present or not. Nobody may force a push or remove the branch.

        new: it is thought not to be there, which saves a call; one that is there after all is replaced too.
        """
        doing, path = doings.protect(full_name, branch), f"{repo(full_name)}/branch_protections"
        body = documents.protection_body(approvals, checks, protected_files, push_logins)
        if new and self._api.send("POST", path, body={**body, "rule_name": branch}).is_success:
            return
        changed = self._api.send("PATCH", f"{path}/{quote(branch, safe='')}", body=body)
        if changed.status_code == 404:
            self._api.ask(doing, "POST", path, body={**body, "rule_name": branch})
        elif not changed.is_success:
            raise self._api.error(changed, doing)

    # People

    def _login_called(self, login: str) -> str | None:
        found = self._api.find(doings.find_person(login), f"/users/{quote(login, safe='')}")
        return None if found is None else str(found["login"])

    def _logins_with(self, mail: str) -> Iterator[str]:
        """Addresses that people hide are seen only with a site administrator's token."""
        path = f"/users/search?q={quote(mail, safe='')}"
        for one in self._api.pages(doings.find_person(mail), path, within="data"):
            if one["email"].lower() == mail.lower():
                yield str(one["login"])

    def collaborators(self, full_name: str) -> dict[str, Permission]:
        """The people with rights of their own on a repository, by login. One call for each of them."""
        people = self._api.pages(doings.list_collaborators(full_name), f"{repo(full_name)}/collaborators")
        return {one["login"]: self.permission(full_name, one["login"]) for one in people}

    def permission(self, full_name: str, login: str) -> Permission:
        path = f"{repo(full_name)}/collaborators/{quote(login, safe='')}/permission"
        found = self._api.find(doings.tell_permission(full_name, login), path)
        return "none" if found is None else found["permission"]

    def put_collaborator(self, full_name: str, login: str, permission: Grant) -> None:
        """Give a person rights, or change them. TemporaryError while the forge doesn't know the person."""
        path = f"{repo(full_name)}/collaborators/{quote(login, safe='')}"
        self._api.ask(doings.let_in(full_name, login), "PUT", path, body={"permission": permission})

    def delete_collaborator(self, full_name: str, login: str) -> None:
        path = f"{repo(full_name)}/collaborators/{quote(login, safe='')}"
        response = self._api.send("DELETE", path)
        if not response.is_success and response.status_code != 404 and "user does not exist" not in said(response):
            raise self._api.error(response, doings.take_off(full_name, login))

    # Webhooks

    def hooks(self, full_name: str) -> list[Hook]:
        """The webhooks of a repository, events sorted, each family of events by its own name only."""
        found = self._api.pages(doings.list_hooks(full_name), f"{repo(full_name)}/hooks")
        return [documents.hook(one) for one in found]

    def create_hook(self, full_name: str, url: str, secret: str, events: Sequence[str]) -> int:
        body = {"type": "gitea", **documents.hook_body(url, secret, events)}
        return int(self._api.ask(doings.make_hook(full_name), "POST", f"{repo(full_name)}/hooks", body=body)["id"])

    def update_hook(self, full_name: str, hook_id: int, url: str, secret: str, events: Sequence[str]) -> None:
        path = f"{repo(full_name)}/hooks/{hook_id}"
        self._api.ask(
            doings.change_hook(full_name, hook_id), "PATCH", path, body=documents.hook_body(url, secret, events)
        )

    # Secrets and variables of Actions

    def ci_secrets(self, full_name: str) -> list[str]:
        path = f"{repo(full_name)}/actions/secrets"
        return [str(one["name"]) for one in self._api.pages(doings.list_ci_secrets(full_name), path)]

    def put_ci_secrets(self, full_name: str, values: Mapping[str, str]) -> None:
        for name, value in values.items():
            path = f"{repo(full_name)}/actions/secrets/{quote(name, safe='')}"
            self._api.ask(doings.write_ci_secret(full_name, name), "PUT", path, body={"data": value})

    def create_ci_variable(self, full_name: str, name: str, value: str) -> None:
        doing, body = doings.make_ci_variable(full_name, name), {"value": value}
        self._api.ask(doing, "POST", variable(full_name, name), body=body)

    # Statuses, pull requests, comments

    def set_status(
        self, full_name: str, sha: str, context: str, state: State, description: str, target_url: str = ""
    ) -> None:
        """Say something about a commit under a context; the last word of a context counts. Cut to 255 characters."""
        body = {
            "context": context,
            "state": state,
            "description": description[: self.status_limit],
            "target_url": target_url,
        }
        made = self._api.send("POST", f"{repo(full_name)}/statuses/{sha}", body=body)
        if made.status_code == 500 and not self._has_commit(full_name, sha):
            raise PermanentError(
                phrase("%(full_name)s has no commit %(sha)s to write a status on.", full_name=full_name, sha=sha[:10])
            )
        if not made.is_success:
            raise self._api.error(made, doings.write_status(full_name, sha))

    def statuses(self, full_name: str, sha: str) -> dict[str, Status]:
        found = self._api.find(doings.read_statuses(sha), f"{repo(full_name)}/commits/{sha}/status")
        return documents.statuses(found or {})

    def pull_request(self, full_name: str, number: int) -> PullRequest | None:
        found = self._api.find(doings.read_pull_request(full_name, number), f"{repo(full_name)}/pulls/{number}")
        return None if found is None else documents.pull_request(found)

    def pull_requests_of(self, full_name: str, branch: str) -> list[PullRequest]:
        found = self._api.pages(doings.list_pull_requests(full_name), f"{repo(full_name)}/pulls?state=open")
        ours = own(map(documents.pull_request, found), full_name)
        return sorted((one for one in ours if one["head_branch"] == branch), key=lambda one: one["number"])

    def ever_proposed(self, full_name: str, branch: str, base: str) -> bool:
        path = f"{repo(full_name)}/pulls/{quote(base, safe='')}/{quote(branch, safe='')}"
        return self._api.find(doings.find_pull_request(full_name), path) is not None

    def create_pull_request(self, full_name: str, branch: str, base: str, title: str, body: str) -> int:
        document = {"head": branch, "base": base, "title": title, "body": body}
        made = self._api.send("POST", f"{repo(full_name)}/pulls", body=document)
        if made.status_code == 409:
            raise errors.already_proposed(full_name, branch)
        if not made.is_success:
            raise self._api.error(made, doings.make_pull_request(full_name))
        return int(self._api.document(made)["number"])

    def pull_request_files(self, full_name: str, number: int) -> list[ChangedFile]:
        found = self._api.pages(doings.list_changed_files(number), f"{repo(full_name)}/pulls/{number}/files")
        return [{"path": one["filename"], "status": one["status"]} for one in found]

    def comments(self, full_name: str, number: int) -> list[Comment]:
        path = f"{repo(full_name)}/issues/{number}"
        found = self._api.send("GET", f"{path}/comments")
        if (
            found.status_code == 500
            and self._api.find(phrase("look for %(number)s of %(full_name)s", number=number, full_name=full_name), path)
            is None
        ):
            raise errors.no_pull_request(full_name, number)
        if not found.is_success:
            raise self._api.error(found, doings.read_comments(full_name, number))
        return [documents.comment(one) for one in self._api.document(found)]
