"""A project whose last owner left stays, and is offered: to its editors, then to its team, then to the platform team.

An owner who wants a deputy makes somebody an editor; there is no further role for it. Each is asked for as long as the
catalogue says (`succession`), and may accept until somebody has. Nobody becomes owner without saying so.

"Left" is who the directory says so of, and whose access the platform team ended. An owner whom it doesn't know counts
as there.
"""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import structlog
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from projects import audience
from projects.contributors import roles_of, to_ended, to_unclear
from projects.directory import has_left, inhabited
from projects.locks import hold_projects
from projects.models import DirectoryEntry, Membership, OfferedTo, Project, Succession, Team
from projects.notices import announce
from projects.today import today
from provisioning.catalogue import Catalogue
from provisioning.phrases import phrase, word
from provisioning.spec import Contributor, ProjectSpec, Role

if TYPE_CHECKING:
    from projects.permissions import Person

log = structlog.get_logger(__name__)

_TAKING_PART = Q(deleted_at=None, deletion_requested_at=None)


def review(*, now: datetime, catalogue: Catalogue) -> None:
    """Open an offer where the last owner left, end it where there is one again, ask the next where time is over."""
    with transaction.atomic():
        offered = Succession.objects.filter(ended_at=None)
        touched = {*offered.values_list("project", flat=True), *_ownerless().values_list("pk", flat=True)}
        held = hold_projects(Project.objects.filter(pk__in=touched))
        # Again: meanwhile somebody may have taken one over, or named an owner.
        ownerless = set(_ownerless().filter(pk__in=held).values_list("pk", flat=True))
        rows = offered.filter(project__in=held).select_for_update(of=("self",))
        offers = list(rows.select_related("project__team"))
        for offer in offers:
            if offer.project_id not in ownerless:
                end(offer, now=now)
            elif offer.next_at is not None and offer.next_at <= now:
                _ask(offer, _next_after(offer), now=now, catalogue=catalogue)
        new = ownerless - {offer.project_id for offer in offers}
        edited = set(_held(Role.EDITOR).filter(project__in=new).values_list("project", flat=True)) if new else set()
        for project in Project.objects.filter(pk__in=new).select_related("team").order_by("pk"):
            Project.objects.filter(pk=project.pk).update(owner_left_at=now)
            asked = OfferedTo.EDITORS if project.pk in edited else _after_editors(project.team)
            _ask(Succession(project=project), asked, now=now, catalogue=catalogue)


def end(offer: Succession, *, now: datetime, accepted_by: "Person | None" = None) -> None:
    """The project has an owner again: who accepted, or somebody else. Call it in a transaction."""
    offer.ended_at, offer.accepted_by_id = now, accepted_by.pk if accepted_by else None
    offer.save(update_fields=["ended_at", "accepted_by"])
    Project.objects.filter(pk=offer.project_id).update(owner_left_at=None)
    log.info("succession_over", project=offer.project.slug, accepted=accepted_by is not None)


def ownerless(project: Project) -> bool:
    """Is every owner known to have left?"""
    return _ownerless().filter(pk=project.pk).exists()


def left_by(account: "Person") -> QuerySet[Project]:
    """Projects that this account owns in person, and that nobody would own without it."""
    own = roles_of(object_id=account.object_id, username=account.username).filter(role=Role.OWNER)
    return _ownerless(without=account).filter(pk__in=own.values("project"))


def with_owner(spec: ProjectSpec, account: str) -> ProjectSpec:
    """The spec of an ownerless project with this person in the place of the owners who left."""
    others = [
        one for one in spec.contributors if one.role is not Role.OWNER and (one.is_group or one.subject != account)
    ]
    owner = Contributor(user=account, role=Role.OWNER)
    return spec.model_copy(update={"contributors": (owner, *others)})


def _ask(offer: Succession, to: OfferedTo, *, now: datetime, catalogue: Catalogue) -> None:
    days = {OfferedTo.EDITORS: catalogue.succession.editors_days, OfferedTo.TEAM: catalogue.succession.team_days}
    offer.offered_to, offer.offered_at = to, now
    offer.next_at = now + timedelta(days=days[to]) if to in days else None
    offer.save()
    text = phrase(
        "%(slug)s has no owner any more. It is offered to %(whom)s now: whoever takes it over on its page becomes "
        "its owner.",
        slug=offer.project.slug,
        whom=word(str(to.label)),
    )
    announce("offered", to=audience.asked_to_take_over(offer), text=text, project=offer.project)
    log.warning("ownership_offered", project=offer.project.slug, to=to.name.lower())


def _next_after(offer: Succession) -> OfferedTo:
    return _after_editors(offer.project.team) if offer.offered_to == OfferedTo.EDITORS else OfferedTo.PLATFORM


def _after_editors(team: Team) -> OfferedTo:
    """The team, unless the directory says that nobody is in it."""
    bound = set(team.group_ids.values())
    unknown = any(name not in team.group_ids for name in team.ad_groups)
    return OfferedTo.TEAM if unknown or inhabited(bound) else OfferedTo.PLATFORM


def _ownerless(*, without: "Person | None" = None) -> QuerySet[Project]:
    """Projects of which every owner is known to have left, or would be without this account."""
    owners = Membership.objects.filter(project=OuterRef("pk"), role=Role.OWNER)
    held = _held(Role.OWNER, without=without).filter(project=OuterRef("pk"))
    return Project.objects.filter(_TAKING_PART, Exists(owners), ~Exists(held))


def _held(role: Role, *, without: "Person | None" = None) -> QuerySet[Membership]:
    """Memberships with this role that somebody holds today: a person who is there, or a group with such a person.

    without: an account that does not count.
    """
    bound = Membership.objects.filter(role=role, is_group=True, project__deleted_at=None).exclude(object_id="")
    groups = set(bound.order_by().values_list("object_id", flat=True).distinct())
    empty = groups - inhabited(groups, without=without.object_id if without is not None else "")
    out = DirectoryEntry.objects.filter(has_left(), object_id=OuterRef("object_id"))
    lasting = Q(until=None) | Q(until__gte=today())
    held = Membership.objects.filter(lasting, ~Exists(out), role=role).exclude(object_id__in=empty)
    held = held.exclude(pk__in=to_ended().values("pk")).exclude(pk__in=to_unclear().values("pk"))
    if without is None:
        return held
    return held.exclude(pk__in=roles_of(object_id=without.object_id, username=without.username).values("pk"))
