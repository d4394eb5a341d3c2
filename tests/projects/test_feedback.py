"""What the forge is told: one comment for a pull request, the gate, at least once, and never into a foreign place."""

import threading
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from projects import feedback, telling_again
from projects.feedback_tasks import ring_for_feedback, tell
from projects.models import Feedback, Project, Report
from provisioning.errors import PermanentError, TargetUnavailable
from provisioning.models import Resource
from provisioning.phrases import phrase
from tests.ci import MAE, PASSED
from tests.people import client
from tests.projects import file_door
from tests.projects.pages import text
from tests.projects.telling import (
    comments,
    gate_on,
    looked_at,
    main_of,
    meanwhile,
    opened,
    push,
    ready,
    reported,
    tell_all,
)
from tests.projects.tended import REPOSITORY, World

pytestmark = pytest.mark.django_db(transaction=True)

TELL = "projects.feedback_tasks.tell"


@pytest.fixture
def project(world: World, nothing_remembered: None) -> Project:
    return ready(world)


def swedish_page(number: int) -> str:
    """What alice reads of a pull request in Swedish."""
    return text(client("alice", language="sv").get(f"/projects/demand/models/?pull_request={number}"))


def test_red_then_green_in_one_comment(world: World, project: Project) -> None:
    main = main_of(world)
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


def test_a_report_that_comes_in_meanwhile_is_told_next(
    world: World, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    number, sha = opened(world)
    reported(project, sha, number)
    row = Feedback.objects.get(pull_request=number)
    newer: list[Report] = []

    def one_more() -> None:
        newer.append(reported(project, sha, number, metrics=[{**MAE, "value": 0.19}]))
        assert feedback.claim(row.pk) is None
        world.rung.clear()

    meanwhile(monkeypatch, world, one_more)
    tell(row.pk)
    assert world.rung == [TELL]
    tell_all()
    row.refresh_from_db()
    assert ([row.told], row.look_at) == (newer, None)


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


def test_a_forge_that_says_how_long_is_left_alone_so_long(world: World, project: Project) -> None:
    number, sha = opened(world)
    reported(project, sha, number)
    world.forge.fail_with(TargetUnavailable("git-1 was asked too much.", delay=3000), on="pull_request")
    tell_all()
    row = Feedback.objects.get(pull_request=number)
    assert row.look_at is not None
    assert timedelta(seconds=2990) < row.look_at - timezone.now() <= timedelta(seconds=3000)


def test_nothing_is_lost_while_the_forge_is_away(world: World, project: Project) -> None:
    number, sha = opened(world)
    reported(project, sha, number)
    world.forge.fail_with(TargetUnavailable("git-1 does not answer."), on="pull_request")
    tell_all()
    row = Feedback.objects.get(pull_request=number)
    assert (row.told, row.lease_until, row.why) == (None, None, "git-1 does not answer.")
    assert row.look_at is not None
    assert timedelta(0) < row.look_at - timezone.now() <= feedback.FIRST_PAUSE
    assert feedback.due(limit=9) == []
    Feedback.objects.update(look_at=timezone.now())
    world.rung.clear()
    ring_for_feedback()
    assert world.rung == [TELL]
    tell(row.pk)
    assert len(comments(world, number)) == 1


def test_who_was_taken_over_notes_nothing(world: World, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    number, sha = opened(world)
    reported(project, sha, number)
    row = Feedback.objects.get()

    def too_slow() -> None:
        Feedback.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
        tell(row.pk)
        Feedback.objects.update(why="told by another")

    meanwhile(monkeypatch, world, too_slow)
    tell(row.pk)
    row.refresh_from_db()
    assert (row.why, row.look_at, row.lease_until) == ("told by another", None, None)
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


def test_a_run_whose_tests_could_not_begin_does_not_open_the_gate(world: World, project: Project) -> None:
    main = main_of(world)
    reported(project, main, None, tests=PASSED)
    number, sha = opened(world)
    report = reported(project, sha, number, tests={"passed": 0, "failed": [], "regression_examples": 0})
    tell_all()
    assert gate_on(world, sha) == ("failure", "13 model tests are gone.")
    answer = client("alice").get(f"/api/v1/projects/demand/reports/{report.pk}/").json()
    assert (answer["gate_open"], answer["because"]) == (False, "13 model tests are gone.")


def test_each_commit_of_a_branch_is_told_when_two_runs_end_at_once(world: World, project: Project) -> None:
    first = main_of(world)
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
    main = main_of(world)
    kept = reported(project, main, None, tests=PASSED)
    sha = push(world)
    lax = reported(project, sha, None, branch="shorter-window", metrics=[], tests=PASSED)
    tell_all()
    assert gate_on(world, sha) == ("failure", "mae (test) is gone; 0.2 or less is needed.")
    lax.refresh_from_db()
    assert lax.base == kept
    answer = client("alice").get(f"/api/v1/projects/demand/reports/{lax.pk}/").json()
    assert (answer["gate_open"], answer["compared_with"]) == (False, main)


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


def test_one_that_closes_after_it_was_told_still_says_so(world: World, project: Project) -> None:
    number, sha = opened(world)
    reported(project, sha, number, tests=PASSED)
    tell_all()
    before = Feedback.objects.get()
    world.forge.repositories[REPOSITORY].pull_requests[number]["state"] = "closed"
    looked_at(world, project, number)
    tell_all()
    row = Feedback.objects.get()
    assert (row.closed, row.why, row.told, row.told_at) == (True, "", before.told, before.told_at)
    path = f"/projects/demand/models/?pull_request={number}"
    assert "The forge was told" in client("alice").get(path).content.decode()
    reported(project, sha, number, tests=PASSED)
    tell_all()
    assert Feedback.objects.get().why == Feedback.CLOSED
    assert "it was closed when the report came" in client("alice").get(path).content.decode()


def test_a_repository_that_is_not_the_project_s_is_not_written_to(world: World, project: Project) -> None:
    number, sha = opened(world)
    reported(project, sha, number)
    Resource.objects.filter(project=project, kind="repository").update(ready_status="False")
    world.forge.calls.clear()
    tell_all()
    assert world.forge.calls == []
    assert (Feedback.objects.get().look_at is not None, Feedback.objects.get().why) == (
        True,
        "The repository is not ready.",
    )
    said = "Kodplattformen har inte fått besked än: Repot är inte klart. Vi försöker igen av oss själva."
    assert said in swedish_page(number)


def test_after_a_rename_it_is_told_under_the_new_name_and_not_to_who_took_the_old_one(
    world: World, project: Project
) -> None:
    number, sha = opened(world)
    row = file_door.listened(project)
    file_door.look(world.forge, row)
    world.forge.rename(REPOSITORY, "winter")
    file_door.look(world.forge, row)
    world.forge.create_repository("forecasting", "demand", "Somebody else's")
    reported(project, sha, number, metrics=[MAE], tests=PASSED)
    tell_all()
    told = world.forge.repositories["forecasting/winter"]
    assert [said["state"] for said in told.statuses[sha].values()] == ["success"]
    assert len(told.comments[number]) == 1
    assert world.forge.repositories[REPOSITORY].comments == {}
    assert Feedback.objects.get().look_at is None


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
    assert told == {"waits": False, "why": "git-1 refuses.", "held_by": None}


def test_what_the_forge_refused_is_said_in_the_reader_s_language(world: World, project: Project) -> None:
    number, sha = opened(world)
    reported(project, sha, number)
    says = phrase("%(name)s refuses our credential. The platform team must renew it.", name="git-1")
    world.forge.fail_with(PermanentError(says), on="upsert_comment")
    tell_all()
    assert Feedback.objects.get().why == "git-1 refuses our credential. The platform team must renew it."
    assert "git-1 godtar inte vår nyckel. Plattformsteamet måste förnya den." in swedish_page(number)


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


def test_closed_pull_requests_take_no_place_of_what_was_refused(world: World, project: Project) -> None:
    for number in range(1, telling_again.AT_MOST + 2):
        reported(project, "b" * 40, number)
    Feedback.objects.update(look_at=None, why=Feedback.CLOSED, told_at=timezone.now())
    Feedback.objects.filter(pull_request=1).update(why="git-1 refuses.")

    with transaction.atomic():
        telling_again.after_a_look(project)

    assert list(Feedback.objects.exclude(look_at=None).values_list("pull_request", flat=True)) == [1]


def test_what_the_forge_refuses_for_good_waits_for_the_next_report(world: World, project: Project) -> None:
    number, sha = opened(world)
    reported(project, sha, number)
    world.forge.fail_with(PermanentError("git-1 refuses."), on="upsert_comment")
    tell_all()
    assert (Feedback.objects.get().look_at, Feedback.objects.get().why) == (None, "git-1 refuses.")
    reported(project, sha, number)
    tell_all()
    assert len(comments(world, number)) == 1
