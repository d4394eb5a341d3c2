"""Accepting the offer of a project whose owners left. No policy is asked: who owns it changes and nothing else."""

from typing import TYPE_CHECKING

import structlog
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from projects import permissions, succession
from projects.errors import Conflict, NotAllowed
from projects.granting import as_now, audited_by, check_present, check_seen, end_waiting, grant, write_down
from projects.installation import Installation
from projects.locks import hold_project
from projects.models import Action, Door, OfferedTo, Project, ProjectRequest, Succession
from projects.policy import Verdict
from provisioning.phrases import phrase

if TYPE_CHECKING:
    from projects.permissions import Person

log = structlog.get_logger(__name__)

RULE = "succession"
"""The rule that the request names by which somebody took a project over."""
_GRANTED = Verdict(
    decision="approve",
    rule=RULE,
    because=phrase("It had no owner any more, and was offered to whoever takes it over."),
)


def take_over(project: Project, *, by: "Person", door: Door, installation: Installation) -> ProjectRequest:
    """Become owner in the place of those who left; the request that says so. What waited for a decision is withdrawn.

    Raises NotFound, NotAllowed for who isn't asked (yet), Conflict when it has an owner (again) or is being removed.
    """
    check_seen(by, project)
    with audited_by(by=by, door=door), transaction.atomic():
        project = hold_project(project.pk)
        check_present(project, expected=None)
        offer = Succession.objects.select_for_update().filter(project=project, ended_at=None).first()
        if offer is None or not succession.ownerless(project):
            raise Conflict(
                gettext("%(slug)s has an owner, so there is nothing to take over. Ask an owner for a role.")
                % {"slug": project.slug}
            )
        if not permissions.may_take_over(as_now(by), offer):
            asked = OfferedTo(offer.offered_to).label
            raise NotAllowed(
                gettext("%(slug)s is offered to %(who)s at the moment, and not to you.")
                % {"slug": project.slug, "who": asked}
            )
        spec = succession.with_owner(project.wanted(), by.username.lower())
        request = write_down(
            Action.CHANGE,
            slug=project.slug,
            team=project.team,
            by=by,
            door=door,
            verdict=_GRANTED,
            project=project,
            after=spec,
        )
        end_waiting(project, by=by, newer=request, because=phrase("%(who)s took the project over.", who=by.username))
        grant(request, spec=spec, team=project.team, installation=installation, project=project)
        # The name may have been somebody's who is called otherwise now and had a role here.
        project.memberships.filter(is_group=False, subject=by.username.lower()).update(object_id=by.object_id)
        succession.end(offer, now=timezone.now(), accepted_by=by)
    log.info("taken_over", slug=project.slug, door=door.value)
    return request
