"""Where a report is to come, the gate waits for it from the first commit on, and nowhere else."""

import pytest
from django.utils import timezone

from projects.installation import installation
from projects.models import Project
from provisioning.errors import PermanentError
from provisioning.models import Resource
from tests.ci import PASSED
from tests.projects.telling import (
    LAX,
    MISSED,
    WAITS,
    comments,
    gate_on,
    into_scratch,
    looked_at,
    main_reported,
    meanwhile,
    offered,
    opened,
    push,
    ready,
    reported,
    tell_all,
)
from tests.projects.tended import REPOSITORY, World, installed

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def gated(world: World, nothing_remembered: None) -> Project:
    return ready(world, options={"repository": {"model_gate": "required"}})


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


def test_a_gate_that_is_only_shown_waits_where_something_was_reported_before(
    world: World, nothing_remembered: None
) -> None:
    project = ready(world)
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


def test_a_pull_request_that_closed_without_a_report_holds_no_gate(world: World, gated: Project) -> None:
    sha, other = push(world), into_scratch(world)
    reported(gated, sha, other, tests=PASSED)
    tell_all()
    number = world.forge.create_pull_request(REPOSITORY, "shorter-window", "main", "Shorter window", "")
    looked_at(world, gated, number)
    assert gate_on(world, sha) == WAITS
    world.forge.repositories[REPOSITORY].pull_requests[number]["state"] = "closed"
    assert looked_at(world, gated, number) == "The pull request is closed."
    tell_all()
    assert gate_on(world, sha)[0] == "success"


def test_a_gate_opened_for_another_branch_waits_for_the_one_that_goes_to_main(world: World, gated: Project) -> None:
    main_reported(world, gated)
    sha, other = push(world), into_scratch(world)
    reported(gated, sha, other, metrics=LAX, tests=PASSED)
    tell_all()
    assert gate_on(world, sha)[0] == "success"

    number = world.forge.create_pull_request(REPOSITORY, "shorter-window", "main", "Shorter window", "")
    for _ in range(2):
        looked_at(world, gated, number)
        tell_all()
        assert gate_on(world, sha) == WAITS
    reported(gated, sha, number, metrics=LAX, tests=PASSED)
    tell_all()
    assert gate_on(world, sha) == ("failure", MISSED)
