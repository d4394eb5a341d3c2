"""The bot under a pull request: who gets which answer, once, and what a command does."""

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.utils import timezone

from projects import bot_comments
from projects.happenings import Wanted, records
from projects.installation import installation
from projects.models import Answered, Delivery, Feedback, Project, RegisteredRepository, Report, TrainingAsked
from projects.tasks import tidy
from provisioning.errors import TargetUnavailable
from tests.ci import MAE, PASSED, ci, send
from tests.people import person
from tests.projects.file_door import NAME, PROFILE, PushedForge, listen, look
from tests.projects.test_webhooks import deliver

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("nothing_remembered")]


@pytest.fixture
def row(forge: PushedForge) -> RegisteredRepository:
    row = listen(forge)
    forge.push("alice", {"profile.yaml": PROFILE})
    return look(forge, row)


@pytest.fixture
def number(forge: PushedForge, row: RegisteredRepository) -> int:
    return forge.open_pull_request("alice", {"train.py": b"x = 1\n"})


def write(forge: PushedForge, number: int, who: str, body: str) -> None:
    """Somebody comments."""
    kept = forge.repositories[NAME].comments.setdefault(number, [])
    kept.append({"id": 1000 * number + len(kept), "author": who, "body": body, "edited": False})


def told(forge: PushedForge, row: RegisteredRepository, number: int) -> str:
    """The forge tells of a comment, and a worker looks; the outcome of the delivery."""
    delivery = made(row, number, f"c-{Delivery.objects.count()}")
    look(forge, row)
    delivery.refresh_from_db()
    return delivery.outcome


def made(row: RegisteredRepository, number: int, name: str, *, event: str = "issue_comment") -> Delivery:
    """The forge's word that something happened to a pull request."""
    return Delivery.objects.create(repository=row, delivery_id=name, event=event, pull_request=number)


def ask(forge: PushedForge, row: RegisteredRepository, number: int, who: str, body: str) -> str:
    """Somebody comments and gets an answer: its text."""
    write(forge, number, who, body)
    asked = forge.repositories[NAME].comments[number][-1]["id"]
    told(forge, row, number)
    marker = f"<!-- slipway-reply-{asked} -->\n"
    ours = [one["body"] for one in forge.repositories[NAME].comments[number] if one["author"] == forge.bot]
    (said,) = [one for one in ours if one.startswith(marker)]
    return said.removeprefix(marker)


def reported(row: RegisteredRepository, **changes: Any) -> None:
    assert row.project is not None
    answer = send(ci(row.project), run=str(Report.objects.count()), **changes)
    assert answer.status_code == 201, answer.content


def test_help_is_for_everybody(forge: PushedForge, row: RegisteredRepository, number: int) -> None:
    said = ask(forge, row, number, "stranger", "/slipway")
    assert said.splitlines()[:4] == ["> /slipway help", "", "I answer these:", ""]
    assert "- /slipway retry: look at the project again now, without waiting" in said
    said = ask(forge, row, number, "bob", "/slipway statsu now")
    assert said.startswith("> /slipway statsu now\n\nI don't know “statsu now”. Did you mean /slipway status?\n")


@pytest.mark.parametrize("command", ["plan", "status", "why", "compare main", "retry", "retrain"])
def test_who_is_unknown_or_has_no_role_learns_nothing(
    command: str, forge: PushedForge, row: RegisteredRepository, number: int
) -> None:
    said = ask(forge, row, number, "stranger", f"/slipway {command}")
    assert "Slipway knows nobody whose account on git-1 is stranger, so I can't answer." in said
    said = ask(forge, row, number, "charlie", f"/slipway {command}")
    assert said.endswith("You have no role in this project, so I can't answer. Ask one of its owners.")


def test_status_and_why_say_what_the_gate_says(forge: PushedForge, row: RegisteredRepository, number: int) -> None:
    assert "no model report yet" in ask(forge, row, number, "alice", "/slipway status")
    reported(row, branch="main", pull_request=None, commit="a" * 40, tests=PASSED)
    reported(row, branch="change", pull_request=number, commit="b" * 40, metrics=[{**MAE, "value": 0.31}])
    status = ask(forge, row, number, "alice", "/slipway status")
    assert "model at bbbbbbbbbb (pull request 1): mae (test) is 0.31; 0.2 or less is needed." in status
    why = ask(forge, row, number, "alice", "/slipway why")
    assert "The gate is shut for bbbbbbbbbb." in why
    assert "- mae (test): 0.31, before 0.12, ▼ worse; missed: 0.2 or less" in why
    assert "- test\\_winter\\_weeks (slice) fails: week 2: 912 instead of 240" in why
    lint = {"name": "CI failed at lint", "kind": "other", "example": "Found 1 error."}
    tests = {"passed": 12, "failed": [lint], "regression_examples": 0}
    reported(row, branch="change", pull_request=number, commit="c" * 40, tests=tests)
    why = ask(forge, row, number, "alice", "/slipway why")
    assert "The gate is shut for cccccccccc. CI failed at lint." in why
    assert "- CI failed at lint: Found 1 error." in why


def test_the_bot_speaks_of_the_commit_that_the_comment_speaks_of(
    forge: PushedForge, row: RegisteredRepository, number: int
) -> None:
    reported(row, branch="change", pull_request=number, commit="b" * 40, tests=PASSED)
    reported(row, branch="change", pull_request=number, commit="a" * 40, metrics=[{**MAE, "value": 0.9}])
    assert "The gate is shut for aaaaaaaaaa." in ask(forge, row, number, "alice", "/slipway why")
    Feedback.objects.filter(pull_request=number).update(head="b" * 40)
    assert "The gate is open for bbbbbbbbbb." in ask(forge, row, number, "alice", "/slipway why")
    Feedback.objects.filter(pull_request=number).update(head="c" * 40)
    why = ask(forge, row, number, "alice", "/slipway why")
    assert "The gate was shut for aaaaaaaaaa." in why
    waits = "- cccccccccc has not reported yet, so its gate waits; these are the numbers before it"
    assert waits in why.splitlines()
    assert waits in ask(forge, row, number, "alice", "/slipway status").splitlines()


def test_compare_names_a_branch_a_commit_or_a_pull_request(
    forge: PushedForge, row: RegisteredRepository, number: int
) -> None:
    reported(row, branch="main", pull_request=None, commit="a" * 40)
    reported(row, branch="change", pull_request=number, commit="b" * 40, metrics=[{**MAE, "value": 0.1}])
    better = "- mae (test): 0.1, before 0.12, ▲ better; held: 0.2 or less"
    for reference in ("", "main", "aaaaaaa"):
        said = ask(forge, row, number, "alice", f"/slipway compare {reference}")
        assert "bbbbbbbbbb beside aaaaaaaaaa (main):" in said
        assert better in said
        assert "- same data" in said
    assert "(pull request 1):" in ask(forge, row, number, "alice", f"/slipway compare #{number}")
    assert "no model report of “nowhere”" in ask(forge, row, number, "alice", "/slipway compare nowhere")
    evil = ask(forge, row, number, "alice", "/slipway compare <img src=x> @paula http://evil.example `x`")
    assert "<img" not in evil
    assert "@paula" not in evil
    assert "http://evil" not in evil


def test_plan_says_what_merging_does(forge: PushedForge, row: RegisteredRepository, number: int) -> None:
    said = ask(forge, row, number, "alice", "/slipway plan")
    assert "merging this: The pull request does not touch profile.yaml." in said
    other = forge.open_pull_request("alice", {"profile.yaml": PROFILE + b"plan: medium\n"}, branch="larger")
    said = ask(forge, row, other, "alice", "/slipway plan")
    assert "merging this: Plan: " in said
    assert "### profile.yaml: what merging this does" in said
    assert "Nothing happens before the merge." in said
    # One answer: what a push has written beside it stays the push's.
    ours = [one for one in forge.repositories[NAME].comments[other] if one["author"] == forge.bot]
    assert len(ours) == 1
    stranger = ask(forge, row, other, "charlie", "/slipway plan")
    assert "what merging this does" not in stranger


def test_retry_has_the_project_looked_at(forge: PushedForge, row: RegisteredRepository, number: int) -> None:
    Project.objects.update(next_look_at=None)
    assert "I look at every resource again now." in ask(forge, row, number, "alice", "/slipway retry")
    project = Project.objects.get()
    assert project.next_look_at is not None
    first = next(records(project, wanted=Wanted(who="alice", door="comment")))
    assert (first["who"], first["what"]) == ("alice@corp.example", "asked for a look")


def test_retrain_is_asked_once_and_not_by_viewers(forge: PushedForge, row: RegisteredRepository, number: int) -> None:
    forge.push(
        "alice",
        {
            "profile.yaml": PROFILE + b"contributors: [{user: alice@corp.example, role: owner},"
            b" {user: charlie@corp.example, role: viewer}]\n"
        },
    )
    look(forge, row)
    assert "Owners, editors and the platform team have the model trained." in ask(
        forge, row, number, "charlie", "/slipway retrain"
    )
    assert not TrainingAsked.objects.exists()
    assert "CI runs on the default branch again" in ask(forge, row, number, "alice", "/slipway retrain")
    assert "A training waits to begin already." in ask(forge, row, number, "alice", "/slipway retrain")
    (asked,) = TrainingAsked.objects.all()
    assert (asked.because, asked.asked_by_name) == ("person", "alice@corp.example")


def test_each_command_is_answered_once(forge: PushedForge, row: RegisteredRepository, number: int) -> None:
    ask(forge, row, number, "alice", "/slipway status")
    before = forge.comments_on(number)
    forge.calls.clear()
    assert told(forge, row, number) == "Nothing new was asked."
    assert forge.comments_on(number) == before
    assert forge.made("upsert_comment", "edit_comment") == []


def test_an_answer_that_somebody_deletes_is_not_given_again(
    forge: PushedForge, row: RegisteredRepository, number: int
) -> None:
    ask(forge, row, number, "paula", "/slipway retrain")
    TrainingAsked.objects.all().delete()
    comments = forge.repositories[NAME].comments
    comments[number] = [one for one in comments[number] if one["author"] != forge.bot]
    assert told(forge, row, number) == "Nothing new was asked."
    assert forge.comments_on(number) == ["/slipway retrain"]
    assert not TrainingAsked.objects.exists()
    assert list(Answered.objects.values_list("text", flat=True)) == [""]


def test_what_was_done_is_not_done_again_when_its_answer_waits_for_the_forge(
    forge: PushedForge, row: RegisteredRepository, number: int
) -> None:
    write(forge, number, "paula", "/slipway retrain")
    forge.fail_with(TargetUnavailable("git-1 is away."), on="upsert_comment")
    assert told(forge, row, number) == ""
    assert TrainingAsked.objects.count() == 1
    TrainingAsked.objects.all().delete()
    look(forge, row)
    assert "CI runs on the default branch again" in forge.comments_on(number)[-1]
    assert not TrainingAsked.objects.exists()


def test_what_was_answered_long_ago_is_forgotten_and_never_answered_again(
    forge: PushedForge, row: RegisteredRepository, number: int
) -> None:
    for _ in range(3):
        ask(forge, row, number, "paula", "/slipway retrain")
        TrainingAsked.objects.all().delete()
    for one in forge.repositories[NAME].comments[number]:
        if one["author"] == forge.bot:
            one["body"] = "Somebody wrote over the answer."
    Answered.objects.update(made_at=timezone.now() - timedelta(days=89))
    tidy()
    assert Answered.objects.count() == 3
    Answered.objects.update(made_at=timezone.now() - timedelta(days=91))
    tidy()
    (kept,) = Answered.objects.values_list("comment", flat=True)
    assert kept == max(one["id"] for one in forge.repositories[NAME].comments[number] if one["author"] == "paula")
    assert told(forge, row, number) == "Nothing new was asked."
    assert not TrainingAsked.objects.exists()
    assert "CI runs on the default branch again" in ask(forge, row, number, "paula", "/slipway retrain")
    tidy()
    assert told(forge, row, number) == "Nothing new was asked."


def test_an_answer_that_stands_is_noted_when_we_died_before_the_note(
    forge: PushedForge, row: RegisteredRepository, number: int
) -> None:
    ask(forge, row, number, "bob", "/slipway status")
    Answered.objects.update(posted_at=None, text="The answer.")
    assert told(forge, row, number) == "Nothing new was asked."
    (kept,) = Answered.objects.all()
    assert (kept.text, kept.posted_at is not None) == ("", True)
    comments = forge.repositories[NAME].comments
    comments[number] = [one for one in comments[number] if one["author"] != forge.bot]
    assert told(forge, row, number) == "Nothing new was asked."


def test_the_bot_does_not_answer_itself_nor_a_marker_of_somebody_else(
    forge: PushedForge, row: RegisteredRepository, number: int
) -> None:
    write(forge, number, forge.bot, "/slipway retry")
    assert told(forge, row, number) == "Nothing new was asked."
    write(forge, number, "bob", "<!-- slipway-reply-1002 -->\nI answer for the bot")
    assert "I answer these:" in ask(forge, row, number, "alice", "/slipway help")


def test_a_person_is_found_by_the_mail_that_the_forge_knows_whatever_the_login(
    forge: PushedForge, row: RegisteredRepository, number: int
) -> None:
    forge.users["asmith"] = forge.users.pop("alice")
    assert "CI runs on the default branch again" in ask(forge, row, number, "ASmith", "/slipway retrain")
    (training,) = TrainingAsked.objects.all()
    assert training.asked_by_name == "alice@corp.example"
    training.delete()
    # Neither the login that alice's mail suggests, nor what a comment says, nor what was known a while ago.
    for who, body in (("alice", ""), ("mallory", "\nasmith alice@corp.example"), ("", "")):
        assert f"is {who}, so" in ask(forge, row, number, who, f"/slipway retrain{body}")
    forge.users["asmith"] = "mallory@corp.example"
    assert "is asmith, so" in ask(forge, row, number, "asmith", "/slipway retrain")
    assert not TrainingAsked.objects.exists()


def test_a_flood_by_strangers_costs_few_questions_to_the_forge(
    forge: PushedForge, row: RegisteredRepository, number: int
) -> None:
    forge.users["asmith"] = forge.users.pop("alice")
    for who in ("mallory", "stranger", "asmith") * 5:
        write(forge, number, who, "/slipway status")
    forge.calls.clear()
    for _ in range(3):
        told(forge, row, number)
    assert len([one for one in forge.comments_on(number) if "slipway-reply" in one]) == 15
    assert len(forge.made("find_user")) == 1 + 5


def test_a_closed_account_is_told_so(forge: PushedForge, row: RegisteredRepository, number: int) -> None:
    alice = person("alice")
    alice.is_active = False
    alice.save()
    said = ask(forge, row, number, "alice", "/slipway status")
    assert said.endswith("\n\nThe account of alice is closed, so I can't answer.")


@pytest.mark.parametrize("command", ["help", "status", "plan", "retry", "retrain", "statsu"])
def test_an_edited_comment_has_nothing_done_in_its_author_s_name(
    command: str, forge: PushedForge, row: RegisteredRepository, number: int
) -> None:
    Project.objects.update(next_look_at=None)
    write(forge, number, "paula", "Looks good.")
    assert told(forge, row, number) == "Nothing new was asked."
    forge.repositories[NAME].comments[number][-1].update(body=f"/slipway {command}", edited=True)
    assert told(forge, row, number) == "1 answered."
    said = "This comment was edited, and I can't tell by whom, so I don't do what it says. Write it as a new comment."
    assert forge.comments_on(number)[-1].endswith(f"\n\n{said}")
    assert not TrainingAsked.objects.exists()
    assert Project.objects.get().next_look_at is None
    forge.repositories[NAME].comments[number][0]["body"] = "/slipway retrain"
    assert told(forge, row, number) == "Nothing new was asked."
    assert not TrainingAsked.objects.exists()


def test_a_forge_that_is_away_gets_the_answer_later(forge: PushedForge, row: RegisteredRepository, number: int) -> None:
    write(forge, number, "alice", "/slipway help")
    forge.fail_with(TargetUnavailable("git-1 is away."), on="upsert_comment")
    assert told(forge, row, number) == ""
    look(forge, row)
    assert len([one for one in forge.comments_on(number) if "I answer these:" in one]) == 1


def test_a_flood_is_answered_slowly_and_nothing_is_lost(
    forge: PushedForge, row: RegisteredRepository, number: int
) -> None:
    for _ in range(8):
        write(forge, number, "bob", "/slipway help")
    told(forge, row, number)
    assert len(forge.comments_on(number)) == 8 + bot_comments.AT_ONCE
    look(forge, row)
    assert len(forge.comments_on(number)) == 16
    assert Delivery.objects.filter(event="issue_comment", answered_at=None).count() == 0


def answers_to(forge: PushedForge, number: int) -> list[str]:
    """Who was answered under a pull request, in order."""
    there = forge.repositories[NAME].comments[number]
    asked = {f"<!-- slipway-reply-{one['id']} -->": one["author"] for one in there}
    return [asked[one["body"].partition("\n")[0]] for one in there if one["author"] == forge.bot]


def test_a_flood_of_one_person_is_the_person_s_alone(
    forge: PushedForge, row: RegisteredRepository, number: int
) -> None:
    for _ in range(30):
        write(forge, number, "bob", "/slipway help")
    write(forge, number, "alice", "/slipway help")
    told(forge, row, number)
    assert answers_to(forge, number) == ["bob", "alice", "bob", "bob", "bob"]
    for _ in range(3):
        look(forge, row)
    assert Counter(answers_to(forge, number)) == {"alice": 1, "bob": bot_comments.OF_ONE}
    write(forge, number, "alice", "/slipway help")
    look(forge, row)
    assert Counter(answers_to(forge, number)) == {"alice": 2, "bob": bot_comments.OF_ONE}
    cache.clear()
    look(forge, row)
    assert Counter(answers_to(forge, number))["bob"] == bot_comments.OF_ONE + bot_comments.AT_ONCE


def test_several_floods_leave_room_for_who_asks_elsewhere(
    forge: PushedForge, row: RegisteredRepository, number: int
) -> None:
    numbers = [number, *(forge.open_pull_request("alice", {f"{one}.py": b"x"}, branch=one) for one in ("a", "b"))]
    for one, who in zip(numbers, ("bob", "charlie", "paula"), strict=True):
        for count in range(30):
            write(forge, one, who, "/slipway help")
            made(row, one, f"flood-{one}-{count}")
    for _ in range(4):
        look(forge, row)
    assert [len(answers_to(forge, one)) for one in numbers] == [bot_comments.OF_ONE] * 3
    other = forge.open_pull_request("alice", {"other.py": b"x"}, branch="other")
    assert "I answer these:" in ask(forge, row, other, "alice", "/slipway help")


def test_a_flood_under_one_pull_request_holds_up_no_other_and_no_preview(
    forge: PushedForge, row: RegisteredRepository, number: int
) -> None:
    other = forge.open_pull_request("alice", {"profile.yaml": PROFILE + b"plan: medium\n"}, branch="larger")
    for count in range(12):
        write(forge, number, "bob", "/slipway help")
        made(row, number, f"flood-{count}")
    write(forge, other, "alice", "/slipway help")
    made(row, other, "question")
    for one in (number, other):
        made(row, one, f"preview-{one}", event="pull_request")
    look(forge, row)
    assert len(forge.comments_on(number)) == 12 + bot_comments.AT_ONCE
    assert sorted(one.partition("\n")[0][:18] for one in forge.comments_on(other)[1:]) == [
        "<!-- slipway-plan ",
        "<!-- slipway-reply",
    ]
    waiting = Delivery.objects.filter(answered_at=None)
    assert set(waiting.values_list("pull_request", "event")) == {(number, "issue_comment")}
    row.refresh_from_db()
    assert row.look_at is not None
    assert row.look_at <= timezone.now() + timedelta(seconds=20)


def test_a_delivery_of_a_comment_rings_and_is_believed_no_further(
    forge: PushedForge, row: RegisteredRepository, number: int
) -> None:
    body = {
        "action": "created",
        "is_pull": True,
        "issue": {"number": number, "pull_request": {}},
        "comment": {"body": "/slipway retry", "user": {"login": "alice"}},
        "repository": {"full_name": NAME, "default_branch": "main"},
        "sender": {"login": "alice"},
    }
    Project.objects.update(next_look_at=None)
    assert deliver(row.uid, event="issue_comment", payload=body).status_code == 202
    look(forge, row)
    assert Project.objects.get().next_look_at is None
    assert forge.comments_on(number) == []
    by_us = {**body, "sender": {"login": installation().catalogue.forge("git-1").bot}}
    answer = deliver(row.uid, event="issue_comment", payload=by_us, delivery="other")
    assert answer.json() == {"detail": "Ignored: Slipway wrote that itself."}
