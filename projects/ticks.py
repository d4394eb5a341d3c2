"""Ticks in the rows of a list that is longer than a page: turning a page sends the list's form, so that they go along.

No session keeps them: two windows don't meet, and what nobody sends is forgotten.
"""

from collections.abc import Collection

from django.http import HttpRequest
from django.utils.translation import gettext

_TURN = "turn"
_CLEAR = "clear"
"""What the buttons that only show another page are called, and the value of the one that clears."""


def only_turned(request: HttpRequest) -> bool:
    """Whether the form was sent to see another page, or this one without the ticks of others; and for nothing else."""
    return _TURN in request.POST


def elsewhere(request: HttpRequest, ticked: Collection[str], *, here: Collection[str]) -> list[str]:
    """The ticks of other pages than this one; none when they are cleared."""
    return [] if request.POST.get(_TURN) == _CLEAR else [one for one in dict.fromkeys(ticked) if one not in here]


def too_many(ticked: Collection[str], *, most: int) -> str:
    """What to say where more are ticked than go at a time; "" where they aren't."""
    if len(ticked) <= most:
        return ""
    said = gettext("At most %(most)d can be ticked at a time, and %(number)d are. Nothing was done.")
    return said % {"most": most, "number": len(ticked)}
