"""Making, changing and removing a team by its pages: groups are found in the directory while one types, and a preview
comes first.

Everything works without scripts: each button sends the whole form, and what was typed comes back.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods

from projects import teams
from projects.answers import answered, conflict_page, number_in, person_of
from projects.errors import Conflict, Fault, InvalidSpec, StaleGeneration
from projects.form_people import ContributorRow, Search, look_up, whom_added
from projects.models import Door, Team
from projects.team_actions import (
    TeamPreview,
    change_team,
    check_allowed,
    make_team,
    remove_team,
    state_of,
    what_removal_does,
    why_it_stays,
)


@dataclass
class _Form:
    """What stands in the form: the groups as rows, and a field that finds more of them."""

    name: str = ""
    budget: str = "0"
    because: str = ""
    slug: str = ""
    groups: list[ContributorRow] = field(default_factory=list)
    search: Search = field(default_factory=lambda: Search(groups_only=True))

    def as_data(self) -> dict[str, Any]:
        """As the change wants it; a budget that is no number stays text, and is refused as one."""
        budget = number_in(self.budget.strip())
        return {
            "name": self.name,
            "groups": [row.subject for row in self.groups],
            "budget": self.budget if budget is None else budget,
            "because": self.because,
        }

    def take(self, faults: tuple[Fault, ...]) -> list[dict[str, str]]:
        """Put each fault of a group at its row; all of them for the summary, in the form's order."""
        labels = {
            "slug": gettext("Name in addresses"),
            "name": gettext("Name"),
            "groups": gettext("Directory groups"),
            "budget": gettext("Budget"),
            "because": gettext("Why?"),
        }
        listed = []
        for fault in sorted(faults, key=lambda one: list(labels).index(str(one.path[0]))):
            name, rest = str(fault.path[0]), fault.path[1:]
            at_row = name == "groups" and rest and isinstance(rest[0], int) and rest[0] < len(self.groups)
            if at_row:
                self.groups[int(rest[0])].errors.append(fault.message)
            listed.append(
                {
                    "field": "" if at_row else name,
                    "anchor": f"team-{name}",
                    "label": labels[name],
                    "message": fault.message,
                }
            )
        return listed


@require_http_methods(["GET", "POST"])
def team_new(request: HttpRequest) -> HttpResponse:
    """Make a team: first what it does, then do it."""
    person = person_of(request)
    with answered():
        check_allowed(person)
    form = _typed(request.POST) if request.method == "POST" else _Form()

    def make(*, dry_run: bool) -> TeamPreview:
        return make_team({"slug": form.slug, **form.as_data()}, by=person, door=Door.FORM, dry_run=dry_run)

    answer = _tried(request, form, make)
    if isinstance(answer, HttpResponse):
        return answer
    messages.info(request, gettext("Created."))
    return redirect("projects:team", team=form.slug)


@require_http_methods(["GET", "POST"])
def team_edit(request: HttpRequest, team: str) -> HttpResponse:
    """Change name, groups and budget: first what it does, then do it."""
    person = person_of(request)
    found = _find(request, team)
    form = _typed(request.POST) if request.method == "POST" else _present(found)
    seen = request.POST.get("seen") or state_of(found)

    def change(*, dry_run: bool) -> TeamPreview:
        return change_team(team, form.as_data(), by=person, door=Door.FORM, expected=seen, dry_run=dry_run)

    try:
        answer = _tried(request, form, change, team=found, seen=seen)
    except StaleGeneration as error:
        shown = {"team": found, "stale": error.message, "seen": state_of(Team.objects.get(pk=found.pk))}
        return _page(request, form, shown, status=409)
    if isinstance(answer, HttpResponse):
        return answer
    messages.info(request, gettext("Changed.") if answer else gettext("Nothing differs. Nothing was changed."))
    return redirect("projects:team", team=team)


@require_http_methods(["GET", "POST"])
def team_remove(request: HttpRequest, team: str) -> HttpResponse:
    """What the removal of a team does, or why it stays. A POST with its name typed and a reason removes it."""
    found = _find(request, team)
    typed, because = request.POST.get("typed", "").strip(), request.POST.get("because", "")
    faults: list[Fault] = []
    if request.method == "POST" and typed != found.slug:
        message = gettext("That is not the team's name. Type %(name)s to remove it.")
        faults.append(Fault(path=("typed",), code="other", message=message % {"name": found.slug}))
    elif request.method == "POST":
        try:
            remove_team(team, {"because": because}, by=person_of(request), door=Door.FORM)
        except InvalidSpec as error:
            faults += error.faults
        except Conflict as error:
            return conflict_page(request, error.message, back=reverse("projects:team", args=[team]))
        else:
            messages.info(request, gettext("Team %(name)s was removed.") % {"name": found.slug})
            return redirect("projects:teams")
    labels = {"typed": gettext("Name"), "because": gettext("Why?")}
    shown = {
        "team": found,
        "why_it_stays": why_it_stays(found),
        "preview": what_removal_does(found),
        "typed": typed,
        "because": because,
        "problems": [{"anchor": one.field, "label": labels[one.field], "message": one.message} for one in faults],
        "wrong": {one.field: one.message for one in faults},
    }
    return render(request, "projects/team_remove.html", shown, status=422 if faults else 200)


def _find(request: HttpRequest, team: str) -> Any:
    person = person_of(request)
    with answered():
        found = teams.find_team(person, team)
        check_allowed(person)
        return found


def _tried(
    request: HttpRequest, form: _Form, act: Callable[..., TeamPreview], **shown: Any
) -> HttpResponse | TeamPreview:
    """The page that answers this form, or, once it was acted on, what that did."""
    pressed = request.POST.get("do", "")
    if pressed not in ("preview", "change"):
        return _page(request, form, {**shown, "added": request.method == "POST"})
    try:
        if form.search.undecided:
            raise InvalidSpec([form.search.fault])
        preview = act(dry_run=pressed != "change")
    except InvalidSpec as error:
        return _page(request, form, {**shown, "problems": form.take(error.faults)}, status=422)
    if pressed == "change":
        return preview
    return _page(request, form, {**shown, "preview": preview, "previewed": True})


def _page(request: HttpRequest, form: _Form, shown: dict[str, Any], *, status: int = 200) -> HttpResponse:
    ids = shown["team"].group_ids if "team" in shown else {}
    look_up(form.groups, bound={(True, name): ids[name] for name in ids})
    return render(request, "projects/team_edit.html", {**shown, "form": form}, status=status)


def _present(found: Team) -> _Form:
    groups = [ContributorRow(subject=name, is_group=True) for name in found.ad_groups]
    return _Form(name=found.name, budget=str(found.budget), groups=groups)


def _typed(typed: QueryDict) -> _Form:
    """The form as it was sent, without the group whose Remove was pressed and with the one that was added."""
    rows = [ContributorRow(subject=name.strip(), is_group=True) for name in typed.getlist("group") if name.strip()]
    removed = number_in(typed.get("remove", ""))
    if removed is not None and 0 <= removed < len(rows):
        del rows[removed]
    chosen, search = whom_added(typed, groups_only=True)
    if chosen is not None and chosen.subject.lower() not in (row.subject.lower() for row in rows):
        rows.append(chosen)
    values = {name: typed.get(name, "") for name in ("slug", "name", "budget", "because")}
    return _Form(groups=rows, search=search, **values)
