"""Secrets of workflows on a real Gitea: ours come and go with the wish, the team's own stay."""

from dataclasses import replace

import pytest

from provisioning.ci import variables
from provisioning.clients.gitea import Forge
from provisioning.errors import TemporaryError
from provisioning.kind import KnownRepository, Wish
from provisioning.kinds import actions, repository
from tests.contract.made import apply, as_person, found, project, repair
from tests.provisioning.wishes import TRACKER, catalogue

WITH_ACTIONS = catalogue(forge={"actions": True}, trackers=[TRACKER])


def tracked(wanted: Wish, *, enabled: bool) -> Wish:
    """The project, on a forge that runs Actions, with or without its experiments tracked."""
    spec = wanted.spec.model_copy(update={"options": {"tracking": {"enabled": enabled}}})
    return replace(wanted, spec=spec, catalogue=WITH_ACTIONS)


@pytest.fixture
def theirs(forge: Forge, demand: Wish) -> str:
    """The project's repository, in which the team has a secret and a variable of its own."""
    apply(repository.KIND, demand, forge)
    name = demand.names.repository
    forge.put_collaborator(name, "alice", "admin")
    forge.put_ci_secrets(name, {"THEIRS": "theirs"})
    forge.create_ci_variable(name, "THEIR_SETTING", "theirs")
    return name


def secrets(forge: Forge, name: str) -> list[str]:
    """The secrets that are there, without the team's own, which must be."""
    there = forge.ci_secrets(name)
    there.remove("THEIRS")
    assert forge.ci_variable(name, "THEIR_SETTING") == "theirs"
    return sorted(there)


def test_ours_go_when_they_are_switched_off(forge: Forge, demand: Wish, theirs: str):
    on, off = tracked(demand, enabled=True), tracked(demand, enabled=False)
    apply(actions.KIND, on, forge)
    assert secrets(forge, theirs) == sorted(variables(on))
    assert set(found(actions.KIND, on, forge)) == {"keep"}

    repair(actions.KIND, off, forge)

    assert secrets(forge, theirs) == sorted(variables(off))
    assert "MLFLOW_TRACKING_URI" not in variables(off)
    assert set(found(actions.KIND, off, forge)) == {"keep"}


def test_after_a_rename_they_are_where_the_repository_is(forge: Forge, demand: Wish, theirs: str):
    on = tracked(demand, enabled=True)
    apply(actions.KIND, on, forge)
    made = forge.repository(theirs)
    assert made is not None
    renamed = f"{theirs}-2"
    as_person("alice", "PATCH", f"/repos/{theirs}", {"name": renamed.partition("/")[2]}).raise_for_status()

    off = tracked(demand, enabled=False)
    with pytest.raises(TemporaryError):
        repair(actions.KIND, off, forge)
    known = KnownRepository(wanted=theirs, full_name=renamed, number=made["id"])
    repair(actions.KIND, replace(off, repository=known), forge)

    assert secrets(forge, renamed) == sorted(variables(off))
    repository.KIND.delete(replace(off, repository=known, remove_data=True), forge)


def test_removal_leaves_a_kept_repository_without_ours(forge: Forge, demand: Wish, theirs: str):
    apply(actions.KIND, tracked(demand, enabled=True), forge)

    assert actions.KIND.delete(tracked(demand, enabled=False), forge) is True

    assert secrets(forge, theirs) == []
    assert forge.ci_variable(theirs, actions.LIST) is None


def test_without_its_repository_it_waits_and_has_nothing_to_remove(forge: Forge):
    wanted = tracked(project(), enabled=True)
    with pytest.raises(TemporaryError):
        apply(actions.KIND, wanted, forge)
    assert actions.KIND.delete(wanted, forge) is True
