"""The start page, and what holds for every page: no markup of others, no inline script, nobody without a sign-in."""

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from projects.models import ProjectRequest, Team
from provisioning.conditions import Status
from provisioning.errors import Reason
from tests.people import client, team
from tests.projects.pages import ask, project_of, settle, text

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("pages")]


def test_who_has_nothing_sees_what_one_request_makes() -> None:
    page = client("alice").get("/")
    assert "Start your first project" in text(page)
    assert "slug: demand-forecast team: forecasting plan: small" in text(page)
    assert "You are in no team yet" in text(client("charlie").get("/"))


def test_the_start_page_lists_my_projects_with_word_and_reason() -> None:
    settle(project_of(ask("demand", title="Demand forecast")))
    waits = (Status.FALSE, Reason.TARGET_UNAVAILABLE, "Git answers “503, busy”.")
    settle(project_of(ask("lanes")), webhook=waits)
    settle(project_of(ask("signs")), namespace=(Status.FALSE, Reason.NAME_TAKEN, "The namespace exists."))
    page = text(client("alice").get("/"))
    for said in (
        "3 projects in 1 team",
        "Demand forecast forecasting / demand Ready",
        "lanes forecasting / lanes Working on it Git answers “503, busy”.",
        "Needs you signs needs attention The namespace exists.",
    ):
        assert said in page


def test_the_list_is_searched_filtered_and_paged_by_its_address() -> None:
    Team.objects.update(budget=1000)
    for number in range(26):
        settle(project_of(ask(f"p{number:02}")))
    paula = client("paula")
    first = paula.get("/")
    older = re.search(r'href="(\?[^"]*before=\d+)"', first.content.decode())
    assert older is not None
    assert "p25" in text(first)
    assert "forecasting / p00" not in text(first)
    assert "forecasting / p00" in text(paula.get("/" + older[1]))
    assert "forecasting / p07" in text(paula.get("/?q=p07&status=Ready"))
    assert "No project is called “p07” with status Suspended" in text(paula.get("/?q=p07&status=Suspended"))


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
    assert counts[0] == counts[1] <= 18


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
