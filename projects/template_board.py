"""Which project is at which version of its template, for the platform team's page, files and API. Reads rows only."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q, QuerySet

from projects.models import TemplateUse
from projects.template_versions import numbers


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


def uses() -> QuerySet[TemplateUse]:
    """The projects that follow a template, with their team."""
    return _following().select_related("project__team")


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
