"""Who gave a role and when, as the history of memberships knows it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.apps import apps

from projects.models import Membership


@dataclass(frozen=True)
class Given:
    """Since when a role stands as it does, and by whom; "" where the history names nobody."""

    by: str
    at: datetime


def given(rows: Iterable[Membership]) -> Mapping[int, Given]:
    """By the membership's key, in one query. A role that is changed, or gets another last day, is given anew."""
    history: Any = apps.get_model("projects", "MembershipHistory").objects
    entries = history.filter(pgh_obj__in=[row.pk for row in rows], pgh_label="insert")
    found = entries.values_list("pgh_obj", "pgh_created_at", "pgh_context__metadata__actor")
    return {pk: Given(by=by or "", at=at) for pk, at, by in found}
