"""The platform team's pages: what stands on them, what a poller gets, files and API, and that others find nothing."""

import csv
import json
import re
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from projects import directory_state, platform_lists, platform_tasks, stuck_list
from projects.models import Heartbeat, Project, TargetUsage, Team, Usage
from projects.platform_tables import TABLES
from projects.sorting import Sorted, sorted_page
from provisioning.errors import Reason
from provisioning.models import Event, Resource, TargetHealth
from tests.people import bearer, client
from tests.projects.doors import text
from tests.projects.fleet import HOUR, broken, happened, measured, ready, took
from tests.projects.tended import LDAP, installed

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("pages")]

PAGES = (
    "/platform/",
    "/platform/live/",
    "/platform/stuck/",
    "/platform/drift/",
    "/platform/stuck/?format=csv",
    "/platform/drift/?format=json",
    "/platform/tables/?name=budgets&format=csv",
)
CALLS = ("fleet", "stuck", "drift")


@pytest.mark.parametrize("who", ["alice", "charlie"])
def test_to_others_there_is_no_such_page(who: str) -> None:
    browser, script = client(who), bearer(who)
    assert {browser.get(page).status_code for page in PAGES} == {404}
    assert {script.get(f"/api/v1/platform/{call}/").status_code for call in CALLS} == {404}
    assert "/platform/" not in browser.get("/help/").content.decode()


def test_the_page_says_how_the_fleet_is() -> None:
    lane, paint = ready("lane"), ready("paint")
    took(lane, 1.5, bucket=0.4)
    broken(lane, "repository", Reason.NAME_TAKEN, "forecasting/lane exists and is not ours.", since=29 * HOUR / 60)
    broken(paint, "webhook", Reason.TARGET_UNAVAILABLE, "git-1 does not answer.", since=timedelta(seconds=5))
    TargetHealth.objects.create(name="git-1", answering=False, message="503, busy.")
    TargetHealth.objects.create(name="store-1", answering=True, version="2026")
    paint.resources.filter(kind="webhook").update(target="git-1")
    happened(paint, "network", Reason.DRIFTED, "NetworkPolicy default-deny is missing.")
    happened(paint, "network", Reason.AVAILABLE, "Put back NetworkPolicy default-deny.")
    Heartbeat.objects.create(name="scan", detail={"projects": 2, "moved": 1})
    Team.objects.filter(slug="forecasting").update(budget=9)
    page = client("paula").get("/platform/")
    said = text(page)
    for words in (
        "2 projects on 2 targets.",
        "git-1 has not answered since",
        "503, busy. 1 project waits.",
        "Needs attention 1 50.0 %",
        "Repository, NameTaken forecasting/lane exists and is not ours. 29 min",
        "NetworkPolicy default-deny is missing. Put back",
        "Forecasting 8 of 9 1 unit is left.",
        "TargetUnavailable 1 1",
        "0 of 2 projects ready, 1 need attention. git-1 does not answer.",
    ):
        assert words in said, words
    assert 'aria-label="Time to ready over 30 days: p95 is mostly near 1.5 s."' in page.content.decode()
    assert 'href="/?team=forecasting">Forecasting</a>' in page.content.decode()
    assert "paint" not in text(client("paula").get("/platform/stuck/"))


def test_an_empty_fleet_says_so() -> None:
    said = text(client("paula").get("/platform/"))
    for words in ("No wish became ready in the last 30 days.", "Nothing is stuck.", "Nothing was changed by hand."):
        assert words in said
    assert "No target has been asked yet" in said
    assert "No target has told yet how much is used." in said
    assert "No project's plan allows any of it." in said
    assert text(client("paula").get("/platform/stuck/")).count("Nothing is stuck.") == 1


GIB = 2.0**30


def test_capacity_is_drawn_by_target_and_by_team() -> None:
    measured(ready("lane"), cpu=(12.0, 16.0), memory=(8 * GIB, 64 * GIB), storage=(GIB, 100 * GIB))
    ready("lens", of="vision", plan="gpu")
    TargetUsage.objects.create(
        target="cluster-north", as_of=timezone.now(), capacity={"cpu": 64.0, "memory": 128 * GIB}
    )
    TargetUsage.objects.create(target="store-1")
    browser = client("paula")
    page = browser.get("/platform/")
    said = text(page)
    for words in (
        "cluster-north: CPU 12 cores 16 cores 64 cores",
        "cluster-north: Memory 8 GiB 64 GiB 128 GiB",
        "cluster-north: Volumes 1 GiB 100 GiB not told",
        "store-1 has told nothing yet.",
    ):
        assert words in said, words
    body = page.content.decode()
    assert "Used and granted, of all that there is. The fullest is cluster-north: CPU, 18.8 % used." in body
    assert "<title>cluster-north: CPU: used 18.8 %, granted to projects 25 %</title>" in body
    assert 'aria-label="CPU granted by team. Most of it to ' in body
    gpus = browser.get("/platform/?of=gpu").content.decode()
    assert 'aria-label="GPU granted by team. Most of it to vision: ' in gpus
    assert browser.get("/platform/?of=nothing").status_code == 200
    sheet = browser.get("/platform/tables/?name=capacity&format=json").json()["items"]
    assert [(one["target"], one["measure"], one["used"], one["granted"], one["capacity"]) for one in sheet] == [
        ("cluster-north", "cpu", 12.0, 16.0, 64.0),
        ("cluster-north", "memory", 8 * GIB, 64 * GIB, 128 * GIB),
        ("cluster-north", "storage", GIB, 100 * GIB, None),
    ]
    teams_granted = browser.get("/platform/tables/?name=teams&format=json").json()["items"]
    assert [one["team"] for one in teams_granted] == ["forecasting", "vision"]
    figures = bearer("paula").get("/api/v1/platform/fleet/").json()["figures"]
    assert [one["target"] for one in figures["capacity"]] == ["cluster-north", "store-1"]
    assert figures["capacity"][0]["measures"][0] == {"measure": "cpu", "used": 12.0, "granted": 16.0, "capacity": 64.0}
    assert [one["team"] for one in figures["teams"]] == ["forecasting", "vision"]


def test_of_many_targets_the_fullest_are_drawn_and_all_are_in_the_table() -> None:
    names = [f"cluster-{number:02}" for number in range(15)]
    TargetUsage.objects.bulk_create(
        TargetUsage(target=name, as_of=timezone.now(), capacity={"cpu": 64.0}) for name in names
    )
    measured(ready("lane"), cpu=(12.0, 16.0))
    Usage.objects.update(target="cluster-14")
    body = client("paula").get("/platform/").content.decode()
    assert len(re.findall(r"<span>cluster-\d\d: CPU</span>", body)) == 12
    assert "<span>cluster-14: CPU</span>" in body
    assert all(f">{name}: CPU</th>" in body for name in names)


def test_where_no_target_tells_how_much_there_is_the_table_says_what_is_known() -> None:
    measured(ready("lane"), cpu=(12.0, 16.0))
    TargetUsage.objects.create(target="cluster-north", as_of=timezone.now())
    said = text(client("paula").get("/platform/"))
    assert "Nothing to draw: no target tells both" in said
    assert "cluster-north: CPU 12 cores 16 cores not told" in said


def in_a_team_of_its_own(slug: str) -> Project:
    project = ready(slug)
    project.team = Team.objects.create(slug=f"team-of-{slug}", name=slug, budget=9)
    project.save()
    return project


def test_every_team_can_be_reached_from_the_page() -> None:
    for number in range(9):
        in_a_team_of_its_own(f"p{number}")
    body = client("paula").get("/platform/").content.decode()
    assert body.count('id="b-team-of-') == 8
    assert 'href="/teams/?sort=taken"' in body


def test_a_team_that_takes_units_without_a_budget_is_the_most_overdrawn() -> None:
    for slug, units in (("none", 0), ("little", 1), ("large", 9)):
        Team.objects.filter(slug=in_a_team_of_its_own(slug).team.slug).update(budget=units)
    Team.objects.create(slug="idle", name="idle", budget=0)
    Team.objects.exclude(slug="idle").filter(projects=None).update(budget=5)
    taken = [one["team"] for one in client("paula").get("/platform/tables/?name=budgets&format=json").json()["items"]]
    assert taken[:3] == ["team-of-none", "team-of-little", "team-of-large"]
    page = client("paula").get("/platform/")
    assert "none 4 of 0 4 more than the budget." in text(page)
    body = page.content.decode()
    assert 'id="b-idle"' not in body
    assert body.index('id="b-team-of-none"') < body.index('id="b-team-of-little"')


def test_what_is_stuck() -> None:
    projects = {name: ready(name) for name in ("person", "fails", "young", "stopped", "missing", "ending", "gone")}
    broken(projects["person"], "bucket", Reason.REJECTED, since=timedelta(seconds=1))
    broken(projects["fails"], "webhook", Reason.TARGET_UNAVAILABLE)
    broken(projects["young"], "webhook", Reason.TARGET_UNAVAILABLE, since=timedelta(minutes=9))
    broken(projects["stopped"], "webhook", Reason.REJECTED)
    broken(projects["missing"], "pipeline", Reason.UNSUPPORTED)
    broken(projects["ending"], "namespace", Reason.DELETING, since=2 * HOUR)
    broken(projects["gone"], "namespace", Reason.REJECTED)
    now = timezone.now()
    Project.objects.filter(slug="stopped").update(suspended=True)
    Project.objects.filter(slug="ending").update(suspended=True, deletion_requested_at=now)
    Project.objects.filter(slug="gone").update(deletion_requested_at=now, deleted_at=now)
    assert [row.project.slug for row in platform_lists.stuck()] == ["ending", "fails", "person"]


def listed(page: Any, name: str) -> list[str]:
    return [one.slug for one in page.context[name]]


def filed(browser: Client, path: str) -> list[str]:
    return [one["project"] for one in json.loads(browser.get(path).getvalue())["items"]]


def test_stuck_pages_by_key() -> None:
    for number in range(5):
        broken(ready(f"p{number}"), "bucket", Reason.REJECTED, since=HOUR * (9 - number // 2))

    def slugs(**asked: str) -> list[str]:
        order = stuck_list.ORDERS[0]
        found: Sorted[Resource] = sorted_page(platform_lists.stuck(), order=order, falling=False, size=2, **asked)
        keys.append(found.older)
        return [row.project.slug for row in found.rows]

    keys: list[str] = []
    first = slugs()
    assert [*first, *slugs(after=keys[0]), *slugs(after=keys[1])] == ["p0", "p1", "p2", "p3", "p4"]
    assert keys[2] == ""
    for nonsense in ("x", "~", "1~2026-11-23", "x~2026-11-23T00:00:00+00:00", "9" * 40):
        assert slugs(after=nonsense) == first


def test_what_is_stuck_is_narrowed_and_sorted_by_the_address_in_pages_files_and_api() -> None:
    broken(ready("a"), "bucket", Reason.REJECTED, since=3 * HOUR)
    broken(ready("b", of="vision"), "bucket", Reason.NAME_TAKEN, since=9 * HOUR)
    broken(ready("c"), "repository", Reason.NAME_TAKEN, since=5 * HOUR)
    Resource.objects.filter(project__slug="c").update(target="git-1")
    browser, script = client("paula"), bearer("paula")
    for query, found in (
        ("", ["b", "c", "a"]),
        ("target=git-1", ["c"]),
        ("reason=NameTaken", ["b", "c"]),
        ("team=forecasting", ["c", "a"]),
        ("reason=NameTaken&team=vision", ["b"]),
        ("team=nobody", []),
    ):
        assert listed(browser.get(f"/platform/stuck/?{query}"), "stuck") == found, query
        assert filed(browser, f"/platform/stuck/?{query}&format=json") == found, query
        items = script.get(f"/api/v1/platform/stuck/?{query}").json()["items"]
        assert [one["project"] for one in items] == found, query
    for query, found in (
        ("sort=name", ["a", "b", "c"]),
        ("sort=-name&reason=NameTaken", ["c", "b"]),
        ("sort=reason", ["b", "c", "a"]),
        ("sort=-since", ["a", "c", "b"]),
        ("reason=Nonsense", ["b", "c", "a"]),
    ):
        assert listed(browser.get(f"/platform/stuck/?{query}"), "stuck") == found, query
        assert filed(browser, f"/platform/stuck/?{query}&format=json") == found, query
    page = browser.get("/platform/stuck/?team=vision&sort=name")
    assert "<option selected>vision</option>" in page.content.decode()
    assert 'href="?team=vision&amp;sort=name&amp;format=csv"' in page.content.decode()
    assert "Nothing like this is stuck. Show all that is stuck" in text(browser.get("/platform/stuck/?team=nobody"))
    first = script.get("/api/v1/platform/stuck/?limit=1&reason=NameTaken").json()
    assert [one["project"] for one in script.get(first["next"]).json()["items"]] == ["c"]


def test_what_is_stuck_stays_ticked_on_other_pages_and_leads_to_what_acts_on_it() -> None:
    for number in range(52):
        broken(ready(f"p{number:02}"), "bucket", Reason.REJECTED, since=(100 - number) * HOUR)
    broken(ready("lane", of="vision"), "repository", Reason.NAME_TAKEN)
    browser = client("paula")
    first = browser.get("/platform/stuck/").content.decode()
    ways = re.findall(r'formaction="([^"]+)"', first)
    assert [way.partition("=")[0] for way in ways] == ["?sort", "?sort", "?sort", "?after"]
    ticked = {"project": ["p00", "p51"], "team": ""}
    for way, more in ((ways[0], "1 more is"), (ways[-1], "1 more is")):
        page = browser.post(f"/platform/stuck/{way}", {**ticked, "turn": "page"})
        assert (page.status_code, f"{more} chosen, not on this page" in text(page)) == (200, True)
        assert re.findall(r'name="project" value="(\w+)"[^>]* checked', page.content.decode()) == sorted(
            ticked["project"], reverse=way == ways[-1]
        )
    found = browser.post("/platform/stuck/", {**ticked, "turn": "search", "team": "vision"}, follow=True)
    assert found.redirect_chain == [("/platform/stuck/?team=vision", 307)]
    assert (listed(found, "stuck"), "2 more are chosen, not on this page" in text(found)) == (["lane"], True)
    acts = browser.post("/platform/stuck/?team=vision", {"project": ["p00", "p51", "p00"]})
    assert (acts.status_code, acts["Location"]) == (302, "/platform/actions/?project=p00&project=p51")
    many = browser.post("/platform/stuck/", {"project": [f"x{number}" for number in range(101)]})
    assert (many.status_code, "At most 100 can be ticked at a time" in text(many)) == (422, True)
    fewer = browser.post("/platform/stuck/", {"project": ["p00", *(f"x{one}" for one in range(100))], "turn": "clear"})
    assert (fewer.status_code, "can be ticked" in text(fewer)) == (200, False)
    assert client("alice").post("/platform/stuck/", ticked).status_code == 404


def test_drift_is_narrowed_by_target_and_team_and_its_file_has_all_that_the_page_has() -> None:
    old = happened(ready("a"), "network", Reason.DRIFTED, "Changed.")
    Event.objects.filter(pk=old.pk).update(at=timezone.now() - timedelta(days=30))
    happened(ready("b", of="vision"), "bucket", Reason.DRIFTED, "Changed.")
    third = ready("c")
    third.resources.filter(kind="repository").update(target="git-1")
    happened(third, "repository", Reason.DRIFTED, "Changed.")
    # What is gone stands where it was.
    third.resources.all().delete()
    browser, script = client("paula"), bearer("paula")
    for query, found in (
        ("", ["c", "b", "a"]),
        ("target=git-1", ["c"]),
        ("target=cluster-north", ["b", "a"]),
        ("team=forecasting", ["c", "a"]),
        ("target=cluster-north&team=vision", ["b"]),
        ("team=nobody", []),
    ):
        assert listed(browser.get(f"/platform/drift/?{query}"), "drifts") == found, query
        assert filed(browser, f"/platform/drift/?{query}&format=json") == found, query
        items = script.get(f"/api/v1/platform/drift/?{query}").json()["items"]
        assert [one["project"] for one in items] == found, query
    for query, found in (("sort=kind", ["b", "a", "c"]), ("sort=-newest", ["a", "b", "c"])):
        assert listed(browser.get(f"/platform/drift/?{query}"), "drifts") == found, query
        assert filed(browser, f"/platform/drift/?{query}&format=json") == found, query
    assert "Nothing like this was changed by hand." in text(browser.get("/platform/drift/?team=nobody"))


def test_what_became_of_drift() -> None:
    outcomes = {}
    for name in ("put_back", "left", "right_again", "gone"):
        project = ready(name.replace("_", "-"))
        happened(project, "network", Reason.AVAILABLE, "Made.")
        outcomes[name] = happened(project, "network", Reason.DRIFTED, "It was changed.").pk
        if name == "put_back":
            happened(project, "network", Reason.AVAILABLE, "Put back.")
        elif name == "left":
            broken(project, "network", Reason.DRIFTED)
        elif name == "gone":
            project.resources.all().delete()
    found = {one.event.pk: one.outcome for one in map(platform_lists.drift_of, platform_lists.drifts())}
    assert found == {pk: name for name, pk in outcomes.items()}


def test_a_poller_gets_only_what_moved() -> None:
    ready("lane")
    platform_tasks.count_fleet()
    browser = client("paula")
    seen = re.search(r'seen=([0-9a-f-]+)"', browser.get("/platform/").content.decode())
    assert seen is not None
    assert browser.get(f"/platform/live/?seen={seen[1]}").status_code == 204
    TargetHealth.objects.create(name="git-1", answering=True)
    moved = browser.get(f"/platform/live/?seen={seen[1]}")
    assert moved.status_code == 200
    assert re.findall(r' id="([a-z]+)"[^>]* hx-swap-oob', moved.content.decode()) == ["targets", "poll"]


def test_each_table_is_a_file() -> None:
    project = ready("lane")
    broken(project, "bucket", Reason.REJECTED, "=HYPERLINK(0)")
    happened(project, "network", Reason.DRIFTED, "It was changed.")
    TargetHealth.objects.create(name="git-1", answering=True)
    took(project, 1.0, bucket=0.5)
    measured(project, cpu=(1.0, 16.0))
    TargetUsage.objects.create(target="cluster-north", as_of=timezone.now())
    browser = client("paula")
    for name in TABLES:
        sheet = browser.get(f"/platform/tables/?name={name}&format=csv")
        data = browser.get(f"/platform/tables/?name={name}&format=json").json()["items"]
        rows = list(csv.DictReader(StringIO(sheet.content.decode().removeprefix("\ufeff"))))
        assert [list(row) for row in rows] == [list(row) for row in data], name
        assert sheet["Content-Disposition"].startswith(f'attachment; filename="slipway-{name}-')
    for path in ("stuck", "drift"):
        assert f'href="/platform/{path}/?format=csv"' in browser.get("/platform/").content.decode()
    stuck = browser.get("/platform/stuck/?format=csv").getvalue().decode()
    assert ",Rejected,'=HYPERLINK(0)," in stuck
    for wrong in ("", "?name=budgets", "?name=people&format=csv", "?name=budgets&format=xls"):
        assert browser.get(f"/platform/tables/{wrong}").status_code == 400


def test_the_api_says_the_same() -> None:
    project = ready("lane")
    row = broken(project, "bucket", Reason.REJECTED, "No.")
    event = happened(project, "network", Reason.DRIFTED, "It was changed.")
    TargetHealth.objects.create(name="git-1", answering=True, version="1.26")
    script = bearer("paula")
    fleet = script.get("/api/v1/platform/fleet/").json()
    assert fleet["figures"]["words"] == {
        "Ready": 0, "Working on it": 0, "Needs attention": 1, "Suspended": 0, "Being removed": 0,
    }  # fmt: skip
    assert [one["name"] for one in fleet["targets"]] == ["git-1"]
    assert fleet["budgets"][0] == {"team": "forecasting", "budget": 100, "taken": 4, "free": 96, "projects": 1}
    assert fleet["queue"]["due"] == 0
    stuck = script.get("/api/v1/platform/stuck/").json()
    assert stuck["next"] is None
    assert [(one["project"], one["kind"], one["reason"], one["message"]) for one in stuck["items"]] == [
        ("lane", "bucket", "Rejected", "No.")
    ]
    assert stuck["items"][0]["since"] == row.synced_since.isoformat().replace("+00:00", "Z")
    drift = script.get("/api/v1/platform/drift/").json()
    assert [(one["project"], one["message"], one["outcome"]) for one in drift["items"]] == [
        ("lane", event.message, "right_again")
    ]
    assert script.get("/api/v1/platform/stuck/?kind=x").status_code == 400
    broken(ready("paint"), "bucket", Reason.REJECTED)
    first = script.get("/api/v1/platform/stuck/?limit=1").json()
    second = script.get(first["next"]).json()
    assert [one["project"] for page in (first, second) for one in page["items"]] == ["lane", "paint"]


def test_queries_do_not_grow_with_what_is_wrong() -> None:
    def queries() -> int:
        browser = client("paula")
        with CaptureQueriesContext(
            connection,
        ) as seen:
            assert browser.get("/platform/").status_code == 200
        return len(seen)

    for number in range(2):
        project = ready(f"p{number}")
        broken(project, "bucket", Reason.REJECTED)
        happened(project, "network", Reason.DRIFTED)
    platform_tasks.count_fleet()
    few = queries()
    for number in range(2, 9):
        project = in_a_team_of_its_own(f"p{number}")
        measured(project, cpu=(1.0, 16.0), bucket=(1.0, None))
        broken(project, "bucket", Reason.REJECTED)
        happened(project, "network", Reason.DRIFTED)
    assert Event.objects.count() == 9
    for name in ("cluster-north", "store-1"):
        TargetUsage.objects.create(target=name, as_of=timezone.now(), capacity={"cpu": 64.0})
    assert queries() == few
    platform_tasks.count_fleet()
    assert queries() == few


def test_the_directory_stands_among_the_targets_and_says_why_it_can_not_be_read() -> None:
    with installed(directory=LDAP):
        browser = client("paula")
        assert "Company directory Waiting Never read whole so far." in text(browser.get("/platform/"))
        directory_state.succeeded("corp", people=40, groups=12, untold=())
        page = text(browser.get("/platform/"))
        assert "Company directory Answering 40 people, 12 groups, read" in page
        assert "directory has needed attention" not in page
        directory_state.failed("corp", "30 of 104 people and groups would leave.", needs_person=True)
        page = text(browser.get("/platform/"))
        assert re.search(
            r"Company directory has needed attention since .{5,8}: 30 of 104 people and groups would leave\.", page
        )
        assert "Company directory Needs attention 40 people" in page
        directory_state.failed("corp", "corp does not answer.", needs_person=False)
        page = text(browser.get("/platform/"))
        assert re.search(r"Company directory could not be read since .{5,8}: corp does not answer\.", page)
        assert "need attention. Company directory: Not answering." in page
        said = bearer("paula").get("/api/v1/platform/fleet/").json()["directory"]
        assert (said["word"], said["message"]) == ("Not answering", "corp does not answer.")
