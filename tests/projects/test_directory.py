"""The directory as people use it: found by what one types, nested groups, names that move on; and its doors."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.utils import timezone

from portal import metrics
from projects import directory, directory_api, directory_views, nesting
from projects.models import DirectoryEdge, DirectoryEntry, DirectoryState
from tests.people import bearer, client, person
from tests.projects.tended import LDAP, installed

pytestmark = pytest.mark.django_db


def add(object_id: str, name: str, account: str, *, is_group: bool = False, mail: str = "", **more: Any) -> None:
    """A row as the sync writes it."""
    DirectoryEntry.objects.create(
        object_id=object_id,
        is_group=is_group,
        account=account,
        name=name,
        mail=mail,
        folded=directory.folded(name=name, account=account, mail=mail),
        **more,
    )


def within(*pairs: tuple[str, str]) -> None:
    """Who is directly in what."""
    DirectoryEdge.objects.bulk_create(DirectoryEdge(member=member, group=group) for member, group in pairs)


def names(found: list[DirectoryEntry]) -> list[str]:
    return [one.account for one in found]


@pytest.fixture
def company() -> None:
    add("p1", "Åsa Öberg", "asa.oberg@corp.example", mail="Asa.Oberg@mail.example")
    add("p2", "Sinéad O'Brien", "sobrien@corp.example")
    add("p3", "Jürgen Groß-Müller", "jgm@corp.example", mail="jurgen@corp.example")
    add("p4", "Søren Łukasz", "soren@corp.example")
    add("p5", "Bob Vision", "bob@corp.example", enabled=False)
    add("p6", "Old Vision", "old@corp.example", gone_at=timezone.now())
    add("g1", "ML vision", "ml-vision", is_group=True, place="Groups / Research")
    add("g2", "ML vision", "ml-vision-de", is_group=True, place="Groups / Plant")
    add("g3", "All of ML", "ml-all", is_group=True)
    add("p7", "Television Anders", "anders@corp.example")


@pytest.mark.parametrize(
    "typed, found",
    [
        ("asa", ["asa.oberg@corp.example"]),
        ("ÅSA ÖB", ["asa.oberg@corp.example"]),
        ("oberg åsa", ["asa.oberg@corp.example"]),
        ("O’Brien", ["sobrien@corp.example"]),
        ("obri", ["sobrien@corp.example"]),
        ("gross", ["jgm@corp.example"]),
        ("GROß", ["jgm@corp.example"]),
        ("muller", ["jgm@corp.example"]),
        ("jurgen@corp.example", ["jgm@corp.example"]),
        ("jurgen@other.example", []),
        ("soren lukasz", ["soren@corp.example"]),
        ("Soren@Corp", ["soren@corp.example"]),
        ("vis", ["ml-vision", "ml-vision-de", "anders@corp.example"]),
        ("ml-vision-de", ["ml-vision-de"]),
        ("ml-vision", ["ml-vision", "ml-vision-de"]),
        ("corp", []),
        ("vision nobody", []),
        ("%", []),
        ("'\"\\_ --", []),
        ("", []),
        ("x" * 5000, []),
    ],
)
def test_what_one_types_finds_whom_one_means(company: None, typed: str, found: list[str]) -> None:
    assert names(directory.search(typed)) == found


def test_a_search_is_for_people_or_groups_and_bounded(company: None) -> None:
    assert names(directory.search("vis", is_group=False)) == ["anders@corp.example"]
    assert names(directory.search("vis", is_group=True, limit=1)) == ["ml-vision"]


def test_who_has_a_name_now(company: None) -> None:
    add("p8", "New Old", "OLD@corp.example")
    held = {
        subject: (found.object_id, found.present) if found else None
        for subject, is_group in (
            ("old@corp.example", False),
            ("BOB@corp.example", False),
            ("ML-Vision", True),
            ("g1", True),
            ("ml-vision@corp.example", False),
            ("ml-vision", False),
        )
        for found in [directory.entry_of(subject=subject, is_group=is_group)]
    }
    assert held == {
        "old@corp.example": ("p8", True),
        "BOB@corp.example": ("p5", False),
        "ML-Vision": ("g1", True),
        "g1": ("g1", True),
        "ml-vision@corp.example": None,
        "ml-vision": None,
    }


def test_an_object_id_is_known_also_after_its_holder_left(company: None) -> None:
    left = directory.entry("p6")
    assert left is not None
    assert (left.account, left.present) == ("old@corp.example", False)
    assert (directory.account_of("p6"), directory.account_of("nobody")) == ("old@corp.example", None)
    assert directory.entry("nobody") is None


def test_nested_groups_both_ways_and_a_circle_ends(company: None) -> None:
    within(("p1", "g1"), ("p5", "g1"), ("p6", "g1"), ("g1", "g3"), ("p2", "g3"), ("g3", "g1"), ("p1", "g-unknown"))
    assert names(directory.groups_of("p1")) == ["ml-all", "ml-vision"]
    assert names(directory.groups_of("p2")) == ["ml-all", "ml-vision"]
    assert names(directory.groups_of("g1")) == ["ml-all"]
    assert nesting.people_in(["g1"]) == {"g1": {"p1", "p2"}}
    assert (directory.groups_of("nobody"), nesting.people_in(["nobody"])) == ([], {})


# Doors


def test_the_form_gets_buttons_it_can_send(company: None) -> None:
    answer = client("charlie").get("/directory/?q=vis", headers={"HX-Request": "true"})
    page = answer.content.decode()
    assert answer.status_code == 200
    assert 'name="add_found" value="group:ml-vision"' in page
    assert 'name="add_found" value="user:anders@corp.example"' in page
    assert "Groups / Plant" in page
    assert "3 matches in the directory" in page
    assert "HX-Request" in answer["Vary"]


def test_a_text_field_gets_choices_of_people(company: None) -> None:
    answer = client("charlie").get("/directory/?q=asa&kind=person&as=choices", headers={"HX-Request": "true"})
    assert answer.content.decode().split("<option ")[1:] == ['value="asa.oberg@corp.example">Åsa Öberg</option>\n']


def test_names_of_the_directory_are_text_and_never_markup() -> None:
    add("p1", "<script>alert(1)</script>", "x@corp.example")
    choices = client("alice").get("/directory/?q=script&as=choices", headers={"HX-Request": "true"}).content.decode()
    assert "<script>" not in choices
    page = client("alice").get("/directory/?q=script", headers={"HX-Request": "true"}).content.decode()
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_who_finds_nobody_reads_what_to_do() -> None:
    page = client("alice").get("/directory/?q=zzz", headers={"HX-Request": "true"}).content.decode()
    assert "Nobody and no group in the directory matches “zzz”. Check the spelling" in page
    assert "0 matches" in page


def test_a_script_gets_json_with_name_account_mail_and_place_only(company: None) -> None:
    answer = client("charlie").get("/directory/?q=asa&kind=person")
    assert answer.json() == {
        "items": [
            {
                "kind": "person",
                "account": "asa.oberg@corp.example",
                "name": "Åsa Öberg",
                "mail": "Asa.Oberg@mail.example",
                "place": "",
            }
        ]
    }


def test_who_is_not_signed_in_learns_nothing(company: None) -> None:
    from django.test import Client

    answer = Client().get("/directory/?q=asa")
    assert (answer.status_code, answer["Location"]) == (302, "/sign-in/?next=/directory/%3Fq%3Dasa")


def test_whoever_asks_very_often_waits(company: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(directory_views, "SEARCHES_PER_MINUTE", 2)
    charlie, alice = client("charlie"), client("alice")
    cache.delete_many([f"often:directory:{person(name).pk}" for name in ("charlie", "alice")])
    assert [charlie.get("/directory/?q=asa").status_code for _ in range(3)] == [200, 200, 429]
    assert charlie.get("/directory/?q=asa")["Retry-After"] == "60"
    assert alice.get("/directory/?q=asa").status_code == 200


def get(who: str, path: str) -> Any:
    return bearer(who).get(f"/api/v1/directory/{path}")


def test_the_api_finds_the_same(company: None) -> None:
    answer = get("charlie", "?q=vis&kind=group&limit=1")
    item = {"kind": "group", "account": "ml-vision", "name": "ML vision", "mail": "", "place": "Groups / Research"}
    assert answer.json() == {"items": [item]}
    assert answer["Cache-Control"] == "private, no-store"
    assert get("charlie", "").json() == {"items": []}


@pytest.mark.parametrize("query", ["?q=a&kind=robot", "?q=a&limit=51", "?q=a&limit=0", "?who=a", f"?q={'a' * 101}"])
def test_the_api_refuses_what_it_does_not_know(query: str) -> None:
    assert get("alice", query).status_code == 400


def test_a_script_that_asks_very_often_is_told_to_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(directory_api, "SEARCHES_PER_MINUTE", 1)
    cache.delete(f"often:directory:{person('charlie').pk}")
    assert get("charlie", "?q=asa").status_code == 200
    answer = get("charlie", "?q=asa")
    assert (answer.status_code, answer["Retry-After"]) == (429, "60")
    assert answer.json()["detail"] == "You searched very often just now. Wait a minute, then search again."


def test_how_old_the_directory_is_and_only_the_platform_team_reads_why() -> None:
    with installed():
        assert get("paula", "state/").json() == {"items": []}
    now = timezone.now().replace(microsecond=0)
    DirectoryState.objects.create(
        source="corp", complete_at=now, failing_since=now, message="corp does not answer.", people=40, groups=12
    )
    with installed(directory=LDAP):
        for who, message in (("charlie", None), ("paula", "corp does not answer.")):
            moment = now.isoformat().replace("+00:00", "Z")
            item = {"source": "corp", "title": "Company directory", "word": "Not answering", "message": message}
            item |= {"people": 40, "groups": 12}
            assert get(who, "state/").json() == {"items": [{**item, "complete_at": moment, "failing_since": moment}]}


def test_the_figures_tell_how_the_sync_goes() -> None:
    now = timezone.now()
    DirectoryState.objects.create(source="corp", complete_at=now, failing_since=now, people=40, groups=12)
    with installed(directory=LDAP):
        found = {one.name: one.samples for one in metrics._directory(now + timedelta(minutes=7))}
    assert {name: [sample.value for sample in samples] for name, samples in found.items()} == {
        "slipway_directory_entries": [40, 12],
        "slipway_directory_failing": [1],
        "slipway_directory_age_seconds": [420],
    }
    with installed():
        assert list(metrics._directory(now)) == []
