"""A stored spec that this version can't read whole: its pages stand and say so, and nobody loses anything by it."""

from typing import Any

import pytest

from projects import actions
from projects.bot_answers import Place, answer
from projects.bot_commands import Command
from projects.errors import Unreadable
from projects.installation import installation
from projects.models import Door, Project
from projects.readable import shown_spec, unread
from tests.people import bearer, client, person
from tests.projects.pages import ask, project_of, text

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("pages")]

SPOILT: dict[str, tuple[dict[str, Any], str]] = {
    "an option that was dropped": (
        {"options": {"repository": {"approvals": 2, "colour": "red"}}},
        "options.repository",
    ),
    "a Kind that was dropped": ({"options": {"fax": {"number": 7}}}, "options.fax"),
    "data by an option that was dropped": ({"options": {"data": {"stores": ["gone"]}}}, "options.data"),
    "a field that was dropped": ({"colour": "red"}, "colour"),
    "people of another form": ({"contributors": [{"name": "alice"}]}, "contributors"),
    "options of another form": ({"options": ["bucket"]}, "options"),
    "a data store that left": (
        {"options": {"data": {"read": ["gone"], "until": "2100-01-01"}}},
        "",
    ),
}
TABS = ("", "resources/", "people/", "models/", "scorecard/", "usage/", "credentials/", "activity/", "settings/")
READ = (
    *("", "resources/", "members/", "activity/", "scorecard/", "usage/", "credentials/", "reports/", "requests/"),
    *("events/", "access/", "access/bob@corp.example/", "trainings/"),
)


@pytest.fixture(params=SPOILT.values(), ids=SPOILT.keys())
def spoilt(request: pytest.FixtureRequest) -> tuple[Project, str]:
    project = project_of(ask("demand"))
    changes, named = request.param
    Project.objects.update(spec={**project.spec, **changes})
    return Project.objects.get(), named


def test_every_page_stands_and_says_what_it_leaves_out(spoilt: tuple[Project, str]) -> None:
    project, named = spoilt
    alice = client("alice")
    for tab in TABS:
        page = alice.get(f"/projects/demand/{tab}")
        assert page.status_code == 200, tab
        said = "can't read all that is stored of this project, and shows it without: " + named
        assert (said in text(page)) is bool(named), tab
    assert unread(project) == ((named,) if named else ())
    for page in ("edit/", "people/change/", "leave/", "take-over/"):
        assert alice.get(f"/projects/demand/{page}").status_code in (200, 302, 403, 404, 409), page
    assert alice.get("/").status_code == 200


def test_the_api_answers(spoilt: tuple[Project, str]) -> None:
    project, named = spoilt
    script = bearer("alice")
    said = script.get("/api/v1/projects/demand/").json()
    assert (said["spec"], said["unread"]) == (project.spec, [named] if named else [])
    for part in READ:
        answer = script.get(f"/api/v1/projects/demand/{part}")
        assert answer.status_code == 200, (part, answer.content)


def test_the_bot_answers(spoilt: tuple[Project, str]) -> None:
    project, named = spoilt
    place = Place(project=project, address="https://slipway.example/projects/demand/", door=Door.CHAT)
    for name in ("plan", "status", "why", "compare"):
        said = answer(Command(name), place=place, person=person("alice"))
        if name == "plan":
            assert any("can't read it: " + named in line for line in said.lines) is bool(named)


def test_nobody_saves_what_was_left_out() -> None:
    project = project_of(ask("demand"))
    Project.objects.update(spec={**project.spec, "colour": "red"})
    project = Project.objects.get()
    assert shown_spec(project).plan == "small"
    body = {**project.spec, "plan": "medium"}
    body.pop("colour")
    with pytest.raises(Unreadable):
        actions.change(project, body, by=person("alice"), door=Door.API, installation=installation())
    answer = bearer("alice").put(
        "/api/v1/projects/demand/", body, content_type="application/json", headers={"If-Match": project.etag}
    )
    assert (answer.status_code, "can't be read by this version" in answer.json()["detail"]) == (409, True)
    assert Project.objects.get().spec == project.spec


def test_options_are_chosen_anew() -> None:
    project = project_of(ask("demand"))
    Project.objects.update(spec={**project.spec, "options": {"repository": {"approvals": 2, "colour": "red"}}})
    project = Project.objects.get()
    with_less = {**project.spec, "options": {"repository": {"approvals": 2}}}
    asked = actions.change(project, with_less, by=person("alice"), door=Door.API, installation=installation())
    assert asked.project is not None
    assert unread(asked.project) == ()


def test_pages_lead_to_the_form_only_where_it_opens() -> None:
    project = project_of(ask("demand"))
    alice = client("alice")
    Project.objects.update(spec={**project.spec, "options": {"repository": {"colour": "red"}}})
    page = alice.get("/projects/demand/settings/")
    assert "Choose these options anew in the settings." in text(page)
    assert 'href="/projects/demand/edit/"' in page.content.decode()
    assert alice.get("/projects/demand/edit/").status_code == 200
    Project.objects.update(spec={**project.spec, "colour": "red"})
    for path in ("", "settings/", "people/", "usage/"):
        page = alice.get(f"/projects/demand/{path}")
        assert "It can't be changed before the platform team has put that right." in text(page), path
        assert "/edit/" not in page.content.decode(), path
        assert "/people/change/" not in page.content.decode(), path
