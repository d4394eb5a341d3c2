"""The page about what a project uses of what it may."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from projects import usage, usage_words
from projects.answers import find, person_of
from projects.exports import download, form_asked
from projects.frame import frame
from projects.installation import installation
from projects.phrases import translated
from projects.plan_units import said_of_left_plan
from projects.usage_api import day_records, records


@require_GET
def usage_page(request: HttpRequest, slug: str) -> HttpResponse:
    """How full is it, where does that lead, and what is to be done. `of`: the measure whose days are drawn.

    As a file, the measures; with `list=days` the days of all of them.
    """
    found = find(person_of(request), slug)
    catalogue = installation().catalogue
    uses = usage.of_project(found, catalogue=catalogue)
    if form := form_asked(request):
        if request.GET.get("list") == "days":
            return download(day_records(uses), name=f"{found.slug}-usage-days", form=form)
        return download(records(uses), name=f"{found.slug}-usage", form=form)
    plan = catalogue.plans.get(str(found.spec.get("plan", "")))
    lines = usage_words.lines_of(uses, plan=plan)
    titles = {one.name: one.title or one.name for one in (*catalogue.clusters, *catalogue.object_stores)}
    drawn = [one for one in lines if one.use.days]
    wanted = request.GET.get("of", "")
    shown = next((one for one in drawn if one.use.measure.name == wanted), None) or max(
        drawn, key=lambda one: one.use.share or 0.0, default=None
    )
    return render(
        request,
        "projects/usage.html",
        {
            **frame(request, found, tab="usage"),
            "lines": lines,
            "plan": plan,
            "left_plan": translated(said_of_left_plan(found, catalogue=catalogue)),
            "allows": [
                (usage_words.title_of(one), usage_words.allows(one, plan))
                for one in usage.measures()
                if plan and one.plan
            ],
            "ages": sorted({(titles.get(one.target, one.target), one.as_of) for one in uses if one.as_of}),
            "drawn": drawn,
            "shown": shown,
            "chart": usage_words.chart(shown.use) if shown else None,
        },
    )
