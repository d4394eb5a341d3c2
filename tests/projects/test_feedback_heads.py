"""Which commit of a pull request is spoken of, and who has the last word where several speak of one commit."""

import pytest
from django.db import connection
from django.db.models import Case, When
from django.utils import timezone

from projects import feedback, reports
from projects.feedback_tasks import tell
from projects.model_history import gates_of
from projects.models import Feedback, Project, Report
from tests.ci import MAE, PASSED
from tests.people import client
from tests.projects.pages import text
from tests.projects.telling import (
    LAX,
    MISSED,
    WAITS,
    comments,
    gate_on,
    into_scratch,
    looked_at,
    main_of,
    main_reported,
    meanwhile,
    offered,
    opened,
    push,
    ready,
    reported,
    tell_all,
)
from tests.projects.tended import REPOSITORY, World

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def project(world: World, nothing_remembered: None) -> Project:
    return ready(world)


def test_a_run_of_the_branch_opens_nothing_that_the_pull_request_holds_shut(world: World, project: Project) -> None:
    number, sha = opened(world)
    reported(project, sha, number, metrics=[{**MAE, "value": 0.31}], tests=PASSED)
    tell_all()
    reported(project, sha, None, branch="shorter-window", metrics=[], tests=PASSED)
    tell_all()
    assert gate_on(world, sha) == ("failure", "mae (test) is 0.31; 0.2 or less is needed.")
    assert Feedback.objects.filter(look_at=None, why="").count() == 2


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
    head = offered(world, number, "more")
    reports.head_seen(project, number, head=head, base_branch="main")
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
    assert gate_on(world, second) == WAITS
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
    reports.head_seen(project, number, head=sha, base_branch="main")
    assert not Feedback.objects.exists()
    reported(project, sha, number)
    tell_all()
    reports.head_seen(project, number, head=sha, base_branch="main")
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


@pytest.mark.parametrize("reports_itself", [False, True])
def test_of_two_pull_requests_with_one_commit_the_stricter_holds_the_gate(
    world: World, project: Project, reports_itself: bool
) -> None:
    main_reported(world, project)
    number, sha = opened(world)
    other = into_scratch(world)
    if reports_itself:
        reported(project, sha, number, metrics=LAX, tests=PASSED)
    else:
        reported(project, "b" * 40, number, metrics=LAX, tests=PASSED)
    tell_all()
    reported(project, sha, other, metrics=LAX, tests=PASSED)
    tell_all()
    assert gate_on(world, sha) == ("failure", f"Pull request {number}: {MISSED}")
    assert comments(world, other)[0].splitlines()[1:4] == [
        "### Model: the gate is shut",
        "",
        f"Pull request {number}: {MISSED}",
    ]
    path = f"/projects/demand/models/?pull_request={other}"
    page = client("alice").get(path, headers={"Accept-Language": "sv"})
    held = f"Pull request {number}: mae (test) är 0.9; 0.2 eller mindre krävs."
    assert f"Spärren är stängd. En annan pull request har samma commit, och spärren är commitens. {held}" in text(page)
    assert page.context["runs"][0][1] is False
    report = Report.objects.get(pull_request=other)
    told = client("alice").get(f"/api/v1/projects/demand/reports/{report.pk}/").json()
    assert (told["gate_open"], told["told"]["held_by"]) == (True, f"Pull request {number}: {MISSED}")
    assert comments(world, other)[0].splitlines()[1:4] == [
        "### Model: the gate is shut",
        "",
        f"Pull request {number}: {MISSED}",
    ]
    tell_all()
    assert gate_on(world, sha)[0] == "failure"
    assert feedback.due(limit=9) == []

    first = world.forge.repositories[REPOSITORY].pull_requests[number]
    for state, gate in (("closed", "success"), ("open", "failure"), ("closed", "success")):
        first["state"] = state
        looked_at(world, project, number)
        tell_all()
        tell_all()
        assert gate_on(world, sha)[0] == gate, state
        held_by = Feedback.objects.get(pull_request=other).held_by
        assert bool(held_by) == (gate == "failure")
        looked_at(world, project, number)
        assert feedback.due(limit=9) == []


def test_one_that_moved_and_closed_at_once_lets_go_of_what_it_held(world: World, project: Project) -> None:
    main_reported(world, project)
    number, sha = opened(world)
    reported(project, sha, number, metrics=LAX, tests=PASSED)
    tell_all()
    reported(project, sha, into_scratch(world), metrics=LAX, tests=PASSED)
    tell_all()
    assert gate_on(world, sha)[0] == "failure"
    world.forge.repositories[REPOSITORY].pull_requests[number] |= {"head_sha": "c" * 40, "state": "closed"}
    looked_at(world, project, number)
    tell_all()
    tell_all()
    assert gate_on(world, sha)[0] == "success"


def test_one_that_was_open_for_a_moment_lets_go_too(world: World, project: Project) -> None:
    main_reported(world, project)
    number, sha = opened(world)
    reported(project, sha, number, metrics=LAX, tests=PASSED)
    other = into_scratch(world)
    first = world.forge.repositories[REPOSITORY].pull_requests[number]
    first["state"] = "closed"
    reported(project, sha, other, metrics=LAX, tests=PASSED)
    tell_all()
    assert gate_on(world, sha)[0] == "success"
    first["state"] = "open"
    looked_at(world, project, number)
    Feedback.objects.filter(pull_request=other).update(look_at=timezone.now())
    tell(Feedback.objects.get(pull_request=other).pk)
    assert gate_on(world, sha)[0] == "failure"
    first["state"] = "closed"
    looked_at(world, project, number)
    tell_all()
    tell_all()
    assert gate_on(world, sha)[0] == "success"


def test_one_that_is_pushed_anew_and_reports_at_once_lets_go_of_its_old_commit(world: World, project: Project) -> None:
    main_reported(world, project)
    number, sha = opened(world)
    reported(project, sha, number, metrics=LAX, tests=PASSED)
    other = into_scratch(world)
    reported(project, sha, other, metrics=LAX, tests=PASSED)
    tell_all()
    tell_all()
    assert gate_on(world, sha)[0] == "failure"
    head = push(world, "forced")
    world.forge.repositories[REPOSITORY].pull_requests[number]["head_sha"] = head
    world.forge.repositories[REPOSITORY].pull_requests[other]["head_sha"] = sha
    reported(project, head, number, metrics=[MAE], tests=PASSED)
    tell_all()
    tell_all()
    assert (gate_on(world, head)[0], gate_on(world, sha)[0]) == ("success", "success")
    assert Feedback.objects.get(pull_request=other).held_by == ""
    assert feedback.due(limit=9) == []


def test_a_pull_request_is_beside_the_base_s_report_on_its_own_data(world: World, project: Project) -> None:
    main = main_of(world)
    pinned, newer = "a" * 32 + ".dir", "b" * 32 + ".dir"
    reported(project, main, None, metrics=[MAE], tests=PASSED, data_hash=newer)
    number, sha = opened(world)
    mine = reported(project, sha, number, metrics=[{**MAE, "value": 0.1}], tests=PASSED, data_hash=pinned)
    tell_all()
    other = f"Measured on other data than main {main[:10]}. "
    assert f"{other}Rebase it or have it trained again, to compare on the same data." in comments(world, number)[0]
    path = f"/projects/demand/models/?pull_request={number}"
    swedish = text(client("alice", language="sv").get(path))
    assert f"Mätt på andra data än main {main[:10]}. Rebasea den eller träna den igen" in swedish
    # The commit's run on the same data comes in, and then a training on yet newer data.
    same = reported(project, main, None, metrics=[{**MAE, "value": 0.15}], tests=PASSED, data_hash=pinned)
    reported(project, main, None, metrics=[{**MAE, "value": 0.05}], tests=PASSED, data_hash=newer)
    tell_all()
    (said,) = comments(world, number)
    assert ("other data" in said, "| mae (test) | 0.1 | 0.15 | ▲ better" in said) == (False, True)
    mine.refresh_from_db()
    assert mine.base == same
    assert "other data" not in text(client("alice").get(path))


def test_a_run_of_main_that_stopped_early_lets_no_threshold_go(world: World, project: Project) -> None:
    main_reported(world, project)
    later = push(world, "broken", branch="main")
    halted = {"passed": 0, "failed": [{"name": "CI stopped at unit", "kind": "other", "example": "3 failed"}]}
    reported(project, later, None, metrics=[], tests={**halted, "regression_examples": 0}, data_hash=None)
    number, sha = opened(world)
    world.forge.repositories[REPOSITORY].pull_requests[number]["merge_base"] = later
    reported(project, sha, number, metrics=LAX, tests=PASSED)
    tell_all()
    assert gate_on(world, later) == ("failure", "CI stopped at unit, before it measured the model.")
    assert gate_on(world, sha) == ("failure", MISSED)
    page = text(client("alice").get("/projects/demand/models/"))
    assert "The gate is shut. CI stopped at unit, before it measured the model." in page


def test_a_comment_that_is_deleted_between_two_looks_is_made_once(world: World, project: Project) -> None:
    number, first = opened(world)
    reported(project, first, number, tests=PASSED)
    tell_all()
    world.forge.repositories[REPOSITORY].comments[number].clear()
    for state in ("closed", "open"):
        world.forge.repositories[REPOSITORY].pull_requests[number]["state"] = state
        looked_at(world, project, number)
        tell_all()
        tell_all()
    assert [one.splitlines()[1] for one in comments(world, number)] == ["### Model: the gate is open"]
    reported(project, first, number, tests=PASSED)
    tell_all()
    assert len(comments(world, number)) == 1


def test_a_pull_request_that_comes_to_a_reported_commit_is_heard(world: World, project: Project) -> None:
    main_reported(world, project)
    number, first = opened(world)
    reported(project, first, number, metrics=[MAE], tests=PASSED)
    tell_all()
    other = into_scratch(world)
    head = push(world, "more")
    reported(project, head, other, metrics=LAX, tests=PASSED)
    tell_all()
    assert gate_on(world, head)[0] == "success"
    reports.head_seen(project, number, head=head, base_branch="main")
    tell_all()
    tell_all()
    assert gate_on(world, head)[0] == "failure"
    assert feedback.due(limit=9) == []


def test_a_pull_request_that_goes_to_another_branch_is_told_anew(world: World, project: Project) -> None:
    main_reported(world, project)
    sha, number = push(world), into_scratch(world)
    reported(project, sha, number, metrics=LAX, tests=PASSED)
    tell_all()
    assert gate_on(world, sha)[0] == "success"
    world.forge.repositories[REPOSITORY].pull_requests[number]["base_branch"] = "main"
    looked_at(world, project, number)
    tell_all()
    assert gate_on(world, sha) == ("failure", MISSED)
    assert "| metric | this | main `" in comments(world, number)[0]
    assert Feedback.objects.get(pull_request=number).base_branch == "main"


def test_a_base_that_reports_after_the_pull_request_holds_it(world: World, project: Project) -> None:
    main = main_of(world)
    number, sha = opened(world)
    report = reported(project, sha, number, metrics=LAX, tests=PASSED)
    tell_all()
    assert gate_on(world, sha)[0] == "success"
    reported(project, main, None, metrics=[MAE], tests=PASSED)
    tell_all()
    assert gate_on(world, sha) == ("failure", MISSED)
    assert f"main `{main[:10]}`" in comments(world, number)[0]
    said = client("alice").get(f"/api/v1/projects/demand/reports/{report.pk}/").json()
    assert (said["gate_open"], said["compared_with"]) == (False, main)
    # The same again changes nothing, and asks nobody.
    reported(project, main, None, metrics=[MAE], tests=PASSED)
    assert not Feedback.objects.filter(pull_request=number).exclude(look_at=None).exists()


def test_the_commit_that_it_left_from_may_report_after_a_newer_one(world: World, project: Project) -> None:
    number, sha = opened(world)
    left_from = world.forge.repositories[REPOSITORY].pull_requests[number]["merge_base"]
    newer = push(world, "z", branch="main")
    reported(project, newer, None, metrics=[{**MAE, "value": 0.5, "threshold": None}], tests=PASSED)
    reported(project, sha, number, metrics=LAX, tests=PASSED)
    tell_all()
    assert gate_on(world, sha)[0] == "success"
    reported(project, left_from, None, metrics=[MAE], tests=PASSED)
    tell_all()
    assert gate_on(world, sha)[0] == "failure"


def test_a_base_that_reports_while_it_is_told_is_looked_at_next(
    world: World, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    main = main_of(world)
    number, sha = opened(world)
    reported(project, sha, number, metrics=LAX, tests=PASSED)
    meanwhile(monkeypatch, world, lambda: reported(project, main, None, metrics=[MAE], tests=PASSED))
    tell_all()
    assert gate_on(world, sha)[0] == "success"
    tell_all()
    assert gate_on(world, sha)[0] == "failure"


def test_where_nothing_is_there_to_compare_with_page_and_gate_say_the_same(world: World, project: Project) -> None:
    main_reported(world, project)
    sha, number = push(world), into_scratch(world)
    reported(project, sha, number, metrics=LAX, tests=PASSED)
    page = f"/projects/demand/models/?pull_request={number}"
    tell_all()
    assert gate_on(world, sha)[0] == "success"
    assert "The gate is open." in client("alice").get(page).content.decode()
    report = Report.objects.get(pull_request=number)
    assert (report.base, report.told_alone) == (None, True)
    assert [one.passed for one in gates_of([report], branches=["main"])] == [True]


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


def _next_number(again: int = 0) -> int:
    """Take the next number of a report, as a transaction does that is not written yet; or give this one out again."""
    sequence = "pg_get_serial_sequence('projects_report', 'id')"
    with connection.cursor() as cursor:
        if again:
            cursor.execute(f"SELECT setval({sequence}, %s, false)", [again])
            return again
        cursor.execute(f"SELECT nextval({sequence})")
        return int(cursor.fetchone()[0])


def test_a_report_about_the_head_that_is_written_later_is_told_too(world: World, project: Project) -> None:
    number, head = opened(world)
    taken = _next_number()
    newer = reported(project, "b" * 40, number)
    tell_all()
    _next_number(taken)
    assert reported(project, head, number).pk == taken
    row = Feedback.objects.get()
    assert (row.report, row.look_at is not None) == (newer, True)
    tell_all()
    assert gate_on(world, head)[0] == "failure"


def test_the_report_of_the_head_counts_when_an_older_run_reports_last(world: World, project: Project) -> None:
    number, first = opened(world)
    second = offered(world, number, "y")
    reported(project, second, number, metrics=[{**MAE, "value": 0.11}])
    reported(project, first, number, metrics=[{**MAE, "value": 0.99}])
    tell_all()
    (said,) = comments(world, number)
    assert "| mae (test) | 0.11 |" in said
