"""What becomes of a request that waits: other words, questions, stand-ins, and nobody's yes to their own."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import connections
from pytest_django import Settings

from portal.models import User
from projects import actions, audience, decide_many, decisions, permissions, stand_ins
from projects.errors import Conflict, InvalidSpec, NotAllowed, NotFound
from projects.installation import installation
from projects.leaving import leave
from projects.models import (
    Decision,
    DirectoryEntry,
    Door,
    Notice,
    Project,
    ProjectRequest,
    RequestRevision,
    StandIn,
    Team,
)
from projects.today import today
from provisioning.policy_rules import Decisions, Rule
from tests.people import bearer, client, person, team
from tests.projects.asking import asked, fresh, leads_decide
from tests.projects.doors import form_fields
from tests.projects.pages import text

pytestmark = pytest.mark.django_db
DEMAND = {"slug": "demand", "team": "forecasting", "plan": "small"}
GPU = {"slug": "demand", "team": "forecasting", "plan": "gpu"}


@pytest.fixture
def leads() -> Iterator[None]:
    """The group ml-leads decides beside the platform team; charlie is in it."""
    person("charlie").groups.add(Group.objects.get_or_create(name="ml-leads")[0])
    with leads_decide():
        yield


def charlie() -> User:
    """Charlie as he is now: `person` would put his groups back."""
    return User.objects.get(username="charlie@corp.example")


def approve(request: ProjectRequest, by: User, **more: Any) -> ProjectRequest:
    return decisions.approve(request, by=by, door=Door.FORM, installation=installation(), **more)


def revise(request: ProjectRequest, data: dict[str, Any], by: User, **more: Any) -> ProjectRequest:
    return decisions.revise(request, data, by=by, door=Door.FORM, installation=installation(), **more)


def told(name: str) -> list[str]:
    """Kinds of what a person was told, oldest first."""
    notices = Notice.objects.filter(person__username=f"{name}@corp.example").order_by("pk")
    return list(notices.values_list("kind", flat=True))


def test_asked_for_changes_answered_in_other_words_and_approved() -> None:
    paula, alice = person("paula"), person("alice")
    request = asked()
    decisions.ask_for_changes(request, by=paula, door=Door.FORM, text="Is large enough?")
    assert (fresh(request).asked_back_at is not None, permissions.to_decide(paula).count()) == (True, 0)
    revised = revise(request, {**GPU, "plan": "large"}, alice, note="It is.")
    assert (revised.revision, revised.rule, revised.decision, revised.asked_back_at) == (
        2, "large-asks", Decision.PENDING, None,
    )  # fmt: skip
    assert [(one.number, one.after["plan"], one.by_name) for one in RequestRevision.objects.all()] == [
        (1, "gpu", "alice@corp.example")
    ]
    assert approve(revised, paula, revision=2).decision == Decision.APPROVED
    assert Project.objects.get().wanted().plan == "large"
    assert (told("paula"), told("alice")) == (
        ["request-waits", "request-waits"], ["changes-asked", "request-decided"],
    )  # fmt: skip


@pytest.mark.parametrize("verdict", ["approved", "rejected", "changes"])
def test_whoever_put_it_in_other_words_hears_the_answer_too(verdict: str) -> None:
    team("forecasting")
    owners = [{"user": f"{who}@corp.example", "role": "owner"} for who in ("alice", "bob")]
    shared: dict[str, Any] = {"by": person("alice"), "door": Door.FORM, "installation": installation()}
    project = actions.create({**DEMAND, "contributors": owners}, **shared).project
    assert project is not None
    request = actions.change(project, {**project.spec, "plan": "gpu"}, **shared).request
    assert request is not None
    revise(request, {**project.spec, "plan": "large"}, person("bob"))
    Notice.objects.all().delete()
    paula = person("paula")
    if verdict == "approved":
        approve(request, paula)
    elif verdict == "rejected":
        decisions.reject(request, by=paula, door=Door.FORM, comment="No.")
    else:
        decisions.ask_for_changes(request, by=paula, door=Door.FORM, text="Why?")
    assert told("alice") == told("bob") == ["changes-asked" if verdict == "changes" else "request-decided"]


def test_other_words_that_fit_are_made_at_once() -> None:
    request = asked()
    revised = revise(request, {**GPU, "plan": "small"}, person("alice"))
    assert (revised.decision, revised.rule, revised.decided_by) == (Decision.APPROVED, "within-budget", None)
    assert Project.objects.get().slug == "demand"


def test_a_yes_names_the_revision_it_has_seen() -> None:
    request = asked()
    revise(request, {**GPU, "title": "Something else"}, person("alice"))
    with pytest.raises(Conflict, match="changed after you read it"):
        approve(request, person("paula"), revision=1)
    with pytest.raises(Conflict, match="changed after you read it"):
        decisions.reject(request, by=person("paula"), door=Door.FORM, comment="No.", revision=1)
    assert fresh(request).decision == Decision.PENDING


PAST = (today() - timedelta(days=1)).isoformat()
BOB = {"user": "bob@corp.example", "role": "viewer"}


@pytest.mark.parametrize(
    ("since", "changes", "sentence"),
    [
        ({"expires": PAST}, {}, "The end date has passed."),
        ({"contributors": [{"user": "alice@corp.example", "role": "owner"}, {**BOB, "until": PAST}]}, {}, "last day"),
        ({}, {"reserved_names": ("dem*",)}, "demand is reserved for the platform"),
        ({"options": {"bucket": {"quota": "900Ti"}}}, {}, "is more than plan gpu allows"),
        ({"options": {"mailbox": {"size": 7}}}, {}, "There are no options for mailbox."),
        ({"plan": "huge"}, {}, "There is no plan huge."),
    ],
    ids=["end", "contributor", "name", "size", "option", "plan"],
)
def test_a_yes_asks_what_was_asked_for_as_it_is_now(
    since: dict[str, Any], changes: dict[str, Any], sentence: str, settings: Settings
) -> None:
    request, before = asked(), settings.INSTALLATION
    ProjectRequest.objects.filter(pk=request.pk).update(after={**(request.after or {}), **since})
    settings.INSTALLATION = replace(before, catalogue=before.catalogue.model_copy(update=changes))
    with pytest.raises(Conflict) as error:
        approve(request, person("paula"))
    settings.INSTALLATION = before
    assert error.value.message.startswith("What was asked for does not fit any more. ")
    assert sentence in error.value.message
    assert (fresh(request).decision, Project.objects.exists()) == (Decision.PENDING, False)


def test_what_was_so_before_does_not_hold_up_a_yes() -> None:
    team("forecasting")
    shared: dict[str, Any] = {"by": person("alice"), "door": Door.FORM, "installation": installation()}
    project = actions.create({**DEMAND, "expires": (today() + timedelta(days=9)).isoformat()}, **shared).project
    assert project is not None
    Project.objects.update(spec={**project.spec, "expires": PAST})
    project.refresh_from_db()
    request = actions.change(project, {**project.spec, "plan": "gpu"}, **shared).request
    assert request is not None
    assert approve(request, person("paula")).decision == Decision.APPROVED


def test_a_revision_keeps_to_its_name_and_is_checked_as_every_wish() -> None:
    request = asked()
    for data, code in (({**GPU, "slug": "other"}, "fixed"), ({**GPU, "plan": "none"}, "unknown_plan")):
        with pytest.raises(InvalidSpec) as error:
            revise(request, data, person("alice"))
        assert [fault.code for fault in error.value.faults] == [code]
    with pytest.raises(NotFound):
        revise(request, GPU, person("charlie"))
    with pytest.raises(NotAllowed):
        revise(request, GPU, person("bob"))
    assert (fresh(request).revision, RequestRevision.objects.count()) == (1, 0)


def test_a_decided_request_is_not_changed() -> None:
    request = asked()
    decisions.reject(request, by=person("paula"), door=Door.FORM, comment="No.")
    with pytest.raises(Conflict, match="rejected already"):
        revise(request, GPU, person("alice"))
    with pytest.raises(Conflict):
        decisions.ask_for_changes(request, by=person("paula"), door=Door.FORM, text="Why?")


def test_the_same_once_more_is_the_same_request() -> None:
    first = asked()
    again = actions.create(GPU, by=person("alice"), door=Door.API, installation=installation())
    assert (again.request, ProjectRequest.objects.count()) == (first, 1)
    with pytest.raises(InvalidSpec, match="asked for demand already"):
        asked(title="Other")
    with pytest.raises(InvalidSpec, match="demand is taken"):
        asked(who="bob")


def test_the_same_change_once_more_is_the_same_request() -> None:
    alice = person("alice")
    small = {**GPU, "plan": "small"}
    team("forecasting")
    project = actions.create(small, by=alice, door=Door.FORM, installation=installation()).project
    assert project is not None
    made = [
        actions.change(project, GPU, by=alice, door=door, installation=installation()).request
        for door in (Door.FORM, Door.API)
    ]
    assert made[0] == made[1]
    assert ProjectRequest.objects.filter(decision=Decision.PENDING).count() == 1


# Who asked may have lost the right to


def held(**roles: str) -> Project:
    """The project `demand` in which people or groups (ml_…) hold these roles."""
    team("forecasting")
    data = {**GPU, "plan": "small", "contributors": [entry(name, role) for name, role in roles.items()]}
    project = actions.create(data, by=person("alice"), door=Door.FORM, installation=installation()).project
    assert project is not None
    return project


def entry(name: str, role: str) -> dict[str, str]:
    who = {"group": name.replace("_", "-")} if name.startswith("ml_") else {"user": f"{name}@corp.example"}
    return {**who, "role": role}


def change_asked(project: Project, by: User, **more: Any) -> ProjectRequest:
    made = actions.change(project, {**project.spec, **more}, by=by, door=Door.FORM, installation=installation())
    assert made.request is not None
    return made.request


def left_group(name: str, group: str) -> User:
    """The account of somebody who was just taken out of a group."""
    User.objects.get(username=f"{name}@corp.example").groups.remove(Group.objects.get(name=group))
    return User.objects.get(username=f"{name}@corp.example")


def test_who_no_longer_owns_makes_nobody_owner_by_other_words() -> None:
    project, bob = held(alice="owner", ml_leads="owner"), person("bob")
    bob.groups.add(Group.objects.get_or_create(name="ml-leads")[0])
    request = change_asked(project, bob, plan="gpu")
    bob = left_group("bob", "ml-leads")
    mine = {**project.spec, "contributors": [entry("bob", "owner")]}
    with pytest.raises(NotAllowed, match="Only an owner of the project"):
        revise(request, mine, bob)
    sent = bearer(bob).post(f"/api/v1/requests/{request.pk}/revise/", {"spec": mine}, content_type="application/json")
    assert sent.status_code == 403
    page = client(bob)
    form = {**form_fields({**DEMAND, "contributors": mine["contributors"]}), "do": "revise", "revision": "1"}
    assert [
        page.get(f"/requests/{request.pk}/edit/").status_code,
        page.post(f"/requests/{request.pk}/edit/", form).status_code,
    ] == [403, 403]
    assert (Project.objects.get().spec, fresh(request).revision) == (project.spec, 1)
    assert "Change the request" not in text(page.get(f"/requests/{request.pk}/"))
    decisions.withdraw(request, by=bob, door=Door.FORM)


def test_a_question_to_leave_is_no_way_to_become_owner(settings: Settings) -> None:
    project, bob = held(alice="owner", bob="viewer"), person("bob")
    before = settings.INSTALLATION
    rule = Rule(name="people-ask", decision="ask", actions=("change",), because="People are looked at.")
    settings.INSTALLATION = replace(before, catalogue=before.catalogue.model_copy(update={"policy": (rule,)}))
    request = leave(project, by=bob, door=Door.FORM, installation=installation()).request
    assert request is not None
    settings.INSTALLATION = before
    mine = {**project.spec, "contributors": [entry("bob", "owner")]}
    with pytest.raises(NotAllowed):
        revise(request, mine, bob)
    # Nor does an owner make something else of it; what it asks for, anybody with a role may ask for.
    with pytest.raises(Conflict, match="only withdrawn"):
        revise(request, mine, person("alice"))
    assert client("alice").get(f"/requests/{request.pk}/edit/").status_code == 409
    assert approve(request, person("paula")).decision == Decision.APPROVED
    assert [row.subject for row in Project.objects.get().memberships.all()] == ["alice@corp.example"]


def test_nobody_approves_what_who_asked_could_not_ask_for_any_more() -> None:
    project, bob, paula = held(alice="owner", ml_leads="owner"), person("bob"), person("paula")
    bob.groups.add(Group.objects.get_or_create(name="ml-leads")[0])
    request = change_asked(project, bob, plan="gpu")
    left_group("bob", "ml-leads")
    with pytest.raises(Conflict, match="asked for this and no longer owns the project"):
        approve(request, paula)
    page = text(client(paula).get(f"/requests/{request.pk}/"))
    assert "no longer owns the project" in page
    assert ">Approve<" not in page
    # An owner who wants it takes it over, as it is.
    revised = revise(request, {**project.spec, "plan": "gpu"}, person("alice"))
    assert approve(revised, paula).decision == Decision.APPROVED


def test_a_new_project_of_who_left_the_team_is_not_made() -> None:
    request = asked()
    alice = left_group("alice", "ml-forecasting")
    with pytest.raises(InvalidSpec, match="You are in no team forecasting"):
        revise(request, {**GPU, "plan": "small"}, alice)
    with pytest.raises(Conflict, match="no longer in team forecasting"):
        approve(request, person("paula"))


# Nobody about their own


def test_nobody_decides_about_their_own_by_any_road(leads: None) -> None:
    paula, bob = person("paula"), person("bob")
    own = asked(who="paula")
    with pytest.raises(NotAllowed):
        approve(own, paula)
    # Neither by having put somebody else's in other words,
    request = asked("lanes")
    revise(request, {**GPU, "slug": "lanes", "title": "Lanes"}, person("alice"))
    ProjectRequest.objects.filter(pk=request.pk).update(requested_by=bob.pk)
    alice = person("alice")
    alice.is_staff = True
    alice.save()
    with pytest.raises(NotAllowed):
        approve(fresh(request), alice)
    # nor by a stand-in, who has no more rights than the one who is away.
    day = today()
    StandIn.objects.create(approver=paula, stand_in=bob, begins=day, ends=day)
    with pytest.raises(NotAllowed):
        approve(own, bob)
    assert set(ProjectRequest.objects.values_list("decision", flat=True)) == {Decision.PENDING}


def test_approvers_of_the_catalogue_see_and_decide(leads: None) -> None:
    request = asked()
    assert (request.approvers, list(permissions.to_decide(charlie()))) == (["ml-leads"], [request])
    assert told("charlie") == ["request-waits"]
    assert approve(request, charlie()).decided_by == charlie()


LEADS = "7cc416c3-8322-4543-9d88-3c5b275b0742"


@pytest.fixture
def leads_by_id(settings: Settings) -> Iterator[None]:
    """The group whose object id is LEADS decides beside the platform team."""
    before = settings.INSTALLATION
    rules = Decisions(approvers=(LEADS.upper(),))
    settings.INSTALLATION = replace(before, catalogue=before.catalogue.model_copy(update={"decisions": rules}))
    yield
    settings.INSTALLATION = before


def test_approvers_by_object_id_are_who_is_in_that_group_whatever_it_is_called(leads_by_id: None) -> None:
    one = person("charlie")
    # A group that somebody called like the id is another one.
    person("bob").groups.add(Group.objects.get_or_create(name=LEADS)[0])
    request = asked()
    assert request.approvers == [LEADS]
    assert one not in audience.deciders_of(request)
    with pytest.raises(NotFound):
        approve(request, charlie())
    with pytest.raises(NotAllowed):
        approve(request, User.objects.get(username="bob@corp.example"))
    User.objects.filter(pk=one.pk).update(group_ids=[LEADS])
    DirectoryEntry.objects.create(object_id=LEADS, is_group=True, account="research-leads", name="Leads")
    assert one in audience.deciders_of(request)
    assert [row.pk for row in permissions.to_decide(charlie())] == [request.pk]
    assert "the platform team or research-leads" in text(client("paula").get(f"/requests/{request.pk}/"))
    assert approve(request, charlie()).decision == Decision.APPROVED


def test_a_rule_asks_for_groups_by_object_id_too(settings: Settings) -> None:
    before = settings.INSTALLATION
    rule = Rule(name="leads-go", decision="approve", because="Leads.", groups=(LEADS,))
    settings.INSTALLATION = replace(
        before, catalogue=before.catalogue.model_copy(update={"policy": (rule, *before.catalogue.policy)})
    )
    assert asked("one").rule == "gpu-asks"
    person("alice")
    User.objects.filter(username="alice@corp.example").update(group_ids=[LEADS])
    assert asked("two").rule == "leads-go"
    settings.INSTALLATION = before


def test_who_is_no_approver_any_more_decides_nothing(leads: None) -> None:
    request = asked()
    charlie().groups.clear()
    with pytest.raises(NotFound):
        approve(request, charlie())
    paula = person("paula")
    User.objects.filter(pk=paula.pk).update(is_staff=False)
    with pytest.raises((NotFound, NotAllowed)):
        approve(request, User.objects.get(pk=paula.pk))
    assert fresh(request).decision == Decision.PENDING


def test_a_stand_in_decides_for_days_and_not_before_or_after() -> None:
    paula, bob, day = person("paula"), person("bob"), today()
    request = asked()
    row = stand_ins.name(
        "bob@corp.example", begins=day + timedelta(days=1), ends=day + timedelta(days=2), by=paula, door=Door.FORM,
        installation=installation(),
    )  # fmt: skip
    with pytest.raises(NotAllowed):
        approve(request, person("bob"))
    StandIn.objects.filter(pk=row.pk).update(begins=day - timedelta(days=2), ends=day - timedelta(days=1))
    with pytest.raises(NotAllowed):
        approve(request, person("bob"))
    StandIn.objects.filter(pk=row.pk).update(begins=day, ends=day)
    bob = person("bob")
    assert list(permissions.to_decide(bob)) == [request]
    assert approve(request, bob).decided_by == bob
    # A stand-in names no further one.
    with pytest.raises(NotAllowed):
        stand_ins.name(
            "charlie@corp.example", begins=day, ends=day, by=bob, door=Door.FORM, installation=installation()
        )


def test_what_somebody_asked_does_not_wait_for_who_decides_in_their_place() -> None:
    paula, bob, day = person("paula"), person("bob"), today()
    StandIn.objects.create(approver=paula, stand_in=bob, begins=day, ends=day)
    own, other = asked("one", who="paula"), asked("two")
    assert list(permissions.to_decide(person("bob"))) == [other]
    # Whoever stands in for somebody else too decides about it in that place.
    charlie_ = person("charlie")
    charlie_.is_staff = True
    charlie_.save()
    StandIn.objects.create(approver=charlie_, stand_in=bob, begins=day, ends=day)
    assert set(permissions.to_decide(person("bob"))) == {own, other}
    assert permissions.may_decide(person("bob"), own)
    revise(other, {**GPU, "slug": "two", "title": "Two"}, person("alice"))
    RequestRevision.objects.update(by=paula)
    assert set(permissions.to_decide(person("bob"))) == {own, other}
    StandIn.objects.filter(approver=charlie_).delete()
    assert list(permissions.to_decide(person("bob"))) == []


def test_a_stand_in_sees_what_they_decided_and_nothing_else(pages: None) -> None:
    paula, stranger, day = person("paula"), person("charlie"), today()
    row = StandIn.objects.create(approver=paula, stand_in=stranger, begins=day, ends=day)
    yes, no, other = (asked(slug) for slug in ("one", "two", "three"))
    browser = client("charlie")
    answer = browser.post(f"/requests/{yes.pk}/approve/", {"revision": "1"}, follow=True)
    assert (answer.status_code, answer.redirect_chain) == (200, [(f"/requests/{yes.pk}/", 302)])
    assert browser.post(f"/requests/{no.pk}/reject/", {"revision": "1", "comment": "No."}).status_code == 302
    row.delete()
    decisions.approve(other, by=paula, door=Door.FORM, installation=installation())
    browser = client("charlie")
    shown = [browser.get(f"/requests/{one.pk}/").status_code for one in (yes, no, other)]
    assert shown == [200, 200, 404]
    assert browser.get("/projects/one/").status_code == 404


def test_who_took_a_request_back_and_left_sees_it_no_more() -> None:
    team("forecasting")
    person("charlie")
    people = [{"user": f"{who}@corp.example", "role": "owner"} for who in ("alice", "charlie")]
    shared: dict[str, Any] = {"by": person("alice"), "door": Door.FORM, "installation": installation()}
    project = actions.create({**DEMAND, "contributors": people}, **shared).project
    assert project is not None
    request = actions.change(project, {**project.spec, "plan": "gpu"}, **shared).request
    assert request is not None
    decisions.withdraw(request, by=charlie(), door=Door.FORM)
    leave(project, by=charlie(), door=Door.FORM, installation=installation())
    assert fresh(request).decided_by == charlie()
    assert not permissions.visible_requests(charlie()).filter(pk=request.pk).exists()


def test_faults_of_a_stand_in_come_all_at_once_and_only_its_two_people_end_it() -> None:
    paula, day = person("paula"), today()
    with pytest.raises(InvalidSpec) as error:
        stand_ins.name(" ", begins=None, ends=day, by=paula, door=Door.FORM, installation=installation())
    assert [(fault.path, fault.code) for fault in error.value.faults] == [
        (("account",), "unknown"), (("begins",), "date_type"),
    ]  # fmt: skip
    person("bob")
    row = stand_ins.name(
        "BOB@corp.example", begins=day, ends=day, by=paula, door=Door.FORM, installation=installation()
    )
    with pytest.raises(NotFound):
        stand_ins.end(row.pk, by=person("charlie"), door=Door.FORM)
    stand_ins.end(row.pk, by=person("bob"), door=Door.FORM)
    assert StandIn.objects.count() == 0


# The conversation


def test_who_sees_it_may_speak_and_the_others_hear() -> None:
    paula = person("paula")
    request = asked()
    decisions.ask_for_changes(request, by=paula, door=Door.FORM, text="What for?")
    decisions.comment(request, by=person("alice"), door=Door.FORM, text=" For winter. ")
    assert [(one.by_name, one.text, one.asks) for one in request.comments.all()] == [
        ("paula@corp.example", "What for?", True), ("alice@corp.example", "For winter.", False),
    ]  # fmt: skip
    assert fresh(request).asked_back_at is None
    assert told("paula") == ["request-waits", "comment"]
    with pytest.raises(NotFound):
        decisions.comment(request, by=person("charlie"), door=Door.FORM, text="Hm.")
    with pytest.raises(InvalidSpec):
        decisions.comment(request, by=person("bob"), door=Door.FORM, text=" ")


# Many at once


def test_many_are_decided_each_on_its_own() -> None:
    paula = person("paula")
    Team.objects.filter(pk=team("forecasting").pk).update(budget=70)
    first, second, own, stale = asked("one"), asked("two"), asked("own", who="paula"), asked("stale")
    decisions.reject(stale, by=paula, door=Door.FORM, comment="No.")
    results = decide_many.decide_many(
        [(first.pk, 1), (second.pk, 1), (own.pk, 1), (stale.pk, 1), (999_999, 1), (first.pk, 1)],
        verdict="approve",
        by=paula,
        door=Door.FORM,
        installation=installation(),
    )
    assert [(one.number, one.done) for one in results] == [
        (first.pk, True), (second.pk, False), (own.pk, False), (stale.pk, False), (999_999, False),
    ]  # fmt: skip
    assert "10 units free, and two takes 60" in results[1].said
    assert results[3].said == "This request is rejected already."


@pytest.mark.django_db(transaction=True)
def test_many_at_once_by_several_never_go_beyond_the_budget() -> None:
    Team.objects.filter(pk=team("forecasting").pk).update(budget=130)
    numbers = [(asked(f"lane-{index}").pk, 1) for index in range(6)]
    paula = person("paula")

    def decide(order: int) -> int:
        try:
            wanted = numbers if order % 2 else numbers[::-1]
            results = decide_many.decide_many(
                wanted, verdict="approve", by=paula, door=Door.API, installation=installation()
            )
            return sum(one.done for one in results)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(decide, range(4)))
    assert sum(done) == 2
    assert Project.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_fifty_at_the_last_free_units_get_them_once() -> None:
    Team.objects.filter(pk=team("forecasting").pk).update(budget=4)
    alice = person("alice")

    def ask(index: int) -> str:
        try:
            data = {"slug": f"lane-{index}", "team": "forecasting", "plan": "small"}
            made = actions.create(data, by=alice, door=Door.API, installation=installation())
            assert made.request is not None
            return str(made.request.decision)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(ask, range(50)))
    assert (said.count(Decision.APPROVED), said.count(Decision.PENDING)) == (1, 49)
