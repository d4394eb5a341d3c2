"""What CI reports: taken in once, with its own token only, and nothing of it believed that isn't checked."""

import base64
import json
import struct
import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from projects import credentials, reports
from projects.installation import installation
from projects.models import Door, Feedback, Membership, Plot, Project, Report, Rotation
from projects.report_body import ReportIn
from projects.tasks import tidy
from tests.ci import COMMIT, MAE, REPORT, ci, send, token_of
from tests.people import bearer, client, person
from tests.projects.tended import World, asked
from tests.provisioning.wishes import catalogue

pytestmark = pytest.mark.django_db(transaction=True)

BASE = "/api/v1/projects/demand/reports/"


def png(width: int, height: int) -> bytes:
    return b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + struct.pack(">II", width, height) + b"\x08\x02\x00\x00\x00"


def jpeg(width: int, height: int, *, before: bytes = b"\xff\xe0\x00\x10JFIF" + b"\x00" * 10) -> bytes:
    return b"\xff\xd8" + before + b"\xff\xc2\x00\x11\x08" + struct.pack(">HH", height, width) + b"\x03" + b"\x00" * 9


PNG, JPEG = png(640, 480), jpeg(640, 480)


@pytest.fixture
def project(world: World, nothing_remembered: None) -> Project:
    made = asked()
    Membership.objects.create(project=made, subject="alice@corp.example", role="owner", source=Door.FORM)
    return made


def plot(picture: bytes = PNG, **changes: Any) -> dict[str, Any]:
    shown = {"name": "residuals", "media_type": "image/png", "content": base64.b64encode(picture).decode()}
    return {**shown, **changes}


def faults(answer: Any) -> list[str]:
    unknown = any(one["code"] == "extra_forbidden" for one in answer.json()["errors"])
    assert answer.status_code == (400 if unknown else 422), answer.content
    return sorted(one["field"] for one in answer.json()["errors"])


def test_a_report_is_kept_as_it_was_sent_and_the_worker_is_rung(world: World, project: Project) -> None:
    answer = send(ci(project), plots=[plot()])
    assert answer.status_code == 201, answer.content
    row = Report.objects.get()
    picture = row.plots.get()
    kept = {
        **REPORT,
        "id": row.pk,
        "received_at": answer.json()["received_at"],
        "url": f"{BASE}{row.pk}/",
        "plots": [{"name": "residuals", "media_type": "image/png", "url": f"{BASE}{row.pk}/plots/{picture.pk}/"}],
    }
    assert answer.json() == kept
    assert bytes(picture.content) == PNG
    told = Feedback.objects.get()
    assert (told.pull_request, told.branch, told.commit, told.report, told.told) == (3, "", "", row, None)
    assert world.rung == ["projects.feedback_tasks.tell"]
    assert world.calls() == []
    for who in (client("alice"), client("bob"), client("paula"), bearer("alice", "read")):
        assert who.get(BASE).json() == {"items": [kept], "next": None}
        assert who.get(kept["url"]).json() == {
            **kept,
            "gate_open": False,
            "because": "1 of 13 model tests fail: test_winter_weeks.",
            "compared_with": None,
            "comparison": [
                {"name": "mae", "split": "test", "value": 0.12, "base": None, "change": "new", "threshold": 0.2}
                | {"held": True, "turned": False}
            ],
            "told": {"at": None, "waits": True, "why": None, "held_by": None},
        }


def test_the_smallest_report(world: World, project: Project) -> None:
    body = {"commit": COMMIT, "branch": "main", "run": "1"}
    answer = ci(project).post(BASE, json.dumps(body), content_type="application/json")
    assert answer.status_code == 201, answer.content
    said = answer.json()
    unsaid = ("pull_request", "run_url", "data_hash", "environment_hash", "tests", "reproduced")
    assert {name: said[name] for name in unsaid} == dict.fromkeys(unsaid)
    assert (said["metrics"], said["plots"]) == ([], [])
    told = Feedback.objects.get()
    assert (told.pull_request, told.branch, told.commit) == (None, "main", COMMIT)


def test_the_same_again_is_the_same_report_and_another_body_is_refused(world: World, project: Project) -> None:
    script = ci(project)
    first, again = send(script), send(script)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    other = send(script, metrics=[{**MAE, "value": 0.01}])
    assert (other.status_code, other.json()["type"]) == (409, "urn:slipway:problem:conflict")
    assert send(script, run="1285", metrics=[{**MAE, "value": 0.01}]).status_code == 201
    assert [row.metrics[0]["value"] for row in Report.objects.order_by("pk")] == [0.12, 0.01]


def test_twenty_at_once_of_one_run_are_one_report(world: World, project: Project) -> None:
    answers: list[int] = []

    def one() -> None:
        answers.append(send(ci(project)).status_code)
        connection.close()

    threads = [threading.Thread(target=one) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [200] * 19 + [201]
    assert (Report.objects.count(), Feedback.objects.count()) == (1, 1)


@pytest.mark.parametrize("marks", ["/x?a=b&c=d#e", "/" + "x" * 351, "/år;~,*+!|^%20"])
def test_what_the_catalogue_takes_for_the_page_of_a_run_a_report_may_say(marks: str) -> None:
    page = catalogue(cluster={"ci_dashboard_url": f"https://t.example/{{namespace}}/{{run}}{marks}"}).cluster()
    said = page.ci_dashboard_url.replace("{namespace}", "n" * 63).replace("{run}", "r" * 63)
    assert ReportIn.model_validate({"commit": COMMIT, "branch": "main", "run": "1", "run_url": said}).run_url == said


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"commit": "main"}, ["commit"]),
        ({"branch": "a b"}, ["branch"]),
        ({"branch": ""}, ["branch"]),
        ({"pull_request": 0}, ["pull_request"]),
        ({"pull_request": True}, ["pull_request"]),
        ({"pull_request": "3"}, ["pull_request"]),
        ({"run": "x" * 201}, ["run"]),
        ({"run": "a b"}, ["run"]),
        ({"run_url": "javascript:alert(1)"}, ["run_url"]),
        ({"run_url": "https://x.example/)[y](https://z.example"}, ["run_url"]),
        ({"metrics": [{**MAE, "value": "0.1"}]}, ["metrics.0.value"]),
        ({"metrics": [{**MAE, "value": True}]}, ["metrics.0.value"]),
        ({"metrics": [{**MAE, "value": 10**400}]}, ["metrics.0.value"]),
        ({"metrics": [{**MAE, "direction": "up"}]}, ["metrics.0.direction"]),
        ({"metrics": [{**MAE, "name": "<b>mae</b>"}]}, ["metrics.0.name"]),
        ({"metrics": [{**MAE, "name": "x" * 101}]}, ["metrics.0.name"]),
        ({"metrics": [{**MAE, "mine": 1}]}, ["metrics.0.mine"]),
        ({"metrics": [MAE, MAE]}, ["metrics"]),
        ({"metrics": [{**MAE, "name": f"m{number}"} for number in range(10_000)]}, ["metrics"]),
        ({"data_hash": "'; drop table"}, ["data_hash"]),
        ({"tests": {"passed": -1}}, ["tests.passed"]),
        ({"tests": {"passed": 1, "failed": [{"name": "a", "kind": "unknown"}]}}, ["tests.failed.0.kind"]),
        ({"tests": {"passed": 1, "failed": [{"name": "a\u202eb"}]}}, ["tests.failed.0.name"]),
        ({"tests": {"passed": 1, "failed": [{"name": f"t{n}", "example": "x" * 3000} for n in range(4)]}}, ["tests"]),
        ({"reproduced": "yes"}, ["reproduced"]),
        ({"project": "other"}, ["project"]),
        ({"commit": "x", "run": "", "mine": 1}, ["commit", "mine", "run"]),
    ],
    ids=lambda part: str(part)[:40],
)
def test_what_can_not_be_so_is_refused_with_every_fault(
    world: World, project: Project, changes: dict[str, Any], fields: list[str]
) -> None:
    assert faults(send(ci(project), **changes)) == fields
    assert (Report.objects.count(), Feedback.objects.count(), world.rung) == (0, 0, [])


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_numbers_that_are_none_are_no_json(world: World, project: Project, number: str) -> None:
    body = json.dumps(REPORT).replace("0.12", number)
    answer = ci(project).post(BASE, body, content_type="application/json")
    assert (answer.status_code, answer.json()["type"]) == (400, "urn:slipway:problem:malformed-json")
    assert Report.objects.count() == 0


@pytest.mark.parametrize(
    "wrong",
    [
        plot(b"<svg onload='alert(1)'/>"),
        plot(JPEG),
        plot(PNG, media_type="image/jpeg"),
        plot(media_type="image/svg+xml"),
        plot(PNG + b"x" * 200 * 1024),
        plot(content="%%%"),
        plot(name="../x"),
        plot(png(4097, 1)),
        plot(png(1, 2**31 - 1)),
        plot(png(0, 1)),
        plot(PNG[:20]),
        plot(jpeg(1, 4097), media_type="image/jpeg"),
        plot(jpeg(65535, 65535), media_type="image/jpeg"),
        plot(jpeg(640, 480, before=b"\xff\x01"), media_type="image/jpeg"),
        plot(JPEG[:20], media_type="image/jpeg"),
    ],
    ids=[
        *("svg", "a JPEG called PNG", "a PNG called JPEG", "another type", "too large", "no base64", "a path"),
        *("too wide", "too high", "no width", "half a PNG"),
        *("a JPEG too high", "a huge JPEG", "a JPEG of other parts", "half a JPEG"),
    ],
)
def test_a_plot_that_is_no_small_picture_is_refused(world: World, project: Project, wrong: dict[str, Any]) -> None:
    assert all(one.startswith("plots.0") for one in faults(send(ci(project), plots=[wrong])))
    assert faults(send(ci(project), plots=[plot(name=f"p{number}") for number in range(6)])) == ["plots"]
    assert faults(send(ci(project), plots=[plot(), plot()])) == ["plots"]
    assert Plot.objects.count() == 0


def test_a_picture_may_be_4096_pixels_each_way(world: World, project: Project) -> None:
    sent = [plot(png(4096, 4096)), plot(jpeg(4096, 4096, before=b""), name="roc", media_type="image/jpeg")]
    assert send(ci(project), plots=sent).status_code == 201


def test_pictures_are_pictures_and_only_for_those_who_see_the_project(world: World, project: Project) -> None:
    sent = [plot(), plot(JPEG, name="roc", media_type="image/jpeg"), plot(PNG + b"x" * 190_000, name="large")]
    said = send(ci(project), plots=sent).json()
    urls = [one["url"] for one in said["plots"]]
    answers = [client("alice").get(url) for url in urls]
    assert [one["Content-Type"] for one in answers] == ["image/png", "image/jpeg", "image/png"]
    assert [len(one.content) for one in answers] == [len(PNG), len(JPEG), len(PNG) + 190_000]
    assert {
        (one["X-Content-Type-Options"], one["Content-Security-Policy"], one["Cache-Control"]) for one in answers
    } == {("nosniff", "default-src 'none'; sandbox", "private, max-age=86400, immutable")}
    assert [client("charlie").get(url).status_code for url in urls] == [404] * 3
    assert [Client().get(url).status_code for url in urls] == [401] * 3
    assert client("alice").get(urls[0].replace(f"/{said['id']}/", f"/{said['id'] + 1}/")).status_code == 404


def test_a_body_of_three_megabytes_is_refused(world: World, project: Project) -> None:
    answer = send(ci(project), run="x" * 3 * 1024 * 1024)
    assert (answer.status_code, answer.json()["type"]) == (413, "urn:slipway:problem:too-large")


def test_only_the_project_s_own_present_token_opens_the_door(world: World, project: Project) -> None:
    other = Project.objects.create(slug="lane", team=project.team, spec={**project.spec, "slug": "lane"})
    wrong = [
        Client(),
        client("alice"),
        bearer("alice"),
        ci(other),
        ci(project, token="slipci_x"),
        ci(project, token=token_of(project)[:-1] + "é"),
        ci(project, token=token_of(project, version=2)),
        ci(project, token=token_of(project).replace("_1_", "_01_")),
    ]
    answers = [send(one) for one in wrong] + [send(ci(project), slug="lane"), send(ci(project), slug="nothing-here")]
    assert {one.status_code for one in answers} == {401}
    assert len({one.json()["detail"] for one in answers}) == 1
    now = timezone.now()
    Project.objects.filter(pk=project.pk).update(deletion_requested_at=now, deleted_at=now)
    assert send(ci(project)).status_code == 401
    assert Report.objects.count() == 0


def test_the_token_opens_nothing_else(world: World, project: Project) -> None:
    script = ci(project)
    paths = ("", "reports/", "credentials/", "resources/", "activity/")
    assert [script.get(f"/api/v1/projects/demand/{path}").status_code for path in paths] == [401] * len(paths)
    assert script.get("/api/v1/me/").status_code == 401
    assert script.get("/projects/demand/").status_code == 302


def test_a_rotated_token_works_as_long_as_the_overlap(world: World, project: Project) -> None:
    credentials.rotate(project, "ci-report", by=person("alice"), door=Door.API, installation=installation())
    old, new = ci(project), ci(project, token=token_of(project, version=2))
    assert [send(old, run="1").status_code, send(new, run="2").status_code] == [201, 201]
    Rotation.objects.update(
        earlier_until=timezone.now() - timedelta(seconds=1), rotated_at=timezone.now() - timedelta(1)
    )
    assert [send(old, run="3").status_code, send(new, run="4").status_code] == [401, 201]
    Project.objects.filter(pk=project.pk).update(key_id="a-key-that-left")
    assert send(new, run="5").status_code == 401


def test_who_sends_too_much_is_told_when_to_come_again(
    world: World, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("projects.report_api.A_MINUTE", 2)
    answers = [send(ci(project), run=str(number)) for number in range(3)]
    assert [one.status_code for one in answers] == [201, 201, 429]
    assert answers[2]["Retry-After"] == "60"


def test_the_list_is_narrowed_and_comes_in_pages(world: World, project: Project) -> None:
    script = ci(project)
    for number in range(3):
        send(script, run=f"pr-{number}")
        send(script, run=f"main-{number}", branch="main", pull_request=None)
    alice = client("alice")

    def runs(query: str) -> list[str]:
        return [one["run"] for one in alice.get(f"{BASE}?{query}").json()["items"]]

    assert runs("pull_request=3") == ["pr-2", "pr-1", "pr-0"]
    assert runs("branch=main") == ["main-2", "main-1", "main-0"]
    assert runs("branch=shorter-window") == []
    first = alice.get(f"{BASE}?limit=4").json()
    rest = alice.get(first["next"]).json()
    assert [one["run"] for one in first["items"] + rest["items"]] == [
        "main-2", "pr-2", "main-1", "pr-1", "main-0", "pr-0",
    ]  # fmt: skip
    assert alice.get(f"{BASE}?pull_request=x").status_code == 400
    assert client("charlie").get(BASE).status_code == 404


def test_a_pipeline_that_runs_wild_keeps_a_bounded_number(
    world: World, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reports, "KEPT", 2)
    monkeypatch.setattr(reports, "OF_MAIN", 1)
    monkeypatch.setattr(reports, "WITH_PLOTS", 1)
    script = ci(project)
    for number in range(4):
        send(script, run=f"pr-{number}", plots=[plot()])
        send(script, run=f"main-{number}", branch="main", pull_request=None)
    kept = Report.objects.order_by("pk").values_list("run", flat=True)
    assert list(kept) == ["pr-2", "main-2", "pr-3", "main-3"]
    assert [one.report.run for one in Plot.objects.select_related("report")] == ["pr-3"]
    assert sorted(one.report.run for one in Feedback.objects.select_related("report")) == ["main-3", "pr-3"]


def test_a_flood_of_branches_does_not_take_what_the_gate_compares_with(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reports, "KEPT", 2)
    monkeypatch.setattr(reports, "OF_MAIN", 2)
    script = ci(project)
    for number in range(4):
        send(script, run=f"main-{number}", branch="main", pull_request=None)
    send(script, run="pr")
    Report.objects.filter(run="pr").update(base=Report.objects.get(run="main-2"))
    send(script, run="main-4", branch="main", pull_request=None)
    for number in range(3):
        send(script, run=f"nightly-{number}", branch="nightly", pull_request=None)
    kept = Report.objects.order_by("pk").values_list("run", flat=True)
    assert list(kept) == ["main-2", "main-3", "pr", "main-4", "nightly-1", "nightly-2"]
    Report.objects.filter(run="pr").delete()
    send(script, run="nightly-3", branch="nightly", pull_request=None)
    kept = Report.objects.order_by("pk").values_list("run", flat=True)
    assert list(kept) == ["main-3", "main-4", "nightly-2", "nightly-3"]


# When a project is removed


@pytest.mark.parametrize(
    ("remove_data", "days", "left"), [(True, 0, 0), (False, 89, 1), (False, 91, 0), (True, None, 1), (False, None, 1)]
)
def test_reports_of_a_removed_project_go_with_its_data_or_later(
    project: Project, remove_data: bool, days: int | None, left: int
) -> None:
    assert send(ci(project), plots=[plot()]).status_code == 201
    gone = None if days is None else timezone.now() - timedelta(days=days)
    Project.objects.filter(pk=project.pk).update(
        remove_data=remove_data, deletion_requested_at=timezone.now(), deleted_at=gone
    )
    tidy()
    assert [model.objects.count() for model in (Report, Plot, Feedback)] == [left] * 3
