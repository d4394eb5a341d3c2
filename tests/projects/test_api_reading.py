"""Reading over REST: pages, filters, who sees what, and what a call costs."""

import subprocess
import sys
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from portal.accounts import Person, account_of
from portal.models import ApiToken
from projects.models import IdempotencyKey, Project, ProjectRequest
from provisioning.models import Event, Resource, TargetHealth
from tests.people import bearer, person
from tests.projects.api_calls import API, create, make_ready, send

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("pages")]


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
    (member,) = caller.get(f"{API}/projects/demand/members/").json()["items"]
    assert timezone.now() - datetime.fromisoformat(member.pop("given_at")) < timedelta(minutes=5)
    assert member == {
        "subject": "alice@corp.example", "is_group": False, "role": "owner", "source": "api", "until": None,
        "given_by": "alice@corp.example",
    }  # fmt: skip
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
