"""Deciding about several requests at once.

A yes for many is given to what was read in a list, so it never goes beyond a team's budget: the one that would is left
for a look of its own.
"""

from collections.abc import Callable, Iterable
from functools import partial
from operator import itemgetter
from typing import TYPE_CHECKING, Literal

from django.utils.translation import gettext

from projects import decisions, permissions
from projects.installation import Installation
from projects.models import Door, ProjectRequest
from projects.one_by_one import Result, each_on_its_own

if TYPE_CHECKING:
    from projects.permissions import Person


def decide_many(
    wanted: Iterable[tuple[int, int]],
    *,
    verdict: Literal["approve", "reject"],
    by: "Person",
    door: Door,
    installation: Installation,
    comment: str = "",
) -> list[Result[ProjectRequest]]:
    """Decide about each (number, revision that was read). Raises InvalidSpec only for a no without a reason."""
    act: Callable[..., ProjectRequest] = partial(decisions.approve, installation=installation, within_budget=True)
    if verdict == "reject":
        decisions.needed(comment, message=gettext("Say why, so that the teams know what to change."))
        act = decisions.reject
    return each_on_its_own(
        wanted,
        number_of=itemgetter(0),
        visible=permissions.visible_requests(by),
        act=lambda row, one: act(row, by=by, door=door, comment=comment, revision=one[1]),
    )
