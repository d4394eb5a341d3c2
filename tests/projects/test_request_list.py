"""Which requests a list shows: by page and over the API the same, by words with and without accents."""

import pytest

from projects import actions, permissions, request_list
from projects.installation import installation
from projects.models import Door
from tests.people import bearer, person
from tests.projects.asking import asked, change_asked, demand, reject

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("pages")]


def found(who: str, **asked: str) -> list[str]:
    """Slugs and actions of what the list shows, by page and over the API."""
    rows = request_list.rows(person(who), **asked).order_by("-pk")
    query = {"search" if name == "words" else name: value for name, value in asked.items()}
    answer = bearer(who).get("/api/v1/requests/", query)
    assert answer.status_code == 200, answer.json()
    assert [one["id"] for one in answer.json()["items"]] == [one.pk for one in rows]
    return [f"{one.action} {one.slug}" for one in rows]


def test_words_are_found_with_and_without_accents_and_in_the_title_of_what_goes() -> None:
    project = demand(alice="owner")
    spec = {**project.spec, "title": "Malmö körfält"}
    actions.change(project, spec, by=person("alice"), door=Door.API, installation=installation())
    project.refresh_from_db()
    actions.retire(project, by=person("alice"), door=Door.API, installation=installation())
    asked("lanes", title="Lanes of Lund")
    both = ["retire demand", "change demand"]
    expected = {
        "malmo": both, "MALMÖ": both, "korfalt malmo": both, "lund": ["create lanes"], "lanes": ["create lanes"],
        "alice@CORP": ["create lanes", *both, "create demand"], "nowhere": [], "%": [], "100%": [],
    }  # fmt: skip
    assert {words: found("paula", words=words) for words in expected} == expected
    assert found("charlie", words="malmo") == []


def test_the_inbox_is_the_same_by_page_and_over_the_api() -> None:
    paula = person("paula")
    asked("one")
    asked("own", who="paula")
    reject(change_asked(demand(alice="owner"), person("alice"), plan="gpu"), paula)
    assert found("paula", show="decide") == ["create one"]
    assert found("paula", show="waiting") == ["create own", "create one"]
    assert found("paula", show="mine") == ["create own"]
    assert found("paula", action="change") == ["change demand"]
    assert found("paula", team="forecasting", decision="rejected") == ["change demand"]
    assert found("paula", team="vision") == []
    assert found("alice", show="decide") == []
    assert bearer("paula").get("/api/v1/requests/", {"show": "theirs"}).status_code == 400


def test_what_i_asked_for_too_is_mine() -> None:
    project = demand(alice="owner", bob="owner")
    change_asked(project, person("alice"), plan="gpu")
    assert found("bob", show="mine") == []
    joined = change_asked(project, person("bob"), plan="gpu")
    assert found("bob", show="mine") == ["change demand"]
    assert list(permissions.own_requests(person("bob"))) == [joined]
    assert [one["id"] for one in bearer("bob").get("/api/v1/requests/?mine=true").json()["items"]] == [joined.pk]
    assert bearer("paula").get("/api/v1/requests/?mine=true").json()["items"] == []
