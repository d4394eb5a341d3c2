"""The platform team's page: is the fleet well, what is stuck, what was changed by hand, what is left of the budgets.

To everybody else there is no such page. Reads Postgres only.
"""

from typing import Any

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from projects import capacity_board, platform_board, platform_figures, platform_lists
from projects.answers import platform_admin_of
from projects.exports import download, form_asked
from projects.listing import page_of
from projects.platform_tables import TABLES
from projects.today import today

STUCK_FIRST = 10
DRIFT_FIRST = 6
PAGE = 50
PACE = 5
"""Seconds between two questions of an open page."""


@require_GET
def fleet(request: HttpRequest) -> HttpResponse:
    """Is the fleet well. `of`: the measure whose capacity is drawn by team."""
    platform_admin_of(request)
    counted = platform_figures.newest()
    day_chart, day_note = platform_board.by_day(counted.figures)
    stuck, more_stuck = platform_lists.stuck_page(after="", size=STUCK_FIRST)
    drifts = page_of(platform_lists.drifts(), before="", size=DRIFT_FIRST)
    shown = {
        "board": platform_board.board(counted),
        "pace": PACE,
        "figures": counted.figures,
        "day_chart": day_chart,
        "day_note": day_note,
        "step_chart": platform_board.by_step(counted.figures),
        "stuck": [platform_board.stuck_row(row) for row in stuck],
        "more_stuck": bool(more_stuck),
        "drifts": [platform_board.drift_row(platform_lists.drift_of(row)) for row in drifts.rows],
        "more_drifts": drifts.older is not None,
        "capacity": capacity_board.by_target(counted.figures),
        "by_team": capacity_board.by_team(counted.figures, of=request.GET.get("of", "")),
        "meters": [_meter(one) for one in platform_lists.budgets()[: capacity_board.TEAMS] if one.units],
        "rules": [_rule(one) for one in counted.figures.rules],
    }
    return render(request, "platform/fleet.html", shown)


def _meter(one: platform_lists.Budget) -> dict[str, Any]:
    full = (one.share or 0) >= platform_board.FULL
    return {"budget": one, "value": min(one.taken, one.units), "full": full, "over": -one.free}


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


@require_GET
def stuck(request: HttpRequest) -> HttpResponse:
    """All that is stuck, longest first."""
    platform_admin_of(request)
    rows, after = platform_lists.stuck_page(after=request.GET.get("after", ""), size=PAGE)
    shown = {"stuck": [platform_board.stuck_row(row) for row in rows], "after": after}
    return render(request, "platform/stuck.html", shown)


@require_GET
def drift(request: HttpRequest) -> HttpResponse:
    """All that was changed by hand, newest first."""
    platform_admin_of(request)
    page = page_of(platform_lists.drifts(), before=request.GET.get("before", ""), size=PAGE)
    shown = {
        "drifts": [platform_board.drift_row(platform_lists.drift_of(row)) for row in page.rows],
        "older": page.older,
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
