"""What a git forge is to us: the words all drivers speak, and the one interface that the Kinds and the portal use.

A driver is a file of `provisioning.clients`, one per kind of forge, and turns its forge's answers into these shapes.
What a forge can't do, its driver refuses with a sentence (`Reason.UNSUPPORTED`); nothing is made to look as if it
worked. Where that must be known before anything is asked of it, it stands here by kind of forge.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Literal, NotRequired, Protocol, TypedDict

from provisioning.errors import PermanentError, Reason
from provisioning.phrases import phrase

Permission = Literal["none", "read", "write", "admin", "owner"]
"""What somebody may do on a repository, by whatever way."""
Grant = Literal["read", "write", "admin"]
"""What we give."""
State = Literal["pending", "success", "error", "failure"]

ForgeKind = Literal["gitea", "forgejo", "github", "gitlab"]
LIKE_GITHUB: frozenset[ForgeKind] = frozenset({"gitea", "forgejo", "github"})
"""Those that run workflow files themselves (given runners), whose deliveries a CI listener understands, and that can
keep a pull request from being merged until a status of our choice says success. The others can do none of it.
"""

FILE_LIMIT = 64 * 1024
"""Larger files are not read, where nothing else is said."""
NOTHING: Mapping[str, str] = MappingProxyType({})


class Repository(TypedDict):
    """What we want to know of a repository. `id` stays the same through renames and transfers."""

    id: int
    full_name: str
    owner: str
    description: str
    default_branch: str
    html_url: str
    clone_url: str
    topics: list[str]
    private: bool
    template: bool
    empty: bool


class Protection(TypedDict):
    """What a branch demands. `push_logins` may push to it directly; nobody may when it is empty.

    administrators_push: the forge can't say it by name; whoever administers the repository may push, and nobody else.
    """

    approvals: int
    checks: list[str]
    protected_files: list[str]
    push_logins: list[str]
    administrators_push: bool


class Hook(TypedDict):
    """A webhook, without its secret, which can't be read."""

    id: int
    url: str
    events: list[str]
    active: bool


class DeployKey(TypedDict):
    """An SSH key that opens one repository. `public` has no comment."""

    id: int
    title: str
    public: str
    read_only: bool


class Head(TypedDict):
    """The commit at the tip of a branch.

    Names and mails are what the commit claims, and the logins are those that the forge knows by that mail ("" when
    none). A commit can claim anybody: who pushed is in the webhook only.
    """

    sha: str
    message: str
    author_name: str
    author_email: str
    author_login: str
    committer_name: str
    committer_email: str
    committer_login: str


class Push(TypedDict):
    """One push to a branch. `before` is the branch's tip until then, "" for a new branch or when it isn't told."""

    sha: str
    before: str
    login: str


class Status(TypedDict):
    """One commit status."""

    state: str
    description: str
    target_url: str


class Comment(TypedDict):
    """A comment on an issue or a pull request.

    edited: it was changed after it was written. No forge says by whom, and whoever may write to a repository, or
    administers it, may change comments of others. Where a forge counts in seconds, a change within the same isn't seen.
    """

    id: int
    author: str
    body: str
    edited: bool


class PullRequest(TypedDict):
    """A pull request. `head_repository` differs from ours when it comes from a fork ("" when that fork is gone)."""

    number: int
    title: str
    state: str
    merged: bool
    author: str
    html_url: str
    head_repository: str
    head_branch: str
    head_sha: str
    base_branch: str
    base_sha: str
    merge_base: NotRequired[str]
    """The commit that it left its base at; "" or absent where the forge doesn't tell: in lists, of closed ones."""


class ChangedFile(TypedDict):
    """A file that a pull request touches: added, changed, deleted, renamed."""

    path: str
    status: str


class ForgeClient(Protocol):
    """One forge. `full_name` is always "owner/repository", `sha` a whole commit id.

    Every method raises TargetUnavailable when the forge doesn't answer, refuses our token or asks us to wait,
    TemporaryError when something it needs isn't there yet, PermanentError when the forge says no or can't do it.
    `bot` is the login that the token belongs to, `status_limit` how long a commit status's description may be,
    `vouches_for_mail` what the catalogue says of the forge's mail addresses.
    """

    name: str
    bot: str
    status_limit: int
    vouches_for_mail: bool

    def close(self) -> None:
        """Let the connections go."""

    def probe(self) -> str:
        """What answers: the server's version, or its name. PermanentError when the token isn't the bot's."""

    def repository(self, full_name: str) -> Repository | None:
        """A repository, or None when there is none of that name that we may see.

        For the former name of one that was renamed or moved, that one, which says its present name.
        """

    def repository_by_id(self, repository_id: int) -> Repository | None:
        """A repository by its number, which a rename or a transfer doesn't change; None when it isn't there."""

    def ensure_organisation(self, name: str) -> bool:
        """Make a private organisation unless it is there. True: made now."""

    def create_from_template(
        self, template_full_name: str, owner: str, name: str, description: str, private: bool = True
    ) -> Repository:
        """Make a repository with a template's files as its first commit. Raises AlreadyExists.

        PermanentError when there is no such template. The description is the place for our mark.
        """

    def create_repository(
        self, owner: str, name: str, description: str, private: bool = True, auto_init: bool = True
    ) -> Repository:
        """Make a repository in an organisation, with a README unless `auto_init` is off. Raises AlreadyExists."""

    def delete_repository(self, full_name: str) -> bool:
        """Remove a repository with all that is in it. False when it wasn't there."""

    def set_topics(self, full_name: str, topics: Sequence[str]) -> None:
        """Replace the repository's topics."""

    def set_private(self, full_name: str, private: bool) -> None:
        """Show the repository to its own people only, or to everybody who may see its owner."""

    def page_of_line(self, html_url: str, sha: str, path: str, line: int) -> str:
        """Address of the page that shows a line of a file. html_url: the repository's page."""

    def branch_head(self, full_name: str, branch: str) -> Head | None:
        """The commit at a branch's tip; None when there is no such branch (or repository)."""

    def pushes(self, full_name: str, branch: str) -> list[Push]:
        """The newest pushes to a branch and who made them, newest first; a moment behind. [] when there are none."""

    def create_branch(self, full_name: str, branch: str, start: str) -> bool:
        """Make a branch at another one's tip. False when it exists already."""

    def delete_branch(self, full_name: str, branch: str) -> bool:
        """Remove a branch. False when it wasn't there."""

    def file(self, full_name: str, path: str, ref: str, *, limit: int = FILE_LIMIT) -> tuple[bytes, str] | None:
        """A file's bytes and blob id at a branch, tag or commit; None when there is no such file.

        TemporaryError when there is no such ref (yet). PermanentError when it isn't a plain file (folder, symbolic
        link, submodule) or is larger than `limit`.
        """

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

        removed: the blob ids of files that go away with it, by path.

        TemporaryError while the branch isn't there, except in an empty repository, where this makes it.
        """

    def branch_protection(self, full_name: str, branch: str) -> Protection | None:
        """The rule of exactly that name, or None."""

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

        push_logins: who may push to it directly, nobody when empty. checks: contexts of statuses that must say success.
        new: it is thought not to be there, which saves a call; one that is there after all is replaced too.
        """

    def find_user(self, who: str) -> str | None:
        """The login of a person, found by mail address when `who` holds "@", else by login; None when unknown.

        Only an exact match counts. By mail nobody is found where the forge doesn't vouch for it, nor when several have
        the same: either could be somebody else. Which hidden addresses are seen is the forge's affair, and our token's.
        """

    def collaborators(self, full_name: str) -> dict[str, Permission]:
        """The people with rights of their own on a repository, by login, the invited ones too."""

    def permission(self, full_name: str, login: str) -> Permission:
        """What a person may do on a repository, by whatever way; "none" also when either isn't there."""

    def put_collaborator(self, full_name: str, login: str, permission: Grant) -> None:
        """Give a person rights, or change them; a forge may invite. TemporaryError while it doesn't know the person."""

    def delete_collaborator(self, full_name: str, login: str) -> None:
        """Take a person's own rights away. Nothing happens when there are none, or no such person."""

    def hooks(self, full_name: str) -> list[Hook]:
        """The webhooks of a repository, events sorted."""

    def create_hook(self, full_name: str, url: str, secret: str, events: Sequence[str]) -> int:
        """Make a webhook that signs with `secret`; its number."""

    def update_hook(self, full_name: str, hook_id: int, url: str, secret: str, events: Sequence[str]) -> None:
        """Rewrite all of a webhook, its secret too."""

    def delete_hook(self, full_name: str, hook_id: int) -> bool:
        """Remove a webhook. False when it wasn't there."""

    def deploy_keys(self, full_name: str) -> list[DeployKey]:
        """The deploy keys of a repository; [] when it isn't there."""

    def create_deploy_key(self, full_name: str, title: str, public: str) -> int:
        """Let whoever has the private half read the repository; the key's number."""

    def delete_deploy_key(self, full_name: str, key_id: int) -> None:
        """Remove a deploy key. Nothing happens when it isn't there."""

    def ci_secrets(self, full_name: str) -> list[str]:
        """Names of the secrets that workflows of a repository get; [] when it isn't there. Values can't be read."""

    def put_ci_secrets(self, full_name: str, values: Mapping[str, str]) -> None:
        """Give workflows secrets by name, new or in place of those of that name."""

    def delete_ci_secret(self, full_name: str, name: str) -> None:
        """Take a workflows' secret away. Nothing happens when it isn't there."""

    def ci_variable(self, full_name: str, name: str) -> str | None:
        """A workflows' variable, which everybody who writes to the repository can read; None when it isn't there."""

    def create_ci_variable(self, full_name: str, name: str, value: str) -> None:
        """Give workflows a variable. TemporaryError when it is there."""

    def update_ci_variable(self, full_name: str, name: str, value: str) -> None:
        """Change a workflows' variable. TemporaryError when it isn't there."""

    def delete_ci_variable(self, full_name: str, name: str) -> None:
        """Take a workflows' variable away. Nothing happens when it isn't there."""

    def start_workflow(self, full_name: str, file: str, branch: str) -> None:
        """Have a workflow run on a branch's tip. PermanentError when it isn't there or takes no such call."""

    def set_status(
        self, full_name: str, sha: str, context: str, state: State, description: str, target_url: str = ""
    ) -> None:
        """Say something about a commit under a context; the last word of a context counts. Cut to `status_limit`."""

    def statuses(self, full_name: str, sha: str) -> dict[str, Status]:
        """The last status of each context on a commit; {} when there is none, or no such commit."""

    def pull_request(self, full_name: str, number: int) -> PullRequest | None:
        """A pull request, or None."""

    def pull_requests_of(self, full_name: str, branch: str) -> list[PullRequest]:
        """The open pull requests that come from a branch of this very repository, oldest number first."""

    def ever_proposed(self, full_name: str, branch: str, base: str) -> bool:
        """Was a pull request from `branch` of this repository into `base` ever made, open or not?"""

    def create_pull_request(self, full_name: str, branch: str, base: str, title: str, body: str) -> int:
        """Ask for `branch` to be merged into `base`; the pull request's number. Raises AlreadyExists."""

    def pull_request_files(self, full_name: str, number: int) -> list[ChangedFile]:
        """The files that a pull request touches."""

    def comments(self, full_name: str, number: int) -> list[Comment]:
        """The comments on an issue or pull request, oldest first."""

    def upsert_comment(self, full_name: str, number: int, marker: str, body: str) -> int:
        """Keep one comment of ours, found by a hidden marker, at `body`; its number. Unchanged text writes nothing.

        A comment of somebody else with that marker is left alone.
        """

    def edit_comment(self, full_name: str, number: int, comment_id: int, marker: str, body: str) -> bool:
        """Put a comment that `upsert_comment` made at `body`, in one call. False when it isn't there any more."""


def marked(marker: str, body: str) -> str:
    """A comment's text with the hidden mark by which it is found again."""
    return f"<!-- {marker} -->\n{body}"


def our_comment(comments: Sequence[Comment], *, bot: str, marker: str) -> Comment | None:
    """Our own comment with that mark. One of somebody else with the same mark doesn't count."""
    ours = (one for one in comments if one["author"].lower() == bot.lower())
    return next((one for one in ours if one["body"].startswith(f"<!-- {marker} -->")), None)


def cannot(forge: str, what: str, instead: str) -> PermanentError:
    """What a driver raises for something that its forge has no way to do, and what to do instead."""
    return PermanentError(
        phrase("%(forge)s can't %(what)s. %(instead)s", forge=forge, what=what, instead=instead),
        reason=Reason.UNSUPPORTED,
    )
