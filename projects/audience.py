"""Whom to ask or tell about something: the accounts, in the order of their keys.

`projects.permissions` says of a person what they may see and decide; here the same is found from the other side, for
who has to write to them.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, cast

from django.contrib.auth import get_user_model
from django.db.models import Q

from projects.models import DataConsent, Membership, OfferedTo, Project, ProjectRequest, Succession, Team
from projects.permissions import asked_by, authors_of
from projects.today import today
from provisioning.directory import is_object_id
from provisioning.spec import Role

if TYPE_CHECKING:
    from projects.permissions import Person


def askers_of(request: ProjectRequest) -> list["Person"]:
    """The accounts of `authors_of`."""
    return _accounts(Q(pk__in=authors_of(request)))


def deciders_of(request: ProjectRequest) -> list["Person"]:
    """Who is asked about a request, with those who stand in for them today; not its authors."""
    day = today()
    people = get_user_model().objects.filter(is_active=True).exclude(pk__in=authors_of(request))
    inside = Q(group_ids__overlap=request.approvers)
    inside |= Q(groups__name__in=[name for name in request.approvers if not is_object_id(name)])
    asked = people.filter(Q(is_staff=True) | Q(is_superuser=True) | inside).distinct()
    standing = people.filter(
        stands_in_for__begins__lte=day, stands_in_for__ends__gte=day, stands_in_for__approver__in=asked
    ).distinct()
    return [cast("Person", one) for one in {one.pk: one for one in (*asked, *standing)}.values()]


def unheard(groups: Iterable[str]) -> list[str]:
    """Those of these directory groups of which nobody has an account here yet, so that nobody in them can be told."""
    meant = sorted(set(groups))
    ids = [one for one in meant if is_object_id(one)]
    accounts = get_user_model().objects.filter(is_active=True) if meant else get_user_model().objects.none()
    heard = set(accounts.filter(groups__name__in=meant).values_list("groups__name", flat=True)) - set(ids)
    for held in accounts.filter(group_ids__overlap=ids).values_list("group_ids", flat=True) if ids else ():
        heard.update(held)
    return [one for one in meant if one not in heard]


def data_owners_of(team: Team) -> list["Person"]:
    """Accounts that decide about the data of the team, in the order of their keys."""
    owning = Membership.objects.filter(Q(until=None) | Q(until__gte=today()), role=Role.OWNER)
    owning = owning.filter(project__team=team, project__deleted_at=None)
    bound, named = owning.exclude(object_id=""), owning.filter(object_id="")
    held = Q(object_id__in=bound.filter(is_group=False).values("object_id"))
    held |= Q(username__in=named.filter(is_group=False).values("subject"))
    held |= Q(group_ids__overlap=list(bound.filter(is_group=True).values_list("object_id", flat=True)))
    held |= Q(groups__name__in=named.filter(is_group=True).values("subject"))
    # Apart: in one condition, it would be one and the same group that owns and that is the team.
    return _accounts(held & Q(pk__in=get_user_model().objects.filter(_in_team(team)).values("pk")))


def deciders_of_consent(consent: DataConsent) -> list["Person"]:
    """Who is asked for a consent, with those who stand in for them today; not who asked for it."""
    day, owners, askers = today(), data_owners_of(consent.team), asked_by(consent)
    standing = get_user_model().objects.filter(
        stands_in_for__begins__lte=day,
        stands_in_for__ends__gte=day,
        stands_in_for__approver__in=[one.pk for one in owners],
    )
    found = {one.pk: one for one in (*owners, *standing.filter(is_active=True).distinct())}
    return [cast("Person", one) for pk, one in found.items() if pk not in askers]


def owners_of(project: Project) -> list["Person"]:
    """Accounts that own the project today, by name or by group, in the order of their keys."""
    return _holders(project, Role.OWNER)


def asked_to_take_over(offer: Succession) -> list["Person"]:
    """Accounts to whom the project without an owner is offered now; those who were asked before are not among them."""
    if offer.offered_to == OfferedTo.EDITORS:
        return _holders(offer.project, Role.EDITOR)
    if offer.offered_to == OfferedTo.PLATFORM:
        return platform_team()
    return _accounts(_in_team(offer.project.team))


def platform_team() -> list["Person"]:
    """Accounts of the platform team, in the order of their keys."""
    return _accounts(Q(is_staff=True) | Q(is_superuser=True))


def _in_team(team: Team) -> Q:
    """Accounts that are in one of the team's groups: by object id where it is bound to one, else by name."""
    held = Q(pk__in=[])
    for name in team.ad_groups:
        bound = team.group_ids.get(name)
        held |= Q(group_ids__contains=[bound]) if bound else Q(groups__name=name)
    return held


def _holders(project: Project, role: Role) -> list["Person"]:
    held = Q(pk__in=[])
    for one in project.memberships.filter(Q(until=None) | Q(until__gte=today()), role=role):
        if one.is_group:
            held |= Q(group_ids__contains=[one.object_id]) if one.object_id else Q(groups__name=one.subject)
        else:
            held |= Q(object_id=one.object_id) if one.object_id else Q(username=one.subject)
    return _accounts(held)


def _accounts(held: Q) -> list["Person"]:
    people = get_user_model().objects.filter(held, is_active=True).distinct().order_by("pk")
    return [cast("Person", one) for one in people]
