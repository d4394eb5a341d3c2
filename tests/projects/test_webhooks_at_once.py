"""Deliveries that come at the same moment: each is written down once, and none is refused for having company."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from projects.models import Delivery, Project, RegisteredRepository
from tests.people import teams
from tests.projects.test_webhooks import deliver

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(project: Project, deliveries: list[str]) -> list[int]:
    """The answers to these deliveries."""

    def one(delivery: str) -> int:
        try:
            return deliver(project.uid, delivery=delivery).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(len(deliveries)) as pool:
        return list(pool.map(one, deliveries))


@pytest.fixture
def project() -> Project:
    """One whose repository nobody has told us of yet."""
    spec = {"version": 1, "slug": "demand", "team": "forecasting", "plan": "small"}
    return Project.objects.create(slug="demand", team=teams()["forecasting"], spec=spec, units=4)


def test_the_first_deliveries_of_a_project_are_all_noted(project: Project) -> None:
    names = [f"d-{number}" for number in range(8)]

    assert at_once(project, names) == [202] * 8

    row = RegisteredRepository.objects.get()
    assert (row.full_name, row.project, row.uid) == ("forecasting/demand", project, project.uid)
    assert sorted(Delivery.objects.values_list("delivery_id", flat=True)) == names


def test_the_same_delivery_eight_times_is_noted_once(project: Project) -> None:
    assert sorted(at_once(project, ["d-1"] * 8)) == [200] * 7 + [202]
    assert Delivery.objects.get().delivery_id == "d-1"
