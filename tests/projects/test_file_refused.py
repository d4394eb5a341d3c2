"""A profile.yaml that is refused is said where people look at their project, and not on the forge alone."""

import json
import re
from typing import Any

import pytest

from projects import intake
from projects.installation import installation
from projects.models import Project, RegisteredRepository
from provisioning.errors import TargetUnavailable
from tests.people import bearer, client
from tests.projects.file_door import NAME, PROFILE, PushedForge, look, opener
from tests.projects.pages import text

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("pages", "project")]

BROKEN = PROFILE + b"plan: huge\n"


@pytest.fixture
def project(forge: PushedForge, row: RegisteredRepository) -> Project:
    """Of alice's file."""
    forge.push("alice", {"profile.yaml": PROFILE})
    found = look(forge, row).project
    assert found is not None
    return found


def read() -> Any:
    return bearer("alice").get("/api/v1/projects/demand/").json()["file_refused"]


def shown(tab: str = "") -> bool:
    return "was refused, so the project stays as it was:" in text(client("alice").get(f"/projects/demand/{tab}"))


def test_a_refusal_stands_on_the_pages_and_in_the_api_until_a_push_mends_it(
    forge: PushedForge, row: RegisteredRepository
) -> None:
    assert (read(), shown()) == (None, False)
    sha = forge.push("alice", {"profile.yaml": BROKEN})
    look(forge, row)
    refused = read()
    assert (refused["repository"], refused["commit"]) == (NAME, sha)
    assert refused["why"].startswith("line 3, column 1: plan: There is no plan huge.")
    said = f"profile.yaml of commit {sha[:7]} in {NAME} was refused, so the project stays as it was: {refused['why']}"
    assert said in text(client("alice").get("/projects/demand/"))
    assert all(shown(tab) for tab in ("resources/", "people/", "settings/"))
    forge.push("alice", {"profile.yaml": PROFILE + b"plan: medium\n"})
    look(forge, row)
    assert (read(), shown()) == (None, False)


def test_of_many_faults_the_first_are_said_and_the_others_counted(
    forge: PushedForge, row: RegisteredRepository
) -> None:
    forge.push("alice", {"profile.yaml": PROFILE + b"".join(b"field-%d: 1\n" % number for number in range(500))})
    look(forge, row)
    why = read()["why"]
    assert len(why) <= 1000
    assert why.startswith("line 3, column 1: field-0:")
    assert re.search(r" … and 4\d\d more\.$", why)


def test_code_that_is_pushed_onto_a_refused_file_does_not_mend_it(
    forge: PushedForge, row: RegisteredRepository
) -> None:
    forge.push("alice", {"profile.yaml": BROKEN})
    look(forge, row)
    sha = forge.push("alice", {"train.py": b"pass\n"})
    look(forge, row)
    assert read()["commit"] == sha


def test_putting_back_what_was_there_ends_it(forge: PushedForge, row: RegisteredRepository) -> None:
    forge.push("alice", {"profile.yaml": BROKEN})
    look(forge, row)
    forge.push("alice", {"profile.yaml": PROFILE})
    look(forge, row)
    assert read() is None


def test_a_forge_that_takes_no_answer_does_not_keep_it_from_the_pages(
    forge: PushedForge, row: RegisteredRepository
) -> None:
    forge.push("alice", {"profile.yaml": BROKEN})
    forge.fail_with(TargetUnavailable("git-1 does not answer."), on="set_status")
    look(forge, row)
    assert shown()
    forge.end_failures()
    intake.read(row.pk, installation=installation(), open_client=opener(forge))
    assert shown()


def test_who_never_signed_in_is_said_too_and_forgotten_when_they_did(
    forge: PushedForge, row: RegisteredRepository
) -> None:
    forge.push("newcomer", {"profile.yaml": PROFILE + b"plan: medium\n"})
    row = look(forge, row)
    assert (row.waits_for_person, shown()) == (True, True)
    forge.push("alice", {"profile.yaml": PROFILE + b"# Mine.\nplan: medium\n"})
    row = look(forge, row)
    assert (row.waits_for_person, shown()) == (False, False)


def test_a_project_that_goes_says_nothing_of_its_file(forge: PushedForge, row: RegisteredRepository) -> None:
    forge.push("alice", {"profile.yaml": BROKEN})
    look(forge, row)
    body = json.dumps({"confirm": "demand"})
    gone = bearer("alice").delete(
        "/api/v1/projects/demand/", data=body, content_type="application/json", headers={"If-Match": "*"}
    )
    assert (gone.status_code, shown()) == (202, False)


@pytest.mark.parametrize(
    ("content", "swedish"),
    [
        (BROKEN, "rad 3, kolumn 1: plan: Det finns ingen plan huge. Välj någon av"),
        (PROFILE + b"title: [\n", "Härifrån är detta inte YAML"),
        (PROFILE + b"x: 1\nx: 2\n", "Fältet x står här en andra gång (först på rad 3). Behåll ett."),
        (PROFILE + b"options: {retrain: {schedule: '* * * * *'}}\n", "Oftare än en gång i timmen är för ofta."),
        (PROFILE + b"title: 7\n", "rad 3, kolumn 1: title: Skriv text här."),
        (PROFILE.replace(b"demand", b"supply"), "Det här repot hör till projektet demand. Behåll den slugen"),
        (PROFILE + b"".join(b"field-%d: 1\n" % number for number in range(500)), " till."),
    ],
)
def test_why_is_said_in_the_reader_s_language_and_stored_in_english(
    forge: PushedForge, row: RegisteredRepository, content: bytes, swedish: str
) -> None:
    forge.push("alice", {"profile.yaml": content})
    look(forge, row)
    page = text(client("alice", language="sv").get("/projects/demand/"))
    assert swedish in page
    english = RegisteredRepository.objects.get(pk=row.pk).refused
    assert english
    assert english not in page
    assert read()["why"] == english


def test_what_was_refused_before_its_phrase_was_kept_is_quoted(forge: PushedForge, row: RegisteredRepository) -> None:
    forge.push("alice", {"profile.yaml": BROKEN})
    look(forge, row)
    RegisteredRepository.objects.filter(pk=row.pk).update(phrases={})
    page = text(client("alice", language="sv").get("/projects/demand/"))
    assert "line 3, column 1: plan: There is no plan huge." in page
