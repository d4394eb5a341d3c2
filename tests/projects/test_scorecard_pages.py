"""Who reads the scorecard: of a project on its page, of the fleet with the platform team, over the API and in files."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from projects.models import Project, Scorecard
from projects.scorecard_tasks import judge_fleet
from provisioning.conditions import Status
from provisioning.errors import Reason
from provisioning.models import Resource
from tests.people import bearer, client, teams
from tests.projects.tended import World, asked

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("pages")]


@pytest.fixture
def project(world: World, nothing_remembered: None) -> Project:
    return asked(options={"repository": {"approvals": 2, "model_gate": "required"}}, environment="test")


def test_the_page_says_each_rule_and_where_it_is_put_right(project: Project) -> None:
    Resource.objects.update_or_create(
        project=project,
        kind="repository_access",
        defaults={"target": "git-1", "observed_generation": project.generation, "synced_status": Status.TRUE},
    )
    page = " ".join(client("alice").get("/projects/demand/scorecard/").content.decode().split())
    assert page.count("not known yet") >= 6
    assert '<h2 id="collaboration">Collaboration</h2><span class="sw-meta">1 of 3</span>' in page
    assert "A pull request needs 2 approvals." in page
    assert (
        '<a href="/projects/demand/people/">Go to People<span class="visually-hidden">: Two owners</span></a>' in page
    )
    Resource.objects.update(synced_status=Status.FALSE, synced_reason=Reason.DRIFTED)
    drifted = " ".join(client("alice").get("/projects/demand/scorecard/").content.decode().split())
    assert 'demand/resources/">Go to Resources<span class="visually-hidden">: Changes are reviewed</span>' in drifted
    Resource.objects.update(synced_status=Status.TRUE)
    assert client("charlie").get("/projects/demand/scorecard/").status_code == 404
    told = bearer("alice").get("/api/v1/projects/demand/scorecard/").json()["pillars"]
    assert [(one["name"], one["held"]) for one in told][3] == ("collaboration", 1)
    assert told[3]["rules"][1] == {
        "name": "reviewed",
        "title": "Changes are reviewed",
        "mark": "yes",
        "says": "A pull request needs 2 approvals.",
        "do": "",
    }


def test_the_fleet_is_judged_in_rounds_and_narrowed_by_rule(project: Project) -> None:
    team = teams()["vision"]
    Project.objects.create(slug="lane", team=team, spec={"slug": "lane", "team": "vision", "plan": "small"})
    Project.objects.create(
        slug="gone",
        team=team,
        spec={"slug": "gone", "team": "vision", "plan": "small"},
        deletion_requested_at=timezone.now(),
    )
    Project.objects.create(slug="old", team=team, spec={"slug": "old", "team": "vision", "nobody": "reads this"})
    judge_fleet()
    judge_fleet()
    assert {card.project.slug for card in Scorecard.objects.all()} == {"demand", "lane", "old"}
    page = " ".join(client("paula").get("/platform/scorecard/?rule=reviewed&mark=no").content.decode().split())
    assert "Changes are reviewed: no" in page
    assert "/projects/lane/scorecard/" in page
    assert "/projects/demand/scorecard/" not in page
    assert client("alice").get("/platform/scorecard/").status_code == 404
    told = bearer("paula").get("/api/v1/platform/scorecard/?team=forecasting").json()
    (rule,) = (one for one in told["rules"] if one["name"] == "reviewed")
    assert (rule["yes"], rule["no"], rule["unknown"]) == (0, 2, 1)
    assert [(one["project"], one["marks"]["reviewed"]) for one in told["items"]] == [("demand", "unknown")]
    assert "?rule=reviewed&amp;mark=no&amp;format=csv" in page
    assert timezone.now() - Scorecard.objects.get(project=project).judged_at < timedelta(minutes=1)


def test_a_file_of_the_fleet_is_narrowed_as_the_page_is(project: Project) -> None:
    Project.objects.create(
        slug="lane", team=teams()["vision"], spec={"slug": "lane", "team": "vision", "plan": "small"}
    )
    judge_fleet()
    paula = client("paula")

    def listed(query: str) -> list[str]:
        answer = paula.get(f"/platform/scorecard/?format=json&{query}")
        return [one["project"] for one in json.loads(answer.getvalue())["items"]]

    assert listed("") == ["lane", "demand"]
    assert listed("team=vision") == ["lane"]
    assert listed("sort=name") == ["demand", "lane"]
    assert listed("sort=-name") == ["lane", "demand"]
    page = paula.get("/platform/scorecard/?sort=name&team=vision").content.decode()
    assert '<input type="hidden" name="sort" value="name">' in page
    assert listed("rule=reviewed&mark=no") == ["lane"]
    assert listed("rule=reviewed&mark=unknown&team=vision") == []
    rules = json.loads(paula.get("/platform/scorecard/?list=rules&format=json").getvalue())["items"]
    assert {"rule": "reviewed", "title": "Changes are reviewed", "yes": 0, "no": 1, "unknown": 1} in rules
    assert 'href="?list=rules&amp;format=csv"' in page
    rows = paula.get("/platform/scorecard/?format=csv&team=vision").getvalue().decode().splitlines()
    assert rows[0].lstrip("\ufeff").startswith("project,team,judged_at,data-pinned,")
    assert [row.split(",")[:2] for row in rows[1:]] == [["lane", "vision"]]
    assert client("alice").get("/platform/scorecard/?format=csv").status_code == 404
