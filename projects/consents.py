"""Consents as rows: which of them open something now, and how they follow what a project wants.

Asked with the change that chose a store, or chose a later day; what a project doesn't want any more ends by itself. One
that is given covers every earlier day too. What the team says to it is in `projects.consenting`.
"""

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

import structlog
from django.db.models import QuerySet
from pydantic import ValidationError

from projects import audience
from projects.installation import Installation
from projects.models import ConsentState, ConsentStep, DataConsent, Door, Project, ProjectRequest, Team
from projects.notices import announce
from projects.phrases import as_kept
from projects.spec import wish_for, with_a_plan
from projects.today import day_of, today
from provisioning.catalogue import Catalogue
from provisioning.data_access import OPTIONS, DataOptions, chosen, longest, without_consent
from provisioning.data_stores import DataStore
from provisioning.kind import Consent, Wish
from provisioning.phrases import phrase
from provisioning.spec import ProjectSpec

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractUser

    from projects.permissions import Person

log = structlog.get_logger(__name__)

OPEN = (ConsentState.ASKED, ConsentState.GIVEN)


def in_force(project: Project) -> Mapping[str, Consent]:
    """By store, what its team lets the project read now. No query for a project that reads none."""
    if OPTIONS not in (project.spec.get("options") or {}):
        return {}
    return _by_project(project.consents.all()).get(project.pk, {})


def of_all() -> Mapping[int, Mapping[str, Consent]]:
    """The same of every project that has any, by the project's key."""
    return _by_project(DataConsent.objects.all())


def _by_project(rows: QuerySet[DataConsent]) -> dict[int, dict[str, Consent]]:
    given = rows.filter(state=ConsentState.GIVEN, until__gte=today(), steps__state=ConsentState.GIVEN)
    fields = given.values_list("project", "store", "team__slug", "place", "until", "steps__at")
    found: dict[int, dict[str, Consent]] = {}
    for project, store, team, place, until, at in fields:
        found.setdefault(project, {})[store] = Consent(owner=team, place=place, until=until, given=day_of(at))
    return found


def store_of(consent: DataConsent, *, catalogue: Catalogue) -> DataStore | None:
    """The store that a consent is about; None when the catalogue has none of the name, or means another by it now."""
    return next((one for one in catalogue.data_stores if one.name == consent.store and is_about(consent, one)), None)


def opens_until(consent: DataConsent, *, catalogue: Catalogue) -> date | None:
    """The last day on which it opens the store, as the catalogue is now; None when it opens nothing (any more)."""
    given = next((one for one in consent.steps.all() if one.state == ConsentState.GIVEN), None)
    store = store_of(consent, catalogue=catalogue)
    if consent.state != ConsentState.GIVEN or given is None or store is None:
        return None
    day = _ends(store, until=consent.until, given=day_of(given.at))
    return day if day >= today() else None


def is_about(consent: DataConsent, store: DataStore) -> bool:
    """Was it asked for what the store is now?"""
    return (consent.team.slug, consent.place) == (store.owner, store.place)


def follow(project: Project, *, spec: ProjectSpec | None, request: ProjectRequest, installation: Installation) -> None:
    """Ask for what the project wants from now on and isn't let, and end what it doesn't want any more.

    spec: None for a project that goes. Inside the transaction of the grant. What was refused or withdrawn isn't asked
    again by a change of something else.
    """
    wanted, until = _wanted(spec, project=project, installation=installation)
    before, let = _chosen_in(request.before), in_force(project)
    covered, asks_other = set(), set()
    for row in project.consents.select_for_update(of=("self",)).filter(state__in=OPEN).select_related("team"):
        store = wanted.get(row.store)
        if store is None or not is_about(row, store):
            move(row, ConsentState.ENDED, by_name=request.requested_by_name, door=Door(request.door))
        elif row.state == ConsentState.ASKED and row.until != until:
            move(row, ConsentState.ENDED, by_name=request.requested_by_name, door=Door(request.door))
            asks_other.add(row.store)
        elif row.state == ConsentState.ASKED or _reaches(let.get(row.store), store, until):
            covered.add(row.store)
        elif row.until >= until != before.until:
            # Given for so long, and cut short by the catalogue since: with another day it is asked for anew.
            asks_other.add(row.store)
    for name, store in wanted.items():
        day = before.until if name in before.read else None
        newly = day is None or day < until or name in asks_other
        never = not project.consents.filter(store=name, team__slug=store.owner, place=store.place).exists()
        if name not in covered and (newly or never):
            ask(project, store=store, until=until, request=request)


def _reaches(consent: Consent | None, store: DataStore, until: date) -> bool:
    """Does a consent let the store be read until that day, as long as the catalogue lets it by now?"""
    return consent is not None and _ends(store, until=consent.until, given=consent.given) >= until


def _ends(store: DataStore, *, until: date, given: date) -> date:
    return min(until, longest(store, since=given) or until)


def ask(
    project: Project,
    *,
    store: DataStore,
    until: date,
    request: ProjectRequest | None = None,
    by: "AbstractUser | None" = None,
    door: Door = Door.SYSTEM,
) -> DataConsent | None:
    """Ask the team of a store for its consent. None when the portal knows no such team, so that nobody can be asked.

    request: with which it is asked, by whom that asked and by its door; else `by` and `door`.
    """
    team = Team.objects.filter(slug=store.owner).first()
    if team is None:
        log.warning("consent_of_nobody", store=store.name, team=store.owner)
        return None
    asker = request.requested_by_id if request is not None else by.pk if by is not None else None
    who = request.requested_by_name if request is not None else by.get_username() if by is not None else ""
    row = DataConsent.objects.create(
        project=project,
        store=store.name,
        place=store.place,
        team=team,
        until=until,
        request=request,
        asked_by_id=asker,
    )
    way = request.door if request is not None else door
    ConsentStep.objects.create(consent=row, state=ConsentState.ASKED, by_name=who, door=way)
    text = phrase(
        "%(who)s asks that %(slug)s of team %(own)s may read %(store)s, data of team %(team)s, until %(day)s.",
        who=who,
        slug=project.slug,
        own=project.team.slug,
        store=store.name,
        team=team.slug,
        day=until,
    )
    announce("data-asked", to=asked_about(row), text=text, consent=row)
    log.info("consent_asked", project=project.slug, store=store.name, until=until.isoformat())
    return row


def asked_about(row: DataConsent) -> list["Person"]:
    """Who hears that a question waits: those who decide about it, and the platform team where nobody can."""
    # Somebody must know: the platform team can name owners, or readers in the catalogue.
    return audience.deciders_of_consent(row) or audience.platform_team()


def move(row: DataConsent, state: ConsentState, *, by_name: str, door: Door, why: str = "") -> None:
    """Bring a consent that is held under lock into another state, and write down by whom, by which door and why."""
    row.state = state
    row.save(update_fields=["state"])
    ConsentStep.objects.create(consent=row, state=state, by_name=by_name, door=door, why=why, phrases=as_kept(why=why))


def _wanted(
    spec: ProjectSpec | None, *, project: Project, installation: Installation
) -> tuple[dict[str, DataStore], date]:
    """Stores by name that a spec reads only with consent, and its last day."""
    if spec is None:
        return {}, today()
    wish = wish_of_any_plan(spec, project=project, installation=installation)
    until = chosen(wish).until
    return ({one.name: one for one in without_consent(wish)}, until) if until is not None else ({}, today())


def wish_of_any_plan(
    spec: ProjectSpec, *, project: Project, installation: Installation, consents: Mapping[str, Consent] | None = None
) -> Wish:
    """The wish of a spec for what plans have no part in: whose plan left the catalogue has another one here."""
    spec = with_a_plan(spec, catalogue=installation.catalogue)
    return wish_for(spec, installation=installation, uid=str(project.uid), consents=consents)


def _chosen_in(spec: dict[str, Any] | None) -> DataOptions:
    """What a stored spec chose; nothing where this version can't read it."""
    try:
        return DataOptions.model_validate(((spec or {}).get("options") or {}).get(OPTIONS, {}))
    except ValidationError:
        return DataOptions()
