"""Which project is at which version of its template, for the platform team's page, files and API. Reads rows only."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, F, Q, QuerySet

from projects.list_address import Listed, matching
from projects.models import TemplateUse
from projects.sorting import BY_ID, Order
from projects.template_versions import numbers

ORDERS = (BY_ID, Order("name", F("project__slug")), Order("template", F("template")))
"""The ways to sort projects that follow one, the usual one first."""
COLUMNS = (
    "project", "team", "template", "version", "since", "offered", "offered_at", "pull_request", "pull_request_open",
    "note",
)  # fmt: skip
"""What the list has as a file."""


@dataclass(frozen=True)
class Adoption:
    """One version of a template: how many projects are at it, and how many of them have a pull request open."""

    template: str
    version: str
    projects: int
    open: int


def adoption() -> list[Adoption]:
    """Every version that some project is at, the newest of each template first."""
    rows = _following().values("template", "version")
    counts = rows.annotate(projects=Count("pk"), open=Count("pk", filter=Q(pull_request_open=True)))
    found = [Adoption(**row) for row in counts]
    newest_first = sorted(found, key=lambda one: numbers(one.version), reverse=True)
    return sorted(newest_first, key=lambda one: one.template)


def rows(*, template: str = "", version: str = "", team: str = "") -> QuerySet[TemplateUse]:
    """The projects that follow a template, with their team; narrowed by what isn't ""."""
    uses = _following().select_related("project__team")
    return matching(uses, template=template, version=version, project__team__slug=team)


def _following() -> QuerySet[TemplateUse]:
    return TemplateUse.objects.filter(project__deletion_requested_at=None).exclude(template="")


def record(use: TemplateUse) -> dict[str, Any]:
    """One project as API and files carry it."""
    return {
        "project": use.project.slug,
        "team": use.project.team.slug,
        "template": use.template,
        "version": use.version,
        "since": use.since,
        "offered": use.offered or None,
        "offered_at": use.offered_at,
        "pull_request": use.pull_request_url or None,
        "pull_request_open": use.pull_request_open,
        "note": use.note,
    }


LIST = Listed(ORDERS, COLUMNS, record)
