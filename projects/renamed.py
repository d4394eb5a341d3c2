"""A repository that was renamed or moved on its forge stays the one we listen to.

A name can be given to another repository the next day, so a repository is known by the forge's own number, which stays.
The name follows here and nowhere else; the engine then makes everything that holds the name anew.
"""

import structlog
from django.db import transaction
from django.utils import timezone

from projects.doorbell import ring_project
from projects.listening import Turn, hold, hold_with_project
from projects.models import Project, RegisteredRepository
from projects.phrases import as_kept
from provisioning.errors import Reason
from provisioning.forge import ForgeClient, Repository
from provisioning.models import Event
from provisioning.phrases import Phrase, phrase

log = structlog.get_logger(__name__)


def present_repository(turn: Turn, client: ForgeClient) -> Repository | None:
    """The repository of a turn as the forge has it, under whatever name; None when it shows us none.

    Number, name and default branch are taken down. When the number is gone, whatever has the name counts: we made it
    anew, or the team did. Raises TurnLost, and what the client raises.
    """
    row = RegisteredRepository.objects.get(pk=turn.repository_id)
    found = client.repository(row.full_name)
    if row.number is not None and (found is None or found["id"] != row.number):
        found = client.repository_by_id(row.number) or found
    if found is None:
        return None
    if (found["id"], found["full_name"]) != (row.number, row.full_name):
        _take_down(turn, found)
    if found["default_branch"] != row.default_branch:
        with transaction.atomic():
            row = hold(turn)
            row.default_branch = found["default_branch"]
            row.save(update_fields=["default_branch"])
    return found


def _take_down(turn: Turn, found: Repository) -> None:
    with transaction.atomic():
        row = hold_with_project(turn)
        before, name = row.full_name, found["full_name"]
        others = RegisteredRepository.objects.filter(forge=row.forge, full_name__iexact=name).exclude(pk=row.pk)
        if others.exists():
            log.error("repository_listened_to_twice", repository=str(row), name=name)
            return
        row.number, row.full_name = found["id"], name
        if row.project_id is not None and before.lower() != name.lower():
            wanted = row.former_name or before
            row.former_name = "" if wanted.lower() == name.lower() else wanted
            said = phrase(
                "%(before)s was renamed on the forge. It is called %(name)s now, and we go on with it.",
                before=before,
                name=name,
            )
            _tell(row.project_id, row.forge, said)
        row.save(update_fields=["number", "full_name", "former_name"])


def _tell(project_id: int, forge: str, message: Phrase) -> None:
    """Into the project's history, and have everything that holds the name made anew."""
    Event.objects.create(
        project_id=project_id,
        kind="repository",
        target=forge,
        reason=Reason.DRIFTED,
        message=message,
        phrases=as_kept(message=message),
    )
    Project.objects.filter(pk=project_id, deleted_at=None).update(next_look_at=timezone.now())
    ring_project(project_id)
