"""Who somebody is on a forge: whose mail address it is, as far as the forge can vouch for that."""

from typing import Any
from urllib.parse import quote

import pytest

from provisioning.catalogue import ForgeTarget
from provisioning.clients import connect_forge
from provisioning.forge import ForgeClient
from tests.provisioning.clients.recorded import Played

MAIL = "alice@corp.example"
Answers = dict[tuple[str, str], Any]


def gitea(*logins: str) -> Answers:
    found = [{"login": one, "email": MAIL} for one in logins]
    return {("GET", f"/api/v1/users/search?q={quote(MAIL)}&page=1&limit=50"): {"data": found}}


def github(*logins: str) -> Answers:
    search = f"/api/v3/search/users?q={quote(f'{MAIL} in:email')}&page=1&per_page=50"
    people = {("GET", f"/api/v3/users/{one}"): {"login": one, "email": MAIL} for one in logins}
    return {("GET", search): {"items": [{"login": one} for one in logins]}, **people}


def gitlab(*logins: str) -> Answers:
    found = [{"id": number, "username": one, "email": MAIL} for number, one in enumerate(logins)]
    return {("GET", f"/api/v4/users?search={quote(MAIL)}&page=1&per_page=50"): found}


FORGES = pytest.mark.parametrize(("kind", "showing"), [("gitea", gitea), ("github", github), ("gitlab", gitlab)])


def opened(server: Played, kind: str, **said: Any) -> ForgeClient:
    target = {"name": "git-1", "kind": kind, "url": server.url, "token": {"file": "t"}, "bot": "slipway-bot"}
    return connect_forge(ForgeTarget.model_validate({**target, **said}), resolve=lambda _: "t0ken")


@FORGES
def test_a_mail_address_counts_only_where_the_forge_vouches_for_it(server: Played, kind: str, showing: Any) -> None:
    server.answers |= showing("mallory")

    assert opened(server, kind).find_user(MAIL) is None
    assert server.asked == []
    assert opened(server, kind, vouches_for_mail=True).find_user(MAIL) == "mallory"


@FORGES
def test_a_mail_address_that_two_have_is_nobodys(server: Played, kind: str, showing: Any) -> None:
    server.answers |= showing("alice", "mallory")

    assert opened(server, kind, vouches_for_mail=True).find_user(MAIL) is None
