"""Changing who works in a project, with what that does to each shown before it is saved; and leaving it oneself."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods

from projects import actions, permissions
from projects.answers import after, answered, conflict_page, find, number_in, person_of
from projects.carrying_over import ended_by
from projects.contributors import bindings
from projects.errors import Conflict, InvalidSpec, StaleGeneration
from projects.form_people import look_up
from projects.forms import ProjectForm
from projects.frame import frame
from projects.installation import installation
from projects.leaving import leave
from projects.models import Door, Project
from provisioning import profile_file
from provisioning.spec import Role


@require_http_methods(["GET", "POST"])
def change_people(request: HttpRequest, slug: str) -> HttpResponse:
    """Add, remove, another role, another last day; then the review, then save."""
    person, pressed = person_of(request), request.POST.get("do", "")
    project = find(person, slug)
    if not permissions.may_change(person, project):
        raise PermissionDenied(gettext("Only owners and the platform team change who works here. Ask an owner."))
    back = reverse("projects:people", args=[slug])
    if project.deletion_requested_at is not None:
        said = gettext("%(title)s is being removed. Nothing can be changed any more.") % {"title": project.title}
        return conflict_page(request, said, back=back)
    typed = request.POST if request.method == "POST" else None
    form = ProjectForm(typed, person=person, teams=[], catalogue=installation().catalogue, project=project)
    if request.method != "POST" or pressed not in ("preview", "save"):
        return _form_page(request, form, project=project)
    if form.search.undecided:
        form.take([form.search.fault])
        return _form_page(request, form, project=project, status=422)
    wish = {**profile_file.plain(project.wanted()), "contributors": [row.as_data() for row in form.rows]}
    expected = number_in(request.POST.get("generation", ""))
    shared: dict[str, Any] = {"by": person, "door": Door.FORM, "installation": installation(), "expected": expected}
    with answered():
        try:
            if pressed == "preview":
                asked = actions.change(project, wish, **shared, dry_run=True)
                return _review(request, form, project=project, asked=asked)
            asked = actions.change(project, wish, **shared, note=request.POST.get("note", "").strip()[:2000])
        except InvalidSpec as error:
            form.take(error.faults)
            return _form_page(request, form, project=project, status=422)
        except StaleGeneration as error:
            return _form_page(request, form, project=project, status=409, stale=error.message)
        except Conflict as error:
            return conflict_page(request, error.message, back=back)
    if asked.unchanged:
        messages.info(request, gettext("Nothing differs from what the project is already. Nothing was changed."))
        return redirect(back)
    if asked.request is not None and asked.request.generation is None:
        return after(asked)
    return redirect(back)


def _form_page(
    request: HttpRequest, form: ProjectForm, *, project: Project, status: int = 200, stale: str = ""
) -> HttpResponse:
    look_up(form.rows, bound=bindings(project))
    project = Project.objects.select_related("team").get(pk=project.pk) if stale else project
    shown = {
        **frame(request, project, tab="people"),
        "form": form,
        "stale": stale,
        "roles": [role.value for role in Role],
        "added_role": request.POST.get("add_role", Role.EDITOR.value),
        "added": bool({"remove", "add_found"} & set(request.POST) or request.POST.get("do") in ("add", "search")),
        "generation": str(project.generation),
    }
    return render(request, "projects/people_form.html", shown, status=status)


def _review(request: HttpRequest, form: ProjectForm, *, project: Project, asked: actions.Asked) -> HttpResponse:
    preview = asked.preview
    shown = {
        **frame(request, project, tab="people"),
        "form": form,
        "people": preview.people,
        "verdict": preview.verdict,
        "warning": preview.warning,
        "joins": asked.joins,
        "generation": request.POST.get("generation", ""),
        "note": request.POST.get("note", ""),
    }
    return render(request, "projects/people_review.html", shown)


@require_http_methods(["GET", "POST"])
def leave_page(request: HttpRequest, slug: str) -> HttpResponse:
    """Give up one's own role: what that takes away, then yes."""
    person = person_of(request)
    project = find(person, slug)
    back = reverse("projects:people", args=[slug])
    with answered():
        try:
            if request.method == "POST":
                expected = number_in(request.POST.get("generation", ""))
                asked = leave(project, by=person, door=Door.FORM, installation=installation(), expected=expected)
                if asked.request is not None and asked.request.generation is None:
                    return after(asked)
                messages.info(request, gettext("You left %(title)s.") % {"title": project.title})
                return redirect(back if permissions.may_see(person, project) else reverse("projects:start"))
            dry = leave(project, by=person, door=Door.FORM, installation=installation(), dry_run=True)
        except (Conflict, StaleGeneration, InvalidSpec) as error:
            return conflict_page(request, error.message, back=back)
    shown = {
        **frame(request, project, tab="people"),
        "people": dry.preview.people,
        "verdict": dry.preview.verdict,
        "joins": dry.joins,
        "pending": [one for one in [ended_by(person, project)] if one is not None],
        "generation": str(project.generation),
    }
    return render(request, "projects/leave.html", shown)
