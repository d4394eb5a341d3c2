"""Which files that document a model a repository has: looked up with each new tip of its main branch.

A card that came with the template and was left as it was speaks of the template's model: it is noted as unwritten.
"""

import structlog

from projects.desk import Desk
from projects.models import RegisteredRepository
from projects.scorecard import CARDS, OWNERS_FILE
from projects.template_tasks import keep_present
from projects.template_versions import is_as_made
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

    try:
        found = {name: content for name in _PLACES if (content := _content(desk, name, at=row.seen_commit)) is not None}
    except PermanentError as error:
        # Not let in, or something of that name that is no file of a usual size: then it isn't known.
        log.info("documents_unknown", repository=desk.full_name, why=error.message)
        documents, unwritten = None, []
    else:
        cards = [name for name in CARDS if name in found]
        if cards:
            keep_present(desk.installation)
        documents, unwritten = sorted(found), [name for name in cards if is_as_made(name, found[name])]
    RegisteredRepository.objects.filter(pk=row.pk).update(
        documents=documents, unwritten=unwritten, documents_at=row.seen_commit
    )


def _content(desk: Desk, name: str, *, at: str) -> bytes | None:
    """The file, from the first of its places that has one; None when none has."""
    for path in _PLACES[name]:
        found = desk.client.file(desk.full_name, path, at)
        if found is not None:
            return found[0]
    return None
