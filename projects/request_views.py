"""The pages about requests: what was asked, what would change, who decides, and the decision."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from projects import decisions, documents, permissions
from projects.activity import spec_of
from projects.answers import answered, conflict_page, person_of
from projects.effects import NOBODY
from projects.errors import Conflict, InvalidSpec
from projects.installation import installation
from projects.listing import Page, page_of
from projects.models import Action, Decision, Door, ProjectRequest
from projects.presentation import DECISIONS, plan_counts, plan_lines
from projects.preview import plan_of

_VERBS = {Action.CREATE.value: "New project", Action.CHANGE.value: "Change of", Action.RETIRE.value: "Removal of"}


@require_GET
def requests(request: HttpRequest) -> HttpResponse:
    """All that was asked and that the person may see, newest first."""
    person = person_of(request)
    visible = permissions.visible_requests(person)
    admin = permissions.is_platform_admin(person)
    shows = request.GET.get("show") or ("waiting" if admin else "all")
    rows = {
        "waiting": visible.filter(decision=Decision.PENDING),
        "mine": visible.filter(requested_by=person.pk),
    }.get(shows, visible)
    listed: Page[ProjectRequest] = page_of(rows, before=request.GET.get("before", ""))
    shown = {
        "page": listed,
        "rows": [(one, title_of(one), DECISIONS[one.decision]) for one in listed.rows],
        "shows": shows,
        "tabs": [("waiting", "Waiting"), ("mine", "Mine"), ("all", "All")],
        "older": f"?show={shows}&before={listed.older}" if listed.older else "",
    }
    return render(request, "projects/requests.html", shown)


def title_of(request: ProjectRequest) -> str:
    """What a request is about, as a heading."""
    data = request.after or request.before or {}
    return f"{_VERBS[request.action]} {data.get('title') or request.slug}"


def _find(request: HttpRequest, number: int) -> ProjectRequest:
    """The request. Raises Http404."""
    visible = permissions.visible_requests(person_of(request)).select_related("decided_by")
    found = visible.filter(pk=number).first()
    if found is None:
        raise Http404(str(number))
    return found


@require_GET
def request_page(request: HttpRequest, number: int) -> HttpResponse:
    """What was asked, what differs, who decides or decided."""
    return _page(request, _find(request, number))


def _page(
    request: HttpRequest, asked: ProjectRequest, *, typed: str = "", fault: str = "", status: int = 200
) -> HttpResponse:
    person, settings = person_of(request), installation()
    before, after = spec_of(asked.before), spec_of(asked.after)
    offered = settings.catalogue.plans
    lines: tuple[Any, ...] = ()
    if (after or before) is not None and (after is None or after.plan in offered):
        uid = str(asked.project.uid) if asked.project else NOBODY
        preview = plan_of(installation=settings, after=after, before=before, uid=uid)
        lines = plan_lines(preview, keep_data=not asked.remove_data)
    pending = asked.decision == Decision.PENDING
    exists = asked.project is not None and asked.project.deleted_at is None
    shown = {
        "asked": asked,
        "number": str(asked.pk),
        "title": title_of(asked),
        "word": DECISIONS[asked.decision],
        "lines": lines,
        "counts": plan_counts(lines, deletes=True),
        "difference": documents.difference(before, after) if after else (),
        "exists": exists,
        "gone": asked.project is not None and asked.project.deleted_at is not None,
        "may_decide": pending and permissions.may_decide(person, asked),
        "may_withdraw": pending and permissions.may_withdraw(person, asked),
        "own": asked.requested_by_id == person.pk,
        "is_platform_admin": permissions.is_platform_admin(person),
        "typed": typed,
        "fault": fault,
    }
    return render(request, "projects/request.html", shown, status=status)


@require_POST
def approve(request: HttpRequest, number: int) -> HttpResponse:
    """Say yes; go to what it became."""
    return _decided(request, number, approve=True)


@require_POST
def reject(request: HttpRequest, number: int) -> HttpResponse:
    """Say no, with a reason."""
    return _decided(request, number, approve=False)


def _decided(request: HttpRequest, number: int, *, approve: bool) -> HttpResponse:
    person, asked = person_of(request), _find(request, number)
    comment = request.POST.get("comment", "").strip()[:2000]
    with answered():
        try:
            if approve:
                decisions.approve(asked, by=person, door=Door.FORM, installation=installation(), comment=comment)
            else:
                decisions.reject(asked, by=person, door=Door.FORM, comment=comment)
        except InvalidSpec as error:
            return _page(request, asked, typed=comment, fault=error.faults[0].message, status=422)
        except Conflict as error:
            return conflict_page(request, error.message, back=reverse("projects:request", args=[number]))
    return redirect("projects:request", number=number)


@require_POST
def withdraw(request: HttpRequest, number: int) -> HttpResponse:
    """Take it back before it is decided."""
    asked = _find(request, number)
    with answered():
        try:
            decisions.withdraw(asked, by=person_of(request), door=Door.FORM)
        except Conflict as error:
            return conflict_page(request, error.message, back=reverse("projects:request", args=[number]))
    return redirect("projects:request", number=number)
