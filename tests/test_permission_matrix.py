"""Every address of the URL map × every method × every kind of person: who passes, who gets 403, who gets 404.

The table is `tests.rights`. An address or a method that is not in it fails, and so does a line of the table for an
address that is gone. What an answer says past the gate is not looked at here.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group
from django.db import transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from portal.models import ApiToken, User
from projects.installation import installation
from projects.models import (
    Action,
    Announcement,
    BulkAction,
    BulkRun,
    ConsentState,
    DataConsent,
    Decision,
    Door,
    Membership,
    Plot,
    Project,
    ProjectRequest,
    Report,
    Team,
)
from provisioning.data_stores import PrefixData
from tests.ci import COMMIT
from tests.people import GROUPS, bearer, client, person, team
from tests.rights import IDENTITIES, KEYS, OPEN, READS, STORE, TABLE, Gate, Line, addresses, admin_addresses

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
WITHOUT_TABLE = {"hook", "chat", "admin/login/"}
"""The doors of forges and chats know signatures instead of people (tests/projects/test_webhooks.py,
tests/projects/test_chat_door.py); a redirect."""

APPROVERS = "ml-leads"

pytestmark = pytest.mark.django_db


@dataclass(frozen=True)
class Stage:
    """What the addresses are about: one project of alice's, and a change of hers that waits for a yes.

    consent: another team's project reads data of the project's team, and asks to read it for longer.
    """

    project: Project
    request: ProjectRequest
    tokens: Mapping[str, ApiToken]
    run: BulkRun
    announcement: Announcement
    plot: Plot
    consent: Mapping[ConsentState, DataConsent]

    def values(self, name: str, *, missing: bool = False) -> dict[str, Any]:
        """Parts of the address `name`: of what is there, or of what is not."""
        wanted = addresses()[name].pattern.converters
        consent = self.consent[ConsentState.GIVEN if "withdraw" in name else ConsentState.ASKED]
        about = consent.pk if "consent" in name else self.request.pk
        there = {
            "slug": self.project.slug,
            "team": self.project.team.slug,
            "number": about,
            "pk": about,
            "store": STORE,
            "run": self.run.pk,
            "announcement": self.announcement.pk,
            "uid": self.tokens["alice"].uid,
            "subject": "alice@corp.example",
            "purpose": "bucket",
            "report": self.plot.report_id,
            "plot": self.plot.pk,
        }
        nowhere = {
            "slug": "nothing-here",
            "team": "nobody-s",
            "number": 999_999_999,
            "pk": 999_999_999,
            "store": STORE,
            "run": 999_999_999,
            "announcement": 999_999_999,
            "uid": "00000000-0000-4000-8000-000000000000",
            "subject": "alice@corp.example",
            "purpose": "nothing",
            "report": 999_999_999,
            "plot": 999_999_999,
        }
        return {part: (nowhere if missing else there)[part] for part in wanted}


@pytest.fixture
def stage(settings: Settings) -> Stage:
    # The catalogue lets a group decide beside the platform team.
    catalogue = settings.INSTALLATION.catalogue
    rules = catalogue.decisions.model_copy(update={"approvers": (APPROVERS,)})
    store = PrefixData(name=STORE, owner="logistics", object_store="store-1", bucket="roads", prefix="raw")
    decided = catalogue.model_copy(update={"decisions": rules, "data_stores": (store,)})
    settings.INSTALLATION = replace(settings.INSTALLATION, catalogue=decided)
    for name in GROUPS:
        person(name)
    spec = {
        "version": 1,
        "slug": "lane",
        "team": "vision",
        "plan": "small",
        "contributors": [{"user": "alice@corp.example", "role": "owner"}],
        "options": {"data": {"read": [STORE], "until": "2099-01-01"}},
    }
    key = installation().key_ring.current
    project = Project.objects.create(slug="lane", team=team("vision"), spec=spec, units=4, key_id=key)
    Membership.objects.create(project=project, subject="alice@corp.example", role="owner", source=Door.FORM)
    alice = person("alice")
    request = ProjectRequest.objects.create(
        project=project,
        slug="lane",
        team=project.team,
        action=Action.CHANGE,
        door=Door.FORM,
        requested_by=alice,
        requested_by_name=alice.username,
        before=spec,
        after={**spec, "plan": "large"},
        base_generation=1,
        decision=Decision.PENDING,
        rule="large-asks",
        because="Plan large takes a big part of the cluster.",
        approvers=[APPROVERS],
    )
    tokens = {name: ApiToken.objects.create(person(name), name="old", scopes=["read"])[0] for name in ("alice",)}
    paula = person("paula")
    run = BulkRun.objects.create(
        action=BulkAction.SUSPEND, because="The store is moved.", by=paula, by_name=paula.username, door=Door.FORM
    )
    # Not shown yet: what is shown stands on every page, with its number.
    tomorrow = timezone.now() + timedelta(days=1)
    announcement = Announcement.objects.create(
        text="Moved.", because="Full.", begins=tomorrow, by=paula, by_name=paula.username
    )
    report = Report.objects.create(project=project, commit=COMMIT, branch="main", run="1")
    plot = Plot.objects.create(report=report, name="residuals", media_type="image/png", content=b"")
    logistics = Team.objects.create(slug="logistics", name="Logistics", ad_groups=["ml-logistics"])
    asks = Project.objects.create(slug="routes", team=logistics, spec={**spec, "slug": "routes", "team": "logistics"})
    consent = {
        state: DataConsent.objects.create(
            project=asks, store="lanes", team=project.team, until=timezone.localdate() + timedelta(days=9), state=state
        )
        for state in (ConsentState.ASKED, ConsentState.GIVEN)
    }
    return Stage(
        consent=consent, project=project, request=request, tokens=tokens, run=run, announcement=announcement, plot=plot
    )


def caller(identity: str, stage: Stage) -> Client:
    """A browser or a script of this kind of person."""
    if identity == "anonymous":
        return Client()
    if identity == "stranger's token":
        return bearer("charlie")
    if identity == "owner's reading token":
        return bearer("alice", "read")
    if identity == "owner's token":
        return bearer("alice")
    return client(_person(identity, stage))


def _person(identity: str, stage: Stage) -> User:
    known = {"stranger": "charlie", "owner": "alice", "admin": "paula"}
    if identity in known:
        return person(known[identity])
    bob = person("bob")
    if identity in ("member", "approver"):
        name = "ml-vision" if identity == "member" else APPROVERS
        bob.groups.add(Group.objects.get_or_create(name=name)[0])
    elif identity == "former owner":
        ProjectRequest.objects.filter(pk=stage.request.pk).update(requested_by=bob, requested_by_name=bob.username)
    else:
        Membership.objects.create(project=stage.project, subject=bob.username, role=identity, source=Door.FORM)
    return bob


def asked(browser: Client, method: str, name: str, line: Line, values: Mapping[str, Any]) -> HttpResponse:
    """The answer; whatever the call wrote is undone."""
    url = reverse(name, kwargs=values)
    api = url.startswith("/api/")
    sent: dict[str, Any] = {}
    if method not in READS:
        sent["content_type"] = "application/json" if api else "application/x-www-form-urlencoded"
        sent["data"] = json.dumps(line.body) if api else "&".join(f"{key}={one}" for key, one in line.body.items())
    with transaction.atomic():
        answer = browser.generic(method, url, headers=dict(line.headers), **sent)
        transaction.set_rollback(True)
    return answer


def verdict(answer: HttpResponse) -> str:
    """passed, or how the gate was shut: 401, 403, 404, or "sign in"."""
    if answer.status_code in (301, 302) and answer["Location"].startswith("/sign-in/?next="):
        return "sign in"
    return str(answer.status_code) if answer.status_code in (401, 403, 404) else "passed"


def expected(gate: Gate, identity: str, *, method: str, api: bool) -> str:
    """What the table says."""
    if gate.open:
        return "passed"
    if gate.machines:
        return "401"
    if identity in KEYS and not api:
        return "sign in"
    if identity == "anonymous":
        return "401" if api else "sign in"
    if identity == "owner's reading token":
        # Decided before anything is looked up, so it tells nobody what there is.
        return expected(gate, "owner's token", method=method, api=api) if method in READS else "403"
    if identity in gate.passes:
        return "passed"
    return "403" if identity in gate.sees else "404"


def test_the_table_knows_every_address() -> None:
    assert set(addresses()) - WITHOUT_TABLE == set(TABLE)


@pytest.mark.parametrize("name", TABLE)
def test_who_passes(stage: Stage, name: str) -> None:
    line, api = TABLE[name], reverse(name, kwargs=stage.values(name)).startswith("/api/")
    wrong: list[str] = []
    for identity in IDENTITIES:
        with transaction.atomic():
            browser = caller(identity, stage)
            for method in METHODS:
                answer = asked(browser, method, name, line, stage.values(name))
                if method in line.gates:
                    wanted = expected(line.gates[method], identity, method=method, api=api)
                    if verdict(answer) != wanted:
                        wrong.append(f"{method} as {identity}: {answer.status_code}, wanted {wanted}")
                elif verdict(answer) == "passed" and answer.status_code != 405:
                    wrong.append(f"{method} as {identity}: {answer.status_code}, but the table knows no {method}")
            transaction.set_rollback(True)
    assert wrong == []


@pytest.mark.parametrize("name", [name for name, one in TABLE.items() if OPEN not in one.gates.values()])
def test_a_stranger_cannot_tell_what_is_there_from_what_is_not(stage: Stage, name: str) -> None:
    there, nowhere = stage.values(name), stage.values(name, missing=True)
    if not there:
        return
    line = TABLE[name]
    for identity in ("stranger", "stranger's token"):
        browser = caller(identity, stage)
        for method in line.gates:
            first, second = (asked(browser, method, name, line, values) for values in (there, nowhere))
            assert (first.status_code, _body(first, there)) == (second.status_code, _body(second, nowhere)), method


def _body(answer: HttpResponse, values: Mapping[str, Any]) -> str:
    """The body without what differs by nature: the name that was asked for, request ids, CSRF tokens."""
    text = re.sub(r"\b[0-9a-f]{32}\b", "", answer.content.decode())
    text = re.sub(r'name="csrfmiddlewaretoken" value="[^"]+"', "", text)
    for value in values.values():
        # As part of an address only: a request's number may stand anywhere in a page by chance.
        text = text.replace(f"/{value}/", "/…/")
    return text


@pytest.mark.parametrize("identity", [one for one in IDENTITIES if one != "admin"])
def test_django_s_admin_lets_nobody_in_but_the_platform_team(stage: Stage, identity: str) -> None:
    browser, wrong = caller(identity, stage), []
    # One gate is before all methods; who may most of the others tries to write as well.
    methods = ("GET", "POST") if identity == "owner" else READS
    for path in admin_addresses():
        for answer in (browser.generic(method, path) for method in methods):
            shut = answer.status_code in (302, 401, 403, 404)
            leads = answer.get("Location", "/admin/").partition("?")[0]
            # Its own addresses lead to the sign-in, those that are moved to each other, and each has the gate again.
            if not shut or not leads.startswith(("/admin/", "/sign-in/")):
                wrong.append(f"{path} as {identity}: {answer.status_code} {leads}")
    assert wrong == []


def test_the_platform_team_reads_django_s_admin(stage: Stage) -> None:
    paula = caller("admin", stage)
    lists = [path for path in admin_addresses() if f"{path}1/change/" in admin_addresses()]
    assert len(lists) == len(admin.site._registry)
    for path in ("/admin/", *lists):
        assert paula.get(path).status_code == 200, path
    adds = [path for path in admin_addresses() if path.endswith("/add/") and paula.get(path).status_code != 403]
    assert adds == []
    for path in admin_addresses():
        if path.endswith(("/1/change/", "/1/delete/")):
            # Nothing has this number, or it is not to be written: the list, or a no.
            assert paula.post(path).status_code in (302, 403), path
