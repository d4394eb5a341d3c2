"""The page of a team's data: who reads it, who asks to, and the answers of those who decide, to one or to several."""

from collections.abc import Iterator, Sequence

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods

from projects import permissions, teams
from projects.answers import answered, came_of, number_in, person_of
from projects.consent_list import LIST, about_data_of, asked_in, word_of
from projects.consent_many import answer_many
from projects.consents import opens_until, store_of
from projects.errors import InvalidSpec
from projects.exports import Record, file_of
from projects.installation import installation
from projects.list_address import list_file, list_page
from projects.models import DataConsent, Door, Project, Team
from projects.one_by_one import MOST
from projects.ticks import by_form, elsewhere, only_turned, too_many
from provisioning.data_access import OPTIONS
from provisioning.data_stores import DataStore

_SHOWN = 50
"""Projects that read by the catalogue, on the page; the rest is said by number, and the file has them all."""
_READERS = ("slug", "team", "names", "until")
_ANSWERED = "answered_together"
"""In the session: what came of the last answer to several."""


@require_http_methods(["GET", "HEAD", "POST"])
def team_data(request: HttpRequest, team: str) -> HttpResponseBase:
    """A team's data stores, who reads them, and who asks to. `format=csv|json`: the consents as a file, or by
    `list=readers` who reads without asking.

    A POST answers the ticked ones, or shows other rows.
    """
    found = _find(request, team)
    if request.method == "POST" and not only_turned(request):
        return _answer_together(request, found)
    return _page(request, found)


def _find(request: HttpRequest, team: str) -> Team:
    with answered():
        return teams.find_team(person_of(request), team)


def _page(request: HttpRequest, team: Team, *, problems: Sequence[dict[str, str]] = ()) -> HttpResponseBase:
    person, catalogue = person_of(request), installation().catalogue
    ticked = request.POST.getlist("consent")
    rows = about_data_of(team, by=person)
    stores = [one for one in catalogue.data_stores if one.owner == team.slug]
    if request.GET.get("list") == "readers":
        # The page shows the first.
        if file := file_of(request, _by_catalogue(stores), columns=_READERS, name=f"readers-{team.slug}"):
            return file
    elif file := list_file(request, rows, of=LIST, name=f"consents-{team.slug}"):
        return file
    listed = list_page(request, rows, of=LIST)
    readers = list(_by_catalogue(stores))
    others = elsewhere(request, ticked, here={str(one.pk) for one in listed.rows})
    shown_or_ticked = [*(one.pk for one in listed.rows), *filter(None, map(number_in, others))]
    decides = permissions.consents_to_decide(person).filter(team=team, pk__in=shown_or_ticked)
    # What the name doesn't stand for any more can only be refused, with its own page in sight.
    to_decide = {one.pk: one for one in decides if store_of(one, catalogue=catalogue) is not None}
    ticked_elsewhere = [(tick, _name_of(to_decide[int(tick)])) for tick in others if number_in(tick) in to_decide]
    shown = {
        "team": team,
        "stores": stores,
        "page": listed,
        "rows": [
            {
                "consent": one,
                "number": str(one.pk),
                "word": word_of(one, catalogue=catalogue),
                "until": opens_until(one, catalogue=catalogue) or one.until,
                "asked": asked_in(one),
                "may_decide": one.pk in to_decide,
            }
            for one in listed.rows
        ],
        "together": bool(to_decide),
        "by_form": bool(to_decide) and by_form(request),
        "elsewhere": ticked_elsewhere,
        "results": request.session.pop(_ANSWERED, None) if request.method == "GET" else None,
        "ticked": ticked,
        "typed": request.POST.get("why", ""),
        "problems": problems,
        "no_reason": any(one["anchor"] == "why" for one in problems),
        "readers": readers[:_SHOWN],
        "more": max(0, len(readers) - _SHOWN),
    }
    return render(request, "projects/team_data.html", shown, status=422 if problems else 200)


def _by_catalogue(stores: Sequence[DataStore]) -> Iterator[Record]:
    """Projects that chose one of these stores and whose team the catalogue lets read it."""
    let = {(one.name, team) for one in stores for team in one.readers}
    if not let:
        return
    rows = Project.objects.filter(deletion_requested_at=None, team__slug__in={team for _, team in let})
    rows = rows.filter(**{f"spec__options__{OPTIONS}__read__has_any_keys": [one.name for one in stores]})
    for one in rows.order_by("slug").values("slug", "team__slug", f"spec__options__{OPTIONS}"):
        chosen = one[f"spec__options__{OPTIONS}"]
        names = [name for name in chosen["read"] if (name, one["team__slug"]) in let]
        if names:
            yield {"slug": one["slug"], "team": one["team__slug"], "names": names, "until": chosen.get("until")}


def _name_of(consent: DataConsent) -> str:
    return f"{consent.store}, {consent.project.slug}"


def _answer_together(request: HttpRequest, team: Team) -> HttpResponseBase:
    """Answer the ticked ones, each on its own; the list says what came of each, or what is missing."""
    verdict, why = request.POST.get("do"), request.POST.get("why", "")
    ticked = request.POST.getlist("consent")
    chosen = [one for one in map(number_in, ticked) if one is not None]
    message = too_many(ticked, most=MOST)
    if not chosen or verdict not in ("give", "reject"):
        message = gettext("No question was ticked, so nothing was decided. Tick some, then choose Approve or Reject.")
    problems, results = [{"anchor": "list", "label": "", "message": message}] if message else [], []
    try:
        results = answer_many(
            [] if message else chosen,
            verdict="give" if verdict == "give" else "reject",
            by=person_of(request),
            door=Door.FORM,
            installation=installation(),
            why=why,
        )
    except InvalidSpec as error:
        problems.append({"anchor": "why", "label": gettext("Reason"), "message": error.faults[0].message})
    if problems:
        return _page(request, team, problems=problems)
    request.session[_ANSWERED] = came_of(results, page="projects:consent", name=_name_of)
    query = request.GET.urlencode()
    return redirect(reverse("projects:team-data", args=[team.slug]) + (f"?{query}" if query else ""))
