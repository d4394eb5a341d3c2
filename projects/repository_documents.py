"""Which files that document a model a repository has: looked up with each new tip of its main branch."""

from projects.desk import Desk
from projects.models import RegisteredRepository
from projects.scorecard import CARDS, OWNERS_FILE
from provisioning.errors import PermanentError

_FOLDERS = ("", ".github/", ".gitea/", ".gitlab/", "docs/")
"""Where one forge or another reads the owners' file."""
_PLACES = {**{name: (name,) for name in CARDS}, OWNERS_FILE: tuple(f"{folder}{OWNERS_FILE}" for folder in _FOLDERS)}


def note_documents(desk: Desk) -> None:
    """Look into the newest commit that was answered, unless that was done. Raises what the forge's client raises."""
    row = desk.row()
    if not row.seen_commit or row.documents_at == row.seen_commit:
        return
    found = sorted(name for name, places in _PLACES.items() if any(_is_there(desk, row, path) for path in places))
    RegisteredRepository.objects.filter(pk=row.pk).update(documents=found, documents_at=row.seen_commit)


def _is_there(desk: Desk, row: RegisteredRepository, path: str) -> bool:
    try:
        return desk.client.file(desk.full_name, path, row.seen_commit) is not None
    except PermanentError:
        # There is something of that name which is no file that can be read, such as a folder or one that is too large.
        return True
