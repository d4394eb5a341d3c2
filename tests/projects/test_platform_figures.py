"""The counted figures of the fleet: right over a small one, kept for pages, and counted anew when nobody counts."""

from datetime import timedelta

import pytest
from django.utils import timezone

from projects import platform_figures, platform_tasks
from projects.installation import installation
from projects.models import Action, Decision, Door, FleetSummary, Project, ProjectRequest, TargetUsage, Team
from projects.platform_figures import (
    DayTimes,
    MeasureCapacity,
    ReasonCount,
    RuleTimes,
    StepTimes,
    TargetCapacity,
)
from projects.today import today
from provisioning.conditions import Word
from provisioning.errors import Reason
from tests.people import team
from tests.projects.fleet import broken, measured, ready, took

pytestmark = pytest.mark.django_db


def asked(rule: str, decision: Decision, *, decided_after: float | None = None) -> None:
    created = timezone.now() - timedelta(days=1)
    decided = created + timedelta(seconds=decided_after) if decided_after is not None else None
    project = Project.objects.first() if decision == Decision.APPROVED else None
    ProjectRequest.objects.create(
        slug=f"{rule}-{ProjectRequest.objects.count()}", team=team("forecasting"), action=Action.CHANGE, door=Door.FORM,
        requested_by_name="alice@corp.example", rule=rule, because="So it is.", decision=decision, decided_at=decided,
        created_at=created, project=project,
    )  # fmt: skip


def test_projects_by_status_and_resources_by_reason() -> None:
    ready("fine")
    ready("stopped", suspended=True)
    lane, paint = ready("lane"), ready("paint")
    broken(lane, "repository", Reason.NAME_TAKEN)
    broken(lane, "bucket", Reason.REJECTED)
    broken(paint, "repository", Reason.NAME_TAKEN)
    ready("gone", deletion_requested_at=timezone.now(), deleted_at=timezone.now())
    figures = platform_figures.count()
    assert figures.projects == 4
    assert figures.words == {
        Word.READY: 1, Word.WORKING: 0, Word.ATTENTION: 2, Word.SUSPENDED: 1, Word.REMOVING: 0,
    }  # fmt: skip
    assert figures.reasons == [
        ReasonCount(reason="NameTaken", resources=2, projects=2),
        ReasonCount(reason="Rejected", resources=1, projects=1),
    ]


def test_times_by_day_and_by_step() -> None:
    project = ready("lane")
    for seconds in (1.0, 2.0, 3.0):
        took(project, seconds, queue=None, ago=timedelta(0), bucket=1.0)
    took(project, 9.0, queue=4.0, ago=timedelta(days=3), bucket=1.0, namespace=0.5)
    took(project, 99.0, ago=timedelta(days=31), bucket=70.0)
    figures = platform_figures.count()
    assert len(figures.days) == 30
    assert figures.days[-1] == DayTimes(day=today(), count=3, p50=2.0, p95=2.9)
    assert [(one.day, one.count, one.p50) for one in figures.days[:-1] if one.count] == [
        (today() - timedelta(days=3), 1, 9.0)
    ]
    assert figures.steps == [
        StepTimes(step="queue", count=1, p50=4.0, p95=4.0),
        StepTimes(step="namespace", count=1, p50=0.5, p95=0.5),
        StepTimes(step="bucket", count=4, p50=1.0, p95=1.0),
    ]


def test_requests_by_rule_with_the_time_until_they_were_decided() -> None:
    ready("lane")
    for seconds in (0.0, 0.0, 10.0):
        asked("within-budget", Decision.APPROVED, decided_after=seconds)
    asked("large-asks", Decision.PENDING)
    asked("large-asks", Decision.REJECTED, decided_after=3600)
    assert platform_figures.count().rules == [
        RuleTimes(rule="within-budget", count=3, approved=3, rejected=0, pending=0, p50=0.0, p95=9.0),
        RuleTimes(rule="large-asks", count=2, approved=0, rejected=1, pending=1, p50=3600.0, p95=3600.0),
    ]


def test_capacity_by_target_knows_what_is_not_told() -> None:
    at = timezone.now()
    for slug, cpu in (("lane", 12.0), ("paint", 4.0)):
        measured(ready(slug), cpu=(cpu, 16.0), bucket=(5.0, 100.0), objects=(2.0, None))
    measured(ready("gone", deletion_requested_at=at), cpu=(9.0, 16.0))
    TargetUsage.objects.create(target="cluster-north", as_of=at, capacity={"cpu": 64.0, "gpu": 0.0, "wind": 1.0})
    TargetUsage.objects.create(target="store-1", as_of=at)
    TargetUsage.objects.create(target="store-2", capacity={"bucket": 900.0})
    TargetUsage.objects.create(target="store-3")
    assert platform_figures.count().capacity == [
        TargetCapacity(target="cluster-north", as_of=at, measures=[
            MeasureCapacity(measure="cpu", used=16.0, granted=32.0, capacity=64.0),
            MeasureCapacity(measure="gpu", used=0.0, granted=0.0, capacity=0.0),
        ]),
        TargetCapacity(target="store-1", as_of=at, measures=[
            MeasureCapacity(measure="bucket", used=10.0, granted=200.0, capacity=None),
            MeasureCapacity(measure="objects", used=4.0, granted=None, capacity=None),
        ]),
        TargetCapacity(target="store-2", as_of=None, measures=[
            MeasureCapacity(measure="bucket", used=None, granted=None, capacity=900.0),
        ]),
        TargetCapacity(target="store-3", as_of=None, measures=[]),
    ]  # fmt: skip


def test_capacity_by_team_is_what_its_plans_allow() -> None:
    plans = installation().catalogue.plans
    ready("lane")
    ready("paint", suspended=True)
    ready("gone", deletion_requested_at=timezone.now())
    ready("lens", of="vision", plan="gpu")
    ready("old", of="vision", plan="left-the-catalogue")
    Team.objects.create(slug="idle", name="Idle")
    found = platform_figures.count().teams
    assert [one.team for one in found] == ["forecasting", "vision"]
    assert [(one.granted["cpu"], one.granted["gpu"]) for one in found] == [
        (2 * float(plans["small"].cpu), 0.0),
        (float(plans["gpu"].cpu), float(plans["gpu"].gpu)),
    ]


def test_figures_of_an_earlier_version_are_read() -> None:
    platform_tasks.count_fleet()
    kept = FleetSummary.objects.get()
    kept.figures = {name: value for name, value in kept.figures.items() if name not in ("capacity", "teams")}
    kept.save()
    assert (platform_figures.newest().figures.capacity, platform_figures.newest().figures.teams) == ([], [])


def test_pages_get_what_was_kept_until_it_is_old() -> None:
    platform_tasks.count_fleet()
    ready("new")
    assert platform_figures.newest().figures.projects == 0
    FleetSummary.objects.update(at=timezone.now() - timedelta(minutes=3))
    assert platform_figures.newest().figures.projects == 1
    platform_tasks.count_fleet()
    kept = FleetSummary.objects.get()
    assert kept.figures["projects"] == 1
    assert kept.at > timezone.now() - timedelta(minutes=1)


def test_an_empty_fleet_has_figures_too() -> None:
    figures = platform_figures.count()
    assert (figures.projects, figures.reasons, figures.steps, figures.rules) == (0, [], [], [])
    assert (figures.capacity, figures.teams) == ([], [])
    assert {(one.count, one.p50, one.p95) for one in figures.days} == {(0, None, None)}
