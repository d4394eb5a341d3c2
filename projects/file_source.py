"""A project whose wish came by profile.yaml and is changed by another door: what the next push of the file undoes.

The file is the whole wish, so its next push puts back what it says. People who don't know that lose their change, or
give somebody back what was taken from them; so pages and API say it before, and the news say it after.
"""

from dataclasses import dataclass

from django.db.models import QuerySet
from django.utils.translation import gettext

from projects.documents import changed, spec_of
from projects.models import Action, Decision, Door, Project, ProjectRequest
from projects.phrases import kept
from projects.readable import fields_of
from provisioning.spec import Contributor, ProjectSpec, Role


@dataclass(frozen=True)
class FileSource:
    """The repository whose profile.yaml the project came from or was changed by, and what it said last."""

    repository: str
    wish: ProjectSpec


def source_of(project: Project) -> FileSource | None:
    """The file that speaks for this project; None when none ever did, or when it is not listened to any more."""
    last = _granted_by_file(project).first()
    wish = spec_of(last.after) if last is not None else None
    registered = getattr(project, "registered_repository", None)
    if wish is None or registered is None:
        return None
    return FileSource(repository=registered.full_name, wish=wish)


@dataclass(frozen=True)
class FileRefused:
    """The project's profile.yaml asks for nothing as it is now: where it stands, at which commit, and why.

    why: a phrase, where the row kept how it was put together.
    """

    repository: str
    commit: str
    why: str


def refused_of(project: Project) -> FileRefused | None:
    """What is wrong with the file of the project's repository; None for nothing, and where none is listened to."""
    row = getattr(project, "registered_repository", None)
    if row is None or not row.refused or project.deletion_requested_at is not None:
        return None
    return FileRefused(repository=row.full_name, commit=row.refused_commit, why=kept(row, "refused"))


def notice_of(project: Project) -> str:
    """What to know before changing this project by a page; "" when no file speaks for it."""
    source = source_of(project)
    if source is None:
        return ""
    if said := _undone(source, now=fields_of(project)):
        return said
    general = gettext(
        "profile.yaml in %(repository)s says what this project should be. What is changed here, the next push of that "
        "file puts back, unless it is changed there too."
    )
    return general % {"repository": source.repository}


def warning_of(project: Project, *, becomes: ProjectSpec) -> str:
    """What the next push of the file would undo of this wish; "" for nothing."""
    source = source_of(project)
    return _undone(source, now=becomes) if source is not None else ""


def came_back(request: ProjectRequest) -> tuple[Contributor, ...]:
    """Whom this change by file puts back: they were in the file before, and were taken out by another door since."""
    before, after = spec_of(request.before), spec_of(request.after)
    if request.door != Door.FILE or request.project is None or before is None or after is None:
        return ()
    last = _granted_by_file(request.project).exclude(pk=request.pk).first()
    said = spec_of(last.after) if last is not None else None
    if said is None:
        return ()
    there = {(one.is_group, one.subject) for one in before.contributors}
    in_file = {(one.is_group, one.subject) for one in said.contributors}
    names = in_file - there
    return tuple(one for one in after.contributors if (one.is_group, one.subject) in names)


def _granted_by_file(project: Project) -> QuerySet[ProjectRequest]:
    rows = project.requests.filter(door=Door.FILE, decision=Decision.APPROVED)
    return rows.exclude(action=Action.RETIRE).order_by("-pk")


def _undone(source: FileSource, *, now: ProjectSpec) -> str:
    if now == source.wish:
        return ""
    where = {"repository": source.repository}
    if _without_owners(now) == _without_owners(source.wish):
        return gettext("The next push of profile.yaml in %(repository)s puts back the owners that it names.") % where
    what = changed(_without_owners(now), _without_owners(source.wish))
    said = gettext(
        "The next push of profile.yaml in %(repository)s puts back what it says: %(what)s. Change the file too."
    )
    return said % {**where, "what": what}


def _without_owners(spec: ProjectSpec) -> ProjectSpec:
    # A file that names no owner keeps those that there are, and what the file left out is not known any more.
    others = tuple(one for one in spec.contributors if one.role is not Role.OWNER)
    return spec.model_copy(update={"contributors": others})
