"""What a list gives one to decide is what one may decide about: the query and the predicate say the same (0009)."""

from collections.abc import Iterator
from itertools import product

import pytest

from portal.models import User
from projects import permissions
from projects.models import ConsentState, DataConsent, Project, ProjectRequest, RequestRevision, StandIn
from projects.today import today
from tests.people import person, team
from tests.projects.asking import joins
from tests.projects.readers import keeper

pytestmark = pytest.mark.django_db

NAMES = ("alice", "bob", "charlie", "paula")
STANDING = [
    (),
    (("paula", "bob"),),
    (("paula", "bob"), ("charlie", "bob")),
    (("charlie", "paula"), ("bob", "alice")),
    (("paula", "charlie"), ("charlie", "paula"), ("bob", "charlie")),
]
"""Who is away, and who decides in their place."""


@pytest.fixture
def requests() -> list[ProjectRequest]:
    """Each way in which somebody can have asked, for each group that can be asked. charlie is in ml-leads, bob decides
    about data of team vision, paula is of the platform team.
    """
    joins("charlie", "ml-leads")
    people = {name: person(name) for name in NAMES} | {"bob": keeper()}
    found = []
    for number, (first, revised, joined, groups) in enumerate(
        product(NAMES, (None, "alice", "paula"), (None, "bob"), ([], ["ml-leads"]))
    ):
        request = ProjectRequest.objects.create(
            slug=f"p{number}", team=team("forecasting"), action="create", door="form", requested_by=people[first],
            requested_by_name=first, rule="r", because="b", approvers=groups, revision=1 if revised is None else 2,
        )  # fmt: skip
        if revised is not None:
            RequestRevision.objects.create(
                request=request, number=1, after={}, by=people[revised], by_name=people[revised].username
            )
        if joined is not None:
            request.joined_by.add(people[joined])
        found.append(request)
    return found


def each_standing() -> Iterator[User]:
    """Everybody, as they are with each of these stand-ins."""
    accounts = {name: User.objects.get(username=f"{name}@corp.example") for name in NAMES}
    for pairs in STANDING:
        StandIn.objects.all().delete()
        for away, stands_in in pairs:
            StandIn.objects.create(approver=accounts[away], stand_in=accounts[stands_in], begins=today(), ends=today())
        yield from User.objects.order_by("pk")


def test_of_requests(requests: list[ProjectRequest]) -> None:
    decided = 0
    for user in each_standing():
        may = {one.pk for one in requests if permissions.may_decide(user, one)}
        assert {one.pk for one in permissions.to_decide(user)} == may, user
        decided += len(may)
    assert decided


def test_of_consents(requests: list[ProjectRequest]) -> None:
    project = Project.objects.create(slug="demand", team=team("forecasting"), spec={}, next_look_at=None)
    asked = [(request, request.requested_by, "vision") for request in requests[::2]]
    consents = [
        DataConsent.objects.create(
            project=project, store=f"s{number}", team=team(owner), until=today(), request=request, asked_by=by,
            state=ConsentState.ASKED,
        )
        for number, (request, by, owner) in enumerate([(None, None, "vision"), (None, None, "forecasting"), *asked])
    ]  # fmt: skip
    decided = 0
    for user in each_standing():
        may = {one.pk for one in consents if permissions.may_decide_consent(user, one)}
        assert {one.pk for one in permissions.consents_to_decide(user)} == may, user
        decided += len(may)
    assert decided
