"""From a project's row to the wish that the Kinds get to see, as of now: what has ended is not in it any more."""

from collections.abc import Mapping

import structlog

from projects import contributors
from projects.attaching import name_of_who_attached
from projects.consents import in_force
from projects.errors import Unreadable
from projects.installation import Installation
from projects.models import Project
from projects.overlaps import earlier_of
from projects.phrases import meant
from projects.spec import wish_for, with_a_plan
from projects.today import day_of, today
from provisioning.kind import Consent, KnownRepository, Wish
from provisioning.phrases import phrase

log = structlog.get_logger(__name__)


class NoWish(Exception):
    """What a project wants can't be said any more. The message is for people."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


def present_wish(
    project: Project,
    *,
    settings: Installation,
    moved: contributors.Moved | None = None,
    consents: Mapping[str, Consent] | None = None,
    any_plan: bool = False,
) -> Wish:
    """The wish of a row, with the contributors who count now. Raises NoWish.

    moved, consents: what `contributors.moved` and `consents.of_all` say of this project, where they were asked for many
    at once.

    any_plan: for what plans have no part in, such as people's rights: a plan that left the catalogue is no obstacle.
    Removing needs names and no sizes: what is to go goes by any plan too.
    """
    try:
        spec = project.wanted()
    except Unreadable as error:
        log.error("spec_unreadable", project=project.slug)
        raise NoWish(meant(error.message)) from error
    if any_plan or project.deletion_requested_at is not None:
        spec = with_a_plan(spec, catalogue=settings.catalogue)
    if moved is None:
        moved = contributors.moved([project.pk]).get(project.pk, {})
    if consents is None:
        consents = in_force(project)
    try:
        return wish_for(
            contributors.present(spec, moved=moved, today=today()),
            installation=settings,
            uid=str(project.uid),
            generation=project.generation,
            versions=project.versions,
            earlier=earlier_of(project),
            key_id=project.key_id,
            remove_data=project.remove_data,
            repository=known_repository(project),
            attached_by=name_of_who_attached(project),
            consents=consents,
            accepted=day_of(project.accepted_at),
        )
    except KeyError as error:
        message = phrase(
            "Plan %(plan)s is no longer in the catalogue. Choose another plan, or ask the platform team.",
            plan=spec.plan,
        )
        raise NoWish(message) from error


def known_repository(project: Project) -> KnownRepository | None:
    """What the forge calls the project's repository; None before anybody read it."""
    row = getattr(project, "registered_repository", None)
    if row is None:
        return None
    return KnownRepository(wanted=row.former_name or row.full_name, full_name=row.full_name, number=row.number)
