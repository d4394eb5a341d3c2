"""What a page that asks many times has read of a person once answers as the database does each time."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from projects import permissions
from projects.models import Membership, OfferedTo, Project, Succession, Team
from provisioning.spec import Role
from tests.people import GROUPS, person, teams

pytestmark = pytest.mark.django_db


def made(slug: str, team: Team, *roles: tuple[str, bool, Role], **fields: Any) -> Project:
    project = Project.objects.create(slug=slug, team=team, spec={"slug": slug}, **fields)
    for subject, is_group, role in roles:
        Membership.objects.create(project=project, subject=subject, is_group=is_group, role=role, source="form")
    return project


@pytest.fixture(autouse=True)
def _projects() -> None:
    known, now = teams(), timezone.now()
    alice, bob, group = "alice@corp.example", "bob@corp.example", "ml-users"
    made("hers", known["vision"], (alice, False, Role.OWNER))
    made("both", known["vision"], (alice, False, Role.VIEWER), (group, True, Role.EDITOR))
    made("of-the-team", known["forecasting"], (bob, False, Role.OWNER))
    made("nobody-s", known["vision"])
    made("removed", known["vision"], (alice, False, Role.OWNER), deletion_requested_at=now, deleted_at=now)
    made("over", known["vision"])
    yesterday = (now - timedelta(days=1)).date()
    Membership.objects.create(
        project=Project.objects.get(slug="over"), subject=bob, role=Role.OWNER, source="form", until=yesterday
    )
    for slug, offered_to in (("both", OfferedTo.EDITORS), ("nobody-s", OfferedTo.TEAM), ("over", OfferedTo.PLATFORM)):
        project = Project.objects.get(slug=slug)
        Succession.objects.create(
            project=project, offered_to=offered_to, offered_at=now, next_at=now + timedelta(days=7)
        )


def answers(name: str, *, remembered: bool) -> dict[str, list[str]]:
    user = person(name)
    if remembered:
        permissions.remember_sight(user)
    asked = {
        "visible": permissions.visible_projects(user),
        "own": permissions.own_projects(user),
        **{role.value: permissions.own_projects(user, role=role) for role in Role},
    }
    found = {what: sorted(rows.values_list("slug", flat=True)) for what, rows in asked.items()}
    return found | {"offers": sorted(permissions.offers_to(user).values_list("project__slug", flat=True))}


@pytest.mark.parametrize("most", [permissions.MOST_ROLES, 1, 0])
@pytest.mark.parametrize("name", list(GROUPS))
def test_what_was_read_once_answers_as_each_question_would(
    name: str, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(permissions, "MOST_ROLES", most)
    asked = answers(name, remembered=False)
    assert answers(name, remembered=True) == asked


def test_the_answers_differ_between_people() -> None:
    seen = {name: answers(name, remembered=True) for name in GROUPS}
    assert seen["alice"]["owner"] == ["hers"]
    assert seen["alice"]["visible"] == ["both", "hers", "of-the-team"]
    assert seen["bob"]["own"] == ["both", "of-the-team"]
    assert (seen["charlie"]["visible"], seen["charlie"]["offers"]) == (["both"], ["both"])
    assert len(seen["paula"]["visible"]) == 5
