"""The requests: who reads, decides and withdraws them."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from portal.models import User
from projects import actions, decisions
from projects.installation import installation
from projects.models import Decision, DirectoryEntry, Door, Project, ProjectRequest, StandIn
from projects.request_list import change_of
from projects.today import today
from tests.people import bearer, client, person
from tests.projects.asking import asked
from tests.projects.catalogues import catalogue_with
from tests.projects.doors import form_fields
from tests.projects.pages import ask, fields, project_of, text
from tests.projects.readers import STORES, keeper
from tests.projects.tended import installed

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("pages")]

ALICE = {"user": "alice@corp.example", "role": "owner"}
DEMAND = {"slug": "demand", "team": "forecasting", "contributors": [ALICE]}


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
    answer = paula.post(f"/requests/{request.pk}/approve/", {"comment": "Until the December run.", "revision": "1"})
    assert (answer.status_code, answer["Location"]) == (302, f"/requests/{request.pk}/")
    assert Project.objects.get().spec["plan"] == "gpu"
    decided = text(client("alice").get(f"/requests/{request.pk}/"))
    for said in ("Approved", "by paula@corp.example", "“Until the December run.”", "Go to the project"):
        assert said in decided, said
    again = paula.post(f"/requests/{request.pk}/approve/", {"revision": "1"})
    assert (again.status_code, "approved already" in text(again)) == (409, True)


def test_a_rejection_needs_a_reason() -> None:
    request = waiting()
    paula = client("paula")
    refused = paula.post(f"/requests/{request.pk}/reject/", {"comment": " ", "revision": "1"})
    assert refused.status_code == 422
    assert "Say why, so that the team knows what to change." in text(refused)
    said = {"comment": "No GPU is free.", "revision": "1"}
    assert paula.post(f"/requests/{request.pk}/reject/", said).status_code == 302
    assert "“No GPU is free.”" in text(client("alice").get(f"/requests/{request.pk}/"))


@pytest.mark.parametrize("sent", [{}, {"revision": ""}, {"revision": "any"}, {"revision": "2"}])
def test_a_form_that_does_not_name_the_words_that_were_read_decides_nothing(sent: dict[str, str]) -> None:
    request = waiting()
    answer = client("paula").post(f"/requests/{request.pk}/approve/", sent)
    assert (answer.status_code, "changed after you read it" in text(answer)) == (409, True)
    request.refresh_from_db()
    assert request.decision == Decision.PENDING


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


def test_changes_are_asked_for_and_the_request_is_put_in_other_words() -> None:
    request = waiting()
    paula, alice = client("paula"), client("alice")
    address = f"/requests/{request.pk}/"
    refused = paula.post(f"{address}changes/", {"comment": " ", "revision": "1"})
    assert (refused.status_code, "Say what to change" in text(refused)) == (422, True)
    assert paula.post(f"{address}changes/", {"comment": "Is large enough?", "revision": "1"}).status_code == 302
    start = text(alice.get("/"))
    assert "changes are asked for" in start
    page = text(alice.get(address))
    for said in ("Changes asked", "paula@corp.example asks for changes", "Is large enough?", "Change the request"):
        assert said in page, said
    form = alice.get(f"{address}edit/")
    assert 'value="demand"' in form.content.decode()
    assert "is taken" not in text(form)
    sent = {**form_fields({**DEMAND, "plan": "large", "title": "Demand"}), "do": "revise", "revision": "1"}
    assert alice.post(f"{address}edit/", sent)["Location"] == address
    decided = text(paula.get(address))
    for said in (
        "Waits for a decision",
        "large-asks",
        "Revision 1, until alice@corp.example changed it",
        "- plan: gpu",
    ):
        assert said in decided, said
    stale = paula.post(f"{address}approve/", {"revision": "1"})
    assert (stale.status_code, "changed after you read it" in text(stale)) == (409, True)
    assert paula.post(f"{address}approve/", {"revision": "2"}).status_code == 302
    assert Project.objects.get().spec["plan"] == "large"


def test_the_conversation_is_text_and_for_those_who_see_the_request() -> None:
    request = waiting()
    address = f"/requests/{request.pk}/"
    evil = "<script>alert(1)</script>"
    assert client("bob").post(f"{address}say/", {"text": evil}).status_code == 302
    page = client("alice").get(address).content.decode()
    assert evil not in page
    assert "&lt;script&gt;" in page
    assert client("charlie").post(f"{address}say/", {"text": "Hm."}).status_code == 404
    assert client("bob").post(f"{address}say/", {"text": " "}).status_code == 422


def test_several_are_decided_from_the_list() -> None:
    first, second = waiting(), ask("lanes", plan="gpu", title="Lanes", who="bob").request
    assert second is not None
    paula = client("paula")
    listed = paula.get("/requests/")
    assert f'value="{first.pk}.1"' in listed.content.decode()
    nothing = paula.post("/requests/", {"do": "approve"})
    assert (nothing.status_code, "No request was ticked" in text(nothing)) == (422, True)
    ticked = {"do": "approve", "request": [f"{first.pk}.1", f"{second.pk}.1", "x", "1"]}
    answer = paula.post("/requests/", ticked, follow=True)
    said = text(answer)
    assert "demand : decided" in said or "demand: decided" in said
    assert "40 units free, and lanes takes 60" in said
    assert sorted(Project.objects.values_list("slug", flat=True)) == ["demand"]


def test_a_no_for_several_without_a_reason_keeps_what_was_ticked_and_still_stands() -> None:
    first, second = waiting(), ask("lanes", plan="gpu", title="Lanes", who="bob").request
    assert second is not None
    ticks = {"request": [f"{first.pk}.1", f"{second.pk}.7"], "comment": " "}
    for verdict, said in (("reject", "Say why"), ("keep", "No request was ticked")):
        answer = client("paula").post("/requests/?show=decide&sort=team", {"do": verdict, **ticks})
        assert (answer.status_code, said in text(answer)) == (422, True)
        page = answer.content.decode()
        # The second was changed after it was ticked, so it is to be read again.
        assert f'value="{first.pk}.1" checked' in page
        assert f'value="{second.pk}.1"><' in page
        assert 'action="/requests/?show=decide&amp;sort=team"' in page
    assert set(ProjectRequest.objects.values_list("decision", flat=True)) == {"pending"}


def test_ticks_go_along_to_the_next_page_and_are_decided_with_those_there() -> None:
    first = waiting()
    for number in range(24):
        ask(f"p{number}", plan="gpu")
    second = ask("lanes", plan="gpu", title="Lanes", who="bob").request
    assert second is not None
    paula = client("paula")
    newest = paula.get("/requests/?show=decide").content.decode()
    where = re.search(r'formaction="([^"]*after=[^"]+)"', newest)
    assert where is not None
    address = "/requests/" + where[1].replace("&amp;", "&")
    sent = {"turn": "page", "request": [f"{second.pk}.1", f"{second.pk}.7", "9999.1", "x"], "comment": "Go on."}
    page = paula.post(address, sent)
    assert page.status_code == 200
    assert "1 more is chosen, not on this page" in text(page)
    body = page.content.decode()
    assert f'value="{second.pk}.1" checked> New project Lanes' in body
    assert ">Go on.</textarea>" in body
    assert [tick in body for tick in (f"{first.pk}.1", f"{second.pk}.7", "9999.1")] == [True, False, False]
    cleared = paula.post(address, {**sent, "turn": "clear"})
    assert f"{second.pk}.1" not in cleared.content.decode()
    paula.post(address, {"do": "reject", "request": [f"{first.pk}.1", f"{second.pk}.1"], "comment": "No."})
    assert set(ProjectRequest.objects.filter(decision="rejected")) == {first, second}


def test_ticks_stay_in_another_order_and_in_another_search_and_are_decided_from_there() -> None:
    first, second = waiting(), ask("lanes", plan="gpu", title="Lanes", who="bob").request
    assert second is not None
    paula, tick = client("paula"), f"{second.pk}.1"
    newest = paula.get("/requests/").content.decode()
    head = re.search(r'<button name="turn" value="page" formaction="([^"]+)">Team<', newest)
    assert head is not None
    page = paula.post(f"/requests/{head[1]}", {"turn": "page", "request": [tick], "comment": "No room."})
    assert f'value="{tick}" checked' in page.content.decode()
    sent = {"turn": "search", "show": "decide", "action": "create", "sort": "team", "request": [tick]}
    sent["comment"] = "No room."
    for words, there in (("demand", True), ("nothing-like-it", False)):
        page = paula.post("/requests/?sort=team", {**sent, "q": words}, follow=True)
        assert page.redirect_chain == [(f"/requests/?show=decide&q={words}&action=create&sort=team", 307)]
        body = page.content.decode()
        assert (f'value="{first.pk}.1"' in body, "No request fits." in text(page)) == (there, not there)
        assert "1 more is chosen, not on this page" in text(page)
        assert f'value="{tick}" checked> New project Lanes' in body
        assert ">No room.</textarea>" in body
    # With nothing to take along it is a search like any other, which can be loaded anew.
    plain = paula.post("/requests/", {**sent, "q": "lanes", "request": [], "comment": ""}, follow=True)
    assert plain.redirect_chain == [("/requests/?show=decide&q=lanes&action=create&sort=team", 302)]
    whole = paula.post("/requests/?show=decide", {**sent, "q": "nothing-like-it", "turn": "whole"})
    assert (whole.status_code, f'value="{tick}" checked' in whole.content.decode()) == (200, True)
    paula.post("/requests/?q=nothing-like-it", {"do": "reject", "request": [tick], "comment": "No room."})
    assert list(ProjectRequest.objects.filter(decision="rejected")) == [second]


def test_what_has_no_ticks_is_sorted_and_searched_by_its_address() -> None:
    waiting()
    page = client("alice").get("/requests/?show=all").content.decode()
    assert ('name="turn"' in page, 'href="?show=all&amp;sort=team"' in page) == (False, True)
    assert 'role="search" method="get"' in page


def test_more_than_can_be_decided_at_a_time_are_not_decided() -> None:
    first = waiting()
    ticks = [f"{first.pk}.1", *(f"{number}.1" for number in range(900000, 900100))]
    page = client("paula").post("/requests/", {"do": "approve", "request": ticks})
    assert (page.status_code, "At most 100 can be ticked at a time, and 101 are." in text(page)) == (422, True)
    assert ProjectRequest.objects.get().decision == "pending"


def test_the_list_is_a_file_without_formulas() -> None:
    waiting()
    ProjectRequest.objects.update(requested_by_name="=cmd()")
    sheet = client("paula").get("/requests/?show=all&format=csv").getvalue().decode()
    assert "'=cmd()" in sheet
    assert ",=cmd()" not in sheet
    assert client("charlie").get("/requests/?show=all&format=json").getvalue() == b'{"items": []}'


def test_stand_ins_are_named_and_ended() -> None:
    person("bob")
    paula = client("paula")
    faults = paula.post("/requests/stand-ins/", {"q": "nobody", "begins": "2026-02-30", "ends": ""})
    assert (faults.status_code, text(faults).count("Write a date, such as 2027-06-30.")) == (422, 2)
    day = today().isoformat()
    sent = {"q": "bob@corp.example", "begins": day, "ends": day}
    assert paula.post("/requests/stand-ins/", sent).status_code == 302
    assert "bob@corp.example for paula@corp.example" in text(client("bob").get("/requests/stand-ins/"))
    row = StandIn.objects.get()
    assert client("charlie").post(f"/requests/stand-ins/{row.pk}/end/").status_code == 404
    assert client("bob").post(f"/requests/stand-ins/{row.pk}/end/").status_code == 302
    assert StandIn.objects.count() == 0


def test_the_inbox_says_in_whose_place_one_decides() -> None:
    for name in ("bob", "charlie", "paula"):
        person(name)
    tomorrow = today() + timedelta(days=1)
    row = StandIn(approver=person("paula"), stand_in=person("charlie"), begins=tomorrow, ends=tomorrow)
    row.save()
    said = "You decide for paula@corp.example too, until"
    assert said not in text(client("charlie").get("/requests/?show=decide"))
    row.begins = today()
    row.save()
    assert said in text(client("charlie").get("/requests/"))
    assert said not in text(client("charlie").get("/requests/?show=all"))
    for other in ("bob", "paula"):
        assert said not in text(client(other).get("/requests/?show=decide"))


@pytest.mark.parametrize("verdict", ["approve", "reject"])
def test_who_decided_in_somebody_s_place_reads_what_came_of_it_and_nothing_else(verdict: str) -> None:
    first, other = asked(), asked("lanes")
    StandIn.objects.create(approver=person("paula"), stand_in=person("charlie"), begins=today(), ends=today())
    charlie, address = client("charlie"), f"/requests/{first.pk}/"
    done = charlie.post(f"{address}{verdict}/", {"revision": "1", "comment": "As agreed."}, follow=True)
    assert (done.status_code, done.redirect_chain) == (200, [(address, 302)])
    assert "by charlie@corp.example" in text(done)
    decisions.reject(other, by=person("paula"), door=Door.FORM, comment="No.")
    StandIn.objects.all().delete()
    shown = [charlie.get(path).status_code for path in (address, f"/requests/{other.pk}/", "/projects/demand/")]
    assert shown == [200, 404, 404]


def test_who_decides_about_data_of_the_team_names_stand_ins_too() -> None:
    bob = client(keeper())
    person("alice")
    sent = {"q": "alice@corp.example", "begins": today().isoformat(), "ends": today().isoformat()}
    with installed(data_stores=STORES):
        assert "Name a stand-in" in text(bob.get("/requests/stand-ins/"))
        assert bob.post("/requests/stand-ins/", sent).status_code == 302
        assert client("charlie").post("/requests/stand-ins/", sent).status_code == 403
    with installed(data_stores=[]):
        assert bob.post("/requests/stand-ins/", sent).status_code == 403
    assert [(one.approver.username, one.stand_in.username) for one in StandIn.objects.all()] == [
        ("bob@corp.example", "alice@corp.example")
    ]


def test_a_change_says_that_it_withdraws_the_request_that_waits() -> None:
    project = project_of(ask("demand"))
    alice = client("alice")
    said = "The request of alice@corp.example that waits is withdrawn by this; it can be sent again."
    for page in (alice.get("/projects/demand/edit/"), alice.post("/projects/demand/retire/", {"typed": "demand"})):
        assert said not in text(page)
    asked = actions.change(
        project, {**project.spec, "plan": "gpu"}, by=person("alice"), door=Door.API, installation=installation()
    ).request
    assert asked is not None
    form = alice.get("/projects/demand/edit/")
    typed = {**fields(form, holding="generation"), "title": ["Demand"], "do": ["preview"]}
    retire = alice.post("/projects/demand/retire/", {"typed": "demand", "do": "preview"})
    for page in (form, alice.post("/projects/demand/edit/", typed), retire):
        assert said in text(page)
    assert said not in text(alice.get(f"/requests/{asked.pk}/edit/"))
    alice.post("/projects/demand/edit/", {**typed, "do": ["change"]})
    asked.refresh_from_db()
    assert asked.decision == Decision.WITHDRAWN
    newer = ProjectRequest.objects.latest("pk").pk
    assert asked.comment == f"alice@corp.example asked for something else, in request {newer}."
    swedish = f"alice@corp.example bad om något annat, i begäran {newer}."
    for path in (f"/requests/{asked.pk}/", "/projects/demand/activity/"):
        page = text(client("alice", language="sv").get(path))
        assert (swedish in page, asked.comment in page) == (True, False), path
    assert bearer("alice").get(f"/api/v1/requests/{asked.pk}/").json()["comment"] == asked.comment


def test_that_no_rule_speaks_against_it_is_said_in_the_reader_s_language() -> None:
    with catalogue_with(policy=()):
        browser = client("alice", language="sv")
        sent = {"title": "Demand", "slug": "demand", "team": "forecasting", "plan": "small"}
        review = text(browser.post("/projects/new/", {**sent, "do": "preview"}))
        request = ask("demand").request
    assert request is not None
    assert request.because == "No rule of the platform team's policy speaks against it."
    swedish = "Ingen regel i plattformsteamets policy talar emot det."
    assert f"Regel no-rule : {swedish}" in review
    assert swedish in text(browser.get(f"/requests/{request.pk}/"))


def test_who_decides_reads_what_the_request_does_to_whom() -> None:
    project = project_of(ask("demand"))
    people = [*project.spec["contributors"], {"user": "bob@corp.example", "role": "editor"}]
    asked = actions.change(
        project,
        {**project.spec, "plan": "gpu", "contributors": people},
        by=person("alice"),
        door=Door.API,
        installation=installation(),
    ).request
    assert asked is not None
    page = text(client("paula").get(f"/requests/{asked.pk}/"))
    assert "What this does, and to whom" in page
    assert "bob@corp.example becomes editor create Portal:" in page
    assert client("charlie").get(f"/requests/{asked.pk}/").status_code == 404
    only_plan = actions.change(
        project, {**project.spec, "plan": "gpu"}, by=person("alice"), door=Door.API, installation=installation()
    ).request
    assert only_plan is not None
    assert "to whom" not in text(client("paula").get(f"/requests/{only_plan.pk}/"))


# What would change, in the list


def test_the_list_says_what_would_change_without_a_query_for_each() -> None:
    made = {slug: project_of(ask(slug)) for slug in ("one", "two", "three")}
    new = asked("winter", contributors=[ALICE, {"group": "ml-vision", "role": "editor"}])
    people = [ALICE, {"user": "eve@corp.example", "role": "owner"}, {"user": "bob@corp.example"}]

    def change(slug: str) -> None:
        data = {"slug": slug, "team": "forecasting", "plan": "gpu", "contributors": people, "expires": "2027-06-30"}
        actions.change(made[slug], data, by=person("alice"), door=Door.API, installation=installation())

    paula = client("paula")
    change("one")
    with CaptureQueriesContext(connection) as few:
        page = text(paula.get("/requests/?show=decide"))
    line = "plan small to gpu, eve@corp.example as owner, bob@corp.example as viewer, ends 2027-06-30"
    assert line in page
    assert "plan gpu, alice@corp.example as owner, ml-vision as editor" in page
    change("two")
    change("three")
    with CaptureQueriesContext(connection) as many:
        paula.get("/requests/?show=decide")
    assert len(many) == len(few)
    assert line in b"".join(paula.get("/requests/?show=decide&format=csv")).decode()
    answer = bearer("paula").get(f"/api/v1/requests/{new.pk}/").json()
    assert answer["change"] == "plan gpu, alice@corp.example as owner, ml-vision as editor"


def test_a_long_change_is_cut_and_owners_come_first() -> None:
    people = [{"user": f"p{number}@corp.example"} for number in range(20)]
    request = asked("winter", contributors=[*people, ALICE])
    said = change_of(request)
    assert said.startswith("plan gpu, alice@corp.example as owner, p0@corp.example as viewer")
    assert said.endswith(", and 14 more")


def test_who_waits_reads_that_nobody_of_a_group_has_signed_in() -> None:
    request = waiting()
    ProjectRequest.objects.filter(pk=request.pk).update(approvers=["ml-leads", "ml-users"])
    said = "Nobody of ml-leads has signed in yet, so nobody there is told."
    script = bearer("alice")
    assert said in text(client("alice").get(f"/requests/{request.pk}/"))
    assert script.get(f"/api/v1/requests/{request.pk}/").json()["unheard"] == ["ml-leads"]
    assert script.get("/api/v1/requests/").json()["items"][0]["unheard"] == ["ml-leads"]
    decisions.reject(request, by=person("paula"), door=Door.FORM, comment="No.")
    assert script.get(f"/api/v1/requests/{request.pk}/").json()["unheard"] == []
    assert said not in text(client("alice").get(f"/requests/{request.pk}/"))


def test_a_group_named_by_object_id_is_heard_once_somebody_of_it_has_signed_in() -> None:
    request, leads = waiting(), "0b8f3f0e-7f0a-4f43-9a44-0c3b9f0d1a10"
    ProjectRequest.objects.filter(pk=request.pk).update(approvers=[leads])
    DirectoryEntry.objects.create(object_id=leads, account="ml-leads", name="ML leads", is_group=True)
    said = "Nobody of ml-leads has signed in yet, so nobody there is told."
    assert said in text(client("alice").get(f"/requests/{request.pk}/"))
    User.objects.filter(pk=person("charlie").pk).update(group_ids=[leads])
    assert said not in text(client("alice").get(f"/requests/{request.pk}/"))
