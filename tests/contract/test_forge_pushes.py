"""Who pushed, as a real forge tells it: not what the commit claims."""

import base64
from collections.abc import Iterator

import httpx
import pytest

from provisioning.clients import gitea_feed
from provisioning.clients.gitea_api import GiteaApi
from provisioning.forge import Push
from tests.contract.stack import eventually, open_forge, secret, unique, url

ORGANISATION = "contract"


@pytest.fixture
def repository() -> Iterator[str]:
    forge = open_forge()
    forge.ensure_organisation(ORGANISATION)
    name = str(forge.create_repository(ORGANISATION, unique("pushes"), "Who pushed")["full_name"])
    for person in ("alice", "bob"):
        forge.put_collaborator(name, person, "write")
    yield name
    forge.delete_repository(name)
    forge.close()


@pytest.fixture
def api() -> Iterator[GiteaApi]:
    made = GiteaApi(name="git-1", url=url("gitea"), token=secret("git-1.token"))
    yield made
    made.close()


def push(full_name: str, person: str, path: str, *, claiming: str) -> str:
    """One commit by a person in another one's name; its id."""
    body = {
        "branch": "main",
        "content": base64.b64encode(path.encode()).decode(),
        "message": f"Add {path}",
        "author": {"name": claiming, "email": f"{claiming}@corp.example"},
        "committer": {"name": claiming, "email": f"{claiming}@corp.example"},
    }
    address = f"{url('gitea')}/api/v1/repos/{full_name}/contents/{path}"
    made = httpx.post(address, auth=(person, f"{person}-pw"), json=body).raise_for_status()
    return str(made.json()["commit"]["sha"])


def test_the_feed_tells_who_pushed_and_what_was_there_before(api: GiteaApi, repository: str) -> None:
    def told() -> list[Push]:
        found = gitea_feed.pushes(api, f"/repos/{repository}", "main")
        return found if len(found) == 2 else []

    first = push(repository, "alice", "a.txt", claiming="bob")
    second = push(repository, "bob", "b.txt", claiming="alice")
    pushes = eventually(told)
    assert [(one["sha"], one["login"]) for one in pushes] == [(second, "bob"), (first, "alice")]
    assert pushes[0]["before"] == first
    assert gitea_feed.pushes(api, f"/repos/{repository}", "other") == []
    assert gitea_feed.pushes(api, "/repos/contract/nowhere", "main") == []
