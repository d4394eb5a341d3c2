"""Contributors of the form by directory search: with script and without, same-named groups, unknown names."""

from typing import Any

import pytest

from projects.directory import folded
from projects.models import DirectoryEntry, Project, ProjectRequest
from tests.entries import gone, group_entry, person_entry, rename
from tests.people import client, team
from tests.projects.pages import NEW, ask, fields, press, project_of, text

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("pages")]


def entry(account: str, name: str, *, is_group: bool = False, **more: Any) -> DirectoryEntry:
    found = folded(name=name, account=account, mail="")
    return DirectoryEntry.objects.create(
        object_id=f"oid-{account}", account=account, name=name, is_group=is_group, folded=found, **more
    )


@pytest.fixture
def company() -> None:
    """Two groups of one name, a person with an accent, and one who is switched off."""
    entry("ml-vision", "Vision", is_group=True, place="Groups / Research")
    entry("ml-vision-plant", "Vision", is_group=True, place="Groups / Plant")
    entry("asa@corp.example", "Åsa Öberg", place="People / Gothenburg")
    entry("bob@corp.example", "Bob Berg", enabled=False)
    entry("alice@corp.example", "Alice Andersson")


def sent(page: Any) -> list[tuple[str, str]]:
    form = fields(page, holding="title")
    return list(zip(form["subject"], form["role"], strict=True))


@pytest.mark.usefixtures("company")
def test_without_script_a_button_searches_and_found_ones_are_buttons() -> None:
    alice = client("alice")
    page = press(alice, "search", q="asa")
    assert page.status_code == 200
    assert 'name="add_found" value="user:asa@corp.example"' in page.content.decode()
    assert fields(page, holding="title")["q"] == ["asa"]
    assert sent(page) == [("user:alice@corp.example", "owner")]
    added = alice.post(
        "/projects/new/",
        {**fields(page, holding="title"), "add_found": "user:asa@corp.example", "add_role": "viewer"},
    )
    assert sent(added) == [("user:alice@corp.example", "owner"), ("user:asa@corp.example", "viewer")]
    assert fields(added, holding="title")["q"] == [""]
    assert "Åsa Öberg person asa@corp.example · People / Gothenburg" in text(added)


@pytest.mark.usefixtures("company")
def test_two_groups_of_one_name_are_told_apart_before_and_after_they_are_chosen() -> None:
    alice = client("alice")
    found = text(press(alice, "search", q="Vision"))
    for said in ("group ml-vision · Groups / Research", "group ml-vision-plant · Groups / Plant"):
        assert said in found
    rows = {"subject": ["group:ml-vision", "group:ml-vision-plant"], "role": ["editor", "viewer"], "until": ["", ""]}
    chosen = text(press(alice, "edit", **rows))
    assert "Vision group ml-vision · Groups / Research" in chosen
    assert "Vision group ml-vision-plant · Groups / Plant" in chosen


@pytest.mark.usefixtures("company")
@pytest.mark.parametrize("do", ["preview", "create"])
def test_half_a_name_is_neither_lost_nor_taken_for_one(do: str) -> None:
    page = press(client("alice"), do, q="vis")
    assert page.status_code == 422
    assert "“vis” is nobody's whole name. Add one of those found, or empty the field." in text(page)
    assert 'name="add_found" value="group:ml-vision"' in page.content.decode()
    assert 'href="#id-add_name"' in page.content.decode()
    assert not ProjectRequest.objects.exists()


@pytest.mark.usefixtures("company")
def test_a_whole_name_left_in_the_field_counts_whatever_was_pressed() -> None:
    created = press(client("alice"), "create", q="ML-VISION", add_role="editor")
    assert created.status_code == 302
    assert {"group": "ml-vision", "role": "editor"} in Project.objects.get().spec["contributors"]


@pytest.mark.usefixtures("company")
def test_a_name_like_those_found_can_be_added_as_typed() -> None:
    alice = client("alice")
    page = press(alice, "add", q="vision")
    assert (page.status_code, sent(page)) == (200, [("user:alice@corp.example", "owner")])
    assert "Add “vision” as typed" in text(page)
    typed = alice.post("/projects/new/", {**NEW, "add_found": "group:vision", "add_role": "viewer"})
    assert sent(typed)[1:] == [("group:vision", "viewer")]
    assert "vision group · not in the directory: the role counts once it is" in text(typed)


@pytest.mark.usefixtures("company")
def test_who_is_not_in_the_directory_is_taken_with_a_hint_and_who_is_switched_off_too() -> None:
    page = text(press(client("alice"), "add", q="Zoe@corp.example"))
    assert "zoe@corp.example person · not in the directory: the role counts once it is" in page
    off = text(press(client("alice"), "add", q="bob@corp.example"))
    assert "Bob Berg person bob@corp.example · switched off in the directory: gets nothing" in off


@pytest.mark.usefixtures("company")
def test_nobody_is_added_twice() -> None:
    page = press(client("alice"), "", q="", add_found="user:alice@corp.example", subject="user:alice@corp.example",
                 role="owner", until="")  # fmt: skip
    assert sent(page) == [("user:alice@corp.example", "owner")]


@pytest.mark.parametrize("value", ["", "nobody", "admin:x", "user:", ":", "group"])
def test_a_button_that_we_did_not_make_adds_nobody(value: str) -> None:
    page = press(client("alice"), "", add_found=value)
    assert sent(page) == [("user:alice@corp.example", "owner")]


def test_without_a_directory_names_are_taken_as_typed_and_known_ones_are_suggested() -> None:
    page = press(client("alice"), "add", q="ml-new-group")
    assert sent(page)[1:] == [("group:ml-new-group", "viewer")]
    assert "not in the directory" not in text(page)
    assert '<option value="ml-forecasting">' in page.content.decode()
    assert '<option value="ml-vision">' not in page.content.decode(), "another team's"
    assert '<option value="ml-vision">' in client("paula").get("/projects/new/").content.decode()


@pytest.mark.usefixtures("company")
def test_the_form_searches_while_one_types() -> None:
    page = client("alice").get("/projects/new/").content.decode()
    assert 'hx-get="/directory/" hx-trigger="input changed delay:250ms" hx-target="#found"' in page
    assert "<datalist" not in page


@pytest.fixture
def demand() -> Project:
    """A project of alice's in which bob and a group work, whom the directory has."""
    team("forecasting")
    person_entry("alice")
    group_entry("ml-vision", person_entry("bob"))
    people = [("user", "alice@corp.example", "owner"), ("user", "bob@corp.example", "editor")]
    contributors = [{kind: name, "role": role} for kind, name, role in [*people, ("group", "ml-vision", "viewer")]]
    return project_of(ask("demand", contributors=contributors))


@pytest.mark.parametrize("address", ["/projects/demand/people/change/", "/projects/demand/edit/"])
@pytest.mark.usefixtures("demand")
def test_who_is_called_otherwise_now_is_shown_so(address: str) -> None:
    rename(DirectoryEntry.objects.get(object_id="oid-bob"), "bob.berg@corp.example")
    rename(DirectoryEntry.objects.get(object_id="oid-ml-vision"), "ml-perception")
    page = text(client("alice").get(address))
    assert "Bob person bob@corp.example · called bob.berg@corp.example now" in page
    assert "ml-vision group ml-vision · called ml-perception now" in page
    assert "not in the directory" not in page


@pytest.mark.usefixtures("demand")
def test_a_grant_of_who_left_is_not_shown_as_that_of_who_has_the_name_now() -> None:
    gone(DirectoryEntry.objects.get(object_id="oid-bob"))
    address = "/projects/demand/people/change/"
    page = text(client("alice").get(address))
    assert "Bob person bob@corp.example · left the directory: gets nothing " in page
    person_entry("bobby", upn="bob@corp.example")
    page = text(client("alice").get(address))
    assert "Bob person bob@corp.example · left the directory: gets nothing. The name is Bobby's now: another" in page


def test_of_groups_with_one_name_the_one_that_was_found_is_added_by_its_object_id() -> None:
    south = "66000000-0000-4000-8000-000000000002"
    entry("ml-vision", "Vision", is_group=True, place="North")
    DirectoryEntry.objects.create(
        object_id=south, account="ml-vision", name="Vision", is_group=True, place="South", folded=" vision ml-vision ml"
    )
    alice = client("alice")
    assert f'name="add_found" value="group:{south}"' in press(alice, "search", q="ml-vision").content.decode()
    added = press(alice, "add", q=south)
    assert sent(added)[1:] == [(f"group:{south}", "viewer")]
    assert f"Vision group {south} · South" in text(added)
    typed = text(press(alice, "edit", subject=["group:ml-vision"], role=["viewer"], until=[""]))
    assert "ml-vision group · several groups of the directory have this name: opens nothing" in typed
