"""What the API refuses, and how it says so: one shape for every error, with the place and what to do."""

import json
from typing import Any

import pytest
from django.test import Client

from projects.models import Project, ProjectRequest
from projects.payload import MAX_BYTES
from projects.serializers import Problem
from tests.people import bearer, client

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("pages")]
API = "/api/v1"
SMALL = {"slug": "demand", "team": "forecasting"}
OWNER = {"user": "alice@corp.example", "role": "owner"}


def post(body: Any, *, caller: Client | None = None, content_type: str = "application/json", query: str = "") -> Any:
    data = body if isinstance(body, str | bytes) else json.dumps(body)
    return (caller or bearer("alice")).post(f"{API}/projects/{query}", data=data, content_type=content_type)


def problem(answer: Any, status: int) -> Problem:
    """The answer's body, after checking that it is a whole problem of this status and that nothing was made."""
    assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json")
    found = Problem.model_validate(answer.json(), extra="forbid")
    assert (found.status, found.request_id) == (status, answer["X-Request-Id"])
    assert not ProjectRequest.objects.exists()
    return found


def faults(answer: Any) -> set[tuple[str, str]]:
    codes = {one["code"] for one in answer.json()["errors"]}
    unknown = codes & {"extra_forbidden", "no_options"}
    return {(one.field, one.code) for one in problem(answer, 400 if unknown else 422).errors}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"slug": "kube-system"}, {("slug", "reserved")}),
        ({"slug": "default"}, {("slug", "reserved")}),
        ({"slug": "platform"}, {("slug", "reserved")}),
        ({"slug": "Demand"}, {("slug", "value_error")}),
        ({"slug": "demаnd"}, {("slug", "value_error")}),
        ({"slug": "-rf"}, {("slug", "value_error")}),
        ({"slug": "../etc"}, {("slug", "value_error")}),
        ({"slug": "a" * 41}, {("slug", "string_too_long")}),
        ({"slug": None}, {("slug", "string_type")}),
        ({"team": "vision"}, {("team", "not_your_team")}),
        ({"team": "nobody"}, {("team", "not_your_team")}),
        ({"plan": "huge"}, {("plan", "unknown_plan")}),
        ({"color": "red"}, {("color", "extra_forbidden")}),
        ({"is_staff": True, "uid": "x"}, {("is_staff", "extra_forbidden"), ("uid", "extra_forbidden")}),
        ({"contributors": [OWNER, {"user": "system:masters"}]}, {("contributors.1.user", "value_error")}),
        ({"contributors": [OWNER, {"user": "*"}]}, {("contributors.1.user", "value_error")}),
        ({"contributors": [OWNER, {"user": "bob@corp.example", "role": "god"}]}, {("contributors.1.role", "enum")}),
        ({"options": {"moon": {}}}, {("options.moon", "no_options")}),
        ({"options": {"limits": {"cpu": "9999"}}}, {("options.limits.cpu", "beyond_plan")}),
        ({"options": {"limits": {"pods": -1}}}, {("options.limits.pods", "greater_than_equal")}),
        ({"expires": "2001-01-01"}, {("expires", "past")}),
    ],
)
def test_a_wish_with_faults_names_each_field(changes: dict[str, Any], expected: set[tuple[str, str]]) -> None:
    assert faults(post({**SMALL, **changes})) == expected


def test_all_faults_come_at_once_with_a_sentence_each() -> None:
    answer = post({"slug": "kube-x", "team": "vision", "plan": "huge", "expires": "soon"})
    found = problem(answer, 422)
    assert {one.field for one in found.errors} == {"slug", "team", "plan", "expires"}
    assert all(one.message.endswith(".") for one in found.errors)
    assert (found.type, found.detail) == (
        "urn:slipway:problem:invalid-spec",
        "4 things must be changed; all are in errors.",
    )


def test_a_taken_name_is_a_fault_of_the_field() -> None:
    assert post(SMALL).status_code == 202
    answer = post(SMALL)
    assert (answer.status_code, [one["code"] for one in answer.json()["errors"]]) == (422, ["taken"])
    assert Project.objects.count() == 1


@pytest.mark.parametrize("body", [[], "text", 7, None, True])
def test_a_wish_must_be_an_object(body: Any) -> None:
    assert {code for _, code in faults(post(json.dumps(body)))} == {"not_a_mapping"}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("{", "not JSON"),
        ('{"slug": "a", "slug": "b"}', "'slug' stands twice"),
        ('{"options": {"limits": {"cpu": "1", "cpu": "2"}}}', "'cpu' stands twice"),
        ('{"slug": NaN}', "NaN is not JSON"),
        ('{"slug": -Infinity}', "-Infinity is not JSON"),
        ('{"slug": 1e999}', "too large"),
        ('{"slug": ' + "9" * 5000 + "}", "too large"),
        ('{"slug": "a\\u0000b"}', "NUL"),
        ('{"slug": "\\ud800"}', "surrogate"),
        ('{"a\\u0000": 1}', "NUL"),
        (b'{"slug": "\xff"}', "not UTF-8"),
        (b"\xef\xbb\xbf{}", "not JSON"),
        (json.dumps(dict.fromkeys(map(str, range(1001)))), "more than 1000 keys"),
        ("[" * 30 + "]" * 30, "deeper than 20"),
        ("[" * 30_000 + "]" * 30_000, "deeper than 20"),
    ],
)
def test_json_that_can_be_read_in_two_ways_is_refused(body: str | bytes, said: str) -> None:
    found = problem(post(body), 400)
    assert found.type == "urn:slipway:problem:malformed-json"
    assert said in found.detail


def test_unknown_fields_say_so_beside_all_other_faults() -> None:
    answer = post({"slug": "kube-x", "colour": "red", "options": {"moon": {}}})
    found = problem(answer, 400)
    assert (found.type, found.title) == ("urn:slipway:problem:unknown-field", "The body has unknown fields")
    assert {one.field for one in found.errors} == {"slug", "team", "colour", "options.moon"}


def test_bodies_have_a_bound() -> None:
    assert "64 KiB" in problem(post('{"title": "' + "a" * MAX_BYTES + '"}'), 413).detail
    assert problem(post('{"title": "' + "a" * 2_000_000 + '"}'), 413).status == 413
    exact = '{"title": "' + "a" * (MAX_BYTES - 13) + '"}'
    assert len(exact) == MAX_BYTES
    assert problem(post(exact), 422).status == 422


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "application/xml", "multipart/form-data"]
)
def test_another_content_type_is_refused(content_type: str) -> None:
    problem(post("slug=demand", content_type=content_type), 415)


def test_another_method_is_refused_with_the_ones_there_are() -> None:
    caller = bearer("alice")
    answer = caller.put(f"{API}/projects/", data="{}", content_type="application/json")
    assert problem(answer, 405).status == 405
    assert {one.strip() for one in answer["Allow"].split(",")} >= {"GET", "POST"}
    problem(caller.options(f"{API}/projects/"), 405)
    problem(caller.trace(f"{API}/projects/"), 405)
    overridden = caller.get(f"{API}/projects/", headers={"X-HTTP-Method-Override": "POST"})
    assert overridden.status_code == 200


@pytest.mark.parametrize(
    ("path", "field", "code"),
    [
        ("/projects/?nonsense=1", "nonsense", "unknown_parameter"),
        ("/projects/?ordering=owner__password", "ordering", "unknown_parameter"),
        ("/projects/?limit=101", "limit", "less_than_equal"),
        ("/projects/?limit=0", "limit", "greater_than_equal"),
        ("/projects/?limit=x", "limit", "int_parsing"),
        ("/projects/?limit=1&limit=2", "limit", "repeated"),
        ("/projects/?cursor=abc", "cursor", "invalid_cursor"),
        ("/projects/?cursor=djE6OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk", "cursor", "invalid_cursor"),
        ("/projects/?ready=maybe", "ready", "bool_parsing"),
        ("/projects/?q=%25", "q", "string_pattern_mismatch"),
        ("/projects/?team=a%00", "team", "control_characters"),
        ("/requests/?decision=perhaps", "decision", "literal_error"),
        ("/plans/?x=1", "x", "unknown_parameter"),
        ("/teams/?x=1", "x", "unknown_parameter"),
        ("/targets/?x=1", "x", "unknown_parameter"),
        ("/me/?x=1", "x", "unknown_parameter"),
        ("/tokens/?x=1", "x", "unknown_parameter"),
        ("/schema/?x=1", "x", "unknown_parameter"),
    ],
)
def test_query_parameters_are_closed(path: str, field: str, code: str) -> None:
    found = problem(bearer("alice").get(f"{API}{path}"), 400)
    assert (found.type, [(one.field, one.code) for one in found.errors]) == (
        "urn:slipway:problem:invalid-query",
        [(field, code)],
    )


def test_without_a_credential_one_is_told_how() -> None:
    answer = Client().get(f"{API}/projects/")
    assert problem(answer, 401).detail.startswith("Send a token")
    assert answer["WWW-Authenticate"] == 'Bearer realm="slipway"'


@pytest.mark.parametrize(
    "header", ["Bearer slip_wrong", "Bearer", "Bearer a b", "Bearer sli\u00e9", "Bearer " + "x" * 500]
)
def test_a_wrong_token_is_no_token(header: str) -> None:
    answer = Client(headers={"Authorization": header.encode().decode("latin-1")}).get(f"{API}/projects/")
    problem(answer, 401)
    assert answer["WWW-Authenticate"] == 'Bearer realm="slipway"'


@pytest.mark.parametrize("path", ["/absent/", "/projects/de%00mand/", "/projects/a/b/c/", "/requests/x/", "/tokens/7/"])
def test_addresses_that_are_not_there_answer_as_the_api_does(path: str) -> None:
    found = problem(bearer("alice").get(f"{API}{path}"), 404)
    assert found.type == "urn:slipway:problem:not-found"


def test_another_accept_header_is_answered_in_our_form() -> None:
    problem(bearer("alice").get(f"{API}/projects/", headers={"Accept": "application/xml"}), 406)


def test_small_bodies_are_closed_too() -> None:
    browser = client("alice")
    answer = browser.post(f"{API}/tokens/", data={"name": "", "days": 0, "user": 1}, content_type="application/json")
    assert faults(answer) == {
        ("name", "string_too_short"),
        ("days", "greater_than_equal"),
        ("user", "extra_forbidden"),
    }
    answer = browser.post(f"{API}/tokens/", data={"name": "a", "scopes": ["admin"]}, content_type="application/json")
    assert faults(answer) == {("scopes.0", "literal_error")}
