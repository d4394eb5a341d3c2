"""The settings of a project, and how it is retired: by its typed name, the data asked about apart."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from projects import actions
from projects.installation import installation
from projects.models import Door, Project, ProjectRequest, Team, Usage
from provisioning.models import Resource
from tests.people import client, person
from tests.projects.pages import ask, fields, project_of, settle, text
from tests.projects.tended import installed
from tests.provisioning.wishes import DATABASE

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("pages")]


def test_retiring_asks_for_the_name_shows_what_stays_and_asks_about_the_data_apart() -> None:
    project = project_of(ask("demand"))
    settle(project)
    alice = client("alice")
    wrong = alice.post("/projects/demand/retire/", {"typed": "Demand", "generation": "1"})
    assert wrong.status_code == 422
    assert "That is not the project's name" in text(wrong)
    plan = alice.post("/projects/demand/retire/", {"typed": "demand", "generation": "1", "do": "preview"})
    for said in ("Nothing is removed yet", "delete Workspace", "keep Bucket", "keep Repository"):
        assert said in text(plan), said
    misspelt = alice.post("/projects/demand/retire/", {"typed": "demand", "data_typed": "demnad", "do": "retire"})
    assert misspelt.status_code == 422
    project.refresh_from_db()
    assert project.deletion_requested_at is None

    answer = alice.post("/projects/demand/retire/", {**fields(plan, holding="data_typed"), "do": "retire"})
    assert (answer.status_code, answer["Location"]) == (302, "/projects/demand/")
    project.refresh_from_db()
    assert (project.deletion_requested_at is not None, project.remove_data) == (True, False)
    page = alice.get("/projects/demand/")
    assert "Being removed" in text(page)
    assert "/edit/" not in page.content.decode()
    assert alice.get("/projects/demand/edit/").status_code == 409


def test_retiring_names_everything_that_stays_also_what_the_team_chose_to_have() -> None:
    with installed(databases=[DATABASE]):
        project = project_of(ask("demand", options={"features": {"enabled": True}}))
        settle(project)
        Resource.objects.create(project=project, kind="features", target=DATABASE["name"])
        alice = client("alice")
        said = "This stays with all that it holds: Bucket, Repository and Feature store."
        assert said in text(alice.get("/projects/demand/settings/"))
        plan = alice.post("/projects/demand/retire/", {"typed": "demand", "generation": "1", "do": "preview"})
        assert said in text(plan)
        assert "keep Feature store" in text(plan)
        alice.post("/projects/demand/retire/", {**fields(plan, holding="data_typed"), "do": "retire"})
        assert said in text(alice.get("/projects/demand/"))


def test_data_goes_only_when_the_name_was_typed_for_it() -> None:
    project = project_of(ask("demand"))
    sent = {"typed": "demand", "data_typed": "demand", "generation": "1", "do": "retire"}
    assert client("alice").post("/projects/demand/retire/", sent).status_code == 302
    project.refresh_from_db()
    assert project.remove_data is True


def test_a_retire_form_of_an_older_state_is_refused_once_and_then_knows_the_new_one() -> None:
    project = project_of(ask("demand"))
    data = {**project.spec, "plan": "medium"}
    actions.change(project, data, by=person("alice"), door=Door.API, installation=installation())
    late = client("alice").post("/projects/demand/retire/", {"typed": "demand", "generation": "1", "do": "retire"})
    assert late.status_code == 409
    assert fields(late, holding="data_typed")["generation"] == ["2"]


RETIRING = {"name": "looked-at", "because": "Somebody looks first.", "actions": ["retire"]}


def test_a_removal_that_a_person_decides_about_can_be_given_a_reason() -> None:
    project = project_of(ask("demand"))
    alice, sent = client("alice"), {"typed": "demand", "generation": "1"}
    assert "note" not in fields(alice.post("/projects/demand/retire/", sent), holding="data_typed")
    with installed(policy=[{**RETIRING, "decision": "ask"}]):
        plan = alice.post("/projects/demand/retire/", {**sent, "note": "The line is closed.", "data_typed": "demnad"})
        assert "Why is it no longer needed?" in text(plan)
        assert "Ask to retire demand" in text(plan)
        assert ">The line is closed.</textarea>" in plan.content.decode()
        answer = alice.post("/projects/demand/retire/", {**sent, "note": "The line is closed.", "do": "retire"})
    request = ProjectRequest.objects.get(action="retire")
    assert (answer["Location"], request.note) == (f"/requests/{request.pk}/", "The line is closed.")
    project.refresh_from_db()
    assert project.deletion_requested_at is None


def test_a_removal_that_a_rule_refuses_says_why_and_offers_no_button() -> None:
    ask("demand")
    with installed(policy=[{**RETIRING, "decision": "refuse"}]):
        plan = client("alice").post("/projects/demand/retire/", {"typed": "demand", "generation": "1"})
    assert "This can't be done. Rule looked-at : Somebody looks first." in text(plan)
    assert "btn-danger" not in plan.content.decode()
    assert "data_typed" not in plan.content.decode().partition("This can")[2]


def test_who_watched_a_removal_is_led_to_the_request_that_asked_for_it() -> None:
    project = project_of(ask("demand"))
    sent = {"typed": "demand", "generation": "1", "do": "retire"}
    alice = client("alice")
    alice.post("/projects/demand/retire/", sent)
    Project.objects.filter(pk=project.pk).update(deleted_at=timezone.now())
    number = ProjectRequest.objects.get(action="retire").pk
    assert alice.get("/projects/demand/live/?seen=x")["HX-Redirect"] == f"/requests/{number}/"
    assert alice.get("/projects/demand/")["Location"] == f"/requests/{number}/"
    assert "What holds its data is kept" in text(alice.get(f"/requests/{number}/"))
    assert client("charlie").get("/projects/demand/live/?seen=x").status_code == 404


# Settings


def test_settings_show_plan_options_and_facts_and_lead_to_the_one_form() -> None:
    project = project_of(ask("demand", plan="medium", options={"bucket": {"noncurrent_days": 7}}))
    settle(project)
    page = client("alice").get("/projects/demand/settings/")
    for said in ("Medium Yours", "A person decides", "Days to keep old versions: 7", "Retire this project"):
        assert said in text(page), said
    assert 'href="/projects/demand/edit/#plans"' in page.content.decode()
    assert "Made at once" in text(page)
    Team.objects.update(budget=0)
    assert "Large CPU 64 Memory" in text(page)
    assert text(client("alice").get("/projects/demand/settings/")).count("Made at once") == 1
    viewer = client("bob").get("/projects/demand/settings/")
    assert "/edit/" not in viewer.content.decode()
    assert "Retire this project" not in text(viewer)


def test_a_plan_that_what_is_used_does_not_fit_into_says_so() -> None:
    project = project_of(ask("demand", plan="medium"))
    settle(project)
    Usage.objects.create(project=project, measure="bucket", target="store-1", used=400 * 2**30, limit=500 * 2**30)
    page = text(client("alice").get("/projects/demand/settings/"))
    assert "Used most now: Bucket, 80 % of its limit." in page
    assert page.count("Too small for what is used now: Bucket") == 1
    assert "Used most now: Bucket, 80 % of its limit." in text(client("alice").get("/projects/demand/"))


def test_the_settings_ask_no_more_with_more_of_everything() -> None:
    project = project_of(ask("demand"))
    settle(project)
    with CaptureQueriesContext(connection) as queries:
        assert client("alice").get("/projects/demand/settings/").status_code == 200
    assert len(queries) <= 37, len(queries)


def test_the_platform_team_is_led_to_suspending_and_resuming_with_the_project_chosen() -> None:
    project = project_of(ask("demand"))
    settle(project)
    paula = client("paula")
    address = "/platform/actions/?project=demand&amp;action=suspend"
    assert f'href="{address}"' in paula.get("/projects/demand/settings/").content.decode()
    page = paula.get(address.replace("&amp;", "&")).content.decode()
    assert '<option value="suspend" selected>' in page
    assert re.search(r'name="project" value="demand"[^>]* checked', page)
    Project.objects.update(suspended=True)
    assert "?project=demand&amp;action=resume" in paula.get("/projects/demand/settings/").content.decode()
    Project.objects.update(spec={**project.spec, "expires": "2020-01-01"})
    page = paula.get("/projects/demand/settings/")
    assert "?project=demand&amp;action=" not in page.content.decode()
    assert "Give it a later one first, then resume it." in text(page)
    Project.objects.update(ended=True)
    page = paula.get("/projects/demand/settings/")
    assert "?project=demand&amp;action=suspend" in page.content.decode()
    assert "Once you suspend it, that no longer resumes it." in text(page)
    assert "/platform/actions/" not in client("alice").get("/projects/demand/settings/").content.decode()
    assert client("charlie").get("/projects/demand/settings/").status_code == 404
