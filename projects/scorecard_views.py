"""The pages of the scorecard: one project's, judged as it is now, and the fleet's, as it was judged last."""

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from projects import scorecard_board, short_lists
from projects.answers import find, person_of, platform_admin_of
from projects.exports import file_of
from projects.frame import Tab, frame, tab_of
from projects.list_address import chosen_in, list_file, list_page
from projects.models import Project, Scorecard, Team
from projects.scorecard import PILLARS, RULES, Line, Mark, judge
from projects.scorecard_facts import facts_of

PAGE = 50
_RULES = ("rule", "title", "yes", "no", "unknown")


@require_GET
def scorecard(request: HttpRequest, slug: str) -> HttpResponseBase:
    """Every rule with what it says and what to do. `format=csv|json`: as a file."""
    found = find(person_of(request), slug)
    records = short_lists.of_scorecard(found)
    if file := file_of(request, records, columns=short_lists.SCORECARD, name=f"scorecard-{slug}"):
        return file
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

    The projects as a file too (`format`), narrowed in the same way; by `list=rules` the counts of the rules.
    """
    platform_admin_of(request)
    if request.GET.get("list") == "rules":
        counted = (
            {"rule": one.rule.name, "title": str(one.rule.title), "yes": one.yes, "no": one.no, "unknown": one.unknown}
            for one in scorecard_board.counted()
        )
        if file := file_of(request, counted, columns=_RULES, name="slipway-scorecard-rules"):
            return file
    chosen = chosen_in(request, "team", rule=[one.name for one in RULES], mark=Mark)
    rows = scorecard_board.cards(**chosen)
    if file := list_file(request, rows, of=scorecard_board.LIST, name="slipway-scorecard"):
        return file
    page = list_page(request, rows, of=scorecard_board.LIST, size=PAGE)
    shown = {
        "counted": scorecard_board.counted() if Scorecard.objects.exists() else [],
        "pillars": PILLARS,
        "cards": [(card, scorecard_board.held(card)) for card in page.rows],
        "page": page,
        "chosen": chosen,
        "teams": Team.objects.order_by("slug").values_list("slug", flat=True),
        "rule": next((one for one in RULES if one.name == chosen.get("rule")), None) if "mark" in chosen else None,
    }
    return render(request, "platform/scorecard.html", shown)
