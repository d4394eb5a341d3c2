"""The list of requests as pages and files have it: what an address may ask for, how it is sorted, what a file holds."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import F, Q, QuerySet
from django.utils import translation
from django.utils.translation import gettext

from projects import permissions
from projects.documents import asked_for, spec_of
from projects.exports import BATCH, Record
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


@dataclass(frozen=True)
class Filter:
    """Which requests, as the address says it; "" is all."""

    show: str
    words: str = ""
    team: str = ""
    action: str = ""
    decision: str = ""

    @classmethod
    def of(cls, given: Mapping[str, str], *, usual: str) -> "Filter":
        """What an address asks for. What is none of the known words counts as none."""
        action, decision = given.get("action", ""), given.get("decision", "")
        return cls(
            show=given["show"] if given.get("show") in SHOWS else usual,
            words=given.get("q", "").strip()[:100],
            team=given.get("team", "")[:40],
            action=action if action in Action.values else "",
            decision=decision if decision in Decision.values else "",
        )

    def applied(self, person: "Person") -> QuerySet[ProjectRequest]:
        """The requests that the person may see and that pass."""
        visible = permissions.visible_requests(person)
        if self.show == "decide":
            visible = permissions.to_decide(person)
        elif self.show == "waiting":
            visible = visible.filter(decision=Decision.PENDING)
        elif self.show == "mine":
            visible = visible.filter(requested_by=person.pk)
        if self.words:
            words = Q(slug__icontains=self.words) | Q(requested_by_name__icontains=self.words)
            visible = visible.filter(words | Q(after__title__icontains=self.words))
        chosen = {"team__slug": self.team, "action": self.action, "decision": self.decision}
        return visible.filter(**{field: value for field, value in chosen.items() if value})


def change_of(request: ProjectRequest) -> str:
    """What a request would change, in a line. "" for a removal that keeps the data, and for what can't be read."""
    if request.action == Action.RETIRE:
        return gettext("with all that holds data") if request.remove_data else ""
    before, after = spec_of(request.before), spec_of(request.after)
    return asked_for(before, after) if after is not None else ""


def _in_english(request: ProjectRequest) -> str:
    """The same for a file, which says the same to whoever reads it."""
    with translation.override("en"):
        return change_of(request)


def records(requests: QuerySet[ProjectRequest]) -> Iterator[Record]:
    """The requests as rows of a file, read in batches."""
    for one in requests.select_related("team", "decided_by").iterator(chunk_size=BATCH):
        yield {
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
            "change": _in_english(one),
        }
