"""What a git forge is to us: the words all drivers speak, and the one interface that the Kinds and the portal use.

A driver is a file of `provisioning.clients`, one per kind of forge, and turns its forge's answers into these shapes.
What a forge can't do, its driver refuses with a sentence (`Reason.UNSUPPORTED`); nothing is made to look as if it
worked.
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
    What each returns when there is nothing stands at `provisioning.clients.gitea.Forge`, which all follow.
    """

    name: str
    bot: str
    status_limit: int
    vouches_for_mail: bool

    def close(self) -> None: ...
    def probe(self) -> str: ...

    def repository(self, full_name: str) -> Repository | None: ...
    def repository_by_id(self, repository_id: int) -> Repository | None: ...
    def ensure_organisation(self, name: str) -> bool: ...
    def create_from_template(
        self, template_full_name: str, owner: str, name: str, description: str, private: bool = True
    ) -> Repository: ...
    def create_repository(
        self, owner: str, name: str, description: str, private: bool = True, auto_init: bool = True
    ) -> Repository: ...
    def delete_repository(self, full_name: str) -> bool: ...
    def set_topics(self, full_name: str, topics: Sequence[str]) -> None: ...
    def set_private(self, full_name: str, private: bool) -> None: ...

    def page_of_line(self, html_url: str, sha: str, path: str, line: int) -> str: ...
    def branch_head(self, full_name: str, branch: str) -> Head | None: ...
    def pushes(self, full_name: str, branch: str) -> list[Push]: ...
    def create_branch(self, full_name: str, branch: str, start: str) -> bool: ...
    def delete_branch(self, full_name: str, branch: str) -> bool: ...
    def file(self, full_name: str, path: str, ref: str, *, limit: int = FILE_LIMIT) -> tuple[bytes, str] | None: ...
    def put_files(
        self,
        full_name: str,
        branch: str,
        message: str,
        files: Mapping[str, bytes],
        *,
        removed: Mapping[str, str] = NOTHING,
    ) -> str: ...
    def branch_protection(self, full_name: str, branch: str) -> Protection | None: ...
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
    ) -> None: ...

    def find_user(self, who: str) -> str | None: ...
    def collaborators(self, full_name: str) -> dict[str, Permission]: ...
    def permission(self, full_name: str, login: str) -> Permission: ...
    def put_collaborator(self, full_name: str, login: str, permission: Grant) -> None: ...
    def delete_collaborator(self, full_name: str, login: str) -> None: ...

    def hooks(self, full_name: str) -> list[Hook]: ...
    def create_hook(self, full_name: str, url: str, secret: str, events: Sequence[str]) -> int: ...
    def update_hook(self, full_name: str, hook_id: int, url: str, secret: str, events: Sequence[str]) -> None: ...
    def delete_hook(self, full_name: str, hook_id: int) -> bool: ...
    def deploy_keys(self, full_name: str) -> list[DeployKey]: ...
    def create_deploy_key(self, full_name: str, title: str, public: str) -> int: ...
    def delete_deploy_key(self, full_name: str, key_id: int) -> None: ...
    def ci_secrets(self, full_name: str) -> list[str]: ...
    def put_ci_secrets(self, full_name: str, values: Mapping[str, str]) -> None: ...
    def delete_ci_secret(self, full_name: str, name: str) -> None: ...
    def ci_variable(self, full_name: str, name: str) -> str | None: ...
    def create_ci_variable(self, full_name: str, name: str, value: str) -> None: ...
    def update_ci_variable(self, full_name: str, name: str, value: str) -> None: ...
    def delete_ci_variable(self, full_name: str, name: str) -> None: ...
    def start_workflow(self, full_name: str, file: str, branch: str) -> None: ...

    def set_status(
        self, full_name: str, sha: str, context: str, state: State, description: str, target_url: str = ""
    ) -> None: ...
    def statuses(self, full_name: str, sha: str) -> dict[str, Status]: ...
    def pull_request(self, full_name: str, number: int) -> PullRequest | None: ...
    def pull_requests_of(self, full_name: str, branch: str) -> list[PullRequest]: ...
    def ever_proposed(self, full_name: str, branch: str, base: str) -> bool: ...
    def create_pull_request(self, full_name: str, branch: str, base: str, title: str, body: str) -> int: ...
    def pull_request_files(self, full_name: str, number: int) -> list[ChangedFile]: ...
    def comments(self, full_name: str, number: int) -> list[Comment]: ...
    def upsert_comment(self, full_name: str, number: int, marker: str, body: str) -> int: ...
    def edit_comment(self, full_name: str, number: int, comment_id: int, marker: str, body: str) -> bool: ...


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
