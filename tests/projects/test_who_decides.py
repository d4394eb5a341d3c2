"""Who decides about a request: the platform team, the catalogue's approvers, nobody about their own."""

from collections.abc import Iterator

import pytest

from portal.models import User
from projects import audience, permissions
from projects.errors import NotAllowed, NotFound
from projects.installation import installation
from projects.models import Decision, DirectoryEntry, ProjectRequest, StandIn
from projects.today import today
from provisioning.policy_rules import Decisions, Rule
from tests.people import client, person
from tests.projects.asking import GPU, approve, asked, fresh, joins, leads_decide, leaves, present, revise, told
from tests.projects.catalogues import catalogue_with
from tests.projects.pages import text

pytestmark = pytest.mark.django_db
LEADS = "7cc416c3-8322-4543-9d88-3c5b275b0742"


@pytest.fixture
def leads() -> Iterator[None]:
    """The group ml-leads decides beside the platform team; charlie is in it."""
    joins("charlie", "ml-leads")
    with leads_decide():
        yield


@pytest.fixture
def leads_by_id() -> Iterator[None]:
    """The group whose object id is LEADS decides beside the platform team."""
    with catalogue_with(decisions=Decisions(approvers=(LEADS.upper(),))):
        yield


def test_nobody_decides_about_their_own_by_any_road(leads: None) -> None:
    paula, bob = person("paula"), person("bob")
    own = asked(who="paula")
    with pytest.raises(NotAllowed):
        approve(own, paula)
    # Neither by having put somebody else's in other words,
    request = asked("lanes")
    revise(request, {**GPU, "slug": "lanes", "title": "Lanes"}, person("alice"))
    ProjectRequest.objects.filter(pk=request.pk).update(requested_by=bob.pk)
    alice = person("alice")
    alice.is_staff = True
    alice.save()
    with pytest.raises(NotAllowed):
        approve(fresh(request), alice)
    # nor by a stand-in, who has no more rights than the one who is away.
    day = today()
    StandIn.objects.create(approver=paula, stand_in=bob, begins=day, ends=day)
    with pytest.raises(NotAllowed):
        approve(own, bob)
    assert set(ProjectRequest.objects.values_list("decision", flat=True)) == {Decision.PENDING}


def test_approvers_of_the_catalogue_see_and_decide(leads: None) -> None:
    request = asked()
    assert (request.approvers, list(permissions.to_decide(present("charlie")))) == (["ml-leads"], [request])
    assert told("charlie") == ["request-waits"]
    assert approve(request, present("charlie")).decided_by == present("charlie")


def test_approvers_by_object_id_are_who_is_in_that_group_whatever_it_is_called(leads_by_id: None) -> None:
    one = person("charlie")
    # A group that somebody called like the id is another one.
    joins("bob", LEADS)
    request = asked()
    assert request.approvers == [LEADS]
    assert one not in audience.deciders_of(request)
    with pytest.raises(NotFound):
        approve(request, present("charlie"))
    with pytest.raises(NotAllowed):
        approve(request, present("bob"))
    User.objects.filter(pk=one.pk).update(group_ids=[LEADS])
    DirectoryEntry.objects.create(object_id=LEADS, is_group=True, account="research-leads", name="Leads")
    assert one in audience.deciders_of(request)
    assert [row.pk for row in permissions.to_decide(present("charlie"))] == [request.pk]
    assert "the platform team or research-leads" in text(client("paula").get(f"/requests/{request.pk}/"))
    assert approve(request, present("charlie")).decision == Decision.APPROVED


def test_a_rule_asks_for_groups_by_object_id_too() -> None:
    rule = Rule(name="leads-go", decision="approve", because="Leads.", groups=(LEADS,))
    with catalogue_with(policy=(rule, *installation().catalogue.policy)):
        assert asked("one").rule == "gpu-asks"
        User.objects.filter(username="alice@corp.example").update(group_ids=[LEADS])
        assert asked("two").rule == "leads-go"


def test_who_is_no_approver_any_more_decides_nothing(leads: None) -> None:
    request = asked()
    with pytest.raises(NotFound):
        approve(request, leaves("charlie", "ml-leads"))
    User.objects.filter(pk=person("paula").pk).update(is_staff=False)
    with pytest.raises((NotFound, NotAllowed)):
        approve(request, present("paula"))
    assert fresh(request).decision == Decision.PENDING
