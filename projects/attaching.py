"""Who asked for the repository that a project attaches.

Slipway's bot opens an attached repository to the project's people, so asking for one asks for rights in it. Who may
give them is decided on the forge: the Kind lets a repository be attached only by who administers it there (decision
0056). Here is kept who that has to be. No spec says it, and nobody becomes it without asking for that repository: who
only changes something else of the project may not even know of it.
"""

from typing import TYPE_CHECKING, cast

from django.db.models import F
from django.utils import timezone

from projects.models import Door, Project, ProjectRequest
from provisioning.conditions import Status
from provisioning.errors import Reason
from provisioning.models import Resource
from provisioning.repository_options import attached_name
from provisioning.spec import ProjectSpec

if TYPE_CHECKING:
    from projects.permissions import Person


def who_attaches(request: ProjectRequest, *, after: ProjectSpec, project: Project | None = None) -> "Person | None":
    """Who asked for the repository that a granted wish attaches; None when it attaches none.

    project: as it was until then; None for a new one. A file attaches the repository that it stands in, so whoever
    pushes it asks for that one each time.
    """
    if attached_name(after.options) is None:
        return None
    if project is not None and not attaches_another(project, after=after) and request.door != Door.FILE:
        return cast("Person | None", project.attached_by)
    return _who_asked(request)


def attaches_another(project: Project, *, after: ProjectSpec) -> bool:
    """Is another repository attached by this wish than before, or one no more?"""
    before = attached_name(project.wanted().options)
    return (before or "").lower() != (attached_name(after.options) or "").lower()


def not_vetted(project: Project) -> None:
    """Another repository is wanted: nothing is written into it before its Kind has found it to be the project's.

    A look that goes on has found the one before, so it loses its claim, and the next one begins at once.
    """
    Project.objects.filter(pk=project.pk).update(fence=F("fence") + 1, lease_until=None, lease_holder="")
    Resource.objects.filter(project=project, kind="repository").update(
        ready_status=Status.FALSE, ready_reason=Reason.PROGRESSING, ready_message="", ready_since=timezone.now()
    )


def name_of_who_attached(project: Project) -> str:
    """The account name of who asked for the attached repository; "" when nobody did who counts on a forge now."""
    who = project.attached_by
    return who.username if who is not None and who.is_active and who.object_id else ""


def _who_asked(request: ProjectRequest) -> "Person | None":
    """Who put the repository into the request: a later revision that left it as it was doesn't count."""
    revisions = list(request.revisions.select_related("by")) if request.revision > 1 else []
    authors = [request.requested_by, *(one.by for one in revisions)]
    words = [*(one.after for one in revisions), request.after]
    who, named = None, None
    for author, said in zip(authors, words, strict=True):
        name = attached_name((said or {}).get("options", {}))
        if name != named:
            who, named = author, name
    return cast("Person | None", who)
