"""Which projects an action is for: by what their rows say, or named one by one; said in an address or an API body."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Exists, OuterRef, Q, QuerySet

from projects.models import Project
from projects.project_list import Filter
from provisioning.conditions import Status
from provisioning.errors import Reason
from provisioning.models import Resource

if TYPE_CHECKING:
    from projects.permissions import Person


@dataclass(frozen=True)
class Choice:
    """A filter; `reason` and `target`: of any of its resources; `slugs`: only those, where any are named."""

    filter: Filter
    reason: str = ""
    target: str = ""
    slugs: tuple[str, ...] = ()

    @classmethod
    def of(cls, given: Mapping[str, str], *, slugs: Sequence[str] = ()) -> "Choice":
        """What an address or a form asks for. A reason that there is not counts as none."""
        reason = given.get("reason", "")
        return cls(
            filter=Filter.of(given),
            reason=reason if reason in set(Reason) else "",
            target=given.get("target", "")[:63],
            slugs=tuple(dict.fromkeys(slug[:40] for slug in slugs)),
        )

    def __bool__(self) -> bool:
        """Whether it leaves anything out."""
        return self != Choice(Filter())

    def applied(self, person: "Person") -> QuerySet[Project]:
        """The projects that the person may see and that pass, newest first, each with what a preview reads."""
        rows = self.filter.applied(person)
        if self.slugs:
            rows = rows.filter(slug__in=self.slugs)
        if self.reason:
            wrong = Q(synced_reason=self.reason) & ~Q(synced_status=Status.TRUE)
            rows = rows.filter(Exists(Resource.objects.filter(wrong, project=OuterRef("pk"))))
        if self.target:
            rows = rows.filter(Exists(Resource.objects.filter(target=self.target, project=OuterRef("pk"))))
        return rows.select_related("team").prefetch_related("resources", "skipped_kinds").order_by("-pk")
