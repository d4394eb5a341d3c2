"""What people are told: the kinds, which of them wait for no others, and which are soon no news any more."""

from typing import Literal

Kind = Literal[
    "request-waits",
    "request-decided",
    "changes-asked",
    "comment",
    "reminder",
    "escalation",
    "stand-in",
    "ends",
    "suspended",
]
URGENT: frozenset[Kind] = frozenset({"escalation", "suspended"})
"""Mailed at once, together with what waits already."""
WAITING: frozenset[str] = frozenset({"request-waits", "reminder", "escalation"})
"""No news any more once the request is decided."""
