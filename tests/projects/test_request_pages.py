"""The requests: who reads, decides and withdraws them."""

import re

import pytest

from projects.models import Decision, Project, ProjectRequest
from tests.people import client
from tests.projects.pages import ask, text

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("pages")]


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
