"""The API's description is whole, valid, and tells the truth about every address."""

import json
from collections.abc import Iterator
from io import StringIO
from typing import Any

import jsonschema
import pytest
from django.core.management import call_command
from django.test import Client

from projects.models import DataConsent, Plot, Project, Report
from provisioning.kind import kinds
from tests.ci import COMMIT, ci
from tests.people import bearer, client, teams
from tests.projects.readers import day

API = "/api/v1"
METHODS = ("get", "post", "put", "patch", "delete")


@pytest.fixture(scope="module")
def description() -> dict[str, Any]:
    answer = Client().get(f"{API}/schema/")
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/vnd.oai.openapi+json")
    found: dict[str, Any] = json.loads(answer.content)
    return found


def operations(description: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in description["paths"].items():
        for method in METHODS:
            if method in item:
                yield path, method, item[method]


def test_it_is_made_without_a_warning_and_valid() -> None:
    out = StringIO()
    call_command("spectacular", validate=True, fail_on_warn=True, stdout=out)
    assert out.getvalue().startswith("openapi: 3.1.1")


def test_every_reference_leads_somewhere(description: dict[str, Any]) -> None:
    known = {f"#/components/schemas/{name}" for name in description["components"]["schemas"]}
    text = json.dumps(description)
    said = {part.split('"')[0] for part in text.split('"$ref": "')[1:]}
    assert said <= known
    assert "#/$defs/" not in text


def test_the_wish_has_the_options_of_every_kind_and_its_examples_fit(description: dict[str, Any]) -> None:
    schemas = description["components"]["schemas"]
    options = schemas["ProjectSpec"]["properties"]["options"]
    assert set(options["properties"]) == {name for name, kind in kinds().items() if kind.options.model_fields}
    assert options["additionalProperties"] is False
    assert set(schemas["ProjectSpec"]["required"]) == {"slug", "team"}
    body = description["paths"][f"{API}/projects/"]["post"]["requestBody"]["content"]["application/json"]
    check = jsonschema.Draft202012Validator(
        {"$ref": "#/components/schemas/ProjectSpec", "components": description["components"]}
    )
    for example in body["examples"].values():
        check.validate(example["value"])
    assert len(body["examples"]) == 2


@pytest.mark.django_db
def test_the_examples_are_accepted(description: dict[str, Any]) -> None:
    teams()
    body = description["paths"][f"{API}/projects/"]["post"]["requestBody"]["content"]["application/json"]
    for example in body["examples"].values():
        answer = bearer("alice").post(
            f"{API}/projects/?dry_run=true", data=example["value"], content_type="application/json"
        )
        assert (answer.status_code, answer.json()["verdict"]["decision"]) == (200, "approve")


def test_every_operation_names_itself_and_its_problems(description: dict[str, Any]) -> None:
    names = [operation["operationId"] for _, _, operation in operations(description)]
    assert len(names) == len(set(names))
    for path, method, operation in operations(description):
        problems = {
            status
            for status, one in operation["responses"].items()
            if "application/problem+json" in one.get("content", {})
        }
        assert problems >= {"400", "401", "503"}, (path, method)
        assert operation["summary"], (path, method)
        headers = {one["name"] for one in operation.get("parameters", []) if one["in"] == "header"}
        # A report is the same by its commit and run.
        once = method != "get" and operation["security"] != [{"ci": []}]
        assert ("Idempotency-Key" in headers) is once, (path, method)


@pytest.mark.django_db
def test_what_is_read_has_the_described_shape_and_knows_no_other_parameter(description: dict[str, Any]) -> None:
    teams()
    caller = bearer("alice")
    spec = {"slug": "demand", "team": "forecasting"}
    made = caller.post(f"{API}/projects/", data=spec, content_type="application/json")
    number = made.json()["request"]["id"]
    places = {"slug": "demand", "id": number, "subject": "alice@corp.example", "team": "forecasting"}
    # The platform team may read everything.
    caller = bearer("paula")
    wish = {"action": "look", "because": "To have a run.", "projects": ["demand"]}
    run = caller.post(f"{API}/platform/runs/", data=wish, content_type="application/json")
    places["run"] = run.json()["id"]
    wish = {"text": "Tonight.", "because": "To have an announcement."}
    told = caller.post(f"{API}/platform/announcements/", data=wish, content_type="application/json")
    places["announcement"] = told.json()["id"]
    report = Report.objects.create(project=Project.objects.get(), commit=COMMIT, branch="main", run="1")
    places["report"] = report.pk
    places["plot"] = Plot.objects.create(report=report, name="roc", media_type="image/png", content=b"").pk
    project, vision = Project.objects.get(), teams()["vision"]
    DataConsent.objects.create(pk=number, project=project, store="winter-roads", team=vision, until=day(9))
    for path, method, operation in operations(description):
        if method != "get":
            continue
        url = path.format_map(places)
        answer = caller.get(url)
        assert answer.status_code == 200, path
        said = operation["responses"]["200"]["content"]
        assert answer["Content-Type"] in said, path
        if "application/json" in said:
            checked = {**said["application/json"]["schema"], "components": description["components"]}
            jsonschema.Draft202012Validator(checked).validate(answer.json())
        assert caller.get(f"{url}?nonsense=1").status_code == 400, path


@pytest.mark.django_db
def test_writes_know_no_other_parameter_either(description: dict[str, Any]) -> None:
    teams()
    caller = client("alice")
    spec = {"slug": "demand", "team": "forecasting"}
    made = caller.post(f"{API}/projects/", data=spec, content_type="application/json")
    places = {"slug": "demand", "id": made.json()["request"]["id"], "uid": "00000000-0000-4000-8000-000000000000"}
    places |= {"purpose": "bucket", "team": "forecasting", "run": 1, "announcement": 1, "store": "winter-roads"}
    admin, pipeline = client("paula"), ci(Project.objects.get())
    for path, method, operation in operations(description):
        if method == "get":
            continue
        by_ci = operation["security"] == [{"ci": []}]
        answer = getattr(pipeline if by_ci else admin if "/platform/" in path else caller, method)(
            f"{path.format_map(places)}?nonsense=1", data={}, content_type="application/json", headers={"If-Match": "*"}
        )
        assert (answer.status_code, answer.json()["type"]) == (400, "urn:slipway:problem:invalid-query"), (path, method)


def test_editors_get_the_schema_of_a_profile_without_a_credential() -> None:
    answer = Client().get("/profile.schema.json")
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/schema+json")
    schema = answer.json()
    jsonschema.Draft202012Validator.check_schema(schema)
    assert {"slug", "team", "plan", "options"} <= set(schema["properties"])
    assert Client().post("/profile.schema.json").status_code == 405
