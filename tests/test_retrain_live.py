"""Training by itself, from changed data and from the clock to the numbers on the page, on the running stack.

Nothing is mocked: the worker notices, the listener is rung, the runner trains with `act`, the run's report comes back.
`pytest -s` prints when each step was done. The rounds of the beat are rung for, and the plan's minute is moved to now,
so that nobody waits for them.
"""

import base64
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any, TypeVar

import psycopg
import pytest
from celery import Celery
from psycopg.rows import dict_row

from tests import live
from tests.contract.stack import eventually, folder, unique
from tests.test_feedback_story import PATIENCE, PUSH, Clock, told

T = TypeVar("T")
_AHEAD = timedelta(hours=12)


@pytest.fixture(scope="module")
def due() -> datetime:
    """A minute that comes long after the test."""
    return (datetime.now(UTC) + _AHEAD).replace(second=0, microsecond=0)


@pytest.fixture(scope="module")
def slug(due: datetime) -> Iterator[str]:
    """A project of alice's and bob's."""
    folder()
    eventually(live.portal_alive, seconds=120)
    name = unique("again")
    answer = live.ask(
        name,
        title="Again",
        contributors=[{"user": "bob@corp.example", "role": "viewer"}],
        options={
            "repository": {"template": "ml-python"},
            "retrain": {"schedule": f"{due.minute} {due.hour} * * *", "data": "raw/"},
        },
    )
    assert answer.status_code == 202, answer.text
    live.ready(name)
    yield name
    live.retire(name)


def ring(round_: str) -> None:
    """Have the worker go its round now."""
    broker = Celery("rounds", broker=live.environment()["SLIPWAY_REDIS_URL"])
    broker.send_task(f"projects.training_tasks.{round_}", queue="slipway-rounds")


def rung_until(look: Callable[[], T], *, round_: str) -> T:
    """Ring until the answer is true, and return it. A round that meets another one of its kind does nothing."""
    answer = look()
    for _ in range(12):
        if answer:
            break
        ring(round_)
        with suppress(AssertionError):
            answer = eventually(look, seconds=5)
    assert answer
    return answer


def plan(slug: str) -> dict[str, Any]:
    """What the portal keeps of the watched folder: no page shows it."""
    query = "SELECT plan.* FROM projects_trainingplan plan JOIN projects_project p ON p.id = project_id WHERE slug = %s"
    with psycopg.connect(live.environment()["SLIPWAY_DATABASE_URL"], row_factory=dict_row) as database:
        return database.execute(query, [slug]).fetchone() or {}


def its_time_has_come(slug: str) -> datetime:
    """Have the minute that the plan waits for be this one, and return it."""
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    statement = (
        "UPDATE projects_trainingplan SET next_at = %s FROM projects_project p WHERE p.id = project_id AND slug = %s"
    )
    with psycopg.connect(live.environment()["SLIPWAY_DATABASE_URL"]) as database:
        database.execute(statement, [now, slug])
    return now


def put(slug: str, name: str, text: str) -> None:
    """Have an object in the project's bucket."""
    live.store_admin().put_object(f"ml-{slug}", name, BytesIO(text.encode()), len(text.encode()))


def push(slug: str) -> str:
    """Commit a file of alice's to the main branch; the commit's id."""
    body = {"message": "Say what it is for", "content": base64.b64encode(b"Weeks to come.\n").decode()}
    answer = live.forge("alice").post(f"/repos/forecasting/{slug}/contents/notes.md", json=body)
    assert answer.status_code == 201, answer.text
    sha: str = answer.json()["commit"]["sha"]
    return sha


def reported(slug: str) -> set[str]:
    """The commits that CI has reported about."""
    return {one["commit"] for one in live.api("bob").get(f"projects/{slug}/reports/").json()["items"]}


def trainings(slug: str, because: str) -> list[dict[str, Any]]:
    """Those of one cause, as bob sees them, newest first."""
    answer = live.api("bob").get(f"projects/{slug}/trainings/")
    assert answer.status_code == 200, answer.text
    return [one for one in answer.json()["items"] if one["because"] == because]


def ended(slug: str, because: str) -> dict[str, Any]:
    """Wait until the one training of this cause has its report."""

    def look() -> dict[str, Any] | None:
        (one,) = trainings(slug, because)
        assert one["given_up_at"] is None, one["why"]
        return one if one["report"] else None

    return eventually(look, seconds=PATIENCE)  # type: ignore[return-value]


def test_changed_data_and_the_clock_train_the_model(slug: str, due: datetime) -> None:
    clock = Clock()
    rung_until(lambda: plan(slug), round_="follow_schedules")
    assert plan(slug)["next_at"] == due
    rung_until(lambda: plan(slug)["data_seen"], round_="follow_data")
    sha = push(slug)
    eventually(lambda: sha in reported(slug), seconds=PATIENCE)
    clock.done("a commit of alice's is tested, so that its report is not taken for a training's")
    put(slug, "raw/weeks.csv", "week,sold\n1,12\n")
    rung_until(lambda: plan(slug)["data_moving"], round_="follow_data")
    (asked,) = rung_until(lambda: trainings(slug, "data"), round_="follow_data")
    assert asked["cause"] == f"raw/ in ml-{slug}"
    clock.done("the change of data is noticed")
    by_data = ended(slug, "data")
    assert by_data["report"]["gate_open"] is True
    assert told(slug, by_data["commit"], PUSH)[0] == "success"
    clock.done("the model is trained on it, and its numbers are here")

    assert trainings(slug, "schedule") == []
    minute = its_time_has_come(slug)
    rung_until(lambda: trainings(slug, "schedule"), round_="follow_schedules")
    by_time = ended(slug, "schedule")
    assert by_time["cause"] == f"{minute:%Y-%m-%d %H:%M} UTC"
    assert by_time["commit"] == by_data["commit"]
    assert by_time["report"]["run"] != by_data["report"]["run"]
    clock.done("its time came, and it is trained again")

    with live.signed_in("bob") as session:
        page = session.get(f"/projects/{slug}/models/").text
    for one in (by_time, by_data):
        assert f'<a href="{one["report"]["run_url"]}" rel="noreferrer">{one["report"]["run"]}</a>' in page
    assert live.api("charlie").get(f"projects/{slug}/trainings/").status_code == 404
    clock.done("the page leads to both runs")
