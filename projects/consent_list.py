"""Consents as pages and files have them: the word for each, how a list is sorted, what a file holds."""

from datetime import date, datetime
from typing import TYPE_CHECKING

from django.db.models import Case, F, QuerySet, Value, When

from projects import permissions
from projects.consents import opens_until
from projects.exports import Record
from projects.list_address import Listed
from projects.models import ConsentReminder, ConsentState, ConsentStep, DataConsent, Reminder, Team
from projects.sorting import BY_ID, Order
from provisioning.catalogue import Catalogue

if TYPE_CHECKING:
    from projects.permissions import Person

_ASKED_FIRST = Case(When(state=ConsentState.ASKED, then=Value(1)), default=Value(0))
ORDERS = (
    Order("status", _ASKED_FIRST, falling=True, read=int),
    BY_ID,
    Order("project", F("project__slug")),
    Order("store", F("store")),
    Order("until", F("until"), read=date.fromisoformat),
)
"""The ways to sort consents, the usual one first: what waits for an answer, then the newest."""
COLUMNS = (
    "number", "store", "place", "owner", "project", "team", "until", "state", "asked_by", "asked_at", "reminded_at",
    "escalated_at", "decided_by", "decided_at", "why",
)  # fmt: skip
"""What a list of consents has as a file."""
STEPS = ("steps", "reminders")
"""What is read along with consents, to say what happened to them."""
_WORDS = {
    ConsentState.ASKED: "Waits for a decision",
    ConsentState.GIVEN: "Approved",
    ConsentState.REJECTED: "Rejected",
    ConsentState.WITHDRAWN: "Withdrawn",
    ConsentState.ENDED: "Over",
}


def about_data_of(team: Team, *, by: "Person") -> QuerySet[DataConsent]:
    """What others asked about the team's data, as far as this person may see it."""
    return permissions.visible_consents(by).filter(team=team).prefetch_related(*STEPS)


def word_of(consent: DataConsent, *, catalogue: Catalogue) -> str:
    """The status word of a consent; one that opens nothing any more, by its day or by the catalogue, is over."""
    state = ConsentState(consent.state)
    over = state is ConsentState.GIVEN and opens_until(consent, catalogue=catalogue) is None
    return _WORDS[ConsentState.ENDED if over else state]


def asked_in(consent: DataConsent) -> ConsentStep | None:
    """How it began; None for a row without its steps."""
    return next((one for one in consent.steps.all() if one.state == ConsentState.ASKED), None)


def last_step(consent: DataConsent) -> ConsentStep | None:
    """What happened to it last, after it was asked; None when nothing did."""
    return next((one for one in reversed(consent.steps.all()) if one.state != ConsentState.ASKED), None)


def reminded(consent: DataConsent) -> ConsentReminder | None:
    """When those who decide were reminded; None when they were not."""
    return _told(consent, Reminder.Kind.REMINDED)


def escalated(consent: DataConsent) -> ConsentReminder | None:
    """When the platform team was told as well; None when it was not."""
    return _told(consent, Reminder.Kind.ESCALATED)


def _told(consent: DataConsent, kind: Reminder.Kind) -> ConsentReminder | None:
    return next((one for one in consent.reminders.all() if one.kind == kind), None)


def record(consent: DataConsent) -> Record:
    """One consent as a row of a file. `decided_by` and the rest: what happened to it last."""
    asked, last = asked_in(consent), last_step(consent)
    told, more = reminded(consent), escalated(consent)
    decided_at: datetime | None = last.at if last else None
    return {
        "number": consent.pk,
        "store": consent.store,
        "place": consent.place,
        "owner": consent.team.slug,
        "project": consent.project.slug,
        "team": consent.project.team.slug,
        "until": consent.until,
        "state": consent.state,
        "asked_by": asked.by_name if asked else "",
        "asked_at": asked.at if asked else None,
        "reminded_at": told.at if told else None,
        "escalated_at": more.at if more else None,
        "decided_by": last.by_name if last else "",
        "decided_at": decided_at,
        "why": last.why if last else "",
    }


LIST = Listed(ORDERS, COLUMNS, record)
