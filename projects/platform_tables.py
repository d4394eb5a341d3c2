"""Each table of the platform's page as rows of plain values, for JSON, CSV and the API; longer lists have their own."""

from collections.abc import Callable, Mapping

from projects import platform_figures, platform_lists
from projects.exports import Record


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


TABLES: Mapping[str, Callable[[], list[Record]]] = {
    "statuses": statuses,
    "reasons": reasons,
    "days": days,
    "steps": steps,
    "targets": targets,
    "budgets": budgets,
    "capacity": capacity,
    "teams": teams,
    "rules": rules,
}
"""Every table by the name it has in addresses."""
