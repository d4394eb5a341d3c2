"""What the forge is told: one comment for a pull request, the gate, at least once, and never into a foreign place."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection, transaction
from django.db.models import Case, When
from django.utils import timezone

from projects import feedback, reports, telling_again
from projects.feedback_tasks import ring_for_feedback, tell
from projects.models import Feedback, Project, Report
from provisioning.errors import PermanentError, TargetUnavailable
from provisioning.models import Resource
from tests.ci import MAE, PASSED, ci, send
from tests.people import client
from tests.projects.tended import REPOSITORY, World, asked, look

pytestmark = pytest.mark.django_db(transaction=True)

TELL = "projects.feedback_tasks.tell"
GATE = "slipway/model-gate"


@pytest.fixture
def project(world: World) -> Any:
    cache.clear()
    made = look(asked())
    world.forge.create_branch(REPOSITORY, "shorter-window", "main")
    yield made
    cache.clear()


def push(world: World, text: str = "x", *, branch: str = "shorter-window") -> str:
    return world.forge.put_files(REPOSITORY, branch, "Change", {"train.py": text.encode()})


def opened(world: World) -> tuple[int, str]:
    """A pull request with one commit: its number and that commit."""
    sha = push(world)
    return world.forge.create_pull_request(REPOSITORY, "shorter-window", "main", "Shorter window", ""), sha


def reported(project: Project, sha: str, number: int | None, **changes: Any) -> Report:
    said = {"commit": sha, "pull_request": number, "branch": "shorter-window" if number else "main", **changes}
    answer = send(ci(project), run=str(Report.objects.count()), **said)
    assert answer.status_code == 201, answer.content
    return Report.objects.get(pk=answer.json()["id"])


def comments(world: World, number: int) -> list[str]:
    return [one["body"] for one in world.forge.repositories[REPOSITORY].comments.get(number, [])]


def gate_on(world: World, sha: str) -> tuple[str, str]:
    said = world.forge.statuses(REPOSITORY, sha)[GATE]
    return said["state"], said["description"]


def tell_all() -> None:
    for one in feedback.due(limit=100):
        tell(one)


def test_red_then_green_in_one_comment(world: World, project: Project) -> None:
    main = world.forge.branch_head(REPOSITORY, "main")["sha"]
    reported(project, main, None, tests=PASSED)
    number, first = opened(world)
    tell_all()
    assert gate_on(world, main) == ("success", "1 of 1 thresholds held, 13 model tests passed.")
    reported(project, first, number, metrics=[{**MAE, "value": 0.31}], tests=PASSED)
    tell_all()
    assert gate_on(world, first) == ("failure", "mae (test) is 0.31; 0.2 or less is needed.")
    (said,) = comments(world, number)
    assert said.startswith("<!-- slipway-report -->\n### Model: the gate is shut, 1 worse\n")
    assert "| mae (test) | 0.31 | 0.12 | ▼ worse by 0.19 | **missed**: 0.2 or less |" in said
    second = push(world, "y")
    world.forge.repositories[REPOSITORY].pull_requests[number]["head_sha"] = second
    world.forge.calls.clear()
    report = reported(project, second, number, metrics=[{**MAE, "value": 0.1}], tests=PASSED)
    tell_all()
    (said,) = comments(world, number)
    assert said.startswith("<!-- slipway-report -->\n### Model: the gate is open, 1 better\n")
    assert gate_on(world, second) == ("success", "1 of 1 thresholds held, 13 model tests passed.")
    writes = [call[0] for call in world.forge.calls if call[0] not in ("statuses",)]
    assert writes == ["pull_request", "edit_comment", "set_status"]
    row = Feedback.objects.get(pull_request=number)
    assert (row.told, row.look_at, row.lease_until, row.why, row.tries) == (report, None, None, "", 0)


def test_twenty_reports_at_once_are_one_comment(world: World, project: Project) -> None:
    number, sha = opened(world)
    for value in range(20):
        reported(project, sha, number, metrics=[{**MAE, "value": value / 100}])
    (row,) = Feedback.objects.filter(pull_request=number)

    def one() -> None:
        tell(row.pk)
        connection.close()

    threads = [threading.Thread(target=one) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    tell_all()
    (said,) = comments(world, number)
    assert "| mae (test) | 0.19 |" in said
    assert len([call for call in world.forge.calls if call[0] in ("upsert_comment", "edit_comment")]) == 1


def test_a_report_that_comes_in_meanwhile_is_told_next(world: World, project: Project) -> None:
    number, sha = opened(world)
    reported(project, sha, number)
    row = feedback.claim(Feedback.objects.get(pull_request=number).pk)
    assert row is not None
    newer = reported(project, sha, number, metrics=[{**MAE, "value": 0.19}])
    assert feedback.claim(row.pk) is None
    world.rung.clear()
    feedback._done(row, feedback.Told(report=row.report, comment_id=7))
    assert world.rung == [TELL]
    tell_all()
    row.refresh_from_db()
    assert (row.told, row.look_at) == (newer, None)


def test_a_comment_that_was_deleted_comes_back(world: World, project: Project) -> None:
    number, sha = opened(world)
    reported(project, sha, number)
    tell_all()
    world.forge.repositories[REPOSITORY].comments[number].clear()
    reported(project, sha, number, metrics=[{**MAE, "value": 0.19}])
    tell_all()
    assert ["0.19" in one for one in comments(world, number)] == [True]


def test_a_comment_of_somebody_else_with_our_mark_is_left_alone(world: World, project: Project) -> None:
    number, sha = opened(world)
    world.forge.comment(REPOSITORY, number, "charlie", "<!-- slipway-report -->\nmine")
    reported(project, sha, number)
    tell_all()
    assert [one.splitlines()[1] for one in comments(world, number)] == ["mine", "### Model: the gate is shut"]


def test_nothing_is_lost_while_the_forge_is_away(world: World, project: Project) -> None:
    number, sha = opened(world)
    reported(project, sha, number)
    world.forge.fail_with(TargetUnavailable("git-1 does not answer."), on="pull_request")
    tell_all()
    row = Feedback.objects.get(pull_request=number)
    assert (row.told, row.lease_until, row.why) == (None, None, "git-1 does not answer.")
    assert row.look_at is not None
    assert timedelta(0) < row.look_at - timezone.now() <= feedback.SHORTEST_PAUSE
    assert feedback.due(limit=9) == []
    Feedback.objects.update(look_at=timezone.now())
    world.rung.clear()
    ring_for_feedback()
    assert world.rung == [TELL]
    tell(row.pk)
    assert len(comments(world, number)) == 1


def test_a_dead_worker_s_row_is_taken_over(world: World, project: Project) -> None:
    number, sha = opened(world)
    reported(project, sha, number)
    dead = feedback.claim(Feedback.objects.get().pk)
    assert dead is not None
    assert feedback.due(limit=9) == []
    Feedback.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    tell_all()
    assert len(comments(world, number)) == 1
    told = Feedback.objects.get()
    feedback._done(dead, feedback.Told(report=dead.report, comment_id=99))
    assert Feedback.objects.get().comment_id == told.comment_id


def test_a_run_whose_tests_could_not_begin_does_not_open_the_gate(world: World, project: Project) -> None:
    main = world.forge.branch_head(REPOSITORY, "main")["sha"]
    reported(project, main, None, tests=PASSED)
    number, sha = opened(world)
    report = reported(project, sha, number, tests={"passed": 0, "failed": [], "regression_examples": 0})
    tell_all()
    assert gate_on(world, sha) == ("failure", "13 model tests are gone.")
    answer = client("alice").get(f"/api/v1/projects/demand/reports/{report.pk}/").json()
    assert (answer["gate_open"], answer["because"]) == (False, "13 model tests are gone.")


def test_each_commit_of_a_branch_is_told_when_two_runs_end_at_once(world: World, project: Project) -> None:
    first = world.forge.branch_head(REPOSITORY, "main")["sha"]
    second = push(world, branch="main")
    reported(project, second, None, metrics=[{**MAE, "value": 0.3}])
    reported(project, first, None, tests=PASSED)
    tell_all()
    assert gate_on(world, first) == ("success", "1 of 1 thresholds held, 13 model tests passed.")
    assert gate_on(world, second)[0] == "failure"
    reported(project, second, None, metrics=[{**MAE, "value": 0.1}], tests=PASSED)
    tell_all()
    assert gate_on(world, second)[0] == "success"
    assert Feedback.objects.count() == 2


def test_a_branch_is_held_by_the_thresholds_of_main(world: World, project: Project) -> None:
    main = world.forge.branch_head(REPOSITORY, "main")["sha"]
    kept = reported(project, main, None, tests=PASSED)
    sha = push(world)
    lax = reported(project, sha, None, branch="shorter-window", metrics=[], tests=PASSED)
    tell_all()
    assert gate_on(world, sha) == ("failure", "mae (test) is gone; 0.2 or less is needed.")
    lax.refresh_from_db()
    assert lax.base == kept
    answer = client("alice").get(f"/api/v1/projects/demand/reports/{lax.pk}/").json()
    assert (answer["gate_open"], answer["compared_with"]) == (False, main)


def test_a_run_of_the_branch_opens_nothing_that_the_pull_request_holds_shut(world: World, project: Project) -> None:
    number, sha = opened(world)
    reported(project, sha, number, metrics=[{**MAE, "value": 0.31}], tests=PASSED)
    tell_all()
    reported(project, sha, None, branch="shorter-window", metrics=[], tests=PASSED)
    tell_all()
    assert gate_on(world, sha) == ("failure", "mae (test) is 0.31; 0.2 or less is needed.")
    assert Feedback.objects.filter(look_at=None, why="").count() == 2


def meanwhile(monkeypatch: pytest.MonkeyPatch, world: World, act: Callable[[], None], *, dies: bool = False) -> None:
    """At the next gate that is set: act first, as if the call took that long, and perhaps die right after it."""
    plain = world.forge.set_status

    def late(*args: Any) -> None:
        monkeypatch.setattr(world.forge, "set_status", plain)
        act()
        plain(*args)
        if dies:
            raise TargetUnavailable("git-1 does not answer.")

    monkeypatch.setattr(world.forge, "set_status", late)


@pytest.mark.parametrize("dies", [False, True])
def test_the_pull_request_has_the_last_word_when_both_are_told_at_once(
    world: World, project: Project, monkeypatch: pytest.MonkeyPatch, dies: bool
) -> None:
    number, sha = opened(world)

    def pull_request_reports() -> None:
        reported(project, sha, number, metrics=[{**MAE, "value": 0.31}], tests=PASSED)
        tell(Feedback.objects.get(pull_request=number).pk)
        assert gate_on(world, sha)[0] == "failure"

    reported(project, sha, None, branch="shorter-window", metrics=[], tests=PASSED)
    meanwhile(monkeypatch, world, pull_request_reports, dies=dies)
    tell_all()
    assert gate_on(world, sha)[0] == "success"
    Feedback.objects.update(look_at=Case(When(look_at__isnull=False, then=timezone.now())))
    tell_all()
    tell_all()
    assert gate_on(world, sha) == ("failure", "mae (test) is 0.31; 0.2 or less is needed.")
    assert not Feedback.objects.exclude(look_at=None).exists()


def pushed(world: World, project: Project, number: int) -> str:
    """A push to the pull request of which the forge told, and was asked about; the commit."""
    head = push(world, "more")
    world.forge.repositories[REPOSITORY].pull_requests[number]["head_sha"] = head
    reports.head_seen(project, number, head=head)
    return head


def test_a_push_takes_the_old_verdict_from_the_top_until_it_reports(world: World, project: Project) -> None:
    number, first = opened(world)
    reported(project, first, number, tests=PASSED)
    tell_all()
    second = pushed(world, project, number)
    world.forge.calls.clear()
    tell_all()
    (said,) = comments(world, number)
    heading = f"### Model: numbers of `{first[:10]}`; `{second[:10]}` has not reported yet"
    assert said.splitlines()[1] == heading
    assert gate_on(world, second) == ("pending", "This commit has not reported about its model yet.")
    assert gate_on(world, first)[0] == "success"
    made = [call[0] for call in world.forge.calls if call[0] != "statuses"]
    assert made == ["pull_request", "edit_comment", "set_status"]

    # A slow run of the commit before is told of it, and stays where it belongs.
    reported(project, first, number, metrics=[{**MAE, "value": 0.9}])
    tell_all()
    assert comments(world, number)[0].splitlines()[1] == heading
    assert (gate_on(world, second)[0], gate_on(world, first)[0]) == ("pending", "failure")

    reported(project, second, number, metrics=[{**MAE, "value": 0.31}])
    tell_all()
    (said,) = comments(world, number)
    assert said.splitlines()[1] == "### Model: the gate is shut"
    assert gate_on(world, second)[0] == "failure"


def test_a_head_that_is_known_or_a_pull_request_without_a_report_costs_no_call(world: World, project: Project) -> None:
    number, sha = opened(world)
    reports.head_seen(project, number, head=sha)
    assert not Feedback.objects.exists()
    reported(project, sha, number)
    tell_all()
    reports.head_seen(project, number, head=sha)
    assert feedback.due(limit=9) == []


def test_a_run_of_the_branch_about_the_head_is_not_put_off(
    world: World, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    number, first = opened(world)
    reported(project, first, number, tests=PASSED)
    tell_all()
    second = pushed(world, project, number)

    def branch_reports() -> None:
        reported(project, second, None, branch="shorter-window", tests=PASSED)
        tell(Feedback.objects.get(commit=second).pk)
        assert gate_on(world, second)[0] == "success"

    meanwhile(monkeypatch, world, branch_reports)
    tell_all()
    assert gate_on(world, second)[0] == "pending"
    tell_all()
    assert gate_on(world, second)[0] == "success"
    third = pushed(world, project, number)
    reported(project, third, None, branch="shorter-window", tests=PASSED)
    tell_all()
    assert gate_on(world, third)[0] == "success"
    assert "has not reported yet" in comments(world, number)[0]


def test_comment_gate_and_page_speak_of_the_same_commit(world: World, project: Project) -> None:
    number, first = opened(world)
    reported(project, first, number, tests=PASSED)
    tell_all()
    second = pushed(world, project, number)
    tell_all()
    page = f"/projects/demand/models/?pull_request={number}"
    said = " ".join(client("alice").get(page).content.decode().split())
    assert f"{second[:10]} has not reported yet, so its gate waits." in said
    assert f"These are the numbers of {first[:10]}." in said
    assert "Its gate was open." in said
    assert "The gate is open." not in said

    reported(project, second, number, tests=PASSED)
    reported(project, first, number, metrics=[{**MAE, "value": 0.9}])
    tell_all()
    said = client("alice").get(page).content.decode()
    assert "The gate is open." in said
    assert f"<code>{second[:12]}</code>" in said


def test_a_report_about_the_head_that_is_written_later_is_told_too(world: World, project: Project) -> None:
    number, head = opened(world)
    older = reported(project, head, number)
    newer = reported(project, "b" * 40, number)
    # As if the one with the smaller number had been written last.
    Report.objects.filter(pk=older.pk).delete()
    tell_all()
    with transaction.atomic():
        older.save(force_insert=True)
        reports._to_be_told(older)
    row = Feedback.objects.get()
    assert (row.report, row.look_at is not None) == (newer, True)
    tell_all()
    assert gate_on(world, head)[0] == "failure"


def test_the_report_of_the_head_counts_when_an_older_run_reports_last(world: World, project: Project) -> None:
    number, first = opened(world)
    second = push(world, "y")
    world.forge.repositories[REPOSITORY].pull_requests[number]["head_sha"] = second
    reported(project, second, number, metrics=[{**MAE, "value": 0.11}])
    reported(project, first, number, metrics=[{**MAE, "value": 0.99}])
    tell_all()
    (said,) = comments(world, number)
    assert "| mae (test) | 0.11 |" in said


def test_the_commit_that_the_branch_left_from_is_compared_with(world: World, project: Project) -> None:
    number, sha = opened(world)
    left_from = world.forge.repositories[REPOSITORY].pull_requests[number]["base_sha"]
    reported(project, left_from, None, metrics=[{**MAE, "value": 0.5}])
    newer = push(world, "z", branch="main")
    reported(project, newer, None, metrics=[{**MAE, "value": 0.6}])
    reported(project, sha, number)
    world.forge.repositories[REPOSITORY].pull_requests[number]["merge_base"] = ""
    tell_all()
    assert "| mae (test) | 0.12 | 0.6 |" in comments(world, number)[0]
    world.forge.repositories[REPOSITORY].pull_requests[number]["merge_base"] = left_from
    reported(project, sha, number)
    tell_all()
    assert "| mae (test) | 0.12 | 0.5 |" in comments(world, number)[0]
    # The API and the page say the same as the comment.
    alice = client("alice")
    newest = alice.get(f"/api/v1/projects/demand/reports/?pull_request={number}").json()["items"][0]
    assert alice.get(newest["url"]).json()["compared_with"] == left_from
    assert left_from[:10] in alice.get(f"/projects/demand/models/?pull_request={number}").content.decode()


@pytest.mark.parametrize("state", ["closed", "missing"])
def test_a_pull_request_that_is_closed_or_was_never_there_is_told_nothing(
    world: World, project: Project, state: str
) -> None:
    number, sha = opened(world)
    if state == "closed":
        world.forge.repositories[REPOSITORY].pull_requests[number]["state"] = "closed"
    else:
        number = 77
    reported(project, sha, number)
    tell_all()
    assert comments(world, number) == []
    assert (Feedback.objects.get().look_at, Feedback.objects.get().why) == (None, "The pull request is closed.")


def test_a_repository_that_is_not_the_project_s_is_not_written_to(world: World, project: Project) -> None:
    number, sha = opened(world)
    reported(project, sha, number)
    Resource.objects.filter(project=project, kind="repository").update(ready_status="False")
    world.forge.calls.clear()
    tell_all()
    assert world.forge.calls == []
    assert Feedback.objects.get().look_at is not None


def test_a_project_that_is_being_removed_says_nothing(world: World, project: Project) -> None:
    number, sha = opened(world)
    reported(project, sha, number)
    Project.objects.update(deletion_requested_at=timezone.now())
    world.forge.calls.clear()
    tell_all()
    assert world.forge.calls == []
    assert (Feedback.objects.get().look_at, Feedback.objects.get().why) == (None, "The project is being removed.")


def test_a_commit_that_the_forge_does_not_know_leaves_the_comment(world: World, project: Project) -> None:
    number, _ = opened(world)
    reported(project, "b" * 40, number)
    tell_all()
    assert len(comments(world, number)) == 1
    row = Feedback.objects.get()
    assert (row.look_at, "has no commit bbbbbbbbbb" in row.why) == (None, True)


def refused(world: World, project: Project) -> tuple[int, Report]:
    """A pull request that the forge refused to be told about."""
    number, sha = opened(world)
    report = reported(project, sha, number)
    world.forge.fail_with(PermanentError("git-1 refuses."), on="upsert_comment")
    tell_all()
    return number, report


def test_what_the_forge_refused_is_said_over_rest(world: World, project: Project) -> None:
    _, report = refused(world, project)
    told = client("bob").get(f"/api/v1/projects/demand/reports/{report.pk}/").json()["told"]
    assert told.pop("at") is not None
    assert told == {"waits": False, "why": "git-1 refuses."}


def test_a_look_that_is_asked_for_tells_again_what_was_refused(world: World, project: Project) -> None:
    number, report = refused(world, project)
    page = f"/projects/{project.slug}/look/"
    assert client("charlie").post(page).status_code == 404
    tell_all()
    assert comments(world, number) == []

    assert client("alice").post(page, {"kind": "bucket"}).status_code == 302
    tell_all()
    assert comments(world, number) == []

    world.rung.clear()
    assert client("alice").post(page).status_code == 302
    assert TELL in world.rung
    tell_all()
    assert len(comments(world, number)) == 1
    row = Feedback.objects.get()
    assert (row.told, row.look_at, row.why) == (report, None, "")


def test_the_repository_that_came_right_is_told_again_once(world: World, project: Project) -> None:
    number, _ = refused(world, project)
    ring_for_feedback()
    assert Feedback.objects.get().look_at is None
    right = Resource.objects.filter(project=project, kind="webhook")
    right.update(synced_status="False", synced_since=timezone.now())
    ring_for_feedback()
    assert Feedback.objects.get().look_at is None

    right.update(synced_status="True", synced_since=timezone.now())
    world.forge.fail_with(PermanentError("git-1 still refuses."), on="upsert_comment")
    ring_for_feedback()
    tell_all()
    assert Feedback.objects.get().why == "git-1 still refuses."
    ring_for_feedback()
    assert (Feedback.objects.get().look_at, comments(world, number)) == (None, [])


def test_only_so_much_is_told_again_at_a_time(world: World, project: Project) -> None:
    for number in range(1, telling_again.AT_MOST + 3):
        reported(project, "b" * 40, number)
    Feedback.objects.update(look_at=None, why="git-1 refuses.", told_at=timezone.now())

    with transaction.atomic():
        telling_again.after_a_look(project)

    left = Feedback.objects.filter(look_at=None)
    assert sorted(left.values_list("pull_request", flat=True)) == [1, 2]


def test_what_the_forge_refuses_for_good_waits_for_the_next_report(world: World, project: Project) -> None:
    number, sha = opened(world)
    reported(project, sha, number)
    world.forge.fail_with(PermanentError("git-1 refuses."), on="upsert_comment")
    tell_all()
    assert (Feedback.objects.get().look_at, Feedback.objects.get().why) == (None, "git-1 refuses.")
    reported(project, sha, number)
    tell_all()
    assert len(comments(world, number)) == 1
