"""Deciding about several requests at once: each on its own, in the order given, with what came of it.

A yes for many is given to what was read in a list, so it never goes beyond a team's budget: the one that would is left
for a look of its own. Each decision is a transaction; what was decided meanwhile by somebody else says so.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from django.utils.translation import gettext

from projects import decisions, permissions
from projects.errors import InvalidSpec, NotFound, ProjectError
from projects.installation import Installation
from projects.models import Door, ProjectRequest

if TYPE_CHECKING:
    from projects.permissions import Person

MOST = 100


@dataclass(frozen=True)
class Result:
    """What came of one request. request: None when the person can't see it."""

    number: int
    request: ProjectRequest | None
    done: bool
    said: str


def decide_many(
    wanted: Iterable[tuple[int, int]],
    *,
    verdict: Literal["approve", "reject"],
    by: "Person",
    door: Door,
    installation: Installation,
    comment: str = "",
) -> list[Result]:
    """Decide about each (number, revision that was read). Raises InvalidSpec only for a no without a reason."""
    if verdict == "reject":
        decisions.needed(comment, message=gettext("Say why, so that the teams know what to change."))
    visible = permissions.visible_requests(by)
    results = []
    for number, revision in list(dict.fromkeys(wanted))[:MOST]:
        request = visible.filter(pk=number).first()
        try:
            if request is None:
                raise NotFound
            if verdict == "approve":
                decisions.approve(
                    request,
                    by=by,
                    door=door,
                    installation=installation,
                    comment=comment,
                    revision=revision,
                    within_budget=True,
                )
            else:
                decisions.reject(request, by=by, door=door, comment=comment, revision=revision)
        except InvalidSpec as error:
            results.append(Result(number, request, done=False, said=error.faults[0].message))
        except ProjectError as error:
            results.append(Result(number, request, done=False, said=error.message))
        else:
            results.append(Result(number, request, done=True, said=""))
    return results
