"""The API as a script and a browser use it: ask, preview, read, change, retire, decide. On a real Postgres."""

import subprocess
import sys
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from portal.accounts import Person, account_of
from portal.models import ApiToken
from projects import tasks
from projects.models import Decision, IdempotencyKey, Project, ProjectHistory, ProjectRequest
from provisioning.conditions import Condition, Status
from provisioning.errors import Reason
from provisioning.models import Event, Resource, TargetHealth
from tests.people import bearer, client, person, teams

pytestmark = pytest.mark.django_db
API = "/api/v1"
SMALL = {"slug": "demand", "team": "forecasting"}


@pytest.fixture(autouse=True)
def _teams() -> None:
    teams()


FITS = "It fits the budget of team forecasting: 100 of 100 units are free."


def send(caller: Client, method: str, path: str, body: Any = None, *, headers: dict[str, str] | None = None) -> Any:
    kwargs = {} if method == "get" else {"data": "" if body is None else body, "content_type": "application/json"}
    return getattr(caller, method)(f"{API}{path}", headers=headers or {}, **kwargs)


def create(caller: Client, **changes: Any) -> Any:
    return send(caller, "post", "/projects/", {**SMALL, **changes})


def make_ready(project: Project) -> None:
    """As the engine leaves a project that is done."""
    now = timezone.now()
    row = Resource(project=project, kind="namespace", target="cluster-north", applied=True, last_look=now)
    row.observed_generation = project.generation
    synced = Condition(status=Status.TRUE, reason=Reason.AVAILABLE, message="", since=now)
    row.set_conditions(synced=synced, ready=Condition(Status.TRUE, Reason.AVAILABLE, "Namespace ml-demand", now))
    row.save()
    Project.objects.filter(pk=project.pk).update(observed_generation=project.generation, ready_at=now)


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
    assert send(bearer("alice"), "post", f"/requests/{pk}/approve/").status_code == 403
    assert send(bearer("charlie"), "post", f"/requests/{pk}/approve/").status_code == 404
    yes = send(bearer("paula"), "post", f"/requests/{pk}/approve/", {"comment": "Enjoy"})
    assert yes.status_code == 200
    assert {name: yes.json()[name] for name in ("decision", "decided_by", "comment", "generation")} == {
        "decision": "approved", "decided_by": "paula@corp.example", "comment": "Enjoy", "generation": 1,
    }  # fmt: skip
    assert Project.objects.get().spec["plan"] == "gpu"
    assert send(bearer("paula"), "post", f"/requests/{pk}/approve/").status_code == 409
    create(bearer("paula"), slug="own", plan="gpu")
    own = ProjectRequest.objects.get(slug="own").pk
    assert send(bearer("paula"), "post", f"/requests/{own}/approve/").status_code == 403


def test_rejecting_needs_a_reason_and_withdrawing_needs_the_asker() -> None:
    create(bearer("alice"), plan="gpu")
    pk = ProjectRequest.objects.get().pk
    assert send(bearer("paula"), "post", f"/requests/{pk}/reject/", {"comment": " "}).status_code == 422
    assert send(bearer("bob"), "post", f"/requests/{pk}/withdraw/").status_code == 403
    assert send(bearer("alice"), "post", f"/requests/{pk}/withdraw/").json()["decision"] == "withdrawn"
    create(bearer("alice"), plan="gpu")
    again = ProjectRequest.objects.filter(decision=Decision.PENDING).get().pk
    no = send(bearer("paula"), "post", f"/requests/{again}/reject/", {"comment": "Share one with bob"}).json()
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


# Reading


def test_the_etag_moves_with_the_status_but_if_match_asks_for_the_wish_only() -> None:
    caller = bearer("alice")
    create(caller)
    first = caller.get(f"{API}/projects/demand/")
    assert caller.get(f"{API}/projects/demand/", headers={"If-None-Match": first["ETag"]}).status_code == 304
    make_ready(Project.objects.get())
    second = caller.get(f"{API}/projects/demand/", headers={"If-None-Match": first["ETag"]})
    assert (second.status_code, second.json()["word"], second.json()["ready"]) == (200, "Ready", True)
    assert second["ETag"] != first["ETag"]
    answer = send(caller, "patch", "/projects/demand/", {"title": "T"}, headers={"If-Match": first["ETag"]})
    assert answer.status_code == 202


def test_pages_follow_each_other_while_projects_come() -> None:
    caller = bearer("paula")
    for number in range(5):
        create(caller, slug=f"demand-{number}")
    page = caller.get(f"{API}/projects/?limit=2").json()
    seen = [one["slug"] for one in page["items"]]
    create(caller, slug="demand-late")
    while page["next"]:
        page = caller.get(page["next"]).json()
        seen += [one["slug"] for one in page["items"]]
    assert seen == [f"demand-{number}" for number in (4, 3, 2, 1, 0)]


def test_the_list_is_filtered() -> None:
    caller = bearer("paula")
    create(caller)
    create(caller, slug="lanes", team="vision")
    make_ready(Project.objects.get(slug="demand"))

    def slugs(query: str) -> list[str]:
        return [one["slug"] for one in caller.get(f"{API}/projects/?{query}").json()["items"]]

    assert slugs("") == ["lanes", "demand"]
    assert slugs("team=vision") == ["lanes"]
    assert slugs("q=dem") == ["demand"]
    assert slugs("q=em") == []
    assert slugs("ready=true") == ["demand"]
    assert slugs("ready=false") == ["lanes"]


def test_strangers_get_the_same_404_as_for_a_thing_that_does_not_exist() -> None:
    create(bearer("alice"))
    charlie = bearer("charlie")
    assert charlie.get(f"{API}/projects/").json() == {"items": [], "next": None}
    for method, path in [
        ("get", ""), ("put", ""), ("patch", ""), ("delete", ""), ("get", "resources/"), ("post", "look/"),
        ("get", "members/"), ("get", "events/"), ("get", "requests/"),
    ]:  # fmt: skip
        body = None if method == "get" else {}
        there = send(charlie, method, f"/projects/demand/{path}", body)
        missing = send(charlie, method, f"/projects/absent/{path}", body)
        assert (there.status_code, missing.status_code) == (404, 404)
        own = {"instance": "", "request_id": ""}
        assert {**there.json(), **own} == {**missing.json(), **own}
    assert charlie.get(f"{API}/requests/{ProjectRequest.objects.get().pk}/").status_code == 404
    assert charlie.get(f"{API}/requests/99999999999999999999/").status_code == 404


def test_viewers_read_and_do_not_write() -> None:
    create(bearer("alice"), contributors=[{"user": "charlie@corp.example", "role": "viewer"}])
    charlie = bearer("charlie")
    assert charlie.get(f"{API}/projects/demand/").status_code == 200
    for method, path in [("patch", ""), ("delete", ""), ("post", "look/")]:
        answer = send(charlie, method, f"/projects/demand/{path}", {}, headers={"If-Match": "*"})
        assert (answer.status_code, answer.json()["type"]) == (403, "urn:slipway:problem:not-allowed")


def test_resources_members_and_events_are_shown_whole() -> None:
    caller = bearer("alice")
    create(caller)
    project = Project.objects.get()
    make_ready(project)
    row = Resource.objects.get()
    Event.objects.create(project=project, kind="namespace", reason="Available", message="Made.", generation=1)
    Event.objects.create(
        project=project, kind="bucket", reason="Drifted", message="Quota changed by hand.", generation=1
    )
    stamp = row.synced_since.isoformat().replace("+00:00", "Z")
    common = {"status": "True", "reason": "Available", "observed_generation": 1, "last_transition_time": stamp}
    assert caller.get(f"{API}/projects/demand/resources/").json() == {
        "items": [
            {
                "kind": "namespace",
                "title": "Workspace",
                "target": "cluster-north",
                "word": "Ready",
                "conditions": [
                    {"type": "Synced", "message": "", **common},
                    {"type": "Ready", "message": "Namespace ml-demand", **common},
                ],
                "last_look": row.last_look.isoformat().replace("+00:00", "Z") if row.last_look else None,
            }
        ]
    }
    owner = {"subject": "alice@corp.example", "is_group": False, "role": "owner", "source": "api", "until": None}
    assert caller.get(f"{API}/projects/demand/members/").json() == {"items": [owner]}
    events = caller.get(f"{API}/projects/demand/events/?limit=1").json()
    assert [one["message"] for one in events["items"]] == ["Quota changed by hand."]
    assert [one["message"] for one in caller.get(events["next"]).json()["items"]] == ["Made."]
    assert len(caller.get(f"{API}/projects/demand/events/?kind=bucket").json()["items"]) == 1
    requests = caller.get(f"{API}/projects/demand/requests/").json()["items"]
    assert [one["action"] for one in requests] == ["create"]


def test_looking_again_makes_it_due_and_forgets_the_back_off() -> None:
    caller = bearer("alice")
    create(caller)
    make_ready(Project.objects.get())
    Resource.objects.update(failures=4)
    Project.objects.update(next_look_at=timezone.now() + timedelta(hours=1))
    answer = send(caller, "post", "/projects/demand/look/", {"kind": "namespace"})
    assert (answer.status_code, answer["Location"]) == (202, f"{API}/projects/demand/resources/")
    due = Project.objects.get().next_look_at
    assert due is not None
    assert due <= timezone.now()
    assert Resource.objects.get().failures == 0
    assert send(caller, "post", "/projects/demand/look/", {"kind": "moon"}).status_code == 422


def test_what_one_needs_to_know_before_asking() -> None:
    create(bearer("alice"))
    TargetHealth.objects.create(name="store-1", answering=True, message="fine", version="1")
    plans = bearer("charlie").get(f"{API}/plans/").json()
    assert (plans["default"], [one["name"] for one in plans["items"]]) == ("small", ["small", "medium", "large", "gpu"])
    assert bearer("alice").get(f"{API}/teams/").json() == {
        "items": [{"slug": "forecasting", "name": "Forecasting", "budget": 100, "taken": 4, "free": 96}]
    }
    assert bearer("charlie").get(f"{API}/teams/").json() == {"items": []}
    assert bearer("alice").get(f"{API}/me/").json() == {
        "username": "alice@corp.example",
        "name": "Alice",
        "email": "alice@corp.example",
        "platform_admin": False,
        "directory_groups": ["ml-forecasting", "ml-users"],
        "teams": ["forecasting"],
    }
    (seen,) = bearer("charlie").get(f"{API}/targets/").json()["items"]
    assert (seen["name"], seen["answering"], seen["message"], seen["version"]) == ("store-1", True, None, None)
    (seen,) = bearer("paula").get(f"{API}/targets/").json()["items"]
    assert (seen["message"], seen["version"]) == ("fine", "1")


# Tokens


def test_a_token_is_shown_once_and_works_until_it_is_removed() -> None:
    browser = client("alice")
    made = send(browser, "post", "/tokens/", {"name": "CI", "scopes": ["write"], "days": 30})
    assert made.status_code == 201
    body = made.json()
    script = Client(headers={"Authorization": f"Bearer {body['token']}"})
    assert body["token"].startswith("slip_")
    assert body["scopes"] == ["read", "write"]
    assert script.get(f"{API}/me/").json()["username"] == "alice@corp.example"
    (listed,) = browser.get(f"{API}/tokens/").json()["items"]
    assert {name: value for name, value in body.items() if name not in ("token", "last_used")} == {
        name: value for name, value in listed.items() if name != "last_used"
    }
    assert body["token"] not in str(ApiToken.objects.values())
    assert client("bob").get(f"{API}/tokens/").json() == {"items": []}
    assert send(client("bob"), "delete", f"/tokens/{body['id']}/").status_code == 404
    assert send(script, "post", "/tokens/", {"name": "more"}).status_code == 403
    assert send(browser, "delete", f"/tokens/{body['id']}/").status_code == 204
    assert script.get(f"{API}/me/").status_code == 401


def test_a_token_that_may_read_does_not_write() -> None:
    reader = bearer("alice", "read")
    assert reader.get(f"{API}/projects/").status_code == 200
    answer = create(reader)
    assert (answer.status_code, answer["Content-Type"]) == (403, "application/problem+json")
    assert not ProjectRequest.objects.exists()


def test_tokens_end_with_their_time_and_with_the_account() -> None:
    caller = bearer("alice")
    ApiToken.objects.update(expiry=timezone.now() - timedelta(seconds=1))
    assert caller.get(f"{API}/me/").status_code == 401
    ApiToken.objects.update(expiry=None)
    assert caller.get(f"{API}/me/").status_code == 200
    alice = person("alice")
    alice.is_active = False
    alice.save()
    assert caller.get(f"{API}/me/").status_code == 401


def test_a_browser_needs_the_csrf_token_to_write_and_a_script_does_not() -> None:
    browser = client("alice", enforce_csrf_checks=True)
    assert browser.get(f"{API}/me/").status_code == 200
    answer = create(browser)
    assert (answer.status_code, answer["Content-Type"]) == (403, "application/problem+json")
    assert not ProjectRequest.objects.exists()


# What it costs


@pytest.mark.parametrize(
    "path", ["/projects/", "/projects/demand/", "/projects/demand/resources/", "/projects/demand/events/", "/requests/"]
)
def test_a_warm_read_asks_postgres_three_times_at_most_and_writes_nothing(path: str) -> None:
    caller = bearer("alice")
    for slug in ("demand", "demand-2", "demand-3"):
        create(caller, slug=slug)
    make_ready(Project.objects.get(slug="demand"))
    caller.get(f"{API}{path}")
    with CaptureQueriesContext(connection) as queries:
        assert caller.get(f"{API}{path}").status_code == 200
    said = [query["sql"] for query in queries]
    assert len(said) <= 3, said
    assert all(sql.startswith("SELECT") for sql in said)


def test_a_token_of_the_directory_costs_one_query_for_person_and_groups() -> None:
    alice = person("alice")
    with CaptureQueriesContext(connection) as queries:
        known, made = account_of(Person(tenant=alice.tenant, object_id=alice.object_id, upn=alice.username))
        groups = known.directory_groups
    assert (known, made, groups) == (alice, False, ("ml-forecasting", "ml-users"))
    assert len(queries) == 1


def test_last_use_is_written_once_a_minute() -> None:
    caller = bearer("alice")
    caller.get(f"{API}/me/")
    first = ApiToken.objects.get().last_used
    caller.get(f"{API}/me/")
    assert ApiToken.objects.get().last_used == first
    ApiToken.objects.update(last_used=timezone.now() - timedelta(seconds=61))
    caller.get(f"{API}/me/")
    assert ApiToken.objects.get().last_used > first


def test_a_write_stays_within_its_share_of_queries() -> None:
    caller = bearer("alice")
    create(caller, slug="warm")
    with CaptureQueriesContext(connection) as queries:
        assert create(caller).status_code == 202
    assert len(queries) <= 30, [query["sql"] for query in queries]
    assert not IdempotencyKey.objects.exists()


def test_the_web_process_loads_no_vendor_client() -> None:
    code = (
        "import django, sys; django.setup(); import portal.urls, projects.api_urls, projects.urls; "
        "from provisioning.kind import kinds; kinds(); "
        "print(sorted({'kubernetes', 'minio', 'httpx'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout.strip().splitlines()[-1:], done.returncode) == (["[]"], 0), done.stderr


# The platform team's switch


def test_the_platform_team_suspends_and_resumes() -> None:
    create(bearer("alice"))
    assert send(bearer("alice"), "post", "/projects/demand/suspend/").status_code == 403
    assert send(bearer("charlie"), "post", "/projects/demand/suspend/").status_code == 404
    assert send(bearer("paula"), "post", "/projects/demand/suspend/").json()["word"] == "Suspended"
    assert send(bearer("paula"), "post", "/projects/demand/resume/").json()["word"] == "Working on it"


def test_a_later_end_date_resumes_what_the_old_one_suspended() -> None:
    create(bearer("alice"))
    project = Project.objects.get()
    project.spec["expires"] = "2020-01-01"
    project.save(update_fields=["spec"])
    tasks.suspend_expired()
    answer = bearer("alice").get(f"{API}/projects/demand/")
    assert answer.json()["word"] == "Suspended"
    later = send(
        bearer("alice"), "patch", "/projects/demand/", {"expires": "2099-01-01"}, headers={"If-Match": answer["ETag"]}
    )
    assert later.status_code == 202
    assert later.json()["project"]["word"] == "Working on it"
