"""Teams that the platform team makes and removes, by page and by API, and what is kept of it."""

from typing import Any

import pytest
from django.apps import apps
from django.utils import timezone

from projects.models import Project, Team
from tests.entries import group_entry
from tests.people import bearer, client, team
from tests.projects.api_calls import send
from tests.projects.pages import ask, fields, project_of, text

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("pages")]


@pytest.mark.usefixtures("staffed")
def test_the_platform_team_makes_a_team_with_a_preview_and_a_reason() -> None:
    paula = client("paula")
    assert 'href="/new-team/"' in paula.get("/teams/").content.decode()
    assert 'href="/new-team/"' not in client("alice").get("/teams/").content.decode()
    blank = fields(paula.get("/new-team/"), holding="budget")
    added = paula.post("/new-team/", {**blank, "slug": "radar", "name": "Radar", "q": "ml-vision", "do": "add"})
    wish = {**fields(added, holding="budget"), "budget": "20", "because": "It is new."}
    preview = paula.post("/new-team/", {**wish, "do": "preview"})
    for said in (
        "Team Radar, radar",
        "Budget 20 units",
        "Group ml-vision 1 person sees the team and its projects",
        "Create team radar",
    ):
        assert said in text(preview), said
    assert not Team.objects.filter(slug="radar").exists()

    done = paula.post("/new-team/", {**wish, "do": "change"})
    assert (done.status_code, done["Location"]) == (302, "/teams/radar/")
    row = Team.objects.get(slug="radar")
    assert (row.name, row.ad_groups, row.group_ids, row.budget) == (
        "Radar", ["ml-vision"], {"ml-vision": "oid-ml-vision"}, 20,
    )  # fmt: skip
    assert "paula@corp.example: made the team “It is new.”" in text(paula.get("/teams/radar/"))
    again = paula.post("/new-team/", {**wish, "do": "change"})
    assert (again.status_code, "There is a team radar already." in text(again)) == (422, True)


@pytest.mark.usefixtures("staffed")
def test_every_fault_of_a_new_team_is_said_and_a_name_that_several_groups_have_is_one() -> None:
    group_entry("ml-vision", object_id="oid-other")
    wish = {"slug": "Radar!", "name": "", "group": "ml-vision", "budget": "-1", "because": "", "do": "change"}
    page = client("paula").post("/new-team/", wish)
    assert page.status_code == 422
    for anchor in ("#team-slug", "#team-name", "#team-budget", "#team-because"):
        assert f'href="{anchor}"' in page.content.decode(), anchor
    wish = {"slug": "radar", "name": "Radar", "group": "ml-vision", "budget": "1", "because": "New.", "do": "change"}
    assert "The directory has several groups ml-vision: " in text(client("paula").post("/new-team/", wish))
    answer = send(
        bearer("paula"), "post", "/teams/", {"slug": "radar", "name": "R", "groups": ["ml-vision"], "because": "x"}
    )
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "groups.0")
    assert not Team.objects.filter(slug="radar").exists()


@pytest.mark.usefixtures("staffed")
def test_the_api_makes_a_team_and_removes_it() -> None:
    wish = {"slug": "radar", "name": "Radar", "groups": ["ml-vision"], "budget": 20, "because": "It is new."}
    group = {"name": "ml-vision", "added": True, "anew": False, "people": 1}
    said = {"team": "radar", "name": "Radar", "budget": 20, "groups": [group], "taken": 0, "free": 20}
    paula = bearer("paula")
    dry = send(paula, "post", "/teams/?dry_run=true", wish)
    assert (dry.status_code, dry.json()) == (200, {**said, "changed": False})
    assert not Team.objects.filter(slug="radar").exists()
    once = {"Idempotency-Key": "radar-1"}
    made = send(paula, "post", "/teams/", wish, headers=once)
    assert (made.status_code, made.json(), made["Location"]) == (201, {**said, "changed": True}, "/api/v1/teams/radar/")
    assert send(paula, "post", "/teams/", wish, headers=once).status_code == 201
    assert send(paula, "post", "/teams/", wish).status_code == 422

    path, why = "/teams/radar/", {"because": "Merged."}
    assert send(paula, "delete", path, why).status_code == 428
    etag = {"If-Match": send(paula, "get", path)["ETag"]}
    dry = send(paula, "delete", f"{path}?dry_run=true", why, headers=etag)
    gone_by_it = {**group, "added": False}
    assert dry.json() == {
        "team": "radar", "changed": False, "name": None, "budget": 0, "groups": [gone_by_it], "taken": 0, "free": 0,
    }  # fmt: skip
    assert send(paula, "delete", path, why, headers={"If-Match": '"another"'}).status_code == 412
    assert send(paula, "delete", path, {}, headers=etag).status_code == 422
    assert send(paula, "delete", path, why, headers=etag).json()["changed"] is True
    assert not Team.objects.filter(slug="radar").exists()


@pytest.mark.parametrize("who", ["alice", "bob", "charlie"])
def test_nobody_else_makes_or_removes_a_team(who: str) -> None:
    team("vision")
    wish = {"slug": "radar", "name": "Radar", "because": "Mine."}
    assert client(who).get("/new-team/").status_code == 403
    assert client(who).post("/new-team/", {**wish, "do": "change"}).status_code == 403
    assert send(bearer(who), "post", "/teams/", wish).status_code == 403
    for slug, status in (("forecasting", 404 if who == "charlie" else 403), ("vision", 404)):
        assert client(who).post(f"/teams/{slug}/remove/", {"typed": slug, "because": "Mine."}).status_code == status
        answer = send(bearer(who), "delete", f"/teams/{slug}/", {"because": "Mine."}, headers={"If-Match": "*"})
        assert answer.status_code == status
    assert Team.objects.count() == 2


def test_a_team_is_removed_by_its_page_once_nothing_is_its() -> None:
    row = Team.objects.create(slug="radar", name="Radar", ad_groups=["ml-radar"])
    paula, path = client("paula"), "/teams/radar/remove/"
    page = text(paula.get(path))
    assert "Group ml-radar Not in the directory." in page
    wrong = paula.post(path, {"typed": "rada", "because": "Merged."})
    assert (wrong.status_code, "Type radar to remove it." in text(wrong)) == (422, True)
    assert paula.post(path, {"typed": "radar", "because": " "}).status_code == 422
    assert Team.objects.filter(pk=row.pk).exists()
    assert paula.post(path, {"typed": "radar", "because": "Merged."}).status_code == 302
    assert not Team.objects.filter(pk=row.pk).exists()
    history: Any = apps.get_model("projects", "TeamHistory").objects
    told = history.filter(slug="radar", pgh_label="delete").get().pgh_context.metadata
    assert (told["actor"], told["because"]) == ("paula@corp.example", "Merged.")


def test_a_team_that_had_projects_or_has_a_place_in_the_catalogue_stays_and_says_why() -> None:
    radar, paula = Team.objects.create(slug="radar", name="Radar"), client("paula")

    def refused(slug: str) -> str:
        path = f"/teams/{slug}/remove/"
        answer = paula.post(path, {"typed": slug, "because": "Merged."})
        assert answer.status_code == 409
        shown, said = text(paula.get(path)), text(answer)
        api = send(bearer("paula"), "delete", f"/teams/{slug}/", {"because": "x"}, headers={"If-Match": "*"})
        assert (api.status_code, api.json()["detail"] in said, api.json()["detail"] in shown) == (409, True, True)
        return str(api.json()["detail"])

    assert "notify.forecasting-chat. Take it out there first." in refused("forecasting")
    project = project_of(ask("demand"))
    kept = "The team has or had projects, requests or consents, and what happens to them is kept with its name."
    assert refused("forecasting").startswith(kept)
    Project.objects.filter(pk=project.pk).update(team=radar, deletion_requested_at=timezone.now())
    assert refused("radar").startswith(kept)
    Project.objects.filter(pk=project.pk).update(deleted_at=timezone.now())
    assert refused("radar").startswith(kept)
    assert Team.objects.count() == 3
