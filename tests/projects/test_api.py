"""The API as a script and a browser use it: ask, preview, change, decide, retire. On a real Postgres."""

from typing import Any

import pytest

from projects import tasks
from projects.models import Decision, Project, ProjectHistory, ProjectRequest
from tests.people import bearer
from tests.projects.api_calls import API, FITS, SMALL, create, send

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("pages")]
READ = {"revision": 1}


# Asking


def test_a_wish_is_accepted_with_202_and_an_address_to_follow() -> None:
    answer = create(bearer("alice"), title="Demand forecast")
    assert (answer.status_code, answer["Location"]) == (202, f"{API}/projects/demand/")
    body = answer.json()
    assert {name: body["request"][name] for name in ("action", "door", "decision", "rule", "generation")} == {
        "action": "create", "door": "api", "decision": "approved", "rule": "within-budget", "generation": 1,
    }  # fmt: skip
    assert body["project"]["word"] == "Working on it"
    followed = bearer("alice").get(answer["Location"])
    assert followed.json() == body["project"]
    assert followed.json()["spec"] == {
        "version": 1,
        "slug": "demand",
        "title": "Demand forecast",
        "team": "forecasting",
        "plan": "small",
        "contributors": [{"user": "alice@corp.example", "role": "owner"}],
    }


def test_a_dry_run_answers_with_plan_and_verdict_and_writes_nothing() -> None:
    answer = send(bearer("alice"), "post", "/projects/?dry_run=true", SMALL)
    assert answer.status_code == 200
    body = answer.json()
    assert body["verdict"] == {
        "decision": "approve", "rule": "within-budget", "because": FITS,
    }  # fmt: skip
    assert (body["units"], body["free_units"]) == (4, 100)
    assert body["names"] == {"namespace": "ml-demand", "bucket": "ml-demand", "repository": "forecasting/demand"}
    assert {one["action"] for one in body["kinds"]} == {"create"}
    assert body["counts"]["create"] > 10
    assert not Project.objects.exists()
    assert not ProjectRequest.objects.exists()


def test_a_wish_that_a_person_decides_leads_to_its_request() -> None:
    answer = send(bearer("alice"), "post", "/projects/?note=For%20the%20plant%20in%20Gent", {**SMALL, "plan": "gpu"})
    request = ProjectRequest.objects.get()
    assert (answer.status_code, answer["Location"]) == (202, f"{API}/requests/{request.pk}/")
    assert answer.json()["project"] is None
    followed = bearer("alice").get(answer["Location"]).json()
    assert (followed["decision"], followed["rule"], followed["note"]) == (
        "pending",
        "gpu-asks",
        "For the plant in Gent",
    )


def test_history_says_who_asked_by_which_door_in_which_request() -> None:
    create(bearer("alice"))
    context = ProjectHistory.objects.get(slug="demand").pgh_context
    assert context is not None
    assert (context.metadata["actor"], context.metadata["door"]) == ("alice@corp.example", "api")
    assert context.metadata["request_id"]


# Deciding


def test_the_platform_team_approves_and_nobody_decides_about_their_own() -> None:
    create(bearer("alice"), plan="gpu")
    pk = ProjectRequest.objects.get().pk
    assert send(bearer("alice"), "post", f"/requests/{pk}/approve/", READ).status_code == 403
    assert send(bearer("charlie"), "post", f"/requests/{pk}/approve/", READ).status_code == 404
    yes = send(bearer("paula"), "post", f"/requests/{pk}/approve/", {**READ, "comment": "Enjoy"})
    assert yes.status_code == 200
    assert {name: yes.json()[name] for name in ("decision", "decided_by", "comment", "generation")} == {
        "decision": "approved", "decided_by": "paula@corp.example", "comment": "Enjoy", "generation": 1,
    }  # fmt: skip
    assert Project.objects.get().spec["plan"] == "gpu"
    assert send(bearer("paula"), "post", f"/requests/{pk}/approve/", READ).status_code == 409
    create(bearer("paula"), slug="own", plan="gpu")
    own = ProjectRequest.objects.get(slug="own").pk
    assert send(bearer("paula"), "post", f"/requests/{own}/approve/", READ).status_code == 403


def test_rejecting_needs_a_reason_and_withdrawing_needs_the_asker() -> None:
    create(bearer("alice"), plan="gpu")
    pk = ProjectRequest.objects.get().pk
    assert send(bearer("paula"), "post", f"/requests/{pk}/reject/", {**READ, "comment": " "}).status_code == 422
    assert send(bearer("bob"), "post", f"/requests/{pk}/withdraw/").status_code == 403
    assert send(bearer("alice"), "post", f"/requests/{pk}/withdraw/").json()["decision"] == "withdrawn"
    create(bearer("alice"), plan="gpu")
    again = ProjectRequest.objects.filter(decision=Decision.PENDING).get().pk
    said = {**READ, "comment": "Share one with bob"}
    no = send(bearer("paula"), "post", f"/requests/{again}/reject/", said).json()
    assert (no["decision"], no["comment"]) == ("rejected", "Share one with bob")
    listed = bearer("bob").get(f"{API}/requests/?decision=rejected").json()["items"]
    assert [one["id"] for one in listed] == [again]
    assert bearer("bob").get(f"{API}/requests/?mine=true").json()["items"] == []
    assert bearer("charlie").get(f"{API}/requests/").json()["items"] == []


# Changing and retiring


def test_put_and_patch_need_the_etag_that_was_read() -> None:
    caller = bearer("alice")
    create(caller)
    etag = caller.get(f"{API}/projects/demand/")["ETag"]
    spec = caller.get(f"{API}/projects/demand/").json()["spec"]
    assert send(caller, "put", "/projects/demand/", spec).status_code == 428
    put = send(caller, "put", "/projects/demand/", {**spec, "title": "Demand"}, headers={"If-Match": etag})
    assert (put.status_code, put["Location"]) == (202, f"{API}/projects/demand/")
    stale = send(caller, "patch", "/projects/demand/", {"title": "Mine"}, headers={"If-Match": etag})
    assert stale.status_code == 412
    assert Project.objects.get().title == "Demand"
    weak = send(caller, "patch", "/projects/demand/", {"title": "Mine"}, headers={"If-Match": 'W/"2"'})
    assert weak.status_code == 412
    assert send(caller, "patch", "/projects/demand/", {"title": "X"}, headers={"If-Match": '"2"'}).status_code == 202
    assert send(caller, "patch", "/projects/demand/", {"title": "Y"}, headers={"If-Match": "*"}).status_code == 202
    assert (Project.objects.get().title, Project.objects.get().generation) == ("Y", 4)


def test_a_merge_patch_merges_and_null_takes_out() -> None:
    caller = bearer("alice")
    create(caller, title="Demand", options={"limits": {"cpu": "2", "memory": "4Gi"}, "network": {"internet": True}})
    patch = {"title": None, "options": {"limits": {"cpu": "1", "memory": None}}}
    answer = caller.patch(
        f"{API}/projects/demand/",
        data=patch,
        content_type="application/merge-patch+json",
        headers={"If-Match": '"1"'},
    )
    assert answer.status_code == 202
    spec = Project.objects.get().spec
    assert "title" not in spec
    assert spec["options"] == {"limits": {"cpu": "1"}, "network": {"internet": True}}


def test_asking_for_what_is_wanted_already_changes_nothing() -> None:
    caller = bearer("alice")
    spec = create(caller).json()["project"]["spec"]
    answer = send(caller, "put", "/projects/demand/", spec, headers={"If-Match": '"1"'})
    assert (answer.status_code, answer.json()["request"], answer.json()["project"]["generation"]) == (200, None, 1)
    plan = send(caller, "patch", "/projects/demand/?dry_run=true", {"plan": "medium"}, headers={"If-Match": '"1"'})
    assert (plan.status_code, plan.json()["units"], plan.json()["counts"]["update"] > 0) == (200, 12, True)
    assert Project.objects.get().generation == 1


def test_slug_and_team_stay_what_they_are() -> None:
    caller = bearer("alice")
    create(caller)
    answer = send(caller, "patch", "/projects/demand/", {"slug": "x", "team": "vision"}, headers={"If-Match": "*"})
    assert answer.status_code == 422
    assert {(one["field"], one["code"]) for one in answer.json()["errors"]} == {("slug", "fixed"), ("team", "fixed")}


def test_retiring_keeps_data_unless_the_name_is_typed() -> None:
    caller = bearer("alice")
    create(caller)
    assert send(caller, "delete", "/projects/demand/").status_code == 428
    unsure = send(caller, "delete", "/projects/demand/?remove_data=true", headers={"If-Match": '"1"'})
    assert (unsure.status_code, unsure.json()["errors"][0]["code"]) == (422, "not_confirmed")
    dry = send(caller, "delete", "/projects/demand/?dry_run=true", headers={"If-Match": '"1"'})
    assert (dry.status_code, dry.json()["counts"]["delete"] > 0) == (200, True)
    body = {"remove_data": True, "confirm": "demand"}
    gone = send(caller, "delete", "/projects/demand/", body, headers={"If-Match": '"1"'})
    assert (gone.status_code, gone.json()["project"]["word"]) == (202, "Being removed")
    project = Project.objects.get()
    assert (project.remove_data, project.generation) == (True, 2)
    assert send(caller, "patch", "/projects/demand/", {"title": "x"}, headers={"If-Match": "*"}).status_code == 409


# The platform team's switch

WHY = {"because": "The store is moved tonight."}


def test_the_platform_team_suspends_and_resumes() -> None:
    create(bearer("alice"))
    assert send(bearer("alice"), "post", "/projects/demand/suspend/", WHY).status_code == 403
    assert send(bearer("charlie"), "post", "/projects/demand/suspend/", WHY).status_code == 404
    assert send(bearer("paula"), "post", "/projects/demand/suspend/", WHY).json()["word"] == "Suspended"
    assert send(bearer("paula"), "post", "/projects/demand/resume/", WHY).json()["word"] == "Working on it"


def test_who_suspends_and_who_resumes_says_why() -> None:
    create(bearer("alice"))
    for turn in ("suspend", "resume"):
        for body in (None, {}, {"because": " "}, {"because": "x" * 501}):
            answer = send(bearer("paula"), "post", f"/projects/demand/{turn}/", body)
            assert (answer.status_code, [one["field"] for one in answer.json()["errors"]]) == (422, ["because"])
        assert send(bearer("paula"), "post", f"/projects/demand/{turn}/", WHY).status_code == 202
    rows = bearer("alice").get(f"{API}/projects/demand/activity/?door=api&who=paula").json()["items"]
    assert [(one["what"], one["note"]) for one in rows] == [
        ("resumed the project", WHY["because"]),
        ("suspended the project", WHY["because"]),
    ]


def end(slug: str = "demand") -> None:
    project = Project.objects.get(slug=slug)
    project.spec["expires"] = "2020-01-01"
    project.save(update_fields=["spec"])
    tasks.suspend_expired()


def how(answer: Any) -> tuple[str, str | None]:
    body = answer.json()
    shown = body.get("project", body)
    return shown["word"], shown["suspended_by"]


def test_a_later_end_date_resumes_what_the_old_one_suspended() -> None:
    create(bearer("alice"))
    end()
    answer = bearer("alice").get(f"{API}/projects/demand/")
    assert how(answer) == ("Suspended", "last_day")
    same = send(bearer("alice"), "patch", "/projects/demand/", {"title": "Demand"}, headers={"If-Match": "*"})
    assert how(same) == ("Suspended", "last_day")
    later = send(bearer("alice"), "patch", "/projects/demand/", {"expires": "2099-01-01"}, headers={"If-Match": "*"})
    assert (later.status_code, how(later)) == (202, ("Working on it", None))


@pytest.mark.parametrize("has_ended", [False, True])
def test_no_end_date_resumes_what_the_platform_team_suspended(has_ended: bool) -> None:
    create(bearer("alice"))
    if has_ended:
        end()
    suspended = send(bearer("paula"), "post", "/projects/demand/suspend/", WHY)
    assert how(suspended) == ("Suspended", "platform_team")
    for expires in ("2099-01-01", None):
        answer = send(bearer("alice"), "patch", "/projects/demand/", {"expires": expires}, headers={"If-Match": "*"})
        assert (answer.status_code, how(answer)) == (202, ("Suspended", "platform_team"))
    assert how(send(bearer("paula"), "post", "/projects/demand/resume/", WHY)) == ("Working on it", None)


def test_what_is_past_its_last_day_is_resumed_by_a_later_one_only() -> None:
    create(bearer("alice"))
    end()
    refused = send(bearer("paula"), "post", "/projects/demand/resume/", WHY)
    assert (refused.status_code, refused.json()["detail"]) == (
        409, "The last day of demand was 2020-01-01. Give it a later one; that resumes it.",
    )  # fmt: skip
    send(bearer("paula"), "post", "/projects/demand/suspend/", WHY)
    held = send(bearer("paula"), "post", "/projects/demand/resume/", WHY)
    assert held.json()["detail"] == "The last day of demand was 2020-01-01. Give it a later one first, then resume it."
    tasks.suspend_expired()
    assert how(bearer("alice").get(f"{API}/projects/demand/")) == ("Suspended", "platform_team")
