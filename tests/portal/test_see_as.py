"""Seeing as somebody else: that person's pages, nothing that writes, no API, a way out, an end, and a record."""

import json
import re
from datetime import timedelta

import pghistory.models
import pytest
from django.test import Client
from django.utils import timezone

from portal.models import ApiToken, User
from projects import seeing
from projects.errors import InvalidSpec, NotFound
from projects.models import Membership, Project, SeenAs
from tests.people import bearer, client, person, teams
from tests.projects.doors import text
from tests.projects.fleet import ready

pytestmark = pytest.mark.django_db
WHY = "Bob finds no project."
PAGE = "/platform/see-as/"


@pytest.fixture(autouse=True)
def _stage() -> None:
    teams()
    for name in ("alice", "bob", "charlie", "paula"):
        person(name)


def as_bob(browser: Client | None = None) -> Client:
    """Paula's browser, seeing as bob."""
    browser = browser or client("paula")
    answer = browser.post(PAGE, {"q": "Bob@corp.example ", "because": WHY})
    assert (answer.status_code, answer["Location"]) == (302, "/")
    return browser


def test_pages_are_drawn_for_the_other_person() -> None:
    ready("lanes", of="vision")
    mine = ready("demand")
    Membership.objects.create(project=mine, subject="bob@corp.example", role="viewer", source="form")
    browser = as_bob()
    page = browser.get("/")
    said = text(page)
    assert "You see this as bob@corp.example, read-only. It ends at" in said
    assert "Demand" in said
    assert "Lanes" not in said
    assert (page["Cache-Control"], browser.get("/projects/lanes/").status_code) == ("private, no-store", 404)
    assert browser.get("/platform/").status_code == 404


def test_the_account_is_found_by_part_of_a_name_too() -> None:
    page = client("paula").get(PAGE).content.decode()
    field = page[page.index('id="account"') :].partition("</p>")[0]
    assert 'name="q"' in field
    assert 'hx-get="/directory/?kind=person&amp;as=choices"' in field
    assert '<datalist id="people">' in field


def test_nothing_can_be_changed_and_the_api_stays_closed() -> None:
    project = ready("demand")
    Membership.objects.create(project=project, subject="bob@corp.example", role="owner", source="form")
    ApiToken.objects.create(person("bob"), name="ci", scopes=["read", "write"])
    browser = as_bob()
    before = Project.objects.values().get()
    tried = [
        browser.post("/projects/demand/retire/", {"typed": "demand"}),
        browser.post("/projects/demand/look/"),
        browser.post("/projects/new/", {"do": "create", "slug": "x"}),
        browser.post(PAGE, {"q": "alice@corp.example", "because": WHY}),
        browser.post("/account/tokens/", {"name": "mine", "scopes": "read", "days": "7"}),
        browser.put("/projects/demand/"),
        browser.get("/api/v1/me/"),
        browser.get("/api/v1/tokens/"),
        browser.post("/api/v1/projects/", data="{}", content_type="application/json"),
        browser.get("/admin/"),
        browser.get("/oauth2/login"),
    ]
    assert {one.status_code for one in tried} == {403}
    assert "You see this as bob@corp.example, read-only: nothing can be changed" in text(tried[0])
    assert 'id="see-as-end"' in tried[0].content.decode()
    assert tried[6].json()["type"] == "urn:slipway:problem:seen-as-reads-only"
    assert Project.objects.values().get() == before
    assert (ApiToken.objects.count(), SeenAs.objects.count()) == (1, 1)


def test_the_way_back_and_signing_out() -> None:
    browser = as_bob()
    assert browser.post(f"{PAGE}end/")["Location"] == PAGE
    assert browser.get("/platform/").status_code == 200
    row = SeenAs.objects.get()
    assert row.ended_at is not None
    as_bob(browser)
    assert browser.post("/oauth2/logout").status_code == 302
    assert browser.get("/")["Location"].startswith("/sign-in/")


def test_when_the_time_is_over_a_form_of_the_other_person_does_nothing() -> None:
    project = ready("demand")
    browser = as_bob()
    SeenAs.objects.update(began_at=timezone.now() - timedelta(minutes=31), until=timezone.now() - timedelta(minutes=1))
    late = browser.post("/projects/demand/look/")
    assert (late.status_code, "Nothing was done." in text(late)) == (403, True)
    assert Project.objects.get().next_look_at == project.next_look_at
    assert browser.post("/projects/demand/look/").status_code == 302
    as_bob(browser)
    SeenAs.objects.update(began_at=timezone.now() - timedelta(minutes=31), until=timezone.now() - timedelta(minutes=1))
    assert browser.get("/projects/demand/")["Location"] == "/"
    assert browser.get("/platform/").status_code == 200


def test_it_lasts_half_an_hour_and_one_at_a_time() -> None:
    browser = as_bob()
    row = SeenAs.objects.get()
    assert row.until - row.began_at == timedelta(minutes=30)
    browser.post(f"{PAGE}end/")
    seeing.begin("alice@corp.example", by=person("paula"), because=WHY)
    seeing.begin("charlie@corp.example", by=person("paula"), because=WHY)
    assert list(SeenAs.objects.filter(ended_at=None).values_list("seen_name", flat=True)) == ["charlie@corp.example"]


@pytest.mark.parametrize(
    ("account", "sentence"),
    [
        ("", "Name the account."),
        ("nobody@corp.example", "Nobody with the account nobody@corp.example has signed in here yet."),
        ("paula@corp.example", "That is you."),
        ("boss@corp.example", "boss@corp.example is of the platform team, and nobody sees as one of them."),
        ("root@corp.example", "root@corp.example is of the platform team, and nobody sees as one of them."),
        ("gone@corp.example", "gone@corp.example can't sign in any more, so there is nothing to see."),
    ],
)
def test_as_whom_nobody_can_see(account: str, sentence: str) -> None:
    User.objects.create(username="boss@corp.example", is_staff=True)
    User.objects.create(username="root@corp.example", is_superuser=True)
    User.objects.create(username="gone@corp.example", is_active=False)
    page = client("paula").post(PAGE, {"q": account, "because": " "})
    assert page.status_code == 422
    assert f"Account: {sentence}" in text(page)
    assert "Reason: Say why." in text(page)
    assert SeenAs.objects.count() == 0


@pytest.mark.parametrize("field", ["is_staff", "is_superuser"])
def test_who_joins_the_platform_team_is_no_longer_seen_as(field: str) -> None:
    browser = as_bob()
    User.objects.filter(username="bob@corp.example").update(**{field: True})
    assert browser.get("/requests/")["Location"] == "/"
    assert "read-only" not in text(browser.get("/"))


def test_who_leaves_the_platform_team_sees_nothing_more() -> None:
    browser = as_bob()
    User.objects.filter(username="paula@corp.example").update(is_staff=False)
    assert browser.get("/")["Location"] == "/"
    assert browser.get("/platform/").status_code == 404


def test_a_number_of_somebody_elses_row_counts_for_nothing() -> None:
    as_bob()
    thief = client("charlie")
    session = thief.session
    session[seeing.SESSION_KEY] = SeenAs.objects.get().pk
    session.save()
    assert thief.get("/")["Location"] == "/"
    assert "bob@corp.example" not in text(thief.get("/account/"))


@pytest.mark.parametrize("who", ["alice", "charlie"])
def test_to_others_there_is_no_such_thing(who: str) -> None:
    browser = client(who)
    answers = [browser.get(PAGE), browser.post(PAGE, {"q": "bob@corp.example", "because": WHY})]
    assert {one.status_code for one in (*answers, browser.post(f"{PAGE}end/"))} == {404}
    with pytest.raises(NotFound):
        seeing.begin("bob@corp.example", by=person(who), because=WHY)
    with pytest.raises(InvalidSpec):
        seeing.begin("paula@corp.example", by=person("paula"), because=WHY)
    assert SeenAs.objects.count() == 0


def test_it_is_recorded_and_the_person_can_read_it() -> None:
    browser = as_bob()
    browser.post(f"{PAGE}end/")
    assert f"paula@corp.example bob@corp.example {WHY}" in text(browser.get(PAGE)).replace("As ", "")
    told = text(client("bob").get("/account/"))
    assert "Who saw the portal as you paula@corp.example" in told
    assert WHY in told
    assert WHY not in text(client("alice").get("/account/"))
    kept = pghistory.models.Events.objects.tracks(SeenAs.objects.get()).order_by("pgh_created_at")
    assert [(one.pgh_label, one.pgh_context["actor"]) for one in kept] == [
        ("insert", "paula@corp.example"),
        ("update", "paula@corp.example"),
    ]


def test_a_token_of_ones_own_is_not_touched_by_it() -> None:
    as_bob()
    assert bearer("paula").get("/api/v1/me/").json()["username"] == "paula@corp.example"


def test_the_record_is_a_file_and_an_answer_of_the_api_for_the_platform_team() -> None:
    paula = person("paula")
    for number in range(27):
        seeing.begin("bob@corp.example", by=paula, because=f"Reason {number}.")
    browser, script = client("paula"), bearer("paula")
    reasons = [f"Reason {number}." for number in reversed(range(27))]
    older = re.search(r'rel="next" href="([^"]+)"', browser.get(PAGE).content.decode())
    assert older is not None
    assert "Reason 0." in text(browser.get(PAGE + older[1].replace("&amp;", "&")))
    filed = json.loads(browser.get(f"{PAGE}?format=json").getvalue())["items"]
    assert [one["because"] for one in filed] == reasons
    assert list(filed[0]) == ["number", "by", "seen", "because", "began_at", "over_at"]
    assert browser.get(f"{PAGE}?format=csv").getvalue().count(b"Reason") == 27
    first = script.get("/api/v1/platform/see-as/?limit=20").json()
    second = script.get(first["next"]).json()
    assert [one["because"] for page in (first, second) for one in page["items"]] == reasons
    assert (first["items"][0]["by"], first["items"][0]["seen"]) == ("paula@corp.example", "bob@corp.example")
    assert second["next"] is None
    for who in ("alice", "charlie"):
        assert client(who).get(f"{PAGE}?format=csv").status_code == 404
        assert bearer(who).get("/api/v1/platform/see-as/").status_code == 404
