"""Short lists as files: the same as on the page, and no secret in them."""

import csv
import json
from io import StringIO
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from portal.models import User
from portal.token_actions import NewToken, make_token
from projects import seeing
from projects.models import StandIn, TrainingAsked
from projects.scorecard import RULES
from projects.today import today
from tests.people import client, person
from tests.projects.pages import ask, project_of, settle
from tests.usual import usual_kinds

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("pages")]


def sheet(browser: Client, path: str) -> list[dict[str, str]]:
    answer = browser.get(f"{path}?format=csv")
    assert answer["Content-Disposition"].endswith('.csv"')
    return list(csv.DictReader(StringIO(answer.getvalue().decode("utf-8-sig"))))


def items(browser: Client, path: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(browser.get(f"{path}?format=json").getvalue())["items"]
    return found


def test_resources_as_they_were_last_seen() -> None:
    settle(project_of(ask()))
    lines = sheet(client("alice"), "/projects/demand/resources/")
    assert {line["kind"] for line in lines} == set(usual_kinds())
    bucket = next(line for line in lines if line["kind"] == "bucket")
    assert (bucket["target"], bucket["status"], bucket["message"]) == ("cluster-north", "Ready", "Bucket is there")
    assert client("charlie").get("/projects/demand/resources/?format=csv").status_code == 404


def test_credentials_without_what_they_are() -> None:
    settle(project_of(ask()))
    browser = client("alice", language="sv")
    lines = items(browser, "/projects/demand/credentials/")
    bucket = next(line for line in lines if line["purpose"] == "bucket")
    assert (bucket["version"], bucket["place"]) == (1, "Secret bucket-credentials in ml-demand")
    assert set(bucket) == {
        *("purpose", "title", "version", "since", "rotated_by"),
        *("earlier_until", "in_force", "old", "place"),
    }
    assert client("charlie").get("/projects/demand/credentials/?format=csv").status_code == 404


def test_the_scorecard_of_one_project_in_english() -> None:
    settle(project_of(ask()))
    browser = client("alice", language="sv")
    lines = items(browser, "/projects/demand/scorecard/")
    assert {line["rule"] for line in lines} == {rule.name for rule in RULES}
    reviewed = next(line for line in lines if line["rule"] == "reviewed")
    assert (reviewed["pillar"], reviewed["title"]) == ("collaboration", "Changes are reviewed")
    assert 'href="?format=csv"' in browser.get("/projects/demand/scorecard/").content.decode()
    assert client("charlie").get("/projects/demand/scorecard/?format=csv").status_code == 404


def test_all_trainings_beyond_those_on_the_page() -> None:
    project = project_of(ask())
    now = timezone.now()
    for number in range(7):
        TrainingAsked.objects.create(
            project=project, because="data", cause=f"={number}", door="system", given_up_at=now
        )
    browser = client("alice")
    assert 'href="?list=trainings&amp;format=csv"' in browser.get("/projects/demand/models/").content.decode()
    address = "/projects/demand/models/?list=trainings&format="
    found = json.loads(browser.get(f"{address}json").getvalue())["items"]
    assert [(one["cause"], one["because"], one["run"]) for one in found] == [
        (f"={number}", "data", "") for number in reversed(range(7))
    ]
    assert "'=6" in browser.get(f"{address}csv").getvalue().decode()
    assert client("charlie").get(f"{address}csv").status_code == 404


def test_projects_to_act_on_as_they_are_narrowed() -> None:
    settle(project_of(ask()))
    project_of(ask("other"))
    path = "/platform/actions/?target=cluster-north&format=json"
    found = json.loads(client("paula").get(path).getvalue())["items"]
    assert [(one["name"], one["status"]) for one in found] == [("demand", "Ready")]
    assert client("alice").get(path).status_code == 404


def test_stand_ins_of_oneself() -> None:
    paula, bob = person("paula"), person("bob")
    StandIn.objects.create(approver=paula, stand_in=bob, begins=today(), ends=today())
    day = today().isoformat()
    expected = {"approver": "paula@corp.example", "stand_in": "bob@corp.example", "begins": day, "ends": day}
    assert items(client("bob"), "/requests/stand-ins/") == [expected]
    assert items(client("charlie"), "/requests/stand-ins/") == []


def test_tokens_of_oneself_and_nothing_of_what_they_are() -> None:
    browser = client("alice")
    alice = User.objects.get(username="alice@corp.example")
    _, secret = make_token(NewToken(name="nightly", scopes=["read"], days=30), owner=alice)
    answer = browser.get("/account/?format=csv").getvalue().decode("utf-8-sig")
    (line,) = csv.DictReader(StringIO(answer))
    assert (line["name"], line["scopes"]) == ("nightly", "read")
    assert secret not in answer
    assert sheet(client("bob"), "/account/") == []


def test_who_saw_the_portal_as_oneself_beyond_those_on_the_page() -> None:
    person("alice")
    for number in range(11):
        seeing.begin("alice@corp.example", by=person("paula"), because=f"Ticket {number}.")
    alice = client("alice")
    assert 'href="?list=seen&amp;format=csv"' in alice.get("/account/").content.decode()
    rows = list(csv.DictReader(StringIO(alice.get("/account/?list=seen&format=csv").getvalue().decode("utf-8-sig"))))
    assert [row["because"] for row in rows] == [f"Ticket {number}." for number in range(10, -1, -1)]
    assert client("bob").get("/account/?list=seen&format=json").getvalue() == b'{"items": []}'
