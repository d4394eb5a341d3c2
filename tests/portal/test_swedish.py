"""Pages in Swedish: every text of theirs is, and nothing that programs read or that is stored ever is."""

import html
import json
import re
from functools import cache
from typing import Any

import pytest
from django.test import Client
from django.utils import translation
from django.utils.formats import localize

from portal import translations
from portal.models import User
from projects import bulk
from projects.bulk import Wanted
from projects.installation import installation
from projects.models import BulkItem, BulkRun, Door, Project, ProjectRequest
from projects.platform_board import said as amount
from provisioning.conditions import Status
from provisioning.errors import Reason
from provisioning.kind import kinds
from tests.people import bearer, client, person, teams
from tests.projects.pages import ask, project_of, settle

pytestmark = pytest.mark.django_db
CLOSED = "Closed, except for DNS, this workspace, the platform"
FREE = (Status.FALSE, Reason.NAME_TAKEN, "b-demand exists and is not this project's.")


@pytest.fixture(autouse=True)
def _teams() -> None:
    teams()


def swedish(who: str) -> Client:
    """Somebody who chose Swedish."""
    return client(who, language="sv")


@cache
def known() -> tuple[tuple[str, str, str], ...]:
    """Every text with its translation and the file it stands in; of a text with a plural, the singular."""
    catalog = translations.read("sv")
    found = []
    for message, context, path in translations.found():
        one = message if isinstance(message, str) else message[0]
        said = catalog.get(one, context)
        if said is not None:
            found.append((one, said.string if isinstance(said.string, str) else said.string[0], path))
    return tuple(found)


def texts_of(page: Any) -> set[str]:
    """English texts of the templates that this page was made of, as they would stand in it, long enough to be told."""
    used = {f"templates/{one.name}" for one in page.templates if one.name}
    found = {one.replace("%%", "%") for one, said, path in known() if path in used and one != said}
    parts = {part for one in found for part in re.split(r"%\(\w+\)s|<code>.*?</code>|<[^>]*>", one)}
    return {part for part in parts if len(part) > 10}


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/help/",
        "/account/",
        "/account/notices/",
        "/account/notifications/",
        "/projects/new/",
        "/projects/demand/",
        "/projects/demand/resources/",
        "/projects/demand/people/",
        "/projects/demand/people/change/",
        "/projects/demand/usage/",
        "/projects/demand/credentials/",
        "/projects/demand/activity/",
        "/projects/demand/settings/",
        "/projects/demand/edit/",
        "/teams/",
        "/teams/forecasting/",
        "/teams/forecasting/edit/",
        "/requests/",
        "/requests/stand-ins/",
        "/platform/",
        "/platform/stuck/",
        "/platform/drift/",
        "/platform/actions/",
        "/platform/actions/runs/",
        "/platform/see-as/",
        "/platform/access/?q=alice@corp.example",
        "/platform/announcements/",
        "/platform/announcements/new/",
    ],
)
def test_no_text_of_a_page_stays_english(path: str) -> None:
    settle(project_of(ask()), bucket=FREE)
    page = swedish("paula").get(path)
    assert page.status_code == 200
    shown = html.unescape(page.content.decode())
    assert '<html lang="sv"' in shown
    assert len(texts_of(page)) > 3
    assert [text for text in texts_of(page) if text in shown] == []


def test_names_of_kinds_options_roles_and_words_are_translated() -> None:
    settle(project_of(ask()))
    alice = swedish("alice")
    form = alice.get("/projects/new/").content.decode()
    assert "Dagar att behålla gamla versioner" in form
    assert "Days to keep" not in form
    project = alice.get("/projects/demand/").content.decode()
    assert all(word in project for word in ("Klar", "Arbetsyta", "ägare"))


def test_faults_of_a_form_are_swedish() -> None:
    typed = {"title": "", "slug": "9-lives", "team": "forecasting", "plan": "small", "do": "preview", "expires": "soon"}
    page = html.unescape(swedish("alice").post("/projects/new/", typed).content.decode())
    assert "Börja med en bokstav, sedan små bokstäver" in page
    assert "Skriv ett datum som 2027-06-30." in page


def test_what_a_kind_refuses_is_swedish_with_its_figures() -> None:
    typed = {"title": "Lanes", "slug": "lanes", "team": "forecasting", "plan": "small", "do": "preview"}
    options = {
        "options.bucket.quota": "600Gi",
        "options.limits.memory": "lots",
        "options.retrain.schedule": "* * * * *",
    }
    page = html.unescape(swedish("alice").post("/projects/new/", {**typed, **options}).content.decode())
    assert "'lots' är ingen mängd. Skriv ett tal med enhet, till exempel 4, 500m eller 16Gi." in page
    del options["options.limits.memory"]
    page = html.unescape(swedish("alice").post("/projects/new/", {**typed, **options}).content.decode())
    assert "600 GiB är mer än planen small tillåter (200). Ange 200 eller mindre, eller välj planen large." in page
    assert "Oftare än en gång i timmen är för ofta." in page


def test_what_a_kind_makes_is_said_in_swedish_before_and_after_it_is_there() -> None:
    alice = swedish("alice")
    typed = {"title": "Lanes", "slug": "lanes", "team": "forecasting", "plan": "small", "do": "preview"}
    plan = html.unescape(alice.post("/projects/new/", typed).content.decode())
    assert "gamla versioner sparas 30 dagar" in plan
    assert "4 CPU:er, 16 GiB minne, ingen GPU, 20 poddar, 100 GiB lagring" in plan
    project = project_of(ask())
    settle(project)
    project.resources.filter(kind="network").update(ready_message=CLOSED)
    page = html.unescape(alice.get("/projects/demand/resources/").content.decode())
    # On the board, and above the objects it is made of.
    assert page.count("Stängt, utom för DNS, den här arbetsytan och plattformen") == 2
    assert CLOSED not in page
    reach = html.unescape(alice.get("/projects/demand/people/").content.decode())
    assert "köra och rensa allt, läsa Secrets" in reach


def test_what_stands_in_a_row_is_shown_as_it_was_found_when_the_wish_says_something_else() -> None:
    project = project_of(ask())
    settle(project)
    project.resources.filter(kind="network").update(ready_message="Found in another way")
    page = swedish("alice").get("/projects/demand/resources/").content.decode()
    assert "Found in another way" in page


def test_programs_read_the_same_bytes_whatever_the_browser_speaks() -> None:
    settle(project_of(ask()), bucket=FREE)
    calls: list[tuple[str, str, dict[str, Any] | None]] = [
        ("get", "/api/v1/projects/demand/", None),
        ("get", "/api/v1/projects/demand/resources/", None),
        ("get", "/api/v1/projects/demand/activity/", None),
        ("get", "/api/v1/projects/demand/people/", None),
        ("get", "/api/v1/projects/demand/usage/", None),
        ("get", "/api/v1/requests/", None),
        ("get", "/api/v1/projects/missing/", None),
        ("get", "/?format=json", None),
        ("get", "/requests/?format=csv", None),
        ("get", "/projects/demand/activity/?format=csv", None),
        ("get", "/projects/demand/credentials/?format=csv", None),
        ("get", "/projects/demand/people/?format=json", None),
        ("get", "/projects/demand/resources/?format=json", None),
        ("get", "/projects/demand/scorecard/?format=json", None),
        ("get", "/projects/demand/usage/?format=csv", None),
        ("post", "/api/v1/projects/?dry_run=true", {"slug": "9-lives", "team": "nobody", "plan": "huge", "more": 1}),
        ("post", "/api/v1/projects/?dry_run=true", {"slug": "lanes", "team": "forecasting"}),
    ]
    for method, path, body in calls:
        answers = []
        for language in ("en-GB", "sv"):
            browser = bearer("alice") if path.startswith("/api/") else client("alice")
            browser.cookies["language"] = "" if language == "en-GB" else "sv"
            more = {"data": json.dumps(body), "content_type": "application/json"} if body else {}
            answer = getattr(browser, method)(path, headers={"Accept-Language": language}, **more)
            content = b"".join(answer.streaming_content) if answer.streaming else answer.content
            answers.append((answer.status_code, re.sub(rb'"request_id":\s?"[^"]*"', b"", content)))
        assert answers[0] == answers[1], path


def test_a_copy_button_brings_the_words_that_its_script_says() -> None:
    page = swedish("alice").get("/projects/new/").content.decode()
    (button,) = re.findall(r'<button[^>]* data-copy="as-file".*?</button>', page)
    for said in (
        'data-word="Kopiera" data-copied="Kopierat" data-failed="Markera och kopiera"',
        'data-about="som profile.yaml"',
        'aria-label="Kopiera: som profile.yaml"',
        "<span>Kopiera</span>",
    ):
        assert said in button
    script = (translations.ROOT / "static" / "slipway.js").read_text()
    assert [word for word in ('"Copied', '"Select', '"Copy') if word in script] == []


def test_what_is_stored_is_english_whoever_caused_it() -> None:
    typed = {"title": "Demand", "slug": "demand", "team": "forecasting", "plan": "gpu", "do": "create", "reviewed": "1"}
    assert swedish("alice").post("/projects/new/", typed).status_code == 302
    asked = ProjectRequest.objects.get()
    assert "GPU" in asked.because or "person" in asked.because
    settle(project_of(ask("lanes")))
    with translation.override("sv"):
        run = bulk.draft(
            Wanted(action="suspend", because="Night work."),
            list(Project.objects.prefetch_related("resources", "skipped_kinds")),
            by=person("paula"),
            door=Door.FORM,
            installation=installation(),
        )
    assert [one.foreseen for one in BulkItem.objects.filter(run=run)] == [
        "Nobody looks at it and nothing is repaired until it is resumed."
    ]


def run_of(action: str, *projects: Project, **more: str) -> BulkRun:
    """A run of the platform team, previewed by somebody who reads Swedish."""
    with translation.override("sv"):
        return bulk.draft(
            Wanted(action=action, because="Night work.", **more),
            list(Project.objects.filter(pk__in=[one.pk for one in projects]).prefetch_related("resources")),
            by=person("paula"),
            door=Door.FORM,
            installation=installation(),
        )


@pytest.mark.parametrize(
    ("action", "more", "foreseen", "came"),
    [
        ("look", {}, "Allt är genomgånget. 0 av dess resurser är inte som de ska.", "På tur nu."),
        ("retry", {"kind": "bucket"}, "Vi försöker genast igen med Bucket. Den är som den ska.", "På tur nu."),
        ("suspend", {}, "Ingen ser till det och inget lagas förrän det återupptas.", "Vilar."),
        ("resume", {}, "Det vilar inte.", "Det vilar inte."),
        (
            "skip",
            {"kind": "webhook"},
            "Webhook lämnas i fred tills någon avslutar det. Den är som den ska.",
            "Överhoppad.",
        ),
        ("unskip", {"kind": "webhook"}, "Webhook är inte överhoppad.", "Webhook är inte överhoppad."),
        ("plan", {"plan": "small"}, "Det har redan planen small.", "Det har redan planen small."),
        ("plan", {"plan": "gpu"}, "Från planen small till gpu: ", "Regel gpu-asks: "),
    ],
)
def test_what_a_run_would_do_and_what_came_of_it_is_swedish(
    action: str, more: dict[str, str], foreseen: str, came: str
) -> None:
    project = project_of(ask())
    settle(project)
    run = run_of(action, project, **more)
    paula = swedish("paula")
    path = f"/platform/actions/{run.pk}/"
    page = html.unescape(paula.get(path).content.decode())
    assert foreseen in page
    item = BulkItem.objects.get(run=run)
    assert item.foreseen not in page
    assert not [line for line in item.changes if line.startswith("update") and line in page]
    bulk.start(run, by=person("paula"), door=Door.FORM)
    while bulk.step(run.pk, installation=installation()):
        pass
    item.refresh_from_db()
    page = html.unescape(paula.get(path).content.decode())
    assert came in page
    assert not item.message or item.message not in page


def test_why_a_run_refused_a_project_or_stands_still_is_swedish() -> None:
    project = project_of(ask())
    settle(project)
    run = run_of("plan", project, plan="medium")
    Project.objects.filter(pk=project.pk).update(generation=9)
    bulk.start(run, by=person("paula"), door=Door.FORM)
    assert bulk.step(run.pk, installation=installation())
    page = html.unescape(swedish("paula").get(f"/platform/actions/{run.pk}/").content.decode())
    assert "demand was changed" in BulkItem.objects.get(run=run).message
    assert "demand ändrades under tiden" in page
    assert "demand was changed" not in page
    BulkRun.objects.filter(pk=run.pk).update(said=bulk.left_the_team(run))
    page = html.unescape(swedish("paula").get(f"/platform/actions/{run.pk}/").content.decode())
    assert "paula@corp.example är inte längre i plattformsteamet" in page


def test_numbers_and_days_follow_the_language() -> None:
    with translation.override("sv"):
        assert (localize(1234567), localize(0.5)) == ("1\xa0234\xa0567", "0,5")
        assert amount(1.5, "s") == "1,5 s"
        assert kinds()["bucket"].title == "Bucket"
    assert User.objects.count() == 0
