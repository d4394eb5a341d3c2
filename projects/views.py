"""The pages about projects that are there: what do I have, is it ready, how do I use it, how does it end.

Pages read Postgres only; they ask nothing outside. Every write goes through `projects.actions`. All work without
script.
"""

from typing import Any

from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST
from django.views.decorators.vary import vary_on_headers

from projects import actions, activity, documents, permissions
from projects.answers import after, answered, conflict_page, find, number_in, person_of
from projects.errors import Conflict, InvalidSpec, StaleGeneration
from projects.installation import installation
from projects.listing import WORDS, Page, having, page_of, searched
from projects.models import Decision, Door, Project, ProjectRequest
from projects.presentation import Situation, plan_counts, plan_lines, situation, wish_of
from provisioning.conditions import Word
from provisioning.spec import Role

_ROLES = [role.value for role in Role]
STOP_POLLING = 286
"""The status by which htmx stops asking."""


def _is_htmx(request: HttpRequest) -> bool:
    """A request for a part of a page; a restored page of the browser's history is asked for whole."""
    return "HX-Request" in request.headers and "HX-History-Restore-Request" not in request.headers


# My projects


@require_GET
@vary_on_headers("HX-Request")
def start(request: HttpRequest) -> HttpResponse:
    """What do I have, and what needs me."""
    person = person_of(request)
    visible = permissions.visible_projects(person)
    words, chosen, before = (request.GET.get(name, "") for name in ("q", "status", "before"))
    rows = searched(visible, words)
    if chosen in {word.value for word in WORDS}:
        rows = having(rows, Word(chosen))
    listed: Page[Project] = page_of(rows.select_related("team").prefetch_related("resources"), before=before)
    query = request.GET.copy()
    query["before"] = str(listed.older or "")
    shown = {
        "page": listed,
        "lines": [(one, _short_state(one)) for one in listed.rows],
        "words": words,
        "chosen": chosen,
        "all_words": WORDS,
        "older": f"?{query.urlencode()}" if listed.older else "",
        "filtered": bool(words or chosen or before),
    }
    if _is_htmx(request):
        return render(request, "projects/_rows.html", {**shown, "count_said": True})
    if not listed.rows and not shown["filtered"]:
        return render(request, "projects/start_empty.html", _empty(person))
    waiting = permissions.visible_requests(person).filter(decision=Decision.PENDING)
    needs = having(visible, Word.ATTENTION).select_related("team").prefetch_related("resources").order_by("-pk")
    shown["needs"] = [(one, _short_state(one)) for one in needs[:5]]
    shown["decide"] = list(waiting.exclude(requested_by=person.pk)[:5]) if permissions.is_platform_admin(person) else []
    shown["asked"] = list(waiting.filter(requested_by=person.pk, project=None)[:5])
    shown["entries"] = activity.of_person(person)
    shown["projects"] = visible.count()
    shown["teams"] = visible.order_by().values("team").distinct().count()
    return render(request, "projects/start.html", shown)


def _short_state(project: Project) -> str:
    """Half a sentence below the status word of a list; "" when the word says it all."""
    rows = list(project.resources.all())
    for row in rows:
        if row.word in (Word.ATTENTION, Word.WAITING):
            return row.synced_message
    if project.word is Word.WORKING:
        return f"{sum(row.word is Word.READY for row in rows)} ready so far"
    return ""


def _empty(person: Any) -> dict[str, Any]:
    catalogue = installation().catalogue
    teams = list(permissions.teams_of(person)[:20])
    team = teams[0].slug if teams else "forecasting"
    example = {"version": 1, "slug": "demand-forecast", "team": team, "plan": catalogue.defaults.plan}
    asked = permissions.visible_requests(person).filter(decision=Decision.PENDING, project=None)
    return {
        "teams": teams,
        "cluster": catalogue.cluster(),
        "example_file": documents.profile_yaml(example),
        "example_call": documents.api_call(example, public_url=installation().public_url),
        "asked": list(asked[:5]),
    }


@require_GET
def help_page(request: HttpRequest) -> HttpResponse:
    """The words, and the three doors."""
    return render(request, "projects/help.html", {"catalogue": installation().catalogue})


# One project


def _instead(person: Any, slug: str) -> str | None:
    """Where to go for a name that has no project now: its open request, or the one that removed it."""
    asked = permissions.visible_requests(person).filter(slug=slug)
    found = asked.filter(Q(decision=Decision.PENDING, project=None) | Q(project__deleted_at__isnull=False)).first()
    return reverse("projects:request", args=[found.pk]) if found else None


def _situation(project: Project) -> tuple[Situation, ProjectRequest | None]:
    granted = project.requests.filter(generation=project.generation).select_related("decided_by").first()
    return situation(project, installation=installation(), request=granted), granted


def _since(request: HttpRequest) -> int:
    """When the page began to ask, in seconds since 1970, as its poller tells."""
    given, now = request.GET.get("since", ""), int(timezone.now().timestamp())
    return min(int(given), now) if given.isascii() and given.isdigit() and len(given) < 12 else now


def _pace(since: int) -> int:
    """Seconds between two questions of a page: often at first, seldom after a minute."""
    age = timezone.now().timestamp() - since
    return 1 if age < 15 else 2 if age < 60 else 10


@require_GET
def project(request: HttpRequest, slug: str) -> HttpResponse:
    """Is it ready, and how do I use it."""
    person = person_of(request)
    try:
        found = find(person, slug)
    except Http404:
        if address := _instead(person, slug):
            return redirect(address)
        raise
    return render(request, "projects/project.html", _project_page(person, found, since=_since(request)))


def _project_page(person: Any, found: Project, *, since: int) -> dict[str, Any]:
    state, granted = _situation(found)
    wish = wish_of(found, installation=installation())
    may_change = permissions.may_change(person, found)
    return {
        "project": found,
        "spec": found.wanted(),
        "state": state,
        "granted": granted,
        "wish": wish,
        "plan": wish.plan if wish else None,
        "blocks": documents.use_blocks(wish) if wish and found.deletion_requested_at is None else (),
        "people": sorted(found.memberships.all(), key=lambda one: (_ROLES.index(one.role), one.is_group, one.subject)),
        "entries": activity.of_project(found),
        "pending": found.requests.filter(decision=Decision.PENDING).first(),
        "first": found.requests.order_by("pk").first(),
        "may_change": may_change,
        "may_look": permissions.may_look_again(person, found) and found.deletion_requested_at is None,
        "is_platform_admin": permissions.is_platform_admin(person),
        "since": since,
        "pace": _pace(since),
    }


@require_GET
def live(request: HttpRequest, slug: str) -> HttpResponse:
    """What moved on the status page since `seen`: 204 nothing, 286 settled, else the parts that differ."""
    person, since = person_of(request), _since(request)
    try:
        found = find(person, slug)
    except Http404:
        if address := _instead(person, slug):
            return HttpResponse(headers={"HX-Redirect": address})
        raise
    state, _ = _situation(found)
    seen = request.GET.get("seen", "").split("-")
    parts = {name: mark for name, mark in state.parts.items() if mark not in seen}
    pace = _pace(since)
    if not parts and not state.settled and request.GET.get("pace") == str(pace):
        return HttpResponse(status=204)
    shown = {
        "project": found,
        "state": state,
        "parts": parts,
        "since": since,
        "pace": pace,
        "may_look": permissions.may_look_again(person, found) and found.deletion_requested_at is None,
        "is_platform_admin": permissions.is_platform_admin(person),
    }
    return render(request, "projects/_live.html", shown, status=STOP_POLLING if state.settled else 200)


@require_POST
def look(request: HttpRequest, slug: str) -> HttpResponse:
    """Look again, at all or at one Kind."""
    person = person_of(request)
    with answered():
        actions.look_again(find(person, slug), by=person, kind=request.POST.get("kind") or None)
    return redirect("projects:project", slug=slug)


@require_POST
def retire(request: HttpRequest, slug: str) -> HttpResponse:
    """First post: the name was typed, show what goes and what stays. Second: remove. Data is a question of its own."""
    person = person_of(request)
    found = find(person, slug)
    typed, data_typed = (request.POST.get(name, "").strip() for name in ("typed", "data_typed"))
    expected = number_in(request.POST.get("generation", ""))
    if typed != slug:
        shown = {**_project_page(person, found, since=_since(request)), "retire_typed": typed, "retire_wrong": True}
        return render(request, "projects/project.html", shown, status=422)
    shown, status = {"project": found, "typed": typed, "data_typed": data_typed}, 200
    shown["generation"] = str(expected or found.generation)
    with answered():
        try:
            asked = actions.retire(found, by=person, door=Door.FORM, installation=installation(), dry_run=True)
            shown["lines"] = plan_lines(asked.preview, keep_data=True)
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
                    note=request.POST.get("note", "").strip()[:2000],
                )
                return after(asked)
            if data_typed not in ("", slug):
                shown["data_wrong"], status = True, 422
        except StaleGeneration as error:
            shown |= {"conflict": error.message, "generation": str(Project.objects.get(pk=found.pk).generation)}
            status = 409
        except (Conflict, InvalidSpec) as error:
            return conflict_page(request, error.message, back=reverse("projects:project", args=[slug]))
    return render(request, "projects/retire.html", shown, status=status)
