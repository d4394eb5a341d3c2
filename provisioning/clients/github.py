"""GitHub (github.com and Enterprise Server) in the words of `provisioning.forge`, by its published REST API.

Written against version 2022-11-28 of that API and tried with answers of its documented shapes only: no GitHub was ever
called. Where it differs from Gitea:

- Organisations can't be made by API; somebody makes them and lets the bot in as an owner.
- "Not private" means `internal` (the company sees it), never `public`, which on github.com would be the whole world.
- Files can't be protected by a branch's rule; GitHub has CODEOWNERS for that.
- Somebody outside the organisation is invited and has no right before accepting (`github_people`).
- Several files become one commit in several calls (`github_commits`).
- How large a repository is comes late; whether a small one is empty is asked for by its commits.
- A symbolic link to a plain file of the same repository reads as that file.
"""

import base64
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import quote, urlsplit

import httpx

from provisioning.clients import forge_doings as doings
from provisioning.clients import forge_errors as errors
from provisioning.clients import github_commits, github_people, github_secrets
from provisioning.clients import github_documents as documents
from provisioning.clients.forge_api import ForgeApi, Json, said
from provisioning.clients.forge_driver import LikeGitHub, own, repo
from provisioning.clients.forge_files import answer_limit, check_plain
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
    cannot,
)
from provisioning.phrases import phrase


def api_address(url: str) -> str:
    """Where the API of a GitHub is: a host of its own for github.com, a folder for Enterprise Server."""
    if urlsplit(url).hostname == "github.com":
        return "https://api.github.com"
    return f"{url.rstrip('/')}/api/v3"


class GitHub(LikeGitHub):
    """One GitHub. Threads may share it; processes may not. What each method does stands at `ForgeClient`."""

    status_limit = 140

    def __init__(self, *, name: str, url: str, token: str, bot: str, vouches_for_mail: bool = False) -> None:
        api = ForgeApi(
            name=name,
            base=api_address(url),
            headers={
                "Accept": "application/vnd.github+json",
                "Authorization": f"Bearer {token}",
                "X-GitHub-Api-Version": "2022-11-28",
            },
            page_size="per_page",
        )
        super().__init__(name=name, bot=bot, vouches_for_mail=vouches_for_mail, api=api)

    def probe(self) -> str:
        """The server's version, or that it is github.com. PermanentError when the token is somebody else's."""
        found = self._api.send("GET", "/user")
        if not found.is_success:
            raise self._api.error(found, doings.SAY_WHOSE_TOKEN)
        self._check_bot(self._api.document(found)["login"])
        self._check_scopes(found.headers.get("X-OAuth-Scopes"))
        return str(self._api.ask(doings.TELL_VERSION, "GET", "/meta").get("installed_version", "github.com"))

    def _check_scopes(self, scopes: str | None) -> None:
        """Only classic tokens have scopes; of others GitHub says nothing, or that they have none.

        Without `workflow` GitHub answers a commit of CI's files with a bare 404.
        """
        if scopes and "workflow" not in {one.strip() for one in scopes.split(",")}:
            raise PermanentError(
                phrase(
                    "The token of %(name)s lacks the scope workflow, so nothing with CI's files can be committed. "
                    "The platform team must make one that has it.",
                    name=self.name,
                )
            )

    # Repositories

    def repository(self, full_name: str) -> Repository | None:
        """A repository, or None; for a former name the one that it leads to."""
        return self._whole(self._api.find_moved(doings.find_repository(full_name), repo(full_name)))

    def repository_by_id(self, repository_id: int) -> Repository | None:
        """A repository by its number; None when it isn't there."""
        return self._whole(
            self._api.find(doings.find_repository_by_id(repository_id), f"/repositories/{repository_id}")
        )

    def _whole(self, found: Json | None) -> Repository | None:
        if found is None:
            return None
        repository = documents.repository(found)
        if repository["empty"]:
            repository["empty"] = github_commits.is_empty(self._api, repository["full_name"])
        return repository

    def ensure_organisation(self, name: str) -> bool:
        """False when the organisation is there. GitHub lets nobody make one by API."""
        if self._api.find(doings.find_organisation(name), f"/orgs/{quote(name, safe='')}") is None:
            raise cannot(
                self.name,
                doings.make_organisation(name),
                phrase(
                    "Somebody makes it there and invites %(bot)s as an owner; then have us look again.", bot=self.bot
                ),
            )
        return False

    def create_from_template(
        self, template_full_name: str, owner: str, name: str, description: str, private: bool = True
    ) -> Repository:
        """Make a repository with a template's files as its first commit. Raises AlreadyExists."""
        template = self.repository(template_full_name)
        if template is None or not template["template"]:
            raise errors.no_template(self.name, template_full_name)
        body = {"owner": owner, "name": name, "description": description, "private": True}
        return self._create(f"{repo(template_full_name)}/generate", f"{owner}/{name}", body, private=private)

    def create_repository(
        self, owner: str, name: str, description: str, private: bool = True, auto_init: bool = True
    ) -> Repository:
        body = {"name": name, "description": description, "private": True, "auto_init": auto_init}
        return self._create(f"/orgs/{quote(owner, safe='')}/repos", f"{owner}/{name}", body, private=private)

    def _create(self, path: str, full_name: str, body: Json, *, private: bool) -> Repository:
        made = self._api.send("POST", path, body=body)
        if made.status_code == 422 and "already exists" in said(made):
            raise errors.taken(self.name, full_name)
        if not made.is_success:
            raise self._api.error(made, doings.make_repository(full_name))
        found = documents.repository(self._api.document(made))
        if not private:
            self.set_private(full_name, False)
            found["private"] = False
        return found

    def delete_repository(self, full_name: str) -> bool:
        gone = self._api.send("DELETE", repo(full_name))
        if gone.status_code == 403 and "admin rights" in said(gone):
            # What GitHub says to an owner, too, whose token may not.
            raise PermanentError(
                phrase(
                    "%(name)s refuses to remove %(full_name)s. The token needs the scope delete_repo, and %(bot)s the "
                    "right to administer it.",
                    name=self.name,
                    full_name=full_name,
                    bot=self.bot,
                )
            )
        if gone.status_code == 404:
            return False
        if not gone.is_success:
            raise self._api.error(gone, doings.remove_repository(full_name))
        return True

    def set_topics(self, full_name: str, topics: Sequence[str]) -> None:
        path = f"{repo(full_name)}/topics"
        self._api.ask(doings.set_topics(full_name), "PUT", path, body={"names": list(topics)})

    def set_private(self, full_name: str, private: bool) -> None:
        """Show the repository to its own people only, or to everybody of the company; never to the world."""
        body = {"visibility": "private" if private else "internal"}
        self._api.ask(doings.set_who_sees(full_name), "PATCH", repo(full_name), body=body)

    def page_of_line(self, html_url: str, sha: str, path: str, line: int) -> str:
        return f"{html_url}/blob/{sha}/{quote(path)}#L{line}"

    # Branches and files

    def branch_head(self, full_name: str, branch: str) -> Head | None:
        path = f"{repo(full_name)}/branches/{quote(branch, safe='')}"
        found = self._api.find(doings.read_branch(full_name, branch), path)
        return None if found is None else documents.head(found["commit"])

    def pushes(self, full_name: str, branch: str) -> list[Push]:
        """The newest pushes to a branch and who made them, newest first; at most 50. [] when there are none."""
        path = f"{repo(full_name)}/activity?ref={quote(f'refs/heads/{branch}', safe='')}&per_page=50"
        return documents.pushes(self._api.find(doings.tell_pushes(branch), path) or [])

    def create_branch(self, full_name: str, branch: str, start: str) -> bool:
        doing = doings.make_branch(full_name, branch)
        body = {"ref": f"refs/heads/{branch}", "sha": github_commits.tip(self._api, full_name, start, doing)}
        made = self._api.send("POST", f"{repo(full_name)}/git/refs", body=body)
        if made.status_code == 422 and "already exists" in said(made):
            return False
        if not made.is_success:
            raise self._api.error(made, doing)
        return True

    def delete_branch(self, full_name: str, branch: str) -> bool:
        gone = self._api.send("DELETE", f"{repo(full_name)}/git/refs/heads/{quote(branch)}")
        if gone.status_code == 404 or (gone.status_code == 422 and "does not exist" in said(gone)):
            return False
        if not gone.is_success:
            raise self._api.error(gone, doings.remove_branch(full_name, branch))
        return True

    def file(self, full_name: str, path: str, ref: str, *, limit: int = FILE_LIMIT) -> tuple[bytes, str] | None:
        """A file's bytes and blob id at a branch, tag or commit; None when there is no such file.

        TemporaryError when there is no such ref (yet). PermanentError when it isn't a plain file or is larger than
        `limit`.
        """
        doing = doings.read_file(full_name, path)
        where = f"{repo(full_name)}/contents/{quote(path)}?ref={quote(ref, safe='')}"
        found = self._api.find_bounded(doing, where, limit=answer_limit(limit))
        if found is None:
            commit = self._api.send("GET", f"{repo(full_name)}/commits/{quote(ref, safe='')}")
            if commit.status_code in (404, 409, 422):
                raise errors.no_ref(self.name, doing, ref)
            if not commit.is_success:
                raise self._api.error(commit, doing)
            return None
        check_plain(found, limit=limit, path=path, full_name=full_name)
        if found["encoding"] == "none":
            # Of a file of more than 1 MB this call tells all but the content.
            found = self._api.ask(doing, "GET", f"{repo(full_name)}/git/blobs/{found['sha']}")
        return base64.b64decode(found["content"]), found["sha"]

    def put_files(
        self,
        full_name: str,
        branch: str,
        message: str,
        files: Mapping[str, bytes],
        *,
        removed: Mapping[str, str] = NOTHING,
    ) -> str:
        """Write files in one commit on a branch; the commit's id. A push in between raises.

        TemporaryError while the branch isn't there, except in an empty repository, where this makes it.
        removed: the blob ids of files that go away with it, by path.
        """
        return github_commits.put(self._api, full_name, branch, message, files, removed=removed)

    def branch_protection(self, full_name: str, branch: str) -> Protection | None:
        """The rule of a branch, or None."""
        found = self._rule(full_name, branch)
        return None if found is None else documents.protection(found)

    def _rule(self, full_name: str, branch: str) -> Json | None:
        response = self._api.send("GET", _protection(full_name, branch))
        if response.status_code == 404 or _needs_plan(response):
            return None
        if not response.is_success:
            raise self._api.error(response, doings.read_protection(branch))
        found: Json = self._api.document(response)
        return found

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
        """Make or replace the rule of a branch. new: it is thought not to be there, which saves a call.

        PermanentError without a plan that has rules for private repositories.
        """
        if protected_files:
            raise errors.protects_no_files(self.name)
        body = documents.protection_body(None if new else self._rule(full_name, branch), approvals, checks, push_logins)
        doing = doings.protect(full_name, branch)
        put = self._api.send("PUT", _protection(full_name, branch), body=body)
        if _needs_plan(put):
            do = phrase(
                "Private repositories need GitHub Team for that; let the project do without (`protect: false`)."
            )
            raise cannot(self.name, doing, do)
        if not put.is_success:
            raise self._api.error(put, doing)

    # People

    def _login_called(self, login: str) -> str | None:
        return github_people.login_of(self._api, login)

    def _logins_with(self, mail: str) -> Iterator[str]:
        """GitHub finds only addresses that people show."""
        return github_people.logins_with(self._api, mail)

    def collaborators(self, full_name: str) -> dict[str, Permission]:
        """The people with rights of their own on a repository, by login, the invited ones too.

        An invitation that ended before somebody accepted it counts no more, so that they are invited anew.
        """
        return github_people.collaborators(self._api, full_name)

    def permission(self, full_name: str, login: str) -> Permission:
        return github_people.permission(self._api, full_name, login)

    def put_collaborator(self, full_name: str, login: str, permission: Grant) -> None:
        """Give a person rights, invite them, or change what they have or are invited to."""
        github_people.let_in(self._api, full_name, login, permission)

    def delete_collaborator(self, full_name: str, login: str) -> None:
        """Take a person's own rights away, and the invitation. Nothing happens when there are none."""
        github_people.take_off(self._api, full_name, login)

    # Webhooks

    def hooks(self, full_name: str) -> list[Hook]:
        """The webhooks of a repository, events sorted."""
        found = self._api.pages(doings.list_hooks(full_name), f"{repo(full_name)}/hooks")
        return [documents.hook(one) for one in found]

    def create_hook(self, full_name: str, url: str, secret: str, events: Sequence[str]) -> int:
        body = {"name": "web", **documents.hook_body(url, secret, events)}
        made = self._api.ask(doings.make_hook(full_name), "POST", f"{repo(full_name)}/hooks", body=body)
        return int(made["id"])

    def update_hook(self, full_name: str, hook_id: int, url: str, secret: str, events: Sequence[str]) -> None:
        path, body = f"{repo(full_name)}/hooks/{hook_id}", documents.hook_body(url, secret, events)
        self._api.ask(doings.change_hook(full_name, hook_id), "PATCH", path, body=body)

    # Secrets and variables of Actions

    def ci_secrets(self, full_name: str) -> list[str]:
        path = f"{repo(full_name)}/actions/secrets"
        found = self._api.pages(doings.list_ci_secrets(full_name), path, within="secrets")
        return [str(one["name"]) for one in found]

    def put_ci_secrets(self, full_name: str, values: Mapping[str, str]) -> None:
        github_secrets.put(self._api, full_name, values)

    def create_ci_variable(self, full_name: str, name: str, value: str) -> None:
        path, body = f"{repo(full_name)}/actions/variables", {"name": name, "value": value}
        self._api.ask(doings.make_ci_variable(full_name, name), "POST", path, body=body)

    # Statuses, pull requests, comments

    def set_status(
        self, full_name: str, sha: str, context: str, state: State, description: str, target_url: str = ""
    ) -> None:
        """Say something about a commit under a context; the last word of a context counts. Cut to 140 characters."""
        body = documents.status_body(context, state, description[: self.status_limit], target_url)
        self._api.ask(doings.write_status(full_name, sha), "POST", f"{repo(full_name)}/statuses/{sha}", body=body)

    def statuses(self, full_name: str, sha: str) -> dict[str, Status]:
        """The last status of each context on a commit, of at most 100; {} when there is none, or no such commit."""
        found = self._api.send("GET", f"{repo(full_name)}/commits/{sha}/status?per_page=100")
        if found.status_code in (404, 422):
            return {}
        if not found.is_success:
            raise self._api.error(found, doings.read_statuses(sha))
        return documents.statuses(self._api.document(found))

    def pull_request(self, full_name: str, number: int) -> PullRequest | None:
        found = self._api.find(doings.read_pull_request(full_name, number), f"{repo(full_name)}/pulls/{number}")
        if found is None:
            return None
        pull = documents.pull_request(found)
        if pull["state"] == "open":
            pull["merge_base"] = self._merge_base(full_name, pull["base_sha"], pull["head_sha"])
        return pull

    def _merge_base(self, full_name: str, base: str, head: str) -> str:
        """Where two commits parted; "" when GitHub can't say. The first page would have every file that differs."""
        path = f"{repo(full_name)}/compare/{base}...{head}?per_page=1&page=2"
        found = self._api.find(phrase("compare two commits of %(full_name)s", full_name=full_name), path)
        return str(found["merge_base_commit"]["sha"]) if found is not None else ""

    def pull_requests_of(self, full_name: str, branch: str) -> list[PullRequest]:
        whence = quote(f"{full_name.partition('/')[0]}:{branch}", safe="")
        path = f"{repo(full_name)}/pulls?state=open&head={whence}"
        found = self._api.pages(doings.list_pull_requests(full_name), path)
        return sorted(own(map(documents.pull_request, found), full_name), key=lambda one: one["number"])

    def ever_proposed(self, full_name: str, branch: str, base: str) -> bool:
        whence, onto = quote(f"{full_name.partition('/')[0]}:{branch}", safe=""), quote(base, safe="")
        path = f"{repo(full_name)}/pulls?state=all&head={whence}&base={onto}"
        found = self._api.pages(doings.find_pull_request(full_name), path)
        return any(own(map(documents.pull_request, found), full_name))

    def create_pull_request(self, full_name: str, branch: str, base: str, title: str, body: str) -> int:
        document = {"head": branch, "base": base, "title": title, "body": body}
        made = self._api.send("POST", f"{repo(full_name)}/pulls", body=document)
        if made.status_code == 422 and "already exists" in said(made):
            raise errors.already_proposed(full_name, branch)
        if not made.is_success:
            raise self._api.error(made, doings.make_pull_request(full_name))
        return int(self._api.document(made)["number"])

    def pull_request_files(self, full_name: str, number: int) -> list[ChangedFile]:
        found = self._api.pages(doings.list_changed_files(number), f"{repo(full_name)}/pulls/{number}/files")
        return [documents.changed_file(one) for one in found]

    def comments(self, full_name: str, number: int) -> list[Comment]:
        doing, path = doings.read_comments(full_name, number), f"{repo(full_name)}/issues/{number}"
        if self._api.find(doing, path) is None:
            raise errors.no_pull_request(full_name, number)
        return [documents.comment(one) for one in self._api.pages(doing, f"{path}/comments")]


def _needs_plan(response: httpx.Response) -> bool:
    """Is it GitHub's way to say that the organisation's plan has no rules for private repositories?"""
    return response.status_code == 403 and said(response).startswith("Upgrade to GitHub")


def _protection(full_name: str, branch: str) -> str:
    return f"{repo(full_name)}/branches/{quote(branch, safe='')}/protection"
