"""A database of the stack's Postgres that has the portal's tables and no row of anybody's, for tests to copy.

All migrations take a core several seconds, and each test process needs its own database: a copy is there at once.
"""

import hashlib
from pathlib import Path

from devstack.stack import ROOT

PREFIX = "migrated_"
_MADE_BY = ("portal/migrations/*.py", "projects/migrations/*.py", "provisioning/migrations/*.py", "requirements/*.txt")


def name() -> str:
    """What it is called. Other migrations, also those of a library, make another one."""
    digest = hashlib.sha256()
    for path in sorted(path for pattern in _MADE_BY for path in ROOT.glob(pattern)):
        digest.update(_line(path))
    return f"{PREFIX}{digest.hexdigest()[:12]}"


def _line(path: Path) -> bytes:
    return f"{path.relative_to(ROOT)} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode()
