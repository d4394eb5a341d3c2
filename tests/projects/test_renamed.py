"""A repository that is renamed on the forge: the name follows its number, and the project goes on with it."""

import pytest
from django.utils import timezone

from projects.documents import use_blocks
from projects.installation import installation
from projects.listening import register_project_repository
from projects.models import Project, RegisteredRepository
from projects.presentation import wish_of
from projects.wishes import present_wish
from provisioning.errors import Reason
from provisioning.models import Event
from provisioning.repositories import full_name
from tests.people import person, teams
from tests.projects.file_door import NAME, PROFILE, PushedForge, listen, look
from tests.projects.test_webhooks import deliver, push

pytestmark = pytest.mark.django_db

NEW = "forecasting/winter"


@pytest.fixture
def forge() -> PushedForge:
    teams()
    person("alice")
    return PushedForge()


@pytest.fixture
def row(forge: PushedForge) -> RegisteredRepository:
    """alice's repository with a project, looked at once."""
    row = listen(forge)
    forge.push("alice", {"profile.yaml": PROFILE})
    return look(forge, row)


def rename(forge: PushedForge, before: str, name: str) -> None:
    forge.rename(before, name)
    pushed = forge._pushed
    for full, branch in [key for key in pushed if key[0] == before]:
        pushed[f"{full.partition('/')[0]}/{name}", branch] = pushed.pop((full, branch))


def names(row: RegisteredRepository) -> tuple[str, str, int | None]:
    return row.full_name, row.former_name, row.number


def test_the_number_is_taken_down_at_the_first_look(forge: PushedForge, row: RegisteredRepository) -> None:
    assert names(row) == (NAME, "", forge.repositories[NAME].repository["id"])
    assert not Event.objects.exists()


def test_the_name_follows_and_the_project_is_due(forge: PushedForge, row: RegisteredRepository) -> None:
    project, number = row.project, row.number
    assert project is not None
    Project.objects.update(next_look_at=None)
    rename(forge, NAME, "winter")

    row = look(forge, row)

    assert names(row) == (NEW, NAME, number)
    project.refresh_from_db()
    assert project.next_look_at is not None
    assert project.next_look_at <= timezone.now()
    event = Event.objects.get()
    assert (event.project, event.kind, event.target, event.reason, event.message) == (
        project,
        "repository",
        row.forge,
        Reason.DRIFTED,
        f"{NAME} was renamed on the forge. It is called {NEW} now, and we go on with it.",
    )
    assert full_name(present_wish(project, settings=installation())) == NEW
    shown = wish_of(project, installation=installation())
    assert shown is not None
    [git, *_] = use_blocks(shown, resolve=lambda _: "")
    assert git.text.endswith(f"/{NEW}.git\ncd winter")
    assert register_project_repository(project, installation=installation()) == row
    look(forge, row)
    assert Event.objects.count() == 1


def test_a_push_after_it_asks_as_before(forge: PushedForge, row: RegisteredRepository) -> None:
    rename(forge, NAME, "winter")
    sha = forge.push("alice", {"profile.yaml": PROFILE + b"title: Winter\n"}, full_name=NEW)
    assert row.project is not None
    payload = push(after=sha, repository={"id": row.number, "full_name": NEW, "default_branch": "main"})
    assert deliver(row.project.uid, payload).status_code == 202
    look(forge, row)
    row.project.refresh_from_db()
    assert row.project.spec["title"] == "Winter"


def test_another_number_under_another_name_is_foreign(row: RegisteredRepository) -> None:
    assert row.number is not None
    for number in (row.number + 1, None, "x", True):
        payload = push(repository={"id": number, "full_name": NEW, "default_branch": "main"})
        assert deliver(row.uid, payload).status_code == 403


def test_it_may_be_called_as_before_again(forge: PushedForge, row: RegisteredRepository) -> None:
    rename(forge, NAME, "winter")
    row = look(forge, row)
    rename(forge, NEW, "demand")
    row = look(forge, row)
    assert names(row) == (NAME, "", row.number)
    assert Event.objects.count() == 2


def test_another_repository_under_the_old_name_asks_for_nothing(forge: PushedForge, row: RegisteredRepository) -> None:
    rename(forge, NAME, "winter")
    forge.have_repository(NAME)
    forge.push("charlie", {"profile.yaml": PROFILE + b"title: Mine now\n"}, full_name=NAME)
    row = look(forge, row)
    assert row.project is not None
    assert (row.full_name, "title" in row.project.spec) == (NEW, False)


def test_one_that_was_made_anew_counts_under_its_name(forge: PushedForge, row: RegisteredRepository) -> None:
    forge.delete_repository(NAME)
    forge.have_repository(NAME)
    row = look(forge, row)
    assert names(row) == (NAME, "", forge.repositories[NAME].repository["id"])
    assert not Event.objects.exists()


def test_a_name_that_another_registered_repository_has_is_not_taken(
    forge: PushedForge, row: RegisteredRepository
) -> None:
    other = RegisteredRepository.objects.create(forge="git-1", full_name=NEW)
    rename(forge, NAME, "winter")
    assert names(look(forge, row)) == (NAME, "", row.number)
    other.refresh_from_db()
    assert other.full_name == NEW
