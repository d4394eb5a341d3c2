"""A pull request of the bot that was cut short at any call ends as the one that was not."""

from collections.abc import Iterator

import pytest

from provisioning import pull_requests
from provisioning.clients.gitea import Forge
from provisioning.kinds import repository
from tests.contract.made import apply, project

BRANCH = "slipway/offer"
BROUGHT = pull_requests.Offer(files={"one.txt": b"1\n", "two/2.txt": b"2\n"}, text="Two files for one.")


@pytest.fixture
def name(forge: Forge) -> Iterator[str]:
    wish = project()
    apply(repository.KIND, wish, forge)
    forge.put_files(wish.names.repository, "main", "Begin", {"old.txt": b"old\n"})
    yield wish.names.repository
    forge.delete_repository(wish.names.repository)


@pytest.mark.parametrize("cut_at", ["nothing", "branch", "some files", "files", "pull request"])
def test_an_offer_ends_the_same_wherever_it_was_cut(name: str, cut_at: str, forge: Forge) -> None:
    old = forge.file(name, "old.txt", "main")
    assert old is not None
    brought = pull_requests.Offer(files=BROUGHT.files, text=BROUGHT.text, removed={"old.txt": old[1]})
    if cut_at != "nothing":
        forge.create_branch(name, BRANCH, "main")
    if cut_at == "some files":
        forge.put_files(name, BRANCH, "Offer", {"one.txt": b"of before\n"})
    if cut_at in ("files", "pull request"):
        forge.put_files(name, BRANCH, "Offer", brought.files, removed=brought.removed)
    if cut_at == "pull request":
        forge.create_pull_request(name, BRANCH, "main", "Offer", brought.text)

    number = pull_requests.offer(forge, name, BRANCH, base="main", title="Offer", bring=lambda _: brought)

    assert [one["number"] for one in forge.pull_requests_of(name, BRANCH)] == [number]
    files = sorted((one["path"], one["status"]) for one in forge.pull_request_files(name, number))
    assert files == [("old.txt", "deleted"), ("one.txt", "added"), ("two/2.txt", "added")]
    written = forge.file(name, "one.txt", BRANCH)
    assert written is not None
    assert written[0] == b"1\n"
