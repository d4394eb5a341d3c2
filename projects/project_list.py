"""The list of projects as pages and files have it: what an address may ask for, how it is sorted, what a file holds."""

from typing import TYPE_CHECKING

from django.db.models import F, IntegerField, QuerySet, TextField, Value
from django.db.models.fields.json import KT
from django.db.models.functions import Coalesce

from projects import listing, permissions
from projects.exports import Record
from projects.list_address import Listed, matching
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


def rows(
    person: "Person", *, words: str = "", status: str = "", team: str = "", plan: str = "", whose: str = ""
) -> QuerySet[Project]:
    """The projects that the person may see, narrowed by what isn't "". whose: "mine" for those one holds a role in."""
    found = permissions.own_projects(person) if whose else permissions.visible_projects(person)
    found = listing.searched(found, words)
    if status:
        found = listing.having(found, Word(status))
    return matching(found, team__slug=team, spec__plan=plan)


COLUMNS = (
    "name", "title", "team", "plan", "status", "ends", "owners", "created_at", "changed_at", "ready_at",
)  # fmt: skip
"""What a list of projects has as a file."""


def record(one: Project) -> Record:
    """A project as a row of a file."""
    return {
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


LIST = Listed(ORDERS, COLUMNS, record, along=("team", "resources", "memberships"))
