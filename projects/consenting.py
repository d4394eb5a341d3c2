"""What a team says to those who ask to read its data: yes, no, and not any more; and asking it once more.

The project's row is locked before the consent's, as in every change of a project, and right and state are checked under
the locks. A question that was put otherwise meanwhile is another row, so a stale answer is refused. The access itself
is made and ended by the look that is rung for.
"""

from typing import TYPE_CHECKING

import structlog
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from projects import audience, permissions
from projects.consents import ask, in_force, is_about, move, store_of, wish_of_any_plan
from projects.decisions import LONGEST, needed
from projects.doorbell import ring_project
from projects.errors import Conflict, NotAllowed, NotFound
from projects.granting import as_now, audited_by, check_present, hold_for
from projects.installation import Installation
from projects.locks import hold_project
from projects.models import ConsentState, DataConsent, Door, Project
from projects.news import Kind
from projects.notices import announce
from projects.today import today
from provisioning.data_access import chosen, without_consent
from provisioning.phrases import Phrase, joined, phrase

if TYPE_CHECKING:
    from projects.permissions import Person

log = structlog.get_logger(__name__)


def give(consent: DataConsent, *, by: "Person", door: Door, installation: Installation, why: str = "") -> DataConsent:
    """Let the project read the store until the day it asked for. The consent before, for an earlier day, ends.

    Raises NotFound, NotAllowed (also for what one asked oneself), Conflict when it was answered or taken back, when the
    day has passed, or when the store is not that team's any more.
    """
    with audited_by(by=by, door=door), transaction.atomic():
        row = _held(consent, by=by)
        _check_decides(row, by=by)
        check_present(row.project, expected=None)
        if row.until < today():
            raise Conflict(
                gettext("The day that it was asked for has passed. Reject it; they can ask for a later one.")
            )
        if store_of(row, catalogue=installation.catalogue) is None:
            message = gettext(
                "%(store)s is no data store of team %(team)s any more, or stands for another place than when it was "
                "asked. Reject it; they can ask again."
            )
            raise Conflict(message % {"store": row.store, "team": row.team.slug})
        for before in DataConsent.objects.filter(project=row.project, store=row.store, state=ConsentState.GIVEN):
            replaced = phrase("Replaced by one until %(day)s.", day=row.until)
            move(before, ConsentState.ENDED, by_name=by.username, door=door, why=replaced)
        why = why.strip()[:LONGEST]
        move(row, ConsentState.GIVEN, by_name=by.username, door=door, why=why)
        _look_at(row.project)
        said = phrase(
            "Team %(team)s lets %(slug)s read %(store)s until %(day)s (%(who)s).", **_named(row, by=by), day=row.until
        )
        _tell(row, by=by, kind="data-decided", said=joined(" ", [said, why]) if why else said)
    log.info("consent_given", project=row.project.slug, store=row.store)
    return row


def reject(consent: DataConsent, *, by: "Person", door: Door, why: str) -> DataConsent:
    """Say no, with a reason; what the project read before it still reads. Raises as `give` does, and InvalidSpec."""
    why = needed(why, message=gettext("Say why, so that the team knows what to change."), field="why")
    with audited_by(by=by, door=door), transaction.atomic():
        row = _held(consent, by=by)
        _check_decides(row, by=by)
        move(row, ConsentState.REJECTED, by_name=by.username, door=door, why=why)
        said = phrase(
            "Team %(team)s does not let %(slug)s read %(store)s until %(day)s: %(why)s (%(who)s)",
            **_named(row, by=by),
            day=row.until,
            why=why,
        )
        _tell(row, by=by, kind="data-decided", said=said)
    log.info("consent_rejected", project=row.project.slug, store=row.store)
    return row


def withdraw(consent: DataConsent, *, by: "Person", door: Door, why: str) -> DataConsent:
    """End a consent that was given; the next look takes the access away. Raises as `reject` does."""
    why = needed(why, message=gettext("Say why, so that the team knows what to do."), field="why")
    with audited_by(by=by, door=door), transaction.atomic():
        row = _held(consent, by=by)
        if not permissions.may_withdraw_consent(as_now(by), row):
            raise NotAllowed(
                gettext("Only owners in team %(team)s and the platform team withdraw its consent.")
                % {"team": row.team.slug}
            )
        if row.state != ConsentState.GIVEN:
            raise Conflict(gettext("There is no consent to withdraw: it is %(state)s.") % {"state": _state(row)})
        move(row, ConsentState.WITHDRAWN, by_name=by.username, door=door, why=why)
        _look_at(row.project)
        said = phrase(
            "%(who)s withdrew the consent of team %(team)s: %(slug)s reads %(store)s no more. %(why)s",
            **_named(row, by=by),
            why=why,
        )
        _tell(row, by=by, kind="data-withdrawn", said=said)
    log.info("consent_withdrawn", project=row.project.slug, store=row.store)
    return row


def ask_again(project: Project, *, store: str, by: "Person", door: Door, installation: Installation) -> DataConsent:
    """Ask once more for a store that the project chose and may not read.

    Raises NotFound, also for a store that it didn't choose; NotAllowed; Conflict when it is asked already or let.
    """
    why_not = gettext("Only owners of %(slug)s and the platform team may change it. Ask an owner.")
    with audited_by(by=by, door=door), transaction.atomic():
        project = hold_for(project, by=by, may=permissions.may_change, why_not=why_not % {"slug": project.slug})
        check_present(project, expected=None)
        let = in_force(project)
        wish = wish_of_any_plan(project.wanted(), project=project, installation=installation, consents=let)
        until = chosen(wish).until
        if store not in chosen(wish).read or until is None:
            raise NotFound
        found = next((one for one in without_consent(wish) if one.name == store), None)
        if found is None:
            raise Conflict(gettext("%(slug)s may read %(store)s.") % {"slug": project.slug, "store": store})
        waits = project.consents.select_for_update(of=("self",)).filter(store=store, state=ConsentState.ASKED)
        for row in waits.select_related("team"):
            if is_about(row, found):
                raise Conflict(gettext("It is asked already, and waits for an answer."))
            # Nobody can say yes to it any more: the name stands for something else now.
            move(row, ConsentState.ENDED, by_name=by.username, door=door)
        asked = ask(project, store=found, until=until, by=by, door=door)
        if asked is None:
            message = gettext("The portal knows no team %(team)s that could be asked. Ask the platform team.")
            raise Conflict(message % {"team": found.owner})
    return asked


def _held(consent: DataConsent, *, by: "Person") -> DataConsent:
    """The consent under lock. Raises NotFound for whoever may not know of it."""
    if not permissions.visible_consents(by).filter(pk=consent.pk).exists():
        raise NotFound
    hold_project(consent.project_id)
    rows = DataConsent.objects.select_for_update(of=("self",)).select_related("project__team", "team", "request")
    return rows.get(pk=consent.pk)


def _check_decides(row: DataConsent, *, by: "Person") -> None:
    if not permissions.may_decide_consent(as_now(by), row):
        raise NotAllowed(
            gettext(
                "Only who is in team %(team)s and owns one of its projects decides about its data, "
                "and nobody about what they asked for."
            )
            % {"team": row.team.slug}
        )
    if row.state != ConsentState.ASKED:
        raise Conflict(gettext("There is nothing to decide any more: it is %(state)s.") % {"state": _state(row)})


def _state(row: DataConsent) -> str:
    return str(ConsentState(row.state).label)


def _look_at(project: Project) -> None:
    Project.objects.filter(pk=project.pk).update(next_look_at=timezone.now())
    ring_project(project.pk)


def _named(row: DataConsent, *, by: "Person") -> dict[str, str]:
    return {"team": row.team.slug, "slug": row.project.slug, "store": row.store, "who": by.username}


def _tell(row: DataConsent, *, by: "Person", kind: Kind, said: Phrase) -> None:
    """Tell the project's owners, and who asked."""
    asker = [row.asked_by] if row.asked_by is not None else []
    announce(kind, to=[*audience.owners_of(row.project), *asker], but=by, text=said, project=row.project)
