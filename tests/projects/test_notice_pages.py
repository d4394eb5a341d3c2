"""What one was told: the list, as a file and over REST, and marking it as read."""

import csv
import io
import json
import re
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from projects.installation import installation
from projects.models import Notice
from projects.notices import announce
from tests.people import bearer, client, person
from tests.projects.asking import asked
from tests.projects.pages import fields, text
from tests.projects.readers import STORES, keeper, project
from tests.projects.tended import installed

pytestmark = pytest.mark.django_db
PAGE, API = "/account/notices/", "/api/v1/me/notices/"


def tell(name: str, said: str, **more: Any) -> Notice:
    announce("comment", to=[person(name)], text=said, **more)
    newest = Notice.objects.first()
    assert newest is not None
    return newest


def test_the_list_says_what_is_new_until_it_is_marked_as_read() -> None:
    request = asked("demand")
    tell("alice", "paula about demand: why?", request=request)
    tell("alice", "<b>bob</b>")
    alice = client("alice")
    page = alice.get(PAGE)
    assert text(page).index("New &lt;b&gt;bob&lt;/b&gt;") < text(page).index("New paula about demand: why?")
    assert f'<a href="/requests/{request.pk}/">request for demand</a>' in page.content.decode()
    newest = fields(page, holding="until")
    tell("alice", "came meanwhile")
    assert alice.post(f"{PAGE}read/", newest)["Location"] == PAGE
    assert text(alice.get(f"{PAGE}?show=unread")).count("New ") == 1
    assert "came meanwhile" in text(alice.get(f"{PAGE}?show=unread"))
    alice.post(f"{PAGE}read/", {"until": "nonsense"})
    alice.post(f"{PAGE}read/", {"until": str(10**17)})
    assert "You have read everything." in text(alice.get(f"{PAGE}?show=unread"))


def test_pages_are_turned_both_ways() -> None:
    for number in range(27):
        tell("alice", f"Word {number:02}")
    alice = client("alice")

    def turned(page: Any, way: str) -> Any:
        link = re.search(rf'rel="{way}" href="([^"]+)"', page.content.decode())
        assert link is not None
        return alice.get(PAGE + link[1].replace("&amp;", "&"))

    first = alice.get(f"{PAGE}?show=all")
    second = turned(first, "next")
    assert [re.findall(r"Word \d\d", page.content.decode())[-1] for page in (first, second)] == ["Word 02", "Word 00"]
    assert "Word 26" in turned(second, "prev").content.decode()


def test_a_question_about_data_is_a_link_that_says_so() -> None:
    with installed(data_stores=STORES):
        consent = project("winter-roads").consents.get()
    page = client(keeper()).get(PAGE).content.decode()
    assert f'<a href="/consents/{consent.pk}/">winter-roads for demand</a>' in page


def test_nobody_reads_or_marks_what_others_were_told() -> None:
    notice = tell("alice", "for alice")
    charlie = client("charlie")
    assert "Nobody has told you anything yet." in text(charlie.get(PAGE))
    charlie.post(f"{PAGE}read/", {"until": str(notice.pk)})
    marked = bearer("charlie").post(f"{API}read/", {"until": notice.pk}, content_type="application/json")
    assert (marked.status_code, marked.json()) == (200, {"marked": 0})
    assert Notice.objects.filter(read_at=None).count() == 1


def test_what_one_may_not_see_any_more_is_gone_from_the_list() -> None:
    request = asked("demand")
    tell("bob", "demand: why so large?", request=request)
    assert "why so large" in text(client("bob").get(PAGE))
    bob = client("bob")
    person("bob").groups.clear()
    assert "why so large" not in text(bob.get(PAGE))


def test_the_list_is_a_file_too() -> None:
    request = asked("demand")
    first = tell("alice", "=1+1", request=request)
    alice = client("alice")
    lines = list(csv.DictReader(io.StringIO(_body(alice.get(f"{PAGE}?format=csv")).removeprefix("\ufeff"))))
    assert [(one["kind"], one["text"], one["project"], one["request"]) for one in lines] == [
        ("comment", "'=1+1", "demand", str(request.pk))
    ]
    (item,) = json.loads(_body(alice.get(f"{PAGE}?format=json")))["items"]
    assert (item["number"], item["text"], item["read_at"]) == (first.pk, "=1+1", None)


def _body(answer: Any) -> str:
    return b"".join(answer.streaming_content).decode()


def test_over_rest_by_pages() -> None:
    request = asked("demand")
    first = tell("alice", "paula about demand: why?", request=request)
    second = tell("alice", "bob asks.")
    alice = bearer("alice")
    page = alice.get(f"{API}?limit=1").json()
    assert [one["id"] for one in page["items"]] == [second.pk]
    (item,) = alice.get(page["next"]).json()["items"]
    item.pop("at")
    assert item == {
        "id": first.pk,
        "kind": "comment",
        "text": "paula about demand: why?",
        "project": "demand",
        "request": request.pk,
        "read_at": None,
        "mailed_at": None,
        "url": f"{installation().public_url}/requests/{request.pk}/",
    }
    marked = alice.post(f"{API}read/", {"until": first.pk}, content_type="application/json")
    assert marked.json() == {"marked": 1}
    assert [one["id"] for one in alice.get(f"{API}?unread=true").json()["items"]] == [second.pk]


def test_a_longer_list_asks_no_more_of_the_database() -> None:
    request, alice = asked("demand"), client("alice")
    counts = []
    for number in (2, 30):
        for one in range(number):
            tell("alice", f"{one}?", request=request)
        with CaptureQueriesContext(
            connection,
        ) as found:
            assert alice.get(PAGE).status_code == 200
        counts.append(len(found))
    assert counts[0] == counts[1]
