"""Ticks in the rows of a list: turning a page, sorting and searching send the list's form, so that they go along.

No session keeps them: two windows don't meet, and what nobody sends is forgotten.
"""

from collections.abc import Collection

from django.http import HttpRequest, HttpResponseBase, QueryDict
from django.shortcuts import redirect
from django.utils.translation import gettext

from projects.list_address import LONGEST

_TURN = "turn"
_CLEAR, _SEARCH, _WHOLE = "clear", "search", "whole"
"""What the buttons that only show other rows are called; the values of those that drop the ticks of other pages, search
by the fields that they send, and show the whole list. Pages and orders are the button's address, and need no value."""


def by_form(request: HttpRequest) -> bool:
    """Whether other rows are asked for by the list's form, with its ticks; who sees as somebody else can send none."""
    return not hasattr(request, "seen_as")


def only_turned(request: HttpRequest) -> bool:
    """Whether the form was sent to see other rows, or these without the ticks of others; and for nothing else."""
    return _TURN in request.POST


def searched(request: HttpRequest, *names: str, carrying: Collection[str]) -> HttpResponseBase | None:
    """Where the list is that the form searches for, to be sent there as it is; None when it is there, or didn't search.

    names: of the search's fields, which are the address's too. carrying: of those that go along; where all of them are
    empty the list is only led to, so that it can be loaded anew without sending anything.
    """
    if request.POST.get(_TURN) != _SEARCH:
        return None
    wanted = QueryDict(mutable=True)
    wanted.update({name: text[:LONGEST] for name in names if (text := request.POST.get(name, "").strip())})
    carried = any(request.POST.get(name) for name in carrying)
    if carried and wanted == request.GET:
        return None
    return redirect(f"{request.path}{'?' if wanted else ''}{wanted.urlencode()}", preserve_request=carried)


def of_other_rows(request: HttpRequest) -> bool:
    """Whether what was said of all rows that match was said before another search, so of other rows."""
    return request.POST.get(_TURN) in (_SEARCH, _WHOLE)


def elsewhere(request: HttpRequest, ticked: Collection[str], *, here: Collection[str]) -> list[str]:
    """The ticks of other pages than this one; none when they are cleared."""
    return [] if request.POST.get(_TURN) == _CLEAR else [one for one in dict.fromkeys(ticked) if one not in here]


def left(ticked: Collection[str], *, here: Collection[str], others: Collection[str]) -> list[str]:
    """The ticks that a page still has: those of its rows, and those that `elsewhere` left."""
    return [one for one in ticked if one in here or one in others]


def too_many(ticked: Collection[str], *, most: int) -> str:
    """What to say where more are ticked than go at a time; "" where they aren't."""
    if len(ticked) <= most:
        return ""
    said = gettext("At most %(most)d can be ticked at a time, and %(number)d are. Nothing was done.")
    return said % {"most": most, "number": len(ticked)}
