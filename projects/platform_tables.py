"""Each table of the platform's pages as rows of plain values, for JSON, CSV and the API."""

from collections.abc import Callable, Mapping
from datetime import timedelta

from django.utils import timezone

from projects import platform_figures, platform_lists, template_board
from projects.exports import Record
from provisioning.models import Resource

MOST = 10_000
"""Rows of an export; what is wrong with a fleet is never that much."""
DRIFT_DAYS = 7


def days() -> list[Record]:
    """Time to ready by day."""
    return [one.model_dump() for one in platform_figures.newest().figures.days]


def steps() -> list[Record]:
    """Time to ready by step."""
    return [one.model_dump() for one in platform_figures.newest().figures.steps]


def rules() -> list[Record]:
    """Requests by rule."""
    return [one.model_dump() for one in platform_figures.newest().figures.rules]


def reasons() -> list[Record]:
    """Resources that are not as they should be, by reason."""
    return [one.model_dump() for one in platform_figures.newest().figures.reasons]


def statuses() -> list[Record]:
    """Projects by status."""
    return [
        {"status": word.value, "projects": number} for word, number in platform_figures.newest().figures.words.items()
    ]


def stuck() -> list[Record]:
    """What is stuck, longest first."""
    return [stuck_record(row) for row in platform_lists.stuck()[:MOST]]


def stuck_record(row: Resource) -> Record:
    """One resource that is stuck; project and team were read with it."""
    return {
        "project": row.project.slug,
        "team": row.project.team.slug,
        "kind": row.kind,
        "target": row.target,
        "reason": row.synced_reason,
        "message": row.synced_message,
        "since": row.synced_since,
        "failures": row.failures,
        "last_look": row.last_look,
    }


def drift() -> list[Record]:
    """What was changed by hand in the last week, newest first."""
    since = timezone.now() - timedelta(days=DRIFT_DAYS)
    rows = platform_lists.drifts().filter(at__gte=since).order_by("-pk")[:MOST]
    return [drift_record(platform_lists.drift_of(row)) for row in rows]


def drift_record(one: platform_lists.Drift) -> Record:
    """One thing that was changed by hand."""
    return {
        "project": one.event.project.slug,
        "team": one.event.project.team.slug,
        "kind": one.event.kind,
        "seen": one.event.at,
        "message": one.event.message,
        "outcome": one.outcome,
    }


def targets() -> list[Record]:
    """How the targets answer."""
    return [row.as_dict() for row in platform_lists.targets()]


def budgets() -> list[Record]:
    """What each team may take and takes."""
    return [
        {"team": one.slug, "budget": one.units, "taken": one.taken, "free": one.free, "projects": one.projects}
        for one in platform_lists.budgets()
    ]


def capacity() -> list[Record]:
    """What is used and granted of each target, and all there is."""
    return [
        {"target": target.target, **one.model_dump(), "as_of": target.as_of}
        for target in platform_figures.newest().figures.capacity
        for one in target.measures
    ]


def teams() -> list[Record]:
    """What the plans of each team's projects allow together."""
    return [{"team": one.team, **one.granted} for one in platform_figures.newest().figures.teams]


def templates() -> list[Record]:
    """Which project is at which version of its template."""
    return [template_board.record(row) for row in template_board.uses().order_by("-pk")[:MOST]]


TABLES: Mapping[str, Callable[[], list[Record]]] = {
    "statuses": statuses,
    "reasons": reasons,
    "days": days,
    "steps": steps,
    "stuck": stuck,
    "drift": drift,
    "targets": targets,
    "budgets": budgets,
    "capacity": capacity,
    "teams": teams,
    "rules": rules,
    "templates": templates,
}
"""Every table by the name it has in addresses."""
