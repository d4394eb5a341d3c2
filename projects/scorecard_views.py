"""The pages of the scorecard: one project's, judged as it is now, and the fleet's, as it was judged last."""

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from projects import scorecard_board
from projects.answers import find, person_of, platform_admin_of
from projects.exports import form_asked, stream
from projects.frame import Tab, frame, tab_of
from projects.listing import page_of
from projects.models import Project, Scorecard, Team
from projects.scorecard import PILLARS, RULES, Line, Mark, judge
from projects.scorecard_facts import facts_of

PAGE = 50


@require_GET
def scorecard(request: HttpRequest, slug: str) -> HttpResponse:
    """Every rule with what it says and what to do."""
    found = find(person_of(request), slug)
    judged = judge(facts_of([found])[found.pk])
    pillars = [(pillar, [(line, *_page(line, found)) for line in pillar.lines]) for pillar in judged]
    counts = {"held": sum(pillar.held for pillar in judged), "all": sum(len(pillar.lines) for pillar in judged)}
    shown = {**frame(request, found, tab="scorecard"), "pillars": pillars, **counts}
    return render(request, "projects/scorecard.html", shown)


def _page(line: Line, project: Project) -> tuple[Tab, str]:
    """Where it is put right, and the address of that."""
    tab = tab_of(line.judged.tab or line.rule.tab)
    return tab, reverse(tab.address, args=[project.slug])


@require_GET
def fleet(request: HttpRequest) -> HttpResponseBase:
    """Each rule with its counts, then the projects. Narrowed by `team`, or by `rule` and what it says (`mark`).

    The projects as a file too (`format`), narrowed in the same way.
    """
    platform_admin_of(request)
    team, rule, mark = (request.GET.get(name, "") for name in ("team", "rule", "mark"))
    rule = rule if rule in {one.name for one in RULES} else ""
    mark = mark if mark in set(Mark) else ""
    rows = scorecard_board.cards(team=team, rule=rule, mark=mark)
    if form := form_asked(request):
        return stream(
            scorecard_board.records(rows), columns=scorecard_board.COLUMNS, name="slipway-scorecard", form=form
        )
    page = page_of(rows, before=request.GET.get("before", ""), size=PAGE)
    shown = {
        "counted": scorecard_board.counted() if Scorecard.objects.exists() else [],
        "pillars": PILLARS,
        "cards": [(card, scorecard_board.held(card)) for card in page.rows],
        "older": page.older,
        "team": team,
        "teams": Team.objects.order_by("slug").values_list("slug", flat=True),
        "rule": next((one for one in RULES if one.name == rule), None) if mark else None,
        "mark": mark,
    }
    return render(request, "platform/scorecard.html", shown)
