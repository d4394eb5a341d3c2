"""Which files that document a model a repository has: looked up with each new tip of its main branch."""

import structlog

from projects.desk import Desk
from projects.models import RegisteredRepository
from projects.scorecard import CARDS, OWNERS_FILE
from provisioning.errors import PermanentError

log = structlog.get_logger(__name__)

_FOLDERS = ("", ".github/", ".gitea/", ".gitlab/", "docs/")
"""Where one forge or another reads the owners' file."""
_PLACES = {**{name: (name,) for name in CARDS}, OWNERS_FILE: tuple(f"{folder}{OWNERS_FILE}" for folder in _FOLDERS)}


def note_documents(desk: Desk) -> None:
    """Look into the newest commit that was answered, unless that was done. Raises what the forge's client raises."""
    row = desk.row()
    if not row.seen_commit or row.documents_at == row.seen_commit:
        return

    def is_there(path: str) -> bool:
        return desk.client.file(desk.full_name, path, row.seen_commit) is not None

    found: list[str] | None
    try:
        found = sorted(name for name, places in _PLACES.items() if any(map(is_there, places)))
    except PermanentError as error:
        # Not let in, or something of that name that is no file of a usual size: then it isn't known.
        log.info("documents_unknown", repository=desk.full_name, why=error.message)
        found = None
    RegisteredRepository.objects.filter(pk=row.pk).update(documents=found, documents_at=row.seen_commit)
