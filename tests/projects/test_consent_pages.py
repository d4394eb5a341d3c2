"""Consent to read data by its pages and over REST: what each side sees, and who can press what."""

import csv
import io
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from projects.models import ConsentStep, DataConsent, Door, Membership, Project
from tests.people import bearer, client, person
from tests.projects.api_calls import send
from tests.projects.pages import text
from tests.projects.readers import STORES, change, consent, day, give, keeper, project, states
from tests.projects.tended import installed
from tests.provisioning.wishes import catalogue

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _stores() -> Iterator[None]:
    with installed(data_stores=[{**STORES[0], "description": "Pictures of roads."}, STORES[1]]):
        yield


def _of_bob(path: str, **sent: Any) -> Any:
    browser = client(keeper())
    return browser.post(path, sent) if sent else browser.get(path)


def test_who_decides_finds_the_question_on_the_start_page_and_says_yes() -> None:
    row = project("winter-roads")
    number = consent(row).pk
    start = _of_bob("/")
    assert "asks to read winter-roads, data of team vision" in text(start)
    assert f'href="/consents/{number}/"' in start.content.decode()
    page = text(_of_bob(f"/consents/{number}/"))
    assert "winter roads for demand" in page.lower()
    for said in ("Pictures of roads.", "s3://vision-shared/roads/winter", "alice@corp.example", "Approve", "Reject"):
        assert said in page
    answer = client(keeper()).post(f"/consents/{number}/give/", {"why": "Name us in the report."})
    assert (answer.status_code, answer["Location"], states(row)[0][2]) == (302, f"/consents/{number}/", "given")
    page = text(_of_bob(f"/consents/{number}/"))
    assert ("Withdraw the consent" in page, "Name us in the report." in page) == (True, True)
    assert "asks to read" not in text(_of_bob("/"))


def test_a_no_without_a_reason_keeps_the_page_and_says_so() -> None:
    row = project("winter-roads")
    path = f"/consents/{consent(row).pk}"
    answer = _of_bob(f"{path}/reject/", why=" ")
    assert (answer.status_code, states(row)[0][2]) == (422, "asked")
    assert "Say why, so that the team knows what to change." in text(answer)
    assert _of_bob(f"{path}/reject/", why="Faces are in it.").status_code == 302
    assert "Faces are in it." in text(_of_bob(f"{path}/"))


def test_a_stale_answer_is_refused_in_words() -> None:
    row = project("winter-roads")
    number = consent(row).pk
    change(row, "winter-roads", days=60)
    answer = client(keeper()).post(f"/consents/{number}/give/")
    assert answer.status_code == 409
    assert "There is nothing to decide any more" in text(answer)


def test_the_project_s_page_says_what_it_reads_and_what_waits_and_lets_its_owner_ask_again() -> None:
    row = project("winter-roads", "summer-roads")
    alice = client("alice")
    assert text(alice.get("/projects/demand/")).count("Team vision is asked to let it be read") == 2
    client(keeper()).post(f"/consents/{consent(row).pk}/give/")
    _of_bob(f"/consents/{consent(row, 'summer-roads').pk}/reject/", why="Faces are in it.")
    page = alice.get("/projects/demand/")
    assert "data of team vision." in text(page)
    assert "Team vision said no." in text(page)
    assert page.content.decode().count("Ask again") == 1
    answer = alice.post("/projects/demand/ask-for-data/", {"store": "summer-roads"}, follow=True)
    assert "Team vision is asked." in text(answer)
    again = alice.post("/projects/demand/ask-for-data/", {"store": "summer-roads"})
    assert (again.status_code, "It is asked already" in text(again)) == (409, True)
    change(row, "winter-roads", "summer-roads", days=60)
    assert "A longer time, until" in text(alice.get("/projects/demand/"))


def test_pages_and_api_say_that_a_name_stands_for_another_place_by_now_and_what_to_do() -> None:
    row = project("winter-roads")
    number = consent(row).pk
    client(keeper()).post(f"/consents/{number}/give/")
    alice, script = client("alice"), bearer("alice")
    assert send(script, "get", f"/consents/{number}/").json()["moved"] is False
    with installed(data_stores=[{**STORES[0], "prefix": "faces"}]):
        page = alice.get("/projects/demand/")
        said = "team vision was asked when this name stood for s3://vision-shared/roads/winter on store-1."
        assert said in text(page)
        assert page.content.decode().count("Ask again") == 1
        place = DataConsent.objects.values_list("place", flat=True).get()
        DataConsent.objects.update(place="")
        assert "was asked before Slipway kept for which place." in text(alice.get("/projects/demand/"))
        DataConsent.objects.update(place=place)
        theirs = text(_of_bob(f"/consents/{number}/"))
        assert "s3://vision-shared/roads/winter on store-1" in theirs
        assert "so this opens nothing" in theirs
        assert "Over" in text(_of_bob("/teams/vision/data/"))
        found = send(script, "get", f"/consents/{number}/").json()
        assert (found["moved"], found["place"]) == (True, "s3://vision-shared/roads/winter on store-1")
        (mine,) = send(script, "get", "/projects/demand/data/").json()["items"]
        assert (mine["state"], mine["until"], mine["consent"]) == ("moved", None, number)
        dry, path = {"title": "Demand of parts"}, "/projects/demand/?dry_run=true"
        plan = send(script, "patch", path, dry, headers={"If-Match": '"1"'}).json()
        assert "the name stands for s3://vision-shared/faces on store-1 now: ask again." in str(plan)
        assert alice.post("/projects/demand/ask-for-data/", {"store": "winter-roads"}).status_code == 302
        assert "is asked to let it be read" in text(alice.get("/projects/demand/"))


def test_the_page_says_that_a_store_is_read_for_less_time_by_now() -> None:
    row = project("winter-roads", "summer-roads")
    client(keeper()).post(f"/consents/{consent(row).pk}/give/")
    alice, script = client("alice"), bearer("alice")
    short = [{**STORES[0], "max_days": 9}, {**STORES[1], "max_days": 9, "readers": ["forecasting"]}]
    with installed(data_stores=short):
        page = text(alice.get("/projects/demand/"))
        assert page.count("It may now be read for at most 9 days at a time, so it ends earlier") == 2
        items = send(script, "get", "/projects/demand/data/").json()["items"]
        assert [(one["state"], one["until"], one["max_days"]) for one in items] == [
            ("reads", day(9).isoformat(), 9)
        ] * 2
        number, team = consent(row).pk, keeper()
        assert send(script, "get", f"/consents/{number}/").json()["reads_until"] == day(9).isoformat()
        for path in ("/teams/vision/data/", f"/consents/{number}/"):
            assert f'datetime="{day(9).isoformat()}"' in client(team).get(path).content.decode()
        past = timezone.now() - timedelta(days=10)
        ConsentStep.objects.update(at=past)
        Project.objects.filter(pk=row.pk).update(accepted_at=past)
        page = alice.get("/projects/demand/")
        assert text(page).count("Not read any more: it may now be read for at most 9 days at a time.") == 2
        assert page.content.decode().count("Ask again") == 1
        items = send(script, "get", "/projects/demand/data/").json()["items"]
        assert [(one["state"], one["until"]) for one in items] == [("over", None)] * 2
        assert send(script, "get", f"/consents/{number}/").json()["reads_until"] is None
        assert "Over" in text(client(team).get("/teams/vision/data/"))


def test_a_question_about_what_a_name_stood_for_before_can_only_be_refused() -> None:
    row = project("winter-roads")
    path = f"/consents/{consent(row).pk}/"
    with installed(data_stores=[{**STORES[0], "prefix": "faces"}]):
        page = _of_bob(path).content.decode()
        assert ('id="give"' in page, 'id="reject"' in page) == (False, True)
        assert client(keeper()).post(f"{path}give/").status_code == 409


def test_who_may_not_change_the_project_has_no_button_to_ask() -> None:
    row = project("winter-roads")
    _of_bob(f"/consents/{consent(row).pk}/reject/", why="Faces are in it.")
    bob = person("bob")
    Membership.objects.create(project=row, subject=bob.username, role="viewer", source=Door.FORM)
    page = client(bob).get("/projects/demand/")
    assert ("Team vision said no." in text(page), "Ask again" in page.content.decode()) == (True, False)
    assert client(bob).post("/projects/demand/ask-for-data/", {"store": "winter-roads"}).status_code == 403


def test_the_team_s_page_lists_both_who_asks_and_who_reads_by_the_catalogue() -> None:
    project("winter-roads")
    with installed(data_stores=[STORES[0], {**STORES[1], "readers": ["forecasting"]}]):
        project("summer-roads", slug="supply")
        page = text(_of_bob("/teams/vision/data/"))
        file = _of_bob("/teams/vision/data/?list=readers&format=csv").getvalue().decode("utf-8-sig").splitlines()
    assert file[0] == "slug,team,names,until"
    assert [line.rpartition(",")[0] for line in file[1:]] == ["supply,forecasting,summer-roads"]
    assert "demand, forecasting" in page
    assert "Waits for a decision" in page
    assert "supply forecasting summer-roads" in page
    assert 'href="/teams/vision/data/"' in _of_bob("/teams/vision/").content.decode()


def test_pages_of_the_team_say_for_how_long_at_a_time_a_store_is_read() -> None:
    row = project("winter-roads")
    with installed(data_stores=[{**STORES[0], "max_days": 40}]):
        for path in ("/teams/vision/data/", f"/consents/{consent(row).pk}/"):
            assert "at most 40 days at a time" in text(_of_bob(path))


def test_what_waits_for_an_answer_stands_first_on_the_team_s_page() -> None:
    project("winter-roads")
    later = project("winter-roads", slug="supply")
    _of_bob(f"/consents/{consent(later).pk}/reject/", why="Faces are in it.")
    page = text(_of_bob("/teams/vision/data/"))
    assert page.index("demand, forecasting") < page.index("supply, forecasting")
    newest = text(_of_bob("/teams/vision/data/?sort=newest"))
    assert newest.index("supply, forecasting") < newest.index("demand, forecasting")


def test_a_question_that_was_answered_says_what_is_so_now() -> None:
    row = project("winter-roads")
    _of_bob(f"/consents/{consent(row).pk}/reject/", why="Faces are in it.")
    page = text(client("alice").get(f"/consents/{consent(row).pk}/"))
    assert "Nothing is read. Owners of the project can ask again on its page." in page
    assert "A yes lets this project" not in page


def test_a_team_without_data_has_an_empty_page() -> None:
    keeper()
    page = text(client("alice").get("/teams/forecasting/data/"))
    assert "The catalogue has no data of this team." in page
    assert "No project of another team has asked for it yet." in page


def test_the_list_as_a_file() -> None:
    row = project("winter-roads")
    _of_bob(f"/consents/{consent(row).pk}/reject/", why="=Faces")
    answer = _of_bob("/teams/vision/data/?format=csv")
    (line,) = csv.DictReader(io.StringIO(answer.getvalue().decode("utf-8-sig")))
    asked, decided = line.pop("asked_at"), line.pop("decided_at")
    assert (line.pop("reminded_at"), line.pop("escalated_at")) == ("", "")
    assert asked < decided
    assert line == {
        "number": str(consent(row).pk),
        "store": "winter-roads",
        "place": "s3://vision-shared/roads/winter on store-1",
        "owner": "vision",
        "project": "demand",
        "team": "forecasting",
        "until": day(30).isoformat(),
        "state": "rejected",
        "asked_by": "alice@corp.example",
        "decided_by": "bob@corp.example",
        "why": "'=Faces",
    }


def test_the_list_s_queries_do_not_grow_with_its_rows(django_assert_max_num_queries: Any) -> None:
    row = project("winter-roads")
    browser = client(keeper())
    browser.get("/teams/vision/data/")
    first = consent(row)
    for number in range(12):
        DataConsent.objects.create(
            project=row, store="summer-roads", team=first.team, until=day(number), state="rejected"
        )
    with django_assert_max_num_queries(20):
        browser.get("/teams/vision/data/")


def test_a_stranger_finds_nothing() -> None:
    row = project("winter-roads")
    number = consent(row).pk
    charlie = client("charlie")
    for path in (f"/consents/{number}/", "/teams/vision/data/"):
        assert charlie.get(path).status_code == 404
    for act in ("give", "reject", "withdraw"):
        assert charlie.post(f"/consents/{number}/{act}/", {"why": "No."}).status_code == 404
    assert charlie.post("/projects/demand/ask-for-data/", {"store": "winter-roads"}).status_code == 404
    script = bearer("charlie")
    assert send(script, "get", f"/consents/{number}/").status_code == 404
    assert send(script, "get", "/consents/").json() == {"items": [], "next": None}
    assert states(row) == [("winter-roads", 30, "asked")]


def test_over_rest_both_sides_read_and_the_team_decides() -> None:
    row = project("winter-roads")
    alice, bob = bearer("alice"), bearer(keeper())
    (mine,) = send(alice, "get", "/projects/demand/data/").json()["items"]
    first = consent(row).pk
    assert (mine.pop("waits_since") is not None, mine.pop("reminded_at")) == (True, None)
    assert mine == {
        "name": "winter-roads",
        "owner": "vision",
        "address": "s3://vision-shared/roads/winter",
        "state": "asked",
        "until": None,
        "wanted_until": day(30).isoformat(),
        "max_days": None,
        "by_catalogue": False,
        "consent": first,
    }
    (theirs,) = send(bob, "get", "/consents/?to_decide=true&owner=vision").json()["items"]
    assert (theirs["id"], theirs["state"], theirs["asked_by"]) == (first, "asked", "alice@corp.example")
    assert send(bob, "post", f"/consents/{first}/reject/", {}).status_code == 422
    assert send(bob, "post", f"/consents/{first}/give/", {"until": "2099-01-01"}).status_code == 400
    given = send(bob, "post", f"/consents/{first}/give/", {}).json()
    assert (given["state"], given["decided_by"]) == ("given", "bob@corp.example")
    (mine,) = send(alice, "get", "/projects/demand/data/").json()["items"]
    assert (mine["state"], mine["until"]) == ("reads", day(30).isoformat())
    assert send(bob, "post", f"/consents/{first}/give/", {}).status_code == 409
    ended = send(bob, "post", f"/consents/{first}/withdraw/", {"why": "It was found wrong."}).json()
    assert (ended["state"], ended["why"]) == ("withdrawn", "It was found wrong.")
    again = send(alice, "post", "/projects/demand/data/winter-roads/ask/", {})
    assert (again.status_code, again.json()["state"], again["Location"]) == (202, "asked", again.json()["url"])
    found = send(alice, "get", "/consents/?project=demand&limit=1").json()
    assert ([one["state"] for one in found["items"]], found["next"] is None) == (["asked"], False)


def test_a_store_on_a_server_that_no_project_is_on_is_neither_offered_nor_said_to_be_read() -> None:
    row = project("winter-roads")
    assert send(bearer(keeper()), "post", f"/consents/{consent(row).pk}/give/", {}).status_code == 200
    (first,) = catalogue().model_dump(mode="json", exclude_none=True)["object_stores"]
    away = [{**STORES[0], "object_store": "store-2"}, STORES[1]]
    alice = bearer("alice")
    with installed(object_stores=[first, {**first, "name": "store-2"}], data_stores=away):
        (mine,) = send(alice, "get", "/projects/demand/data/").json()["items"]
        offered = send(alice, "get", "/data-stores/").json()["items"]
    assert (mine["state"], mine["until"], mine["address"]) == ("gone", None, "")
    assert [one["name"] for one in offered] == ["summer-roads"]


def test_over_rest_the_stores_are_listed() -> None:
    keeper()
    items = send(bearer("alice"), "get", "/data-stores/").json()["items"]
    assert items[0] == {
        "name": "winter-roads",
        "title": "Winter roads",
        "description": "Pictures of roads.",
        "classification": "",
        "owner": "vision",
        "readers": [],
        "max_days": None,
        "address": "s3://vision-shared/roads/winter",
    }
    assert [one["name"] for one in items] == ["winter-roads", "summer-roads"]


def test_a_notice_leads_to_the_question_and_is_gone_for_who_may_not_see_it_any_more() -> None:
    row = project("winter-roads")
    page = _of_bob("/account/notices/")
    assert f'href="/consents/{consent(row).pk}/"' in page.content.decode()
    bob = keeper()
    bob.groups.clear()
    assert "may read winter-roads" not in text(client(bob).get("/account/notices/"))


def test_the_project_s_activity_tells_each_step_and_finds_it() -> None:
    row = project("winter-roads")
    _of_bob(f"/consents/{consent(row).pk}/reject/", why="Faces are in it.")
    page = text(client("alice").get("/projects/demand/activity/"))
    assert "alice@corp.example asked team vision to let the project read winter-roads" in page
    assert "bob@corp.example refused that the project reads winter-roads, data of team vision" in page
    items = send(bearer("alice"), "get", "/projects/demand/activity/?who=bob").json()["items"]
    assert [(one["who"], one["note"], one["door"]) for one in items] == [
        ("bob@corp.example", "Faces are in it.", "form")
    ]
    assert "“Faces are in it.”" in page
    narrowed = send(bearer("alice"), "get", "/projects/demand/activity/?door=form").json()["items"]
    assert items[0] in narrowed


def test_a_consent_that_another_took_the_place_of_says_so_in_the_reader_s_language() -> None:
    row = project("winter-roads")
    give(consent(row))
    before = consent(row)
    give(consent(change(row, "winter-roads", days=60)))
    assert before.steps.latest("pk").why == f"Replaced by one until {day(60)}."
    swedish = f"Ersatt av ett till och med {day(60)}."
    assert swedish in text(client(keeper(), language="sv").get(f"/consents/{before.pk}/"))
    assert swedish in text(client("alice", language="sv").get("/projects/demand/activity/"))


def test_a_no_without_a_reason_comes_back_where_the_question_stands() -> None:
    row = project("winter-roads")
    page = client(keeper()).post(f"/consents/{consent(row).pk}/reject/")
    assert (page.status_code, "Say why" in text(page)) == (422, True)
    assert '<a href="/teams/" aria-current="page">' in page.content.decode()
