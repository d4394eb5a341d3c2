"""The platform team's pages for acting on many: choose, preview, run, watch. All work without script."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from projects import bulk, bulk_choice, listing, project_list, run_list
from projects.answers import answered, conflict_page, number_in, platform_admin_of
from projects.bulk_board import run_board, title_of, word_of
from projects.errors import Conflict, InvalidSpec
from projects.exports import file_of
from projects.installation import installation
from projects.list_address import chosen_in, list_file, list_page
from projects.models import BulkAction, BulkRun, Door, Project
from projects.platform_lists import offered
from projects.project_views import STOP_POLLING
from projects.ticks import by_form, elsewhere, left, of_other_rows, only_turned, searched, too_many
from provisioning.errors import Reason
from provisioning.kind import kinds

PAGE = 50
MOST_TICKED = 500
"""One by one: fewer than the fields that a form may have."""
RUNS_FIRST = 8
_FIELDS = {
    "action": ("act", _("Action")),
    "kind": ("kind", _("Resource")),
    "plan": ("new-plan", _("New plan")),
    "because": ("because", _("Reason")),
    "projects": ("chosen", _("Projects")),
}
"""Where a fault stands on the page: id and label of its field."""
_SEARCH = ("q", "status", "reason", "team", "plan", "target", "sort")
_CHOSEN = ("project", "all", "kind", "to_plan", "because")


@require_http_methods(["GET", "HEAD", "POST"])
def actions(request: HttpRequest) -> HttpResponseBase:
    """Choose projects and what to do with them. A POST previews it, as a run that has not begun, or shows other rows.

    `format=csv|json`: the projects as a file.
    """
    person = platform_admin_of(request)
    # The form posts to the address of its own page: filter, order and page are in it whatever comes of it.
    if request.method != "POST":
        # Other pages lead here with what they are about: the project ticked and the action chosen.
        typed = {"action": request.GET.get("action", "")}
        return _choose(request, ticked=request.GET.getlist("project"), typed=typed)
    if there := searched(request, *_SEARCH, carrying=_CHOSEN):
        return there
    ticked = request.POST.getlist("project")
    everything = request.POST.get("all") == "yes" and not of_other_rows(request)
    if only_turned(request) or (not everything and too_many(ticked, most=MOST_TICKED)):
        return _choose(request, ticked=ticked, everything=everything, typed=request.POST)
    rows = Project.objects.none()
    if everything:
        rows = bulk_choice.rows(person, slugs=request.GET.getlist("project"), **_chosen(request))
    elif ticked:
        rows = bulk_choice.rows(person, slugs=ticked)
    try:
        run = bulk.draft(
            bulk.Wanted(
                action=request.POST.get("action", ""),
                because=request.POST.get("because", "")[:2000],
                kind=request.POST.get("kind", ""),
                plan=request.POST.get("to_plan", ""),
            ),
            list(rows[: bulk.MOST + 1]),
            by=person,
            door=Door.FORM,
            installation=installation(),
        )
    except InvalidSpec as error:
        return _choose(request, ticked=ticked, everything=everything, typed=request.POST, faults=error)
    return redirect("platform:run", run=run.pk)


def _chosen(request: HttpRequest) -> dict[str, str]:
    """By what the address narrows the list."""
    known: dict[str, Iterable[str]] = {"status": listing.WORDS, "whose": ("mine",), "reason": Reason}
    return chosen_in(request, "words", "team", "plan", "target", **known)


def _choose(
    request: HttpRequest,
    *,
    ticked: list[str],
    everything: bool = False,
    typed: Mapping[str, str] | None = None,
    faults: InvalidSpec | None = None,
) -> HttpResponseBase:
    person, catalogue = platform_admin_of(request), installation().catalogue
    chosen, named = _chosen(request), request.GET.getlist("project")
    rows = bulk_choice.rows(person, slugs=named, **chosen)
    if file := list_file(request, rows, of=project_list.LIST, name="slipway-projects"):
        return file
    page = list_page(request, rows, of=project_list.LIST, size=PAGE)
    here = {project.slug for project in page.rows}
    others = elsewhere(request, ticked, here=here)
    problems = [
        {"anchor": _FIELDS[fault.field][0], "label": _FIELDS[fault.field][1], "message": fault.message}
        for fault in (faults.faults if faults else ())
    ]
    if not everything and (message := too_many(left(ticked, here=here, others=others), most=MOST_TICKED)):
        problems.append({"anchor": "chosen", "label": _("Projects"), "message": message})
    shown: dict[str, Any] = {
        "chosen": chosen,
        "narrowed": bool(chosen or named),
        "page": page,
        "total": rows.count(),
        "ticked": ticked,
        "elsewhere": [(slug, slug) for slug in others],
        "by_form": by_form(request),
        "everything": everything,
        "typed": typed or {},
        "problems": problems,
        "wrong": {str(problem["anchor"]).replace("-", "_"): problem["message"] for problem in problems},
        "all_words": listing.WORDS,
        "all_plans": list(catalogue.plans),
        **offered(),
        "all_kinds": kinds().values(),
        "all_actions": BulkAction.choices,
        "runs": [(one, title_of(one), word_of(one)) for one in BulkRun.objects.all()[:RUNS_FIRST]],
    }
    return render(request, "platform/actions.html", shown, status=422 if problems else 200)


@require_GET
def runs(request: HttpRequest) -> HttpResponseBase:
    """All runs, newest first or sorted by the address. `format=csv|json`: as a file."""
    platform_admin_of(request)
    rows = BulkRun.objects.all()
    if file := list_file(request, rows, of=run_list.LIST, name="slipway-runs"):
        return file
    page = list_page(request, rows, of=run_list.LIST)
    lines = [(one, title_of(one), word_of(one)) for one in page.rows]
    return render(request, "platform/runs.html", {"page": page, "runs": lines})


def _run(request: HttpRequest, number: int) -> BulkRun:
    with answered():
        return bulk.visible_run(platform_admin_of(request), number)


@require_GET
def run_page(request: HttpRequest, run: int) -> HttpResponseBase:
    """What a run would do, does, or did, project by project. `format=csv|json`: its projects as a file."""
    found = _run(request, run)
    records = run_list.item_records(found)
    file = file_of(request, records, columns=run_list.ITEM_COLUMNS, name=f"slipway-run-{run}")
    return file or _run_page(request, found)


def _run_page(request: HttpRequest, run: BulkRun, *, fault: str = "", typed: str = "") -> HttpResponse:
    board = run_board(run, after=number_in(request.GET.get("after", "")) or 0)
    shown = {
        "board": board,
        "own": board.run.by_id == request.user.pk,
        "after": request.GET.get("after", ""),
        "fault": fault,
        "typed": typed or str(min(2, max(board.total - board.through, 1))),
    }
    return render(request, "platform/run.html", shown, status=422 if fault else 200)


@require_GET
def run_live(request: HttpRequest, run: int) -> HttpResponse:
    """What moved since `seen`: 204 nothing, 286 when it stands still, else the parts that differ."""
    board = run_board(_run(request, run), after=number_in(request.GET.get("after", "")) or 0)
    seen = request.GET.get("seen", "").split("-")
    parts = {name for name, mark in board.parts.items() if mark not in seen}
    if not parts and board.running:
        return HttpResponse(status=204)
    shown = {
        "board": board,
        "parts": parts,
        "own": board.run.by_id == request.user.pk,
        "after": request.GET.get("after", ""),
    }
    return render(request, "platform/_run_live.html", shown, status=200 if board.running else STOP_POLLING)


@require_POST
def run_turn(request: HttpRequest, run: int) -> HttpResponse:
    """Start or go on, pause, stop: what the pressed button says."""
    person, found = platform_admin_of(request), _run(request, run)
    do, typed = request.POST.get("do", ""), request.POST.get("first", "").strip()
    back = reverse("platform:run", args=[run])
    try:
        with answered():
            match do:
                case "some":
                    first = number_in(typed)
                    if first is None or first > bulk.MOST:
                        return _run_page(request, found, fault=gettext("Enter how many to start with."), typed=typed)
                    bulk.start(found, by=person, door=Door.FORM, first=first)
                case "all":
                    bulk.start(found, by=person, door=Door.FORM)
                case "pause":
                    bulk.pause(found, by=person, door=Door.FORM)
                case "stop":
                    bulk.stop(found, by=person, door=Door.FORM)
                case other:
                    raise Http404(other)
    except InvalidSpec as error:
        return _run_page(request, found, fault=error.message, typed=typed)
    except Conflict as error:
        return conflict_page(request, error.message, back=back)
    return redirect(back)
