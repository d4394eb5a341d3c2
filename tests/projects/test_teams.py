"""Teams: what members see, how the platform team changes one, by page and by API, and what is kept of it."""

import csv
import json
import re
from io import StringIO
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from projects import nesting, teams
from projects.installation import installation
from projects.models import DirectoryEntry, Project, Team
from tests.entries import gone, group_entry, person_entry
from tests.people import bearer, client, team
from tests.projects.api_calls import send
from tests.projects.asking import leads_decide
from tests.projects.pages import ask, fields, project_of, settle, text

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("pages")]


def test_a_team_says_what_is_taken_of_its_budget_by_which_projects() -> None:
    settle(project_of(ask("demand", title="Demand forecast", plan="medium")))
    ask("lanes")
    page = text(client("bob").get("/teams/forecasting/"))
    for said in (
        "16 of 100 units, 84 free",
        "2 projects",
        "Demand forecast demand Ready medium 12",
        "lanes lanes Working on it small 4",
        "A person is asked when",
        "Team forecasting has 84 of its 100 units free, and this takes …",
    ):
        assert said in page
    assert "Change team" not in page
    assert "gpu-asks , decided by" not in page
    with leads_decide():
        page = text(client("bob").get("/teams/forecasting/"))
    assert "gpu-asks , decided by the platform team or ml-leads" in page


@pytest.mark.usefixtures("staffed")
def test_a_team_says_who_is_in_it_nested_groups_included() -> None:
    page = text(client("alice").get("/teams/forecasting/"))
    assert "ml-forecasting ml-forecasting · Groups 2 people Alice alice@corp.example Bob bob@corp.example" in page


def test_a_group_that_the_directory_does_not_have_counts_by_its_name() -> None:
    page = text(client("alice").get("/teams/forecasting/"))
    assert "ml-forecasting not in the directory We know this group only by its name" in page


def test_a_stranger_cannot_tell_a_team_from_none() -> None:
    charlie = client("charlie")
    assert "You are in no team yet" in text(charlie.get("/teams/"))
    for path in (
        "/teams/forecasting/",
        "/teams/nothing/",
        "/teams/forecasting/edit/",
        "/teams/forecasting/?format=csv",
    ):
        assert charlie.get(path).status_code == 404, path
    for slug in ("forecasting", "nothing"):
        for method in ("get", "patch"):
            assert getattr(bearer("charlie"), method)(f"/api/v1/teams/{slug}/").status_code == 404


def test_the_list_has_one_s_own_teams_and_is_sorted_and_a_file() -> None:
    team("vision")
    ask("demand")
    assert "Vision" not in text(client("alice").get("/teams/"))
    page = text(client("paula").get("/teams/?sort=free"))
    assert page.index("Vision vision") < page.index("Forecasting forecasting")
    assert "Granted by plans" in page
    assert re.search(r"CPU [\d.]+ cores, Memory [\d.]+ GiB", page)
    rows = list(csv.DictReader(StringIO(client("paula").get("/teams/?format=csv").getvalue().decode("utf-8-sig"))))
    plan = installation().catalogue.plans["small"]
    assert float(rows[0].pop("cpu")) == float(plan.cpu)
    assert {name: rows[0].pop(name) for name in ("gpu", "pods")} == {"gpu": "0.0", "pods": str(float(plan.pods))}
    for name in ("memory", "storage", "bucket"):
        assert float(rows[0].pop(name)) > 2**30
    assert rows[0] == {
        "name": "forecasting", "title": "Forecasting", "groups": "ml-forecasting", "projects": "1",
        "budget": "100", "taken": "4", "free": "96",
    }  # fmt: skip
    data = json.loads(client("alice").get("/teams/forecasting/?format=json").getvalue())
    assert [row["name"] for row in data["items"]] == ["demand"]


@pytest.mark.usefixtures("staffed")
def test_a_group_whose_name_two_have_is_refused_in_a_team() -> None:
    DirectoryEntry.objects.create(object_id="oid-other", account="ml-vision", name="Vision", is_group=True)
    paula = client("paula")
    blank = fields(paula.get("/teams/forecasting/edit/"), holding="budget")
    wish = {**blank, "group": ["ml-forecasting", "ml-vision"], "because": "Merged with vision.", "do": "preview"}
    refused = paula.post("/teams/forecasting/edit/", wish)
    assert refused.status_code == 422
    assert "The directory has several groups ml-vision: oid-ml-vision" in text(refused)
    assert "Several groups of the directory have this name, so nobody is in the team by it. Remove it, then" in text(
        refused
    )


@pytest.mark.usefixtures("staffed")
def test_a_group_that_was_made_anew_counts_again_once_the_platform_team_takes_the_new_one() -> None:
    row = team("forecasting")
    row.group_ids = {"ml-forecasting": "oid-ml-forecasting"}
    row.save()
    gone(DirectoryEntry.objects.get(account="ml-forecasting"))
    said = "This group left the directory, so nobody is in the team by it."
    paula, path = client("paula"), "/teams/forecasting/edit/"
    assert f"left the directory {said} Ask the platform team to remove it" in text(paula.get("/teams/forecasting/"))
    assert f"{said} Remove it, or add the one that took its place." in text(paula.get(path))
    assert bearer("paula").get("/api/v1/teams/forecasting/").json()["groups"] == [
        {"name": "ml-forecasting", "known": False, "counts": False, "people": None}
    ]

    group_entry("ml-forecasting", DirectoryEntry.objects.get(account="alice@corp.example"), object_id="oid-anew")
    assert f"{said} Another group has its name now." in text(paula.get("/teams/forecasting/"))
    blank = {**fields(paula.get(path), holding="budget"), "because": "It was made anew."}
    preview = paula.post(path, {**blank, "do": "preview"})
    assert "The one that has it now takes its place: 1 person sees the team" in text(preview)
    dry = patch("paula", {"groups": ["ml-forecasting"], "because": "It was made anew."}, dry="1")
    assert dry.json()["groups"] == [{"name": "ml-forecasting", "added": True, "anew": True, "people": 1}]
    # Who changes the budget alone, over the API, takes no other group.
    assert patch("paula", {"budget": 99, "because": "Less."}).json()["groups"] == []
    assert Team.objects.get(slug="forecasting").group_ids == {"ml-forecasting": "oid-ml-forecasting"}

    wish = {**fields(paula.get(path), holding="budget"), "because": "It was made anew.", "do": "change"}
    assert paula.post(path, wish).status_code == 302
    assert Team.objects.get(slug="forecasting").group_ids == {"ml-forecasting": "oid-anew"}
    page = text(paula.get("/teams/forecasting/"))
    assert "1 person Alice alice@corp.example" in page
    assert "group ml-forecasting is the one that has the name now “It was made anew.”" in page


def test_a_name_that_several_groups_have_is_said_to_count_for_nobody() -> None:
    group_entry("ml-forecasting", object_id="oid-one")
    group_entry("ml-forecasting", object_id="oid-other")
    page = text(client("paula").get("/teams/forecasting/"))
    assert "several have this name Several groups of the directory have this name, so nobody is in the team" in page
    assert "whoever signs in" not in page


@pytest.mark.usefixtures("staffed")
def test_the_platform_team_sees_what_a_change_does_before_it_is_made_and_it_is_kept_with_its_reason() -> None:
    ask("demand", plan="medium")
    paula = client("paula")
    blank = fields(paula.get("/teams/forecasting/edit/"), holding="budget")
    assert (blank["group"], blank["budget"]) == (["ml-forecasting"], ["100"])
    wish = {**blank, "group": ["ml-vision", "ml-unknown"], "budget": "8", "because": "Merged with vision."}
    preview = paula.post("/teams/forecasting/edit/", {**wish, "do": "preview"})
    for said in (
        "100 → 8 units. The projects take 12, so -4 are free. They stay as they are",
        "Group ml-vision 1 person sees the team and its projects",
        "Group ml-unknown Not in the directory. It counts once somebody signs in",
        "Group ml-forecasting 2 people are no longer in the team by it. Roles in projects stay.",
    ):
        assert said in text(preview)
    assert Team.objects.get(slug="forecasting").budget == 100

    done = paula.post("/teams/forecasting/edit/", {**wish, "do": "change"})
    assert (done.status_code, done["Location"]) == (302, "/teams/forecasting/")
    row = Team.objects.get(slug="forecasting")
    assert (row.ad_groups, row.group_ids, row.budget) == (
        ["ml-vision", "ml-unknown"], {"ml-vision": "oid-ml-vision"}, 8,
    )  # fmt: skip
    page = text(paula.get("/teams/forecasting/"))
    assert (
        "paula@corp.example: budget 100 → 8 units, group ml-vision added, group ml-unknown added, "
        "group ml-forecasting removed “Merged with vision.”"
    ) in page.replace("&#x27;", "'")
    assert "12 of 8 units: more than the budget" in page
    assert Project.objects.get().units == 12


@pytest.mark.usefixtures("staffed")
def test_groups_are_found_in_the_directory_added_and_removed_without_scripts_and_nothing_is_changed_by_it() -> None:
    paula, path = client("paula"), "/teams/forecasting/edit/"
    blank = {**fields(paula.get(path), holding="budget"), "because": "More people."}
    found = paula.post(path, {**blank, "q": "vision", "do": "search"})
    assert "ml-vision group ml-vision · Groups" in text(found)
    # Of people none is offered: a team is made of groups.
    assert "Charlie" not in text(paula.post(path, {**blank, "q": "charlie", "do": "search"}))

    added = paula.post(path, {**fields(found, holding="budget"), "q": "vision", "add_found": "group:ml-vision"})
    assert fields(added, holding="budget")["group"] == ["ml-forecasting", "ml-vision"]
    assert fields(added, holding="budget")["because"] == ["More people."]
    twice = paula.post(path, {**fields(added, holding="budget"), "q": "ML-Vision", "do": "add"})
    assert fields(twice, holding="budget")["group"] == ["ml-forecasting", "ml-vision"]
    left = paula.post(path, {**fields(twice, holding="budget"), "remove": "0"})
    assert fields(left, holding="budget")["group"] == ["ml-vision"]
    person = paula.post(path, {**blank, "add_found": "user:charlie@corp.example"})
    assert fields(person, holding="budget")["group"] == ["ml-forecasting"]
    assert Team.objects.get(slug="forecasting").ad_groups == ["ml-forecasting"]


@pytest.mark.usefixtures("staffed")
def test_a_group_s_name_that_is_only_begun_is_asked_about_instead_of_lost() -> None:
    paula, path = client("paula"), "/teams/forecasting/edit/"
    blank = {**fields(paula.get(path), holding="budget"), "because": "More people."}
    undecided = paula.post(path, {**blank, "q": "plan", "do": "change"})
    assert undecided.status_code == 422
    assert "“plan” is no group's whole name. Add one of those found, or empty the field." in text(undecided)
    assert 'href="#team-groups"' in undecided.content.decode()
    as_typed = paula.post(path, {**blank, "q": "plan", "add_found": "group:plan"})
    assert fields(as_typed, holding="budget")["group"] == ["ml-forecasting", "plan"]
    whole = paula.post(path, {**blank, "q": "ml-planners", "do": "change"})
    assert whole.status_code == 302
    assert Team.objects.get(slug="forecasting").ad_groups == ["ml-forecasting", "ml-planners"]


def test_the_api_lists_one_s_teams_as_json_and_as_a_table() -> None:
    team("vision")
    ask("demand")
    row = {"slug": "forecasting", "name": "Forecasting", "budget": 100, "taken": 4, "free": 96}
    assert bearer("alice").get("/api/v1/teams/").json() == {"items": [row]}
    sheet = bearer("alice").get("/api/v1/teams/?format=csv")
    assert sheet["Content-Type"] == "text/csv; charset=utf-8"
    read = list(csv.DictReader(StringIO(sheet.getvalue().decode("utf-8-sig"))))
    assert read == [{name: str(value) for name, value in row.items()}]
    assert bearer("charlie").get("/api/v1/teams/?format=csv").getvalue().decode("utf-8-sig").splitlines() == [
        "slug,name,budget,taken,free"
    ]
    assert bearer("alice").get("/api/v1/teams/?format=exe").status_code == 400


@pytest.mark.parametrize("who", ["alice", "bob"])
def test_members_cannot_change_their_team(who: str) -> None:
    wish = {"name": "Mine", "group": "ml-users", "budget": "9999", "because": "Because.", "do": "change"}
    assert client(who).get("/teams/forecasting/edit/").status_code == 403
    assert client(who).post("/teams/forecasting/edit/", wish).status_code == 403
    answer = bearer(who).patch(
        "/api/v1/teams/forecasting/", data=json.dumps({"budget": 9999, "because": "x"}),
        content_type="application/json", headers={"If-Match": "*"},
    )  # fmt: skip
    assert answer.status_code == 403
    assert Team.objects.get(slug="forecasting").budget == 100


def test_all_faults_of_a_change_are_said_at_once_and_what_was_typed_stays() -> None:
    wish = {"name": "", "group": ["a", "A", "x" * 201], "budget": "many", "because": " ", "do": "change"}
    page = client("paula").post("/teams/forecasting/edit/", wish)
    assert page.status_code == 422
    for anchor in ("#team-name", "#team-groups", "#team-budget", "#team-because"):
        assert f'href="{anchor}"' in page.content.decode()
    assert fields(page, holding="budget")["budget"] == ["many"]
    twice = client("paula").post("/teams/forecasting/edit/", {**wish, "name": "F", "group": ["a", "A"], "budget": "1",
                                                             "because": "x"})  # fmt: skip
    assert "This group stands here twice." in text(twice)


def test_what_somebody_else_changed_in_between_is_not_overwritten() -> None:
    paula = client("paula")
    seen = fields(paula.get("/teams/forecasting/edit/"), holding="budget")
    Team.objects.filter(slug="forecasting").update(budget=50)
    wish = {**seen, "group": "ml-forecasting", "because": "More.", "budget": "200", "do": "change"}
    page = paula.post("/teams/forecasting/edit/", wish)
    assert page.status_code == 409
    assert "Forecasting was changed in between." in text(page)
    assert Team.objects.get(slug="forecasting").budget == 50
    again = {**fields(page, holding="budget"), "group": "ml-forecasting", "do": "change"}
    assert paula.post("/teams/forecasting/edit/", again).status_code == 302
    assert Team.objects.get(slug="forecasting").budget == 200


def patch(who: str, body: Any, **headers: str) -> Any:
    sent = {"If-Match": "*", **{name.replace("_", "-"): value for name, value in headers.items()}}
    path = "/teams/forecasting/" + ("?dry_run=true" if "dry" in headers else "")
    return send(bearer(who), "patch", path, body, headers=sent)


@pytest.mark.usefixtures("staffed")
def test_the_api_reads_a_team_and_changes_it() -> None:
    ask("demand")
    read = bearer("alice").get("/api/v1/teams/forecasting/")
    assert read.json() == {
        "slug": "forecasting", "name": "Forecasting", "budget": 100, "taken": 4, "free": 96, "projects": 1,
        "groups": [{"name": "ml-forecasting", "known": True, "counts": True, "people": 2}],
    }  # fmt: skip
    dry = patch("paula", {"budget": 60, "because": "Less is used."}, dry="1", If_Match=read["ETag"])
    assert dry.json() == {
        "team": "forecasting", "changed": False, "name": None, "budget": 60, "groups": [], "taken": 4, "free": 56,
    }  # fmt: skip
    assert Team.objects.get(slug="forecasting").budget == 100
    done = patch("paula", {"budget": 60, "because": "Less is used."}, If_Match=read["ETag"])
    assert (done.status_code, done.json()["changed"]) == (200, True)
    assert Team.objects.get(slug="forecasting").budget == 60
    stale = patch("paula", {"budget": 70, "because": "More."}, If_Match=read["ETag"])
    assert (stale.status_code, stale.json()["type"]) == (412, "urn:slipway:problem:stale-generation")


@pytest.mark.parametrize(
    ("body", "fields_at_fault"),
    [
        ({"budget": 5}, {"because"}),
        ({"budget": -1, "because": ""}, {"budget", "because"}),
        ({"slug": "other", "because": "x"}, {"slug"}),
        ({"group_ids": {"a": "b"}, "because": "x"}, {"group_ids"}),
        ({"groups": ["a", "a"], "because": "x"}, {"groups.1"}),
    ],
)
def test_the_api_refuses_what_is_not_a_change(body: Any, fields_at_fault: set[str]) -> None:
    answer = patch("paula", body)
    assert answer.status_code == (400 if {"slug", "group_ids"} & fields_at_fault else 422)
    assert {one["field"] for one in answer.json()["errors"]} == fields_at_fault
    assert Team.objects.get(slug="forecasting").group_ids == {}


def test_the_api_wants_to_know_which_state_was_read() -> None:
    answer = bearer("paula").patch(
        "/api/v1/teams/forecasting/", data='{"because": "x"}', content_type="application/json"
    )
    assert answer.status_code == 428


def test_a_team_s_page_asks_no_more_with_many_projects() -> None:
    Team.objects.update(budget=1000)
    alice, counts = client("alice"), []
    for size in (1, 12):
        for number in range(size):
            settle(project_of(ask(f"p{size}-{number}")))
        with CaptureQueriesContext(connection) as queries:
            assert alice.get("/teams/forecasting/").status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_a_team_s_page_file_and_api_ask_no_more_with_many_groups_and_the_page_reads_whom_it_shows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(nesting, "PEOPLE_SHOWN", 2)
    row, paula, script = team("forecasting"), client("paula"), bearer("paula")
    wish = {"groups": [], "because": "None of them.", "name": "Forecasting"}
    counts, read = [], set()
    # The first call of a day notes that the token is used.
    script.get("/api/v1/teams/")
    for size in (1, 12):
        groups = [
            group_entry(f"g{size}-{number}", *(person_entry(f"p{size}-{number}-{one}") for one in range(4)))
            for number in range(size)
        ]
        row.ad_groups, row.group_ids = [one.account for one in groups], {one.account: one.object_id for one in groups}
        row.save()
        with CaptureQueriesContext(connection) as page:
            assert text(paula.get("/teams/forecasting/")).count("and 2 more") == size
        with CaptureQueriesContext(connection) as api:
            said = script.get("/api/v1/teams/forecasting/").json()["groups"]
        assert [one["people"] for one in said] == [4] * size
        with CaptureQueriesContext(connection) as dry:
            said = patch("paula", wish, dry="1").json()["groups"]
        assert [one["people"] for one in said] == [4] * size
        with CaptureQueriesContext(connection) as part:
            listed = json.loads(paula.get("/teams/forecasting/?list=people&format=json").getvalue())["items"]
        assert len(listed) == 4 * size
        counts.append((len(page), len(api), len(dry), len(part)))
        read.add(len([one for group in teams.groups_of(row) for one in group.people]) / size)
    assert counts[0] == counts[1]
    assert read == {2}


@pytest.mark.usefixtures("staffed")
def test_what_a_team_s_page_shows_in_part_is_a_file_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nesting, "PEOPLE_SHOWN", 1)
    alice = client("alice", language="sv")
    for budget in range(12):
        assert patch("paula", {"budget": budget, "because": f"Step {budget}."}).status_code == 200
    page = alice.get("/teams/forecasting/").content.decode()
    assert 'href="?list=people&amp;format=csv"' in page
    assert 'href="?list=changes&amp;format=json"' in page
    people = json.loads(alice.get("/teams/forecasting/?list=people&format=json").getvalue())["items"]
    assert people == [
        {"group": "ml-forecasting", "account": "alice@corp.example", "name": "Alice"},
        {"group": "ml-forecasting", "account": "bob@corp.example", "name": "Bob"},
    ]
    changes = json.loads(alice.get("/teams/forecasting/?list=changes&format=json").getvalue())["items"]
    assert [one["because"] for one in changes if one["because"]] == [f"Step {budget}." for budget in range(11, -1, -1)]
    assert (changes[0]["who"], changes[0]["differs"]) == ("paula@corp.example", ["budget 10 → 11 units"])
    for part in ("people", "changes"):
        assert client("charlie").get(f"/teams/forecasting/?list={part}&format=csv").status_code == 404
