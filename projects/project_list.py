"""The list of projects as pages and files have it: what an address may ask for, how it is sorted, what a file holds."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import F, IntegerField, QuerySet, TextField, Value
from django.db.models.fields.json import KT
from django.db.models.functions import Coalesce

from projects import listing, permissions
from projects.exports import BATCH, Record
from projects.models import TITLE_IN_ORDER, Project
from projects.sorting import BY_ID, Order
from provisioning.conditions import Word
from provisioning.spec import Role

if TYPE_CHECKING:
    from projects.permissions import Person

_BY_URGENCY = (Word.ATTENTION, Word.WORKING, Word.SUSPENDED, Word.REMOVING, Word.READY)
_PLACES = {word: place for place, word in enumerate(_BY_URGENCY)}


ORDERS = (
    BY_ID,
    Order("name", TITLE_IN_ORDER),
    Order("team", F("team__slug")),
    Order("status", listing.said_as(_PLACES, of=IntegerField()), read=int, computed=True),
    # Days as text sort as days do; what has no end stands last.
    Order("ends", Coalesce(KT("spec__expires"), Value("9999"), output_field=TextField()), computed=True),
)
"""The ways to sort projects, the usual one first."""


@dataclass(frozen=True)
class Filter:
    """Which projects, as the address says it; "" is all. `whose` is "mine" for those one holds a role in."""

    words: str = ""
    status: str = ""
    team: str = ""
    plan: str = ""
    whose: str = ""

    @classmethod
    def of(cls, given: Mapping[str, str]) -> "Filter":
        """What an address asks for. A status that is no word counts as none."""
        status = given.get("status", "")
        return cls(
            words=given.get("q", "").strip()[:100],
            status=status if status in {word.value for word in listing.WORDS} else "",
            team=given.get("team", "")[:40],
            plan=given.get("plan", "")[:40],
            whose="mine" if given.get("whose") == "mine" else "",
        )

    def __bool__(self) -> bool:
        """Whether it leaves anything out."""
        return self != Filter()

    def applied(self, person: "Person") -> QuerySet[Project]:
        """The projects that the person may see and that pass."""
        rows = permissions.own_projects(person) if self.whose else permissions.visible_projects(person)
        rows = listing.searched(rows, self.words)
        if self.status:
            rows = listing.having(rows, Word(self.status))
        if self.team:
            rows = rows.filter(team__slug=self.team)
        return rows.filter(spec__plan=self.plan) if self.plan else rows


COLUMNS = (
    "name", "title", "team", "plan", "status", "ends", "owners", "created_at", "changed_at", "ready_at",
)  # fmt: skip
"""What a list of projects has as a file."""


def records(projects: QuerySet[Project]) -> Iterator[Record]:
    """The projects as rows of a file, read in batches."""
    read = projects.select_related("team").prefetch_related("resources", "memberships")
    for one in read.iterator(chunk_size=BATCH):
        yield {
            "name": one.slug,
            "title": one.title,
            "team": one.team.slug,
            "plan": one.spec.get("plan", ""),
            "status": one.word.value,
            "ends": one.spec.get("expires"),
            "owners": [row.subject for row in one.memberships.all() if row.role == Role.OWNER],
            "created_at": one.created_at,
            "changed_at": one.accepted_at,
            "ready_at": one.ready_at,
        }
