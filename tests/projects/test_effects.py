"""What a change of contributors does to whom: told before it is saved, as the Kinds then make it; and leaving."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from django.contrib.auth.models import Group

from portal.models import User
from projects import actions
from projects.contributors import Meaning
from projects.effects import PersonEffect, effects_of
from projects.errors import Conflict
from projects.installation import installation
from projects.leaving import leave
from projects.models import Door, Project, Team
from projects.preview import plan_of
from provisioning.policy_rules import Rule
from provisioning.spec import ProjectSpec, Role
from tests.entries import gone, group_entry, person_entry, rename, switched_off
from tests.people import bearer, client, person
from tests.projects.pages import ask, fields, project_of, text

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("pages")]

ALICE = {"user": "alice@corp.example", "role": "owner"}


def spec(*contributors: dict[str, Any], **more: Any) -> ProjectSpec:
    return ProjectSpec.model_validate(
        {"slug": "demand", "team": "forecasting", "plan": "small", "contributors": [ALICE, *contributors], **more}
    )


def done(before: ProjectSpec | None, after: ProjectSpec | None) -> tuple[PersonEffect, ...]:
    return effects_of(before=before, after=after, installation=installation(), meaning=Meaning())


def told(found: tuple[PersonEffect, ...]) -> list[tuple[str, str, list[str]]]:
    return [(one.subject, one.says, [f"{e.action} {e.place}" for e in one.effects]) for one in found]


def test_each_person_is_told_what_they_get_and_lose_and_where() -> None:
    bob, vision = {"user": "bob@corp.example", "role": "editor"}, {"group": "ml-vision", "role": "viewer"}
    charlie = {"user": "charlie@corp.example", "role": "viewer", "until": "2100-01-31"}
    found = done(spec(bob, vision), spec({**bob, "role": "viewer"}, charlie))
    assert told(found) == [
        (
            "bob@corp.example",
            "is viewer instead of editor",
            ["update portal", "update cluster", "delete object_store", "update forge"],
        ),
        ("ml-vision", "loses the role viewer", ["delete portal", "delete cluster"]),
        (
            "charlie@corp.example",
            "becomes viewer, until 31 Jan 2100",
            ["create portal", "create cluster", "create forge"],
        ),
    ]
    assert [one.may_keep_keys for one in found] == [True, False, False]
    cluster = found[0].effects[1]
    assert (cluster.before, cluster.after) == (
        "run everything, read Secrets in ml-demand (role binding slipway-editors)",
        "look, without Secrets in ml-demand (role binding slipway-viewers)",
    )


def test_another_last_day_is_told_though_it_opens_nothing_today() -> None:
    bob = {"user": "bob@corp.example", "role": "viewer"}
    assert told(done(spec(bob), spec({**bob, "until": "2100-01-31"}))) == [
        ("bob@corp.example", "stays viewer, until 31 Jan 2100", [])
    ]
    assert told(done(spec({**bob, "until": "2100-01-31"}), spec(bob))) == [
        ("bob@corp.example", "stays viewer, without an end", [])
    ]
    over = {**bob, "until": "2020-01-31"}
    assert told(done(spec(over), spec(bob))) == [
        ("bob@corp.example", "stays viewer, without an end", ["create portal", "create cluster", "create forge"])
    ]


def test_a_change_of_plan_does_nothing_to_people_and_a_removal_takes_all() -> None:
    assert done(spec(), spec(plan="medium")) == ()
    assert told(done(spec(), None)) == [
        (
            "alice@corp.example",
            "loses the role owner",
            ["delete portal", "delete cluster", "delete object_store", "delete forge"],
        )
    ]


def planned(project: Project | None, *contributors: dict[str, Any]) -> list[tuple[str, str, list[str], bool]]:
    """Who is meant, what is said, where something changes, and whether they are out: asked for, with nothing done."""
    wish = {"slug": "demand", "team": "forecasting", "contributors": [ALICE, *contributors]}
    shared: dict[str, Any] = {"by": person("alice"), "door": Door.FORM, "installation": installation(), "dry_run": True}
    asked = actions.change(project, wish, **shared) if project else actions.create(wish, **shared)
    people = [one for one in asked.preview.people if one.subject != "alice@corp.example"]
    return [(f"{one.name} {one.called}".strip(), one.says, [e.place for e in one.effects], one.out) for one in people]


BOB = {"user": "bob@corp.example", "role": "viewer"}
EVERYWHERE = ["portal", "cluster", "object_store", "forge"]


@pytest.mark.parametrize("out", [gone, switched_off])
def test_who_is_out_of_the_directory_gets_nothing(out: Callable[..., None]) -> None:
    bob = person_entry("bob")
    project = project_of(ask("demand", contributors=[ALICE, BOB]))
    out(bob)
    told = [("Bob", "is editor instead of viewer", [], True)]
    assert planned(project, {**BOB, "role": "editor"}) == told


def test_whom_one_adds_gets_nothing_while_they_are_out() -> None:
    person_entry("bob", enabled=False)
    assert planned(None, BOB) == [("Bob", "becomes viewer", [], True)]
    project = project_of(ask("demand"))
    assert planned(project, BOB) == [("Bob", "becomes viewer", [], True)]


def test_whose_access_was_ended_gets_nothing() -> None:
    User.objects.filter(pk=person("bob").pk).update(is_active=False)
    project = project_of(ask("demand"))
    assert planned(project, BOB) == [("", "becomes viewer", [], True)]
    person_entry("bob")
    assert planned(project, BOB) == [("Bob", "becomes viewer", [], True)]


def test_another_role_for_a_name_that_is_somebody_elses_now_is_told_as_theirs() -> None:
    bob = person_entry("bob")
    project = project_of(ask("demand", contributors=[ALICE, BOB]))
    gone(bob)
    person_entry("bobby", upn="bob@corp.example")
    says = "becomes editor, in the place of whoever had the name before and left"
    assert planned(project, {**BOB, "role": "editor"}) == [("Bobby", says, EVERYWHERE, False)]
    assert planned(project) == [("Bob", "loses the role viewer", [], False)]


def test_the_change_of_a_renamed_person_is_told_of_them() -> None:
    bob = person_entry("bob")
    project = project_of(ask("demand", contributors=[ALICE, BOB]))
    rename(bob, "bob.berg@corp.example")
    told = [("Bob bob.berg@corp.example", "is editor instead of viewer", EVERYWHERE, False)]
    assert planned(project, {**BOB, "role": "editor"}) == told


def test_the_request_page_says_who_is_meant_and_who_is_out() -> None:
    person_entry("bob", enabled=False)
    asked = ask("demand", plan="gpu", contributors=[ALICE, BOB])
    assert asked.request is not None
    assert asked.project is None
    page = text(client("paula").get(f"/requests/{asked.request.pk}/"))
    assert "bob@corp.example becomes viewer Bob Gets nothing for now: gone from the directory" in page


def test_the_effects_name_exactly_the_subjects_that_the_plan_adds_and_takes_away() -> None:
    before = spec({"user": "bob@corp.example", "role": "editor"}, {"group": "ml-vision", "role": "viewer"})
    after = spec({"user": "charlie@corp.example", "role": "editor"}, {"group": "ml-vision", "role": "editor"})
    plan = plan_of(installation=installation(), before=before, after=after)
    objects = {change.key: change.as_dict() for one in plan.kinds for change in one.changes}
    text = str(objects["RoleBinding/slipway-editors"]) + str(objects["members"])
    for one in plan.people:
        assert one.subject in text
    assert {one.subject for one in plan.people} == {"bob@corp.example", "ml-vision", "charlie@corp.example"}
    assert "alice@corp.example" not in {one.subject for one in plan.people}


# The pages


def test_people_are_changed_with_a_review_that_says_what_it_does() -> None:
    project = project_of(ask("demand", title="Demand", options={"network": {"internet": True}}, plan="medium"))
    alice = client("alice")
    form = alice.get("/projects/demand/people/change/")
    sent = fields(form, holding="generation")
    assert sent["subject"] == ["user:alice@corp.example"]
    added = alice.post("/projects/demand/people/change/", {**sent, "q": "bob@corp.example", "do": "add"})
    sent = fields(added, holding="generation")
    review = alice.post("/projects/demand/people/change/", {**sent, "do": "preview"})
    page = text(review)
    for said in (
        "bob@corp.example becomes editor",
        "create Portal: see it, be shown its keys, train its model again, ask for a look; take it over when its owners "
        "left",
        "create Code: read and push to forecasting/demand",
        "Done at once.",
    ):
        assert said in page, said
    assert Project.objects.get().generation == 1
    saved = alice.post("/projects/demand/people/change/", {**fields(review, holding="generation"), "do": "save"})
    assert (saved.status_code, saved["Location"]) == (302, "/projects/demand/people/")
    project.refresh_from_db()
    assert (project.generation, project.spec["title"], project.spec["plan"]) == (2, "Demand", "medium")
    assert project.spec["options"] == {"network": {"internet": True}}
    assert list(project.memberships.values_list("subject", "role")) == [
        ("bob@corp.example", "editor"),
        ("alice@corp.example", "owner"),
    ]

    late = alice.post("/projects/demand/people/change/", {**fields(review, holding="generation"), "do": "save"})
    assert (late.status_code, "Somebody was faster" in text(late)) == (409, True)
    assert fields(late, holding="generation")["generation"] == ["2"]


def test_the_last_owner_can_not_be_made_less() -> None:
    ask("demand")
    alice = client("alice")
    sent = fields(alice.get("/projects/demand/people/change/"), holding="generation")
    refused = alice.post("/projects/demand/people/change/", {**sent, "until": "2100-01-31", "do": "preview"})
    assert refused.status_code == 422
    assert "At least one person or group must stay owner, without an end date." in text(refused)


@pytest.mark.parametrize(("who", "status"), [("bob", 403), ("charlie", 404)])
def test_only_owners_change_people(who: str, status: int) -> None:
    ask("demand")
    for method in ("get", "post"):
        assert getattr(client(who), method)("/projects/demand/people/change/").status_code == status


def test_the_change_form_shows_the_same_effects() -> None:
    ask("demand", contributors=[ALICE, {"user": "bob@corp.example", "role": "editor"}])
    alice = client("alice")
    sent = fields(alice.get("/projects/demand/edit/"), holding="title")
    sent["role"] = ["owner", "viewer"]
    review = alice.post("/projects/demand/edit/", {**sent, "do": "preview"})
    assert "bob@corp.example is viewer instead of editor" in text(review)
    review = client("alice", language="sv").post("/projects/demand/edit/", {**sent, "do": "preview"})
    assert "är läsare i stället för redigerare" in text(review)


def test_a_dry_run_of_the_api_has_the_effects_too() -> None:
    ask("demand")
    body = {"contributors": [ALICE, {"group": "ml-vision", "role": "viewer"}]}
    answer = bearer("alice").patch(
        "/api/v1/projects/demand/?dry_run=true", body, content_type="application/json", headers={"If-Match": "*"}
    )
    assert answer.json()["people"] == [
        {
            "subject": "ml-vision",
            "is_group": True,
            "name": "",
            "called": "",
            "out": False,
            "says": "becomes viewer",
            "may_keep_keys": False,
            "keeps": [],
            "effects": [
                {"place": "portal", "action": "create", "before": "", "after": "see it"},
                {
                    "place": "cluster",
                    "action": "create",
                    "before": "",
                    "after": "look, without Secrets in ml-demand (role binding slipway-viewers)",
                },
            ],
        }
    ]


def kept(**taken: dict[str, Any]) -> dict[str, tuple[list[str], bool]]:
    """What is said of each who loses something when alice asks for only these contributors; over REST."""
    body = {"contributors": [ALICE, *taken.values()]}
    answer = bearer("alice").patch(
        "/api/v1/projects/demand/?dry_run=true", body, content_type="application/json", headers={"If-Match": "*"}
    )
    return {one["subject"]: (one["keeps"], one["may_keep_keys"]) for one in answer.json()["people"]}


def test_who_loses_a_role_is_told_what_stays_by_other_paths() -> None:
    vision = {"group": "ml-vision", "role": "editor"}
    people = [{"user": f"{name}@corp.example", "role": "editor"} for name in ("bob", "charlie", "paula")]
    ask("demand", contributors=[ALICE, vision, *people])
    for name in ("bob", "charlie", "paula"):
        person(name)
    person("charlie").groups.add(Group.objects.get_or_create(name="ml-vision")[0])
    assert kept(vision=vision) == {
        "bob@corp.example": (["sees it, by the team forecasting"], True),
        "charlie@corp.example": (["editor, by the group ml-vision"], False),
        "paula@corp.example": (["sees and changes it, in the platform team"], True),
    }
    assert kept()["charlie@corp.example"] == ([], True)


def test_who_has_not_signed_in_yet_keeps_what_the_directory_says() -> None:
    vision = {"group": "ml-vision", "role": "editor"}
    bob = person_entry("bob")
    group_entry("ml-all", group_entry("ml-vision", bob))
    ask("demand", contributors=[ALICE, vision, {"user": "bob@corp.example", "role": "owner"}])
    assert kept(vision=vision) == {"bob@corp.example": (["editor, by the group ml-vision"], False)}
    switched_off(bob)
    assert kept(vision=vision) == {"bob@corp.example": ([], False)}


def test_what_stays_by_nested_groups_is_said_with_the_chain() -> None:
    everybody = {"group": "ml-all", "role": "editor"}
    vision = group_entry("ml-vision", person_entry("bob"))
    all_of_ml = group_entry("ml-all", vision)
    bob = {"user": "bob@corp.example", "role": "owner"}
    ask("demand", contributors=[ALICE, everybody, bob])
    said = (["editor, by the group ml-all (ml-vision in ml-all)"], False)
    assert kept(all=everybody) == {"bob@corp.example": said}
    account = person("bob")
    account.group_ids = [vision.object_id, all_of_ml.object_id]
    account.save(update_fields=["group_ids"])
    account.groups.clear()
    assert kept(all=everybody) == {"bob@corp.example": said}
    Team.objects.update(ad_groups=["ml-all"], group_ids={"ml-all": all_of_ml.object_id})
    assert kept()["bob@corp.example"] == (["sees it, by the team forecasting (ml-vision in ml-all)"], True)


def test_the_review_names_what_stays() -> None:
    ask("demand", contributors=[ALICE, {"user": "bob@corp.example", "role": "editor"}])
    person("bob")
    alice = client("alice")
    sent = fields(alice.get("/projects/demand/people/change/"), holding="generation")
    review = text(alice.post("/projects/demand/people/change/", {**sent, "role": ["owner", "viewer"], "do": "preview"}))
    assert "Keeps:" not in review
    sent["subject"], sent["role"], sent["until"] = ["user:alice@corp.example"], ["owner"], [""]
    review = text(alice.post("/projects/demand/people/change/", {**sent, "do": "preview"}))
    assert "Keeps: sees it, by the team forecasting" in review


# Leaving


def test_who_has_a_role_may_give_it_up_whatever_it_is() -> None:
    viewer = {"user": "charlie@corp.example", "role": "viewer"}
    project = project_of(ask("demand", contributors=[ALICE, viewer]))
    charlie = client("charlie")
    page = charlie.get("/projects/demand/leave/")
    assert "charlie@corp.example loses the role viewer" in text(page)
    left = charlie.post("/projects/demand/leave/", fields(page, holding="generation"))
    assert (left.status_code, left["Location"]) == (302, "/")
    assert charlie.get("/projects/demand/").status_code == 404
    project.refresh_from_db()
    request = project.requests.first()
    assert request is not None
    assert (project.generation, request.requested_by_name, request.door) == (2, "charlie@corp.example", Door.FORM)


def test_the_last_owner_and_who_holds_no_role_of_their_own_can_not_leave() -> None:
    project = project_of(ask("demand", contributors=[ALICE, {"group": "ml-forecasting", "role": "editor"}]))
    for who, said in (("alice", "You are the last owner of demand"), ("bob", "You hold no role of your own in demand")):
        with pytest.raises(Conflict, match=said):
            leave(project, by=person(who), door=Door.API, installation=installation())
        answer = client(who).post("/projects/demand/leave/")
        assert (answer.status_code, said in text(answer)) == (409, True)
    two = [ALICE, {"group": "ml-forecasting", "role": Role.OWNER.value}]
    actions.change(
        project, {**project.spec, "contributors": two}, by=person("alice"), door=Door.API, installation=installation()
    )
    assert client("alice").post("/projects/demand/leave/")["Location"] == "/projects/demand/people/"


@pytest.mark.parametrize("decision", ["ask", "refuse"])
def test_who_leaves_reads_first_which_rule_decides(settings: Any, decision: Any) -> None:
    ask("demand", contributors=[ALICE, {"user": "charlie@corp.example", "role": "viewer"}])
    rule = Rule(name="looked-at", decision=decision, actions=("change",), because="People are looked at.")
    catalogue = settings.INSTALLATION.catalogue.model_copy(update={"policy": (rule,)})
    settings.INSTALLATION = replace(settings.INSTALLATION, catalogue=catalogue)
    page = client("charlie").get("/projects/demand/leave/")
    assert "Rule looked-at : People are looked at." in text(page)
    asks = decision == "ask"
    assert ("Ask to leave demand" in text(page), 'id="go"' in page.content.decode()) == (asks, asks)
    assert ("Nothing is changed before that." in text(page)) == asks


def test_leaving_by_the_api_is_answered_with_the_request() -> None:
    ask("demand", contributors=[ALICE, {"user": "charlie@corp.example", "role": "viewer"}])
    script = bearer("charlie")
    tried = script.post("/api/v1/projects/demand/leave/?dry_run=true", {}, content_type="application/json")
    assert (tried.status_code, tried.json()["verdict"]["rule"]) == (200, "within-budget")
    assert [(one["subject"], one["says"]) for one in tried.json()["people"]] == [
        ("charlie@corp.example", "loses the role viewer")
    ]
    answer = script.post("/api/v1/projects/demand/leave/", {}, content_type="application/json")
    body = answer.json()
    assert (answer.status_code, body["project"], body["request"]["decision"]) == (202, None, "approved")
    assert script.get("/api/v1/projects/demand/").status_code == 404
    assert script.post("/api/v1/projects/demand/leave/", {}, content_type="application/json").status_code == 404


def test_a_form_of_an_older_state_does_not_leave() -> None:
    project = project_of(ask("demand", contributors=[ALICE, {"user": "bob@corp.example", "role": "viewer"}]))
    data = {**project.spec, "plan": "medium"}
    actions.change(project, data, by=person("alice"), door=Door.API, installation=installation())
    late = client("bob").post("/projects/demand/leave/", {"generation": "1"})
    assert late.status_code == 409
    assert project.memberships.filter(subject="bob@corp.example").exists()


def test_a_renamed_person_leaves_by_object_id() -> None:
    bob = person_entry("bob")
    group_entry("ml-forecasting", bob)
    project = project_of(ask("demand", contributors=[ALICE, {"user": "bob@corp.example", "role": "editor"}]))
    account = person("bob")
    account.username = "robert@corp.example"
    account.save(update_fields=["username"])
    leave(project, by=account, door=Door.API, installation=installation())
    assert not project.memberships.filter(subject="bob@corp.example").exists()
