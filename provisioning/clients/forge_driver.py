"""What the forges' drivers do alike: whose token it is, who somebody is, and our one comment under a pull request.

A driver inherits the calls that are the same for its forge, and says where its forge keeps things.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from urllib.parse import quote

from provisioning.clients import forge_doings as doings
from provisioning.clients.forge_api import ForgeApi
from provisioning.errors import PermanentError
from provisioning.forge import Comment, DeployKey, PullRequest, marked, our_comment
from provisioning.phrases import phrase


class ForgeDriver(ABC):
    """Base of the drivers. Threads may share one; processes may not."""

    _edit = "PATCH"
    """The method by which a comment is changed."""

    def __init__(self, *, name: str, bot: str, vouches_for_mail: bool, api: ForgeApi) -> None:
        self.name = name
        self.bot = bot
        self.vouches_for_mail = vouches_for_mail
        self._api = api

    def close(self) -> None:
        self._api.close()

    def _check_bot(self, login: str) -> None:
        if login.lower() != self.bot.lower():
            raise PermanentError(
                phrase(
                    "The token for %(name)s belongs to %(login)s, but the catalogue says %(bot)s.",
                    name=self.name,
                    login=login,
                    bot=self.bot,
                )
            )

    def find_user(self, who: str) -> str | None:
        if "@" not in who:
            return self._login_called(who)
        if not self.vouches_for_mail:
            return None
        logins = set(self._logins_with(who))
        return logins.pop() if len(logins) == 1 else None

    @abstractmethod
    def _login_called(self, login: str) -> str | None:
        """A login as the forge writes it; None when nobody has it."""

    @abstractmethod
    def _logins_with(self, mail: str) -> Iterator[str]:
        """The logins of all who have this mail address, as far as the forge shows us."""

    @abstractmethod
    def comments(self, full_name: str, number: int) -> list[Comment]:
        """What people wrote under a pull request, oldest first."""

    @abstractmethod
    def _comments_at(self, full_name: str, number: int) -> str:
        """Where a comment is posted."""

    @abstractmethod
    def _comment_at(self, full_name: str, number: int, comment_id: int) -> str:
        """Where one comment is."""

    def edit_comment(self, full_name: str, number: int, comment_id: int, marker: str, body: str) -> bool:
        path = self._comment_at(full_name, number, comment_id)
        changed = self._api.send(self._edit, path, body={"body": marked(marker, body)})
        if changed.status_code == 404:
            return False
        if not changed.is_success:
            raise self._api.error(changed, doings.change_our_comment(number))
        return True

    def upsert_comment(self, full_name: str, number: int, marker: str, body: str) -> int:
        text = marked(marker, body)
        ours = our_comment(self.comments(full_name, number), bot=self.bot, marker=marker)
        if ours is None:
            path = self._comments_at(full_name, number)
            return int(
                self._api.ask(phrase("comment on %(number)s", number=number), "POST", path, body={"body": text})["id"]
            )
        if ours["body"] != text:
            path = self._comment_at(full_name, number, ours["id"])
            self._api.ask(doings.change_our_comment(number), self._edit, path, body={"body": text})
        return ours["id"]


class LikeGitHub(ForgeDriver):
    """Calls in which Gitea follows GitHub to the letter."""

    _variable_edit = "PATCH"
    """The method by which a variable is changed."""
    _variable_value = "value"
    """Where the answer about a variable holds its value."""

    def _comments_at(self, full_name: str, number: int) -> str:
        return f"{repo(full_name)}/issues/{number}/comments"

    def _comment_at(self, full_name: str, number: int, comment_id: int) -> str:  # noqa: ARG002
        return f"{repo(full_name)}/issues/comments/{comment_id}"

    def delete_hook(self, full_name: str, hook_id: int) -> bool:
        return self._api.drop(doings.remove_hook(full_name, hook_id), f"{repo(full_name)}/hooks/{hook_id}")

    def deploy_keys(self, full_name: str) -> list[DeployKey]:
        found = self._api.pages(doings.list_deploy_keys(full_name), f"{repo(full_name)}/keys")
        return [
            {
                "id": one["id"],
                "title": one["title"],
                "public": " ".join(one["key"].split()[:2]),
                "read_only": one["read_only"],
            }
            for one in found
        ]

    def create_deploy_key(self, full_name: str, title: str, public: str) -> int:
        body = {"title": title, "key": public, "read_only": True}
        doing = doings.add_deploy_key(full_name)
        return int(self._api.ask(doing, "POST", f"{repo(full_name)}/keys", body=body)["id"])

    def delete_deploy_key(self, full_name: str, key_id: int) -> None:
        self._api.drop(doings.remove_deploy_key(full_name, key_id), f"{repo(full_name)}/keys/{key_id}")

    def start_workflow(self, full_name: str, file: str, branch: str) -> None:
        path = f"{repo(full_name)}/actions/workflows/{quote(file, safe='')}/dispatches"
        begun = self._api.send("POST", path, body={"ref": branch})
        if begun.status_code in (404, 422):
            why = phrase("It isn't on the default branch, or lacks `on: workflow_dispatch`.")
            raise PermanentError(
                phrase(
                    "%(full_name)s has no workflow %(file)s that can be started. %(why)s",
                    full_name=full_name,
                    file=file,
                    why=why,
                )
            )
        if not begun.is_success:
            raise self._api.error(
                begun, phrase("start the workflow %(file)s of %(full_name)s", file=file, full_name=full_name)
            )

    def delete_ci_secret(self, full_name: str, name: str) -> None:
        path = f"{repo(full_name)}/actions/secrets/{quote(name, safe='')}"
        self._api.drop(phrase("remove the CI secret %(name)s of %(full_name)s", name=name, full_name=full_name), path)

    def ci_variable(self, full_name: str, name: str) -> str | None:
        found = self._api.find(
            phrase("read the CI variable %(name)s of %(full_name)s", name=name, full_name=full_name),
            variable(full_name, name),
        )
        return None if found is None else str(found[self._variable_value])

    def update_ci_variable(self, full_name: str, name: str, value: str) -> None:
        doing = phrase("change the CI variable %(name)s of %(full_name)s", name=name, full_name=full_name)
        self._api.ask(doing, self._variable_edit, variable(full_name, name), body={"value": value})

    def delete_ci_variable(self, full_name: str, name: str) -> None:
        self._api.drop(
            phrase("remove the CI variable %(name)s of %(full_name)s", name=name, full_name=full_name),
            variable(full_name, name),
        )


def repo(full_name: str) -> str:
    """Where a repository is."""
    return f"/repos/{quote(full_name)}"


def variable(full_name: str, name: str) -> str:
    """Where a variable of a repository's workflows is."""
    return f"{repo(full_name)}/actions/variables/{quote(name, safe='')}"


def own(pulls: Iterable[PullRequest], full_name: str) -> Iterator[PullRequest]:
    """Those that come from a branch of this very repository, not from a fork."""
    return (one for one in pulls if one["head_repository"].lower() == full_name.lower())
