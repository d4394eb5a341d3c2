"""The platform team's page: is the fleet well, what is stuck, what was changed by hand, what is left of the budgets.

To everybody else there is no such page. Reads Postgres only.
"""

from typing import Any

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_GET, require_http_methods

from projects import capacity_board, drift_list, platform_board, platform_figures, platform_lists, stuck_list
from projects.answers import platform_admin_of
from projects.exports import download, form_asked
from projects.list_address import chosen_in, list_file, list_page
from projects.platform_tables import TABLES
from projects.sorting import Sorted, sorted_page
from projects.ticks import by_form, elsewhere, left, only_turned, searched, too_many
from projects.today import today
from provisioning.errors import Reason
from provisioning.models import Event, Resource

STUCK_FIRST = 10
DRIFT_FIRST = 6
PAGE = 50
MOST_TICKED = 100
"""They stand in the address of the page that acts on them."""
PACE = 5
"""Seconds between two questions of an open page."""


@require_GET
def fleet(request: HttpRequest) -> HttpResponse:
    """Is the fleet well. `of`: the measure whose capacity is drawn by team."""
    platform_admin_of(request)
    counted = platform_figures.newest()
    day_chart, day_note = platform_board.by_day(counted.figures)
    usual, newest = stuck_list.ORDERS[0], drift_list.ORDERS[0]
    stuck: Sorted[Resource] = sorted_page(platform_lists.stuck(), order=usual, falling=False, size=STUCK_FIRST)
    drifts: Sorted[Event] = sorted_page(platform_lists.drifts(), order=newest, falling=True, size=DRIFT_FIRST)
    shown = {
        "board": platform_board.board(counted),
        "pace": PACE,
        "figures": counted.figures,
        "day_chart": day_chart,
        "day_note": day_note,
        "step_chart": platform_board.by_step(counted.figures),
        "stuck": [platform_board.stuck_row(row) for row in stuck.rows],
        "more_stuck": bool(stuck.older),
        "drifts": [platform_board.drift_row(platform_lists.drift_of(row)) for row in drifts.rows],
        "more_drifts": bool(drifts.older),
        "capacity": capacity_board.by_target(counted.figures),
        "by_team": capacity_board.by_team(counted.figures, of=request.GET.get("of", "")),
        "meters": [_meter(one) for one in platform_lists.budgets()[: capacity_board.TEAMS] if one.units or one.taken],
        "rules": [_rule(one) for one in counted.figures.rules],
    }
    return render(request, "platform/fleet.html", shown)


def _meter(one: platform_lists.Budget) -> dict[str, Any]:
    most = one.units or one.taken
    full = one.share >= platform_board.FULL
    return {"budget": one, "value": min(one.taken, most), "most": most, "full": full, "over": -one.free}


def _rule(one: platform_figures.RuleTimes) -> dict[str, Any]:
    times = [platform_board.duration(value) if value is not None else "–" for value in (one.p50, one.p95)]
    return {"rule": one, "p50": times[0], "p95": times[1]}


@require_GET
def live(request: HttpRequest) -> HttpResponse:
    """What moved since `seen`: 204 nothing, else the parts that differ."""
    platform_admin_of(request)
    board = platform_board.board(platform_figures.newest())
    seen = request.GET.get("seen", "").split("-")
    parts = {name for name, mark in board.parts.items() if mark not in seen}
    if not parts:
        return HttpResponse(status=204)
    return render(request, "platform/_live.html", {"board": board, "parts": parts, "pace": PACE})


@require_http_methods(["GET", "HEAD", "POST"])
def stuck(request: HttpRequest) -> HttpResponseBase:
    """All that is stuck, narrowed and sorted by the address. `format=csv|json`: as a file.

    A POST leads to the page that acts on the ticked projects, or shows other rows.
    """
    platform_admin_of(request)
    if there := searched(request, "target", "reason", "team", "sort", carrying=("project",)):
        return there
    ticked = list(dict.fromkeys(request.POST.getlist("project")))
    if request.method == "POST" and not only_turned(request) and not too_many(ticked, most=MOST_TICKED):
        return redirect(reverse("platform:actions", query={"project": ticked}))
    chosen = chosen_in(request, "target", "team", reason=Reason)
    rows = stuck_list.rows(**chosen)
    if file := list_file(request, rows, of=stuck_list.LIST, name="slipway-stuck"):
        return file
    page = list_page(request, rows, of=stuck_list.LIST, size=PAGE)
    here = {row.project.slug for row in page.rows}
    others = elsewhere(request, ticked, here=here)
    message = too_many(left(ticked, here=here, others=others), most=MOST_TICKED)
    shown = {
        "page": page,
        "stuck": [platform_board.stuck_row(row) for row in page.rows],
        "chosen": chosen,
        "by_form": by_form(request),
        "ticked": ticked,
        "elsewhere": [(slug, slug) for slug in others],
        "problems": [{"anchor": "stuck", "label": gettext("Stuck"), "message": message}] if message else [],
        **platform_lists.offered(),
    }
    return render(request, "platform/stuck.html", shown, status=422 if message else 200)


@require_GET
def drift(request: HttpRequest) -> HttpResponseBase:
    """All that was changed by hand, narrowed and sorted by the address. `format=csv|json`: as a file."""
    platform_admin_of(request)
    chosen = chosen_in(request, "target", "team")
    rows = drift_list.rows(**chosen)
    if file := list_file(request, rows, of=drift_list.LIST, name="slipway-drift"):
        return file
    page = list_page(request, rows, of=drift_list.LIST, size=PAGE)
    shown = {
        "page": page,
        "drifts": [platform_board.drift_row(platform_lists.drift_of(row)) for row in page.rows],
        "chosen": chosen,
        **platform_lists.offered(),
    }
    return render(request, "platform/drift.html", shown)


@require_GET
def table(request: HttpRequest) -> HttpResponse:
    """The table `name` of the pages as a file. Raises BadRequest for one that there is not."""
    platform_admin_of(request)
    name, form = request.GET.get("name", ""), form_asked(request)
    if name not in TABLES or form is None:
        raise BadRequest
    return download(TABLES[name](), name=f"slipway-{name}-{today().isoformat()}", form=form)
