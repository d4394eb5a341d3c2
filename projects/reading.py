"""Which data of other teams a project reads, until when, and what waits for whose consent: for its page and the API."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from projects.consent_list import STEPS, asked_in, reminded
from projects.consents import OPEN, is_about
from projects.models import ConsentReminder, ConsentState, ConsentStep, DataConsent, Project
from provisioning.data_access import OPTIONS, chosen, is_cut_short, is_open, last_day, offered
from provisioning.data_stores import DataStore
from provisioning.kind import Wish

State = Literal["reads", "asked", "rejected", "withdrawn", "not-asked", "moved", "over", "gone"]


@dataclass(frozen=True)
class Reading:
    """One store that a project chose.

    store: None when it left the catalogue, or the servers that projects are on. until: the last day of reading, None
    while it isn't let. asked: the day that the project wants. consent: the newest question to its team about what the
    store is now, None where none is needed or was asked; in state "moved", the one about what its name stood for
    before. cut_short: the store's longest time ends the reading before the granted day; it has in state "over".
    longer: a question for a later day waits, while it reads already. by_catalogue: read without asking.
    """

    name: str
    store: DataStore | None
    state: State
    until: date | None
    asked: date
    consent: DataConsent | None
    longer: bool = False
    by_catalogue: bool = False
    cut_short: bool = False

    @property
    def may_be_asked(self) -> bool:
        """Is it up to an owner of the project to ask for it (once more)?"""
        return self.state in ("rejected", "withdrawn", "not-asked", "moved") or (
            self.state == "over" and not self.by_catalogue
        )

    @property
    def waits_since(self) -> ConsentStep | None:
        """How the question that waits was asked; None when none waits."""
        waits = self.consent is not None and self.consent.state == ConsentState.ASKED and self.state != "moved"
        return asked_in(self.consent) if self.consent is not None and waits else None

    @property
    def reminder(self) -> ConsentReminder | None:
        """When those who decide about the question were reminded; None when none waits, or they were not."""
        return reminded(self.consent) if self.consent is not None and self.waits_since else None


def readings(project: Project, *, wish: Wish | None) -> Sequence[Reading]:
    """The stores that the project chose, in its order; none after its last day, or when its wish can't be said."""
    if wish is None or OPTIONS not in wish.spec.options:
        return ()
    options = chosen(wish)
    if options.until is None:
        return ()
    stores = {one.name: one for one in offered(wish)}
    newest: dict[str, DataConsent] = {}
    before: dict[str, DataConsent] = {}
    for row in project.consents.select_related("team").prefetch_related(*STEPS).order_by("pk"):
        store = stores.get(row.store)
        (newest if store is not None and is_about(row, store) else before)[row.store] = row
    return [
        _reading(
            name, stores.get(name), wish=wish, asked=options.until, consent=newest.get(name), before=before.get(name)
        )
        for name in options.read
    ]


def _reading(
    name: str,
    store: DataStore | None,
    *,
    wish: Wish,
    asked: date,
    consent: DataConsent | None,
    before: DataConsent | None,
) -> Reading:
    if store is None:
        return Reading(name=name, store=None, state="gone", until=None, asked=asked, consent=None)
    by_catalogue, until, cut = is_open(store, team=wish.spec.team), last_day(wish, store), is_cut_short(wish, store)
    consent = None if by_catalogue else consent
    state = _state_of(consent)
    if until is not None:
        state = "reads"
    elif cut and state == "not-asked":
        state = "over"
    elif consent is None and before is not None and before.state in OPEN:
        state, consent = "moved", before
    return Reading(
        name=name,
        store=store,
        state=state,
        until=until,
        asked=asked,
        consent=consent,
        longer=state == "reads" and consent is not None and consent.state == ConsentState.ASKED,
        by_catalogue=by_catalogue,
        cut_short=cut,
    )


def _state_of(consent: DataConsent | None) -> State:
    states: dict[str, State] = {"asked": "asked", "rejected": "rejected", "withdrawn": "withdrawn"}
    return states.get(consent.state, "not-asked") if consent is not None else "not-asked"
