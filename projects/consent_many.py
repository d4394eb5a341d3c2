"""Answering several questions for consent at once: each on its own, in the order given, with what came of it.

Each answer is a transaction of its own, with the rights and locks of an answer alone; what somebody else answered
meanwhile, or what was put otherwise, says so.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal

from django.utils.translation import gettext

from projects import consenting, permissions
from projects.decisions import needed
from projects.errors import NotFound, ProjectError
from projects.installation import Installation
from projects.models import DataConsent, Door

if TYPE_CHECKING:
    from projects.permissions import Person

MOST = 100
Verdict = Literal["give", "reject"]


@dataclass(frozen=True)
class Result:
    """What came of one question. consent: None when the person can't see it."""

    number: int
    consent: DataConsent | None
    done: bool
    said: str


def answer_many(
    numbers: Iterable[int], *, verdict: Verdict, by: "Person", door: Door, installation: Installation, why: str = ""
) -> list[Result]:
    """Say the same to each. Raises InvalidSpec only for a no without a reason."""
    act: Callable[..., DataConsent] = partial(consenting.give, installation=installation)
    if verdict == "reject":
        needed(why, message=gettext("Say why, so that the teams know what to change."), field="why")
        act = consenting.reject
    visible = permissions.visible_consents(by)
    results = []
    for number in list(dict.fromkeys(numbers))[:MOST]:
        found = visible.filter(pk=number).first()
        try:
            if found is None:
                raise NotFound
            act(found, by=by, door=door, why=why)
        except ProjectError as error:
            results.append(Result(number, found, done=False, said=error.message))
        else:
            results.append(Result(number, found, done=True, said=""))
    return results
