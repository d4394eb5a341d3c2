"""Who decides in somebody's place: for days that were named, about what that person could decide, and no more."""

from datetime import timedelta

import pytest

from projects import permissions, stand_ins
from projects.errors import InvalidSpec, NotAllowed, NotFound
from projects.installation import installation
from projects.models import Door, RequestRevision, StandIn
from projects.today import today
from tests.people import person
from tests.projects.asking import GPU, approve, asked, revise

pytestmark = pytest.mark.django_db


def test_a_stand_in_decides_for_days_and_not_before_or_after() -> None:
    paula, bob, day = person("paula"), person("bob"), today()
    request = asked()
    row = stand_ins.name(
        "bob@corp.example", begins=day + timedelta(days=1), ends=day + timedelta(days=2), by=paula, door=Door.FORM,
        installation=installation(),
    )  # fmt: skip
    with pytest.raises(NotAllowed):
        approve(request, person("bob"))
    StandIn.objects.filter(pk=row.pk).update(begins=day - timedelta(days=2), ends=day - timedelta(days=1))
    with pytest.raises(NotAllowed):
        approve(request, person("bob"))
    StandIn.objects.filter(pk=row.pk).update(begins=day, ends=day)
    bob = person("bob")
    assert list(permissions.to_decide(bob)) == [request]
    assert approve(request, bob).decided_by == bob
    # A stand-in names no further one.
    with pytest.raises(NotAllowed):
        stand_ins.name(
            "charlie@corp.example", begins=day, ends=day, by=bob, door=Door.FORM, installation=installation()
        )


def test_what_somebody_asked_does_not_wait_for_who_decides_in_their_place() -> None:
    paula, bob, day = person("paula"), person("bob"), today()
    StandIn.objects.create(approver=paula, stand_in=bob, begins=day, ends=day)
    own, other = asked("one", who="paula"), asked("two")
    assert list(permissions.to_decide(person("bob"))) == [other]
    # Whoever stands in for somebody else too decides about it in that place.
    charlie = person("charlie")
    charlie.is_staff = True
    charlie.save()
    StandIn.objects.create(approver=charlie, stand_in=bob, begins=day, ends=day)
    assert set(permissions.to_decide(person("bob"))) == {own, other}
    assert permissions.may_decide(person("bob"), own)
    revise(other, {**GPU, "slug": "two", "title": "Two"}, person("alice"))
    RequestRevision.objects.update(by=paula)
    assert set(permissions.to_decide(person("bob"))) == {own, other}
    StandIn.objects.filter(approver=charlie).delete()
    assert list(permissions.to_decide(person("bob"))) == []


def test_faults_of_a_stand_in_come_all_at_once_and_only_its_two_people_end_it() -> None:
    paula, day = person("paula"), today()
    with pytest.raises(InvalidSpec) as error:
        stand_ins.name(" ", begins=None, ends=day, by=paula, door=Door.FORM, installation=installation())
    assert [(fault.path, fault.code) for fault in error.value.faults] == [
        (("account",), "unknown"), (("begins",), "date_type"),
    ]  # fmt: skip
    person("bob")
    row = stand_ins.name(
        "BOB@corp.example", begins=day, ends=day, by=paula, door=Door.FORM, installation=installation()
    )
    with pytest.raises(NotFound):
        stand_ins.end(row.pk, by=person("charlie"), door=Door.FORM)
    stand_ins.end(row.pk, by=person("bob"), door=Door.FORM)
    assert StandIn.objects.count() == 0
