"""Which projects a list shows: search, status as a condition of the database, pages by key.

`having` and `counted` say in SQL what `provisioning.conditions` computes, so that a filter need not load the fleet; a
test holds the two together over every combination.
"""

from dataclasses import dataclass
from typing import Generic, TypeVar

from django.db.models import Case, CharField, Count, Exists, F, Model, OuterRef, Q, QuerySet, Value, When

from projects.models import Membership, Project
from projects.sorting import PAGE
from provisioning.conditions import PEOPLE, Status, Word
from provisioning.errors import Reason
from provisioning.models import Resource

WORDS = (Word.READY, Word.WORKING, Word.ATTENTION, Word.SUSPENDED, Word.REMOVING)
"""The words a project can have, in the order in which a filter offers them."""

_APART = (Reason.SUSPENDED, Reason.DELETING, Reason.UNSUPPORTED)

M = TypeVar("M", bound=Model)


@dataclass(frozen=True)
class Page(Generic[M]):
    """Some rows, newest first, and the key to give as `before` for the next older ones (None: there are none)."""

    rows: list[M]
    older: int | None


def page_of(rows: QuerySet[M], *, before: str, size: int = PAGE) -> Page[M]:
    """The newest rows, or those older than the key `before`. A key that is no number counts as none."""
    if before.isascii() and before.isdigit() and len(before) < 19:
        rows = rows.filter(pk__lt=int(before))
    found = list(rows.order_by("-pk")[: size + 1])
    return Page(rows=found[:size], older=found[size - 1].pk if len(found) > size else None)


def searched(projects: QuerySet[Project], words: str) -> QuerySet[Project]:
    """Those whose name, title, team or people hold the words; all when there are none."""
    words = words.strip()[:100]
    if not words:
        return projects
    people = Membership.objects.filter(project=OuterRef("pk"), subject__icontains=words)
    found = Q(slug__icontains=words) | Q(spec__title__icontains=words) | Q(team__slug__icontains=words)
    return projects.filter(found | Q(team__name__icontains=words) | Exists(people))


def having(projects: QuerySet[Project], word: Word) -> QuerySet[Project]:
    """Those of which a page says this word."""
    return projects.filter(saying().get(word, Q(pk__in=[])))


def counted(projects: QuerySet[Project]) -> dict[Word, int]:
    """How many say each word, zeros included, in one pass."""
    whens = [When(condition, then=Value(word.value)) for word, condition in saying().items()]
    said = projects.order_by().annotate(said=Case(*whens, output_field=CharField()))
    found = dict(said.values_list("said").annotate(number=Count("pk")))
    return {word: found.get(word.value, 0) for word in WORDS}


def saying() -> dict[Word, Q]:
    """For each word, the condition under which a page says it of a project. Of each project exactly one is true."""
    removing, suspended = Q(deletion_requested_at__isnull=False), Q(suspended=True)
    apart = Q(synced_reason__in=_APART) | Q(ready_reason__in=_APART)
    person = Q(synced_reason__in=PEOPLE) & ~Q(synced_status=Status.TRUE)
    usable = Q(synced_status=Status.TRUE, ready_status=Status.TRUE)
    rows = Resource.objects.filter(project=OuterRef("pk"))
    attention = Q(Exists(rows.filter(~apart & person)))
    unsettled = ~Q(generation=F("observed_generation"))
    working = unsettled | ~Q(Exists(rows)) | Q(Exists(rows.filter(~apart & ~person & ~usable)))
    present = ~removing & ~suspended
    return {
        Word.REMOVING: removing,
        Word.SUSPENDED: ~removing & suspended,
        Word.ATTENTION: present & attention,
        Word.WORKING: present & ~attention & working,
        Word.READY: present & ~attention & ~working,
    }
