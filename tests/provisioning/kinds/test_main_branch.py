"""The main branch: its first commit after everything that is to hear of it, and who may push to it."""

from typing import Any

import pytest

from provisioning.errors import TargetUnavailable, TemporaryError
from provisioning.kind import Object, Wish, kinds
from provisioning.kinds.main_branch import KIND
from provisioning.kinds.repository import KIND as REPOSITORY
from provisioning.plan import compare, counts
from provisioning.reconcile import each
from provisioning.rendered import Rendered
from tests.fakes.forge import FakeForge
from tests.provisioning.kinds.repositories import ALICE, BOT, NAME, attaching, with_options, writes
from tests.provisioning.wishes import catalogue, one_by_one, wish

COPIED = catalogue(templates=[{"name": "ml-python", "forge": "git-1", "copier": "ml-python"}])


def rendered(_name: str) -> Rendered:
    return Rendered(template="ml-python", version="1.0.0", files={"README.md": b"# Demand\n"})


def started(**changes: Any) -> Wish:
    return wish(catalogue=COPIED, render=rendered, **changes)


def made(wanted: Wish, forge: FakeForge) -> None:
    """The repository, which is there before the branch is looked at."""
    REPOSITORY.apply(wanted, forge, REPOSITORY.desired(wanted), one_by_one)
    forge.calls.clear()


def apply(wanted: Wish, forge: FakeForge, *keys: str) -> None:
    objects = [thing for thing in KIND.desired(wanted) if not keys or thing.key.startswith(keys)]
    KIND.apply(wanted, forge, objects, one_by_one)


def found(wanted: Wish, forge: FakeForge) -> dict[str, int]:
    objects = KIND.desired(wanted)
    changes = compare(kind=KIND.name, desired=objects, observed=KIND.observe(wanted, forge, objects, one_by_one))
    return {action: number for action, number in counts(changes).items() if number}


def rule(**changes: Any) -> Object:
    body = {"approvals": 0, "push": [BOT, "alice@corp.example"], "model_gate": False, **changes}
    return Object(key="protection/default-branch", body=body)


@pytest.mark.parametrize(
    ("wanted", "objects"),
    [
        (wish(), (rule(),)),
        (started(), (Object(key="commit/first", body={"made": True}), rule())),
        (with_options(), (rule(),)),
        (with_options(approvals=2, model_gate="required"), (rule(approvals=2, model_gate=True),)),
        (with_options(protect=False), ()),
        (started(options={"repository": {"protect": False}}), (Object(key="commit/first", body={"made": True}),)),
    ],
)
def test_desires_a_commit_of_ours_and_the_rule_that_was_chosen(wanted: Wish, objects: tuple[Object, ...]):
    assert KIND.desired(wanted) == objects


def test_a_branch_that_was_there_before_us_is_left_alone(forge: FakeForge, lane: str):
    assert KIND.desired(attaching()) == ()
    apply(attaching(), forge)
    assert found(attaching(), forge) == {}
    assert forge.calls == []
    assert KIND.summary(attaching()) == f"{lane} is attached, so its main branch is the team's own"


def test_the_first_commit_waits_for_all_that_is_to_hear_of_it():
    before = list(kinds())[: list(kinds()).index("main_branch")]

    assert set(KIND.after) == {"repository", "webhook", "clone", "actions"} <= set(before)
    assert "main_branch" in kinds()["feast"].after


def test_the_commit_comes_first_and_the_rule_with_one_call(forge: FakeForge):
    made(started(), forge)
    assert found(started(), forge) == {"create": 2}
    forge.calls.clear()

    apply(started(), forge)

    assert writes(forge) == [
        ("put_files", NAME, "main", "README.md"),
        ("put_branch_protection", NAME, "main"),
    ]
    assert not [call for call in forge.calls if call[0] == "branch_protection"]
    assert forge.file(NAME, "README.md", "main") is not None
    assert found(started(), forge) == {"keep": 2}


def test_what_was_committed_is_never_committed_again(forge: FakeForge):
    made(started(), forge)
    apply(started(), forge)
    forge.put_files(NAME, "main", "Ours", {"README.md": b"Ours\n"})

    apply(started(), forge)

    content = forge.file(NAME, "README.md", "main")
    assert content is not None
    assert content[0] == b"Ours\n"


@pytest.mark.parametrize("method", ["repository", "put_files", "find_user", "put_branch_protection"])
def test_applying_again_after_any_failure_ends_well(forge: FakeForge, method: str):
    made(started(), forge)
    forge.fail_with(TargetUnavailable("away"), on=method)
    with pytest.raises(TargetUnavailable):
        apply(started(), forge)

    KIND.apply(started(), forge, KIND.desired(started()), each)

    assert found(started(), forge) == {"keep": 2}
    assert len([call for call in forge.calls if call[0] == "put_files" and call[1] == NAME]) <= 2


def test_a_repository_that_is_gone_is_waited_for(forge: FakeForge):
    assert found(started(), forge) == {"create": 2}
    with pytest.raises(TemporaryError, match=f"{NAME} is not there any more"):
        apply(started(), forge)
    assert writes(forge) == []


def test_another_s_repository_of_that_name_is_not_touched(forge: FakeForge):
    forge.create_repository("forecasting", "demand", "Theirs", auto_init=False)
    forge.calls.clear()

    with pytest.raises(TemporaryError):
        apply(started(), forge)
    assert KIND.delete(started(remove_data=True), forge) is True
    assert writes(forge) == []


def test_an_owner_whom_the_forge_does_not_know_may_push_from_the_day_it_does(forge: FakeForge):
    del forge.users["paula"]
    wanted = wish(contributors=[ALICE, {"user": "paula@corp.example", "role": "owner"}])
    made(wanted, forge)
    apply(wanted, forge)
    assert found(wanted, forge) == {"keep": 1}
    assert forge.repositories[NAME].protections["main"]["push_logins"] == [BOT, "alice"]

    forge.users["paula"] = "paula@corp.example"

    assert found(wanted, forge) == {"update": 1}
    apply(wanted, forge)
    assert forge.repositories[NAME].protections["main"]["push_logins"] == [BOT, "alice", "paula"]


def test_a_loosened_rule_is_put_back(forge: FakeForge):
    made(wish(), forge)
    apply(wish(), forge)
    for loose in ({"push_logins": [BOT, "alice", "charlie"]}, {"push_logins": [BOT, "alice"], "approvals": 1}):
        forge.put_branch_protection(NAME, "main", **loose)
        assert found(wish(), forge) == {"update": 1}

        apply(wish(), forge)

        assert found(wish(), forge) == {"keep": 1}
        assert forge.repositories[NAME].protections["main"]["push_logins"] == [BOT, "alice"]


def test_the_model_gate_is_required_beside_the_team_s_checks_and_taken_back_alone(forge: FakeForge):
    made(wish(), forge)
    forge.put_branch_protection(NAME, "main", push_logins=[BOT, "alice"], checks=["ci/test"])
    wanted = with_options(model_gate="required")
    assert found(wanted, forge) == {"update": 1}
    apply(wanted, forge)
    assert found(wanted, forge) == {"keep": 1}
    assert forge.repositories[NAME].protections["main"]["checks"] == ["ci/test", "slipway/model-gate"]
    assert found(wish(), forge) == {"update": 1}
    apply(wish(), forge)
    assert forge.repositories[NAME].protections["main"]["checks"] == ["ci/test"]


def test_what_the_team_added_to_the_rule_stays(forge: FakeForge):
    made(wish(), forge)
    added = {"checks": ["ci/test"], "protected_files": ["profile.yaml"]}
    forge.put_branch_protection(NAME, "main", push_logins=[], **added)

    apply(wish(), forge)

    assert forge.repositories[NAME].protections["main"] == {
        **added,
        "approvals": 0,
        "push_logins": [BOT, "alice"],
        "administrators_push": False,
    }


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({}, "Owners push to it; others make a pull request, which needs no approval"),
        ({"approvals": 1}, "Owners push to it; others make a pull request, which needs 1 approval"),
        ({"approvals": 2}, "Owners push to it; others make a pull request, which needs 2 approvals"),
        ({"protect": False}, "Whoever may write pushes to it"),
    ],
)
def test_summary(options: dict[str, Any], sentence: str):
    assert KIND.summary(with_options(**options)) == sentence
