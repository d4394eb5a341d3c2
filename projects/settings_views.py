"""A project's settings, and how it ends: retiring is the one thing here that destroys, in three steps.

What a project should be is changed by the one form there is (`projects.ask_views`); this page leads to it.
"""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from projects import actions, usage
from projects.answers import after, answered, conflict_page, find, number_in, person_of
from projects.end_dates import why_not_resumed
from projects.errors import Conflict, InvalidSpec, StaleGeneration
from projects.forms import ProjectForm
from projects.frame import frame
from projects.granting import verdicts_by_plan
from projects.installation import installation
from projects.models import Action, Decision, Door, Project
from projects.overview import fullest
from projects.plan_cards import plan_cards
from projects.presentation import kept_data, plan_counts, plan_lines
from projects.readable import shown_spec


@require_GET
def settings_page(request: HttpRequest, slug: str) -> HttpResponse:
    """What the project should be, where to change it, and how to end it."""
    return _page(request, find(person_of(request), slug))


def _page(request: HttpRequest, found: Project, *, status: int = 200, **more: Any) -> HttpResponse:
    catalogue = installation().catalogue
    uses = usage.of_project(found, catalogue=catalogue)
    framed, spec, person = frame(request, found, tab="settings"), shown_spec(found), person_of(request)
    verdicts = verdicts_by_plan(
        Action.CHANGE,
        before=spec,
        after=spec,
        team=found.team,
        by=person,
        installation=installation(),
        project=found,
    )
    shown = {
        **framed,
        "not_resumed": why_not_resumed(found),
        "stays": kept_data(framed["state"].kinds),
        "cards": plan_cards(verdicts, catalogue=catalogue, uses=uses, project=found),
        "fullest": fullest(uses),
        "sections": ProjectForm(person=person, teams=[], catalogue=catalogue, project=found).sections(),
        "first": found.requests.order_by("pk").first(),
        **more,
    }
    return render(request, "projects/settings.html", shown, status=status)


@require_POST
def retire(request: HttpRequest, slug: str) -> HttpResponse:
    """First post: the name was typed, show what goes and what stays. Second: remove. Data is a question of its own."""
    person = person_of(request)
    found = find(person, slug)
    typed, data_typed, note = (request.POST.get(name, "").strip() for name in ("typed", "data_typed", "note"))
    expected = number_in(request.POST.get("generation", ""))
    if typed != slug:
        return _page(request, found, status=422, retire_typed=typed, retire_wrong=True)
    shown: dict[str, Any] = {"project": found, "typed": typed, "data_typed": data_typed, "note": note}
    shown["pending"] = list(found.requests.filter(decision=Decision.PENDING))
    status = 200
    shown["generation"] = str(expected or found.generation)
    with answered():
        try:
            asked = actions.retire(found, by=person, door=Door.FORM, installation=installation(), dry_run=True)
            shown["joins"] = asked.joins
            shown["lines"] = plan_lines(asked.preview, keep_data=True)
            shown["stays"] = kept_data(one.kind.name for one in asked.preview.kinds)
            shown["counts"] = plan_counts(shown["lines"], deletes=True)
            shown["verdict"] = asked.preview.verdict
            if request.POST.get("do") == "retire" and data_typed in ("", slug):
                asked = actions.retire(
                    found,
                    by=person,
                    door=Door.FORM,
                    installation=installation(),
                    expected=expected,
                    remove_data=data_typed == slug,
                    typed_name=data_typed,
                    note=note[:2000],
                )
                return after(asked)
            if data_typed not in ("", slug):
                shown["data_wrong"], status = True, 422
        except StaleGeneration as error:
            shown |= {"conflict": error.message, "generation": str(Project.objects.get(pk=found.pk).generation)}
            status = 409
        except (Conflict, InvalidSpec) as error:
            return conflict_page(request, error.message, back=reverse("projects:settings", args=[slug]))
    return render(request, "projects/retire.html", shown, status=status)
