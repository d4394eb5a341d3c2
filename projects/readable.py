"""What can still be read of a project's stored spec, for whoever only looks: pages, the bot, the scorecard.

A spec outlives versions of Slipway: an option that this version dropped stands in rows that were written before. The
engine takes no such spec and nobody can have it granted; pages leave out what they can't read, say so, and stand.
"""

from pydantic import ValidationError

from projects.models import Project
from provisioning.kind import kinds
from provisioning.spec import ProjectSpec


def shown_spec(project: Project) -> ProjectSpec:
    """The spec without what can't be read. Never to be granted: whoever saves it loses what was left out."""
    return readable(fields_of(project))


def unread(project: Project) -> tuple[str, ...]:
    """What of the stored spec can't be read, such as options.retrain; () when all can."""
    spec = fields_of(project)
    return (*_faulty(project), *(f"options.{name}" for name in _unread_options(spec)))


def can_be_saved(project: Project) -> bool:
    """Can each field be read, so that a change saves what it should? Options that can't are chosen anew."""
    return not _faulty(project)


def fields_of(project: Project) -> ProjectSpec:
    """The spec without the fields that can't be read; options stay as they are stored."""
    faulty = _faulty(project)
    if not faulty:
        return ProjectSpec.model_validate(project.spec)
    told = {name: value for name, value in project.spec.items() if name not in faulty}
    spec = ProjectSpec.model_validate({"slug": "a", "team": "a", "plan": "a", **told})
    row = {"slug": project.slug, "team": project.team.slug, "plan": str(project.spec.get("plan", ""))}
    return spec.model_copy(update=row)


def readable(spec: ProjectSpec) -> ProjectSpec:
    """The spec without options that can't be read: to look at, and to compare another one with."""
    out = _unread_options(spec)
    if not out:
        return spec
    return spec.model_copy(update={"options": {name: one for name, one in spec.options.items() if name not in out}})


def _faulty(project: Project) -> tuple[str, ...]:
    try:
        ProjectSpec.model_validate(project.spec)
    except ValidationError as error:
        return tuple(sorted({str(fault["loc"][0]) for fault in error.errors() if fault["loc"]}))
    return ()


def _unread_options(spec: ProjectSpec) -> list[str]:
    return sorted(name for name, given in spec.options.items() if not _can_read(name, given))


def _can_read(name: str, given: object) -> bool:
    kind = kinds().get(name)
    if kind is None or kind.options is None:
        return False
    try:
        kind.options.model_validate(given)
    except ValidationError:
        return False
    return True
