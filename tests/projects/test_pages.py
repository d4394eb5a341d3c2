"""The pages as a browser without script meets them: every step of asking, watching, changing, deciding, retiring."""

import re
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from projects import actions
from projects.installation import installation
from projects.models import Decision, Door, Project, ProjectRequest, Team
from provisioning.conditions import Condition, Status
from provisioning.errors import Reason
from provisioning.kind import kinds
from provisioning.models import Event, Resource
from tests.people import client, person, team, teams

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _teams(settings: Any) -> None:
    # Tests need no collected files: names of static files stay as they are.
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = {**django_settings.STORAGES, "staticfiles": plain}
    teams()


class _Fields(HTMLParser):
    """What a browser would send of each form: hidden fields, texts, what is chosen. Buttons are pressed apart."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.forms: list[list[tuple[str, str]]] = []
        self._select: str | None = None
        self._textarea: str | None = None
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        one = {name: value or "" for name, value in attrs}
        name = one.get("name", "")
        if tag == "form":
            self.forms.append([])
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select and ("selected" in one):
            self.forms[-1].append((self._select, one.get("value", "")))
        elif tag == "textarea":
            self.forms[-1].append((name, ""))
        elif tag == "input" and name and self.forms:
            if one.get("type") in ("checkbox", "radio") and "checked" not in one:
                return
            self.forms[-1].append((name, one.get("value", "on" if one.get("type") == "checkbox" else "")))

    def handle_endtag(self, tag: str) -> None:
        if tag == "select":
            self._select = None


def fields(page: Any, *, holding: str) -> dict[str, list[str]]:
    """The fields of the form that has a field of this name, as they would be sent."""
    found = next(form for form in _Fields(page.content.decode()).forms if any(name == holding for name, _ in form))
    sent: dict[str, list[str]] = {}
    for name, value in found:
        sent.setdefault(name, []).append(value)
    return sent


def text(page: Any) -> str:
    """What one reads, without marks and double spaces."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.content.decode())).replace("&#x27;", "'")


def ask(slug: str = "demand", who: str = "alice", **changes: Any) -> actions.Asked:
    data = {"slug": slug, "team": "forecasting", **changes}
    return actions.create(data, by=person(who), door=Door.API, installation=installation())


def project_of(asked: actions.Asked) -> Project:
    assert asked.project is not None
    return asked.project


def settle(project: Project, **held: tuple[Status, Reason, str]) -> None:
    """As the engine leaves a project: every Kind available, but for those in `held`."""
    now = timezone.now()
    for name, kind in kinds().items():
        status, reason, message = held.get(name, (Status.TRUE, Reason.AVAILABLE, ""))
        ready = Condition(status, reason, message or f"{kind.title} is there", now)
        row = Resource(project=project, kind=name, target="cluster-north", applied=True, last_look=now)
        row.set_conditions(synced=Condition(status, reason, message, now), ready=ready)
        row.save()
    settled = {"observed_generation": project.generation, "next_look_at": now + timedelta(minutes=10)}
    Project.objects.filter(pk=project.pk).update(**settled, ready_at=None if held else now)


NEW = {"title": "Demand forecast", "team": "forecasting", "plan": "small"}


def press(browser: Client, do: str, **typed: Any) -> Any:
    return browser.post("/projects/new/", {**NEW, **typed, "do": do})


# Start


def test_who_has_nothing_sees_what_one_request_makes() -> None:
    page = client("alice").get("/")
    assert "Start your first project" in text(page)
    assert "slug: demand-forecast team: forecasting plan: small" in text(page)
    assert "You are in no team yet" in text(client("charlie").get("/"))


def test_the_start_page_lists_my_projects_with_word_and_reason() -> None:
    settle(project_of(ask("demand", title="Demand forecast")))
    waits = (Status.FALSE, Reason.TARGET_UNAVAILABLE, "Git answers “503, busy”.")
    settle(project_of(ask("lanes")), webhook=waits)
    settle(project_of(ask("signs")), namespace=(Status.FALSE, Reason.NAME_TAKEN, "The namespace exists."))
    page = text(client("alice").get("/"))
    for said in (
        "3 projects in 1 team",
        "Demand forecast forecasting / demand Ready",
        "lanes forecasting / lanes Working on it Git answers “503, busy”.",
        "Needs you signs needs attention The namespace exists.",
    ):
        assert said in page


def test_the_list_is_searched_filtered_and_paged_by_its_address() -> None:
    Team.objects.update(budget=1000)
    for number in range(26):
        settle(project_of(ask(f"p{number:02}")))
    paula = client("paula")
    first = paula.get("/")
    older = re.search(r'href="(\?[^"]*before=\d+)"', first.content.decode())
    assert older is not None
    assert "p25" in text(first)
    assert "forecasting / p00" not in text(first)
    assert "forecasting / p00" in text(paula.get("/" + older[1]))
    assert "forecasting / p07" in text(paula.get("/?q=p07&status=Ready"))
    assert "No project is called “p07” with status Suspended" in text(paula.get("/?q=p07&status=Suspended"))


def test_a_search_by_htmx_gets_the_rows_only_and_history_gets_the_page() -> None:
    ask("demand")
    alice = client("alice")
    part = alice.get("/?q=dem", headers={"HX-Request": "true"})
    assert part.content.lstrip().startswith(b"<table")
    assert "1 project found" in text(part)
    assert "HX-Request" in part["Vary"]
    whole = alice.get("/?q=dem", headers={"HX-Request": "true", "HX-History-Restore-Request": "true"})
    assert whole.content.startswith(b"<!doctype html>")


@pytest.mark.parametrize("who", ["alice", "paula"])
def test_the_start_page_asks_no_more_with_many_projects(who: str) -> None:
    Team.objects.update(budget=1000)
    browser = client(who)
    counts = []
    for size in (1, 12):
        for number in range(size):
            settle(project_of(ask(f"p{size}-{number}")))
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert browser.get("/").status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 18


# Asking


def test_ask_preview_create_and_the_status_page() -> None:
    alice = client("alice")
    blank = alice.get("/projects/new/")
    typed = fields(blank, holding="title")
    typed["title"], typed["add_name"] = ["Demand forecast"], ["ml-vision"]
    review = alice.post("/projects/new/", {**typed, "do": "preview"})
    assert review.status_code == 200
    page = text(review)
    for said in (
        "Nothing is made yet",
        "Made at once. Rule within-budget",
        "ml-demand-forecast",
        "forecasting/demand-forecast",
    ):
        assert said in page
    assert not Project.objects.exists()

    carried = fields(review, holding="reviewed")
    created = alice.post("/projects/new/", {**carried, "do": "create"})
    assert (created.status_code, created["Location"]) == (302, "/projects/demand-forecast/")
    project = Project.objects.get()
    assert project.spec == {
        "version": 1,
        "slug": "demand-forecast",
        "title": "Demand forecast",
        "team": "forecasting",
        "plan": "small",
        "contributors": [{"user": "alice@corp.example", "role": "owner"}, {"group": "ml-vision", "role": "editor"}],
    }
    assert ProjectRequest.objects.get().door == Door.FORM
    status = text(alice.get(created["Location"]))
    assert "Working on it" in status
    assert f"0 of {len(kinds())} ready" in status
    assert "git clone" in status


def test_back_to_the_form_keeps_what_was_typed() -> None:
    alice = client("alice")
    review = press(alice, "preview", add_name="bob@corp.example", description="Winter weeks")
    form = alice.post("/projects/new/", {**fields(review, holding="reviewed"), "do": "edit"})
    sent = fields(form, holding="title")
    assert (sent["title"], sent["subject"]) == (
        ["Demand forecast"],
        ["user:alice@corp.example", "user:bob@corp.example"],
    )
    assert "Winter weeks" in text(form)


def test_all_faults_stand_on_top_and_beside_their_fields_and_what_was_typed_stays() -> None:
    page = press(
        client("alice"), "preview", slug="kube-system", plan="small", add_name="system:masters",
        **{"options.limits.pods": "many", "options_shown": "1"},
    )  # fmt: skip
    assert page.status_code == 422
    html, said = page.content.decode(), text(page)
    assert "3 things to fix" in said
    for anchor in ("#id-slug", "#role-1", "#id-options.limits.pods"):
        assert f'href="{anchor}"' in html
    assert "1 to fix" in said
    assert fields(page, holding="title")["options.limits.pods"] == ["many"]
    assert not ProjectRequest.objects.exists()


def test_a_taken_name_says_so_and_a_second_click_on_create_leads_to_the_project() -> None:
    ask("demand-forecast", who="bob")
    refused = press(client("alice"), "create")
    assert refused.status_code == 422
    assert "demand-forecast is taken. Try demand-forecast-2." in text(refused)
    again = press(client("bob"), "create")
    assert (again.status_code, again["Location"]) == (302, "/projects/demand-forecast/")
    assert Project.objects.count() == 1


def test_who_must_ask_a_person_sees_the_plan_first_and_lands_on_the_request() -> None:
    alice = client("alice")
    review = press(alice, "create", plan="gpu")
    assert review.status_code == 200
    assert "Somebody of the platform team decides. Rule gpu-asks" in text(review)
    sent = {**fields(review, holding="reviewed"), "do": "create", "note": "Training takes 31 hours on CPU."}
    asked = alice.post("/projects/new/", sent)
    request = ProjectRequest.objects.get()
    assert (asked.status_code, asked["Location"]) == (302, f"/requests/{request.pk}/")
    assert (request.decision, request.note) == (Decision.PENDING, "Training takes 31 hours on CPU.")
    assert alice.get("/projects/demand-forecast/")["Location"] == f"/requests/{request.pk}/"
    assert "demand-forecast waits for the platform team" in text(alice.get("/"))


def test_the_live_plan_follows_the_form() -> None:
    alice = client("alice")
    empty = text(alice.post("/projects/plan/", {"title": "", "team": "forecasting", "plan": "small"}))
    assert "Give it a title or a name" in empty
    good = text(alice.post("/projects/plan/", {**NEW, "plan": "medium"}))
    assert "16 CPUs, 64 GiB memory" in good
    assert "It takes 12 of the 100 free units of forecasting" in good
    assert '"plan": "medium"' in good.replace("&quot;", '"')
    bad = text(alice.post("/projects/plan/", {**NEW, "options.bucket.quota": "600Gi"}))
    assert "Fix Size limit first. 600 GiB is more than plan small allows (200)" in bad
    assert "ml-demand-forecast on" in bad


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("title=Demand+forecast&team=vision", "demand-forecast is free. Namespace ml-demand-forecast"),
        ("slug=there", "there is taken. Try there-2."),
        ("slug=kube-system", "kube-system is reserved"),
        ("slug=Demand", "Demand can't be a name."),
        ("", "Type a title"),
    ],
)
def test_names_are_answered_while_one_types(query: str, said: str) -> None:
    ask("there")
    assert said in text(client("alice").get(f"/projects/names/?{query}"))


def test_who_is_in_no_team_is_told_so_and_nothing_is_made() -> None:
    charlie = client("charlie")
    assert "You are in no team yet" in text(charlie.get("/projects/new/"))
    refused = press(charlie, "create")
    assert (refused.status_code, Project.objects.count()) == (422, 0)
    assert "You are in no team forecasting" in text(refused)


def test_a_form_without_its_token_is_refused() -> None:
    browser = client("alice", enforce_csrf_checks=True)
    for path in ("/projects/new/", "/projects/plan/", "/projects/demand/look/", "/projects/demand/retire/"):
        assert browser.post(path, NEW).status_code == 403
    assert not ProjectRequest.objects.exists()


# One project


def test_the_board_says_of_each_resource_word_message_and_what_to_do() -> None:
    project = project_of(ask("demand", title="Demand forecast"))
    settle(
        project,
        webhook=(Status.FALSE, Reason.TARGET_UNAVAILABLE, "Git answers “503, busy”."),
        pipeline=(Status.FALSE, Reason.UNSUPPORTED, "The cluster has no Tekton Triggers."),
    )
    page = text(client("alice").get("/projects/demand/"))
    for said in (
        "Demand forecast Working on it",
        "Webhook Waiting Git answers “503, busy”. Since",
        "Nothing to do: we look again by ourselves, and nothing is lost.",
        "CI pipeline Not available The cluster has no Tekton Triggers.",
        f"{len(kinds()) - 2} of {len(kinds()) - 1} ready",
        "Asked",
        "at once, rule within-budget",
        "kubectl config set-context --current --namespace ml-demand",
        "alice@corp.example by API owner",
    ):
        assert said in page, said
    assert "TargetUnavailable" not in page
    assert "TargetUnavailable" in text(client("paula").get("/projects/demand/"))


def test_a_stranger_gets_the_same_404_as_for_nothing_on_every_page() -> None:
    ask("demand")
    charlie = client("charlie")
    for method, path in [
        ("get", "/projects/{}/"), ("get", "/projects/{}/live/"), ("get", "/projects/{}/edit/"),
        ("post", "/projects/{}/look/"), ("post", "/projects/{}/retire/"),
    ]:  # fmt: skip
        there = getattr(charlie, method)(path.format("demand"))
        missing = getattr(charlie, method)(path.format("nothing"))
        assert (there.status_code, missing.status_code) == (404, 404)
        assert _without_ids(there) == _without_ids(missing)
    number = ProjectRequest.objects.get().pk
    assert charlie.get(f"/requests/{number}/").status_code == 404


def _without_ids(page: HttpResponse) -> str:
    html = re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", page.content.decode())
    return re.sub(r"<code>\w{32}</code>", "", html)


def test_nobody_gets_in_without_signing_in() -> None:
    ask("demand")
    for path in ("/", "/projects/new/", "/projects/demand/", "/projects/demand/live/", "/requests/", "/help/"):
        answer = Client().get(path)
        assert (answer.status_code, answer["Location"]) == (302, f"/sign-in/?next={path}")


def test_the_poller_gets_what_moved_then_nothing_then_the_end() -> None:
    project = project_of(ask("demand"))
    alice = client("alice")
    page = alice.get("/projects/demand/").content.decode()
    address = re.search(r'hx-get="(/projects/demand/live/[^"]+)" hx-trigger="every 1s"', page)
    assert address is not None
    asks = address[1].replace("&amp;", "&")
    assert alice.get(asks).status_code == 204

    settle(project, webhook=(Status.FALSE, Reason.TARGET_UNAVAILABLE, "Git is away."))
    moved = alice.get(asks)
    assert moved.status_code == 200
    parts = re.findall(r'id="(\w+)"[^>]* hx-swap-oob', moved.content.decode())
    assert parts == ["strip", "board", "count", "spoken", "poll"]
    assert "Webhook: Git is away." in text(moved)

    Resource.objects.filter(project=project).delete()
    settle(project)
    end = alice.get(asks)
    assert end.status_code == 286
    assert "hx-get" not in end.content.decode()
    assert "Ready" in text(end)


def test_the_poller_slows_down_after_a_minute() -> None:
    ask("demand")
    alice = client("alice")
    since = int(timezone.now().timestamp()) - 90
    page = alice.get(f"/projects/demand/?since={since}").content.decode()
    assert 'hx-trigger="every 10s"' in page
    asks = re.search(r'hx-get="([^"]+live[^"]+)"', page)
    assert asks is not None
    quick = asks[1].replace("&amp;", "&").replace("pace=10", "pace=2")
    changed = alice.get(quick)
    assert changed.status_code == 200
    assert re.findall(r'id="(\w+)"', changed.content.decode()) == ["poll"]
    assert 'hx-trigger="every 10s"' in changed.content.decode()


def test_the_status_page_and_its_poller_ask_little() -> None:
    settle(project_of(ask("demand")))
    alice = client("alice")
    with CaptureQueriesContext(connection) as page:
        alice.get("/projects/demand/")
    with CaptureQueriesContext(connection) as poll:
        alice.get("/projects/demand/live/?seen=x&since=1&pace=10")
    assert (len(page) <= 18, len(poll) <= 10) == (True, True), (len(page), len(poll))


def test_look_again_makes_the_project_due_and_leads_back() -> None:
    project = project_of(ask("demand"))
    settle(project)
    answer = client("alice").post("/projects/demand/look/", {"kind": "bucket"})
    assert (answer.status_code, answer["Location"]) == (302, "/projects/demand/")
    project.refresh_from_db()
    assert project.next_look_at is not None
    assert project.next_look_at <= timezone.now()


def test_a_viewer_sees_neither_change_nor_look_nor_retire_and_may_not() -> None:
    owner = {"user": "alice@corp.example", "role": "owner"}
    ask("demand", contributors=[owner, {"user": "charlie@corp.example", "role": "viewer"}])
    charlie = client("charlie")
    page = charlie.get("/projects/demand/")
    assert page.status_code == 200
    for said in ("/edit/", "/look/", "/retire/"):
        assert said not in page.content.decode()
    assert charlie.get("/projects/demand/edit/").status_code == 403
    refused = charlie.post("/projects/demand/look/")
    assert refused.status_code == 403
    assert "Viewers can't ask for a look. Ask an owner or editor of the project." in text(refused)


def test_activity_tells_what_people_did_and_gathers_what_the_engine_did() -> None:
    project = project_of(ask("demand"))
    for kind in ("namespace", "bucket"):
        Event.objects.create(project=project, kind=kind, reason=Reason.AVAILABLE, message="Made x.", generation=1)
    Event.objects.create(
        project=project, kind="network", reason=Reason.DRIFTED, message="A policy is missing.", generation=1
    )
    data = {**project.spec, "plan": "medium"}
    actions.change(project, data, by=person("alice"), door=Door.FILE, installation=installation(), commit="8c1f20e" * 5)
    page = text(client("alice").get("/projects/demand/"))
    for said in (
        "Slipway made: Workspace, Bucket",
        "Network A policy is missing.",
        "alice@corp.example changed plan small to medium",
        "by profile.yaml, commit 8c1f20e, change 2, rule within-budget",
        "- plan: small + plan: medium",
    ):
        assert said in page, said


# Changing


def test_a_change_is_previewed_as_a_difference_and_made_of_the_generation_that_was_read() -> None:
    project = project_of(ask("demand", title="Demand"))
    alice = client("alice")
    form = alice.get("/projects/demand/edit/")
    sent = fields(form, holding="title")
    assert (sent["generation"], sent["plan"], sent["subject"]) == (["1"], ["small"], ["user:alice@corp.example"])
    sent["plan"] = ["medium"]
    review = alice.post("/projects/demand/edit/", {**sent, "do": "preview"})
    page = text(review)
    for said in ("- plan: small + plan: medium", "update Limits 16 CPUs", "0 delete", "Nothing restarts."):
        assert said in page, said
    carried = fields(review, holding="reviewed")
    changed = alice.post("/projects/demand/edit/", {**carried, "do": "change"})
    assert (changed.status_code, changed["Location"]) == (302, "/projects/demand/")
    project.refresh_from_db()
    assert (project.generation, project.spec["plan"], project.spec["title"]) == (2, "medium", "Demand")

    late = alice.post("/projects/demand/edit/", {**carried, "plan": "large", "do": "change"})
    assert late.status_code == 409
    assert "Somebody was faster" in text(late)
    again = fields(late, holding="title")
    assert (again["generation"], again["plan"]) == (["2"], ["large"])


def test_sending_the_same_again_changes_nothing_and_says_so() -> None:
    ask("demand")
    alice = client("alice")
    sent = fields(alice.get("/projects/demand/edit/"), holding="title")
    answer = alice.post("/projects/demand/edit/", {**sent, "do": "change"}, follow=True)
    assert "Nothing differs from what the project is already" in text(answer)
    assert ProjectRequest.objects.count() == 1


def test_faults_of_a_change_stand_beside_their_fields() -> None:
    ask("demand")
    alice = client("alice")
    sent = fields(alice.get("/projects/demand/edit/"), holding="title")
    page = alice.post("/projects/demand/edit/", {**sent, "until": ["2027-01-31"], "plan": "huge", "do": "preview"})
    assert page.status_code == 422
    assert "2 things to fix" in text(page)
    assert "There is no plan huge." in text(page)
    assert "At least one person or group must stay owner, without an end date." in text(page)


def test_removing_the_last_owner_brings_the_owners_back() -> None:
    ask("demand")
    page = client("alice").post("/projects/demand/edit/", {"plan": "small", "generation": "1", "do": "add"})
    assert fields(page, holding="title")["subject"] == ["user:alice@corp.example"]


# Retiring


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


def test_who_watched_a_removal_is_led_to_the_request_that_asked_for_it() -> None:
    project = project_of(ask("demand"))
    sent = {"typed": "demand", "generation": "1", "do": "retire"}
    alice = client("alice")
    alice.post("/projects/demand/retire/", sent)
    Project.objects.filter(pk=project.pk).update(deleted_at=timezone.now())
    number = ProjectRequest.objects.get(action="retire").pk
    assert alice.get("/projects/demand/live/?seen=x")["HX-Redirect"] == f"/requests/{number}/"
    assert alice.get("/projects/demand/")["Location"] == f"/requests/{number}/"
    assert "Its bucket and repository are kept" in text(alice.get(f"/requests/{number}/"))
    assert client("charlie").get("/projects/demand/live/?seen=x").status_code == 404


# Requests


def waiting() -> ProjectRequest:
    request = ask("demand", plan="gpu", title="Demand").request
    assert request is not None
    return request


def test_the_platform_team_reads_the_difference_and_approves() -> None:
    request = waiting()
    paula = client("paula")
    assert "1 waiting for you" in text(paula.get("/requests/"))
    page = text(paula.get(f"/requests/{request.pk}/"))
    for said in ("New project Demand", "Waits for a decision", "gpu-asks", "+ plan: gpu", "create Workspace"):
        assert said in page, said
    answer = paula.post(f"/requests/{request.pk}/approve/", {"comment": "Until the December run."})
    assert (answer.status_code, answer["Location"]) == (302, f"/requests/{request.pk}/")
    assert Project.objects.get().spec["plan"] == "gpu"
    decided = text(client("alice").get(f"/requests/{request.pk}/"))
    for said in ("Approved", "by paula@corp.example", "“Until the December run.”", "Go to the project"):
        assert said in decided, said
    again = paula.post(f"/requests/{request.pk}/approve/")
    assert (again.status_code, "approved already" in text(again)) == (409, True)


def test_a_rejection_needs_a_reason() -> None:
    request = waiting()
    paula = client("paula")
    refused = paula.post(f"/requests/{request.pk}/reject/", {"comment": " "})
    assert refused.status_code == 422
    assert "Say why, so that the team knows what to change." in text(refused)
    assert paula.post(f"/requests/{request.pk}/reject/", {"comment": "No GPU is free."}).status_code == 302
    assert "“No GPU is free.”" in text(client("alice").get(f"/requests/{request.pk}/"))


def test_only_others_of_the_platform_team_decide_and_who_asked_may_withdraw() -> None:
    request = waiting()
    alice = client("alice")
    page = alice.get(f"/requests/{request.pk}/").content.decode()
    assert "/approve/" not in page
    assert "/withdraw/" in page
    assert alice.post(f"/requests/{request.pk}/approve/").status_code == 403
    assert client("bob").post(f"/requests/{request.pk}/withdraw/").status_code == 403
    assert alice.post(f"/requests/{request.pk}/withdraw/").status_code == 302
    request.refresh_from_db()
    assert request.decision == Decision.WITHDRAWN


def test_requests_are_listed_by_tab() -> None:
    waiting()
    ask("other", who="bob")
    listed = {
        (who, shows): sorted(re.findall(r'class="sw-name" href="/requests/\d+/">([^<]+)<', page.content.decode()))
        for who in ("alice", "bob", "charlie", "paula")
        for shows in ("waiting", "mine", "all")
        for page in [client(who).get(f"/requests/?show={shows}")]
    }
    both, demand, other = ["New project Demand", "New project other"], ["New project Demand"], ["New project other"]
    assert listed == {
        ("alice", "waiting"): demand, ("alice", "mine"): demand, ("alice", "all"): both,
        ("bob", "waiting"): demand, ("bob", "mine"): other, ("bob", "all"): both,
        ("charlie", "waiting"): [], ("charlie", "mine"): [], ("charlie", "all"): [],
        ("paula", "waiting"): demand, ("paula", "mine"): [], ("paula", "all"): both,
    }  # fmt: skip


# Frame


def test_what_people_typed_never_becomes_markup() -> None:
    evil = '<img src=x onerror="alert(1)">'
    settle(project_of(ask("demand", title=evil, description=evil)))
    alice = client("alice")
    for path in ("/", "/projects/demand/", "/projects/demand/edit/", f"/?q={evil}", "/requests/"):
        assert b"<img" not in alice.get(path).content, path


def test_no_page_has_inline_script_style_or_handlers() -> None:
    settle(project_of(ask("demand")))
    request = ProjectRequest.objects.get().pk
    pages = [
        "/",
        "/projects/new/",
        "/projects/demand/",
        "/projects/demand/edit/",
        "/requests/",
        f"/requests/{request}/",
        "/help/",
    ]
    for path in pages:
        html = client("alice").get(path).content.decode()
        assert re.search(r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son[a-z]+=", html) is None, path
    door = Client().get("/sign-in/").content.decode()
    assert re.search(r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son[a-z]+=", door) is None


def test_the_name_of_an_unlisted_team_is_not_offered() -> None:
    team("vision")
    assert "vision (" not in text(client("alice").get("/projects/new/"))
    assert "vision (60 units free)" in text(client("paula").get("/projects/new/"))
