"""Fills the stack's Gitea: people, organisations, the portal's bot.

`python -m devstack.prepare_forge STACK`. The bot is an ordinary user that owns the teams' organisations: enough
to make organisations and repositories, hooks, branch protection and statuses. It is no site administrator.
"""

import base64
import http.client
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

from devstack import builds
from devstack.calls import Answer, call
from devstack.company import SAMPLE_PEOPLE
from devstack.settings import BOT
from devstack.stack import Stack, open_stack

ADMIN = "slipway-admin"
ORGANISATIONS = {"forecasting": ("alice", "bob"), "vision": ()}
SCOPES = ["write:organization", "write:repository", "write:issue", "read:user", "read:misc"]
CI_TOKEN = "git-1.ci-token"  # noqa: S105
CI_SCOPES = ["write:repository"]  # the smallest that may write a commit status
TEAM_UNITS = {"repo.code": "write", "repo.pulls": "write", "repo.issues": "write"}


class ForgeError(Exception):
    """Gitea said something else than expected; the text has its answer."""


@dataclass(frozen=True)
class Account:
    """Somebody who talks to Gitea's API: by password, or by token where there is one."""

    base: str
    user: str = ""
    password: str = ""
    token: str = ""

    def ask(self, method: str, path: str, body: object = None) -> Answer:
        """One API call; the path begins after /api/v1. Raises OSError when nobody answers."""
        credentials = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        authorization = f"token {self.token}" if self.token else f"Basic {credentials}"
        headers = {"Authorization": authorization}
        return call(method, f"{self.base}/api/v1{path}", body=body, headers=headers, timeout=20)

    def exists(self, path: str) -> bool:
        """Whether a GET finds something. Raises ForgeError for any answer but yes and no."""
        answer = self.ask("GET", path)
        if answer.status not in (200, 204, 404):
            raise ForgeError(f"GET {path}: {answer.said()}")
        return answer.status != 404

    def do(self, method: str, path: str, body: object = None) -> Any:
        """A call that must work; returns its JSON. Raises ForgeError."""
        answer = self.ask(method, path, body)
        if answer.status >= 300:
            raise ForgeError(f"{method} {path}: {answer.said()}")
        return answer.json()


def main(name: str) -> int:
    stack = open_stack(name)
    base = f"http://127.0.0.1:{stack.ports()['gitea']}"
    admin = Account(base=base, user=ADMIN, password=stack.secret("git-1.admin-password"))
    bot = Account(base=base, user=BOT, password=stack.secret("git-1.bot-password"))
    try:
        _ensure_admin(stack, admin)
        for person in SAMPLE_PEOPLE:
            _ensure_user(admin, person, mail=f"{person}@corp.example", password=f"{person}-pw")
        _ensure_user(admin, BOT, mail="slipway-bot@corp.example", password=bot.password)
        for organisation, members in ORGANISATIONS.items():
            _ensure_organisation(bot, organisation, members)
        _ensure_token(stack, bot, kept="git-1.token", name="portal", scopes=SCOPES, tried="/user")
        _ensure_token(stack, bot, kept=CI_TOKEN, name="ci", scopes=CI_SCOPES, tried="/repos/search?limit=1")
    except (ForgeError, OSError, http.client.HTTPException) as error:
        print(f"Gitea could not be prepared: {error}")
        return 1
    print("people, organisations and bot are there")
    return 0


def _ensure_admin(stack: Stack, admin: Account) -> None:
    if admin.ask("GET", "/user").status == 200:
        return
    folder = stack.folder / "gitea"
    command = [
        *(str(builds.program("gitea")), "--config", str(folder / "app.ini"), "admin", "user", "create", "--admin"),
        *("--username", ADMIN, "--password", admin.password, "--email", "slipway-admin@corp.example"),
        "--must-change-password=false",
    ]
    subprocess.run(command, env={**os.environ, "GITEA_WORK_DIR": str(folder)}, check=True)
    print("site administrator made")


def _ensure_user(admin: Account, name: str, *, mail: str, password: str) -> None:
    if admin.exists(f"/users/{name}"):
        return
    body = {"username": name, "email": mail, "password": password, "must_change_password": False}
    admin.do("POST", "/admin/users", body)
    print(f"user {name} made")


def _ensure_organisation(bot: Account, name: str, members: tuple[str, ...]) -> None:
    if not bot.exists(f"/orgs/{name}"):
        bot.do("POST", "/orgs", {"username": name, "visibility": "public"})
        print(f"organisation {name} made; the bot owns it")
    if not members:
        return
    # Members may make repositories of their own here, and get no right to those that others make.
    team = {
        "name": "developers",
        "permission": "write",
        "units_map": TEAM_UNITS,
        "includes_all_repositories": False,
        "can_create_org_repo": True,
    }
    teams = {each["name"]: each["id"] for each in bot.do("GET", f"/orgs/{name}/teams")}
    identity = teams.get("developers") or bot.do("POST", f"/orgs/{name}/teams", team)["id"]
    for member in members:
        bot.do("PUT", f"/teams/{identity}/members/{member}")


def _ensure_token(stack: Stack, bot: Account, *, kept: str, name: str, scopes: list[str], tried: str) -> None:
    """A token of the bot in the secrets' folder: the one that is there while `tried` takes it, else a new one."""
    path = stack.secrets / kept
    if path.exists() and Account(base=bot.base, token=stack.secret(kept)).ask("GET", tried).status == 200:
        return
    if bot.ask("DELETE", f"/users/{BOT}/tokens/{name}").status not in (204, 404):
        raise ForgeError(f"the bot's old token {name} could not be removed")
    token = bot.do("POST", f"/users/{BOT}/tokens", {"name": name, "scopes": scopes})["sha1"]
    stack.write_secret(kept, token)
    print(f"token {name} of the bot made")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
