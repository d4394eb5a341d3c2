"""Short lists as files: the same as on the page, and no secret in them."""

import csv
import json
from io import StringIO
from typing import Any

import pytest
from django.test import Client

from portal.models import User
from portal.token_actions import NewToken, make_token
from projects.models import StandIn
from projects.today import today
from tests.people import client, person, teams
from tests.projects.pages import ask, project_of, settle
from tests.usual import usual_kinds

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _teams() -> None:
    teams()


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
    browser = client("alice")
    browser.cookies["language"] = "sv"
    lines = items(browser, "/projects/demand/credentials/")
    bucket = next(line for line in lines if line["purpose"] == "bucket")
    assert (bucket["version"], bucket["place"]) == (1, "Secret bucket-credentials in ml-demand")
    assert set(bucket) == {
        *("purpose", "title", "version", "since", "rotated_by"),
        *("earlier_until", "in_force", "old", "place"),
    }
    assert client("charlie").get("/projects/demand/credentials/?format=csv").status_code == 404


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
