"""Several questions for consent answered at once, on the team's page of data and over REST: each on its own."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from projects import consenting
from projects.models import Door
from tests.people import bearer, client, person
from tests.projects.api_calls import send
from tests.projects.pages import text
from tests.projects.readers import STORES, consent, keeper, project, states
from tests.projects.tended import installed

pytestmark = pytest.mark.django_db
PAGE = "/teams/vision/data/"


@pytest.fixture(autouse=True)
def _stores() -> Iterator[None]:
    with installed(data_stores=STORES):
        yield


def decide(who: Any, verdict: str, *numbers: int, why: str = "", query: str = "") -> Any:
    sent = {"do": verdict, "consent": [str(one) for one in numbers], "why": why}
    return client(who).post(f"{PAGE}{query}", sent)


def test_ticked_questions_are_answered_each_on_its_own() -> None:
    one, two, three = (project("winter-roads", slug=name) for name in ("demand", "supply", "stock"))
    page = client(keeper()).get(PAGE)
    assert page.content.decode().count('name="consent"') == 3
    # Somebody else answers one of them meanwhile.
    consenting.reject(consent(two), by=keeper(), door=Door.API, why="Faces are in it.")
    bob = client(keeper())
    numbers = [str(consent(row).pk) for row in (one, two)]
    answer = bob.post(f"{PAGE}?sort=project", {"do": "give", "consent": numbers, "why": "Name us."})
    assert (answer.status_code, answer["Location"]) == (302, f"{PAGE}?sort=project")
    assert [states(row)[0][2] for row in (one, two, three)] == ["given", "rejected", "asked"]
    page = text(bob.get(f"{PAGE}?sort=project"))
    assert "winter-roads, demand : decided" in page.replace("demand:", "demand :")
    assert "There is nothing to decide any more: it is rejected." in page
    assert "What came of your decision" not in text(bob.get(PAGE))


def test_several_are_refused_with_one_reason() -> None:
    rows = [project("winter-roads", slug=name) for name in ("demand", "supply")]
    numbers = [consent(row).pk for row in rows]
    answer = decide(keeper(), "reject", *numbers, why=" ")
    assert (answer.status_code, [states(row)[0][2] for row in rows]) == (422, ["asked", "asked"])
    page = answer.content.decode()
    assert ("Say why, so that the teams know what to change." in text(answer), page.count(" checked")) == (True, 2)
    assert decide(keeper(), "reject", *numbers, why="Faces are in it.").status_code == 302
    assert [states(row)[0][2] for row in rows] == ["rejected", "rejected"]


@pytest.mark.parametrize("verdict", ["give", "reject", "", "withdraw"])
def test_where_nothing_is_ticked_or_said_nothing_is_decided(verdict: str) -> None:
    row = project("winter-roads")
    ticked = [consent(row).pk] if verdict in ("", "withdraw") else []
    answer = decide(keeper(), verdict, *ticked, why="Faces are in it.")
    assert (answer.status_code, states(row)[0][2]) == (422, "asked")
    assert "No question was ticked, so nothing was decided." in text(answer)


def test_ticks_go_along_to_the_next_page_whatever_can_be_decided_there() -> None:
    one, *_, two = (project("winter-roads", slug=f"p{number:02}") for number in range(26))
    consenting.reject(consent(two), by=keeper(), door=Door.API, why="Faces are in it.")
    tick, bob, paula = str(consent(one).pk), client(keeper()), client("paula")
    first = bob.get(f"{PAGE}?sort=project").content.decode()
    # Who sees as bob can send no form, and turns pages all the same.
    paula.post("/platform/see-as/", {"q": "bob@corp.example", "because": "He finds no question."})
    seen = paula.get(f"{PAGE}?sort=project").content.decode()
    assert ("formaction" in seen, 'rel="next"' in seen) == (False, True)
    where = re.search(r'formaction="([^"]*after=[^"]+)"', first)
    assert where is not None
    address = PAGE + where[1].replace("&amp;", "&")
    # There is nothing to tick on this page; what was ticked before goes on.
    page = bob.post(address, {"turn": "page", "consent": [tick, str(consent(two).pk), "x"], "why": "Name us."})
    assert (page.status_code, "1 more is chosen, not on this page" in text(page)) == (200, True)
    body = page.content.decode()
    assert f'value="{tick}" checked> winter-roads, p00' in body
    assert ">Name us.</textarea>" in body
    head = re.search(r'formaction="([^"]*sort=store)"', body)
    assert head is not None
    by_store = bob.post(PAGE + head[1].replace("&amp;", "&"), {"turn": "page", "consent": [tick], "why": "Name us."})
    assert re.search(f'name="consent" value="{tick}" checked', by_store.content.decode())
    assert bob.post(address, {"do": "give", "consent": [tick]}).status_code == 302
    assert states(one)[0][2] == "given"


def test_only_who_decides_has_boxes_and_only_for_what_can_be_given() -> None:
    row, other = project("winter-roads"), project("summer-roads", slug="supply")
    number = consent(row).pk
    paula = client("paula").get(PAGE)
    assert (paula.status_code, 'name="consent"' in paula.content.decode()) == (200, False)
    assert decide("paula", "give", number).status_code == 302
    with installed(data_stores=[{**STORES[0], "prefix": "faces"}, STORES[1]]):
        page = client(keeper()).get(PAGE).content.decode()
        assert [
            f'value="{consent(one, name).pk}"' in page for one, name in ((row, "winter-roads"), (other, "summer-roads"))
        ] == [
            False,
            True,
        ]
        assert decide(keeper(), "give", number).status_code == 302
    assert states(row)[0][2] == "asked"


def test_a_stranger_answers_nothing() -> None:
    row = project("winter-roads")
    number = consent(row).pk
    assert decide("charlie", "give", number).status_code == 404
    (result,) = send(bearer("charlie"), "post", "/consents/decide/", {"verdict": "give", "consents": [number]}).json()[
        "items"
    ]
    missing = {"verdict": "give", "consents": [number + 1000]}
    (nothing,) = send(bearer("charlie"), "post", "/consents/decide/", missing).json()["items"]
    assert (result["done"], result["said"]) == (False, nothing["said"])
    person("alice")
    (own,) = send(bearer("alice"), "post", "/consents/decide/", {"verdict": "give", "consents": [number]}).json()[
        "items"
    ]
    assert (own["done"], "nobody about what they asked for" in own["said"]) == (False, True)
    assert states(row)[0][2] == "asked"


def test_over_rest_several_are_answered() -> None:
    rows = [project("winter-roads", slug=name) for name in ("demand", "supply")]
    first, second = (consent(row).pk for row in rows)
    bob = bearer(keeper())
    assert send(bob, "post", "/consents/decide/", {"verdict": "reject", "consents": [first]}).status_code == 422
    assert send(bob, "post", "/consents/decide/", {"verdict": "give", "consents": []}).status_code == 422
    assert send(bob, "post", "/consents/decide/", {"verdict": "give", "ids": [first]}).status_code == 400
    answer = send(bob, "post", "/consents/decide/", {"verdict": "give", "consents": [second, first, second]})
    assert answer.json() == {"items": [{"id": one, "done": True, "said": ""} for one in (second, first)]}
    assert [states(row)[0][2] for row in rows] == ["given", "given"]
