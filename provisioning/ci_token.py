"""What a project's CI shows when it sends a report: a token of a fixed form, made and read here and nowhere else.

The Kind `credentials` puts it into the workspace; the portal checks it. Its secret is derived as every other one is, so
nothing keeps it.
"""

import re
from typing import NamedTuple
from uuid import UUID

PURPOSE = "ci-report"
_FORM = re.compile(r"slipci_([0-9a-f]{32})_([1-9][0-9]{0,5})_([A-Za-z0-9_-]{43})", re.ASCII)


class Parts(NamedTuple):
    """What a token says of itself. Nothing of it is proven yet."""

    uid: UUID
    version: int
    secret: str


def token(*, uid: str, version: int, secret: str) -> str:
    """The token of a project at a version of its secret."""
    return f"slipci_{uid.replace('-', '')}_{version}_{secret}"


def parts(text: str) -> Parts | None:
    """A token taken apart; None when it has another form."""
    found = _FORM.fullmatch(text)
    return Parts(UUID(found[1]), int(found[2]), found[3]) if found else None
