"""Acting on many by pages and by API: choose, preview, start, watch; and nothing there for others."""

import json
import re
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from projects import bulk_tasks
from projects.models import BulkRun, Project
from provisioning.errors import Reason
from tests.people import bearer, client
from tests.projects.doors import text
from tests.projects.fleet import broken, ready

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("world", "pages")]
ACTIONS = "/platform/actions/"
RUNS = "/api/v1/platform/runs/"
WHY = "The store is moved tonight."


def listed(page: Any) -> list[str]:
    return re.findall(r'name="project" value="([^"]+)"', page.content.decode())


def next_page(page: Any) -> str:
    link = re.search(r'(?:rel="next" href|value="page" formaction)="([^"]*after=[^"]+)"', page.content.decode())
    assert link is not None
    return ACTIONS + link[1].replace("&amp;", "&")


def sent_again(page: Any) -> tuple[str, dict[str, Any]]:
    """Where the form of this page would be sent as it stands, and what with."""
    body = page.content.decode()
    action = re.search(r'<form method="post" action="([^"]+)" id="act-form">', body)
    assert action is not None
    ticked = re.findall(r'name="project" value="([^"]+)"[^>]* checked', body)
    return action[1].replace("&amp;", "&"), {"project": ticked}


def post(path: str, body: dict[str, Any], *, who: str = "paula") -> Any:
    return bearer(who).post(path, data=json.dumps(body), content_type="application/json")


def test_projects_are_found_by_what_their_rows_say() -> None:
    ready("a")
    ready("b", of="vision", plan="medium")
    ready("c", suspended=True)
    broken(ready("d"), "bucket", Reason.REJECTED)
    ready("e").resources.filter(kind="bucket").update(target="store-2")
    browser = client("paula")
    found = {
        query: listed(browser.get(f"{ACTIONS}?{query}"))
        for query in (
            "", "q=b", "team=vision", "plan=medium", "status=Suspended", "status=Needs+attention", "reason=Rejected",
            "target=store-2", "project=a&project=c", "reason=Nonsense&team=vision", "team=nobody",
        )
    }  # fmt: skip
    assert found == {
        "": ["e", "d", "c", "b", "a"],
        "q=b": ["b"],
        "team=vision": ["b"],
        "plan=medium": ["b"],
        "status=Suspended": ["c"],
        "status=Needs+attention": ["d"],
        "reason=Rejected": ["d"],
        "target=store-2": ["e"],
        "project=a&project=c": ["c", "a"],
        "reason=Nonsense&team=vision": ["b"],
        "team=nobody": [],
    }
    page = browser.get(f"{ACTIONS}?project=a").content.decode()
    assert re.search(r'value="a"[^>]* checked', page)


def test_what_is_ticked_is_previewed_started_and_watched() -> None:
    for name in ("a", "b", "c"):
        ready(name)
    browser = client("paula")
    sent = {"action": "suspend", "because": WHY, "project": ["a", "b"]}
    made = browser.post(ACTIONS, sent)
    run = BulkRun.objects.get()
    assert made["Location"] == f"{ACTIONS}{run.pk}/"
    said = text(browser.get(made["Location"]))
    for words in ("Suspend", f"paula@corp.example, {run.created_at:%H:%M}", WHY, "nothing has happened yet", "0 of 2"):
        assert words in said
    turn = f"{ACTIONS}{run.pk}/turn/"
    assert browser.post(turn, {"do": "some", "first": "1"}).status_code == 302
    live = browser.get(f"{ACTIONS}{run.pk}/live/")
    assert live.status_code == 200
    seen = re.search(r"seen=([0-9a-f-]+)&", live.content.decode().replace("&amp;", "&"))
    assert seen is not None
    assert browser.get(f"{ACTIONS}{run.pk}/live/?seen={seen[1]}").status_code == 204
    bulk_tasks.go_on(run.pk)
    assert browser.get(f"{ACTIONS}{run.pk}/live/?seen={seen[1]}").status_code == 286
    said = text(browser.get(made["Location"]))
    assert "Paused 1 of 2 projects are done." in said
    browser.post(turn, {"do": "all"})
    bulk_tasks.go_on(run.pk)
    said = text(browser.get(made["Location"]))
    assert "Done 2 of 2 projects are done." in said
    assert sorted(Project.objects.filter(suspended=True).values_list("slug", flat=True)) == ["a", "b"]
    assert browser.post(turn, {"do": "stop"}).status_code == 409
    assert browser.post(turn, {"do": "dance"}).status_code == 404


def test_all_that_match_are_more_than_one_page() -> None:
    for number in range(55):
        ready(f"p{number:02}", of="vision")
    ready("other")
    browser = client("paula")
    first = browser.get(f"{ACTIONS}?team=vision")
    assert len(listed(first)) == 50
    assert len(listed(browser.get(next_page(first)))) == 5
    browser.post(f"{ACTIONS}?team=vision", {"action": "look", "because": WHY, "all": "yes"})
    run = BulkRun.objects.get()
    assert run.items.count() == 55
    page = browser.get(f"{ACTIONS}{run.pk}/")
    assert "?after=50" in page.content.decode()
    assert text(browser.get(f"{ACTIONS}{run.pk}/?after=50")).count("Everything was looked at.") == 5


def test_ticks_of_a_later_page_are_kept_when_something_is_missing() -> None:
    for number in range(55):
        ready(f"p{number:02}", of="vision")
    browser = client("paula")
    where, _ = sent_again(browser.get(next_page(browser.get(f"{ACTIONS}?team=vision"))))
    assert browser.post(where, {"action": "look", "because": "", "project": ["p01", "p03", "p54"]}).status_code == 422
    page = browser.post(where, {"action": "look", "because": "", "project": ["p01", "p03", "p54"]})
    assert listed(page) == ["p04", "p03", "p02", "p01", "p00", "p54"]
    assert "1 more is chosen, not on this page" in text(page)
    where, kept = sent_again(page)
    assert kept == {"project": ["p03", "p01", "p54"]}
    assert browser.post(where, {"action": "look", "because": WHY, **kept}).status_code == 302
    assert set(BulkRun.objects.get().items.values_list("project__slug", flat=True)) == {"p01", "p03", "p54"}


def test_ticks_and_what_was_typed_go_along_to_the_next_page_and_back() -> None:
    for number in range(55):
        ready(f"p{number:02}", of="vision")
    browser = client("paula")
    first = browser.get(f"{ACTIONS}?team=vision")
    typed = {"action": "suspend", "because": WHY, "kind": "", "to_plan": ""}
    where = next_page(first)
    second = browser.post(where, {**typed, "turn": "page", "project": ["p54", "p07"]})
    assert (second.status_code, BulkRun.objects.exists()) == (200, False)
    assert "2 more are chosen, not on this page" in text(second)
    assert '<option value="suspend" selected>' in second.content.decode()
    assert f">{WHY}</textarea>" in second.content.decode()
    where, kept = sent_again(second)
    assert (where.partition("?")[2].startswith("team=vision&after="), kept) == (True, {"project": ["p54", "p07"]})
    cleared = browser.post(where, {**typed, "turn": "clear", "project": ["p54", "p07", "p02"]})
    assert sent_again(cleared)[1] == {"project": ["p02"]}
    assert "not on this page" not in text(cleared)
    back = browser.post(f"{ACTIONS}?team=vision", {**typed, "turn": "page", "project": ["p54", "p07", "p02"]})
    assert sent_again(back)[1] == {"project": ["p54", "p07", "p02"]}
    assert "1 more is chosen, not on this page" in text(back)
    assert browser.post(where, {**typed, "project": ["p54", "p07", "p02"]}).status_code == 302
    assert set(BulkRun.objects.get().items.values_list("project__slug", flat=True)) == {"p54", "p07", "p02"}


def test_ticks_and_what_was_typed_stay_in_another_order_and_in_another_search() -> None:
    for number in range(55):
        ready(f"p{number:02}", of="vision")
    ready("lane")
    browser = client("paula")
    sent = {"action": "suspend", "because": WHY, "q": "", "team": "vision", "project": ["p54", "p07"], "all": "yes"}
    first = browser.get(f"{ACTIONS}?team=vision")
    head = re.search(r'<button name="turn" value="page" formaction="([^"]+)">Project<', first.content.decode())
    assert head is not None
    by_name = browser.post(ACTIONS + head[1].replace("&amp;", "&"), {**sent, "turn": "page"})
    assert (by_name.status_code, listed(by_name)[:2], listed(by_name)[-1]) == (200, ["p00", "p01"], "p54")
    assert sent_again(by_name) == (f"{ACTIONS}?team=vision&sort=name", {"project": ["p07", "p54"]})
    assert '<input type="hidden" name="sort" value="name">' in by_name.content.decode()
    assert re.search(r'name="all" value="yes" checked', by_name.content.decode())
    # Where it looks from then on stands in the address, however it got there.
    wanted = {**sent, "turn": "search", "team": "", "q": " lan ", "sort": "name", "because": "Moved."}
    found = browser.post(f"{ACTIONS}?team=vision&sort=name&after=7~p07", wanted, follow=True)
    assert found.redirect_chain == [(f"{ACTIONS}?q=lan&sort=name", 307)]
    assert (found.status_code, sent_again(found)) == (200, (f"{ACTIONS}?q=lan&sort=name", {"project": ["p54", "p07"]}))
    assert listed(found) == ["lane", "p54", "p07"]
    body = found.content.decode()
    assert "2 more are chosen, not on this page" in text(found)
    assert ('<option value="suspend" selected>' in body, ">Moved.</textarea>" in body) == (True, True)
    # All that matched were others.
    assert not re.search(r'name="all" value="yes" checked', body)
    whole = browser.post(ACTIONS, {**wanted, "turn": "whole", "project": ["p54", "lane"]})
    assert (sent_again(whole)[1], listed(whole)[0]) == ({"project": ["lane", "p54"]}, "lane")
    assert BulkRun.objects.count() == 0
    where = f"{ACTIONS}?q=nothing-like-it"
    nothing = browser.post(where, {**wanted, "turn": "search", "q": "nothing-like-it", "sort": ""})
    assert sent_again(nothing) == (where, {"project": ["p54", "p07"]})
    assert browser.post(where, {"action": "look", "because": WHY, "project": ["p54", "lane"]}).status_code == 302
    assert set(BulkRun.objects.get().items.values_list("project__slug", flat=True)) == {"p54", "lane"}


def test_no_more_are_ticked_than_a_form_may_have_fields() -> None:
    ready("a")
    many = [f"x{number}" for number in range(501)]
    for sent in ({"turn": "page"}, {"turn": "search"}, {"action": "look", "because": WHY}):
        page = client("paula").post(ACTIONS, {**sent, "project": many})
        assert page.status_code == 422
        assert "At most 500 can be ticked at a time, and 501 are. Nothing was done." in text(page)


def test_those_another_page_led_here_with_are_ticked_also_beyond_the_first_page() -> None:
    slugs = [f"p{number:02}" for number in range(52)]
    for slug in slugs:
        ready(slug)
    _, kept = sent_again(client("paula").get(ACTIONS, {"project": slugs}))
    assert sorted(kept["project"]) == slugs


def test_projects_are_sorted_as_on_the_start_page() -> None:
    ready("a", of="vision")
    broken(ready("b"), "bucket", Reason.REJECTED)
    ready("c")
    browser = client("paula")
    found = {sort: listed(browser.get(f"{ACTIONS}?sort={sort}")) for sort in ("name", "-name", "status", "team", "x")}
    assert found == {
        "name": ["a", "b", "c"],
        "-name": ["c", "b", "a"],
        "status": ["b", "a", "c"],
        "team": ["b", "c", "a"],
        "x": ["c", "b", "a"],
    }


def test_faults_stand_at_their_fields_and_what_was_typed_stays() -> None:
    ready("a")
    wanted = {"action": "skip", "because": "", "project": ["a"]}
    page = client("paula").post(f"{ACTIONS}?team=forecasting", wanted)
    assert page.status_code == 422
    said = text(page)
    assert "2 things to fix" in said
    assert "Resource: Choose the resource" in said
    body = page.content.decode()
    assert '<option value="skip" selected>' in body
    assert re.search(r'value="a"[^>]* checked', body)
    assert "<option selected>forecasting</option>" in body
    nobody = client("paula").post(ACTIONS, {"action": "look", "because": WHY})
    assert "Projects: Choose at least one project." in text(nobody)
    assert BulkRun.objects.count() == 0


def test_a_number_that_is_none_is_refused_with_a_sentence() -> None:
    ready("a")
    browser = client("paula")
    where = browser.post(ACTIONS, {"action": "look", "because": WHY, "project": ["a"]})["Location"]
    for typed in ("", "x", "0", "9" * 18):
        answer = browser.post(f"{where}turn/", {"do": "some", "first": typed})
        assert answer.status_code == 422, typed
    assert "Enter how many to start with." in text(browser.post(f"{where}turn/", {"do": "some", "first": "x"}))


def test_every_run_can_be_reached_and_runs_and_their_projects_are_files() -> None:
    ready("a")
    ready("b", of="vision")
    browser = client("paula")
    for number in range(27):
        sent = {"action": "look", "because": f"Look {number}.", "project": ["a", "b"]}
        assert browser.post(ACTIONS, sent).status_code == 302
    assert 'href="/platform/actions/runs/"' in browser.get(ACTIONS).content.decode()
    first = browser.get(f"{ACTIONS}runs/")
    second = browser.get(next_page(first).replace(ACTIONS, f"{ACTIONS}runs/"))
    assert [one.because for page in (first, second) for one in page.context["page"].rows] == [
        f"Look {number}." for number in reversed(range(27))
    ]
    runs = json.loads(browser.get(f"{ACTIONS}runs/?format=json&sort=-newest").getvalue())["items"]
    assert [one["because"] for one in runs] == [f"Look {number}." for number in range(27)]
    assert (runs[0]["action"], runs[0]["by"], runs[0]["state"]) == ("look", "paula@corp.example", "draft")
    assert browser.get(f"{ACTIONS}runs/?format=csv").getvalue().startswith(b"\xef\xbb\xbfnumber,action,kind,plan")
    run = f"{ACTIONS}{runs[0]['number']}/"
    assert 'href="?format=csv"' in browser.get(run).content.decode()
    items = json.loads(browser.get(f"{run}?format=json").getvalue())["items"]
    assert [(one["position"], one["project"], one["team"], one["state"], one["request"]) for one in items] == [
        (1, "b", "vision", "waiting", None),
        (2, "a", "forecasting", "waiting", None),
    ]
    assert browser.get(f"{run}?format=csv").getvalue().count(b"\n") == 3


@pytest.mark.parametrize("who", ["alice", "charlie"])
def test_to_others_there_is_nothing(who: str) -> None:
    ready("a")
    made = client("paula").post(ACTIONS, {"action": "look", "because": WHY, "project": ["a"]})["Location"]
    number = BulkRun.objects.get().pk
    browser, script = client(who), bearer(who)
    pages = [browser.get(f"{where}?format=csv") for where in (f"{ACTIONS}runs/", made)]
    pages += [
        browser.get(f"{ACTIONS}runs/"),
        browser.get(ACTIONS),
        browser.post(ACTIONS, {}),
        browser.get(made),
        browser.get(f"{made}live/"),
    ]
    calls = [script.get(RUNS), script.get(f"{RUNS}{number}/"), script.get(f"{RUNS}{number}/items/")]
    posts = [post(f"{RUNS}{number}/{turn}/", {}, who=who) for turn in ("start", "pause", "stop")]
    wish = post(RUNS, {"action": "look", "because": WHY, "projects": ["a"]}, who=who)
    turned = browser.post(f"{made}turn/", {"do": "all"})
    assert {one.status_code for one in (*pages, *calls, *posts, wish, turned)} == {404}
    assert BulkRun.objects.get().state == "draft"


def test_the_same_by_api() -> None:
    ready("a")
    ready("b", suspended=True)
    made = post(RUNS, {"action": "suspend", "because": WHY, "where": {"team": "forecasting"}})
    assert made.status_code == 201
    run = made.json()
    assert made["Location"] == run["url"]
    counts = {"waiting": 1, "left_out": 1, "done": 0, "asked": 0, "refused": 0}
    assert (run["state"], run["counts"], run["by"]) == ("draft", counts, "paula@corp.example")
    script = bearer("paula")
    items = script.get(run["items_url"]).json()
    assert [(one["project"], one["state"], one["foreseen"]) for one in items["items"]] == [
        ("b", "left_out", "It is suspended already."),
        ("a", "waiting", "Nobody looks at it and nothing is repaired until it is resumed."),
    ]
    first = script.get(f"{run['items_url']}?limit=1").json()
    assert [one["project"] for one in script.get(first["next"]).json()["items"]] == ["a"]
    assert post(f"{run['url']}pause/", {}).status_code == 409
    assert post(f"{run['url']}start/", {"first": 1}).json()["state"] == "running"
    bulk_tasks.go_on(run["id"])
    assert script.get(run["url"]).json()["state"] == "done"
    assert [one["id"] for one in script.get(RUNS).json()["items"]] == [run["id"]]
    assert post(f"{run['url']}stop/", {}).status_code == 409


def test_a_reason_that_there_is_not_chooses_no_project_over_the_api() -> None:
    broken(ready("a"), "bucket", Reason.REJECTED)
    answer = post(RUNS, {"action": "look", "because": WHY, "where": {"reason": "Rejectet"}})
    assert [one["field"] for one in answer.json()["errors"]] == ["projects"]
    made = post(RUNS, {"action": "look", "because": WHY, "where": {"reason": "Rejected"}}).json()
    assert made["counts"]["waiting"] == 1


def test_the_api_refuses_what_it_does_not_know() -> None:
    ready("a")
    wrong = {
        "nobody": {"action": "look", "because": WHY, "projects": ["nope"]},
        "both": {"action": "look", "because": WHY, "projects": ["a"], "where": {}},
        "none": {"action": "look", "because": WHY},
        "dance": {"action": "dance", "because": WHY, "projects": ["a"]},
        "extra": {"action": "look", "because": WHY, "projects": ["a"], "force": True},
        "why": {"action": "look", "because": " ", "projects": ["a"]},
    }
    found = {name: [one["field"] for one in post(RUNS, body).json()["errors"]] for name, body in wrong.items()}
    assert found == {
        "nobody": ["projects"], "both": ["where"], "none": ["projects"], "dance": ["action"], "extra": ["force"],
        "why": ["because"],
    }  # fmt: skip
    assert BulkRun.objects.count() == 0


def test_queries_do_not_grow_with_the_projects_of_a_run() -> None:
    browser = client("paula")

    def queries(count: int) -> tuple[int, int]:
        slugs = [f"n{count}-{number}" for number in range(count)]
        for slug in slugs:
            ready(slug)
        with CaptureQueriesContext(connection) as drafting:
            where = browser.post(ACTIONS, {"action": "look", "because": WHY, "project": slugs})["Location"]
        with CaptureQueriesContext(connection) as showing:
            browser.get(where)
        return len(drafting), len(showing)

    assert queries(2) == queries(9)
