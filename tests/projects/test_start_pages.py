"""The start page: what needs me, what I have, in which order, and as a file. And what holds for every page."""

import csv
import json
import re
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from projects.models import Project, ProjectRequest, StandIn, Team
from projects.today import today
from provisioning.conditions import Status
from provisioning.errors import Reason
from tests.people import bearer, client, person, team
from tests.projects.fleet import broken, ready
from tests.projects.pages import ask, project_of, settle, text

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("pages")]


def test_who_has_nothing_sees_what_one_request_makes() -> None:
    page = client("alice").get("/")
    assert "Start your first project" in text(page)
    assert "slug: demand-forecast team: forecasting plan: small" in text(page)
    assert "You are in no team yet" in text(client("charlie").get("/"))


@pytest.mark.parametrize("way", ["approver", "stand-in"])
def test_who_decides_without_a_project_sees_what_needs_them_and_not_as_their_own(way: str) -> None:
    bob, day = person("bob"), today()
    if way == "approver":
        bob.groups.add(Group.objects.create(name="ml-leads"))
    else:
        StandIn.objects.create(approver=person("paula"), stand_in=bob, begins=day, ends=day)
    ask("large", plan="gpu", title="Sign reader")
    ProjectRequest.objects.update(approvers=["ml-leads"])
    page = text(client(bob).get("/"))
    assert "Needs you Sign reader : alice@corp.example asks for it" in page
    assert "Asked, not decided yet" not in page
    assert "Start your first project" in page


def test_a_colleague_without_a_project_is_not_told_that_others_requests_wait_for_them() -> None:
    ask("large", plan="gpu", title="Sign reader")
    ProjectRequest.objects.update(asked_back_at=timezone.now())
    for who, said in (("alice", True), ("bob", False)):
        page = text(client(who).get("/"))
        assert ("Sign reader waits for you: changes are asked for" in page) is said
        assert ("Needs you Sign reader : changes are asked for" in page) is said
        assert ("Sign reader" in page) is said


def test_the_start_page_lists_my_projects_with_word_and_reason() -> None:
    settle(project_of(ask("demand", title="Demand forecast")))
    waits = (Status.FALSE, Reason.TARGET_UNAVAILABLE, "Git answers “503, busy”.")
    settle(project_of(ask("lanes")), webhook=waits)
    settle(project_of(ask("signs")), namespace=(Status.FALSE, Reason.NAME_TAKEN, "The namespace exists."))
    page = text(client("alice").get("/"))
    for said in (
        "1 thing needs you",
        "Needs you signs : needs attention The namespace exists.",
        "Demand forecast demand forecasting Ready small",
        "lanes lanes forecasting Working on it Git answers “503, busy”. small",
        "3 projects",
    ):
        assert said in page


def test_what_ends_soon_and_what_waits_for_a_decision_needs_somebody() -> None:
    soon, later = today() + timedelta(days=9), today() + timedelta(days=90)
    ask("demand", title="Demand forecast", expires=soon.isoformat())
    until = (today() + timedelta(days=2)).isoformat()
    people = [{"user": "alice@corp.example", "role": "owner"}, {"group": "ml-vision", "until": until}]
    ask("lanes", expires=later.isoformat(), contributors=people)
    ask("large", plan="gpu", title="Sign reader")
    alice, bob, paula = (text(client(who).get("/")) for who in ("alice", "bob", "paula"))
    ends = "After that day we stop looking after it. Nothing is removed; a later day keeps it going."
    assert f"Demand forecast : ends on {soon:%-d %B} {ends}" in alice
    assert f"lanes : access of ml-vision ends on {today() + timedelta(days=2):%-d %B} That is in 2 days." in alice
    assert "Nothing needs you" in bob
    assert "Sign reader : alice@corp.example asks for it" in paula
    assert "Demand forecast : ends on" not in paula


PEOPLE = [{"user": "bob@corp.example", "role": "owner"}, {"user": "alice@corp.example", "role": "viewer"}]


@pytest.fixture
def fleet() -> None:
    """Six projects that differ in name, team, plan, status and end."""
    Team.objects.update(budget=1000)
    team("vision")
    day = today()
    settle(project_of(ask("a", title="zebra", expires=str(day + timedelta(days=40)))))
    settle(project_of(ask("b", title="Apple", plan="medium")))
    settle(project_of(ask("c", contributors=PEOPLE, who="bob")), namespace=(Status.FALSE, Reason.NAME_TAKEN, "Taken."))
    ask("d", title="mango")
    settle(project_of(ask("e", title="", expires=str(day + timedelta(days=20)))))
    settle(project_of(ask("f", team="vision", who="paula")))


def order_of(page: Any) -> str:
    """The names in the list, in its order."""
    return "".join(re.findall(r'class="sw-name" href="/projects/(\w+)/"', page.content.decode()))


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("", "fedcba"),
        ("newest", "fedcba"),
        ("-newest", "abcdef"),
        ("name", "bcefda"),
        ("-name", "adfecb"),
        ("team", "abcdef"),
        ("-team", "fedcba"),
        ("status", "cdabef"),
        ("ends", "eabcdf"),
        ("nonsense", "fedcba"),
    ],
)
@pytest.mark.usefixtures("fleet")
def test_the_list_is_sorted_as_its_address_says(sort: str, order: str) -> None:
    assert order_of(client("paula").get("/", {"sort": sort})) == order


@pytest.mark.parametrize(
    ("query", "order"),
    [
        ("status=Ready", "feba"),
        ("status=Needs attention", "c"),
        ("status=nonsense", "fedcba"),
        ("team=vision", "f"),
        ("plan=medium", "b"),
        ("q=ZEB", "a"),
        ("q=bob", "c"),
        ("team=forecasting&status=Ready&sort=name", "bea"),
        ("whose=mine", "f"),
    ],
)
@pytest.mark.usefixtures("fleet")
def test_the_list_is_filtered_as_its_address_says(query: str, order: str) -> None:
    assert order_of(client("paula").get(f"/?{query}")) == order


@pytest.mark.parametrize(
    ("query", "order"),
    [
        ("", "fedcba"),
        ("sort=name", "bcefda"),
        ("sort=-name", "adfecb"),
        ("sort=status", "cdabef"),
        ("sort=ends", "eabcdf"),
        ("sort=-team", "fedcba"),
        ("status=Ready", "feba"),
        ("plan=medium", "b"),
        ("search=ZEB", "a"),
        ("search=bob", "c"),
        ("team=forecasting&status=Ready&sort=name", "bea"),
        ("whose=mine&sort=name", "f"),
    ],
)
@pytest.mark.usefixtures("fleet")
def test_the_api_filters_and_sorts_as_the_page_does_in_pages_of_any_size(query: str, order: str) -> None:
    caller, found, url = bearer("paula"), "", f"/api/v1/projects/?limit=2&{query}"
    while url:
        page = caller.get(url).json()
        found += "".join(one["slug"] for one in page["items"])
        url = page["next"]
    assert found == order


@pytest.mark.usefixtures("fleet")
def test_the_api_refuses_words_it_does_not_know_and_cursors_of_another_order() -> None:
    caller = bearer("paula")
    by_name = caller.get("/api/v1/projects/?limit=2&sort=name").json()["next"].partition("cursor=")[2].partition("&")[0]
    newest = caller.get("/api/v1/projects/?limit=2").json()["next"].partition("cursor=")[2].partition("&")[0]
    for query in (
        "sort=nonsense", "status=nonsense", "whose=theirs", f"sort=team&cursor={by_name}", f"cursor={by_name}",
        f"sort=name&cursor={newest}", "sort=name&cursor=nonsense", "sort=name&cursor=%C3%A5",
    ):  # fmt: skip
        answer = caller.get(f"/api/v1/projects/?{query}")
        assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json"), query
    assert [one["slug"] for one in bearer("charlie").get("/api/v1/projects/?sort=name").json()["items"]] == []


@pytest.mark.usefixtures("fleet")
def test_a_column_head_sorts_and_sorts_back_and_keeps_the_filter() -> None:
    page = client("paula").get("/?status=Ready&sort=name&after=1~x").content.decode()
    assert re.findall(r'<th[^>]*aria-sort="(\w+)"><a href="([^"]+)">Project', page) == [
        ("ascending", "?status=Ready&amp;sort=-name")
    ]
    assert 'href="?status=Ready&amp;sort=team"' in page


def test_who_sees_nothing_that_matches_gets_a_way_out() -> None:
    ask("demand")
    page = text(client("alice").get("/?q=lan&status=Suspended&team=forecasting&whose=mine"))
    assert "No project is called “lan” with status Suspended in team forecasting in which you have a role." in page
    assert "Show all projects" in page


@pytest.mark.parametrize("sort", ["newest", "name", "-name", "team", "status", "-status", "ends", "-ends"])
def test_pages_forth_and_back_show_each_project_once_in_any_order(sort: str) -> None:
    some = [(number, {"title": f"Title {number % 4}"}) for number in range(60)]
    Project.objects.bulk_create(
        Project(
            slug=f"p{number:02}",
            team=team("vision" if number % 5 else "forecasting"),
            spec={**spec, "expires": f"2031-01-0{1 + number % 3}"} if number % 2 else spec,
            suspended=number % 7 == 0,
        )
        for number, spec in some
    )
    paula = client("paula")
    forth, address = [], f"/?sort={sort}"
    for _ in range(3):
        page = paula.get(address)
        forth.append(names_of(page))
        address = link(page, "Next page")
    assert [len(one) for one in forth] == [25, 25, 10]
    assert sorted(name for one in forth for name in one) == [f"p{number:02}" for number in range(60)]
    assert address == ""
    back = paula.get(link(page, "Previous page"))
    assert names_of(back) == forth[1]
    assert names_of(paula.get(link(back, "Previous page"))) == forth[0]


def names_of(page: Any) -> list[str]:
    return re.findall(r'class="sw-name" href="/projects/(\w+)/"', page.content.decode())


def link(page: Any, word: str) -> str:
    """Where the link with this word leads; "" when there is none."""
    found = re.search(rf'href="([^"]+)">{word}', page.content.decode())
    return "/" + found[1].replace("&amp;", "&") if found else ""


def test_a_page_stays_right_while_projects_come_and_go() -> None:
    Team.objects.update(budget=1000)
    for number in range(30):
        ask(f"p{number:02}")
    paula = client("paula")
    first = paula.get("/?sort=name")
    ask("a-new-one")
    gone = project_of(ask("p99"))
    gone.delete()
    assert names_of(paula.get(link(first, "Next page"))) == [f"p{number}" for number in range(25, 30)]


@pytest.mark.parametrize("key", ["x", "1", "~", "1~", "x~1", "9" * 30 + "~1", "1~" + "y" * 500, "1~nan"])
@pytest.mark.parametrize("sort", ["newest", "name", "status", "ends"])
def test_a_key_that_is_none_counts_as_none(key: str, sort: str) -> None:
    ask("demand")
    for name in ("after", "before"):
        assert client("alice").get("/", {"sort": sort, name: key}).status_code == 200


@pytest.mark.usefixtures("fleet")
def test_the_list_as_a_file_has_its_filters_and_its_order_and_only_what_one_may_see() -> None:
    sheet = client("paula").get("/?team=forecasting&sort=name&format=csv")
    rows = list(csv.DictReader(StringIO(sheet.getvalue().decode("utf-8-sig"))))
    assert [row["name"] for row in rows] == list("bceda")
    assert (rows[0]["title"], rows[0]["team"], rows[0]["plan"], rows[0]["status"]) == (
        "Apple", "forecasting", "medium", "Ready",
    )  # fmt: skip
    assert (rows[1]["owners"], rows[1]["status"], rows[1]["ends"]) == ("bob@corp.example", "Needs attention", "")
    data = json.loads(client("alice").get("/?format=json").getvalue())
    assert {row["name"] for row in data["items"]} == set("abcde")
    assert json.loads(client("charlie").get("/?format=json").getvalue()) == {"items": []}


def test_a_search_by_htmx_gets_the_rows_only_and_history_gets_the_page() -> None:
    ask("demand")
    alice = client("alice")
    part = alice.get("/?q=dem", headers={"HX-Request": "true"})
    assert part.content.lstrip().startswith(b"<table")
    assert "1 project found" in text(part)
    assert "HX-Request" in part["Vary"]
    whole = alice.get("/?q=dem", headers={"HX-Request": "true", "HX-History-Restore-Request": "true"})
    assert whole.content.startswith(b"<!doctype html>")


@pytest.mark.parametrize("who", ["alice", "paula"])
def test_the_start_page_asks_no_more_with_many_projects(who: str) -> None:
    Team.objects.update(budget=1000)
    browser = client(who)
    counts = []
    for size in (1, 12):
        for number in range(size):
            settle(project_of(ask(f"p{size}-{number}")))
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert browser.get("/").status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 23


def test_what_people_typed_never_becomes_markup() -> None:
    evil = '<img src=x onerror="alert(1)">'
    settle(project_of(ask("demand", title=evil, description=evil)))
    alice = client("alice")
    for path in ("/", "/projects/demand/", "/projects/demand/edit/", f"/?q={evil}", "/requests/"):
        assert b"<img" not in alice.get(path).content, path


def test_no_page_has_inline_script_style_or_handlers() -> None:
    settle(project_of(ask("demand")))
    request = ProjectRequest.objects.get().pk
    pages = [
        "/",
        "/projects/new/",
        "/projects/demand/",
        "/projects/demand/resources/",
        "/projects/demand/people/",
        "/projects/demand/activity/",
        "/projects/demand/settings/",
        "/projects/demand/edit/",
        "/?sort=name&status=Ready",
        "/requests/",
        f"/requests/{request}/",
        "/help/",
    ]
    for path in pages:
        html = client("alice").get(path).content.decode()
        assert re.search(r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son[a-z]+=", html) is None, path
    door = Client().get("/sign-in/").content.decode()
    assert re.search(r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son[a-z]+=", door) is None


def test_the_name_of_an_unlisted_team_is_not_offered() -> None:
    team("vision")
    assert "vision (" not in text(client("alice").get("/projects/new/"))
    assert "vision (60 units free)" in text(client("paula").get("/projects/new/"))


def test_the_list_says_what_holds_a_project_up_and_not_what_waits_for_that() -> None:
    project = ready("demand")
    for kind in ("access", "limits", "webhook"):
        broken(project, kind, Reason.DEPENDENCY_NOT_READY, "Needs the workspace first.")
    broken(project, "namespace", Reason.NAME_TAKEN, "ml-demand belongs to somebody else.")
    page = text(client("alice").get("/"))
    assert "Needs attention ml-demand belongs to somebody else." in page
    assert "Needs the workspace first." not in page
