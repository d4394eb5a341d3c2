"""What projects take of their team's budget, after the platform team changed what a plan takes."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from django.db import connection
from django.test import override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from projects import actions, platform_tasks
from projects.installation import installation
from projects.models import Door, Project
from tests.people import person, team

pytestmark = pytest.mark.django_db


def asked(slug: str, *, plan: str = "medium", dry_run: bool = False) -> actions.Asked:
    data = {"slug": slug, "team": "forecasting", "plan": plan}
    team("forecasting")
    return actions.create(data, by=person("alice"), door=Door.API, installation=installation(), dry_run=dry_run)


@contextmanager
def medium_takes(units: int | None) -> Iterator[None]:
    """The catalogue in which plan medium takes so many; None: which has it no more."""
    present = installation()
    plans = dict(present.catalogue.plans)
    medium = plans.pop("medium")
    if units is not None:
        plans["medium"] = medium.model_copy(update={"units": units})
    catalogue = present.catalogue.model_copy(update={"plans": plans})
    with override_settings(INSTALLATION=replace(present, catalogue=catalogue)):
        yield


def test_a_plan_that_takes_more_takes_more_of_the_budget() -> None:
    made, other = asked("demand").project, asked("supply", plan="small").project
    assert made is not None
    assert other is not None
    was = other.units
    with medium_takes(50):
        platform_tasks.recount_units()
        foreseen = asked("price", dry_run=True).preview
        # 100 less 50, and what the small one takes.
        assert (foreseen.units, foreseen.free_units) == (50, 50 - was)
    assert dict(Project.objects.values_list("slug", "units")) == {"demand": 50, "supply": was}
    entry = made.history.latest("pgh_id")  # type: ignore[attr-defined]
    assert (entry.units, entry.pgh_context.metadata["actor"]) == (50, "slipway")


def test_what_goes_and_whose_plan_left_stays_as_it_was_counted() -> None:
    gone, left = asked("demand").project, asked("supply").project
    assert gone is not None
    assert left is not None
    Project.objects.filter(pk=gone.pk).update(deletion_requested_at=timezone.now())
    with medium_takes(None):
        platform_tasks.recount_units()
        assert Project.objects.get(pk=left.pk).units == left.units
    with medium_takes(50):
        platform_tasks.recount_units()
    assert dict(Project.objects.values_list("slug", "units")) == {"demand": gone.units, "supply": 50}


def test_a_round_that_finds_nothing_writes_nothing_and_asks_once_per_plan() -> None:
    asked("demand")
    with CaptureQueriesContext(
        connection,
    ) as queries:
        platform_tasks.recount_units()
    said = [one["sql"] for one in queries if "projects_project" in one["sql"]]
    assert len(said) == len(installation().catalogue.plans)
    assert not [one for one in said if one.startswith("UPDATE")]
