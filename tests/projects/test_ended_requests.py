"""Requests that end without a yes or no: who hears of it, what the page says, and which ones don't end."""

from dataclasses import replace
from typing import Any

import pytest
from django.utils import timezone

from projects import actions, bot_answers, decisions, permissions, succession
from projects.bot_answers import Place
from projects.bot_commands import Command
from projects.carrying_over import ended_by
from projects.installation import installation
from projects.leaving import leave
from projects.models import Decision, Door, Notice, Project, ProjectRequest, RequestComment
from projects.taking_over import take_over
from provisioning.policy_rules import Rule
from tests.entries import gone, person_entry
from tests.people import bearer, client, person
from tests.projects.asking import GPU, asked, fresh, joins, leads_decide, present
from tests.projects.doors import form_fields
from tests.projects.pages import ask, project_of, text

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("pages")]
ALICE = {"user": "alice@corp.example", "role": "owner"}
BOB = {"user": "bob@corp.example", "role": "owner"}
CHARLIE = {"user": "charlie@corp.example", "role": "viewer"}


def made(*people: dict[str, Any]) -> Project:
    return project_of(ask(contributors=[ALICE, *people]))


def changed(project: Project, *, who: str = "alice", **data: Any) -> ProjectRequest:
    project.refresh_from_db()
    request = actions.change(
        project, {**project.spec, **data}, by=person(who), door=Door.API, installation=installation()
    ).request
    assert request is not None
    return request


def retired(project: Project, *, who: str = "alice", **more: Any) -> ProjectRequest:
    request = actions.retire(project, by=person(who), door=Door.API, installation=installation(), **more).request
    assert request is not None
    return request


def left(project: Project, who: str) -> None:
    leave(project, by=person(who), door=Door.API, installation=installation())


def told(kind: str) -> list[tuple[str, str]]:
    """Who was told such a thing, and in which words."""
    rows = Notice.objects.filter(kind=kind).order_by("person__username")
    return [(one.person.username.partition("@")[0], one.text) for one in rows.select_related("person")]


def first_rule(settings: Any, **conditions: Any) -> None:
    """Put a rule that asks above those of the catalogue."""
    rule = Rule(name="first", decision="ask", because="Somebody looks first.", **conditions)
    before = settings.INSTALLATION
    catalogue = before.catalogue.model_copy(update={"policy": (rule, *before.catalogue.policy)})
    settings.INSTALLATION = replace(before, catalogue=catalogue)


@pytest.fixture
def removals_ask(settings: Any) -> None:
    first_rule(settings, actions=("retire",))


def test_a_newer_request_says_so_to_all_of_the_older_one() -> None:
    person("paula")
    project = made(BOB)
    older = changed(project, who="bob", plan="gpu")
    newer = changed(project, plan="medium")
    older = fresh(older)
    assert (older.decision, older.decided_by, older.replaced_by) == (Decision.WITHDRAWN, person("alice"), newer)
    said = (
        "The request of bob@corp.example for demand is withdrawn: alice@corp.example asked for something else, "
        f"in request {newer.pk}. There is nothing to decide any more."
    )
    assert told("withdrawn") == [("bob", said), ("paula", said)]
    page = client("bob").get(f"/requests/{older.pk}/")
    assert f'<a href="/requests/{newer.pk}/">request {newer.pk}</a>' in page.content.decode()
    assert "Withdrawn" in text(page)
    assert "by alice@corp.example" in text(page)
    assert "by the rule" not in text(page)
    assert bearer("bob").get(f"/api/v1/requests/{older.pk}/").json()["replaced_by"] == newer.pk


def test_who_asked_hears_that_another_owner_took_it_back() -> None:
    person("paula")
    request = changed(made(BOB), plan="gpu")
    decisions.withdraw(request, by=person("bob"), door=Door.FORM)
    said = "bob@corp.example took the request for demand back. There is nothing to decide any more."
    assert told("withdrawn") == [("alice", said), ("paula", said)]


def test_a_removal_that_waits_is_not_asked_twice(removals_ask: None) -> None:
    person("paula")
    project = made(BOB)
    first = retired(project)
    decisions.comment(first, by=person("bob"), door=Door.FORM, text="Why?")
    assert "alice@corp.example has asked for this already" in text(
        client("bob").post("/projects/demand/retire/", {"typed": "demand"})
    )
    assert [retired(project), retired(project, who="bob")] == [first, first]
    assert (told("withdrawn"), len(told("request-waits"))) == ([], 1)
    with_data = retired(project, who="bob", remove_data=True, typed_name="demand")
    assert (with_data.pk != first.pk, fresh(first).replaced_by) == (True, with_data)


def test_two_owners_who_ask_for_the_same_share_the_request() -> None:
    person("paula")
    project = made(BOB)
    first = changed(project, plan="gpu")
    assert changed(project, who="bob", plan="gpu") == first
    assert (told("withdrawn"), len(told("request-waits"))) == ([], 1)


def test_who_asks_for_the_same_joins_and_hears_what_becomes_of_it() -> None:
    paula, project = person("paula"), made(BOB)
    first = changed(project, plan="gpu")
    bob = client("bob")
    form = {**form_fields(project.spec), "plan": "gpu", "note": "For winter.", "generation": "1"}
    for said in (
        text(bob.post("/projects/demand/edit/", {**form, "do": "preview"})),
        text(bob.post("/projects/demand/edit/", {**form, "do": "edit"})),
    ):
        assert "alice@corp.example has asked for this already, and it waits." in said
        assert "is withdrawn by this" not in said
    assert "is withdrawn by this" in text(
        bob.post("/projects/demand/edit/", {**form, "plan": "large", "do": "preview"})
    )
    assert bob.post("/projects/demand/edit/", {**form, "do": "change"})["Location"] == f"/requests/{first.pk}/"
    # Sent again, it is not said again.
    bob.post("/projects/demand/edit/", {**form, "do": "change"})
    assert [(one.by_name, one.text) for one in first.comments.all()] == [("bob@corp.example", "For winter.")]
    assert "bob@corp.example asked for the same." in text(client("alice").get(f"/requests/{first.pk}/"))
    assert permissions.authors_of(first) == {person("alice").pk, person("bob").pk}
    Notice.objects.all().delete()
    decisions.approve(first, by=paula, door=Door.FORM, installation=installation())
    assert [who for who, _ in told("request-decided")] == ["alice", "bob"]


def test_the_words_by_which_somebody_joins_are_no_answer_to_what_others_were_asked() -> None:
    paula, bob, project = person("paula"), person("bob"), made(BOB)
    first = changed(project, plan="gpu")
    decisions.ask_for_changes(first, by=paula, door=Door.FORM, text="What for?")
    wish: dict[str, Any] = {"by": bob, "door": Door.API, "installation": installation()}
    for note, answered in (("We need it too.", False), ("For winter.", True)):
        project.refresh_from_db()
        actions.change(project, {**project.spec, "plan": "gpu"}, **wish, note=note)
        assert (fresh(first).asked_back_at is None) is answered
    assert list(first.comments.values_list("text", "asks", "answers")) == [
        ("What for?", True, False),
        ("We need it too.", False, False),
        ("For winter.", False, True),
    ]


def test_nobody_decides_about_what_they_asked_for_too() -> None:
    project = made(BOB)
    first = changed(project, plan="gpu")
    with leads_decide():
        bob = joins("bob", "ml-leads")
        ProjectRequest.objects.update(approvers=["ml-leads"])
        assert list(permissions.to_decide(bob)) == [first]
        changed(project, who="bob", plan="gpu")
        bob = present("bob")
        assert (list(permissions.to_decide(bob)), permissions.may_decide(bob, fresh(first))) == ([], False)


def test_what_is_asked_once_more_keeps_what_is_said() -> None:
    first = asked()
    again = actions.create(
        GPU, by=person("alice"), door=Door.API, installation=installation(), note=" In a hurry. "
    ).request
    assert (again, [one.text for one in first.comments.all()]) == (first, ["In a hurry."])
    review = actions.create(GPU, by=person("alice"), door=Door.FORM, installation=installation(), dry_run=True)
    assert review.joins == first


def test_what_waits_and_would_be_made_at_once_now_is_made_at_once() -> None:
    project = made()
    project.team.budget = 4
    project.team.save()
    first = changed(project, plan="medium")
    assert first.decision == Decision.PENDING
    project.team.budget = 100
    project.team.save()
    assert changed(project, plan="medium").decision == Decision.APPROVED
    assert fresh(first).decision == Decision.WITHDRAWN


def test_taking_over_says_so_to_who_had_asked() -> None:
    person("paula")
    alice = person_entry("alice")
    project = made({"user": "bob@corp.example", "role": "editor"})
    request = changed(project, plan="gpu")
    gone(alice)
    succession.review(now=timezone.now(), catalogue=installation().catalogue)
    taken = take_over(project, by=person("bob"), door=Door.FORM, installation=installation())
    assert (fresh(request).decided_by, fresh(request).replaced_by) == (person("bob"), taken)
    said = "The request of alice@corp.example for demand is withdrawn: bob@corp.example took the project over."
    assert [text for _, text in told("withdrawn")] == [f"{said} There is nothing to decide any more."] * 2


# Leaving


def test_who_leaves_ends_nothing_that_others_asked_for() -> None:
    paula = person("paula")
    project = made(CHARLIE)
    request = changed(project, plan="gpu")
    decisions.comment(request, by=paula, door=Door.FORM, text="What for?")
    assert ended_by(person("charlie"), project) is None
    assert "is withdrawn by this" not in text(client("charlie").get("/projects/demand/leave/"))
    left(project, "charlie")
    kept = fresh(request)
    assert (kept.decision, kept.base_generation, kept.revision) == (Decision.PENDING, 2, 1)
    assert (kept.created_at, RequestComment.objects.filter(request=kept).count()) == (request.created_at, 1)
    assert told("withdrawn") == []
    decisions.approve(kept, by=paula, door=Door.FORM, installation=installation(), revision=1)
    project.refresh_from_db()
    assert (project.generation, project.spec["plan"]) == (3, "gpu")
    assert [one["user"] for one in project.spec["contributors"]] == ["alice@corp.example"]


def test_a_removal_goes_on_waiting_when_somebody_leaves(removals_ask: None) -> None:
    project = made(CHARLIE)
    request = retired(project)
    left(project, "charlie")
    kept = decisions.approve(fresh(request), by=person("paula"), door=Door.FORM, installation=installation())
    assert (kept.decision, kept.generation) == (Decision.APPROVED, 3)


@pytest.mark.parametrize(
    "people",
    [
        pytest.param([ALICE, {**CHARLIE, "role": "editor"}], id="gives them another role"),
        pytest.param([ALICE], id="takes them out, and nothing else"),
        pytest.param([{"user": "charlie@corp.example", "role": "owner"}], id="leaves it without an owner"),
    ],
)
def test_what_was_about_who_leaves_ends_and_says_so(settings: Any, people: list[dict[str, Any]]) -> None:
    person("paula")
    project = made(CHARLIE)
    first_rule(settings, groups=("ml-forecasting",))
    request = changed(project, contributors=people)
    assert ended_by(person("charlie"), project) == request
    assert "is withdrawn by this" in text(client("charlie").get("/projects/demand/leave/"))
    left(project, "charlie")
    assert fresh(request).decision == Decision.WITHDRAWN
    said = (
        "The request of alice@corp.example for demand is withdrawn: charlie@corp.example left the project, and this "
        "was about them. There is nothing to decide any more."
    )
    assert told("withdrawn") == [("alice", said), ("paula", said)]


def test_what_waits_is_judged_by_who_is_left(settings: Any) -> None:
    first_rule(settings, people_above=1, plans=("gpu",))
    project = made(CHARLIE)
    request = changed(project, plan="gpu")
    assert request.rule == "first"
    left(project, "charlie")
    assert (fresh(request).rule, fresh(request).decision) == ("gpu-asks", Decision.PENDING)
    assert list(permissions.to_decide(person("paula"))) == [request]


def leave_asked(project: Project, who: str) -> ProjectRequest:
    """A question to leave, which the policy gives to a person."""
    project.refresh_from_db()
    request = leave(project, by=person(who), door=Door.API, installation=installation()).request
    assert request is not None
    assert request.decision == Decision.PENDING
    return request


def approved(request: ProjectRequest) -> ProjectRequest:
    return decisions.approve(fresh(request), by=person("paula"), door=Door.FORM, installation=installation())


@pytest.fixture
def changes_ask(settings: Any) -> None:
    first_rule(settings, actions=("change",))


@pytest.mark.parametrize("first", ["the leave", "the change"])
def test_who_asks_to_leave_ends_nothing_and_both_are_granted_in_either_order(changes_ask: None, first: str) -> None:
    person("paula")
    project = made(CHARLIE)
    change = changed(project, plan="medium")
    leaves = leave_asked(project, "charlie")
    assert (fresh(change).decision, told("withdrawn")) == (Decision.PENDING, [])
    # Each of them is named where an owner's next wish takes their place.
    page = text(client("alice").get("/projects/demand/edit/"))
    assert [f"request of {who}@corp.example that waits is withdrawn" in page for who in ("alice", "charlie")] == [
        True, True,
    ]  # fmt: skip
    for one in (leaves, change) if first == "the leave" else (change, leaves):
        assert approved(one).decision == Decision.APPROVED
    project.refresh_from_db()
    assert (project.generation, project.spec["plan"], told("withdrawn")) == (3, "medium", [])
    assert [row.subject for row in project.memberships.all()] == ["alice@corp.example"]


def test_the_bot_names_every_request_that_waits(changes_ask: None) -> None:
    project = made(CHARLIE)
    change, leaves = changed(project, plan="medium"), leave_asked(project, "charlie")
    said = bot_answers.told(Command("plan"), place=Place(project=project, address="", door=Door.CHAT)).lines
    assert [one for one in said if one.startswith("request")] == [
        f"request {leaves.pk} of charlie@corp.example waits for the platform team",
        f"request {change.pk} of alice@corp.example waits for the platform team",
    ]


def test_a_question_to_leave_ends_when_there_is_nothing_left_to_leave(changes_ask: None) -> None:
    person("paula")
    project = made(CHARLIE)
    change = changed(project, contributors=[ALICE], plan="medium")
    leaves = leave_asked(project, "charlie")
    approved(change)
    assert (fresh(leaves).decision, fresh(leaves).replaced_by) == (Decision.WITHDRAWN, change)


def test_the_last_owner_stays_though_they_asked_to_leave(changes_ask: None) -> None:
    person("paula")
    project = made(BOB)
    change = changed(project, contributors=[ALICE, {**BOB, "role": "viewer"}], plan="medium")
    leaves = leave_asked(project, "alice")
    approved(change)
    assert (fresh(leaves).decision, fresh(leaves).replaced_by) == (Decision.WITHDRAWN, change)
    assert [row.subject for row in project.memberships.filter(role="owner")] == ["alice@corp.example"]


def test_what_waits_beside_a_removal_ends_with_it(settings: Any) -> None:
    person("paula")
    first_rule(settings, actions=("change", "retire"))
    project = made(CHARLIE)
    removal = retired(project)
    leaves = leave_asked(project, "charlie")
    approved(removal)
    said = (
        "The request of charlie@corp.example for demand is withdrawn: demand is being removed. "
        "There is nothing to decide any more."
    )
    assert (fresh(leaves).replaced_by, told("withdrawn")) == (removal, [("charlie", said)])


def test_two_who_ask_to_leave_are_both_out(changes_ask: None) -> None:
    project = made(CHARLIE, {**BOB, "role": "editor"})
    asked_for = [leave_asked(project, who) for who in ("bob", "charlie")]
    for one in asked_for:
        assert approved(one).decision == Decision.APPROVED
    assert [row.subject for row in project.memberships.all()] == ["alice@corp.example"]


def test_a_question_to_leave_needs_nobody_s_right_though_others_ask_for_the_same(changes_ask: None) -> None:
    person("paula")
    project = made(BOB)
    change = changed(project, contributors=[ALICE])
    leaves = leave_asked(project, "bob")
    assert leaves != change
    assert leave_asked(project, "bob") == leaves
    # Who asked for it too owns the project no more.
    project.memberships.filter(subject="alice@corp.example").delete()
    assert approved(leaves).decision == Decision.APPROVED
    assert (fresh(change).decision, fresh(change).replaced_by) == (Decision.WITHDRAWN, leaves)


def test_a_request_of_nobody_in_particular_is_taken_back_by_who_asked() -> None:
    request = asked("winter")
    decisions.withdraw(request, by=person("alice"), door=Door.FORM)
    page = text(client("alice").get(f"/requests/{request.pk}/"))
    assert "by alice@corp.example" in page
