"""A project with a profile.yaml, changed by page or API: what its next push puts back is said before and after."""

import json
from typing import Any

import pytest

from projects.models import Notice, Project, RegisteredRepository
from tests.people import bearer, client, person
from tests.projects.file_door import NAME, PROFILE, PushedForge, look
from tests.projects.pages import fields, text

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("pages")]

GENERAL = f"profile.yaml in {NAME} says what this project should be. What is changed here, the next push of that file"
BOB = b"contributors:\n- user: bob@corp.example\n  role: editor\n"


@pytest.fixture
def project(forge: PushedForge, row: RegisteredRepository) -> Project:
    """Of alice's file, with bob as editor."""
    forge.push("alice", {"profile.yaml": PROFILE + BOB})
    found = look(forge, row).project
    assert found is not None
    return found


def patch(who: str, body: Any, *, dry: bool = False) -> Any:
    path = "/api/v1/projects/demand/" + ("?dry_run=true" if dry else "")
    return bearer(who).patch(
        path, data=json.dumps(body), content_type="application/merge-patch+json", headers={"If-Match": "*"}
    )


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize("path", ["people/", "settings/", "people/change/", "edit/"])
def test_pages_where_one_changes_something_say_that_a_file_has_its_say_too(path: str) -> None:
    assert GENERAL in text(client("alice").get(f"/projects/demand/{path}"))
    assert client("charlie").get(f"/projects/demand/{path}").status_code == 404


@pytest.mark.usefixtures("project")
def test_a_preview_says_what_the_next_push_puts_back() -> None:
    path = "/projects/demand/people/change/"
    sent = fields(client("alice").get(path), holding="generation")
    review = client("alice").post(path, {**sent, "remove": "0", "do": "preview"})
    said = f"The next push of profile.yaml in {NAME} puts back what it says: bob@corp.example as editor."
    assert said in text(review)
    form = fields(client("alice").get("/projects/demand/edit/"), holding="generation")
    plan = text(client("alice").post("/projects/demand/edit/", {**form, "plan": "medium", "do": "preview"}))
    assert f"The next push of profile.yaml in {NAME} puts back what it says: plan medium to small." in plan


@pytest.mark.usefixtures("project")
def test_the_api_says_it_with_the_plan_and_with_the_answer_and_only_while_it_differs() -> None:
    said = f"The next push of profile.yaml in {NAME} puts back what it says: plan medium to small. Change the file too."
    assert patch("alice", {"plan": "medium"}, dry=True).json()["warning"] == said
    assert patch("alice", {"plan": "medium"}).json()["warning"] == said
    assert said in text(client("alice").get("/projects/demand/settings/"))
    assert patch("alice", {"plan": "small"}).json()["warning"] == ""


@pytest.mark.usefixtures("project")
def test_owners_that_a_file_may_not_even_name_are_not_listed() -> None:
    owners = [{"user": "alice@corp.example", "role": "owner"}, {"user": "paula@corp.example", "role": "owner"}]
    changed = patch("alice", {"contributors": [{"user": "bob@corp.example", "role": "editor"}, *owners]})
    assert changed.json()["warning"] == (f"The next push of profile.yaml in {NAME} puts back the owners that it names.")


def test_a_project_without_a_file_says_nothing_of_one(row: RegisteredRepository) -> None:
    person("alice")
    data = {"slug": "lanes", "team": "forecasting"}
    bearer("alice").post("/api/v1/projects/", data=json.dumps(data), content_type="application/json")
    RegisteredRepository.objects.filter(pk=row.pk).update(project=Project.objects.get())
    assert "says what this project should be" not in text(client("alice").get("/projects/lanes/people/"))
    answer = bearer("alice").patch(
        "/api/v1/projects/lanes/", data='{"plan": "medium"}', content_type="application/merge-patch+json",
        headers={"If-Match": "*"},
    )  # fmt: skip
    assert (answer.status_code, answer.json()["warning"]) == (202, "")


def test_who_comes_back_by_a_push_is_told_to_the_owners(
    forge: PushedForge, row: RegisteredRepository, project: Project
) -> None:
    patch("alice", {"contributors": [{"user": "alice@corp.example", "role": "owner"}]})
    forge.push("alice", {"profile.yaml": PROFILE + b"title: Demand\n" + BOB + b"- group: ml-users\n  role: viewer\n"})
    look(forge, row)
    project.refresh_from_db()
    subjects = [one.subject for one in project.wanted().contributors]
    assert subjects == ["bob@corp.example", "ml-users", "alice@corp.example"]
    # The group is new, so it did not come back.
    assert list(Notice.objects.filter(kind="people-back").values_list("person__username", "text")) == [
        (
            "alice@corp.example",
            "alice@corp.example pushed a profile.yaml that puts back in demand who had been taken out: "
            "bob@corp.example as editor. If that was not meant, take them out of the file.",
        )
    ]


def test_who_never_left_does_not_come_back(forge: PushedForge, row: RegisteredRepository, project: Project) -> None:
    forge.push("alice", {"profile.yaml": PROFILE + b"title: Demand\n" + BOB})
    look(forge, row)
    project.refresh_from_db()
    assert (project.title, Notice.objects.filter(kind="people-back").count()) == ("Demand", 0)
