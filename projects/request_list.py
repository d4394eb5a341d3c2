"""The list of requests as pages and files have it: what an address may ask for, how it is sorted, what a file holds."""

from typing import TYPE_CHECKING

from django.db.models import F, Q, QuerySet
from django.db.models.fields.json import KT
from django.db.models.functions import Coalesce
from django.utils.translation import gettext

from projects import permissions
from projects.documents import asked_for, spec_of
from projects.exports import Record
from projects.folding import holds, plain, sought
from projects.list_address import Listed, matching
from projects.models import Action, Decision, ProjectRequest
from projects.sorting import BY_ID, Order

if TYPE_CHECKING:
    from projects.permissions import Person

ORDERS = (BY_ID, Order("name", F("slug")), Order("team", F("team__slug")), Order("rule", F("rule")))
"""The ways to sort requests, the usual one first."""
SHOWS = ("decide", "waiting", "mine", "all")
"""Those that wait for my yes, all that wait, those I asked for, all that I may see."""
COLUMNS = (
    "number", "action", "name", "team", "asked_by", "door", "asked_at", "decision", "rule", "because", "decided_by",
    "decided_at", "comment", "change",
)  # fmt: skip
"""What a list of requests has as a file."""


def rows(
    person: "Person", *, show: str = "all", words: str = "", team: str = "", action: str = "", decision: str = ""
) -> QuerySet[ProjectRequest]:
    """The requests that the person may see, narrowed by what isn't "".

    words: in the name, in what the project is called or would be, or in who asked; with or without accents.
    """
    visible = permissions.visible_requests(person)
    if show == "decide":
        visible = permissions.to_decide(person)
    elif show == "waiting":
        visible = visible.filter(decision=Decision.PENDING)
    elif show == "mine":
        visible = mine(visible, person)
    if words := words.strip()[:100]:
        parts = sought(words)
        # A removal has no title but the one before.
        visible = visible.alias(title=Coalesce(KT("after__title"), KT("before__title"))).alias(plain=plain(F("title")))
        found = holds("slug", parts) | holds("plain", parts) | Q(requested_by_name__icontains=words)
        visible = visible.filter(found)
    return matching(visible, team__slug=team, action=action, decision=decision)


def mine(requests: QuerySet[ProjectRequest], person: "Person") -> QuerySet[ProjectRequest]:
    """Those of these requests that the person made, or joined by asking for the same."""
    return requests.filter(pk__in=permissions.own_requests(person).values("pk"))


def change_of(request: ProjectRequest) -> str:
    """What a request would change, in a line. "" for a removal that keeps the data, and for what can't be read."""
    if request.action == Action.RETIRE:
        return gettext("with all that holds data") if request.remove_data else ""
    before, after = spec_of(request.before), spec_of(request.after)
    return asked_for(before, after) if after is not None else ""


def record(one: ProjectRequest) -> Record:
    """A request as a row of a file."""
    return {
        "number": one.pk,
        "action": one.action,
        "name": one.slug,
        "team": one.team.slug,
        "asked_by": one.requested_by_name,
        "door": one.door,
        "asked_at": one.created_at,
        "decision": one.decision,
        "rule": one.rule,
        "because": one.because,
        "decided_by": one.decided_by.username if one.decided_by else "",
        "decided_at": one.decided_at,
        "comment": one.comment,
        "change": change_of(one),
    }


LIST = Listed(ORDERS, COLUMNS, record, along=("team", "decided_by"))
