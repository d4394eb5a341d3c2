"""Who owns one project gets nothing of another by its slug, by a number, or by a child of it under their own slug."""

import json
from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import reverse

from portal.models import ApiToken
from projects.installation import installation
from projects.models import Action, DataConsent, Decision, Door, Membership, Plot, Project, ProjectRequest, Report, Team
from provisioning.models import Event
from tests.ci import COMMIT, ci
from tests.people import bearer, client, person, team
from tests.projects.readers import day
from tests.rights import READS, TABLE, addresses
from tests.test_mass_assignment import rows

pytestmark = pytest.mark.django_db
TEAM = "vision"


def project_of(name: str, slug: str) -> Project:
    spec = {
        "version": 1,
        "slug": slug,
        "team": TEAM,
        "plan": "small",
        "contributors": [{"user": f"{name}@corp.example", "role": "owner"}],
    }
    project = Project.objects.create(slug=slug, team=team(TEAM), spec=spec, key_id=installation().key_ring.current)
    Membership.objects.create(project=project, subject=f"{name}@corp.example", role="owner", source=Door.FORM)
    return project


def request_of(project: Project, name: str) -> ProjectRequest:
    user = person(name)
    return ProjectRequest.objects.create(
        project=project,
        slug=project.slug,
        team=project.team,
        action=Action.CHANGE,
        door=Door.FORM,
        requested_by=user,
        requested_by_name=user.username,
        before=project.spec,
        after={**project.spec, "plan": "large"},
        base_generation=1,
        decision=Decision.PENDING,
        rule="large-asks",
        because="Plan large takes a big part of the cluster.",
    )


@pytest.fixture
def others() -> dict[str, object]:
    """Alice owns lane; what is charlie's, by the parts of addresses."""
    person("alice")
    project_of("alice", "lane")
    secret = project_of("charlie", "secret")
    asked = request_of(secret, "charlie")
    report = Report.objects.create(project=secret, commit=COMMIT, branch="main", run="1")
    plot = Plot.objects.create(report=report, name="roc", media_type="image/png", content=b"")
    token, _ = ApiToken.objects.create(person("charlie"), name="old", scopes=["read"])
    logistics = Team.objects.create(slug="logistics", name="Logistics", ad_groups=["ml-logistics"])
    DataConsent.objects.create(pk=asked.pk, project=secret, store="winter-roads", team=logistics, until=day(9))
    return {
        "slug": "secret",
        "number": asked.pk,
        "pk": asked.pk,
        "uid": token.uid,
        "purpose": "bucket",
        "report": report.pk,
        "plot": plot.pk,
        "store": "winter-roads",
        "subject": "charlie@corp.example",
    }


def about_others() -> Iterator[tuple[str, str]]:
    """Addresses that name something of a project or person."""
    known = addresses()
    for name, line in TABLE.items():
        parts = set(known[name].pattern.converters)
        if parts & {"slug", "number", "pk", "uid"}:
            yield from ((name, method) for method in line.gates)


def call(browser: Client, method: str, name: str, values: dict[str, object]) -> int:
    line, url = TABLE[name], reverse(name, kwargs=values)
    api = url.startswith("/api/")
    data = json.dumps(line.body) if api else "&".join(f"{key}={one}" for key, one in line.body.items())
    kind = "application/json" if api else "application/x-www-form-urlencoded"
    sent = {} if method in READS else {"data": data, "content_type": kind}
    return browser.generic(method, url, headers=dict(line.headers), **sent).status_code


@pytest.mark.parametrize(("name", "method"), about_others(), ids=lambda part: part)
def test_what_is_somebody_else_s_answers_404_and_stays(others: dict[str, object], name: str, method: str) -> None:
    machine = TABLE[name].gates[method].machines
    browser = ci(Project.objects.get(slug="lane")) if machine else client("alice")
    before = rows()
    wanted = {part: others[part] for part in addresses()[name].pattern.converters}
    assert call(browser, method, name, wanted) == (401 if machine else 404)
    assert rows() == before


@pytest.mark.parametrize("name", [name for name in TABLE if "report" in addresses()[name].pattern.converters])
def test_a_report_of_another_project_is_not_found_under_one_s_own(others: dict[str, object], name: str) -> None:
    wanted = {part: others[part] for part in addresses()[name].pattern.converters}
    assert call(client("charlie"), "GET", name, wanted) == 200
    assert call(client("alice"), "GET", name, {**wanted, "slug": "lane"}) == 404


@pytest.mark.parametrize("name", [name for name in TABLE if name.endswith("-credential")])
@pytest.mark.parametrize("purpose", ["nothing", "secret", "forge", "bucket-credentials", "1"])
def test_a_credential_that_the_project_does_not_have_answers_404(
    others: dict[str, object], name: str, purpose: str
) -> None:
    browser = client("alice")
    before = rows()
    assert call(browser, "POST", name, {"slug": "lane", "purpose": purpose}) == 404
    assert rows() == before


def test_a_cursor_of_another_project_leads_to_one_s_own_rows_only(others: dict[str, object]) -> None:
    secret, lane = Project.objects.get(slug="secret"), Project.objects.get(slug="lane")
    for project in (lane, secret, lane, secret):
        Event.objects.create(project=project, kind="bucket", reason="Available", message=project.slug, generation=1)
    theirs = bearer("charlie").get("/api/v1/projects/secret/events/?limit=1").json()
    cursor = theirs["next"].partition("cursor=")[2].partition("&")[0]
    found = bearer("alice").get(f"/api/v1/projects/lane/events/?cursor={cursor}").json()["items"]
    assert {one["message"] for one in found} <= {"lane"}
    assert bearer("alice").get(f"/api/v1/projects/secret/events/?cursor={cursor}").status_code == 404


def test_an_answer_kept_for_somebody_else_s_key_is_not_given(others: dict[str, object]) -> None:
    headers = {"Idempotency-Key": "the-same-key"}
    path = "/api/v1/projects/secret/look/"
    first = bearer("charlie").post(path, data="{}", content_type="application/json", headers=headers)
    second = bearer("alice").post(path, data="{}", content_type="application/json", headers=headers)
    assert (first.status_code, second.status_code) == (202, 404)
