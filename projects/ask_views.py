"""The pages that ask: fill in the form, watch the plan beside it, preview, create or change.

Form, live plan and preview all make the same wish and hand it to the same action; only `dry_run` differs.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q, Sum
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from projects import actions, documents, permissions
from projects.answers import after, answered, conflict_page, find, number_in, person_of
from projects.contributors import bindings
from projects.errors import Conflict, InvalidSpec, StaleGeneration
from projects.file_source import notice_of
from projects.form_people import look_up
from projects.forms import ProjectForm
from projects.granting import verdicts_by_plan
from projects.installation import installation
from projects.models import Action, Decision, DirectoryEntry, Door, Membership, Project, ProjectRequest
from projects.phrases import translated
from projects.plan_cards import PlanCard, plan_cards
from projects.plan_units import said_of_left_plan
from projects.policy import Verdict
from projects.presentation import outline, plan_counts, plan_lines, sketch, sound_spec
from projects.preview import Preview
from projects.spec import name_answer
from provisioning import profile_file
from provisioning.names import Names
from provisioning.spec import ProjectSpec, Role

if TYPE_CHECKING:
    from projects.permissions import Person

JUST_NOW = timedelta(seconds=30)
_NOT_CARRIED = ("csrfmiddlewaretoken", "do", "q", "add_found", "add_role", "remove", "generation", "note")


@require_http_methods(["GET", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Ask for a new project."""
    person, pressed = person_of(request), request.POST.get("do", "")
    form = form_of(request, person, project=None)
    if request.method == "POST" and pressed in ("preview", "create"):
        if form.search.undecided:
            return which_is_meant(request, form)
        try:
            asked = actions.create(form.wish(), by=person, door=Door.FORM, installation=installation(), dry_run=True)
            # Who must ask a person sees the plan first, and can say why.
            waits = asked.preview.verdict is not None and asked.preview.verdict.decision == "ask"
            if pressed == "preview" or (waits and "reviewed" not in request.POST):
                return _review(request, form, asked)
            note = request.POST.get("note", "").strip()[:2000]
            return after(actions.create(form.wish(), by=person, door=Door.FORM, installation=installation(), note=note))
        except InvalidSpec as error:
            if pressed == "create" and (address := _asked_just_now(person, form.slug_asked())):
                return redirect(address)
            form.take(error.faults)
            return form_page(request, form, status=422)
    return form_page(request, form)


@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest, slug: str) -> HttpResponse:
    """Change what a project should be. What it became in between is never overwritten unseen."""
    person, pressed = person_of(request), request.POST.get("do", "")
    project = find(person, slug)
    if not permissions.may_change(person, project):
        raise PermissionDenied(
            gettext("Only owners of %(slug)s and the platform team may change it. Ask an owner.") % {"slug": slug}
        )
    if project.deletion_requested_at is not None:
        message = gettext("%(title)s is being removed. Nothing can be changed any more.") % {"title": project.title}
        return conflict_page(request, message, back=reverse("projects:project", args=[slug]))
    form = form_of(request, person, project=project)
    if request.method != "POST" or pressed not in ("preview", "change"):
        return form_page(request, form)
    if form.search.undecided:
        return which_is_meant(request, form)
    expected = number_in(request.POST.get("generation", ""))
    shared: dict[str, Any] = {"by": person, "door": Door.FORM, "installation": installation(), "expected": expected}
    with answered():
        try:
            asked = actions.change(project, form.wish(), **shared, dry_run=True)
            if pressed == "preview":
                return _review(request, form, asked)
            asked = actions.change(project, form.wish(), **shared, note=request.POST.get("note", "").strip()[:2000])
        except InvalidSpec as error:
            form.take(error.faults)
            return form_page(request, form, status=422)
        except StaleGeneration as error:
            return form_page(request, form, status=409, stale=error.message)
        except Conflict as error:
            return conflict_page(request, error.message, back=reverse("projects:project", args=[slug]))
    if asked.unchanged:
        messages.info(request, gettext("Nothing differs from what the project is already. Nothing was changed."))
    return after(asked)


@require_POST
def plan(request: HttpRequest) -> HttpResponse:
    """The plan for the form as it stands, faults and all; for the part beside the form."""
    person = person_of(request)
    project = find(person, request.POST["project"]) if "project" in request.POST else None
    form = form_of(request, person, project=project, asked=_asked_about(person, request.POST))
    with answered():
        shown = _plan(form, person)
    # What is merely not filled in yet is no fault while somebody types.
    form.take(fault for fault in shown["faults"] if fault.code != "string_too_short")
    return render(request, "projects/_plan_answer.html", {**shown, "form": form})


@require_GET
def names(request: HttpRequest) -> HttpResponse:
    """Whether a name is free, and the names that will exist."""
    form = ProjectForm(request.GET, person=person_of(request), teams=[], catalogue=installation().catalogue)
    return render(request, "projects/_names.html", _names(form))


def _asked_about(person: "Person", sent: QueryDict) -> ProjectRequest | None:
    """The open request for a new project that the form puts in other words; None when it is a new one."""
    number = number_in(sent.get("request", ""))
    waiting = permissions.visible_requests(person).filter(decision=Decision.PENDING, action=Action.CREATE)
    found = waiting.filter(pk=number).first() if number is not None else None
    return found if found is not None and permissions.may_revise(person, found) else None


def form_of(
    request: HttpRequest,
    person: "Person",
    *,
    project: Project | None,
    asked: ProjectRequest | None = None,
    typed: QueryDict | None = None,
) -> ProjectForm:
    """The form as it was sent, or as `typed`; about a project, or about a request for a new one."""
    sent = request.POST if request.method == "POST" else typed
    teams = [] if project else _teams(person)
    catalogue = installation().catalogue
    return ProjectForm(sent, person=person, teams=teams, catalogue=catalogue, project=project, request=asked)


def which_is_meant(request: HttpRequest, form: ProjectForm, *, more: Mapping[str, Any] | None = None) -> HttpResponse:
    """The form again: what stands in the search field names nobody, and some are found for it."""
    form.take([form.search.fault])
    return form_page(request, form, status=422, more=more)


def form_page(
    request: HttpRequest,
    form: ProjectForm,
    *,
    status: int = 200,
    stale: str = "",
    more: Mapping[str, Any] | None = None,
) -> HttpResponse:
    """The page with the form, its faults, and the plan beside it."""
    person = person_of(request)
    look_up(form.rows, bound=bindings(form.project) if form.project else {})
    shown = {
        "form": form,
        "stale": stale,
        "no_team": form.project is None and not form.teams,
        "roles": [role.value for role in Role],
        "added_role": request.POST.get("add_role", Role.EDITOR.value),
        "suggestions": [] if DirectoryEntry.objects.exists() else _suggestions(person),
        "added": bool({"remove", "add_found"} & set(request.POST) or request.POST.get("do") in ("add", "search")),
        "generation": str(form.project.generation) if form.project else "",
        "pending": _waiting(form),
        "file_says": notice_of(form.project) if form.project else "",
        **_plan(form, person),
        **(_names(form) if form.project is None else {}),
        **(more or {}),
    }
    return render(request, "projects/form.html", shown, status=status)


def _plan(form: ProjectForm, person: "Person") -> dict[str, Any]:
    """The plan, its faults, and the same wish as file and API call. The form keeps no fault of it: nothing was sent."""
    settings, wish = installation(), form.wish()
    shared: dict[str, Any] = {"by": person, "door": Door.FORM, "installation": settings, "dry_run": True}
    preview: Preview | None = None
    joins: ProjectRequest | None = None
    faults: tuple[Any, ...] = ()
    try:
        if form.project is None:
            asked = actions.create(wish, **shared, revising=form.request)
        else:
            asked = actions.change(form.project, wish, **shared)
        preview, joins = asked.preview, asked.joins
    except InvalidSpec as error:
        faults = error.faults
        before = form.project.wanted() if form.project else None
        preview = sketch(wish, faults=faults, installation=settings, before=before)
    lines = plan_lines(preview) if preview else outline()
    spec = (
        preview.spec if preview and not faults else sound_spec(wish, faults=faults, installation=settings, unnamed="a")
    )
    data = profile_file.plain(preview.spec) if preview and preview.spec and not faults else {"version": 1, **wish}
    return {
        "lines": lines,
        "counts": plan_counts(lines),
        "cards": _cards(form, person, spec=spec),
        "verdict": preview.verdict if preview else None,
        "preview": preview,
        "joins": joins,
        "team_asked": form.team_asked(),
        "faults": faults,
        "as_file": profile_file.profile_yaml(data),
        "as_call": documents.api_call(data, public_url=settings.public_url) if form.project is None else "",
    }


def _cards(form: ProjectForm, person: "Person", *, spec: ProjectSpec | None) -> list[PlanCard]:
    """The plans, each with who decides about it for the team that is chosen. spec: what is typed so far."""
    settings, project = installation(), form.project
    team = project.team if project else permissions.teams_of(person).filter(slug=form.team_asked()).first()
    verdicts: dict[str, Verdict] = {}
    if team is not None and spec is not None:
        verdicts = verdicts_by_plan(
            Action.CHANGE if project else Action.CREATE,
            before=project.wanted() if project else None,
            after=spec,
            team=team,
            by=person,
            installation=settings,
            project=project,
        )
    return plan_cards(verdicts, catalogue=settings.catalogue, project=project)


def _names(form: ProjectForm) -> dict[str, Any]:
    catalogue, slug = installation().catalogue, form.slug_asked()
    made = Names(slug=slug, team=form.team_asked() or "team", uid="", prefix=catalogue.naming.prefix)
    return {
        "slug_asked": slug,
        "from_title": not form.text("slug"),
        "answer": name_answer(slug, catalogue=catalogue, request=form.request) if slug else None,
        "names": {
            gettext("Namespace"): made.namespace,
            gettext("Bucket"): made.bucket,
            gettext("Repository"): made.repository,
        }
        if slug
        else {},
    }


def _review(request: HttpRequest, form: ProjectForm, asked: actions.Asked) -> HttpResponse:
    """The preview page: names, plan, who decides, the difference; and everything typed, carried along."""
    carried = [
        (name, value) for name, values in request.POST.lists() if name not in _NOT_CARRIED for value in values
        if name not in ("subject", "role", "until", "reviewed")
    ]  # fmt: skip
    for row in form.rows:
        carried += [("subject", row.value), ("role", row.role), ("until", row.until)]
    preview, lines = asked.preview, plan_lines(asked.preview)
    before = form.project.wanted() if form.project else None
    shown = {
        "form": form,
        "preview": preview,
        "spec": preview.spec,
        "lines": lines,
        "counts": plan_counts(lines, deletes=True),
        "verdict": preview.verdict,
        "team_asked": form.team_asked(),
        "left_plan": _left_plan(form, preview),
        "difference": documents.difference(before, preview.spec) if before else (),
        "as_file": profile_file.profile_yaml(profile_file.plain(preview.spec)) if preview.spec else "",
        "carried": carried,
        "pending": _waiting(form),
        "joins": asked.joins,
        "note": request.POST.get("note", ""),
        "generation": request.POST.get("generation", ""),
    }
    return render(request, "projects/review.html", shown)


def _left_plan(form: ProjectForm, preview: Preview) -> str:
    """What to know of the plan that stays though the catalogue has it no more; "" for any other."""
    if form.project is None or preview.spec is None:
        return ""
    return translated(said_of_left_plan(form.project, catalogue=installation().catalogue, chosen=preview.spec.plan))


def _waiting(form: ProjectForm) -> list[ProjectRequest]:
    """What waits about the form's project, and is withdrawn by a change."""
    return list(form.project.requests.filter(decision=Decision.PENDING)) if form.project else []


def _asked_just_now(person: "Person", slug: str) -> str | None:
    """Where a second click on Create goes: the page of what the first one asked for."""
    recent = ProjectRequest.objects.filter(
        slug=slug, action=Action.CREATE, requested_by=person.pk, created_at__gte=timezone.now() - JUST_NOW
    ).first()
    if recent is None:
        return None
    if recent.decision == Decision.PENDING:
        return reverse("projects:request", args=[recent.pk])
    return reverse("projects:project", args=[slug])


def _teams(person: "Person") -> list[tuple[str, str]]:
    """The person's teams for the form's choice, each with its free plan units."""
    used = Sum("projects__units", filter=Q(projects__deletion_requested_at=None))
    rows = permissions.teams_of(person).annotate(used=used).values_list("slug", "budget", "used")
    free = gettext("%(team)s (%(units)d units free)")
    return [(slug, free % {"team": slug, "units": budget - (taken or 0)}) for slug, budget, taken in rows]


def _suggestions(person: "Person") -> list[str]:
    """Names to offer while a contributor is typed: groups of one's teams, and people of newer projects one may see."""
    groups = {group for row in permissions.teams_of(person).values_list("ad_groups", flat=True)[:100] for group in row}
    newer = permissions.visible_projects(person).order_by("-pk").values_list("pk", flat=True)[:100]
    people = Membership.objects.filter(project__in=list(newer))
    known = set(people.order_by().values_list("subject", flat=True).distinct()[:100])
    return sorted(groups | known)[:100]
