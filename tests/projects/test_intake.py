"""The file door as stories: somebody pushes profile.yaml, the worker looks, the answer stands on the commit."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.utils import timezone

from projects import actions, decisions, intake
from projects.installation import installation
from projects.listening import give_back, take_turn
from projects.models import Decision, Delivery, Door, Project, ProjectRequest, RegisteredRepository
from provisioning.conditions import Status
from provisioning.errors import Reason, TargetUnavailable
from provisioning.kind import kinds
from provisioning.models import Resource
from tests.people import person, teams
from tests.projects.file_door import CONTEXT, NAME, PROFILE, PushedForge, listen, look, opener

pytestmark = pytest.mark.django_db


@pytest.fixture
def forge() -> PushedForge:
    teams()
    for name in ("alice", "bob", "charlie", "paula"):
        person(name)
    return PushedForge()


@pytest.fixture
def row(forge: PushedForge) -> RegisteredRepository:
    return listen(forge)


def settle(project: Project, *, attention: str | None = None) -> None:
    """What the engine does, in short: every Kind is made, or needs attention."""
    for name in kinds():
        broken = name == attention
        Resource.objects.update_or_create(
            project=project,
            kind=name,
            defaults={
                "target": "cluster-north",
                "synced_status": Status.FALSE if broken else Status.TRUE,
                "synced_reason": Reason.NAME_TAKEN if broken else Reason.AVAILABLE,
                "synced_message": "ml-demand exists and is not Slipway's." if broken else "",
                "ready_status": Status.FALSE if broken else Status.TRUE,
                "ready_reason": Reason.PROGRESSING if broken else Reason.AVAILABLE,
            },
        )
    project.refresh_from_db()
    ready = None if attention else project.accepted_at + timedelta(seconds=0.9)
    Project.objects.filter(pk=project.pk).update(observed_generation=project.generation, ready_at=ready)


def answer(forge: PushedForge, project: Project) -> None:
    intake.answer(project.pk, installation=installation(), open_client=opener(forge))


def made(forge: PushedForge, row: RegisteredRepository, text: bytes = PROFILE) -> Project:
    """A project that alice's file asked for, ready."""
    forge.push("alice", {"profile.yaml": text})
    project = look(forge, row).project
    assert project is not None
    settle(project)
    answer(forge, project)
    return project


def delivered(row: RegisteredRepository, number: str = "d-1", **fields: Any) -> Delivery:
    return Delivery.objects.create(repository=row, delivery_id=number, event="push", **fields)


# A new project


def test_a_pushed_file_becomes_a_project_of_who_pushed(forge: PushedForge, row: RegisteredRepository) -> None:
    sha = forge.push("alice", {"profile.yaml": PROFILE + b"contributors:\n- user: bob@corp.example\n  role: editor\n"})
    row = look(forge, row)
    project, request = Project.objects.get(), ProjectRequest.objects.get()
    assert project.spec == {
        "version": 1,
        "slug": "demand",
        "team": "forecasting",
        "plan": "small",
        "contributors": [
            {"user": "bob@corp.example", "role": "editor"},
            {"user": "alice@corp.example", "role": "owner"},
        ],
        "options": {"repository": {"attach": NAME}},
    }
    assert (request.door, request.commit, request.requested_by, request.project) == (
        "file",
        sha,
        person("alice"),
        project,
    )
    assert (row.project, row.seen_commit, row.lease_until) == (project, sha, None)
    assert forge.said(sha) == ("pending", "Accepted; working on it.")


def test_when_it_is_ready_the_commit_says_so(forge: PushedForge, row: RegisteredRepository) -> None:
    sha = forge.push("alice", {"profile.yaml": PROFILE})
    project = look(forge, row).project
    assert project is not None
    settle(project)
    answer(forge, project)
    count = len(kinds())
    assert forge.said(sha) == ("success", f"Ready: {count} of {count} resources, 0.9 s after it was accepted.")
    assert forge.repositories[NAME].statuses[sha][CONTEXT]["target_url"] == installation().project_url("demand")


def test_when_something_needs_attention_the_commit_says_what(forge: PushedForge, row: RegisteredRepository) -> None:
    sha = forge.push("alice", {"profile.yaml": PROFILE})
    project = look(forge, row).project
    assert project is not None
    settle(project, attention="namespace")
    answer(forge, project)
    assert forge.said(sha) == ("failure", "Needs attention: Workspace: ml-demand exists and is not Slipway's.")


def test_an_owner_in_the_file_is_the_owner(forge: PushedForge, row: RegisteredRepository) -> None:
    forge.push("alice", {"profile.yaml": PROFILE + b"contributors:\n- user: bob@corp.example\n  role: owner\n"})
    project = look(forge, row).project
    assert project is not None
    assert project.spec["contributors"] == [{"user": "bob@corp.example", "role": "owner"}]


def test_who_asks_becomes_owner_in_the_place_where_the_file_names_them(
    forge: PushedForge, row: RegisteredRepository
) -> None:
    forge.push("alice", {"profile.yaml": PROFILE + b"contributors:\n- user: Alice@corp.example\n- group: ml-vision\n"})
    project = look(forge, row).project
    assert project is not None
    assert project.spec["contributors"] == [{"user": "alice@corp.example", "role": "owner"}, {"group": "ml-vision"}]


def test_a_repository_without_the_file_asks_for_nothing(forge: PushedForge, row: RegisteredRepository) -> None:
    sha = forge.push("alice", {"src/train.py": b"1"})
    delivery = delivered(row, commit=sha)
    assert look(forge, row).seen_commit == sha
    assert (Project.objects.count(), forge.said(sha)) == (0, None)
    delivery.refresh_from_db()
    assert delivery.outcome == "There is no profile.yaml; nothing changes."
    assert delivery.answered_at is not None


# Faults


def test_a_file_that_is_not_yaml_changes_nothing_until_it_is_mended(
    forge: PushedForge, row: RegisteredRepository
) -> None:
    bad = forge.push("alice", {"profile.yaml": b"slug: demand\nteam: &t forecasting\ntitle: *t\n"})
    look(forge, row)
    assert forge.said(bad) == (
        "failure",
        "line 2, column 7: The anchor &t is not read. Remove it, and write repeated values out. "
        "line 3, column 8: The alias *t is not read. Write the value out.",
    )
    url = f"http://git.example/{NAME}/src/commit/{bad}/profile.yaml#L2"
    assert forge.repositories[NAME].statuses[bad][CONTEXT]["target_url"] == url
    assert not Project.objects.exists()
    good = forge.push("alice", {"profile.yaml": PROFILE})
    look(forge, row)
    assert forge.said(good) == ("pending", "Accepted; working on it.")


def test_every_fault_of_the_wish_has_its_line(forge: PushedForge, row: RegisteredRepository) -> None:
    text = b"slug: kube-demand\nteam: forecasting\nplan: tiny\n"
    text += b"contributors:\n- user: system:admin\noptions:\n  bucket: {x: 1}\n"
    sha = forge.push("alice", {"profile.yaml": text})
    delivery = delivered(row)
    look(forge, row)
    delivery.refresh_from_db()
    places = [part.split(":")[0] for part in delivery.outcome.split("line ")[1:]]
    assert places == ["1, column 1", "3, column 1", "5, column 3", "7, column 12"]
    said = forge.said(sha)
    assert said is not None
    assert said[0] == "failure"
    assert said[1].startswith("line 1, column 1: slug: kube-demand is reserved for the platform (kube-*).")
    assert len(said[1]) <= 255
    assert not ProjectRequest.objects.exists()


def test_a_symbolic_link_is_not_followed(forge: PushedForge, row: RegisteredRepository) -> None:
    sha = forge.push("alice", {"profile.yaml": PROFILE})
    forge.put_link(NAME, "main", "profile.yaml")
    look(forge, row)
    assert forge.said(sha) == ("failure", f"profile.yaml of {NAME} is a symlink. It must be a plain file.")


def test_a_file_that_is_too_large(forge: PushedForge, row: RegisteredRepository) -> None:
    sha = forge.push("alice", {"profile.yaml": b"#" * 70_000})
    look(forge, row)
    assert forge.said(sha) == ("failure", f"profile.yaml of {NAME} is larger than 64 KiB.")


def test_a_file_attaches_no_other_repository(forge: PushedForge, row: RegisteredRepository) -> None:
    sha = forge.push("alice", {"profile.yaml": PROFILE + b"options:\n  repository:\n    attach: vision/secret\n"})
    look(forge, row)
    assert forge.said(sha) == (
        "failure",
        "line 5, column 5: options.repository.attach: "
        f"A file can attach no other repository than its own, {NAME}. Leave this out.",
    )


def test_a_name_that_another_project_has_is_taken(forge: PushedForge, row: RegisteredRepository) -> None:
    actions.create(
        {"slug": "demand", "team": "vision"}, by=person("paula"), door=Door.FORM, installation=installation()
    )
    sha = forge.push("alice", {"profile.yaml": PROFILE})
    assert look(forge, row).project is None
    assert forge.said(sha) == ("failure", "line 1, column 1: slug: demand is taken. Try demand-2.")


# Who asks


def test_what_a_commit_claims_does_not_count(forge: PushedForge, row: RegisteredRepository) -> None:
    sha = forge.push("charlie", {"profile.yaml": PROFILE}, claiming="alice")
    look(forge, row)
    said = forge.said(sha)
    assert said is not None
    assert said[1].startswith("line 2, column 1: team: You are in no team forecasting.")
    assert not ProjectRequest.objects.exists()


def test_a_push_on_top_lends_nobody_its_rights(forge: PushedForge, row: RegisteredRepository) -> None:
    project = made(forge, row)
    greedy = PROFILE + b"contributors:\n- user: bob@corp.example\n  role: owner\n"
    refused = forge.push("bob", {"profile.yaml": greedy})
    on_top = forge.push("alice", {"src/train.py": b"2"})
    look(forge, row)
    assert forge.said(on_top) == (
        "failure",
        "Only owners of demand and the platform team may change it. Ask an owner.",
    )
    again = forge.push("alice", {"src/train.py": b"3"})
    look(forge, row)
    assert (forge.said(refused), (forge.said(again) or ("",))[0]) == (None, "failure")
    project.refresh_from_db()
    assert (project.generation, project.spec["contributors"]) == (1, [{"user": "alice@corp.example", "role": "owner"}])
    mine = forge.push("alice", {"profile.yaml": greedy + b"# yes\n"})
    look(forge, row)
    assert (forge.said(mine) or ("",))[0] == "pending"


def test_who_never_signed_in_is_asked_to_and_looked_at_again(forge: PushedForge, row: RegisteredRepository) -> None:
    get_user_model().objects.filter(username="alice@corp.example").delete()
    sha = forge.push("alice", {"profile.yaml": PROFILE})
    row = look(forge, row)
    said = forge.said(sha)
    assert said is not None
    assert said[1] == (
        "alice has not signed in to Slipway yet, so we can't tell what alice may do. "
        f"Sign in once at {installation().public_url}; this file is looked at again within ten minutes."
    )
    assert row.look_at is not None
    assert row.look_at <= timezone.now() + timedelta(minutes=10)
    writes = len(forge.made("set_status"))
    look(forge, row)
    assert len(forge.made("set_status")) == writes
    person("alice")
    look(forge, row)
    assert forge.said(sha) == ("pending", "Accepted; working on it.")


def test_a_local_administrator_is_nobody_on_a_forge(forge: PushedForge, row: RegisteredRepository) -> None:
    get_user_model().objects.create_superuser(username="root@corp.example", password="break glass only")
    forge.users["root"] = "root@corp.example"
    sha = forge.push("root", {"profile.yaml": PROFILE})
    look(forge, row)
    said = forge.said(sha)
    assert said is not None
    assert said[1].startswith("root has not signed in to Slipway yet")


def test_a_closed_account_asks_for_nothing(forge: PushedForge, row: RegisteredRepository) -> None:
    get_user_model().objects.filter(username="alice@corp.example").update(is_active=False)
    sha = forge.push("alice", {"profile.yaml": PROFILE})
    look(forge, row)
    assert forge.said(sha) == (
        "failure",
        "The account of alice is closed. Somebody else of the team has to push profile.yaml.",
    )


def test_our_own_push_asks_for_nothing(forge: PushedForge, row: RegisteredRepository) -> None:
    sha = forge.push("slipway-bot", {"profile.yaml": PROFILE})
    assert look(forge, row).seen_commit == sha
    assert (ProjectRequest.objects.count(), forge.said(sha)) == (0, None)


def test_while_the_forge_does_not_say_who_pushed_we_wait_a_moment(
    forge: PushedForge, row: RegisteredRepository
) -> None:
    sha = forge.push("alice", {"profile.yaml": PROFILE})
    delivery = delivered(row, commit=sha)
    forge.feed_is_behind = True
    row = look(forge, row)
    delivery.refresh_from_db()
    assert (forge.said(sha), row.seen_commit, delivery.answered_at) == (None, "", None)
    assert row.look_at is not None
    assert row.look_at <= timezone.now() + timedelta(seconds=1)
    forge.feed_is_behind = False
    assert look(forge, row).seen_commit == sha


def test_a_file_that_nobody_is_known_to_have_pushed(forge: PushedForge, row: RegisteredRepository) -> None:
    sha = forge.push("alice", {"profile.yaml": PROFILE})
    forge.feed_is_behind = True
    look(forge, row)
    assert forge.said(sha) == (
        "failure",
        "git-1 does not say who pushed profile.yaml. Change it once more and push again.",
    )


# Changes


def test_a_changed_file_is_a_change_of_the_whole_spec(forge: PushedForge, row: RegisteredRepository) -> None:
    project = made(forge, row, PROFILE + b"title: Demand\n")
    sha = forge.push("alice", {"profile.yaml": PROFILE + b"plan: medium\n"})
    look(forge, row)
    project.refresh_from_db()
    assert (project.generation, project.spec) == (
        2,
        {
            "version": 1,
            "slug": "demand",
            "team": "forecasting",
            "plan": "medium",
            "contributors": [{"user": "alice@corp.example", "role": "owner"}],
            "options": {"repository": {"attach": NAME}},
        },
    )
    assert forge.said(sha) == ("pending", f"Working on it: {len(kinds())} of {len(kinds())} resources are ready.")


def test_code_on_top_does_not_undo_what_was_changed_by_form(forge: PushedForge, row: RegisteredRepository) -> None:
    project = made(forge, row)
    data = {**project.spec, "title": "By form"}
    actions.change(project, data, by=person("alice"), door=Door.FORM, installation=installation())
    settle(project)
    for number in range(2):
        sha = forge.push("bob", {"src/train.py": b"%d" % number})
        look(forge, row)
        assert (forge.said(sha) or ("",))[0] == "success"
    project.refresh_from_db()
    assert project.spec["title"] == "By form"


def test_a_comment_in_the_file_changes_nothing_and_is_answered(forge: PushedForge, row: RegisteredRepository) -> None:
    project = made(forge, row)
    commented = forge.push("alice", {"profile.yaml": PROFILE + b"# ours\n"})
    look(forge, row)
    assert (forge.said(commented) or ("",))[0] == "success"
    data = {**project.spec, "title": "By form"}
    actions.change(project, data, by=person("alice"), door=Door.FORM, installation=installation())
    forge.push("alice", {"src/train.py": b"1"})
    look(forge, row)
    project.refresh_from_db()
    assert (project.spec["title"], ProjectRequest.objects.count()) == ("By form", 2)


def test_a_removed_file_retires_nothing(forge: PushedForge, row: RegisteredRepository) -> None:
    project = made(forge, row)
    sha = forge.push("alice", {"profile.yaml": None})
    assert look(forge, row).seen_commit == sha
    project.refresh_from_db()
    assert (project.deletion_requested_at, project.generation, forge.said(sha)) == (None, 1, None)


def test_another_slug_is_refused(forge: PushedForge, row: RegisteredRepository) -> None:
    made(forge, row)
    sha = forge.push("alice", {"profile.yaml": PROFILE.replace(b"slug: demand", b"slug: supply")})
    look(forge, row)
    assert forge.said(sha) == (
        "failure",
        "line 1, column 1: slug: This repository belongs to the project demand. "
        "Keep that slug, or use another repository.",
    )


def test_owners_stay_when_the_file_names_none(forge: PushedForge, row: RegisteredRepository) -> None:
    project = made(forge, row, PROFILE + b"contributors:\n- user: bob@corp.example\n  role: owner\n")
    forge.push("paula", {"profile.yaml": PROFILE + b"title: Demand\n"})
    look(forge, row)
    project.refresh_from_db()
    assert project.spec["contributors"] == [{"user": "bob@corp.example", "role": "owner"}]
    assert project.spec["title"] == "Demand"


def test_a_retired_project_does_not_come_back_by_a_push(forge: PushedForge, row: RegisteredRepository) -> None:
    project = made(forge, row)
    actions.retire(project, by=person("alice"), door=Door.FORM, installation=installation())
    removing = forge.push("alice", {"profile.yaml": PROFILE + b"# 1\n"})
    look(forge, row)
    assert forge.said(removing) == ("failure", "demand is being removed. Nothing can be changed any more.")
    Project.objects.update(deleted_at=timezone.now())
    gone = forge.push("alice", {"profile.yaml": PROFILE + b"# 2\n"})
    look(forge, row)
    assert forge.said(gone) == (
        "failure",
        "line 1, column 1: slug: demand was retired. A file does not bring it back; choose another slug.",
    )
    forge.push("alice", {"profile.yaml": PROFILE.replace(b"slug: demand", b"slug: supply")})
    look(forge, row)
    row.refresh_from_db()
    assert (row.project and row.project.slug, Project.objects.filter(deleted_at=None).count()) == ("supply", 1)


# Decisions


def test_a_wish_that_waits_for_a_decision_says_so_and_ends_ready(forge: PushedForge, row: RegisteredRepository) -> None:
    sha = forge.push("alice", {"profile.yaml": PROFILE + b"plan: gpu\n"})
    row = look(forge, row)
    request = ProjectRequest.objects.get()
    said = (
        "Waiting for a decision (gpu-asks): GPUs are few, and this asks for up to 4. "
        "The platform team looks at each request for them."
    )
    assert (row.project, forge.said(sha)) == (None, ("pending", said))
    url = f"{installation().public_url}/requests/{request.pk}/"
    assert forge.repositories[NAME].statuses[sha][CONTEXT]["target_url"] == url
    decisions.approve(request, by=person("paula"), door=Door.API, installation=installation())
    project = Project.objects.get()
    settle(project)
    answer(forge, project)
    row.refresh_from_db()
    assert (row.project, (forge.said(sha) or ("",))[0]) == (project, "success")


def test_a_look_finds_the_project_that_was_approved_meanwhile(forge: PushedForge, row: RegisteredRepository) -> None:
    sha = forge.push("alice", {"profile.yaml": PROFILE + b"plan: gpu\n"})
    look(forge, row)
    decisions.approve(ProjectRequest.objects.get(), by=person("paula"), door=Door.API, installation=installation())
    row = look(forge, row)
    assert row.project == Project.objects.get()
    assert forge.said(sha) == ("pending", "Accepted; working on it.")


def test_a_no_stands_on_the_commit_after_the_next_look(forge: PushedForge, row: RegisteredRepository) -> None:
    sha = forge.push("alice", {"profile.yaml": PROFILE + b"plan: gpu\n"})
    look(forge, row)
    decisions.reject(
        ProjectRequest.objects.get(), by=person("paula"), door=Door.API, comment="No GPU is free before May."
    )
    look(forge, row)
    assert forge.said(sha) == ("failure", "The platform team said no: No GPU is free before May.")


def test_a_newer_file_replaces_a_wish_that_waits(forge: PushedForge, row: RegisteredRepository) -> None:
    forge.push("alice", {"profile.yaml": PROFILE + b"plan: gpu\n"})
    look(forge, row)
    other = forge.push("bob", {"profile.yaml": PROFILE + b"plan: large\n"})
    look(forge, row)
    assert forge.said(other) == (
        "failure",
        "line 1, column 1: slug: The request of alice@corp.example for demand waits for a decision. "
        "Ask them to withdraw it.",
    )
    forge.push("alice", {"profile.yaml": PROFILE})
    assert look(forge, row).project == Project.objects.get()
    decisions = list(ProjectRequest.objects.order_by("pk").values_list("decision", flat=True))
    assert decisions == [Decision.WITHDRAWN, Decision.APPROVED]


# Once, twice, never, half


def test_looking_again_writes_nothing(forge: PushedForge, row: RegisteredRepository) -> None:
    made(forge, row)
    writes = len(forge.made("set_status"))
    forge.calls.clear()
    for _ in range(3):
        look(forge, row)
    assert forge.made("set_status", "upsert_comment", "file") == []
    assert (writes, ProjectRequest.objects.count()) == (2, 1)


def test_a_lost_delivery_costs_time_only(forge: PushedForge, row: RegisteredRepository) -> None:
    row = look(forge, row)
    assert row.look_at is not None
    forge.push("alice", {"profile.yaml": PROFILE})
    assert intake.due_repositories(limit=5) == []
    RegisteredRepository.objects.update(look_at=timezone.now() - timedelta(seconds=1))
    assert intake.due_repositories(limit=5) == [row.pk]
    intake.read(row.pk, installation=installation(), open_client=opener(forge))
    assert Project.objects.count() == 1


def test_a_forge_that_is_away_loses_nothing(forge: PushedForge, row: RegisteredRepository) -> None:
    sha = forge.push("alice", {"profile.yaml": PROFILE})
    young, old = delivered(row, "d-1"), delivered(row, "d-2")
    Delivery.objects.filter(pk=old.pk).update(received_at=timezone.now() - timedelta(seconds=120))
    forge.fail_with(TargetUnavailable("git-1 does not answer."), on="*")
    row = look(forge, row)
    assert row.look_at is not None
    wait = (row.look_at - timezone.now()).total_seconds()
    assert 50 < wait < 65
    young.refresh_from_db()
    assert (young.answered_at, row.lease_until, row.seen_commit) == (None, None, "")
    forge.fail_with(TargetUnavailable("git-1 is busy.", delay=7), on="file")
    row = look(forge, row)
    look(forge, row)
    assert (forge.said(sha) or ("",))[0] == "pending"
    assert not Delivery.objects.filter(answered_at=None).exists()


@pytest.mark.parametrize("method", ["repository", "branch_head", "file", "pushes", "statuses", "set_status"])
def test_a_death_at_any_call_ends_the_same(forge: PushedForge, row: RegisteredRepository, method: str) -> None:
    sha = forge.push("alice", {"profile.yaml": PROFILE})
    forge.fail_with(KeyboardInterrupt(), on=method)  # type: ignore[arg-type]
    with pytest.raises(KeyboardInterrupt):
        look(forge, row)
    RegisteredRepository.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert intake.due_repositories(limit=5) == [row.pk]
    RegisteredRepository.objects.update(lease_until="2020-01-01T00:00:00Z")
    intake.read(row.pk, installation=installation(), open_client=opener(forge))
    row.refresh_from_db()
    assert (Project.objects.count(), ProjectRequest.objects.count(), row.seen_commit) == (1, 1, sha)
    assert forge.said(sha) == ("pending", "Accepted; working on it.")


def test_the_answer_comes_later_when_the_forge_is_away(forge: PushedForge, row: RegisteredRepository) -> None:
    sha = forge.push("alice", {"profile.yaml": PROFILE})
    row = look(forge, row)
    assert row.project is not None
    settle(row.project)
    forge.fail_with(TargetUnavailable("git-1 does not answer."), on="*")
    answer(forge, row.project)
    row.refresh_from_db()
    assert row.look_at is not None
    assert row.look_at <= timezone.now() + timedelta(seconds=30)
    look(forge, row)
    assert (forge.said(sha) or ("",))[0] == "success"


def test_a_force_push_back_to_an_old_file_is_asked_for_by_who_did_it(
    forge: PushedForge, row: RegisteredRepository
) -> None:
    project = made(forge, row)
    forge.push("alice", {"profile.yaml": PROFILE + b"plan: medium\n"})
    look(forge, row)
    sha = forge.push("bob", {"profile.yaml": PROFILE + b"plan: large\n"})
    look(forge, row)
    project.refresh_from_db()
    assert ((forge.said(sha) or ("",))[0], project.spec["plan"]) == ("failure", "medium")


def test_a_repository_that_is_gone_is_said_so(forge: PushedForge, row: RegisteredRepository) -> None:
    delivery = delivered(row)
    forge.delete_repository(NAME)
    look(forge, row)
    delivery.refresh_from_db()
    assert delivery.outcome == "The forge shows us no such repository any more."


def test_an_empty_repository_asks_for_nothing(forge: PushedForge) -> None:
    forge.organisations.add("forecasting")
    forge.create_repository("forecasting", "empty", "", auto_init=False)
    row = look(forge, listen(forge, "forecasting/empty"))
    assert (row.seen_commit, ProjectRequest.objects.count()) == ("", 0)


def test_one_reads_at_a_time(row: RegisteredRepository) -> None:
    RegisteredRepository.objects.update(look_at="2020-01-01T00:00:00Z")
    mine = take_turn(row.pk)
    assert mine is not None
    RegisteredRepository.objects.update(look_at="2020-01-01T00:00:00Z")
    assert take_turn(row.pk) is None
    give_back(mine)
    row.refresh_from_db()
    assert (row.lease_until, row.look_at and row.look_at.year) == (None, 2020)
    assert take_turn(row.pk) is not None


def test_who_lost_the_turn_writes_nothing(forge: PushedForge, row: RegisteredRepository) -> None:
    sha = forge.push("alice", {"profile.yaml": PROFILE})
    original = forge.pushes

    def slow(full_name: str, branch: str) -> Any:
        RegisteredRepository.objects.update(lease_until=timezone.now() + timedelta(minutes=5))
        return original(full_name, branch)

    forge.pushes = slow  # type: ignore[method-assign]
    look(forge, row)
    assert (Project.objects.count(), ProjectRequest.objects.count(), forge.said(sha)) == (0, 0, None)


# Registering


def test_registering_makes_one_hook_with_our_secret(forge: PushedForge) -> None:
    first, again = listen(forge), listen(forge)
    assert first == again
    hooks = forge.repositories[NAME].hooks
    url = f"{installation().public_url}/hooks/git-1/{first.uid}/"
    assert [(one["url"], one["events"]) for one in hooks.values()] == [(url, ["pull_request", "push"])]
    secret = installation().key_ring.derive(uid=str(first.uid), purpose="profile-hook")
    assert list(forge.repositories[NAME].secrets.values()) == [secret]


def test_a_project_s_repository_is_registered_under_the_project_s_uid(forge: PushedForge) -> None:
    asked = actions.create(
        {"slug": "demand", "team": "forecasting"}, by=person("alice"), door=Door.FORM, installation=installation()
    )
    project = asked.project
    assert project is not None
    settle(project)
    assert intake.poll_due(timezone.now(), installation=installation()) == 1
    row = RegisteredRepository.objects.get()
    assert (row.uid, row.full_name, row.project) == (project.uid, NAME, project)
    assert intake.register_project_repository(project, installation=installation()) == row
    assert intake.poll_due(timezone.now(), installation=installation()) == 0


def test_a_registered_repository_becomes_the_project_s_that_attached_it(
    forge: PushedForge, row: RegisteredRepository
) -> None:
    data = {"slug": "other", "team": "forecasting", "options": {"repository": {"attach": NAME}}}
    project = actions.create(data, by=person("alice"), door=Door.FORM, installation=installation()).project
    assert project is not None
    assert intake.register_project_repository(project, installation=installation()) == row
    row.refresh_from_db()
    assert row.project == project
    data = {"slug": "third", "team": "forecasting", "options": {"repository": {"attach": NAME}}}
    third = actions.create(data, by=person("alice"), door=Door.FORM, installation=installation()).project
    assert third is not None
    assert intake.register_project_repository(third, installation=installation()) is None
