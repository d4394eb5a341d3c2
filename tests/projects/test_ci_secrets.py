"""Where the forge runs CI: the secrets of the repository follow what the project is given, by the whole engine."""

from collections.abc import Iterator

import pytest

from projects import actions, consenting
from projects.installation import installation
from projects.models import Door, Project
from provisioning.models import Event
from tests.people import person
from tests.projects.readers import STORES, consent, keeper, project
from tests.projects.tended import REPOSITORY, World, installed, look, rows

pytestmark = pytest.mark.django_db(transaction=True)

DATA = "DATA_WINTER_ROADS_URL"


@pytest.fixture(autouse=True)
def _actions(world: World) -> Iterator[None]:
    with installed(data_stores=STORES, forge={"actions": True}):
        yield


def reading(world: World) -> Project:
    """A project that reads the other team's data, in whose repository the team has a secret of its own."""
    row = look(project("winter-roads"))
    world.forge.put_ci_secrets(REPOSITORY, {"THEIRS": "theirs"})
    consenting.give(consent(row), by=keeper(), door=Door.API, installation=installation())
    return look(row)


def secrets(world: World) -> list[str]:
    return world.forge.ci_secrets(REPOSITORY)


def test_a_consent_that_was_withdrawn_takes_its_secrets_along(world: World) -> None:
    row = reading(world)
    assert {DATA, "BUCKET", "THEIRS"} <= set(secrets(world))
    before = secrets(world)

    consenting.withdraw(consent(row), by=keeper(), door=Door.API, why="It was found wrong.")
    row = look(row)

    assert secrets(world) == [name for name in before if name != DATA]
    assert rows(row)["actions"] == "Available"
    last = Event.objects.filter(project=row, kind="actions").order_by("pk").last()
    assert last is not None
    assert (last.reason, last.message) == ("Available", "Changed variable/SLIPWAY_SECRETS.")
    world.forge.calls.clear()
    look(row)
    assert [call[0] for call in world.forge.calls if "ci" in call[0]] == ["ci_secrets", "ci_variable"]


def test_a_project_that_is_retired_leaves_the_team_s_own(world: World) -> None:
    row = reading(world)
    consenting.withdraw(consent(row), by=keeper(), door=Door.API, why="It was found wrong.")
    actions.retire(row, by=person("alice"), door=Door.FORM, installation=installation())

    row = look(row)

    assert row.resources.get(kind="actions").applied is False
    assert secrets(world) == ["THEIRS"]
    assert world.forge.repositories[REPOSITORY].ci_variables == {}


def test_ci_that_goes_to_the_forge_and_back_takes_its_hook_along(world: World) -> None:
    def rung() -> list[bool]:
        return sorted("8081" in hook["url"] for hook in world.forge.repositories[REPOSITORY].hooks.values())

    row = look(project())
    assert rung() == [False, True]
    for ci, hooks in (("actions", [False]), ("tekton", [False, True])):
        with installed(cluster={"ci": ci}, forge={"actions": True}):
            row = look(row)
        assert (rung(), rows(row)["webhook"]) == (hooks, "Available")
