"""Ending somebody's access at once, whatever the directory says, and giving it back: by command, page and API."""

import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from portal.accounts import Person, account_of
from portal.models import ApiToken, User
from projects import contributors, ending
from projects.installation import installation
from projects.leavers import after_sync
from projects.models import AccessChange, Door, Membership, Project
from tests.entries import group_entry, person_entry, switched_off
from tests.people import bearer, client, person
from tests.projects.doors import text
from tests.projects.fleet import ready
from tests.projects.tended import ALICE, BOB, LDAP, World, asked, fresh, installed, look

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("pages")]
PAGE = "/platform/access/"
API = "/api/v1/platform/access/"
STOLEN = "Their laptop was stolen."


def run(name: str, *, by: str = "paula", because: str = STOLEN, **more: bool) -> str:
    said = StringIO()
    call_command("end_access", f"{name}@corp.example", by=f"{by}@corp.example", because=because, stdout=said, **more)
    return said.getvalue()


def bob() -> User:
    return User.objects.get(username="bob@corp.example")


def edited_by_bob(world: World) -> Project:
    """A project as the engine has made it, in whose workspace bob is let in."""
    project = asked(contributors=[ALICE, BOB])
    contributors.set_memberships(project, spec=project.wanted(), door=Door.FORM)
    look(project)
    assert world.subjects("editor") == ["ad:bob@corp.example"]
    return project


@pytest.mark.django_db(transaction=True)
def test_the_platform_team_ends_an_account_and_no_sync_brings_it_back(world: World) -> None:
    for name in ("alice", "bob", "paula"):
        person(name)
    entry = person_entry("bob")
    vision = group_entry("ml-vision", entry)
    project = edited_by_bob(world)
    browser, script = client("bob"), bearer("bob")
    Project.objects.update(next_look_at=timezone.now() + timedelta(minutes=9))
    world.rung.clear()

    assert run("bob").startswith("bob@corp.example is out.")
    assert (browser.get("/").status_code, script.get("/api/v1/me/").status_code) == (302, 401)
    assert (bob().is_active, bob().directory_groups, ApiToken.objects.count()) == (False, (), 0)
    assert (world.rung, fresh(project).next_look_at <= timezone.now()) == (["drain"], True)
    look(project)
    assert world.subjects("editor") == []

    after_sync(frozenset({"oid-bob"}))
    for enabled in (False, True):
        switched_off(entry, enabled=enabled)
        after_sync(frozenset({"oid-bob"}))
    assert not bob().is_active

    with installed(directory=LDAP):
        assert "can sign in again" in run("bob", because="It was found.", give_back=True)
    assert (bob().is_active, bob().directory_groups, bob().group_ids) == (True, ("ml-vision",), [vision.object_id])
    assert browser.get("/").status_code == 302
    look(project)
    assert world.subjects("editor") == ["ad:bob@corp.example"]
    assert list(
        AccessChange.objects.order_by("pk").values_list("account__username", "ended", "because", "by_name", "door")
    ) == [
        ("bob@corp.example", True, STOLEN, "paula@corp.example", "system"),
        ("bob@corp.example", False, "It was found.", "paula@corp.example", "system"),
    ]


@pytest.mark.django_db(transaction=True)
def test_a_role_that_is_bound_to_no_id_ends_by_name(world: World) -> None:
    person("bob")
    person("paula")
    project = edited_by_bob(world)
    run("bob")
    look(project)
    assert world.subjects("editor") == []


@pytest.mark.django_db(transaction=True)
def test_who_never_signed_in_is_ended_too_and_finds_a_closed_account(world: World) -> None:
    person_entry("bob")
    person("paula")
    project = edited_by_bob(world)
    previewed = sent("end/?dry_run=true", {"account": "Bob@corp.example", "because": STOLEN}).json()
    assert (previewed["account"], [one["project"] for one in previewed["roles"]]) == (
        "bob@corp.example",
        [project.slug],
    )
    page = text(client("paula").get(PAGE, {"q": "bob@corp.example"}))
    assert ("End the access of bob@corp.example" in page, User.objects.filter(object_id="oid-bob").exists()) == (
        True,
        False,
    )

    run("bob")
    assert not bob().is_active
    look(project)
    assert world.subjects("editor") == []
    known, made = account_of(Person(tenant=installation().tenant, object_id="oid-bob", upn="bob@corp.example"))
    assert (known, made, known.is_active) == (bob(), False, False)

    run("bob", give_back=True)
    look(project)
    assert (bob().is_active, world.subjects("editor")) == (True, ["ad:bob@corp.example"])


def test_whom_the_directory_had_switched_off_stays_out_when_the_platform_team_says_so() -> None:
    entry = person_entry("bob", enabled=False)
    person("bob")
    person("paula")
    after_sync(frozenset({"oid-bob"}))
    run("bob")
    switched_off(entry, enabled=True)
    after_sync(frozenset({"oid-bob"}))
    assert not bob().is_active


@pytest.mark.parametrize(
    "name, more, said",
    [
        ("bob", {"by": "alice"}, "Only the platform team"),
        ("bob", {"by": "charlie"}, "Only the platform team"),
        ("paula", {}, "nobody their own"),
        ("bob", {"because": " "}, "Say why"),
        ("nobody", {}, "Nobody is called nobody@corp.example"),
        ("bob", {"give_back": True}, "was not ended here"),
    ],
)
def test_what_is_refused_changes_nothing(name: str, more: dict[str, str], said: str) -> None:
    for one in ("alice", "bob", "charlie", "paula"):
        person(one)
    with pytest.raises(CommandError, match=said):
        run(name, **more)  # type: ignore[arg-type]
    assert (User.objects.filter(is_active=False).count(), AccessChange.objects.count()) == (0, 0)
    run("bob")
    with pytest.raises(CommandError, match="ended already"):
        run("bob")


def test_a_local_account_comes_back_with_a_new_password() -> None:
    person("paula")
    User.objects.create_superuser("ops@corp.example", password="a-long-local-password")
    run("ops")
    assert "changepassword ops@corp.example" in run("ops", give_back=True)
    ops = User.objects.get(username="ops@corp.example")
    assert (ops.is_active, ops.is_staff, ops.is_superuser, ops.has_usable_password()) == (True, True, True, False)


def granted(project: Project, subject: str, role: str = "owner", **more: Any) -> None:
    more = {"object_id": f"oid-{subject.partition('@')[0]}", "source": "form", **more}
    Membership.objects.create(project=project, subject=subject, role=role, **more)


def bobs(slug: str) -> Project:
    """A project that bob owns."""
    project = ready(slug)
    granted(project, "bob@corp.example")
    return project


def sent(path: str, data: dict[str, str], *, who: str = "paula") -> Any:
    return bearer(who).post(API + path, data, content_type="application/json")


def test_the_page_says_what_would_end_then_ends_it_with_a_reason_and_gives_it_back() -> None:
    for name in ("alice", "bob", "paula"):
        person(name)
    bobs("demand")
    granted(bobs("lanes"), "alice@corp.example")
    bearer("bob")
    script, paula = bearer("bob"), client("paula")

    page = text(paula.get(PAGE, {"q": "Bob@corp.example "}))
    for said in (
        "2 API tokens",
        "Demand , owner",
        "Lanes , owner",
        "Then without an owner Demand .",
        "rotate the keys",
    ):
        assert said in page, said
    assert AccessChange.objects.count() == 0
    bare = paula.post(PAGE, {"account": "bob@corp.example", "do": "end", "because": " "})
    assert (bare.status_code, "Reason: Say why." in text(bare), bob().is_active) == (422, True, True)

    ended = paula.post(PAGE, {"account": "bob@corp.example", "do": "end", "because": STOLEN}, follow=True)
    assert "bob@corp.example is out." in text(ended)
    assert "paula@corp.example ended this access" in text(ended)
    assert "Then without an owner" not in text(ended)
    assert (bob().is_active, script.get("/api/v1/me/").status_code) == (False, 401)
    again = paula.post(PAGE, {"account": "bob@corp.example", "do": "end", "because": STOLEN})
    assert (again.status_code, "is ended already" in text(again)) == (409, True)

    said = text(client("paula").get("/projects/demand/people/?who=bob@corp.example"))
    assert "The platform team ended their access." in said
    assert "End the access of bob@corp.example, or give it back" in said
    assert "or give it back" not in text(client("alice").get("/projects/lanes/people/?who=bob@corp.example"))

    back = paula.post(PAGE, {"account": "bob@corp.example", "do": "give-back", "because": "It was found."}, follow=True)
    assert "bob@corp.example can sign in again. Ended sessions and tokens don't come back." in text(back)
    assert (bob().is_active, ApiToken.objects.filter(user=bob()).count()) == (True, 0)
    filed = json.loads(paula.get(f"{PAGE}?format=json").getvalue())["items"]
    assert [(one["account"], one["ended"], one["because"], one["by"], one["door"]) for one in filed] == [
        ("bob@corp.example", False, "It was found.", "paula@corp.example", "form"),
        ("bob@corp.example", True, STOLEN, "paula@corp.example", "form"),
    ]


def test_an_account_that_nobody_has_is_said_to_be_so() -> None:
    paula = client("paula")
    for page in (paula.get(PAGE, {"q": "robert"}), paula.post(PAGE, {"account": "", "do": "end", "because": "x"})):
        assert (page.status_code, "Nobody is called" in text(page)) == (422, True)
    assert paula.post(PAGE, {"account": "paula@corp.example", "do": "other"}).status_code == 404


@pytest.mark.parametrize(
    ("others", "without"),
    [
        ([{"subject": "alice@corp.example"}], False),
        ([{"subject": "alice@corp.example", "role": "editor"}], True),
        ([{"subject": "alice@corp.example", "until": timezone.localdate() - timedelta(days=1)}], True),
        ([{"subject": "charlie@corp.example"}], True),
        ([{"subject": "ml-both", "is_group": True}], False),
        ([{"subject": "ml-alone", "is_group": True}], True),
        ([{"subject": "ml-unknown", "is_group": True, "object_id": ""}], False),
    ],
)
def test_a_project_is_left_without_an_owner_where_nobody_else_is_one(
    others: list[dict[str, Any]], without: bool
) -> None:
    for name in ("alice", "bob", "charlie", "paula"):
        person(name)
    both, alice, charlie = person_entry("bob"), person_entry("alice"), person_entry("charlie")
    switched_off(charlie)
    for name, inside in (("ml-both", (both, alice)), ("ml-alone", (both,))):
        group_entry(name, *inside)
    project = bobs("demand")
    for one in others:
        granted(project, **one)
    assert [found.slug for found in ending.what_ends(bob()).ownerless] == (["demand"] if without else [])


def test_nobody_ends_their_own_access_and_no_page_that_of_a_break_glass_account() -> None:
    ops = User.objects.create_superuser("ops@corp.example", password="a-long-local-password")
    paula = client("paula")
    for account, said in (("paula", "nobody their own"), ("ops", "Only `manage.py end_access` ends it.")):
        page = text(paula.get(PAGE, {"q": f"{account}@corp.example"}))
        assert (said in page, "End the access of" in page) == (True, False)
        tried = paula.post(PAGE, {"account": f"{account}@corp.example", "do": "end", "because": STOLEN})
        called = sent("end/", {"account": f"{account}@corp.example", "because": STOLEN})
        assert (tried.status_code, called.status_code, said in called.json()["detail"]) == (403, 403, True)
    assert (User.objects.filter(is_active=False).count(), AccessChange.objects.count()) == (0, 0)
    run("ops")
    assert sent("give-back/", {"account": "ops@corp.example", "because": "x"}).status_code == 403
    ops.refresh_from_db()
    assert not ops.is_active


def test_over_rest_it_is_previewed_ended_given_back_and_listed() -> None:
    person("bob")
    bobs("demand")
    bearer("bob")
    wish = {"account": "bob@corp.example", "because": STOLEN}
    ends = {
        "account": "bob@corp.example",
        "tokens": 1,
        "roles": [{"project": "demand", "role": "owner"}],
        "ownerless": ["demand"],
    }
    assert sent("end/?dry_run=true", wish).json() == {**ends, "ended": False}
    assert (bob().is_active, ApiToken.objects.filter(user=bob()).count()) == (True, 1)
    assert sent("end/", wish).json() == {**ends, "ended": True}
    assert not bob().is_active
    assert sent("end/", wish).status_code == 409
    back = sent("give-back/", {**wish, "because": "It was found."})
    assert (back.status_code, back.json()["ended"], bob().is_active) == (200, False, True)
    assert sent("give-back/", wish).status_code == 409
    faults = sent("end/", {"account": "nobody@corp.example", "because": STOLEN}).json()["errors"]
    assert [one["field"] for one in faults] == ["account"]
    listed = bearer("paula").get(API).json()["items"]
    assert [(one["ended"], one["because"], one["by"], one["door"]) for one in listed] == [
        (False, "It was found.", "paula@corp.example", "api"),
        (True, STOLEN, "paula@corp.example", "api"),
    ]


@pytest.mark.parametrize("who", ["alice", "bob", "charlie"])
def test_for_everybody_else_there_is_nothing(who: str) -> None:
    person("alice")
    assert client(who).get(PAGE).status_code == 404
    assert client(who).post(PAGE, {"account": "alice@corp.example", "do": "end", "because": STOLEN}).status_code == 404
    wish = {"account": "alice@corp.example", "because": STOLEN}
    answers = [sent(path, wish, who=who) for path in ("end/", "give-back/")] + [bearer(who).get(API)]
    assert [one.status_code for one in answers] == [404, 404, 404]
    assert User.objects.filter(is_active=False).count() == 0
