"""Pull requests that touch profile.yaml get the plan or the faults, and ask for nothing."""

import pytest

from projects.markdown import plain
from projects.models import Delivery, Feedback, Project, ProjectRequest, RegisteredRepository
from tests.ci import ci, send
from tests.projects.asking import leads_decide
from tests.projects.file_door import NAME, PROFILE, PushedForge, look

pytestmark = pytest.mark.django_db


def preview(forge: PushedForge, row: RegisteredRepository, number: int) -> str:
    """Have a delivery of this pull request looked at; its outcome."""
    count = Delivery.objects.count()
    delivery = Delivery.objects.create(
        repository=row, delivery_id=f"p-{count}", event="pull_request", pull_request=number
    )
    look(forge, row)
    delivery.refresh_from_db()
    assert delivery.answered_at is not None
    return delivery.outcome


def head(forge: PushedForge, number: int) -> str:
    return forge.repositories[NAME].pull_requests[number]["head_sha"]


def the_project(forge: PushedForge, row: RegisteredRepository, text: bytes = PROFILE) -> Project:
    forge.push("alice", {"profile.yaml": text})
    project = look(forge, row).project
    assert project is not None
    return project


def test_a_new_file_gets_the_whole_plan(forge: PushedForge, row: RegisteredRepository) -> None:
    number = forge.open_pull_request("alice", {"profile.yaml": PROFILE})
    preview(forge, row, number)
    said = forge.said(head(forge, number))
    assert said is not None
    assert (said[0], said[1].startswith("Plan: ")) == ("success", True)
    (comment,) = forge.comments_on(number)
    lines = comment.splitlines()
    assert lines[:5] == [
        "<!-- slipway-plan -->",
        "### profile.yaml: what merging this does",
        "",
        "Approved at once (within-budget): It fits the budget of team forecasting: 100 of 100 units are free.",
        "It takes 4 units; 100 are free for it in the team's budget.",
    ]
    rows = {line.split(" | ")[0]: line.split(" | ")[1] for line in lines if line.startswith("| ")}
    assert rows["| Workspace"] == "create (2)"
    assert rows["| Repository"] == "create (1)"
    assert not Project.objects.exists()
    assert not ProjectRequest.objects.exists()


def test_a_new_tip_has_the_comment_about_the_model_told_again(forge: PushedForge, row: RegisteredRepository) -> None:
    project = the_project(forge, row)
    number = forge.open_pull_request("alice", {"train.py": b"x"})
    forge.calls.clear()
    preview(forge, row, number)
    assert not Feedback.objects.exists()
    asked = forge.made("pull_request", "set_status", "edit_comment", "upsert_comment")

    assert send(ci(project), pull_request=number, commit=head(forge, number)).status_code == 201
    Feedback.objects.update(look_at=None, head=head(forge, number), base_branch="main")
    forge.calls.clear()
    preview(forge, row, number)
    assert Feedback.objects.get().look_at is None
    assert forge.made("pull_request", "set_status", "edit_comment", "upsert_comment") == asked

    forge.push("alice", {"train.py": b"y"}, branch="change")
    preview(forge, row, number)
    assert Feedback.objects.get().look_at is not None


def test_a_change_shows_what_differs(forge: PushedForge, row: RegisteredRepository) -> None:
    the_project(forge, row)
    number = forge.open_pull_request("alice", {"profile.yaml": PROFILE + b"plan: medium\n"})
    outcome = preview(forge, row, number)
    assert outcome.startswith("Plan: ")
    assert "to update" in outcome
    (comment,) = forge.comments_on(number)
    assert "| object | field | now | then |" in comment
    assert Project.objects.get().spec["plan"] == "small"


def test_the_comment_follows_the_pull_request(forge: PushedForge, row: RegisteredRepository) -> None:
    number = forge.open_pull_request("alice", {"profile.yaml": b"slug: demand\nteam: nobody\n"})
    preview(forge, row, number)
    assert (forge.said(head(forge, number)) or ("",))[0] == "failure"
    (comment,) = forge.comments_on(number)
    assert "line 2, column 1: team: You are in no team nobody." in comment
    forge.push("alice", {"profile.yaml": PROFILE}, branch="change")
    preview(forge, row, number)
    assert (forge.said(head(forge, number)) or ("",))[0] == "success"
    (comment,) = forge.comments_on(number)
    assert "what merging this does" in comment


def test_faults_of_the_file_itself_have_their_lines(forge: PushedForge, row: RegisteredRepository) -> None:
    number = forge.open_pull_request("alice", {"profile.yaml": b"slug: &s demand\nslug: x\n"})
    preview(forge, row, number)
    (comment,) = forge.comments_on(number)
    assert [line for line in comment.splitlines() if line.startswith("- ")] == [
        "- line 1, column 7: The anchor &amp;s is not read. Remove it, and write repeated values out.",
        "- line 2, column 1: The field slug stands here a second time (first in line 1). Keep one.",
    ]


def test_who_may_only_see_gets_the_plan_and_is_told_who_must_merge(
    forge: PushedForge, row: RegisteredRepository
) -> None:
    the_project(forge, row)
    number = forge.open_pull_request("bob", {"profile.yaml": PROFILE + b"plan: medium\n"})
    outcome = preview(forge, row, number)
    assert outcome.endswith("An owner has to merge it.")
    (comment,) = forge.comments_on(number)
    assert "bob may not change demand: an owner of it has to merge this." in comment


def test_a_stranger_learns_nothing_about_the_project(forge: PushedForge, row: RegisteredRepository) -> None:
    the_project(forge, row, PROFILE + b"title: Secret plans\n")
    number = forge.open_pull_request("charlie", {"profile.yaml": PROFILE + b"plan: medium\n"})
    outcome = preview(forge, row, number)
    assert outcome == ("charlie may not change the project of this repository. An owner has to open this pull request.")
    (comment,) = forge.comments_on(number)
    assert "Secret" not in comment
    assert "demand" not in comment


def test_the_author_of_the_pull_request_counts_not_of_the_commit(forge: PushedForge, row: RegisteredRepository) -> None:
    forge.push("charlie", {"profile.yaml": PROFILE}, branch="forged", claiming="alice")
    number = forge.open_pull_request("charlie", {}, branch="forged")
    assert "You are in no team forecasting" in preview(forge, row, number)


def test_a_wish_that_waits_is_not_withdrawn_by_a_preview(forge: PushedForge, row: RegisteredRepository) -> None:
    forge.push("alice", {"profile.yaml": PROFILE + b"plan: gpu\n"})
    look(forge, row)
    number = forge.open_pull_request("alice", {"profile.yaml": PROFILE})
    assert preview(forge, row, number).startswith("Plan: ")
    assert ProjectRequest.objects.get().decision == "pending"


def test_a_pull_request_that_removes_the_file(forge: PushedForge, row: RegisteredRepository) -> None:
    the_project(forge, row)
    number = forge.open_pull_request("alice", {"profile.yaml": None})
    assert preview(forge, row, number) == "Removes the file only."
    (comment,) = forge.comments_on(number)
    assert "removing the file never retires a project" in comment


@pytest.mark.parametrize(
    ("changes", "outcome"),
    [
        ({"state": "closed"}, "The pull request is closed."),
        ({"base_branch": "release"}, "The pull request is not for main; its file is not asked for."),
    ],
)
def test_some_are_of_no_interest(
    forge: PushedForge, row: RegisteredRepository, changes: dict[str, str], outcome: str
) -> None:
    number = forge.open_pull_request("alice", {"profile.yaml": PROFILE})
    forge.repositories[NAME].pull_requests[number].update(changes)  # type: ignore[typeddict-item]
    assert preview(forge, row, number) == outcome
    assert forge.comments_on(number) == []


def test_one_that_leaves_the_file_alone_gets_no_comment(forge: PushedForge, row: RegisteredRepository) -> None:
    the_project(forge, row)
    number = forge.open_pull_request("alice", {"src/train.py": b"1"})
    assert preview(forge, row, number) == "The pull request does not touch profile.yaml."
    assert forge.comments_on(number) == []


def test_one_that_does_not_exist(forge: PushedForge, row: RegisteredRepository) -> None:
    assert preview(forge, row, 99) == "The pull request is closed."


def test_text_of_people_is_harmless(forge: PushedForge, row: RegisteredRepository) -> None:
    hostile = "x|y <img src=x> [a](http://evil) @paula #1 `code` **b**\n\n# Title"
    assert plain(hostile) == (
        "x\\|y &lt;img src=x&gt; \\[a\\](http://evil) @\u200bpaula #\u200b1 \\`code\\` \\*\\*b\\*\\* #\u200b Title"
    )
    assert plain("x" * 400) == "x" * 300 + "…"


def test_the_plan_says_who_decides(forge: PushedForge, row: RegisteredRepository) -> None:
    number = forge.open_pull_request("alice", {"profile.yaml": PROFILE + b"plan: gpu\n"})
    with leads_decide():
        assert preview(forge, row, number).endswith("Somebody of the platform team or ml-leads decides.")
    (comment,) = forge.comments_on(number)
    assert "Somebody of the platform team or ml-leads decides (gpu-asks)" in comment
    assert not ProjectRequest.objects.exists()
