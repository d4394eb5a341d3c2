"""A plan that left the catalogue: its projects are shown, stay as they are, and can be changed otherwise."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from projects import actions, bulk, bulk_choice, decisions, tasks
from projects.forms import typed_of
from projects.installation import installation
from projects.leaving import leave
from projects.models import Door, Project, ProjectRequest
from provisioning.errors import Reason
from provisioning.models import Resource
from provisioning.policy_rules import Rule
from provisioning.secrets import resolver
from provisioning.targets import forget_clients
from tests.people import client, person
from tests.projects.catalogues import catalogue_with
from tests.projects.doors import ANY, API, SMALL, call, text
from tests.projects.tended import ALICE, BOB

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("pages")]

PEOPLE = "/projects/demand/people/change/"


@pytest.fixture
def no_medium(settings: Any, tmp_path: Path) -> Iterator[Project]:
    """A project of plan medium, and a platform team that no longer offers it. No target has a credential."""
    before = installation()
    made = actions.create({**SMALL, "plan": "medium"}, by=person("alice"), door=Door.API, installation=before).project
    assert made is not None
    plans = {name: plan for name, plan in before.catalogue.plans.items() if name != "medium"}
    fewer = before.catalogue.model_copy(update={"plans": plans})
    settings.INSTALLATION = replace(before, catalogue=fewer, resolve=resolver(folder=tmp_path))
    forget_clients()
    yield made
    forget_clients()


@pytest.mark.parametrize("who", ["alice", "paula"])
def test_a_project_whose_plan_left_is_still_shown(no_medium: Project, who: str) -> None:
    number = ProjectRequest.objects.get().pk
    pages = ["/", "/projects/demand/", "/projects/demand/live/", "/projects/demand/edit/", f"/requests/{number}/"]
    calls = ["/projects/", "/projects/demand/", "/projects/demand/resources/", "/projects/demand/events/", "/requests/"]
    for path in [*pages, *(f"{API}{one}" for one in calls)]:
        assert client(who).get(path).status_code in (200, 286), path


def test_a_project_whose_plan_left_needs_another_one_for_what_plans_have_a_part_in(
    no_medium: Project, untouched: Any
) -> None:
    size = {"options": {"bucket": {"quota": "10Gi"}}}
    with untouched():
        answer = call("patch", "/projects/demand/", size, headers=ANY)
        typed = {"plan": "medium", "options_shown": "1", "options.bucket.quota": "10Gi", "do": "change"}
        page = client("alice").post("/projects/demand/edit/", typed)
    sentence = "There is no plan medium. Choose one of small, large, gpu."
    assert (answer.status_code, answer.json()["errors"][0]["message"]) == (422, sentence)
    assert (page.status_code, sentence in text(page)) == (422, True)
    assert call("patch", "/projects/demand/", {"plan": "small"}, headers=ANY).status_code == 202


def test_a_plan_that_left_stands_in_the_form_with_what_it_counts_and_stays(no_medium: Project) -> None:
    alice, edit = client("alice"), "/projects/demand/edit/"
    card = "Not offered any more. Everything stays until another is chosen. 12 units"
    assert all(card in text(alice.get(path)) for path in (edit, "/projects/demand/settings/"))
    assert 'name="plan" value="medium" checked' in alice.get(edit).content.decode()
    typed = {**dict(typed_of(no_medium.wanted()).lists()), "title": "Demand 2", "generation": "1"}
    for plan, takes in (("medium", "It takes 12 of the"), ("small", "It takes 4 of the")):
        page = text(alice.post(edit, {**typed, "plan": plan, "do": "preview"}))
        assert takes in page
        said = "Plan medium is not offered any more. Everything stays until another is chosen. It counts 12 units."
        assert (said in page) == (plan == "medium")
    swedish = alice.post(edit, {**typed, "do": "preview"}, headers={"Accept-Language": "sv"})
    said = "Planen medium erbjuds inte längre. Allt är kvar som det är tills en annan väljs; den räknas som 12 enheter."
    assert said in text(swedish)
    assert call("patch", "/projects/demand/?dry_run=true", {"title": "D"}, headers=ANY).json()["units"] == 12
    assert alice.post(edit, {**typed, "do": "change"}).status_code == 302
    no_medium.refresh_from_db()
    assert (no_medium.spec["title"], no_medium.spec["plan"], no_medium.units) == ("Demand 2", "medium", 12)


def test_what_a_plan_that_left_counts_is_not_known_where_it_never_was_counted(no_medium: Project) -> None:
    Project.objects.update(units=0)
    alice = client("alice")
    card = "Not offered any more. Everything stays until another is chosen. units not known"
    assert card in text(alice.get("/projects/demand/edit/"))
    said = "Plan medium is not offered any more. Everything stays until another is chosen. Nobody knows how many units"
    assert f"{said} it counts." in text(alice.get("/projects/demand/usage/"))


def test_an_action_on_many_changes_a_plan_that_left(no_medium: Project) -> None:
    wanted = bulk.Wanted(action="plan", plan="small", because="It left.")
    chosen = bulk_choice.rows(person("paula"), slugs=["demand"])
    run = bulk.draft(wanted, list(chosen), by=person("paula"), door=Door.FORM, installation=installation())
    item = run.items.get()
    assert item.foreseen == "Plan medium to small: 2 update · 1 keep."
    assert item.changes[:-1] == [
        "update Limits: update ResourceQuota/slipway-compute; update ResourceQuota/slipway-storage; "
        "update LimitRange/slipway-defaults",
        "update Bucket: update bucket/ml-demand",
    ]


def test_a_request_says_what_it_takes_beside_a_plan_that_left(no_medium: Project) -> None:
    asks = Rule(name="people", decision="ask", because="A person looks.")
    with catalogue_with(policy=(asks,)):
        call("patch", "/projects/demand/", {"plan": "small"}, headers=ANY)
        create = actions.create(
            {**SMALL, "slug": "other"}, by=person("alice"), door=Door.API, installation=installation()
        )
    assert create.request is not None
    paula = client("paula")
    page = text(paula.get(f"/requests/{ProjectRequest.objects.get(slug='demand', decision='pending').pk}/"))
    assert "Takes -8 units" in page
    assert "Plan medium is not offered any more" not in page
    ProjectRequest.objects.filter(pk=create.request.pk).update(after={**create.request.after, "plan": "medium"})
    assert "Takes units not known" in text(paula.get(f"/requests/{create.request.pk}/"))
    asked = ProjectRequest.objects.get(slug="demand", decision="pending")
    spec = {**asked.before, "plan": "small"}
    Project.objects.filter(slug="demand").update(spec=spec, units=4)
    ProjectRequest.objects.filter(pk=asked.pk).update(before=spec, after={**spec, "plan": "medium"})
    assert "Takes units not known" in text(paula.get(f"/requests/{asked.pk}/"))


def test_a_project_whose_plan_left_can_be_changed_otherwise(no_medium: Project) -> None:
    people = [ALICE, {"user": "bob@corp.example", "role": "owner"}]
    foreseen = call("patch", "/projects/demand/?dry_run=true", {"contributors": people}, headers=ANY).json()
    assert {(one["kind"], one["action"]) for one in foreseen["kinds"]} == {
        ("access", "update"),
        ("repository_access", "update"),
    }
    assert call("patch", "/projects/demand/", {"contributors": people}, headers=ANY).status_code == 202
    units = Project.objects.get().units
    leave(no_medium, by=person("bob"), door=Door.FORM, installation=installation())
    no_medium.refresh_from_db()
    assert (no_medium.generation, no_medium.spec["plan"], no_medium.units) == (3, "medium", units)
    assert list(no_medium.memberships.values_list("subject", flat=True)) == ["alice@corp.example"]


def test_somebody_is_taken_out_where_the_plan_left_by_the_page_people(no_medium: Project) -> None:
    call("patch", "/projects/demand/", {"contributors": [ALICE, BOB]}, headers=ANY)
    typed = {"subject": ["user:alice@corp.example"], "role": ["owner"], "until": [""], "generation": "2"}
    browser = client("alice")
    assert "role binding slipway-editors" in text(browser.post(PEOPLE, {**typed, "do": "preview"}))
    assert browser.post(PEOPLE, {**typed, "do": "save"}).status_code == 302
    no_medium.refresh_from_db()
    assert list(no_medium.memberships.values_list("subject", flat=True)) == ["alice@corp.example"]


def test_what_was_asked_before_the_plan_left_can_be_approved(no_medium: Project) -> None:
    asks = Rule(name="people", decision="ask", because="A person looks.")
    with catalogue_with(policy=(asks,)):
        call("patch", "/projects/demand/", {"contributors": [ALICE, BOB]}, headers=ANY)
    request = ProjectRequest.objects.get(decision="pending")
    assert "role binding slipway-editors" in text(client("paula").get(f"/requests/{request.pk}/"))
    decisions.approve(request, by=person("paula"), door=Door.FORM, installation=installation())
    assert Project.objects.get().memberships.count() == 2


def test_a_project_whose_plan_left_can_be_retired_and_goes(no_medium: Project) -> None:
    assert call("delete", "/projects/demand/?dry_run=true", headers=ANY).status_code == 200
    assert call("delete", "/projects/demand/", headers=ANY).status_code == 202
    # Within the test's transaction the database's clock stands still.
    Project.objects.update(next_look_at="2020-01-01T00:00:00Z")
    tasks.reconcile_project(no_medium.pk)
    no_medium.refresh_from_db()
    assert (no_medium.observed_generation, no_medium.lease_until) == (2, None)
    # Nothing answers here, but each target was asked.
    assert set(Resource.objects.values_list("synced_reason", flat=True)) == {Reason.DELETING}
