"""What projects take of their team's budget, after the platform team changed what a plan takes."""

from contextlib import AbstractContextManager
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from projects import actions, platform_tasks
from projects.installation import installation
from projects.models import Door, Project
from tests.people import person
from tests.projects.catalogues import catalogue_with
from tests.projects.pages import ask, project_of
from tests.projects.tended import without_medium

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("pages")]


def medium_takes(units: int) -> AbstractContextManager[None]:
    """The installation in which plan medium takes so many."""
    plans = installation().catalogue.plans
    return catalogue_with(plans={**plans, "medium": plans["medium"].model_copy(update={"units": units})})


def test_a_plan_that_takes_more_takes_more_of_the_budget() -> None:
    made, other = project_of(ask("demand", plan="medium")), project_of(ask("supply", plan="small"))
    was = other.units
    with medium_takes(50):
        platform_tasks.recount_units()
        wish = {"slug": "price", "team": "forecasting", "plan": "medium"}
        shared: dict[str, Any] = {"by": person("alice"), "door": Door.API, "installation": installation()}
        foreseen = actions.create(wish, **shared, dry_run=True).preview
        # 100 less 50, and what the small one takes.
        assert (foreseen.units, foreseen.free_units) == (50, 50 - was)
    assert dict(Project.objects.values_list("slug", "units")) == {"demand": 50, "supply": was}
    entry = made.history.latest("pgh_id")  # type: ignore[attr-defined]
    assert (entry.units, entry.pgh_context.metadata["actor"]) == (50, "slipway")


def test_what_goes_and_whose_plan_left_stays_as_it_was_counted() -> None:
    gone, left = (project_of(ask(slug, plan="medium")) for slug in ("demand", "supply"))
    Project.objects.filter(pk=gone.pk).update(deletion_requested_at=timezone.now())
    with without_medium():
        platform_tasks.recount_units()
        assert Project.objects.get(pk=left.pk).units == left.units
    with medium_takes(50):
        platform_tasks.recount_units()
    assert dict(Project.objects.values_list("slug", "units")) == {"demand": gone.units, "supply": 50}


def test_a_round_that_finds_nothing_writes_nothing_and_asks_once_per_plan() -> None:
    ask("demand", plan="medium")
    with CaptureQueriesContext(connection) as queries:
        platform_tasks.recount_units()
    said = [one["sql"] for one in queries if "projects_project" in one["sql"]]
    assert len(said) == len(installation().catalogue.plans)
    assert not [one for one in said if one.startswith("UPDATE")]
