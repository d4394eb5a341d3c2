"""Answering several questions for consent at once."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Literal

from django.utils.translation import gettext

from projects import consenting, permissions
from projects.decisions import needed
from projects.installation import Installation
from projects.models import DataConsent, Door
from projects.one_by_one import Result, each_on_its_own

if TYPE_CHECKING:
    from projects.permissions import Person

Verdict = Literal["give", "reject"]


def answer_many(
    numbers: Iterable[int], *, verdict: Verdict, by: "Person", door: Door, installation: Installation, why: str = ""
) -> list[Result[DataConsent]]:
    """Say the same to each. Raises InvalidSpec only for a no without a reason."""
    act: Callable[..., DataConsent] = partial(consenting.give, installation=installation)
    if verdict == "reject":
        needed(why, message=gettext("Say why, so that the teams know what to change."), field="why")
        act = consenting.reject
    return each_on_its_own(
        numbers,
        number_of=int,
        visible=permissions.visible_consents(by),
        act=lambda row, _: act(row, by=by, door=door, why=why),
    )
