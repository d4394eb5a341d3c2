"""What a list says of each project: its word, and half a sentence below it.

Of a list's many projects nearly all are right, so only those resources are read that are not.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Count, Q
from django.utils.translation import ngettext

from projects.models import Project
from projects.phrases import translated
from provisioning.conditions import Status, Word, project_word
from provisioning.errors import Reason
from provisioning.models import Resource

_RIGHT = Q(synced_status=Status.TRUE, ready_status=Status.TRUE)


@dataclass(frozen=True)
class ShortState:
    """`says`: why, or how far it has come; "" when the word says it all."""

    word: Word
    says: str = ""


def states_of(projects: Sequence[Project]) -> Mapping[int, ShortState]:
    """The state of each project by its id, in at most two queries. The word is that of `Project.word`."""
    odd: defaultdict[int, list[Resource]] = defaultdict(list)
    for row in Resource.objects.filter(~_RIGHT, project__in=[one.pk for one in projects]).order_by("pk"):
        odd[row.project_id].append(row)
    # Of what was ready once and is settled, the rest is right.
    unsure = [one.pk for one in projects if odd[one.pk] or one.ready_at is None or not one.settled]
    right = Resource.objects.filter(_RIGHT, project__in=unsure).values_list("project").annotate(number=Count("pk"))
    numbers = dict(right.order_by()) if unsure else {}
    return {one.pk: _state(one, odd[one.pk], numbers.get(one.pk, 0 if one.pk in unsure else 1)) for one in projects}


def _state(project: Project, odd: Sequence[Resource], right: int) -> ShortState:
    word = project_word(
        [*(row.word for row in odd), *[Word.READY] * min(right, 1)],
        settled=project.settled,
        removing=project.deletion_requested_at is not None,
        suspended=project.suspended,
    )
    held = [row for row in odd if row.word in (Word.ATTENTION, Word.WAITING)]
    if held:
        # What holds the others up, before those that only wait for it.
        first = min(held, key=lambda row: row.synced_reason == Reason.DEPENDENCY_NOT_READY)
        return ShortState(word, translated(first.synced.message))
    if word is Word.WORKING:
        says = ngettext("%(number)d ready so far", "%(number)d ready so far", right)
        return ShortState(word, says % {"number": right})
    return ShortState(word)
