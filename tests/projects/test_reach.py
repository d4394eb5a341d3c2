"""Who can reach a project, and by which path: nested groups with their chain, leavers, team, and why not."""

import csv
import json
from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from portal.models import User
from projects import actions, nesting, permissions
from projects.account_groups import groups_now, write
from projects.ending import end_access
from projects.installation import installation
from projects.models import DirectoryEdge, DirectoryEntry, DirectoryState, Door, Membership, Project
from projects.reach import Standing, reach_of, role_rights
from projects.why import Answer, why
from provisioning.spec import Role
from tests.entries import gone, group_entry, person_entry, switched_off
from tests.people import bearer, client, person, team
from tests.projects.pages import text

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("pages")]

ALICE = {"user": "alice@corp.example", "role": "owner"}
ROLES = Path(__file__).parents[2] / "deploy" / "cluster" / "20-tenants.yaml"


def made(*contributors: dict[str, Any]) -> Project:
    """A project of team forecasting, with alice as owner."""
    wish = {"slug": "demand", "team": "forecasting", "contributors": [ALICE, *contributors]}
    project = actions.create(wish, by=person("alice"), door=Door.API, installation=installation()).project
    assert project is not None
    return project


@pytest.fixture
def company() -> Mapping[str, DirectoryEntry]:
    """ml-vision is in ml-all, charlie is in ml-vision; a cycle of groups; the sync is complete."""
    DirectoryState.objects.create(source="corp", complete_at=timezone.now())
    people = {name: person_entry(name) for name in ("alice", "bob", "charlie")}
    vision = group_entry("ml-vision", people["charlie"])
    everybody = group_entry("ml-all", vision, people["bob"])
    forecasting = group_entry("ml-forecasting", people["alice"])
    DirectoryEdge.objects.create(member=everybody.object_id, group=vision.object_id)
    return people | {entry.account: entry for entry in (vision, everybody, forecasting)}


def asked(who: str, project: Project) -> Answer:
    return why(who, project=project, reach=reach_of(project, installation=installation()))


def explained(who: str, project: Project) -> list[tuple[str, bool]]:
    return [(path.kind, path.open) for path in asked(who, project).paths]


def test_every_role_says_where_it_comes_from_what_it_opens_and_who_is_in_the_group(
    company: Mapping[str, DirectoryEntry],
) -> None:
    project = made({"group": "ml-all", "role": "editor"}, {"user": "bob@corp.example", "role": "viewer"})
    alice, all_of_ml, bob = (
        next(one for one in reach_of(project, installation=installation()).grants if one.subject == subject)
        for subject in ("alice@corp.example", "ml-all", "bob@corp.example")
    )
    assert (alice.role, alice.source, alice.standing) == (Role.OWNER, Door.API, Standing.PRESENT)
    assert dict(alice.rights) == {
        "cluster": "run and clear everything, read Secrets in ml-demand (role binding slipway-owners)",
        "object_store": "read and write ml-demand (keys in the Secret bucket-credentials)",
        "forge": "administer forecasting/demand",
    }
    assert {system: "ml-demand" in may for system, may in all_of_ml.rights.items()} == {
        "cluster": True,
        "object_store": True,
    }
    assert [(one.entry.account, one.chain) for one in all_of_ml.people] == [
        ("bob@corp.example", ("ml-all",)),
        ("charlie@corp.example", ("ml-vision", "ml-all")),
    ]
    assert dict(bob.rights) == {
        "cluster": "look, without Secrets in ml-demand (role binding slipway-viewers)",
        "forge": "read forecasting/demand",
    }


@pytest.mark.usefixtures("company")
def test_every_path_is_in_the_file_also_of_people_in_groups() -> None:
    made({"group": "ml-all", "role": "editor", "until": "2100-01-31"})
    person("paula")
    sheet = client("bob").get("/projects/demand/people/?format=csv")
    lines = list(csv.DictReader(StringIO(sheet.getvalue().decode("utf-8-sig"))))
    shown = ("path", "role", "account", "is_group", "by", "until", "standing", "counts", "whole")
    assert [tuple(line[name] for name in shown) for line in lines] == [
        ("role", "owner", "alice@corp.example", "False", "", "", "present", "True", ""),
        ("role", "editor", "ml-all", "True", "", "2100-01-31", "present", "True", "True"),
        ("role", "editor", "bob@corp.example", "False", "ml-all", "2100-01-31", "present", "True", ""),
        ("role", "editor", "charlie@corp.example", "False", "ml-vision; ml-all", "2100-01-31", "present", "True", ""),
        ("team", "", "ml-forecasting", "True", "", "", "", "True", "True"),
        ("team", "", "alice@corp.example", "False", "ml-forecasting", "", "", "True", ""),
        ("platform", "", "paula@corp.example", "False", "", "", "", "True", ""),
    ]
    data = json.loads(client("bob").get("/projects/demand/people/?format=json").getvalue())["items"]
    assert (data[3]["by"], data[3]["door"], data[0]["whole"]) == (["ml-vision", "ml-all"], "api", None)
    assert "?format=csv" in client("bob").get("/projects/demand/people/").content.decode()
    assert client("charlie").get("/projects/demand/people/?format=csv").status_code == 404


def test_the_words_about_roles_are_those_of_the_cluster_roles() -> None:
    """Who may read Secrets can open the bucket: only that sets the words about it apart."""
    rules = {
        one["metadata"]["name"]: one["rules"]
        for one in yaml.safe_load_all(ROLES.read_text())
        if one and one["kind"] == "ClusterRole"
    }
    reads_secrets = {
        role: any("secrets" in rule["resources"] and "get" in rule["verbs"] for rule in rules[f"slipway-{role.value}"])
        for role in Role
    }
    said = {one.role: one for one in role_rights(made(), installation=installation())}
    assert {role: "read Secrets" in one.person["cluster"] for role, one in said.items()} == reads_secrets
    assert {role: "object_store" in one.person for role, one in said.items()} == reads_secrets
    assert {role: "forge" in one.group for role, one in said.items()} == dict.fromkeys(Role, False)


def test_who_left_is_unknown_or_over_is_told_apart(company: Mapping[str, DirectoryEntry]) -> None:
    project = made(
        {"user": "bob@corp.example", "role": "editor"},
        {"user": "charlie@corp.example", "role": "editor"},
        {"user": "nobody@corp.example", "role": "viewer"},
        {"group": "ml-vision", "role": "viewer", "until": "2100-01-31"},
    )
    gone(company["bob"])
    switched_off(company["charlie"])
    Membership.objects.filter(subject="ml-vision").update(until="2026-01-31")
    found = reach_of(project, installation=installation())
    assert {one.subject: (one.standing, one.counts, bool(one.rights)) for one in found.grants} == {
        "alice@corp.example": (Standing.PRESENT, True, True),
        "bob@corp.example": (Standing.LEFT, False, False),
        "charlie@corp.example": (Standing.LEFT, False, False),
        "nobody@corp.example": (Standing.UNKNOWN, True, True),
        "ml-vision": (Standing.ENDED, False, True),
    }
    page = text(client("alice").get("/projects/demand/people/"))
    for said in (
        "The directory has it no more, or has switched it off. The role rests and opens nothing.",
        "The directory has nobody of this name.",
        "The last day is over.",
    ):
        assert said in page, said


def test_a_role_whose_holder_lost_access_by_the_platform_team_opens_nothing(
    company: Mapping[str, DirectoryEntry],
) -> None:
    project = made({"user": "bob@corp.example", "role": "editor"})
    end_access(person("bob"), by=person("paula"), door=Door.FORM, because="Their laptop was stolen.")
    _, bob = reach_of(project, installation=installation()).grants
    assert (bob.subject, bob.standing, bob.counts, dict(bob.rights)) == (
        "bob@corp.example", Standing.CLOSED, False, {},
    )  # fmt: skip
    answer = asked("bob@corp.example", project)
    assert (answer.sees, answer.standing, dict(answer.rights)) == (False, Standing.CLOSED, {})
    assert "The role editor rests: the platform team ended their access." in [path.says for path in answer.paths]
    page = text(client("alice").get("/projects/demand/people/"))
    assert "The platform team ended their access. The role rests and opens nothing." in page


def test_without_a_directory_nothing_is_said_about_it() -> None:
    found = reach_of(made({"group": "ml-vision", "role": "viewer"}), installation=installation())
    assert [one.standing for one in found.grants] == [Standing.UNCHECKED, Standing.UNCHECKED]
    assert "No directory is connected" in text(client("alice").get("/projects/demand/people/"))


def test_why_names_every_path_open_or_closed(company: Mapping[str, DirectoryEntry]) -> None:
    project = made({"group": "ml-all", "role": "editor"}, {"user": "bob@corp.example", "role": "viewer"})
    assert explained("bob@corp.example", project) == [
        ("person", True), ("group", True), ("team", False), ("platform", False),
    ]  # fmt: skip
    answer = asked("Charlie@corp.example", project)
    assert (answer.sees, answer.role, answer.signed_in) == (True, Role.EDITOR, False)
    assert [(path.kind, path.open, path.chain) for path in answer.paths] == [
        ("person", False, ()),
        ("group", True, ("ml-vision", "ml-all")),
        ("team", False, ()),
        ("platform", False, ()),
    ]
    assert set(answer.rights) == {"cluster", "object_store"}
    nobody = asked("nobody@corp.example", project)
    assert (nobody.sees, nobody.role, nobody.standing, dict(nobody.rights)) == (False, None, Standing.UNKNOWN, {})
    assert nobody.paths[0].do == "An owner can add nobody@corp.example on this page."


@pytest.mark.parametrize("who", ["alice", "bob", "charlie", "paula"])
def test_the_answer_about_an_account_is_what_the_permissions_say(
    company: Mapping[str, DirectoryEntry], who: str
) -> None:
    project = made({"group": "ml-vision", "role": "viewer"})
    someone = person(who)
    if (groups := groups_now(someone.object_id)) is not None:
        write(someone, groups)
    someone = type(someone).objects.get(pk=someone.pk)
    answer = asked(someone.username, project)
    assert answer.signed_in
    assert answer.sees is permissions.may_see(someone, project)
    assert answer.sees is any(path.open for path in answer.paths)
    assert answer.role is permissions.role_in(someone, project)


def test_an_account_that_does_not_know_its_group_yet_is_told_so(company: Mapping[str, DirectoryEntry]) -> None:
    project = made({"group": "ml-all", "role": "viewer"})
    person("charlie")
    path = asked("charlie@corp.example", project).paths[1]
    assert (path.open, path.chain) == (False, ("ml-vision", "ml-all"))
    assert path.do == "It counts after the next sync with the directory, or when they sign in again."


def test_who_is_switched_off_has_no_open_path(company: Mapping[str, DirectoryEntry]) -> None:
    project = made({"group": "ml-vision", "role": "viewer"})
    switched_off(company["charlie"])
    answer = asked("charlie@corp.example", project)
    assert (answer.sees, answer.standing, dict(answer.rights)) == (False, Standing.LEFT, {})
    assert answer.paths[0].kind == "account"
    assert not any(path.open for path in answer.paths)


def test_the_page_asks_no_more_with_more_people_and_deeper_groups(company: Mapping[str, DirectoryEntry]) -> None:
    project = made({"group": "ml-all", "role": "editor"})
    alice = client("alice")
    counts = []
    for size in (1, 6):
        below = company["ml-vision"]
        for number in range(size):
            below = group_entry(f"nested-{size}-{number}", person_entry(f"extra{size}{number}"), below)
            Membership.objects.create(
                project=project, subject=f"nested-{size}-{number}", is_group=True, role="viewer", source=Door.API
            )
        with CaptureQueriesContext(connection) as queries:
            assert alice.get("/projects/demand/people/?who=charlie@corp.example").status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 35, counts


def test_a_large_group_says_that_there_are_more_and_takes_no_room_from_a_small_one(
    company: Mapping[str, DirectoryEntry], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nesting, "MOST_PEOPLE", 2)
    crowd = [person_entry(f"anna{number}") for number in range(3)]
    DirectoryEdge.objects.bulk_create(
        DirectoryEdge(member=one.object_id, group=company["ml-forecasting"].object_id) for one in crowd
    )
    project = made({"group": "ml-nordic", "role": "viewer"})
    group_entry("ml-nordic", person_entry("yara"), group_entry("ml-south", person_entry("zoë")))
    found = reach_of(project, installation=installation())
    (nordic,) = (one for one in found.grants if one.subject == "ml-nordic")
    assert [(one.entry.name, one.chain) for one in nordic.people] == [
        ("Yara", ("ml-nordic",)),
        ("Zoë", ("ml-south", "ml-nordic")),
    ]
    assert nordic.whole
    assert ([one.entry.name for one in found.team[0].people], found.team[0].whole) == (["Alice", "Anna0"], False)
    page = text(client("alice").get("/projects/demand/people/"))
    assert "Zoë zoë@corp.example by ml-south in ml-nordic" in page
    assert page.count("More are in it than are listed here.") == 1
    assert "names nobody" not in page


def test_the_page_lists_the_first_hundred_of_a_group_and_the_file_more(company: Mapping[str, DirectoryEntry]) -> None:
    crowd = [person_entry(f"anna{number:03}") for number in range(120)]
    group = company["ml-forecasting"].object_id
    DirectoryEdge.objects.bulk_create(DirectoryEdge(member=one.object_id, group=group) for one in crowd)
    made()
    page = text(client("alice").get("/projects/demand/people/"))
    assert "anna098@corp.example" in page
    assert "anna099@corp.example" not in page
    assert page.count("More are in it than are listed here.") == 1
    assert b"anna119@corp.example" in client("alice").get("/projects/demand/people/?format=csv").getvalue()


def test_the_page_explains_a_person_and_refuses_what_is_no_account() -> None:
    made({"user": "bob@corp.example", "role": "viewer"})
    alice = client("alice")
    page = text(alice.get("/projects/demand/people/?who=bob@corp.example"))
    for said in (
        "bob@corp.example can reach this, as viewer",
        "Is viewer in person, by API.",
        "Code: read forecasting/demand",
        "People only: groups get nothing here.",
    ):
        assert said in page, said
    wrong = alice.get("/projects/demand/people/?who=system:masters")
    assert (wrong.status_code, "That can't be an account name." in text(wrong)) == (422, True)


def test_the_api_says_the_same_and_a_stranger_learns_nothing(company: Mapping[str, DirectoryEntry]) -> None:
    made({"group": "ml-all", "role": "editor"})
    script = bearer("alice", "read")
    body = script.get("/api/v1/projects/demand/access/").json()
    assert [(one["subject"], one["role"], one["standing"]) for one in body["grants"]] == [
        ("alice@corp.example", "owner", "present"),
        ("ml-all", "editor", "present"),
    ]
    assert body["grants"][1]["people"][1] == {
        "account": "charlie@corp.example",
        "name": company["charlie"].name,
        "chain": ["ml-vision", "ml-all"],
    }
    assert [one["name"] for one in body["team"]] == ["ml-forecasting"]
    one = script.get("/api/v1/projects/demand/access/charlie@corp.example/").json()
    assert (one["sees"], one["role"]) == (True, "editor")
    assert one["paths"][1]["chain"] == ["ml-vision", "ml-all"]
    assert script.get("/api/v1/projects/demand/access/system:masters/").status_code == 422
    assert script.get("/api/v1/projects/demand/access/?x=1").status_code == 400
    company["charlie"].delete()
    stranger = bearer("charlie")
    for path in ("access/", "access/alice@corp.example/"):
        assert stranger.get(f"/api/v1/projects/demand/{path}").status_code == 404
    assert client("charlie").get("/projects/demand/people/?who=alice@corp.example").status_code == 404


def test_the_platform_team_and_the_team_are_paths_too(company: Mapping[str, DirectoryEntry]) -> None:
    person("paula")
    User.objects.create_superuser("break-glass", password="a-long-local-password")
    team("forecasting")
    found = reach_of(made(), installation=installation())
    assert found.platform == ("paula@corp.example",)
    assert [(one.name, [inside.entry.account for inside in one.people]) for one in found.team] == [
        ("ml-forecasting", ["alice@corp.example"])
    ]


def test_each_role_says_who_gave_it_and_since_when() -> None:
    project = made()
    for number, role in enumerate(("viewer", "editor")):
        wish = {**project.spec, "contributors": [ALICE, {"user": "bob@corp.example", "role": role}]}
        who = person("paula" if number else "alice")
        actions.change(project, wish, by=who, door=Door.FORM, installation=installation())
        project.refresh_from_db()
    first, second = reach_of(project, installation=installation()).grants
    assert [one.given.by if one.given else None for one in (first, second)] == [
        "alice@corp.example", "paula@corp.example",
    ]  # fmt: skip
    assert "by form, paula@corp.example, " in text(client("alice").get("/projects/demand/people/")).replace(" ,", ",")
