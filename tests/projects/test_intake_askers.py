"""Who asks by a pushed file: whom the forge names, whatever a commit claims; and what is decided about it."""

from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.utils import timezone

from projects import decisions, listening
from projects.installation import installation
from projects.models import Decision, Door, Project, ProjectRequest, RegisteredRepository
from projects.verdicts import granted_project, request_of
from tests.people import person
from tests.projects.file_door import (
    CONTEXT,
    NAME,
    PROFILE,
    PushedForge,
    answer,
    delivered,
    listen,
    look,
    made,
    settle,
)

pytestmark = pytest.mark.django_db


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
        f"Slipway knows nobody whose account on git-1 is alice. Sign in once at {installation().public_url}, "
        "by the mail address that is known there; this file is looked at again then."
    )
    assert row.look_at is not None
    assert row.look_at <= timezone.now() + timedelta(minutes=10)
    writes = len(forge.made("set_status"))
    look(forge, row)
    assert len(forge.made("set_status")) == writes
    row.refresh_from_db()
    assert row.waits_for_person

    person("alice")
    listening.somebody_came()
    assert is_due(row)
    assert row.pk in listening.due_repositories(10)
    row = look(forge, row)
    assert not row.waits_for_person
    assert forge.said(sha) == ("pending", "Accepted; working on it.")


def test_a_local_administrator_is_nobody_on_a_forge(forge: PushedForge, row: RegisteredRepository) -> None:
    get_user_model().objects.create_superuser(username="root@corp.example", password="break glass only")
    forge.users["root"] = "root@corp.example"
    sha = forge.push("root", {"profile.yaml": PROFILE})
    look(forge, row)
    said = forge.said(sha)
    assert said is not None
    assert said[1].startswith("Slipway knows nobody whose account on git-1 is root.")


@pytest.mark.parametrize("claiming", ["mallory", "slipway-bot"])
def test_where_the_forge_vouches_for_no_mail_nobody_is_known_by_one(
    forge: PushedForge, row: RegisteredRepository, claiming: str
) -> None:
    forge.vouches_for_mail = False
    # Whoever wants to gives themself an address there that nobody has.
    del forge.users["alice"]
    forge.users["mallory"] = "alice@corp.example"
    sha = forge.push("mallory", {"profile.yaml": PROFILE}, claiming=claiming)
    look(forge, row)
    assert forge.said(sha) == (
        "failure",
        "Slipway knows nobody whose account on git-1 is mallory. The platform team has to say that git-1 vouches for "
        "mail addresses; this file is looked at again then.",
    )
    assert not ProjectRequest.objects.exists()


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


# Decisions


def is_due(row: RegisteredRepository) -> bool:
    """Is the repository looked at next?"""
    row.refresh_from_db()
    return row.look_at is not None and row.look_at <= timezone.now()


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


@pytest.mark.parametrize("answered", [True, False])
def test_what_is_asked_for_stands_on_the_commit_until_it_is_answered_or_put_in_other_words(
    forge: PushedForge, row: RegisteredRepository, answered: bool
) -> None:
    sha = forge.push("alice", {"profile.yaml": PROFILE + b"plan: gpu\n"})
    look(forge, row)
    request, alice = ProjectRequest.objects.get(), person("alice")
    waiting = forge.said(sha)
    assert not is_due(row)
    decisions.ask_for_changes(request, by=person("paula"), door=Door.API, text="Until when?\nAnd why?")
    assert is_due(row)
    look(forge, row)
    assert forge.said(sha) == ("pending", "Changes are asked for: Until when? And why?")
    if answered:
        decisions.comment(request, by=alice, door=Door.API, text="Until May.")
    else:
        wanted = {**(request.after or {}), "description": "Until May."}
        decisions.revise(request, wanted, by=alice, door=Door.API, installation=installation())
    assert is_due(row)
    look(forge, row)
    assert forge.said(sha) == waiting


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
    assert forge.said(sha) == ("failure", "Rejected: No GPU is free before May.")


@pytest.mark.parametrize("has_project", [False, True])
def test_what_is_taken_back_is_said_on_the_commit_until_the_next_push(
    forge: PushedForge, row: RegisteredRepository, has_project: bool
) -> None:
    if has_project:
        forge.push("alice", {"profile.yaml": PROFILE})
        assert look(forge, row).project == Project.objects.get()
    sha = forge.push("alice", {"profile.yaml": PROFILE + b"plan: gpu\n"})
    look(forge, row)
    request = ProjectRequest.objects.get(decision=Decision.PENDING)
    decisions.withdraw(request, by=person("alice"), door=Door.API)
    assert is_due(row)
    look(forge, row)
    said = "alice@corp.example took this back. A push that changes the file asks anew."
    assert forge.said(sha) == ("failure", said)

    again = forge.push("alice", {"profile.yaml": PROFILE + b"plan: gpu\ntitle: Demand\n"})
    look(forge, row)
    assert (forge.said(again) or ("",))[0] == "pending"
    assert ProjectRequest.objects.filter(decision=Decision.PENDING).count() == 1


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


# Whose request it is


def test_who_pushes_the_very_commit_elsewhere_gets_neither_request_nor_project(
    forge: PushedForge, row: RegisteredRepository
) -> None:
    sha = forge.push("alice", {"profile.yaml": PROFILE + b"plan: gpu\n"})
    look(forge, row)
    other = listen(forge, "vision/copy")
    forge.copy(NAME, "vision/copy", login="charlie")
    other = look(forge, other)
    assert other.seen_commit == sha
    assert request_of(other) is None

    decisions.approve(ProjectRequest.objects.get(), by=person("paula"), door=Door.API, installation=installation())
    assert look(forge, other).project is None
    assert look(forge, row).project == Project.objects.get()


def test_a_repository_of_the_same_name_on_another_forge_is_another_one(
    forge: PushedForge, row: RegisteredRepository
) -> None:
    forge.push("alice", {"profile.yaml": PROFILE + b"plan: gpu\n"})
    row = look(forge, row)
    request = ProjectRequest.objects.get()
    other = RegisteredRepository.objects.create(forge="git-2", full_name=NAME)
    assert (request_of(row), request_of(other)) == (request, None)
    decisions.approve(request, by=person("paula"), door=Door.API, installation=installation())
    project = Project.objects.get()
    assert (granted_project(row), granted_project(other)) == (project, None)
    RegisteredRepository.objects.filter(pk=row.pk).update(full_name="forecasting/renamed")
    answer(forge, project)
    other.refresh_from_db()
    assert other.project is None
