"""The pages of one project: is it ready, what is it made of, what happened; and what keeps them fresh."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from projects import actions
from projects.installation import installation
from projects.models import Decision, Door, Project, ProjectRequest
from projects.presentation import wish_of
from projects.today import today
from provisioning.conditions import Status
from provisioning.errors import Reason
from provisioning.models import Event, Resource
from tests.people import client, person
from tests.projects.asking import leads_decide
from tests.projects.pages import ask, project_of, settle, text
from tests.usual import usual_kinds

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("pages")]


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
        f"{len(usual_kinds()) - 2} of {len(usual_kinds()) - 1} ready",
        "Asked",
        "at once, rule within-budget",
        "kubectl config use-context ml-demand",
        "alice@corp.example by API owner",
    ):
        assert said in page, said
    assert "TargetUnavailable" not in page
    assert "TargetUnavailable" in text(client("paula").get("/projects/demand/"))


def test_a_stranger_gets_the_same_404_as_for_nothing_on_every_page() -> None:
    ask("demand")
    charlie = client("charlie")
    for method, path in [
        ("get", "/projects/{}/"), ("get", "/projects/{}/live/"), ("get", "/projects/{}/resources/"),
        ("get", "/projects/{}/people/"), ("get", "/projects/{}/activity/"), ("get", "/projects/{}/settings/"),
        ("get", "/projects/{}/edit/"),
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
    elsewhere = alice.get("/projects/demand/live/?tab=people&seen=x")
    assert re.findall(r'id="(\w+)"[^>]* hx-swap-oob', elsewhere.content.decode()) == ["word", "spoken", "poll"]

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
    assert (len(page) <= 19, len(poll) <= 10) == (True, True), (len(page), len(poll))


def test_look_again_makes_the_project_due_and_leads_back() -> None:
    project = project_of(ask("demand"))
    settle(project)
    answer = client("alice").post("/projects/demand/look/", {"kind": "bucket", "tab": "resources"})
    assert (answer.status_code, answer["Location"]) == (302, "/projects/demand/resources/")
    project.refresh_from_db()
    assert project.next_look_at is not None
    assert project.next_look_at <= timezone.now()


def test_a_viewer_sees_neither_change_nor_look_nor_retire_and_may_not() -> None:
    owner = {"user": "alice@corp.example", "role": "owner"}
    ask("demand", contributors=[owner, {"user": "charlie@corp.example", "role": "viewer"}])
    charlie = client("charlie")
    for tab in ("", "resources/", "people/", "activity/", "settings/"):
        page = charlie.get(f"/projects/demand/{tab}")
        assert page.status_code == 200
        for said in ("/edit/", "/look/", "/retire/"):
            assert said not in page.content.decode(), tab
    assert charlie.get("/projects/demand/edit/").status_code == 403
    refused = charlie.post("/projects/demand/look/")
    assert refused.status_code == 403
    assert "Viewers from outside the team can't ask for a look. Ask an owner or editor of the project." in text(refused)


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
        "Network: A policy is missing.",
        "alice@corp.example changed plan small to medium",
        "by profile.yaml, commit 8c1f20e, change 2, rule within-budget",
        "- plan: small + plan: medium",
    ):
        assert said in page, said


def test_the_resources_page_says_of_each_since_when_and_lets_one_look_at_each() -> None:
    project = project_of(ask("demand"))
    settle(project, webhook=(Status.FALSE, Reason.TARGET_UNAVAILABLE, "Git is away."))
    alice = client("alice")
    page = alice.get("/projects/demand/resources/")
    for name, kind in usual_kinds().items():
        assert f'id="look-{name}"' in page.content.decode()
        assert f"Look again at {kind.title}" in text(page)
    assert "Webhook Waiting Git is away." in text(page)
    parts = alice.get("/projects/demand/live/?tab=resources&seen=x")
    assert 'id="look-webhook"' in parts.content.decode()


@pytest.mark.parametrize("tab", ["", "resources/", "people/", "activity/", "settings/"])
def test_every_tab_names_its_page_and_says_what_is_the_matter(tab: str) -> None:
    project = project_of(ask("demand"))
    settle(project)
    alice = client("alice")
    quiet = alice.get(f"/projects/demand/{tab}").content.decode()
    assert re.findall(r'href="([^"]+)" aria-current="page">', quiet.partition('class="sw-tabs"')[2]) == [
        f"/projects/demand/{tab}"
    ]
    assert "sw-note" not in quiet
    data = {**project.spec, "plan": "gpu"}
    actions.change(project, data, by=person("alice"), door=Door.API, installation=installation())
    actions.suspend(project, by=person("paula"), door=Door.API, suspended=True, because="Night work.")
    page = text(alice.get(f"/projects/demand/{tab}"))
    assert "The platform team suspended it" in page
    assert re.search("By paula@corp.example since [^“]+: “Night work.”", page)
    assert "alice@corp.example asked for a change. It waits for the platform team; until then" in page
    Project.objects.filter(pk=project.pk).update(spec={**project.spec, "expires": "2026-01-31"})
    late = text(alice.get(f"/projects/demand/{tab}"))
    assert "The platform team suspended it" in late
    assert "Its last day was 2026-01-31: before it can be resumed it needs a later end date." in late
    Project.objects.filter(pk=project.pk).update(ended=True)
    assert "Its last day was 2026-01-31, so we stopped looking after it." in text(alice.get(f"/projects/demand/{tab}"))
    Project.objects.filter(pk=project.pk).update(deletion_requested_at=timezone.now())
    gone = text(alice.get(f"/projects/demand/{tab}"))
    assert "This project is being removed. This stays with all that it holds: Bucket and Repository." in gone
    assert "/edit/" not in gone


def test_a_project_says_who_decides_about_the_change_that_waits_or_that_it_waits_for_who_asked() -> None:
    project = project_of(ask("demand"))
    data = {**project.spec, "plan": "gpu"}
    with leads_decide():
        actions.change(project, data, by=person("alice"), door=Door.API, installation=installation())
    page = text(client("bob").get("/projects/demand/"))
    assert "asked for a change. It waits for the platform team or ml-leads; until then everything stays" in page
    ProjectRequest.objects.filter(decision=Decision.PENDING).update(asked_back_at=timezone.now())
    page = text(client("bob").get("/projects/demand/"))
    assert "asked for a change. Changes were asked for. It waits for alice@corp.example; until then" in page


def test_the_resources_page_names_every_object_and_never_what_is_secret() -> None:
    project = project_of(ask("demand"))
    settle(project)
    page = text(client("alice").get("/projects/demand/resources/"))
    for said in (
        "Secret/bucket-credentials its content is never shown",
        "RoleBinding/slipway-owners",
        "Must not be there: RoleBinding/slipway-editors",
        "bucket/ml-demand",
    ):
        assert said in page, said
    wish = wish_of(project, installation=installation())
    assert wish is not None
    assert wish.secret("bucket") not in page


def test_the_overview_says_what_needs_somebody_and_that_the_end_is_near() -> None:
    soon = today() + timedelta(days=9)
    project = project_of(ask("demand", expires=soon.isoformat()))
    settle(project, namespace=(Status.FALSE, Reason.NAME_TAKEN, "The namespace exists."))
    owner = text(client("alice").get("/projects/demand/"))
    for said in (
        "Needs you Workspace: The namespace exists. Ask the platform team to free the name",
        "It ends soon: After",
        "Set a later end date, or retire the project.",
    ):
        assert said in owner, said
    assert "Ask an owner for a later end date." in text(client("bob").get("/projects/demand/"))
    quiet = project_of(ask("lanes"))
    settle(quiet)
    assert "Needs you" not in text(client("alice").get("/projects/lanes/"))


def test_a_project_that_rests_with_all_it_has_is_not_said_to_be_in_the_making() -> None:
    whole, held = project_of(ask("demand")), project_of(ask("lanes"))
    settle(whole)
    settle(held, webhook=(Status.FALSE, Reason.TARGET_UNAVAILABLE, "Git is away."))
    for project in (whole, held):
        actions.suspend(project, by=person("paula"), door=Door.API, suspended=True, because="Night work.")
    page = text(client("alice").get("/projects/demand/"))
    assert "when it is resumed" not in page
    assert "when the last one is" not in page
    assert "when it is resumed" in text(client("alice").get("/projects/lanes/"))
