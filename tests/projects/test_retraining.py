"""Training again by itself: at its time and when data changed, once, also after an outage; never while it rests."""

from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F
from django.utils import timezone

from projects.installation import installation
from projects.models import Project, TrainingAsked, TrainingPlan
from projects.retraining import LEAST, LONGEST_CHANGE, follow_data, follow_schedules
from projects.training import send
from provisioning.errors import PermanentError, TargetUnavailable
from provisioning.kinds.retrain import LONGEST
from provisioning.phrases import phrase
from tests.people import bearer, client
from tests.projects.pages import text
from tests.projects.tended import World, asked, look

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def project(world: World) -> Project:
    return look(asked(options={"retrain": {"schedule": "0 3 * * *", "data": "raw/"}}))


def choose(project: Project, **options: Any) -> None:
    spec = {**project.spec, "options": {"retrain": options}}
    Project.objects.filter(pk=project.pk).update(spec=spec)


def plan() -> TrainingPlan:
    return TrainingPlan.objects.get()


def causes() -> list[tuple[str, str]]:
    return list(TrainingAsked.objects.order_by("pk").values_list("because", "cause"))


def all_began() -> None:
    TrainingAsked.objects.update(sent_at=timezone.now())


def an_hour_passes() -> None:
    TrainingAsked.objects.update(made_at=F("made_at") - LEAST)
    TrainingPlan.objects.update(data_moving_since=F("data_moving_since") - LEAST)


def test_its_time_comes_once_however_long_nobody_looked(project: Project) -> None:
    follow_schedules()
    first = plan().next_at
    assert first is not None
    assert (first.hour, first.minute, first > timezone.now()) == (3, 0, True)
    assert causes() == []
    missed = first - timedelta(days=5)
    TrainingPlan.objects.update(next_at=missed)
    follow_schedules()
    follow_schedules()
    assert causes() == [("schedule", f"{missed:%Y-%m-%d} 03:00 UTC")]
    assert plan().next_at == first


def test_the_plan_follows_what_the_team_chooses(project: Project) -> None:
    follow_schedules()
    choose(project, schedule="0 4 * * *", time_zone="Europe/Stockholm")
    follow_schedules()
    now = plan()
    assert now.next_at is not None
    assert (now.schedule, now.next_at.hour in (2, 3), now.data) == ("0 4 * * *", True, "")
    choose(project, schedule=None, data="other/")
    follow_schedules()
    assert (plan().next_at, plan().data) == (None, "other/")
    choose(project)
    follow_schedules()
    assert not TrainingPlan.objects.exists()


def test_one_that_can_not_be_read_stops_nobody_else(project: Project) -> None:
    choose(project, schedule="0 3 * * *", of_a_later_version=True)
    spec = {**project.spec, "slug": "other", "options": {"retrain": {"data": "raw/"}}}
    other = Project.objects.create(slug="other", team=project.team, spec=spec)
    follow_schedules()
    assert list(TrainingPlan.objects.values_list("project", "data")) == [(other.pk, "raw/")]


def test_the_longest_that_may_be_chosen_fits(world: World, project: Project) -> None:
    every_day = "0 3 " + ",".join(str(day) for day in range(1, 32)) + " * *"
    choose(project, schedule=every_day, data="a" * (LONGEST - 1))
    follow_schedules()
    see_data(world)
    folder = "a" * (LONGEST - 1) + "/"
    (bucket,) = world.store.buckets
    assert plan().data == folder
    world.store.buckets[bucket].objects[f"{folder}weeks.csv"] = [b"1"]
    see_data(world)
    see_data(world)
    assert causes() == [("data", f"{folder} in {bucket}")]


@pytest.mark.parametrize("state", [{"suspended": True}, {"deletion_requested_at": "2026-01-01T00:00:00Z"}])
def test_what_rests_or_goes_is_not_trained(project: Project, state: dict[str, Any]) -> None:
    follow_schedules()
    TrainingPlan.objects.update(next_at=timezone.now())
    Project.objects.update(**state)
    follow_schedules()
    assert causes() == []


def see_data(world: World) -> None:
    follow_data(installation=installation(), open_client=lambda _: world.store)


def test_a_change_of_the_data_counts_when_it_is_at_rest(world: World, project: Project) -> None:
    follow_schedules()
    files = world.store.buckets["ml-demand"].objects
    files["raw/weeks.csv"] = [b"1,2"]
    see_data(world)
    assert causes() == []
    files["raw/weeks.csv"] = [b"1,2", b"1,2,3"]
    files["dvc/files/aa"] = [b"cache"]
    see_data(world)
    files["raw/more.csv"] = [b"4"]
    see_data(world)
    assert causes() == []
    see_data(world)
    assert causes() == [("data", "raw/ in ml-demand")]
    see_data(world)
    files["dvc/files/bb"] = [b"what the training pushed"]
    see_data(world)
    see_data(world)
    assert len(causes()) == 1


def test_a_folder_that_never_rests_is_trained_once_an_hour(world: World, project: Project) -> None:
    follow_schedules()
    see_data(world)
    objects = world.store.buckets["ml-demand"].objects

    def goes_on(number: int) -> list[tuple[str, str]]:
        objects["raw/log.csv"] = [b"x" * (number + 1)]
        see_data(world)
        return causes()

    assert goes_on(0) == goes_on(1) == goes_on(2) == []
    TrainingPlan.objects.update(data_moving_since=timezone.now() - LONGEST_CHANGE)
    assert goes_on(3) == [("data", "raw/ in ml-demand")]
    all_began()
    assert len(goes_on(4)) == len(goes_on(5)) == 1
    an_hour_passes()
    assert len(goes_on(6)) == 2


def test_data_that_comes_file_by_file_is_trained_once_an_hour(world: World, project: Project) -> None:
    follow_schedules()
    see_data(world)
    files = world.store.buckets["ml-demand"].objects
    for number in range(6):
        files[f"raw/{number}.csv"] = [b"1"]
        see_data(world)
        see_data(world)
        all_began()
    assert len(causes()) == 1
    an_hour_passes()
    see_data(world)
    assert len(causes()) == 2, "what came meanwhile is trained then"
    all_began()
    an_hour_passes()
    see_data(world)
    see_data(world)
    assert len(causes()) == 2, "and not once more"


def test_a_run_that_writes_into_the_watched_folder_starts_no_endless_row(world: World, project: Project) -> None:
    follow_schedules()
    see_data(world)
    files = world.store.buckets["ml-demand"].objects
    files["raw/weeks.csv"] = [b"1,2"]
    for number in range(12):
        see_data(world)
        if len(causes()) > len([one for one in files if one.startswith("raw/result")]):
            files[f"raw/result-{number}.csv"] = [b"of the run"]
            all_began()
    assert len(causes()) == 1


def test_what_changed_while_the_project_rested_is_trained_once_it_is_resumed(world: World, project: Project) -> None:
    follow_schedules()
    see_data(world)
    Project.objects.update(suspended=True)
    world.store.buckets["ml-demand"].objects["raw/weeks.csv"] = [b"1,2"]
    TrainingPlan.objects.update(next_at=timezone.now())
    for _ in range(3):
        follow_schedules()
        see_data(world)
    assert causes() == []
    due = plan().next_at
    assert due is not None
    assert due > timezone.now()
    Project.objects.update(suspended=False)
    for _ in range(4):
        follow_schedules()
        see_data(world)
        all_began()
    assert causes() == [("data", "raw/ in ml-demand")]


def test_a_change_whose_training_a_suspension_ended_counts_again(world: World, project: Project) -> None:
    follow_schedules()
    see_data(world)
    world.store.buckets["ml-demand"].objects["raw/weeks.csv"] = [b"1,2"]
    see_data(world)
    see_data(world)
    Project.objects.update(suspended=True)
    send(TrainingAsked.objects.get().pk, installation=installation(), open_client=lambda _: world.forge)
    Project.objects.update(suspended=False)
    an_hour_passes()
    for _ in range(4):
        see_data(world)
        all_began()
    assert [because for because, _ in causes()] == ["data", "data"]


def test_a_change_while_a_training_waits_is_trained_after_it(world: World, project: Project) -> None:
    follow_schedules()
    see_data(world)
    TrainingPlan.objects.update(next_at=timezone.now())
    follow_schedules()
    world.store.buckets["ml-demand"].objects["raw/weeks.csv"] = [b"1,2"]
    see_data(world)
    see_data(world)
    assert [because for because, _ in causes()] == ["schedule"]
    all_began()
    see_data(world)
    assert [because for because, _ in causes()] == ["schedule", "data"]


@pytest.mark.usefixtures("pages")
@pytest.mark.parametrize(
    ("error", "swedish"),
    [
        (
            TargetUnavailable(phrase("%(name)s does not answer. We look again by ourselves.", name="store-1")),
            "store-1 svarar inte. Vi tittar igen av oss själva.",
        ),
        (
            PermanentError(
                phrase(
                    "%(place)s holds more than %(most)s objects, too many to be watched. Choose a folder with fewer.",
                    place="ml-demand/raw/",
                    most=100000,
                )
            ),
            "ml-demand/raw/ innehåller fler än 100000 objekt, för många att bevaka. Välj en mapp med färre.",
        ),
    ],
)
def test_a_folder_that_can_not_be_looked_at_changes_nothing_and_is_said(
    world: World, project: Project, error: Any, swedish: str
) -> None:
    follow_schedules()
    see_data(world)
    before = plan().data_seen
    world.store.fail_with(error, on="folder_state")
    see_data(world)
    first = plan().data_unseen_since
    assert first is not None
    world.store.fail_with(error, on="folder_state")
    see_data(world)
    assert (plan().data_seen, plan().data_unseen_since, causes()) == (before, first, [])
    page = " ".join(client("alice").get("/projects/demand/models/").content.decode().split())
    assert f"changes of raw/ are not noticed: {error.message}" in page
    page = text(client("alice", language="sv").get("/projects/demand/models/"))
    assert f"märks inga ändringar i raw/: {swedish}" in page
    told = bearer("alice").get("/api/v1/projects/demand/trainings/").json()
    assert (told["data_unseen"], told["data_unseen_since"] is None) == (error.message, False)
    see_data(world)
    told = bearer("alice").get("/api/v1/projects/demand/trainings/").json()
    assert (told["data_unseen"], told["data_unseen_since"]) == ("", None)


@pytest.mark.usefixtures("pages")
def test_a_suspended_project_is_told_no_next_time(project: Project) -> None:
    follow_schedules()
    Project.objects.update(suspended=True)
    page = client("alice").get("/projects/demand/models/").content.decode()
    assert "Nothing is trained while the project is suspended." in page
    assert "Next by its schedule" not in page
    assert bearer("alice").get("/api/v1/projects/demand/trainings/").json()["next_at"] is None
