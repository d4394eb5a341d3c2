"""What waits too long for people: who decides is reminded after some working hours, and later others hear of it too.

So it is with requests and with questions for consent. Each happens once for every time that a request is given to who
decides, or for a question, whatever comes twice: the row that says so is written with what it tells of.
"""

from datetime import datetime

import structlog
from django.db import transaction
from django.db.models import Max

from projects import audience
from projects.audit import audited
from projects.consent_list import asked_in
from projects.consents import asked_about, store_of
from projects.identity import called
from projects.installation import Installation
from projects.models import ConsentReminder, ConsentState, DataConsent, Decision, Door, ProjectRequest, Reminder
from projects.notices import announce
from projects.today import today
from projects.working_hours import hours_between
from provisioning.phrases import joined, phrase
from provisioning.policy_rules import Decisions

log = structlog.get_logger(__name__)


def remind(*, installation: Installation, now: datetime) -> int:
    """Remind and escalate what is due at `now`. Returns for how many requests and consents something was done."""
    requests = ProjectRequest.objects.filter(decision=Decision.PENDING, asked_back_at=None)
    consents = DataConsent.objects.filter(state=ConsentState.ASKED, until__gte=today())
    done = 0
    for look, waiting in ((_look_at_request, requests), (_look_at_consent, consents)):
        for pk in waiting.order_by("pk").values_list("pk", flat=True):
            with audited(actor="slipway", door=Door.SYSTEM), transaction.atomic():
                done += look(pk, installation=installation, now=now)
    return done


def _due(waited: float, *, rules: Decisions, unheard: bool = False) -> list[Reminder.Kind]:
    """What is to have been done about something that has waited so many working hours.

    unheard: nobody of the groups asked has an account, so it goes on to the next when it would be reminded of.
    """
    if waited < rules.remind_after:
        return []
    return list(Reminder.Kind) if unheard or waited >= rules.escalate_after else [Reminder.Kind.REMINDED]


def _look_at_request(pk: int, *, installation: Installation, now: datetime) -> bool:
    held = ProjectRequest.objects.select_for_update(of=("self",), skip_locked=True)
    request = held.filter(pk=pk, decision=Decision.PENDING, asked_back_at=None).first()
    if request is None:
        return False
    rules = installation.catalogue.decisions
    since = _since(request)
    waited = hours_between(since, now, calendar=rules.working_hours)
    silent = audience.unheard(request.approvers)
    nobody = bool(silent) and len(silent) == len(set(request.approvers))
    due = [kind for kind in _due(waited, rules=rules, unheard=nobody) if _first(request, kind, since=since, now=now)]
    text = phrase(
        "%(slug)s: %(who)s has waited %(hours)s working hours for a decision.",
        slug=request.slug,
        who=request.requested_by_name,
        hours=f"{waited:.0f}",
    )
    if silent:
        unheard = phrase("Nobody of %(groups)s has signed in yet.", groups=", ".join(called(silent)))
        text = joined(" ", [text, unheard])
    if Reminder.Kind.REMINDED in due:
        announce("reminder", to=audience.deciders_of(request), text=text, request=request)
    if Reminder.Kind.ESCALATED in due:
        request.approvers = list(dict.fromkeys([*request.approvers, *rules.escalate_to]))
        request.save(update_fields=["approvers"])
        announce("escalation", to=audience.deciders_of(request), text=text, request=request)
        log.info("escalated", request=request.pk, approvers=request.approvers)
    return bool(due)


def _since(request: ProjectRequest) -> datetime:
    """Since when it waits for who decides: asked, put in other words, or answered by the asker.

    What the asker says besides is a nudge, and postpones nothing.
    """
    revised = request.revisions.aggregate(at=Max("at"))["at"]
    answered = request.comments.filter(answers=True).aggregate(at=Max("at"))["at"]
    return max(at for at in (request.created_at, revised, answered) if at is not None)


def _first(request: ProjectRequest, kind: Reminder.Kind, *, since: datetime, now: datetime) -> bool:
    """Whether it was not done yet since then. Then it counts as done now."""
    row, made = Reminder.objects.get_or_create(
        request=request, revision=request.revision, kind=kind, defaults={"at": now}
    )
    if made or row.at >= since:
        return made
    # Answered by a comment: the same revision waits anew.
    row.at = now
    row.save(update_fields=["at"])
    return True


def _look_at_consent(pk: int, *, installation: Installation, now: datetime) -> bool:
    held = DataConsent.objects.select_for_update(of=("self",), skip_locked=True)
    held = held.select_related("project", "team", "request")
    consent = held.filter(pk=pk, state=ConsentState.ASKED).first()
    asked = asked_in(consent) if consent is not None else None
    # What nobody can say yes to any more waits for whoever asked.
    if consent is None or asked is None or store_of(consent, catalogue=installation.catalogue) is None:
        return False
    rules = installation.catalogue.decisions
    waited = hours_between(asked.at, now, calendar=rules.working_hours)
    due = [kind for kind in _due(waited, rules=rules) if _first_of_consent(consent, kind)]
    text = phrase(
        "%(who)s has waited %(hours)s working hours for team %(team)s to say whether %(slug)s may read %(store)s.",
        who=asked.by_name,
        hours=f"{waited:.0f}",
        team=consent.team.slug,
        slug=consent.project.slug,
        store=consent.store,
    )
    if Reminder.Kind.REMINDED in due:
        announce("data-reminder", to=asked_about(consent), text=text, consent=consent)
    if Reminder.Kind.ESCALATED in due:
        # The platform team can't consent in the team's place, but it knows whom to ask, and can name owners.
        to = [*audience.deciders_of_consent(consent), *audience.platform_team()]
        text = joined(" ", [text, phrase("Only that team can say yes.")])
        announce("data-escalation", to=to, text=text, consent=consent)
        log.info("consent_escalated", consent=consent.pk)
    return bool(due)


def _first_of_consent(consent: DataConsent, kind: Reminder.Kind) -> bool:
    _, made = ConsentReminder.objects.get_or_create(consent=consent, kind=kind)
    return made
