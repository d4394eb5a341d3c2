"""Announcements: who reads what when, putting away, changing and ending with a reason, and nothing there for others."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pghistory.models
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from projects import announcements
from projects.errors import Conflict, InvalidSpec, NotFound, StaleGeneration
from projects.models import Announcement, AnnouncementState, Door
from tests.people import bearer, client, person
from tests.projects.pages import fields, text

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("pages")]
PAGE = "/platform/announcements/"
API = "/api/v1/platform/announcements/"
WHY = "The disks are full."


def told(said: str = "The store moves.", *, by: str = "paula", **more: Any) -> Announcement:
    return announcements.announce({"text": said, "because": WHY, **more}, by=person(by), door=Door.FORM)


def send(method: str, path: str, body: dict[str, Any], *, who: str = "paula") -> Any:
    return bearer(who).generic(method, path, data=json.dumps(body), content_type="application/json")


def in_hours(hours: float) -> str:
    return (timezone.now() + timedelta(hours=hours)).isoformat()


def test_everybody_reads_it_from_one_moment_to_another() -> None:
    told("Now for all.")
    told("A warning.", level="warning", public=True)
    told("Later.", begins=in_hours(1))
    over = told("Before.", ends=in_hours(1))
    Announcement.objects.filter(pk=over.pk).update(begins=in_hours(-2), ends=in_hours(-1))
    seen = text(client("charlie").get("/"))
    assert ["Warning: A warning." in seen, "Now for all." in seen, "Later." in seen, "Before." in seen] == [
        True, True, False, False,
    ]  # fmt: skip
    assert seen.index("A warning.") < seen.index("Now for all.")
    before_sign_in = text(Client().get("/sign-in/"))
    assert ["A warning." in before_sign_in, "Now for all." in before_sign_in] == [True, False]
    assert [one.state for one in Announcement.objects.order_by("pk")] == ["shown", "shown", "to_come", "over"]
    answer = bearer("charlie").get("/api/v1/announcements/").json()["items"]
    assert [(one["level"], one["text"]) for one in answer] == [
        ("warning", "A warning."), ("information", "Now for all."),
    ]  # fmt: skip
    assert [*answer[0]] == ["id", "level", "text", "begins", "ends"]


def test_it_is_plain_text_and_hidden_on_paper() -> None:
    told("<script>alert(1)</script> & <b>x</b>\nsecond line")
    page = client("alice").get("/").content.decode()
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; &lt;b&gt;x&lt;/b&gt;<br>second line" in page
    assert '<section class="d-print-none" aria-label="Announcements">' in page


def test_one_is_put_away_for_this_session_and_a_change_is_seen_again() -> None:
    one, stays = told("Put me away."), told("I stay.", dismissible=False)
    browser = client("alice")
    page = browser.get("/requests/?show=all")
    assert fields(page, holding="next")["next"] == ["/requests/?show=all"]
    answer = browser.post(f"/announcements/{one.pk}/put-away/", {"next": "/requests/?show=all"})
    assert (answer.status_code, answer["Location"]) == (302, "/requests/?show=all")
    browser.post(f"/announcements/{stays.pk}/put-away/", {"next": "/"})
    after = text(browser.get("/"))
    assert ["Put me away." in after, "I stay." in after] == [False, True]
    assert "Put me away." in text(client("alice").get("/"))
    change = {"text": "Put me away.", "because": "Later than thought.", "ends": in_hours(3)}
    announcements.change(one.pk, change, by=person("paula"), door=Door.FORM)
    assert "Put me away." in text(browser.get("/"))


def test_putting_away_leads_to_this_site_only_and_takes_what_is_gone() -> None:
    browser = client("alice")
    for wanted, location in (("https://evil.example/", "/"), ("/teams/", "/teams/"), ("", "/")):
        answer = browser.post("/announcements/999999/put-away/", {"next": wanted})
        assert (answer.status_code, answer["Location"]) == (302, location)
    assert browser.session["announcements_put_away"] == {}


def test_more_put_away_than_are_shown_at_once_stay_away() -> None:
    rows = [told(f"Number {number}.") for number in range(7)]
    browser = client("alice")
    for row in rows:
        browser.post(f"/announcements/{row.pk}/put-away/")
    assert "Number" not in text(browser.get("/"))
    assert len(announcements.shown_now(signed_in=True, put_away={})) == announcements.MOST_SHOWN


def test_the_platform_team_writes_changes_and_ends_by_pages() -> None:
    paula = client("paula")
    form = {"text": "The store moves.", "level": "warning", "because": WHY, "dismissible": "on", "ends": ""}
    page = paula.post(f"{PAGE}new/", {**form, "begins": "2026-03-01T08:00"})
    assert (page.status_code, page["Location"]) == (302, PAGE)
    made = Announcement.objects.get()
    assert (made.begins, made.ends, made.dismissible, made.public, made.by_name) == (
        datetime(2026, 3, 1, 8, tzinfo=UTC), None, True, False, "paula@corp.example",
    )  # fmt: skip
    listed = text(paula.get(PAGE))
    assert f"The store moves. paula@corp.example, {timezone.localtime().strftime('%H:')}" in listed
    kept = fields(paula.get(f"{PAGE}{made.pk}/"), holding="revision")
    assert (kept["begins"], kept["revision"], kept["dismissible"]) == (["2026-03-01T08:00"], ["1"], ["on"])
    changed = {**form, "revision": "1", "begins": kept["begins"][0], "text": "It moves at nine.", "public": "on"}
    assert paula.post(f"{PAGE}{made.pk}/", changed).status_code == 302
    late = paula.post(f"{PAGE}{made.pk}/", {**changed, "text": "At ten."})
    assert (late.status_code, "At ten." in late.content.decode()) == (409, True)
    assert "Somebody was faster" in text(late)
    assert "Say why" not in text(late)
    assert paula.post(f"{PAGE}{made.pk}/end/", {"because": ""}).status_code == 422
    assert paula.post(f"{PAGE}{made.pk}/end/", {"because": "Done."}).status_code == 302
    assert paula.post(f"{PAGE}{made.pk}/end/", {"because": "Done."}).status_code == 409
    assert paula.post(f"{PAGE}{made.pk}/", {**changed, "revision": "3"}).status_code == 409
    past = text(paula.get(f"{PAGE}{made.pk}/"))
    assert ["Over" in past, "It moves at nine." in past, "The store moves." in past] == [True, True, True]
    assert "It moves at nine." not in text(client("bob").get("/"))
    events = pghistory.models.Events.objects.tracks(made).order_by("pgh_created_at")
    assert [(one.pgh_label, one.pgh_context["actor"], one.pgh_context["because"]) for one in events] == [
        ("insert", "paula@corp.example", WHY),
        ("update", "paula@corp.example", WHY),
        ("update", "paula@corp.example", "Done."),
    ]


def test_all_that_is_wrong_is_said_at_once_and_what_was_typed_stays() -> None:
    typed = {"text": "x" * 501, "level": "loud", "begins": "soon", "ends": "2999-01-01T00:00", "because": " "}
    page = client("paula").post(f"{PAGE}new/", typed)
    said = text(page)
    assert page.status_code == 422
    assert "5 things to fix" in said
    for sentence in (
        "Text: At most 500 characters.",
        "Level: Choose one of 'information' or 'warning'.",
        "From: Write a day and a time, such as 2027-06-30T08:00+02:00.",
        "To: This is more than a year away. Check the year.",
        "Reason: This is needed.",
    ):
        assert sentence in said
    assert "x" * 501 in page.content.decode()
    assert Announcement.objects.count() == 0


@pytest.mark.parametrize(
    ("given", "field", "code"),
    [
        ({"ends": "1 hour ago"}, "ends", "datetime_type"),
        ({"ends": "2026-03-01T08:00"}, "ends", "datetime_type"),
        ({"begins": 1_800_000_000}, "begins", "datetime_type"),
        ({"begins": "0001-01-01T00:00:00+14:00"}, "begins", "too_far"),
        ({"begins": "9999-12-31T23:59:59-12:00"}, "begins", "too_far"),
        ({"text": "a\x07b"}, "text", "value_error"),
        ({"text": " \n "}, "text", "string_too_short"),
        ({"shout": True}, "shout", "extra_forbidden"),
    ],
)
def test_what_the_api_refuses(given: dict[str, Any], field: str, code: str) -> None:
    answer = send("POST", API, {"text": "Hello.", "because": WHY, **given})
    assert answer.status_code == (400 if code == "extra_forbidden" else 422)
    assert [(one["field"], one["code"]) for one in answer.json()["errors"]] == [(field, code)]


def test_an_end_lies_ahead_and_after_the_beginning() -> None:
    for given, code in (
        ({"ends": in_hours(-1)}, "past"),
        ({"begins": in_hours(3), "ends": in_hours(2)}, "before_begin"),
    ):
        with pytest.raises(InvalidSpec) as refused:
            told(**given)
        assert [(one.field, one.code) for one in refused.value.faults] == [("ends", code)]


def test_the_api_does_the_same_and_a_call_sent_again_happens_once() -> None:
    browser, body = bearer("paula"), json.dumps({"text": "Hello.", "because": WHY, "ends": in_hours(5)})
    first, again = (
        browser.post(API, data=body, content_type="application/json", headers={"Idempotency-Key": "a"})
        for _ in range(2)
    )
    assert (first.status_code, again.json(), Announcement.objects.count()) == (201, first.json(), 1)
    made = first.json()
    assert (made["state"], made["revision"], made["by"], made["because"]) == ("shown", 1, "paula@corp.example", WHY)
    assert first["Location"] == made["url"]
    assert browser.get(made["url"]).json() == made
    whole = {"text": "Good morning.", "because": "Friendlier.", "revision": 1}
    changed = send("PUT", made["url"], whole).json()
    assert (changed["text"], changed["begins"], changed["ends"], changed["revision"]) == (
        "Good morning.", made["begins"], None, 2,
    )  # fmt: skip
    assert send("PUT", made["url"], whole).status_code == 412
    assert send("POST", f"{made['url']}end/", {}).status_code == 422
    assert send("POST", f"{made['url']}end/", {"because": "Said."}).json()["state"] == "over"
    assert send("POST", f"{made['url']}end/", {"because": "Said."}).status_code == 409
    assert send("PUT", made["url"], {**whole, "revision": 3}).status_code == 409
    assert [one["id"] for one in browser.get(API).json()["items"]] == [made["id"]]


def test_lists_as_files_and_in_order() -> None:
    told("First.", level="warning")
    told("=SECOND()", begins=in_hours(2))
    paula = client("paula")
    rows = json.loads(b"".join(paula.get(f"{PAGE}?format=json&sort=level")))["items"]
    assert [(one["text"], one["state"], one["by"]) for one in rows] == [
        ("=SECOND()", "to_come", "paula@corp.example"), ("First.", "shown", "paula@corp.example"),
    ]  # fmt: skip
    assert "'=SECOND()" in b"".join(paula.get(f"{PAGE}?format=csv")).decode()
    assert text(paula.get(f"{PAGE}?sort=begins")).index("SECOND") < text(paula.get(f"{PAGE}?sort=-begins")).index(
        "SECOND"
    )


@pytest.mark.parametrize("who", ["alice", "charlie"])
def test_to_others_the_platform_teams_part_is_not_there(who: str) -> None:
    made = told()
    browser = client(who)
    body = {"text": "Mine.", "because": WHY}
    answers = [
        browser.get(PAGE), browser.get(f"{PAGE}new/"), browser.post(f"{PAGE}new/", body),
        browser.get(f"{PAGE}{made.pk}/"), browser.post(f"{PAGE}{made.pk}/", body),
        browser.post(f"{PAGE}{made.pk}/end/", body), send("POST", API, body, who=who),
        send("PUT", f"{API}{made.pk}/", body, who=who), send("POST", f"{API}{made.pk}/end/", {"because": "x"}, who=who),
    ]  # fmt: skip
    assert {one.status_code for one in answers} == {404}
    for act in (
        lambda: told(by=who),
        lambda: announcements.change(made.pk, body, by=person(who), door=Door.API),
        lambda: announcements.end(made.pk, {"because": "x"}, by=person(who), door=Door.API),
    ):
        with pytest.raises(NotFound):
            act()
    made.refresh_from_db()
    assert (made.text, made.revision, made.state) == ("The store moves.", 1, AnnouncementState.SHOWN)


def test_two_at_once_do_not_overwrite_each_other() -> None:
    made = told()
    change = {"text": "A.", "because": WHY, "revision": 1}
    announcements.change(made.pk, change, by=person("paula"), door=Door.API)
    with pytest.raises(StaleGeneration):
        announcements.change(made.pk, {**change, "text": "B."}, by=person("paula"), door=Door.API)
    announcements.end(made.pk, {"because": WHY}, by=person("paula"), door=Door.API)
    with pytest.raises(Conflict):
        announcements.change(made.pk, {**change, "revision": 3}, by=person("paula"), door=Door.API)
    made.refresh_from_db()
    assert (made.text, made.revision) == ("A.", 3)


def test_a_page_asks_once_for_all_of_them() -> None:
    def asked() -> int:
        with CaptureQueriesContext(connection) as seen:
            client("alice").get("/help/")
        return sum("projects_announcement" in one["sql"] for one in seen)

    assert asked() == 1
    for number in range(5):
        told(f"Number {number}.")
    assert asked() == 1
