"""What the default branch is at goes by its commits, not by which run ended last."""

from typing import Any

import pytest

from projects.bot_answers import Place, told
from projects.bot_commands import command
from projects.model_history import base_of, branches_of, gates_apart, gates_of, newest_of
from projects.models import Door, Project
from projects.scorecard_facts import facts_of
from tests.ci import MAE, PASSED
from tests.people import client
from tests.projects import file_door
from tests.projects.telling import LAX, MISSED, gate_on, main_of, main_reported, opened, push, ready, reported, tell_all
from tests.projects.tended import REPOSITORY, World, fresh

pytestmark = pytest.mark.django_db(transaction=True)

NO_TESTS: dict[str, Any] = {"passed": 0, "failed": [], "regression_examples": 0}


@pytest.fixture
def project(world: World, nothing_remembered: None) -> Project:
    return ready(world)


def pushed(world: World, project: Project) -> str:
    """A commit on main of which the forge has told; its id."""
    sha = push(world, branch="main")
    row = file_door.listened(project)
    file_door.delivered(row, sha, commit=sha)
    return sha


def status_of(project: Project) -> str:
    place = Place(project=project, address="", door=Door.CHAT)
    return told(command("status"), place=place).lines[-1]


def test_a_run_of_an_old_commit_does_not_move_main(world: World, project: Project) -> None:
    old = main_of(world)
    reported(project, old, None, metrics=LAX, tests=NO_TESTS)
    new = push(world, branch="main")
    held = reported(project, new, None, metrics=[MAE], tests=PASSED)
    again = reported(project, old, None, metrics=LAX, tests=NO_TESTS)
    tell_all()
    assert newest_of(project, "main") == held
    assert status_of(project).startswith(f"model at {new[:10]} (main): ")
    facts = facts_of([fresh(project)])[project.pk].report
    assert facts is not None
    assert (facts.thresholds, facts.tests_passed) == (1, 13)
    assert "The gate is open." in client("alice").get("/projects/demand/models/").content.decode()
    # Nothing comes before the old commit, so nothing is gone from it.
    assert gate_on(world, old) == ("success", "No threshold and no model test: nothing to check.")
    assert base_of(again, branches=()) is None
    assert gates_apart([again])[again.pk].passed

    number, sha = opened(world)
    world.forge.repositories[REPOSITORY].pull_requests[number]["merge_base"] = ""
    reported(project, sha, number, metrics=LAX, tests=PASSED)
    tell_all()
    assert gate_on(world, sha) == ("failure", MISSED)


def test_of_two_quick_merges_the_second_counts_though_it_reports_first(world: World, project: Project) -> None:
    before = pushed(world, project)
    oldest = reported(project, before, None, metrics=[MAE], tests=PASSED)
    first, second = pushed(world, project), pushed(world, project)
    newest = reported(project, second, None, metrics=[{**MAE, "value": 0.1}], tests=PASSED)
    late = reported(project, first, None, metrics=[{**MAE, "value": 0.15}], tests=PASSED)
    assert newest_of(project, "main") == newest
    assert [base_of(one, branches=()) for one in (late, newest, oldest)] == [oldest, oldest, None]
    assert [one.passed for one in gates_of([late, newest, oldest], branches=["main"])] == [True] * 3
    assert "0.1</td>" in client("alice").get("/projects/demand/models/").content.decode()


def test_main_is_not_lost_among_busy_branches(world: World, project: Project) -> None:
    main = main_reported(world, project).commit
    for number in range(12):
        reported(project, f"{number:040x}", None, branch=f"topic-{number}", metrics=[MAE], tests=PASSED)
    sha = push(world)
    reported(project, sha, None, branch="shorter-window", metrics=LAX, tests=PASSED)
    branches = branches_of(project)
    assert (branches[:3], len(branches)) == (["main", "shorter-window", "topic-11"], 12)
    assert status_of(project).startswith(f"model at {main[:10]} (main): ")
    tell_all()
    assert gate_on(world, sha) == ("failure", MISSED)


def test_a_commit_that_is_pushed_again_is_what_main_is_at(world: World, project: Project) -> None:
    first, second = pushed(world, project), pushed(world, project)
    reported(project, first, None)
    reported(project, second, None)
    row = file_door.listened(project)
    file_door.delivered(row, "back", commit=first)
    back = reported(project, first, None)
    assert newest_of(project, "main") == back
