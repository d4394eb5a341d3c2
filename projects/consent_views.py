"""The pages about one consent: the question with its answer, and asking once more."""

from collections.abc import Callable
from functools import partial

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_GET, require_POST

from projects import audience, consenting, permissions
from projects.answers import answered, conflict_page, find, person_of
from projects.consent_list import STEPS, asked_in, escalated, reminded, word_of
from projects.consents import opens_until, store_of
from projects.decisions import LONGEST
from projects.errors import Conflict, InvalidSpec
from projects.installation import installation
from projects.models import ConsentState, DataConsent, Door


@require_GET
def consent_page(request: HttpRequest, number: int) -> HttpResponse:
    """What is asked, what came of it, and the buttons of whoever decides."""
    return _page(request, _find(request, number))


def _find(request: HttpRequest, number: int) -> DataConsent:
    """The consent. Raises Http404."""
    rows = permissions.visible_consents(person_of(request)).select_related("request")
    found = rows.prefetch_related(*STEPS).filter(pk=number).first()
    if found is None:
        raise Http404(str(number))
    return found


def _page(
    request: HttpRequest, consent: DataConsent, *, typed: str = "", fault: str = "", status: int = 200
) -> HttpResponse:
    person = person_of(request)
    waits = consent.state == ConsentState.ASKED
    catalogue = installation().catalogue
    shown = {
        "consent": consent,
        "number": str(consent.pk),
        "store": store_of(consent, catalogue=catalogue),
        "ends": opens_until(consent, catalogue=catalogue),
        "word": word_of(consent, catalogue=catalogue),
        "asked": asked_in(consent),
        "reminded": reminded(consent),
        "escalated": escalated(consent),
        "steps": list(consent.steps.all()),
        "waits": waits,
        "deciders": audience.deciders_of_consent(consent) if waits else [],
        "in_team": permissions.is_in_team(person, consent.team),
        "sees_project": permissions.may_see(person, consent.project),
        "may_decide": waits and permissions.may_decide_consent(person, consent),
        "may_withdraw": consent.state == ConsentState.GIVEN and permissions.may_withdraw_consent(person, consent),
        "typed": typed,
        "fault": fault,
    }
    return render(request, "projects/consent.html", shown, status=status)


@require_POST
def give(request: HttpRequest, number: int) -> HttpResponse:
    """Say yes."""
    return _acted(request, number, partial(consenting.give, installation=installation()))


@require_POST
def reject(request: HttpRequest, number: int) -> HttpResponse:
    """Say no, with a reason."""
    return _acted(request, number, consenting.reject)


@require_POST
def withdraw(request: HttpRequest, number: int) -> HttpResponse:
    """Not any more, with a reason."""
    return _acted(request, number, consenting.withdraw)


def _acted(request: HttpRequest, number: int, act: Callable[..., DataConsent]) -> HttpResponse:
    """Say it, and show the question with what came of it. act: of `projects.consenting`."""
    found, why = _find(request, number), _why(request)
    with answered():
        try:
            act(found, by=person_of(request), door=Door.FORM, why=why)
        except InvalidSpec as error:
            return _page(request, found, typed=why, fault=error.faults[0].message, status=422)
        except Conflict as error:
            return conflict_page(request, error.message, back=reverse("projects:consent", args=[number]))
    return redirect("projects:consent", number=number)


def _why(request: HttpRequest) -> str:
    return request.POST.get("why", "").strip()[:LONGEST]


@require_POST
def ask_again(request: HttpRequest, slug: str) -> HttpResponse:
    """Ask the team of a store once more, then back to the project, where it says that it waits."""
    person, store = person_of(request), request.POST.get("store", "")
    with answered():
        try:
            asked = consenting.ask_again(
                find(person, slug), store=store, by=person, door=Door.FORM, installation=installation()
            )
        except Conflict as error:
            return conflict_page(request, error.message, back=reverse("projects:project", args=[slug]))
    messages.info(request, gettext("Team %(team)s is asked.") % {"team": asked.team.slug})
    return redirect("projects:project", slug)
