"""Which projects an action is for: by what their rows say, or named one by one; said in an address or an API body."""

from collections.abc import Collection
from typing import TYPE_CHECKING

from django.db.models import Exists, OuterRef, Q, QuerySet

from projects import project_list
from projects.models import Project
from provisioning.conditions import Status
from provisioning.models import Resource

if TYPE_CHECKING:
    from projects.permissions import Person


def rows(
    person: "Person", *, slugs: Collection[str] = (), reason: str = "", target: str = "", **narrowed: str
) -> QuerySet[Project]:
    """The projects that the person may see and that pass, newest first, each with what a preview reads.

    slugs: only these, where any are named. reason, target: of any of its resources. narrowed: see `project_list.rows`.
    """
    found = project_list.rows(person, **narrowed)
    if slugs:
        found = found.filter(slug__in=slugs)
    if reason:
        wrong = Q(synced_reason=reason) & ~Q(synced_status=Status.TRUE)
        found = found.filter(Exists(Resource.objects.filter(wrong, project=OuterRef("pk"))))
    if target:
        found = found.filter(Exists(Resource.objects.filter(target=target, project=OuterRef("pk"))))
    return found.select_related("team").prefetch_related("resources", "skipped_kinds").order_by("-pk")
