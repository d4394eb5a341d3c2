"""The pages that ask, as a browser without script meets them: form, live plan, preview, create, change."""

import re
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from projects.models import Decision, Door, Project, ProjectRequest, TargetUsage, Team
from tests.people import client
from tests.projects.asking import leads_decide
from tests.projects.pages import NEW, ask, fields, press, project_of, settle, text
from tests.projects.tended import installed
from tests.usual import usual_kinds

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("pages")]


def test_ask_preview_create_and_the_status_page() -> None:
    alice = client("alice")
    blank = alice.get("/projects/new/")
    typed = fields(blank, holding="title")
    typed["title"], typed["q"] = ["Demand forecast"], ["ml-vision"]
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
    assert f"0 of {len(usual_kinds())} ready" in status
    assert "git clone" in status


def test_back_to_the_form_keeps_what_was_typed() -> None:
    alice = client("alice")
    review = press(alice, "preview", q="bob@corp.example", description="Winter weeks")
    form = alice.post("/projects/new/", {**fields(review, holding="reviewed"), "do": "edit"})
    sent = fields(form, holding="title")
    assert (sent["title"], sent["subject"]) == (
        ["Demand forecast"],
        ["user:alice@corp.example", "user:bob@corp.example"],
    )
    assert "Winter weeks" in text(form)


def test_all_faults_stand_on_top_and_beside_their_fields_and_what_was_typed_stays() -> None:
    page = press(
        client("alice"), "preview", slug="kube-system", plan="small", q="system:masters",
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
    with leads_decide():
        review = press(alice, "create", plan="gpu")
        assert "Somebody of the platform team or ml-leads decides. Rule gpu-asks" in text(review)
        asked = alice.post("/projects/new/", sent)
    request = ProjectRequest.objects.get()
    assert (asked.status_code, asked["Location"]) == (302, f"/requests/{request.pk}/")
    assert (request.decision, request.note) == (Decision.PENDING, "Training takes 31 hours on CPU.")
    assert alice.get("/projects/demand-forecast/")["Location"] == f"/requests/{request.pk}/"
    assert "Demand forecast waits for the platform team or ml-leads" in text(alice.get("/"))
    page = text(alice.get(f"/requests/{request.pk}/"))
    assert "Somebody of the platform team or ml-leads decides, nobody about their own. Nothing is made before" in page
    assert "ml-leads beslutar" in text(alice.get(f"/requests/{request.pk}/", headers={"Accept-Language": "sv"}))


def decides(page: Any) -> dict[str, str]:
    """What each plan's card says of who decides."""
    return dict(re.findall(r'id="decides-(\w+)"[^>]*>([^<]*)<', page.content.decode()))


def test_cards_of_plans_say_of_the_chosen_team_what_the_live_plan_says() -> None:
    alice = client("alice")
    at_once = {
        "small": "Made at once",
        "medium": "Made at once",
        "large": "A person decides",
        "gpu": "A person decides",
    }
    assert decides(alice.get("/projects/new/")) == at_once
    assert decides(alice.post("/projects/plan/", {**NEW, "title": ""})) == at_once
    assert decides(alice.post("/projects/plan/", {**NEW, "team": ""})) == dict.fromkeys(at_once, "")
    assert decides(alice.post("/projects/plan/", {**NEW, "team": "vision"})) == dict.fromkeys(at_once, "")
    Team.objects.update(budget=4)
    only_small = {**dict.fromkeys(at_once, "A person decides"), "small": "Made at once"}
    answer = alice.post("/projects/plan/", {**NEW, "plan": "medium"})
    assert decides(answer) == decides(press(alice, "add")) == only_small
    assert "Rule over-budget-asks" in text(answer)
    # Of a project's own units, those that it has already don't count as taken.
    settle(project_of(ask("demand")))
    assert decides(alice.get("/projects/demand/edit/")) == only_small
    assert decides(alice.get("/projects/new/")) == dict.fromkeys(at_once, "A person decides")


def test_cards_of_plans_follow_environment_and_groups_and_what_the_cluster_has_free() -> None:
    policy = [
        {"name": "prod", "decision": "ask", "because": "It serves cars.", "environments": ["prod"], "plans": ["small"]},
        {"name": "no", "decision": "refuse", "because": "No.", "groups": ["ml-forecasting"], "plans": ["gpu"]},
        {"name": "full", "decision": "ask", "because": "Full.", "over_capacity": True},
    ]
    TargetUsage.objects.create(target="cluster-north", capacity={"cpu": 20}, as_of=timezone.now())
    with installed(policy=policy):
        page = decides(client("alice").post("/projects/plan/", {**NEW, "environment": "prod"}))
        assert [page[name] for name in ("small", "medium", "gpu")] == [
            "A person decides", "Made at once", "Not offered",
        ]  # fmt: skip
        TargetUsage.objects.update(capacity={"cpu": 10})
        assert decides(client("alice").get("/projects/new/"))["medium"] == "A person decides"


def test_the_form_asks_no_more_for_many_plans() -> None:
    policy = [{"name": "full", "decision": "ask", "because": "Full.", "over_capacity": True}]
    plan = {"cpu": "4", "memory": "16Gi", "pods": 9, "storage": "9Gi", "bucket": "9Gi", "units": 4}
    counts, alice = [], client("alice")
    for number in (1, 9):
        plans = {"small": plan} | {f"plan-{one}": plan for one in range(number)}
        with installed(plans=plans, policy=policy), CaptureQueriesContext(connection) as queries:
            assert alice.get("/projects/new/").status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_the_live_plan_follows_the_form() -> None:
    alice = client("alice")
    empty = text(alice.post("/projects/plan/", {"title": "", "team": "forecasting", "plan": "small"}))
    assert "Give it a title or a name" in empty
    good = text(alice.post("/projects/plan/", {**NEW, "plan": "medium"}))
    assert "16 CPUs, 64 GiB memory" in good
    assert "It takes 12 of the 100 free units of forecasting" in good
    assert '"plan": "medium"' in good.replace("&quot;", '"')
    bad = text(alice.post("/projects/plan/", {**NEW, "options.bucket.quota": "600Gi"}))
    assert "Fix this first: Size limit . 600 GiB is more than plan small allows (200)" in bad
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
