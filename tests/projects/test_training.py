"""Training without a push: the listener is rung as the forge rings it, at least once, and nothing is lost."""

import hashlib
import hmac
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from projects import reports, training
from projects.errors import Conflict, NotAllowed, NotFound
from projects.installation import installation
from projects.models import Door, Membership, Notice, Project, Report, TrainingAsked
from projects.training_tasks import follow_schedules, ring_for_trainings, send
from projects.wishes import present_wish
from provisioning.errors import TargetUnavailable
from provisioning.phrases import phrase
from tests.ci import MAE, PASSED, ci
from tests.ci import send as send_report
from tests.people import bearer, client, person
from tests.projects.pages import text
from tests.projects.tended import ALICE, REPOSITORY, World, asked, look
from tests.provisioning.clients.recorded import Played

pytestmark = pytest.mark.django_db(transaction=True)

CONTRIBUTORS = [ALICE, {"user": "charlie@corp.example", "role": "viewer"}]


@pytest.fixture
def listener() -> Iterator[Played]:
    server = Played()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def project(world: World, listener: Played, settings: Any) -> Project:
    before = installation()
    (cluster,) = before.catalogue.clusters
    own = cluster.model_copy(update={"ci_listener_url": f"{listener.url}/"})
    settings.INSTALLATION = replace(before, catalogue=before.catalogue.model_copy(update={"clusters": (own,)}))
    made = asked(contributors=CONTRIBUTORS)
    for one in CONTRIBUTORS:
        Membership.objects.create(project=made, subject=one["user"], is_group=False, role=one["role"])
    return look(made)


def swedish_page() -> str:
    """What alice reads of the model in Swedish."""
    return text(client("alice", language="sv").get("/projects/demand/models/"))


def due_now() -> None:
    TrainingAsked.objects.update(next_try_at=timezone.now() - timedelta(seconds=1))


def test_the_listener_gets_a_signed_push_of_what_is_there(world: World, listener: Played, project: Project) -> None:
    listener.answers["POST", "/"] = (202, {})
    row = training.ask(project, by=person("alice"), door=Door.API)
    assert world.rung[-1] == "projects.training_tasks.send"
    send(row.pk)
    sha = world.forge.branch_head(REPOSITORY, "main")["sha"]  # type: ignore[index]
    (sent,) = listener.asked
    assert sent.body["after"] == sent.body["before"] == sha
    assert (sent.body["ref"], sent.body["repository"]["full_name"]) == ("refs/heads/main", REPOSITORY)
    assert sent.body["slipway"] == {"training": str(row.pk)}
    secret = present_wish(project, settings=installation()).secret("webhook")
    body = training.push_body(world.forge.repository(REPOSITORY), sha=sha, bot="slipway-bot", training=row.pk)
    headers = listener.sent_headers[0]
    assert headers["X-Hub-Signature-256"] == "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    assert (headers["X-GitHub-Event"], headers["X-GitHub-Delivery"]) == (
        "push",
        f"slipway-training-{project.uid}-{row.pk}",
    )
    row.refresh_from_db()
    assert (row.branch, row.commit, row.sent_at is None, row.why) == ("main", sha, False, "")
    send(row.pk)
    assert len(listener.asked) == 1


def test_a_listener_that_is_away_is_rung_again(listener: Played, project: Project) -> None:
    listener.answers["POST", "/"] = (503, {})
    row = training.ask(project, by=person("alice"), door=Door.API)
    send(row.pk)
    row.refresh_from_db()
    assert (row.sent_at, row.given_up_at, row.why) == (None, None, "The CI listener does not take it now (503).")
    listener.answers["POST", "/"] = (202, {})
    assert training.due(limit=5) == []
    due_now()
    ring_for_trainings()
    assert training.due(limit=5) == [row.pk]
    send(row.pk)
    row.refresh_from_db()
    assert row.sent_at is not None


def test_a_forge_that_says_how_long_is_left_alone_so_long(world: World, listener: Played, project: Project) -> None:
    row = training.ask(project, by=person("alice"), door=Door.API)
    world.forge.fail_with(TargetUnavailable("git-1 was asked too much.", delay=3000), on="*")
    send(row.pk)
    row.refresh_from_db()
    assert timedelta(seconds=2990) < row.next_try_at - timezone.now() <= timedelta(seconds=3000)


def test_a_refusal_is_given_up_and_said(listener: Played, project: Project) -> None:
    listener.answers["POST", "/"] = (302, {}, {"Location": "http://127.0.0.1:1/"})
    row = training.ask(project, by=person("alice"), door=Door.API)
    send(row.pk)
    row.refresh_from_db()
    assert (row.given_up_at is None, row.why) == (False, "The CI listener refuses the delivery (302).")
    assert len(listener.asked) == 1
    training.ask(project, by=person("alice"), door=Door.API)


def test_who_may_ask(project: Project) -> None:
    for member_or_viewer in ("bob", "charlie"):
        with pytest.raises(NotAllowed, match="Owners, editors and the platform team have the model trained"):
            training.ask(project, by=person(member_or_viewer), door=Door.API)
    Membership.objects.filter(subject="charlie@corp.example").delete()
    with pytest.raises(NotFound):
        training.ask(project, by=person("charlie"), door=Door.API)
    training.ask(project, by=person("paula"), door=Door.API)
    with pytest.raises(Conflict, match="waits to begin already"):
        training.ask(project, by=person("alice"), door=Door.API)


def test_a_suspended_project_is_not_trained(listener: Played, project: Project) -> None:
    row = training.ask(project, by=person("alice"), door=Door.API)
    Project.objects.update(suspended=True)
    send(row.pk)
    row.refresh_from_db()
    assert (listener.asked, row.why) == ([], "The project is suspended or being removed.")
    project.refresh_from_db()
    with pytest.raises(Conflict, match="suspended or being removed, so nothing is trained"):
        training.ask(project, by=person("alice"), door=Door.API)


@pytest.fixture(params=["", "http://127.0.0.1:1/"], ids=["no listener", "a listener"])
def by_actions(request: pytest.FixtureRequest, world: World, settings: Any) -> Project:
    """A project whose forge runs the workflow, also where a listener is named that would run nothing."""
    before = installation()
    (cluster,), (forge,) = before.catalogue.clusters, before.catalogue.forges
    catalogue = before.catalogue.model_copy(
        update={
            "clusters": (cluster.model_copy(update={"ci": "actions", "ci_listener_url": request.param}),),
            "forges": (forge.model_copy(update={"actions": True}),),
        }
    )
    settings.INSTALLATION = replace(before, catalogue=catalogue)
    return look(asked(contributors=CONTRIBUTORS))


def test_a_forge_that_runs_the_workflow_is_told_to(world: World, by_actions: Project) -> None:
    row = training.note(by_actions, because=training.Because.DATA, cause="raw/ changed")
    assert row is not None
    send(row.pk)
    assert world.forge.made("start_workflow") == [("start_workflow", REPOSITORY, "ci.yaml", "main")]
    row.refresh_from_db()
    assert (row.commit, row.asked_by_name, row.cause) == (
        world.forge.branch_head(REPOSITORY, "main")["sha"],
        "",
        "raw/ changed",
    )  # type: ignore[index]


def test_where_no_ci_is_it_says_so(world: World, project: Project, settings: Any) -> None:
    before = installation()
    (cluster,) = before.catalogue.clusters
    none = cluster.model_copy(update={"ci_listener_url": ""})
    settings.INSTALLATION = replace(before, catalogue=before.catalogue.model_copy(update={"clusters": (none,)}))
    row = training.ask(project, by=person("alice"), door=Door.API)
    send(row.pk)
    row.refresh_from_db()
    assert row.why == "cluster-north has no CI, so nothing can be started."
    assert "Inte påbörjad: cluster-north har ingen CI, så inget kan startas." in swedish_page()


def test_an_empty_repository_has_nothing_to_train_and_says_so_in_each_language(world: World, project: Project) -> None:
    world.forge.repositories[REPOSITORY].branches.clear()
    row = training.ask(project, by=person("alice"), door=Door.API)
    send(row.pk)
    row.refresh_from_db()
    assert row.why == f"{REPOSITORY} has no commit yet, so there is nothing to train."
    assert f"Inte påbörjad: {REPOSITORY} har ingen commit än, så det finns inget att träna." in swedish_page()
    listed = bearer("alice").get("/api/v1/projects/demand/trainings/", headers={"Accept-Language": "sv"}).json()
    assert listed["items"][0]["why"] == row.why


def test_a_training_that_waits_says_why_in_the_reader_s_language(listener: Played, project: Project) -> None:
    listener.answers["POST", "/"] = (503, {})
    send(training.ask(project, by=person("alice"), door=Door.API).pk)
    said = "Väntar: CI-lyssnaren tar inte emot det nu (503). Vi försöker igen av oss själva."
    assert said in swedish_page()


@pytest.mark.usefixtures("pages")
def test_the_page_asks_and_shows_what_became_of_it(listener: Played, project: Project) -> None:
    listener.answers["POST", "/"] = (202, {})
    page = "/projects/demand/models/"
    assert "Train again" not in client("alice").get(page).content.decode()
    assert client("charlie").post(f"{page}train/").status_code == 403
    assert client("alice").post(f"{page}train/").headers["Location"] == f"{page}#trainings"
    shown = " ".join(client("alice").get(page).content.decode().split())
    assert "Asked by alice@corp.example" in shown
    assert "About to begin." in shown
    assert "Train again</button>" in shown
    assert "Train again</button>" not in client("charlie").get(page).content.decode()
    assert client("alice").post(f"{page}train/").status_code == 409
    send(TrainingAsked.objects.get().pk)
    assert "CI took it" in client("alice").get(page).content.decode()


def test_the_api_asks_once_and_lists(project: Project) -> None:
    url = "/api/v1/projects/demand/trainings/"
    asked = {"content_type": "application/json", "headers": {"Idempotency-Key": "train-1"}}
    made = bearer("alice").post(url, data={}, **asked)
    assert (made.status_code, made.json()["because"], made.json()["begun_at"]) == (202, "person", None)
    assert bearer("alice").post(url, data={}, **asked).json() == made.json()
    assert bearer("alice").post(url, data={}, content_type="application/json").status_code == 409
    assert bearer("charlie").get(url).json()["items"] == [made.json()]
    assert bearer("charlie").post(url, data={}, content_type="application/json").status_code == 403


def begun(project: Project, commit: str, **changes: Any) -> TrainingAsked:
    """A training that CI took."""
    fields = {"because": "data", "branch": "main", "commit": commit, "sent_at": timezone.now(), **changes}
    return TrainingAsked.objects.create(project=project, **fields)


def reported(project: Project, commit: str, *, run: str, **changes: Any) -> int:
    url = f"https://ci.corp.example/{run}"
    said = {"branch": "main", "pull_request": None, "run_url": url, "tests": PASSED, **changes}
    answer = send_report(ci(project), commit=commit, run=run, **said)
    assert answer.status_code == 201, answer.content
    return int(answer.json()["id"])


def reports_of(rows: list[TrainingAsked]) -> list[int | None]:
    return [TrainingAsked.objects.get(pk=row.pk).report_id for row in rows]


def test_a_training_is_linked_with_the_first_report_of_its_run(project: Project) -> None:
    here, there = "a" * 40, "b" * 40
    reported(project, here, run="before")
    late = begun(project, here, sent_at=timezone.now() - training.REPORTS_WITHIN)
    first, second, other = begun(project, here), begun(project, here), begun(project, there)
    reported(project, here, run="of-pull-request", pull_request=3)
    reported(project, here, run="of-a-branch", branch="smoother")
    assert reports_of([late, first, second, other]) == [None] * 4
    one = reported(project, here, run="one")
    two = reported(project, here, run="two")
    reported(project, here, run="nobody-asked")
    assert reports_of([late, first, second, other]) == [None, one, two, None]


@pytest.mark.usefixtures("pages")
def test_page_and_api_say_how_a_training_ended(project: Project) -> None:
    reported(project, "9" * 40, run="push", metrics=[{**MAE, "value": 0.1}])
    begun(project, "a" * 40)
    good = reported(project, "a" * 40, run="good", metrics=[{**MAE, "value": 0.1}])
    begun(project, "b" * 40)
    reported(project, "b" * 40, run="bad", run_url=None, metrics=[{**MAE, "value": 0.9}])
    begun(project, "c" * 40)
    page = client("charlie").get("/projects/demand/models/").content.decode()
    part = " ".join(page[page.index('id="trainings"') :].split())
    silent, bad, well = part.split("<li>")[1:]
    assert "No report of its run is here." in silent
    assert ("The gate is shut." in bad, "Run bad<" in bad) == (True, True)
    assert "The gate is open." in well
    assert 'Run <a href="https://ci.corp.example/good" rel="noreferrer">good</a>' in well
    told = bearer("charlie").get("/api/v1/projects/demand/trainings/").json()["items"]
    assert [one["report"] and one["report"]["gate_open"] for one in told] == [None, False, True]
    received = told[2]["report"].pop("received_at")
    assert received is not None
    assert told[2]["report"] == {
        "id": good,
        "run": "good",
        "run_url": "https://ci.corp.example/good",
        "gate_open": True,
        "url": f"/api/v1/projects/demand/reports/{good}/",
    }


@pytest.mark.usefixtures("pages")
def test_more_trainings_ask_the_database_no_more(project: Project) -> None:
    def queries() -> list[int]:
        counts = []
        for ask in (
            lambda: client("alice").get("/projects/demand/models/"),
            lambda: bearer("alice").get("/api/v1/projects/demand/trainings/"),
        ):
            ask()  # what a first visit asks besides
            with CaptureQueriesContext(connection) as captured:
                assert ask().status_code == 200
            counts.append(len(captured))
        return counts

    for number in range(2):
        begun(project, f"{number:040x}")
        reported(project, f"{number:040x}", run=f"run-{number}")
    few = queries()
    for number in range(2, 5):
        begun(project, f"{number:040x}")
        reported(project, f"{number:040x}", run=f"run-{number}")
    assert queries() == few


def heard() -> list[tuple[str, str]]:
    rows = Notice.objects.filter(kind="training-failed").select_related("person").order_by("pk")
    return [(one.person.get_username(), one.text) for one in rows]


ALICES = "alice@corp.example"


def test_owners_hear_when_a_training_by_itself_could_not_begin(listener: Played, project: Project) -> None:
    person("alice")
    listener.answers["POST", "/"] = (302, {}, {"Location": "http://127.0.0.1:1/"})
    send(training.ask(project, by=person("alice"), door=Door.API).pk)
    assert heard() == []
    for because, cause in ((training.Because.SCHEDULE, "2026-11-28 03:00 UTC"), (training.Because.DATA, "raw/ in b")):
        row = training.note(project, because=because, cause=cause)
        assert row is not None
        send(row.pk)
    said = "it could not begin: The CI listener refuses the delivery (302)."
    assert heard() == [
        (ALICES, f"demand was to be trained by its schedule (2026-11-28 03:00 UTC): {said}"),
        (ALICES, f"demand was to be trained as its data changed (raw/ in b): {said}"),
    ]


def test_owners_who_read_swedish_hear_all_of_it_in_swedish(listener: Played, project: Project) -> None:
    person("alice")
    listener.answers["POST", "/"] = (503, {})
    cause = phrase("%(folder)s in %(bucket)s", folder="raw/", bucket="ml-demand")
    row = training.note(project, because=training.Because.DATA, cause=cause)
    assert row is not None
    assert "Data har ändrats (raw/ i ml-demand)" in swedish_page()
    TrainingAsked.objects.update(made_at=timezone.now() - timedelta(days=2))
    send(row.pk)
    row.refresh_from_db()
    assert (row.cause, row.why) == (
        "raw/ in ml-demand",
        "The CI listener does not take it now (503). It was tried for a day.",
    )
    why = "CI-lyssnaren tar inte emot det nu (503). Det försöktes under ett dygn."
    assert f"Inte påbörjad: {why}" in swedish_page()
    notices = client("alice", language="sv").get("/account/notices/")
    said = f"demand skulle tränas eftersom dess data ändrades (raw/ i ml-demand): den kunde inte börja: {why}"
    assert said in text(notices)


def test_a_shut_gate_is_told_in_swedish_however_many_metrics_miss(project: Project) -> None:
    person("alice")
    begun(project, "b" * 40, because="schedule")
    missed = [{**MAE, "name": f"mae-{number:02}", "value": 0.3} for number in range(12)]
    reported(project, "b" * 40, run="bad", metrics=missed, tests=PASSED)
    page = text(client("alice", language="sv").get("/account/notices/"))
    each = " ".join(f"mae-{number:02} (test) är 0.3; 0.2 eller mindre krävs." for number in range(12))
    assert f"demand skulle tränas enligt sitt schema: spärren är stängd vid bbbbbbbbbb: {each[:240]}…" in page
    ((_, english),) = heard()
    assert english.endswith("…")


def test_owners_hear_when_it_was_tried_for_a_day(listener: Played, project: Project) -> None:
    person("alice")
    listener.answers["POST", "/"] = (503, {})
    row = training.note(project, because=training.Because.SCHEDULE)
    assert row is not None
    send(row.pk)
    assert heard() == []
    TrainingAsked.objects.update(made_at=timezone.now() - timedelta(days=2))
    due_now()
    send(row.pk)
    said = "it could not begin: The CI listener does not take it now (503). It was tried for a day."
    assert heard() == [(ALICES, f"demand was to be trained by its schedule: {said}")]


def test_owners_hear_once_when_no_report_came(project: Project) -> None:
    person("alice")
    long_ago = timezone.now() - timedelta(hours=7)
    row = begun(project, "a" * 40, because="data", cause="raw/ in b", sent_at=long_ago)
    begun(project, "b" * 40, because="person", sent_at=long_ago)
    begun(project, "c" * 40, because="schedule", sent_at=timezone.now() - timedelta(hours=5))
    for _ in range(2):
        follow_schedules()
    said = "CI began, but sent no report within 6 hours. Look at its log."
    assert heard() == [(ALICES, f"demand was to be trained as its data changed (raw/ in b): {said}")]
    row.refresh_from_db()
    assert row.missed_at is not None


def test_a_training_that_reported_did_so_however_many_others_report_after_it(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reports, "KEPT", 1)
    monkeypatch.setattr(reports, "OF_MAIN", 1)
    person("alice")
    row = begun(project, "a" * 40, because="schedule")
    mine = reported(project, "a" * 40, run="mine")
    for number in range(3):
        reported(project, "b" * 40, run=f"other-{number}")
    TrainingAsked.objects.update(sent_at=timezone.now() - timedelta(days=60))
    follow_schedules()
    assert (heard(), reports_of([row])) == ([], [mine])
    assert sorted(Report.objects.values_list("run", flat=True)) == ["mine", "other-2"]
    TrainingAsked.objects.all().delete()
    reported(project, "b" * 40, run="other-3")
    assert list(Report.objects.values_list("run", flat=True)) == ["other-3"]


def test_owners_hear_when_it_shuts_the_gate_and_nothing_of_a_success(project: Project) -> None:
    person("alice")
    begun(project, "a" * 40, because="schedule")
    reported(project, "a" * 40, run="good", tests=PASSED)
    assert heard() == []
    begun(project, "b" * 40, because="schedule")
    reported(project, "b" * 40, run="bad", metrics=[{**MAE, "value": 0.3}], tests=PASSED)
    begun(project, "c" * 40, because="person")
    reported(project, "c" * 40, run="worse", metrics=[{**MAE, "value": 0.4}], tests=PASSED)
    said = "the gate is shut at bbbbbbbbbb: mae (test) is 0.3; 0.2 or less is needed."
    assert heard() == [(ALICES, f"demand was to be trained by its schedule: {said}")]


def test_what_ended_long_ago_is_forgotten_and_what_waits_is_not(project: Project) -> None:
    old = timezone.now() - training.KEPT - timedelta(days=1)
    for ended in ({"sent_at": old}, {"given_up_at": old}, {}):
        TrainingAsked.objects.create(project=project, because="data", made_at=old, **ended)
    TrainingAsked.objects.create(project=project, because="data", sent_at=timezone.now())
    training.forget_old()

    assert sorted(one.sent_at is None for one in TrainingAsked.objects.all()) == [False, True]
