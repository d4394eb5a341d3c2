"""The pages about consent: what others ask about a team's data, one question with its answer, and asking once more."""

from collections.abc import Callable
from functools import partial
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_GET, require_POST

from projects import consenting, permissions, teams
from projects.answers import answered, conflict_page, find, person_of
from projects.consent_list import COLUMNS, ORDERS, STEPS, about_data_of, asked_in, escalated, records, reminded, word_of
from projects.consents import store_of
from projects.decisions import LONGEST
from projects.errors import Conflict, InvalidSpec
from projects.exports import form_asked, stream
from projects.installation import installation
from projects.models import ConsentState, DataConsent, Door, Project
from projects.sorting import Sorted, in_order, order_asked, sorted_page
from provisioning.data_access import OPTIONS

_SHOWN = 50
"""Projects that read by the catalogue, on the page; the rest is said by number."""


@require_GET
def team_data(request: HttpRequest, team: str) -> HttpResponseBase:
    """A team's data stores, who reads them, and who asks to. `format=csv|json`: the consents as a file."""
    person = person_of(request)
    with answered():
        found = teams.find_team(person, team)
    rows = about_data_of(found, by=person)
    order, falling = order_asked(ORDERS, request.GET.get("sort", ""))
    if form := form_asked(request):
        everything = in_order(rows, order=order, falling=falling)
        return stream(records(everything), columns=COLUMNS, name=f"consents-{team}", form=form)
    after, before = request.GET.get("after", ""), request.GET.get("before", "")
    listed: Sorted[DataConsent] = sorted_page(rows, order=order, falling=falling, after=after, before=before)
    catalogue = installation().catalogue
    stores = [one for one in catalogue.data_stores if one.owner == found.slug]
    readers = _by_catalogue([one.name for one in stores], {team for one in stores for team in one.readers})
    shown = {
        "team": found,
        "stores": stores,
        "page": listed,
        "rows": [(one, word_of(one, catalogue=catalogue), asked_in(one)) for one in listed.rows],
        "readers": readers[:_SHOWN],
        "more": max(0, len(readers) - _SHOWN),
    }
    return render(request, "projects/team_data.html", shown)


def _by_catalogue(stores: list[str], teams: set[str]) -> list[dict[str, Any]]:
    """Projects that chose one of these stores and whose team the catalogue lets read it."""
    if not stores or not teams:
        return []
    rows = Project.objects.filter(deletion_requested_at=None, team__slug__in=teams)
    rows = rows.filter(**{f"spec__options__{OPTIONS}__read__has_any_keys": stores}).order_by("slug")
    let = {(one.name, team) for one in installation().catalogue.data_stores for team in one.readers}
    found = []
    for one in rows.values("slug", "team__slug", f"spec__options__{OPTIONS}"):
        chosen = one[f"spec__options__{OPTIONS}"]
        names = [name for name in chosen["read"] if name in stores and (name, one["team__slug"]) in let]
        if names:
            found.append({"slug": one["slug"], "team": one["team__slug"], "names": names, "until": chosen.get("until")})
    return found


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
        "word": word_of(consent, catalogue=catalogue),
        "asked": asked_in(consent),
        "reminded": reminded(consent),
        "escalated": escalated(consent),
        "steps": list(consent.steps.all()),
        "waits": waits,
        "deciders": permissions.deciders_of_consent(consent) if waits else [],
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
