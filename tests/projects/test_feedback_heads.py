"""Which commit of a pull request is spoken of, and who has the last word where several speak of one commit."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import transaction
from django.db.models import Case, When
from django.utils import timezone

from projects import feedback, intake, reports
from projects.feedback_tasks import tell
from projects.installation import installation
from projects.listening import register_project_repository
from projects.model_history import gates_of
from projects.models import Delivery, Feedback, Project, RegisteredRepository, Report
from provisioning.errors import PermanentError, TargetUnavailable
from provisioning.models import Resource
from tests.ci import MAE, PASSED
from tests.people import client
from tests.projects import file_door
from tests.projects.telling import comments, gate_on, opened, push, ready, reported, tell_all
from tests.projects.tended import REPOSITORY, World, installed

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def project(world: World) -> Iterator[Project]:
    with ready(world) as made:
        yield made


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
    assert gate_on(world, second) == ("pending", "Waits for CI to report about this commit's model.")
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


def into_scratch(world: World) -> int:
    """A second pull request from the branch of the first, into a branch without a report; its number."""
    world.forge.create_branch(REPOSITORY, "scratch", "main")
    push(world, "drift", branch="scratch")
    return world.forge.create_pull_request(REPOSITORY, "shorter-window", "scratch", "Try it", "")


LAX: list[dict[str, Any]] = [{**MAE, "value": 0.9, "threshold": None}]


@pytest.mark.parametrize("reports_itself", [False, True])
def test_of_two_pull_requests_with_one_commit_the_stricter_holds_the_gate(
    world: World, project: Project, reports_itself: bool
) -> None:
    reported(project, world.forge.branch_head(REPOSITORY, "main")["sha"], None, metrics=[MAE], tests=PASSED)
    number, sha = opened(world)
    other = into_scratch(world)
    if reports_itself:
        reported(project, sha, number, metrics=LAX, tests=PASSED)
    else:
        reported(project, "b" * 40, number, metrics=LAX, tests=PASSED)
    tell_all()
    reported(project, sha, other, metrics=LAX, tests=PASSED)
    tell_all()
    missed = "mae (test) is 0.9; 0.2 or less is needed."
    assert gate_on(world, sha) == ("failure", f"Pull request {number}: {missed}")
    assert comments(world, other)[0].splitlines()[1:4] == [
        "### Model: the gate is shut",
        "",
        f"Pull request {number}: {missed}",
    ]
    tell_all()
    assert gate_on(world, sha)[0] == "failure"
    assert feedback.due(limit=9) == []

    world.forge.repositories[REPOSITORY].pull_requests[number]["state"] = "closed"
    Feedback.objects.filter(pull_request=number).update(look_at=timezone.now())
    tell_all()
    tell_all()
    assert gate_on(world, sha)[0] == "success"
    assert feedback.due(limit=9) == []


def test_a_pull_request_that_comes_to_a_reported_commit_is_heard(world: World, project: Project) -> None:
    reported(project, world.forge.branch_head(REPOSITORY, "main")["sha"], None, metrics=[MAE], tests=PASSED)
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
    reported(project, world.forge.branch_head(REPOSITORY, "main")["sha"], None, metrics=[MAE], tests=PASSED)
    sha, number = push(world), into_scratch(world)
    reported(project, sha, number, metrics=LAX, tests=PASSED)
    tell_all()
    assert gate_on(world, sha)[0] == "success"
    world.forge.repositories[REPOSITORY].pull_requests[number]["base_branch"] = "main"
    row = register_project_repository(project, installation=installation())
    assert row is not None
    file_door.delivered(row, pull_request=number)
    file_door.look(world.forge, row)
    tell_all()
    assert gate_on(world, sha) == ("failure", "mae (test) is 0.9; 0.2 or less is needed.")
    assert "| metric | this | main `" in comments(world, number)[0]
    assert Feedback.objects.get(pull_request=number).base_branch == "main"


def test_a_base_that_reports_after_the_pull_request_holds_it(world: World, project: Project) -> None:
    main = world.forge.branch_head(REPOSITORY, "main")["sha"]
    number, sha = opened(world)
    report = reported(project, sha, number, metrics=LAX, tests=PASSED)
    tell_all()
    assert gate_on(world, sha)[0] == "success"
    reported(project, main, None, metrics=[MAE], tests=PASSED)
    tell_all()
    missed = "mae (test) is 0.9; 0.2 or less is needed."
    assert gate_on(world, sha) == ("failure", missed)
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
    main = world.forge.branch_head(REPOSITORY, "main")["sha"]
    number, sha = opened(world)
    reported(project, sha, number, metrics=LAX, tests=PASSED)
    meanwhile(monkeypatch, world, lambda: reported(project, main, None, metrics=[MAE], tests=PASSED))
    tell_all()
    assert gate_on(world, sha)[0] == "success"
    tell_all()
    assert gate_on(world, sha)[0] == "failure"


def test_where_nothing_is_there_to_compare_with_page_and_gate_say_the_same(world: World, project: Project) -> None:
    reported(project, world.forge.branch_head(REPOSITORY, "main")["sha"], None, metrics=[MAE], tests=PASSED)
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


WAITS = ("pending", "Waits for CI to report about this commit's model.")


@pytest.fixture
def gated(world: World) -> Iterator[Project]:
    with ready(world, options={"repository": {"model_gate": "required"}}) as made:
        yield made


def looked_at(world: World, project: Project, number: int) -> str:
    """The forge tells of the pull request, and a worker looks; what came of it."""
    row = register_project_repository(project, installation=installation())
    assert row is not None
    name = f"d-{Delivery.objects.count()}"
    told = Delivery.objects.create(repository=row, delivery_id=name, event="pull_request", pull_request=number)
    RegisteredRepository.objects.filter(pk=row.pk).update(look_at="2020-01-01T00:00:00Z")
    intake.read(row.pk, installation=installation(), open_client=lambda _: world.forge)
    told.refresh_from_db()
    return told.outcome


def offered(world: World, number: int, text: str) -> str:
    """A push to the pull request; the commit."""
    head = push(world, text)
    world.forge.repositories[REPOSITORY].pull_requests[number]["head_sha"] = head
    return head


def test_a_required_gate_waits_for_the_first_report_of_each_head(world: World, gated: Project) -> None:
    number, first = opened(world)
    looked_at(world, gated, number)
    assert gate_on(world, first) == WAITS
    world.forge.calls.clear()
    looked_at(world, gated, number)
    assert world.forge.made("set_status") == []
    second = offered(world, number, "more")
    looked_at(world, gated, number)
    assert gate_on(world, second) == WAITS
    assert comments(world, number) == []
    reported(gated, second, number, tests=PASSED)
    tell_all()
    assert gate_on(world, second)[0] == "success"


def test_a_gate_that_is_only_shown_waits_where_something_was_reported_before(world: World, project: Project) -> None:
    number, first = opened(world)
    looked_at(world, project, number)
    assert world.forge.statuses(REPOSITORY, first) == {}
    reported(project, "a" * 40, None, tests=PASSED)
    looked_at(world, project, number)
    assert gate_on(world, first) == WAITS


@pytest.mark.parametrize("why", ["no CI", "not vetted", "closed", "being removed"])
def test_no_gate_waits_where_nothing_is_to_come(world: World, gated: Project, why: str) -> None:
    number, first = opened(world)
    without_ci = {"clusters": [{**installation().catalogue.cluster().model_dump(), "ci_listener_url": ""}]}
    if why == "not vetted":
        Resource.objects.filter(kind="repository").update(ready_status="Unknown")
    elif why == "closed":
        world.forge.repositories[REPOSITORY].pull_requests[number]["state"] = "closed"
    elif why == "being removed":
        Project.objects.update(deletion_requested_at=timezone.now())
    with installed(**without_ci if why == "no CI" else {}):
        looked_at(world, gated, number)
    assert world.forge.statuses(REPOSITORY, first) == {}


def test_a_forge_that_takes_no_gate_costs_the_preview_nothing(world: World, gated: Project) -> None:
    number, _ = opened(world)
    world.forge.fail_with(PermanentError("slipway-bot may not write there."), on="set_status")
    assert looked_at(world, gated, number) == (
        "The pull request does not touch profile.yaml. slipway-bot may not write there."
    )


def test_a_fork_is_told_how_it_comes_to_a_report(world: World, gated: Project) -> None:
    number, first = opened(world)
    world.forge.repositories[REPOSITORY].pull_requests[number]["head_repository"] = "bob/demand"
    looked_at(world, gated, number)
    assert gate_on(world, first) == (
        "pending",
        "CI can't report about a fork: an owner pushes this to a branch of the project.",
    )


@pytest.mark.parametrize("dies", [False, True])
def test_who_reports_while_the_gate_is_held_has_the_last_word(
    world: World, gated: Project, monkeypatch: pytest.MonkeyPatch, dies: bool
) -> None:
    number, first = opened(world)

    def branch_reports() -> None:
        reported(gated, first, None, branch="shorter-window", tests=PASSED)
        tell_all()
        assert gate_on(world, first)[0] == "success"

    meanwhile(monkeypatch, world, branch_reports, dies=dies)
    looked_at(world, gated, number)
    assert gate_on(world, first)[0] == "pending"
    if dies:
        looked_at(world, gated, number)
    tell_all()
    assert gate_on(world, first)[0] == "success"


def test_a_gate_opened_for_another_branch_waits_for_the_one_that_goes_to_main(world: World, gated: Project) -> None:
    reported(gated, world.forge.branch_head(REPOSITORY, "main")["sha"], None, metrics=[MAE], tests=PASSED)
    sha, other = push(world), into_scratch(world)
    reported(gated, sha, other, metrics=LAX, tests=PASSED)
    tell_all()
    assert gate_on(world, sha)[0] == "success"

    number = world.forge.create_pull_request(REPOSITORY, "shorter-window", "main", "Shorter window", "")
    for _ in range(2):
        looked_at(world, gated, number)
        tell_all()
        assert gate_on(world, sha) == ("pending", "Waits for CI to report about this commit's model.")
    reported(gated, sha, number, metrics=LAX, tests=PASSED)
    tell_all()
    assert gate_on(world, sha) == ("failure", "mae (test) is 0.9; 0.2 or less is needed.")
