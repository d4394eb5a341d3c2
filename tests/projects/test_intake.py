"""The file door as stories: somebody pushes profile.yaml, the worker looks, the answer stands on the commit."""

import pytest
from django.utils import timezone

from projects import actions
from projects.installation import installation
from projects.models import Door, Project, ProjectRequest, RegisteredRepository
from tests.people import person
from tests.projects.file_door import (
    CONTEXT,
    NAME,
    PROFILE,
    PushedForge,
    answer,
    delivered,
    look,
    made,
    settle,
)
from tests.usual import usual_kinds

pytestmark = pytest.mark.django_db


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
    count = len(usual_kinds())
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
    count = len(usual_kinds())
    assert forge.said(sha) == ("pending", f"Working on it: {count} of {count} resources are ready.")


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
