"""Who decides in somebody's place while they are away. Named by whom it is, for days, and ended by either."""

from datetime import date
from typing import TYPE_CHECKING

from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext

from projects import permissions
from projects.errors import Fault, InvalidSpec, NotAllowed, NotFound
from projects.granting import audited_by
from projects.installation import Installation
from projects.models import Door, StandIn
from projects.notices import announce
from projects.today import today
from provisioning.phrases import phrase

if TYPE_CHECKING:
    from projects.permissions import Person

LONGEST_DAYS = 92


def approver_groups(installation: Installation) -> frozenset[str]:
    """Every directory group that some rule, or the catalogue, lets decide."""
    catalogue = installation.catalogue
    named = {group for rule in catalogue.policy for group in rule.approvers}
    return frozenset({*named, *catalogue.decisions.approvers, *catalogue.decisions.escalate_to})


def may_name(person: "Person", *, installation: Installation) -> bool:
    """May the person name a stand-in: does it decide about requests, or about data of its team?"""
    owners = {one.owner for one in installation.catalogue.data_stores}
    return permissions.may_name_stand_in(person, approvers=approver_groups(installation), data_owners=owners)


def of_person(person: "Person") -> QuerySet[StandIn]:
    """Present and coming ones that the person named or is."""
    mine = Q(approver=person.pk) | Q(stand_in=person.pk)
    return StandIn.objects.filter(mine, ends__gte=today()).select_related("approver", "stand_in")


def in_place_of(person: "Person") -> QuerySet[StandIn]:
    """Those by which the person decides in somebody's place today."""
    day = today()
    return of_person(person).filter(stand_in=person.pk, begins__lte=day, approver__is_active=True).order_by("ends")


def name(
    account: str, *, begins: date | None, ends: date | None, by: "Person", door: Door, installation: Installation
) -> StandIn:
    """Have somebody decide in one's place from the first day to the last. Raises NotAllowed, InvalidSpec."""
    if not may_name(by, installation=installation):
        raise NotAllowed(
            gettext("Only who decides about requests or a team's data can name somebody to do it instead.")
        )
    users = get_user_model().objects.filter(is_active=True, username__iexact=account.strip())
    person = users.exclude(pk=by.pk).first()
    faults = []
    if person is None:
        message = gettext("Nobody else called %(account)s has signed in here yet. Write an account name.") % {
            "account": account.strip() or "…"
        }
        faults.append(Fault(path=("account",), code="unknown", message=message))
    for field, day in (("begins", begins), ("ends", ends)):
        if day is None:
            faults.append(Fault(path=(field,), code="date_type", message=gettext("Write a date, such as 2027-06-30.")))
    if begins and ends and ends < begins:
        faults.append(Fault(path=("ends",), code="before_begin", message=gettext("The last day is before the first.")))
    elif ends and ends < today():
        faults.append(
            Fault(path=("ends",), code="past", message=gettext("The last day has passed. Choose a later day."))
        )
    elif begins and ends and (ends - begins).days > LONGEST_DAYS:
        message = gettext("At most %(most)s days at once.") % {"most": LONGEST_DAYS}
        faults.append(Fault(path=("ends",), code="too_long", message=message))
    if faults or person is None or begins is None or ends is None:
        raise InvalidSpec(faults)
    with audited_by(by=by, door=door), transaction.atomic():
        made = StandIn.objects.create(approver_id=by.pk, stand_in=person, begins=begins, ends=ends)
        text = phrase(
            "%(who)s named you to decide in their place, from %(begins)s to %(ends)s.",
            who=by.username,
            begins=begins,
            ends=ends,
        )
        announce("stand-in", to=[person], but=by, text=text)
    return made


def end(number: int, *, by: "Person", door: Door) -> None:
    """End it at once: who named it, or who is it. Raises NotFound."""
    with audited_by(by=by, door=door), transaction.atomic():
        found = of_person(by).filter(pk=number).first()
        if found is None:
            raise NotFound
        found.delete()
