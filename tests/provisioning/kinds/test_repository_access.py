"""A repository is opened last: its first commit, who may push to its main branch, then who may do what in it."""

from typing import Any

import pytest

from provisioning.errors import PermanentError, TargetUnavailable, TemporaryError
from provisioning.forge import cannot
from provisioning.kind import Object, Wish, kinds
from provisioning.kinds.repository import KIND as REPOSITORY
from provisioning.kinds.repository_access import KIND
from provisioning.plan import compare, counts
from provisioning.reconcile import each
from provisioning.rendered import Rendered
from tests.fakes.forge import FakeForge
from tests.provisioning.kinds.repositories import ALICE, BOB, BOT, NAME, attaching, with_options, writes
from tests.provisioning.wishes import catalogue, one_by_one, wish

COPIED = catalogue(templates=[{"name": "ml-python", "forge": "git-1", "copier": "ml-python"}])


def rendered(_name: str) -> Rendered:
    return Rendered(template="ml-python", version="1.0.0", files={"README.md": b"# Demand\n"})


def started(**changes: Any) -> Wish:
    return wish(catalogue=COPIED, render=rendered, **changes)


def made(wanted: Wish, forge: FakeForge) -> None:
    """The repository, which is there before anybody gets in."""
    REPOSITORY.apply(wanted, forge, REPOSITORY.desired(wanted), one_by_one)
    forge.calls.clear()


def apply(wanted: Wish, forge: FakeForge, *keys: str) -> None:
    objects = [thing for thing in KIND.desired(wanted) if not keys or thing.key.startswith(keys)]
    KIND.apply(wanted, forge, objects, one_by_one)


def found(wanted: Wish, forge: FakeForge) -> dict[str, int]:
    objects = KIND.desired(wanted)
    changes = compare(kind=KIND.name, desired=objects, observed=KIND.observe(wanted, forge, objects, one_by_one))
    return {action: number for action, number in counts(changes).items() if number}


PEOPLE = {"alice@corp.example": "admin", "bob@corp.example": "write"}
COMMIT = Object(key="commit/first", body={"made": True})
MEMBERS = Object(key="members", body={"people": PEOPLE, "others": []})


def rule(**changes: Any) -> Object:
    body = {"approvals": 0, "push": [BOT, "alice@corp.example"], "model_gate": False, **changes}
    return Object(key="protection/default-branch", body=body)


@pytest.mark.parametrize(
    ("wanted", "objects"),
    [
        (wish(), (rule(), MEMBERS)),
        (started(), (COMMIT, rule(), MEMBERS)),
        (with_options(), (rule(), MEMBERS)),
        (with_options(approvals=2, model_gate="required"), (rule(approvals=2, model_gate=True), MEMBERS)),
        (with_options(protect=False), (MEMBERS,)),
        (started(options={"repository": {"protect": False}}), (COMMIT, MEMBERS)),
        (attaching(), (MEMBERS,)),
    ],
)
def test_desires_a_commit_of_ours_the_rule_that_was_chosen_and_people(wanted: Wish, objects: tuple[Object, ...]):
    assert KIND.desired(wanted) == objects


def test_of_several_roles_the_highest_counts_and_groups_give_none():
    roles = ({"group": "ml-vision", "role": "owner"}, {"user": "Bob@corp.example", "role": "viewer"}, ALICE, BOB)

    assert KIND.desired(wish(contributors=roles))[-1] == MEMBERS


def test_an_attached_repository_gets_people_and_loses_nothing(forge: FakeForge, lane: str):
    assert found(attaching(), forge) == {"create": 1}
    made(attaching(), forge)

    apply(attaching(), forge)

    assert found(attaching(), forge) == {"keep": 1}
    assert writes(forge) == [("put_collaborator", lane, "bob", "write")]
    kept = forge.repositories[lane]
    assert kept.collaborators == {BOT: "admin", "alice": "admin", "bob": "write", "charlie": "write"}
    assert kept.protections["main"]["approvals"] == 2


def test_the_first_commit_waits_for_all_that_is_to_hear_of_it():
    before = list(kinds())[: list(kinds()).index("repository_access")]

    assert set(KIND.after) == {"repository", "webhook", "clone", "actions"} <= set(before)
    assert "repository_access" in kinds()["feast"].after


def test_who_may_not_push_to_the_main_branch_comes_after_the_rule(forge: FakeForge):
    made(started(), forge)
    assert found(started(), forge) == {"create": 2, "update": 1}
    forge.calls.clear()

    apply(started(), forge)

    assert writes(forge) == [
        ("put_files", NAME, "main", "README.md"),
        ("put_collaborator", NAME, "alice", "admin"),
        ("put_branch_protection", NAME, "main"),
        ("put_collaborator", NAME, "bob", "write"),
    ]
    # Nothing is read of what can't be there yet.
    assert not {"branch_protection", "collaborators"} & {call[0] for call in forge.calls}
    assert forge.file(NAME, "README.md", "main") is not None
    assert found(started(), forge) == {"keep": 3}


def test_what_was_committed_is_never_committed_again(forge: FakeForge):
    made(started(), forge)
    apply(started(), forge)
    forge.put_files(NAME, "main", "Ours", {"README.md": b"Ours\n"})

    apply(started(), forge)

    content = forge.file(NAME, "README.md", "main")
    assert content is not None
    assert content[0] == b"Ours\n"


@pytest.mark.parametrize(
    "method", ["repository", "put_files", "find_user", "put_branch_protection", "put_collaborator"]
)
def test_applying_again_after_any_failure_ends_well(forge: FakeForge, method: str):
    made(started(), forge)
    forge.fail_with(TargetUnavailable("away"), on=method)
    with pytest.raises(TargetUnavailable):
        apply(started(), forge)

    KIND.apply(started(), forge, KIND.desired(started()), each)

    assert found(started(), forge) == {"keep": 3}
    assert len([call for call in forge.calls if call[0] == "put_files" and call[1] == NAME]) <= 2


def test_a_rule_that_the_forge_has_no_way_to_keep_keeps_nobody_outside(forge: FakeForge):
    wanted = started(options={"repository": {"approvals": 1}})
    made(wanted, forge)
    refusal = cannot("git-1", "ask for approvals", "That needs GitLab Premium; ask for none in the project.")
    forge.fail_with(refusal, on="put_branch_protection")

    with pytest.raises(PermanentError) as told:
        apply(wanted, forge)

    assert told.value is refusal
    assert forge.repositories[NAME].collaborators == {"alice": "admin", "bob": "write"}
    assert found(wanted, forge) == {"create": 1, "keep": 2}


PAULA = {"user": "paula@corp.example", "role": "viewer"}
CHARLIE = {"user": "charlie@corp.example", "role": "editor"}


def refuse_the_rule(wanted: Wish, forge: FakeForge) -> None:
    forge.fail_with(PermanentError("git-1 refuses to protect main: forbidden"), on="put_branch_protection")
    with pytest.raises(PermanentError, match="refuses to protect main"):
        apply(wanted, forge)


def test_while_a_rule_is_refused_for_want_of_a_right_nobody_else_gets_to_push(forge: FakeForge):
    wanted = started(contributors=[ALICE, BOB, PAULA])
    made(wanted, forge)
    refuse_the_rule(wanted, forge)

    assert forge.repositories[NAME].collaborators == {"alice": "admin", "paula": "read"}


def test_while_a_rule_is_refused_rights_are_lowered_and_taken_away(forge: FakeForge):
    made(started(), forge)
    apply(started(contributors=[ALICE, BOB, CHARLIE, {**PAULA, "role": "owner"}]), forge)
    less = started(contributors=[ALICE, {**PAULA, "role": "editor"}, {**BOB, "role": "viewer"}], generation=2)
    refuse_the_rule(less, forge)

    assert forge.repositories[NAME].collaborators == {"alice": "admin", "paula": "write", "bob": "read"}


def test_a_repository_that_is_gone_is_waited_for(forge: FakeForge):
    assert found(started(), forge) == {"create": 3}
    with pytest.raises(TemporaryError, match=f"{NAME} is not there any more"):
        apply(started(), forge)
    assert writes(forge) == []


def test_another_s_repository_of_that_name_is_not_touched(forge: FakeForge):
    forge.create_repository("forecasting", "demand", "Theirs", auto_init=False)
    forge.calls.clear()

    for keys in ((), ("members",)):
        with pytest.raises(TemporaryError):
            apply(started(), forge, *keys)
    assert forge.repositories[NAME].collaborators == {}
    assert KIND.delete(started(remove_data=True), forge) is True
    assert writes(forge) == []


def test_whoever_the_forge_does_not_know_is_passed_over_until_it_does(forge: FakeForge):
    del forge.users["paula"]
    wanted = wish(contributors=[ALICE, {"user": "paula@corp.example", "role": "owner"}])
    made(wanted, forge)
    apply(wanted, forge)
    assert found(wanted, forge) == {"keep": 2}
    assert KIND.observe(wanted, forge, KIND.desired(wanted), one_by_one)["members"] == {
        "people": {"alice@corp.example": "admin", "paula@corp.example": "admin"},
        "others": [],
        "unknown": ["paula@corp.example"],
        "repository": forge.repositories[NAME].repository["id"],
        "present": {"alice": "admin"},
        "logins": {"alice@corp.example": "alice"},
    }
    assert forge.repositories[NAME].protections["main"]["push_logins"] == [BOT, "alice"]

    forge.users["paula"] = "paula@corp.example"

    assert found(wanted, forge) == {"update": 2}
    apply(wanted, forge)
    assert found(wanted, forge) == {"keep": 2}
    assert forge.repositories[NAME].protections["main"]["push_logins"] == [BOT, "alice", "paula"]
    assert forge.repositories[NAME].collaborators == {"alice": "admin", "paula": "admin"}


def test_people_come_change_and_go(forge: FakeForge):
    made(wish(), forge)
    apply(wish(), forge)
    forge.put_collaborator(NAME, "charlie", "admin")
    forge.put_collaborator(NAME, "bob", "admin")
    forge.delete_collaborator(NAME, "alice")
    forge.calls.clear()
    assert found(wish(), forge) == {"update": 1, "keep": 1}

    apply(wish(), forge, "members")

    assert forge.repositories[NAME].collaborators == {"alice": "admin", "bob": "write"}
    assert writes(forge) == [
        ("put_collaborator", NAME, "alice", "admin"),
        ("put_collaborator", NAME, "bob", "write"),
        ("delete_collaborator", NAME, "charlie"),
    ]


def test_more_rights_by_the_organisation_are_no_drift(forge: FakeForge):
    made(wish(), forge)
    apply(wish(), forge)
    forge.repositories[NAME].collaborators["bob"] = "owner"
    forge.calls.clear()

    assert found(wish(), forge) == {"keep": 2}
    apply(wish(), forge, "members")
    assert writes(forge) == []


def test_removal_leaves_people_the_rights_they_have(forge: FakeForge):
    made(wish(), forge)
    apply(wish(), forge)

    assert KIND.delete(wish(), forge) is True

    assert forge.repositories[NAME].collaborators == {"alice": "admin", "bob": "write"}


def test_a_loosened_rule_is_put_back(forge: FakeForge):
    made(wish(), forge)
    apply(wish(), forge)
    for loose in ({"push_logins": [BOT, "alice", "charlie"]}, {"push_logins": [BOT, "alice"], "approvals": 1}):
        forge.put_branch_protection(NAME, "main", **loose)
        assert found(wish(), forge) == {"update": 1, "keep": 1}

        apply(wish(), forge)

        assert found(wish(), forge) == {"keep": 2}
        assert forge.repositories[NAME].protections["main"]["push_logins"] == [BOT, "alice"]


def test_the_model_gate_is_required_beside_the_team_s_checks_and_taken_back_alone(forge: FakeForge):
    made(wish(), forge)
    forge.put_branch_protection(NAME, "main", push_logins=[BOT, "alice"], checks=["ci/test"])
    wanted = with_options(model_gate="required")
    assert found(wanted, forge) == {"update": 2}
    apply(wanted, forge)
    assert found(wanted, forge) == {"keep": 2}
    assert forge.repositories[NAME].protections["main"]["checks"] == ["ci/test", "slipway/model-gate"]
    assert found(wish(), forge) == {"update": 1, "keep": 1}
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


def test_where_the_forge_vouches_for_no_mail_nobody_comes_or_goes_and_it_says_so(forge: FakeForge):
    wanted = wish(catalogue=catalogue(forge={"vouches_for_mail": False}))
    forge.vouches_for_mail = False
    made(wanted, forge)
    forge.put_collaborator(NAME, "charlie", "write")

    apply(wanted, forge)

    assert forge.repositories[NAME].collaborators == {"charlie": "write"}
    assert found(wanted, forge) == {"keep": 2}
    assert KIND.summary(wanted) == (
        "Owners push to the main branch; others make a pull request, which needs no approval; "
        "nobody is let in by a mail address, as git-1 vouches for none"
    )
    assert KIND.rights is not None
    assert list(KIND.rights(wanted)) == []


def test_who_may_push_goes_on_where_the_forge_vouches_for_mail_no_more(forge: FakeForge):
    made(wish(), forge)
    apply(wish(), forge)
    forge.vouches_for_mail = False
    silent = catalogue(forge={"vouches_for_mail": False})
    assert found(wish(catalogue=silent), forge) == {"keep": 2}

    gated = wish(catalogue=silent, options={"repository": {"model_gate": "required"}})
    assert found(gated, forge) == {"update": 1, "keep": 1}
    apply(gated, forge)

    assert found(gated, forge) == {"keep": 2}
    assert forge.repositories[NAME].protections["main"] == {
        "approvals": 0,
        "push_logins": [BOT, "alice"],
        "checks": ["slipway/model-gate"],
        "protected_files": [],
        "administrators_push": False,
    }

    forge.put_branch_protection(NAME, "main", push_logins=["alice"], checks=["slipway/model-gate"])
    assert found(gated, forge) == {"update": 1, "keep": 1}


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({}, "Owners push to the main branch; others make a pull request, which needs no approval"),
        ({"approvals": 1}, "Owners push to the main branch; others make a pull request, which needs 1 approval"),
        ({"approvals": 2}, "Owners push to the main branch; others make a pull request, which needs 2 approvals"),
        ({"protect": False}, "Whoever may write pushes to the main branch"),
        ({"attach": "vision/lane"}, "vision/lane is attached, so its main branch is the team's own"),
    ],
)
def test_summary(options: dict[str, Any], sentence: str):
    by_name = "; people by name only, git-1 has no directory groups"
    assert KIND.summary(with_options(**options)) == f"{sentence}{by_name}"
    assert KIND.summary(wish(contributors=[ALICE], options={"repository": options})) == sentence


def test_an_owner_by_login_may_push_where_the_forge_vouches_for_no_mail(forge: FakeForge):
    """Who is named without an address is found there all the same."""
    forge.vouches_for_mail = False
    silent = catalogue(forge={"vouches_for_mail": False})
    wanted = wish(catalogue=silent, contributors=[{"user": "alice", "role": "owner"}])
    made(wanted, forge)
    apply(wanted, forge)
    assert forge.repositories[NAME].protections["main"]["push_logins"] == [BOT, "alice"]
    assert found(wanted, forge) == {"keep": 2}
