"""Changing a team by its page: groups are found in the directory while one types; a preview comes before the change.

Everything works without scripts: each button sends the whole form, and what was typed comes back.
"""

from dataclasses import dataclass, field
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods

from projects import permissions, teams
from projects.answers import answered, number_in, person_of
from projects.errors import Fault, InvalidSpec, StaleGeneration
from projects.form_people import ContributorRow, Search, look_up, whom_added
from projects.models import Door, Team
from projects.team_actions import change_team, state_of


@dataclass
class _Form:
    """What stands in the form: the groups as rows, and a field that finds more of them."""

    name: str
    budget: str
    because: str = ""
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
def team_edit(request: HttpRequest, team: str) -> HttpResponse:
    """Change name, groups and budget: first what it does, then do it."""
    person, pressed = person_of(request), request.POST.get("do", "")
    with answered():
        found = teams.find_team(person, team)
    if not permissions.may_change_team(person):
        raise PermissionDenied(gettext("Only the platform team changes groups and budget of a team. Ask them."))
    form = _typed(request.POST) if request.method == "POST" else _present(found)
    shown: dict[str, Any] = {"team": found, "form": form, "seen": request.POST.get("seen") or state_of(found)}
    if pressed not in ("preview", "change"):
        shown["added"] = request.method == "POST"
        return _page(request, shown)
    try:
        if form.search.undecided:
            raise InvalidSpec([form.search.fault])
        preview = change_team(
            team, form.as_data(), by=person, door=Door.FORM, expected=shown["seen"], dry_run=pressed != "change"
        )
    except InvalidSpec as error:
        return _page(request, {**shown, "problems": form.take(error.faults)}, status=422)
    except StaleGeneration as error:
        shown |= {"stale": error.message, "seen": state_of(Team.objects.get(pk=found.pk))}
        return _page(request, shown, status=409)
    if pressed == "change":
        messages.info(request, gettext("Changed.") if preview else gettext("Nothing differs. Nothing was changed."))
        return redirect("projects:team", team=team)
    return _page(request, {**shown, "preview": preview, "previewed": True})


def _page(request: HttpRequest, shown: dict[str, Any], *, status: int = 200) -> HttpResponse:
    ids = shown["team"].group_ids
    look_up(shown["form"].groups, bound={(True, name): ids[name] for name in ids})
    return render(request, "projects/team_edit.html", shown, status=status)


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
    values = {name: typed.get(name, "") for name in ("name", "budget", "because")}
    return _Form(groups=rows, search=search, **values)
