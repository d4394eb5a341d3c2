"""Projects that read data of others: asked for by the usual doors, made so by looks, and over after the last day."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from projects.actions import change, create
from projects.errors import InvalidSpec
from projects.installation import installation
from projects.models import Door, Project
from projects.today import today
from provisioning import targets
from tests.fakes.database import FakeDatabase
from tests.people import person, teams
from tests.projects.tended import ALICE, NAMESPACE, World, asked, installed, look, rows, without_medium
from tests.provisioning.kinds.test_data import ROADS, SECRET_ROADS
from tests.provisioning.kinds.test_data_schemas import SALES
from tests.provisioning.wishes import DATABASE

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _stores(world: World) -> Iterator[None]:
    with installed(data_stores=[ROADS, SECRET_ROADS]):
        yield


def reading(*stores: str, days: int) -> dict[str, Any]:
    return {"data": {"read": list(stores), "until": (today() + timedelta(days=days)).isoformat()}}


def opened(world: World) -> list[str]:
    (found,) = world.store.policies.values()
    return [one["Sid"] for one in found["Statement"] if one["Sid"].startswith("Data")]


OPEN = ["DataWhere1", "DataList1", "DataRead1", "DataNow1"]


def test_it_reads_until_its_last_day(world: World) -> None:
    project = look(asked(options=reading("winter-roads", days=0)))
    assert (rows(project)["data"], opened(world)) == ("Available", OPEN)
    Project.objects.filter(pk=project.pk).update(
        spec={**project.spec, "options": reading("winter-roads", days=-1)},
    )
    project = look(project)
    assert ("data" in rows(project), opened(world)) == (False, [])


def test_a_project_that_rests_loses_it_after_its_last_day_too(world: World) -> None:
    project = look(asked(options=reading("winter-roads", days=0)))
    ended = {**project.spec, "options": reading("winter-roads", days=-1)}
    Project.objects.filter(pk=project.pk).update(suspended=True, spec=ended)
    look(project)
    assert opened(world) == []


def test_a_project_loses_it_with_a_longest_time_that_became_shorter_also_while_it_rests(world: World) -> None:
    project = look(asked(options=reading("winter-roads", days=9)))
    assert opened(world) == OPEN
    Project.objects.filter(pk=project.pk).update(accepted_at=timezone.now() - timedelta(days=5), suspended=True)
    with installed(data_stores=[{**ROADS, "max_days": 5}]):
        look(project)
        assert opened(world) == OPEN, "this is its last day"
    with installed(data_stores=[{**ROADS, "max_days": 4}]):
        look(project)
        assert opened(world) == []


def test_a_project_whose_plan_left_loses_it_too_and_keeps_the_size_of_its_bucket(world: World) -> None:
    project = look(asked(options=reading("winter-roads", days=9)))
    Project.objects.filter(pk=project.pk).update(accepted_at=timezone.now() - timedelta(days=5))
    quotas = {name: one.quota for name, one in world.store.buckets.items()}
    with without_medium(data_stores=[{**ROADS, "max_days": 4}]):
        look(project)
    assert opened(world) == []
    assert {name: one.quota for name, one in world.store.buckets.items()} == quotas


def test_a_store_that_left_the_catalogue_holds_up_no_other_change(world: World) -> None:
    project = asked(options=reading("winter-roads", days=9))
    with installed(data_stores=[]):
        wish = {**project.spec, "title": "Demand of parts"}
        change(project, wish, by=person("paula"), door=Door.API, installation=installation())
        wish["options"] = reading("winter-roads", days=8)
        with pytest.raises(InvalidSpec, match="no data store"):
            change(project, wish, by=person("paula"), door=Door.API, installation=installation())


def test_a_team_that_is_taken_out_reads_nothing_from_the_next_look_on(world: World) -> None:
    project = look(asked(options=reading("winter-roads", days=9)))
    assert opened(world) == OPEN
    with installed(data_stores=[{**ROADS, "readers": []}]):
        look(project)
    assert opened(world) == []


def test_a_spec_that_names_a_store_of_others_opens_nothing(world: World) -> None:
    look(asked(options=reading("secret-roads", days=9)))
    assert opened(world) == []


def test_faults_of_a_wish_name_their_fields() -> None:
    teams()
    with pytest.raises(InvalidSpec) as error:
        create(
            {
                "slug": "demand",
                "team": "forecasting",
                "plan": "medium",
                "contributors": [ALICE],
                "options": reading("no-such-store", days=-1),
            },
            by=person("alice"),
            door=Door.API,
            installation=installation(),
        )
    assert [(fault.field, fault.code) for fault in error.value.faults] == [
        ("options.data.read", "beyond_plan"),
        ("options.data.until", "past"),
    ]


@pytest.fixture
def database() -> Iterator[FakeDatabase]:
    """The platform has a database, and in it a schema that team forecasting may read."""
    made = FakeDatabase()
    targets.use(made.name, made)
    with installed(databases=[DATABASE], data_stores=[SALES]):
        yield made


def has_secret(world: World) -> bool:
    return ("v1", "Secret", NAMESPACE, "data-credentials") in world.cluster.objects


def test_a_schema_is_read_by_a_role_that_goes_after_the_last_day(world: World, database: FakeDatabase) -> None:
    project = look(asked(options=reading("sales", days=0)))
    assert (rows(project)["data_schemas"], rows(project)["data_account"]) == ("Available", "Available")
    (role,) = database.readers.values()
    assert (role["member_of"], has_secret(world)) == (["sales_readers"], True)
    database.calls.clear()
    project = look(project)
    assert {call[0] for call in database.calls} == {"reader", "signs_in"}
    Project.objects.filter(pk=project.pk).update(
        spec={**project.spec, "options": reading("sales", days=-1)},
    )
    project = look(project)
    assert (database.readers, has_secret(world)) == ({}, False)
    assert not {"data", "data_schemas", "data_account"} & rows(project).keys()


def test_a_project_that_rests_loses_the_role_after_its_last_day_too(world: World, database: FakeDatabase) -> None:
    project = look(asked(options=reading("sales", days=0)))
    ended = {**project.spec, "options": reading("sales", days=-1)}
    Project.objects.filter(pk=project.pk).update(suspended=True, spec=ended)
    look(project)
    assert (database.readers, has_secret(world)) == ({}, False)


def test_a_project_that_rests_loses_the_role_with_the_leave_to_read(world: World, database: FakeDatabase) -> None:
    project = look(asked(options=reading("sales", days=9)))
    Project.objects.filter(pk=project.pk).update(suspended=True)
    look(project)
    assert len(database.readers) == 1
    with installed(databases=[DATABASE], data_stores=[{**SALES, "readers": []}]):
        look(project)
    assert database.readers == {}
