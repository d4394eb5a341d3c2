"""Two who write the same at the same moment: Postgres lets one go on, and the other reads this."""

from django.db import OperationalError
from django.utils.translation import gettext

_HELD = frozenset({"40P01", "55P03"})
"""What Postgres calls two that wait for each other, and a lock that did not come in time."""


def is_in_use(error: OperationalError) -> bool:
    """Did it fail because somebody else holds what it was to write? All of its transaction is undone then."""
    return getattr(error.__cause__, "sqlstate", None) in _HELD


def in_use() -> str:
    """What happened, and what to do."""
    return gettext("Somebody else is changing this just now, so nothing was done. Try again.")
