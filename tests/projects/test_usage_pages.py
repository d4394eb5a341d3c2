"""The usage page and its REST sister: plain words for each state, the same figures by every way."""

from datetime import UTC, datetime
from typing import Any

import pytest

from projects import usage, usage_words
from projects.installation import installation
from projects.models import Project, TargetUsage, Usage
from projects.today import today
from projects.usage_tasks import measure_usage
from provisioning.measures import Measure
from tests.people import client
from tests.projects.tended import World, asked, look
from tests.projects.test_usage import GIB, count, days

pytestmark = pytest.mark.django_db(transaction=True)

PAGE, API = "/projects/demand/usage/", "/api/v1/projects/demand/usage/"


@pytest.fixture
def project(world: World) -> Project:
    return look(asked())


def told(project: Project, measure: str, used: float, limit: float | None) -> None:
    TargetUsage.objects.get_or_create(target="store-1", defaults={"as_of": datetime(2026, 11, 26, 9, 40, tzinfo=UTC)})
    Usage.objects.update_or_create(
        project=project, measure=measure, defaults={"target": "store-1", "used": used, "limit": limit}
    )


def line(project: Project, measure: str) -> usage_words.Line:
    catalogue = installation().catalogue
    uses = usage.of_project(project, catalogue=catalogue)
    lines = usage_words.lines_of(uses, plan=catalogue.plans[project.spec["plan"]])
    return next(one for one in lines if one.use.measure.name == measure)


@pytest.mark.parametrize(
    ("measure", "used", "limit", "words"),
    [
        ("cpu", 3.5, 16.0, ("3.5", "of 16 cores", 22)),
        ("memory", 14 * GIB, 64 * GIB, ("14", "of 64 GiB", 22)),
        ("memory", 0.0, 64 * GIB, ("0", "of 64 GiB", 0)),
        ("memory", 1.0, 64 * GIB, ("0.01", "of 64 GiB", 0)),
        ("pods", 9.0, 50.0, ("9", "of 50", 18)),
        ("bucket", 312 * GIB, 500 * GIB, ("312", "of 500 GiB", 62)),
        ("bucket", 700 * GIB, 500 * GIB, ("700", "of 500 GiB", 100)),
        ("objects", 12345.0, None, ("12,345", "", None)),
        ("gpu", 0.0, 0.0, ("", "not in this plan", None)),
    ],
)
def test_amounts_are_said_in_the_unit_of_what_is_allowed(
    project: Project, measure: str, used: float, limit: float | None, words: tuple[str, str, int | None]
) -> None:
    told(project, measure, used, limit)
    found = line(project, measure)
    assert (found.big, found.rest, found.percent) == words


def test_where_it_leads_and_what_to_do(project: Project) -> None:
    told(project, "bucket", 312 * GIB, 500 * GIB)
    days(project, last=312 * GIB, d10=103 * GIB, d7=300 * GIB)  # type: ignore[arg-type]
    found = line(project, "bucket")
    assert found.says == "At this pace full in about 9 days. 12 GiB more than the most of a week ago."
    assert found.todo == ""

    told(project, "bucket", 452 * GIB, 500 * GIB)
    days(project, last=452 * GIB, d10=399 * GIB)  # type: ignore[arg-type]
    assert line(project, "bucket").todo == (
        "90 % full. At this pace full in about 9 days. "
        "Plan large allows 2 TiB and takes 40 units of the budget; yours takes 12."
    )
    told(project, "bucket", 500 * GIB, 500 * GIB)
    assert line(project, "bucket").todo.startswith("Full: the store refuses uploads.")
    told(project, "pods", 50.0, 50.0)
    assert line(project, "pods").todo.startswith("Full: new pods are refused until others end.")
    told(project, "cpu", 8.0, 8.0)
    assert line(project, "cpu").todo == (
        "Full: new pods are refused until others end. That is the project's own limit; plan medium allows 16 cores."
    )
    told(project, "gpu", 0.0, 0.0)
    assert line(project, "gpu").says == "Plan gpu allows 4 and takes 60 units of the budget; yours takes 12."


def test_what_was_not_measured_is_not_said_to_be_zero(project: Project) -> None:
    found = line(project, "bucket")
    assert (found.big, found.rest, found.percent) == ("", "not known", None)
    assert found.says.startswith("Not measured yet.")


def test_a_measure_of_somebodys_own_kind_keeps_its_title() -> None:
    assert usage_words.title_of(Measure(name="tables", title="Tables", unit="pieces")) == "Tables"


def test_the_page_draws_the_days_of_the_fullest_or_of_the_one_that_is_asked_for(world: World, project: Project) -> None:
    count(world, requests_cpu="13", pods="9")
    measure_usage()
    page = client("bob").get(PAGE)
    assert page.status_code == 200
    assert page.context["shown"].use.measure.name == "cpu"
    assert client("bob").get(f"{PAGE}?of=pods").context["shown"].use.measure.name == "pods"
    assert client("bob").get(f"{PAGE}?of=nonsense").context["shown"].use.measure.name == "cpu"
    assert "81 % full" in page.content.decode()


def test_before_the_first_round_the_page_says_so(project: Project) -> None:
    page = client("bob").get(PAGE)
    assert page.context["chart"] is None
    assert "No day was measured yet." in page.content.decode()


def test_page_file_and_api_have_the_same_figures(world: World, project: Project) -> None:
    count(world, requests_cpu="13", pods="9")
    measure_usage()
    answer = client("bob").get(API).json()
    items = {one["measure"]: one for one in answer["items"]}
    assert items["cpu"] == {
        "measure": "cpu", "title": "CPU", "unit": "cores", "used": 13.0, "limit": 16.0, "as_of": items["cpu"]["as_of"],
        "week_ago": None, "full_in_days": None, "next_plan": "large",
    }  # fmt: skip
    assert items["bucket"]["used"] is None
    assert {one["measure"] for one in answer["days"]} == {"cpu", "memory", "gpu", "pods", "storage"}
    assert client("bob").get(f"{PAGE}?format=json").json()["items"] == answer["items"]
    assert (
        client("bob").get(f"{PAGE}?format=csv").content.decode().splitlines()[1].startswith("cpu,CPU,cores,13.0,16.0")
    )
    assert client("bob").get(f"{PAGE}?list=days&format=json").json()["items"] == answer["days"]
    rows = client("bob").get(f"{PAGE}?list=days&format=csv").content.decode("utf-8-sig").splitlines()
    assert (rows[0], rows[1]) == ("day,measure,used,limit", f"{today()},cpu,13.0,16.0")


def test_the_files_of_the_figures_and_of_the_days_stand_with_what_they_hold(world: World, project: Project) -> None:
    without = client("bob").get(PAGE).content.decode()
    assert "list=days" not in without
    count(world, requests_cpu="13")
    measure_usage()
    now, history = client("bob").get(PAGE).content.decode().split('id="history"')
    assert [one in now for one in ('href="?format=csv"', 'href="?list=days')] == [True, False]
    assert [one in history for one in ('href="?format=csv"', 'href="?list=days&amp;format=csv"')] == [False, True]


@pytest.mark.parametrize("path", [PAGE, API])
def test_a_stranger_sees_no_usage(project: Project, path: str) -> None:
    assert client("charlie").get(path).status_code == 404


def test_the_page_asks_no_more_of_the_database_with_many_days(
    world: World, project: Project, django_assert_max_num_queries: Any
) -> None:
    told(project, "bucket", 312 * GIB, 500 * GIB)
    days(project, last=312 * GIB, **{f"d{number}": number * GIB for number in range(1, 30)})  # type: ignore[arg-type]
    bob = client("bob")
    with django_assert_max_num_queries(25):
        assert bob.get(PAGE).status_code == 200
