"""The repository Kind: what it asks for, and whose repository it takes."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from pydantic import ValidationError

from provisioning.errors import NameTaken, PermanentError, Reason, TargetUnavailable, TemporaryError
from provisioning.kind import Object, Wish
from provisioning.kinds.repository import KIND
from provisioning.reconcile import each
from provisioning.repository_options import RepositoryOptions
from tests.fakes.forge import FakeForge
from tests.provisioning.kinds.repositories import (
    BOT,
    NAME,
    OTHER_TOPIC,
    TEMPLATES,
    TOPIC,
    WITH_TEMPLATES,
    apply,
    attaching,
    found,
    with_options,
    writes,
)
from tests.provisioning.wishes import UID, catalogue, wish


def test_desires_the_repository_with_our_mark():
    assert KIND.desired(wish()) == (
        Object(key=f"repository/{NAME}", body={"project": UID, "kept": False, "private": True}),
    )


def test_desires_what_the_team_chose():
    assert KIND.desired(with_options(private=False)) == (
        Object(key=f"repository/{NAME}", body={"project": UID, "kept": False, "private": False}),
    )


def test_desires_of_an_attached_repository_only_the_mark():
    assert KIND.desired(attaching()) == (Object(key="repository/vision/lane", body={"project": UID, "kept": False}),)


@pytest.mark.parametrize("name", ["lane", "vision/", "vision/../x", "../x", "a/b/c", "vision/la ne", "vision/.git", ""])
def test_a_name_that_is_no_repository_is_refused(name: str):
    with pytest.raises(ValidationError) as refusal:
        RepositoryOptions(attach=name)

    assert [fault["msg"] for fault in refusal.value.errors()] == [
        f"Value error, {name!r} is not a repository. Write owner/name, such as vision/lane-detection."
    ]


@pytest.mark.parametrize(
    ("options", "faults"),
    [
        ({}, []),
        ({"template": "notebook"}, []),
        ({"template": "empty"}, []),
        ({"template": "java"}, ["git-1 has no template java. Choose one of: python, notebook, empty."]),
        (
            {"template": "python", "attach": "vision/lane"},
            ["vision/lane has its files already. Leave the template out, or attach no repository."],
        ),
    ],
)
def test_a_template_that_is_not_offered_is_told(options: Mapping[str, Any], faults: Sequence[str]):
    assert KIND.check is not None
    assert list(KIND.check(with_options(**options))) == [("template", fault) for fault in faults]


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        (wish(), "forecasting/demand"),
        (wish(contributors=[], catalogue=WITH_TEMPLATES), "forecasting/demand, started from slipway/python-template"),
        (attaching(), "vision/lane, attached"),
    ],
)
def test_summary(wanted: Wish, sentence: str):
    assert KIND.summary(wanted) == sentence


def test_a_new_repository_is_made_with_few_calls(forge: FakeForge):
    wanted = with_options(template="notebook")

    apply(wanted, forge)

    assert forge.calls == [
        ("create_from_template", NAME, "slipway/notebook-template"),
        ("set_topics", NAME),
    ]
    assert forge.repositories[NAME].repository["description"] == f"Demand forecast (Slipway project {UID})"
    assert forge.repositories[NAME].repository["topics"] == ["slipway", TOPIC]
    assert found(wanted, forge) == {"keep": 1}


@pytest.mark.parametrize(
    ("wanted", "made"),
    [
        (with_options(), ("create_from_template", NAME, "slipway/python-template")),
        (with_options(template="empty"), ("create_repository", NAME)),
        (wish(), ("create_repository", NAME)),
    ],
)
def test_left_out_means_the_first_template_that_is_offered(forge: FakeForge, wanted: Wish, made: tuple[str, ...]):
    apply(wanted, forge)

    assert forge.calls[0] == made


def test_threads_make_the_same(forge: FakeForge):
    KIND.apply(wish(), forge, KIND.desired(wish()), each)

    assert found(wish(), forge) == {"keep": 1}


def test_a_missing_organisation_is_made_on_the_way(forge: FakeForge):
    wanted = wish(team="logistics")

    apply(wanted, forge)

    assert "logistics" in forge.organisations
    assert found(wanted, forge) == {"keep": 1}


def test_a_look_writes_nothing(forge: FakeForge):
    assert found(wish(), forge) == {"create": 1}
    assert forge.calls == [("repository", NAME)]
    apply(wish(), forge)
    forge.calls.clear()

    assert found(wish(), forge) == {"keep": 1}
    assert writes(forge) == []


def test_applying_again_after_any_failure_ends_well(forge: FakeForge):
    for number, method in enumerate(("create_repository", "set_topics")):
        wanted = wish(slug=f"demand-{number}")
        forge.fail_with(TargetUnavailable("away"), on=method)
        with pytest.raises(TargetUnavailable):
            apply(wanted, forge)

        apply(wanted, forge)

        assert found(wanted, forge) == {"keep": 1}, method


def test_a_refused_organisation_is_not_asked_for_again(forge: FakeForge):
    refusal = TemporaryError("there is no forecasting", reason=Reason.DEPENDENCY_NOT_READY)
    forge.fail_with(refusal, on="create_repository", times=2)

    with pytest.raises(TemporaryError, match="there is no forecasting"):
        apply(wish(), forge)

    assert writes(forge) == [("create_repository", NAME), ("ensure_organisation", "forecasting")]


def test_one_without_topics_is_ours_by_the_description_it_was_born_with(forge: FakeForge):
    forge.create_repository("forecasting", "demand", f"Demand forecast (Slipway project {UID})")

    assert found(wish(), forge) == {"update": 1}
    apply(wish(), forge)

    assert found(wish(), forge) == {"keep": 1}


def test_topics_of_the_team_stay(forge: FakeForge):
    apply(wish(), forge)
    forge.set_topics(NAME, ["u-net", "winter"])
    assert found(wish(), forge) == {"update": 1}

    apply(wish(), forge)

    assert forge.repositories[NAME].repository["topics"] == ["slipway", TOPIC, "u-net", "winter"]


@pytest.mark.parametrize(
    ("description", "topics", "sentence"),
    [
        (
            "Mine",
            [],
            "forecasting/demand exists and is not Slipway's. Attach it, or pick another name.",
        ),
        (
            "Theirs (Slipway project another)",
            [],
            "forecasting/demand belongs to another project of Slipway. Pick another name.",
        ),
        (
            f"Demand forecast (Slipway project {UID})",
            ["slipway", OTHER_TOPIC],
            "forecasting/demand belongs to another project of Slipway. Pick another name.",
        ),
        (
            "Ours and theirs",
            ["slipway", TOPIC, OTHER_TOPIC],
            "forecasting/demand belongs to another project of Slipway. Pick another name.",
        ),
        (
            "Old",
            ["slipway", "slipway-kept", OTHER_TOPIC],
            "forecasting/demand was kept from an earlier project. Attach it, or pick another name.",
        ),
    ],
)
def test_somebody_elses_repository_is_not_touched(forge: FakeForge, description: str, topics: list[str], sentence: str):
    forge.create_repository("forecasting", "demand", description)
    forge.set_topics(NAME, topics)
    forge.calls.clear()

    for ask in (apply, found):
        with pytest.raises(NameTaken) as refusal:
            ask(wish(), forge)
        assert refusal.value.message == sentence

    assert KIND.delete(wish(remove_data=True), forge) is True
    assert writes(forge) == [("create_repository", NAME)]
    assert forge.repositories[NAME].collaborators == {}


def test_a_gate_needs_a_protected_branch_of_ours():
    assert KIND.check is not None
    assert list(KIND.check(with_options(model_gate="required"))) == []
    assert list(KIND.check(with_options(model_gate="required", protect=False))) == [
        ("model_gate", "Only a protected branch can require the gate. Protect it, or have the gate shown only.")
    ]
    gitlab = wish(catalogue=catalogue(forge={"kind": "gitlab"}), options={"repository": {"model_gate": "required"}})
    assert list(KIND.check(gitlab)) == [
        ("model_gate", "git-1 is a GitLab, which can't require the gate. Have it shown only.")
    ]
    assert list(KIND.check(with_options(model_gate="required", attach="vision/lane"))) == [
        ("model_gate", "vision/lane is attached, so its protection is the team's: require slipway/model-gate there.")
    ]


def test_approvals_need_a_protected_branch_of_ours():
    assert KIND.check is not None
    assert list(KIND.check(with_options(approvals=1))) == []
    assert list(KIND.check(with_options(approvals=0, protect=False))) == []
    assert list(KIND.check(with_options(approvals=1, protect=False))) == [
        ("approvals", "Only a protected branch can ask for approvals. Protect it, or ask for none.")
    ]
    assert list(KIND.check(with_options(approvals=1, attach="vision/lane"))) == [
        ("approvals", "vision/lane is attached, so its protection is the team's: ask for approvals there.")
    ]


def test_a_template_that_was_withdrawn_stops_only_those_that_are_not_made_yet(forge: FakeForge):
    apply(with_options(template="notebook"), forge)
    withdrawn = {"options": {"repository": {"template": "notebook"}}, "catalogue": catalogue(templates=TEMPLATES[:1])}

    assert found(wish(**withdrawn), forge) == {"keep": 1}
    assert KIND.summary(wish(**withdrawn)) == "forecasting/demand"
    with pytest.raises(PermanentError, match=r"git-1 has no template notebook\. Choose one of: python, empty\."):
        apply(wish(slug="winter", **withdrawn), forge)


def test_a_published_repository_is_hidden_again(forge: FakeForge):
    apply(wish(), forge)
    forge.set_private(NAME, False)
    assert found(wish(), forge) == {"update": 1}

    apply(wish(), forge)

    assert found(wish(), forge) == {"keep": 1}


def test_attaching_adds_and_takes_nothing_away(forge: FakeForge, lane: str):
    assert found(attaching(), forge) == {"update": 1}

    apply(attaching(), forge)

    assert found(attaching(), forge) == {"keep": 1}
    kept = forge.repositories[lane]
    assert kept.repository["topics"] == ["slipway", TOPIC, "vision"]
    assert kept.repository["description"] == "Lane detection"
    assert kept.collaborators == {BOT: "admin", "alice": "admin", "charlie": "write"}
    assert kept.protections["main"]["approvals"] == 2


def refused(wanted: Wish, forge: FakeForge) -> str:
    """What applying and looking say, once there is something to look at."""
    for ask in (apply, found) if wanted.spec.options["repository"]["attach"] in forge.repositories else (apply,):
        with pytest.raises(NameTaken) as refusal:
            ask(wanted, forge)
    return refusal.value.message


def not_attachable(who: str) -> str:
    return (
        f"vision/lane is not there, or slipway-bot and who asked to attach it ({who}) do not both administer it. Give "
        f"both that right, have one of its administrators give it the topic {TOPIC}, or attach another one."
    )


@pytest.mark.parametrize(("by", "who"), [("charlie", "charlie@corp.example"), ("paula", "paula@corp.example")])
@pytest.mark.parametrize("owners", [["alice"], ["alice", "charlie", "paula"]])
def test_attaching_needs_who_asked_to_administer_it_whoever_owns_the_project(
    forge: FakeForge, lane: str, by: str, who: str, owners: list[str]
):
    contributors = [{"user": f"{one}@corp.example", "role": "owner"} for one in owners]

    assert refused(attaching(by=by, contributors=contributors), forge) == not_attachable(who)
    assert writes(forge) == []


def test_who_administers_it_attaches_it_for_others(forge: FakeForge, lane: str):
    others = attaching(contributors=[{"user": "paula@corp.example", "role": "owner"}])

    apply(others, forge)

    assert found(others, forge) == {"keep": 1}


def test_what_nobody_asked_for_who_is_here_is_not_attached(forge: FakeForge, lane: str):
    assert refused(attaching(by=""), forge) == not_attachable("nobody who is here now")
    assert writes(forge) == []


def test_attaching_tells_nobody_which_repositories_there_are_or_whose(forge: FakeForge, lane: str):
    """Not there, the team's own, another project's, and one that the bot can't look into: all the same."""
    wanted, sentence = attaching(by="charlie"), not_attachable("charlie@corp.example")
    assert refused(wanted, forge) == sentence
    forge.set_topics(lane, ["slipway", OTHER_TOPIC])
    assert refused(wanted, forge) == sentence
    forge.bot_is_outside.add(lane)
    assert refused(wanted, forge) == sentence
    assert refused(attaching(), forge) == not_attachable("alice@corp.example")
    del forge.repositories[lane]
    assert refused(wanted, forge) == sentence
    assert found(wanted, forge) == {"create": 1}


def test_who_administers_it_can_agree_on_the_forge(forge: FakeForge, lane: str):
    forge.set_topics(lane, [TOPIC])
    wanted = attaching(by="charlie")

    apply(wanted, forge)

    assert found(wanted, forge) == {"keep": 1}


def test_what_was_attached_stays_so_whoever_leaves(forge: FakeForge, lane: str):
    apply(attaching(), forge)
    later = attaching(by="", contributors=[{"user": "paula@corp.example", "role": "owner"}])

    assert found(later, forge) == {"keep": 1}
    apply(later, forge)


def test_another_projects_repository_can_not_be_attached_until_it_was_let_go(forge: FakeForge, lane: str):
    other = attaching(slug="other", uid="11111111-1111-1111-1111-111111111111")
    apply(other, forge)
    for ask in (apply, found):
        with pytest.raises(NameTaken, match=r"belongs to another project of Slipway\. Attach another one\."):
            ask(attaching(), forge)

    assert KIND.delete(other, forge) is True
    assert forge.repositories[lane].repository["topics"] == ["vision"]
    apply(attaching(), forge)
    assert found(attaching(), forge) == {"keep": 1}


def test_removal_keeps_the_repository_and_says_so(forge: FakeForge):
    apply(wish(), forge)
    forge.calls.clear()

    assert KIND.delete(wish(), forge) is True
    assert KIND.delete(wish(), forge) is True

    assert writes(forge) == [("set_topics", NAME)]
    kept = forge.repositories[NAME]
    assert kept.repository["topics"] == ["slipway", "slipway-kept", TOPIC]
    assert found(wish(), forge) == {"update": 1}
    apply(wish(), forge)
    assert found(wish(), forge) == {"keep": 1}


def test_a_kept_repository_can_be_attached_by_the_next_project(forge: FakeForge):
    apply(wish(), forge)
    forge.put_collaborator(NAME, "alice", "admin")
    KIND.delete(wish(), forge)
    successor = attaching(NAME, uid="11111111-1111-1111-1111-111111111111")
    with pytest.raises(NameTaken, match="do not both administer it"):
        found(attaching(NAME, by="charlie", uid=successor.uid), forge)

    apply(successor, forge)

    assert found(successor, forge) == {"keep": 1}
    with pytest.raises(NameTaken):
        found(wish(), forge)


def test_data_goes_only_with_the_second_yes_and_only_what_we_made(forge: FakeForge, lane: str):
    apply(wish(), forge)
    apply(attaching(uid="11111111-1111-1111-1111-111111111111"), forge)

    assert KIND.delete(wish(remove_data=True), forge) is True
    assert KIND.delete(wish(remove_data=True), forge) is True
    attached = attaching(uid="11111111-1111-1111-1111-111111111111", remove_data=True)
    assert KIND.delete(attached, forge) is True

    assert NAME not in forge.repositories
    assert forge.repositories[lane].repository["topics"] == ["vision"]
