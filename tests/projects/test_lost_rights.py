"""Who asked may have lost the right to since: what they asked for is neither made nor turned into something else."""

import pytest

from projects import decisions, permissions, request_list
from projects.errors import Conflict, InvalidSpec, NotAllowed
from projects.installation import installation
from projects.leaving import leave
from projects.models import Decision, Door, Project
from provisioning.policy_rules import Rule
from tests.people import bearer, client, person
from tests.projects.asking import (
    DEMAND,
    GPU,
    approve,
    asked,
    change_asked,
    demand,
    entry,
    fresh,
    joins,
    leaves,
    present,
    revise,
)
from tests.projects.catalogues import catalogue_with
from tests.projects.doors import form_fields
from tests.projects.pages import text

pytestmark = pytest.mark.django_db


def test_who_no_longer_owns_makes_nobody_owner_by_other_words() -> None:
    project, bob = demand(alice="owner", ml_leads="owner"), joins("bob", "ml-leads")
    request = change_asked(project, bob, plan="gpu")
    bob = leaves("bob", "ml-leads")
    mine = {**project.spec, "contributors": [entry("bob", "owner")]}
    with pytest.raises(NotAllowed, match="Only an owner of the project"):
        revise(request, mine, bob)
    said = {"spec": mine, "revision": 1}
    sent = bearer(bob).post(f"/api/v1/requests/{request.pk}/revise/", said, content_type="application/json")
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


def test_a_question_to_leave_is_no_way_to_become_owner() -> None:
    project, bob = demand(alice="owner", bob="viewer"), person("bob")
    rule = Rule(name="people-ask", decision="ask", actions=("change",), because="People are looked at.")
    with catalogue_with(policy=(rule,)):
        request = leave(project, by=bob, door=Door.FORM, installation=installation()).request
    assert request is not None
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
    project, paula = demand(alice="owner", ml_leads="owner"), person("paula")
    request = change_asked(project, joins("bob", "ml-leads"), plan="gpu")
    leaves("bob", "ml-leads")
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
    alice = leaves("alice", "ml-forecasting")
    with pytest.raises(InvalidSpec, match="You are in no team forecasting"):
        revise(request, {**GPU, "plan": "small"}, alice)
    with pytest.raises(Conflict, match="no longer in team forecasting"):
        approve(request, person("paula"))


def test_who_took_a_request_back_and_left_sees_it_no_more() -> None:
    charlie = person("charlie")
    project = demand(alice="owner", charlie="owner")
    request = change_asked(project, person("alice"), plan="gpu")
    decisions.withdraw(request, by=charlie, door=Door.FORM)
    leave(project, by=charlie, door=Door.FORM, installation=installation())
    assert fresh(request).decided_by == charlie
    assert not permissions.visible_requests(present("charlie")).filter(pk=request.pk).exists()


def test_who_joined_and_lost_the_role_goes_on_seeing_what_they_asked_for_too() -> None:
    project, paula = demand(alice="owner", ml_leads="owner"), person("paula")
    request = change_asked(project, person("alice"), plan="gpu")
    assert change_asked(project, joins("charlie", "ml-leads"), plan="gpu") == request
    charlie = leaves("charlie", "ml-leads")
    decisions.ask_for_changes(request, by=paula, door=Door.FORM, text="What for?")
    page = client(charlie)
    assert f'href="/requests/{request.pk}/"' in page.get("/").content.decode()
    assert page.get(f"/requests/{request.pk}/").status_code == 200
    assert page.get("/projects/demand/").status_code == 404
    assert list(request_list.rows(charlie, show="mine")) == [request]
    decisions.comment(request, by=charlie, door=Door.FORM, text="For winter.")
    approve(fresh(request), paula)
    kinds = permissions.visible_notices(charlie).order_by("pk").values_list("kind", flat=True)
    assert list(kinds) == ["changes-asked", "request-decided"]
