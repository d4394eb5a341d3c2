"""Which projects a list shows: search, and status as a condition of the database.

`having` and `counted` say in SQL what `provisioning.conditions` computes, so that a filter need not load the fleet; a
test holds the two together over every combination.
"""

from collections.abc import Mapping
from typing import Any, TypeVar

from django.db.models import Case, CharField, Count, Exists, F, Field, Model, OuterRef, Q, QuerySet, Value, When
from django.db.models.fields.json import KT

from projects.folding import holds, plain, sought
from projects.models import DirectoryEntry, Membership, Project, Team
from provisioning.conditions import Word
from provisioning.models import NEEDS_PERSON, NOT_USABLE, Resource

WORDS = (Word.READY, Word.WORKING, Word.ATTENTION, Word.SUSPENDED, Word.REMOVING)
"""The words a project can have, in the order in which a filter offers them."""

M = TypeVar("M", bound=Model)


def searched(projects: QuerySet[Project], words: str) -> QuerySet[Project]:
    """Those whose name or title, team or people hold the words; all when there are none.

    People and groups are found by account and, where the directory knows them, by name, there or not there any more.
    """
    words = words.strip()[:100]
    if not words:
        return projects
    parts = sought(words)
    teams = Team.objects.alias(plain=plain(F("name"))).filter(holds("slug", parts) | holds("plain", parts))
    known = DirectoryEntry.objects.filter(holds("folded", parts))
    # Accounts stand there in lower case. To make that of all of them would take as long as all the rest.
    called = Q(subject__contains=words.lower()) | Q(is_group=True, subject__icontains=words)
    found = holds("slug", parts) | holds("plain", parts) | Q(team__in=teams)
    for people in (Q(object_id__in=known.values("object_id")), called):
        found |= Q(pk__in=Membership.objects.filter(people).values("project"))
    return projects.alias(plain=plain(KT("spec__title"))).filter(found)


def having(projects: QuerySet[Project], word: Word) -> QuerySet[Project]:
    """Those of which a page says this word."""
    return projects.filter(saying().get(word, Q(pk__in=[])))


def counted(projects: QuerySet[Project]) -> dict[Word, int]:
    """How many say each word, zeros included, in one pass."""
    said = projects.order_by().annotate(said=said_as({word: word.value for word in WORDS}, of=CharField()))
    found = dict(said.values_list("said").annotate(number=Count("pk")))
    return {word: found.get(word.value, 0) for word in WORDS}


def saying() -> dict[Word, Q]:
    """For each word, the condition under which a page says it of a project. Of each project exactly one is true."""
    found, before = {}, Q()
    for word, condition in _in_turn():
        found[word] = before & condition
        before &= ~condition
    return {**found, Word.READY: before}


def said_as(values: Mapping[Word, Any], *, of: "Field[Any, Any]") -> Case:
    """An expression for what each project is said to be: the value of its word, as `of`."""
    # The database takes the first that is true, so none has to say that those before it are not.
    whens = [When(condition, then=Value(values[word])) for word, condition in _in_turn()]
    return Case(*whens, default=Value(values[Word.READY]), output_field=of)


def _in_turn() -> list[tuple[Word, Q]]:
    """Each word but Ready, which is said of all others, with what is true of those of which no earlier one is said."""
    unsettled = ~Q(generation=F("observed_generation"))
    # What became ready has resources. Without that, the database would read all there are, to know who has none.
    unmade = Q(ready_at=None) & ~Q(Exists(Resource.objects.filter(project=OuterRef("pk"))))
    return [
        (Word.REMOVING, Q(deletion_requested_at__isnull=False)),
        (Word.SUSPENDED, Q(suspended=True)),
        (Word.ATTENTION, Q(pk__in=Resource.objects.filter(NEEDS_PERSON).values("project"))),
        (Word.WORKING, unsettled | unmade | Q(pk__in=Resource.objects.filter(NOT_USABLE).values("project"))),
    ]
