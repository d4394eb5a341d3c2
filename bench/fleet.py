"""A made-up fleet for measurements: teams, people, projects with their members, resources, requests and events."""

import uuid
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client
from django.utils import timezone

from portal.models import User
from projects.models import (
    Action,
    Decision,
    DirectoryEdge,
    DirectoryEntry,
    Door,
    Membership,
    Project,
    ProjectRequest,
    Team,
)
from provisioning.conditions import Status
from provisioning.errors import Reason
from provisioning.kind import Kind, kinds
from provisioning.models import Event, Resource

ALICES = "lane-00000"
"""A project that alice owns."""
TEAMS = 40
COMPANY = 20_000
BATCH = 2000
_GROUPS = {"alice": ["ml-users", "ml-team-00"], "paula": ["ml-users", "ml-platform"]}


def people() -> None:
    """Alice, in one of forty teams, and paula of the platform team."""
    for name, groups in _GROUPS.items():
        user = User.objects.create(
            username=f"{name}@corp.example",
            first_name=name.title(),
            tenant="corp",
            object_id=f"oid-{name}",
            is_staff="ml-platform" in groups,
        )
        user.groups.set([Group.objects.get_or_create(name=group)[0] for group in groups])
    Team.objects.bulk_create(
        Team(slug=f"team-{number:02}", name=f"Team {number:02}", ad_groups=[f"ml-team-{number:02}"], budget=2000)
        for number in range(TEAMS)
    )


def company() -> None:
    """A directory in which the group of alice's team holds everybody."""
    group = DirectoryEntry.objects.create(object_id="oid-ml-team-00", is_group=True, account="ml-team-00", name="Team")
    company = [
        DirectoryEntry(
            object_id=f"oid-{number:05}", account=f"person-{number:05}@corp.example", name=f"Person {number:05}"
        )
        for number in range(COMPANY)
    ]
    DirectoryEntry.objects.bulk_create(company, batch_size=BATCH)
    edges = (DirectoryEdge(member=one.object_id, group=group.object_id) for one in company)
    DirectoryEdge.objects.bulk_create(edges, batch_size=BATCH)


def projects(count: int, *, first: int = 0) -> None:
    """So many projects of five members each; of a hundred one needs attention, one is suspended, one ends."""
    teams = list(Team.objects.order_by("slug"))
    now = timezone.now()
    made = [_project(number, team=teams[number % TEAMS], now=now) for number in range(first, first + count)]
    rows = Project.objects.bulk_create(made, batch_size=BATCH)
    Membership.objects.bulk_create((one for row in rows for one in _members(row)), batch_size=BATCH)
    Resource.objects.bulk_create((one for row in rows for one in _resources(row, now=now)), batch_size=BATCH)
    Event.objects.bulk_create((one for row in rows for one in _events(row, now=now)), batch_size=BATCH)
    ProjectRequest.objects.bulk_create((_request(row) for row in rows), batch_size=BATCH)
    with connection.cursor() as cursor:
        cursor.execute("analyze")


def browser(person: str) -> Client:
    """A browser in which this person is signed in, without a server between."""
    opened = Client()
    opened.force_login(User.objects.get(username=f"{person}@corp.example"), backend=settings.AUTHENTICATION_BACKENDS[0])
    return opened


def cookies(person: str) -> dict[str, str]:
    """The cookies of a session of this person."""
    name = settings.SESSION_COOKIE_NAME
    return {name: browser(person).cookies[name].value}


def _project(number: int, *, team: Team, now: datetime) -> Project:
    slug = f"lane-{number:05}"
    owner = "alice" if number % 500 == 0 else f"person-{number % 3000:04}"
    contributors = [{"user": f"{owner}@corp.example", "role": "owner"}]
    contributors += [
        {"user": f"person-{(number * 7 + at) % 3000:04}@corp.example", "role": "editor"} for at in range(1, 3)
    ]
    contributors += [{"group": f"ml-group-{(number + at) % 200:03}", "role": "viewer"} for at in range(2)]
    accepted = now - timedelta(minutes=7 * (number % 6000))
    return Project(
        uid=uuid.uuid4(),
        slug=slug,
        team=team,
        spec={
            "version": 1,
            "slug": slug,
            "title": f"Lane {number:05}",
            "team": team.slug,
            "plan": "small",
            "contributors": contributors,
            **({"expires": (now + timedelta(days=20)).date().isoformat()} if number % 100 == 7 else {}),
        },
        units=4,
        key_id="k1",
        suspended=number % 100 == 5,
        observed_generation=1,
        next_look_at=now + timedelta(days=1),
        created_at=accepted,
        accepted_at=accepted,
        ready_at=accepted + timedelta(seconds=0.6 + number % 7 / 10),
    )


def _members(project: Project) -> list[Membership]:
    return [
        Membership(
            project=project,
            subject=one.get("user") or one["group"],
            is_group="group" in one,
            role=one["role"],
            source=Door.FORM,
        )
        for one in project.spec["contributors"]
    ]


def _kinds() -> dict[str, Kind]:
    """Those that every project has: there is no row of a Kind that one could choose and didn't."""
    return {name: kind for name, kind in kinds().items() if kind.wanted is None}


def _resources(project: Project, *, now: datetime) -> list[Resource]:
    broken = project.pk % 100 == 3
    found = []
    for name, kind in _kinds().items():
        wrong = broken and name == "repository"
        shown: dict[str, Any] = {
            "synced_status": Status.FALSE if wrong else Status.TRUE,
            "synced_reason": Reason.NAME_TAKEN if wrong else Reason.AVAILABLE,
            "synced_message": "It exists and is not Slipway's. Attach it, or pick another name." if wrong else "",
            "ready_status": Status.FALSE if wrong else Status.TRUE,
            "ready_reason": Reason.PROGRESSING if wrong else Reason.AVAILABLE,
        }
        found.append(
            Resource(project=project, kind=name, target=kind.system, observed_generation=1, last_look=now, **shown)
        )
    return found


def _events(project: Project, *, now: datetime) -> list[Event]:
    made = [
        Event(
            project=project,
            kind=name,
            at=project.accepted_at,
            reason=Reason.AVAILABLE,
            message=f"Made {name}.",
            generation=1,
        )
        for name in _kinds()
    ]
    if project.pk % 50 == 0:
        made.append(
            Event(
                project=project,
                kind="network",
                target=_kinds()["network"].system,
                at=now,
                reason=Reason.DRIFTED,
                message="Somebody changed the network policy by hand. We put it back.",
                generation=1,
            )
        )
    return made


def _request(project: Project) -> ProjectRequest:
    waits = project.pk % 200 == 9
    return ProjectRequest(
        project=project,
        slug=project.slug,
        team=project.team,
        action=Action.CHANGE if waits else Action.CREATE,
        door=Door.FORM,
        requested_by_name=project.spec["contributors"][0]["user"],
        before=project.spec if waits else None,
        after={**project.spec, "plan": "large"} if waits else project.spec,
        base_generation=1 if waits else 0,
        generation=None if waits else 1,
        decision=Decision.PENDING if waits else Decision.APPROVED,
        rule="large-asks" if waits else "within-budget",
        because="Plan large takes a big part of the cluster." if waits else "It fits the team's budget.",
        decided_at=None if waits else project.accepted_at,
        created_at=project.accepted_at,
    )
