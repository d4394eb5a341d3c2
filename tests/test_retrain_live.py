"""Training by itself, from changed data and from the clock to the numbers on the page, on the running stack.

Nothing is mocked: the worker notices, the listener is rung, the runner trains with `act`, the run's report comes back.
`pytest -s` prints when each step was done. The rounds of the beat are rung for, and the plan's minute is moved to now,
so that nobody waits for them.
"""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any, TypeVar

import psycopg
import pytest
from celery import Celery
from psycopg.rows import dict_row

from tests import live
from tests.contract.stack import eventually, folder, unique
from tests.environments import programs_of
from tests.template.conftest import LOCK, read_raw
from tests.test_feedback_story import PATIENCE, PUSH, Clock, Clone, secret_of, told

T = TypeVar("T")
_AHEAD = timedelta(hours=12)
_SALES = """
import sys
from pathlib import Path
from forecast.data import sample
from forecast.files import parameters, write_rows
chosen = parameters("data")
rows = sample(seed=chosen["seed"], weeks=chosen["weeks"])
write_rows(Path(sys.argv[1]), [row for row in rows if row.week < 200])
write_rows(Path(sys.argv[2]), [row for row in rows if row.week >= 200])
"""


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


def follow(slug: str, at: Path) -> tuple[str, str]:
    """Have alice commit to the main branch that the pipeline learns from raw/ of the bucket, where sales lie already.

    The commit's id, and the sales that come later.
    """
    tools, key = programs_of(LOCK), secret_of(slug, "bucket-credentials")
    (at / "code").mkdir()
    clone = Clone(slug, at / "code")

    def run(program: str, *words: str) -> None:
        environ = {"PATH": f"{tools}:/usr/bin:/bin", "HOME": str(at), "PYTHONPATH": "src", **key}
        done = subprocess.run(
            [tools / program, *words], cwd=at / "code", env=environ, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr

    run("python", "-c", _SALES, str(at / "1.csv"), str(at / "2.csv"))
    put(slug, "raw/1.csv", (at / "1.csv").read_text())
    run("dvc", "import-url", "remote://data/raw", "raw")
    read_raw(at / "code")
    run("dvc", "repro")
    run("dvc", "push")
    clone.git("add", "-A")
    clone.git("commit", "-qm", "Learn from our sales")
    clone.git("push", "-q", "origin", "HEAD:main")
    return clone.git("rev-parse", "HEAD"), (at / "2.csv").read_text()


def reports(slug: str) -> list[dict[str, Any]]:
    """What CI has reported, newest first."""
    found: list[dict[str, Any]] = live.api("bob").get(f"projects/{slug}/reports/").json()["items"]
    return found


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


def test_changed_data_and_the_clock_train_the_model(slug: str, due: datetime, tmp_path: Path) -> None:
    clock = Clock()
    sha, later = follow(slug, tmp_path)
    clock.done("alice has it learn from a folder of the bucket")
    rung_until(lambda: plan(slug), round_="follow_schedules")
    assert plan(slug)["next_at"] == due
    rung_until(lambda: plan(slug)["data_seen"], round_="follow_data")
    (pushed,) = eventually(lambda: [one for one in reports(slug) if one["commit"] == sha], seconds=PATIENCE)
    clock.done("her commit is tested, so that its report is not taken for a training's")
    put(slug, "raw/2.csv", later)
    rung_until(lambda: plan(slug)["data_moving"], round_="follow_data")
    (asked,) = rung_until(lambda: trainings(slug, "data"), round_="follow_data")
    assert asked["cause"] == f"raw/ in ml-{slug}"
    clock.done("the change of data is noticed")
    by_data = ended(slug, "data")
    assert by_data["report"]["gate_open"] is True
    assert told(slug, by_data["commit"], PUSH)[0] == "success"
    data = {one["run"]: one["data_hash"] for one in reports(slug)}
    assert by_data["commit"] == sha
    assert data[by_data["report"]["run"]] not in (None, pushed["data_hash"])
    clock.done("the model is trained on it, and its numbers are here")

    assert trainings(slug, "schedule") == []
    minute = its_time_has_come(slug)
    rung_until(lambda: trainings(slug, "schedule"), round_="follow_schedules")
    by_time = ended(slug, "schedule")
    assert by_time["cause"] == f"{minute:%Y-%m-%d %H:%M} UTC"
    assert by_time["commit"] == by_data["commit"]
    assert by_time["report"]["run"] != by_data["report"]["run"]
    data = {one["run"]: one["data_hash"] for one in reports(slug)}
    assert data[by_time["report"]["run"]] == data[by_data["report"]["run"]]
    clock.done("its time came, and it is trained again")

    with live.signed_in("bob") as session:
        page = session.get(f"/projects/{slug}/models/").text
    for one in (by_time, by_data):
        assert f'<a href="{one["report"]["run_url"]}" rel="noreferrer">{one["report"]["run"]}</a>' in page
    assert live.api("charlie").get(f"projects/{slug}/trainings/").status_code == 404
    clock.done("the page leads to both runs")
