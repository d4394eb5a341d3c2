"""The pages about requests: what was asked, what would change, who decides, and the decision."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from projects import audience, decide_many, decisions, documents, permissions, request_list, stand_ins
from projects.answers import answered, came_of, conflict_page, number_in, person_of, revision_read
from projects.consents import in_force
from projects.contributors import meaning
from projects.documents import spec_of
from projects.effects import PersonEffect
from projects.errors import Conflict, InvalidSpec
from projects.identity import called
from projects.installation import installation
from projects.kept import with_kept
from projects.list_address import chosen_in, list_file, list_page
from projects.models import Action, Decision, Door, ProjectRequest, Team
from projects.one_by_one import MOST
from projects.own_role import leaves
from projects.phrases import translated
from projects.plan_units import said_of_left_plan
from projects.policy import units_of
from projects.presentation import DECISIONS, plan_counts, plan_lines
from projects.preview import plan_of
from projects.spec import NOBODY
from projects.stand_ins import approver_groups
from projects.teams import with_budget
from projects.ticks import by_form, elsewhere, only_turned, searched, too_many

if TYPE_CHECKING:
    from projects.permissions import Person
    from provisioning.catalogue import Catalogue

DECIDED_TOGETHER = "decided_together"
"""In the session: what came of the last decision about several."""
_SEARCH = ("show", "q", "team", "action", "sort")


@require_http_methods(["GET", "HEAD", "POST"])
def requests(request: HttpRequest) -> HttpResponseBase:
    """What was asked and the person may see, narrowed and sorted by the address. `format=csv|json`: as a file.

    A POST decides about the ticked ones, or shows other rows.
    """
    if there := searched(request, *_SEARCH, carrying=("request", "comment")):
        return there
    if request.method == "POST" and not only_turned(request):
        return _decide_together(request)
    return _list(request)


def _list(request: HttpRequest, *, problems: Sequence[dict[str, str]] = ()) -> HttpResponseBase:
    person, ticked = person_of(request), request.POST.getlist("request")
    decides = permissions.is_approver(person, approvers=approver_groups(installation()))
    decides = decides or len(permissions.deciding_for(person)) > 1
    known = {"show": request_list.SHOWS, "action": Action.values, "decision": Decision.values}
    chosen = {"show": "decide" if decides else "all", **chosen_in(request, "words", "team", **known)}
    rows = request_list.rows(person, **chosen).select_related("team")
    if file := list_file(request, rows, of=request_list.LIST, name="requests"):
        return file
    listed = list_page(request, rows, of=request_list.LIST)
    others = _names_of(elsewhere(request, ticked, here={_tick_of(one) for one in listed.rows}), person=person)
    together = chosen["show"] == "decide" and bool(listed.rows or others)
    tabs = [("decide", gettext("For you to decide"))] if decides or chosen["show"] == "decide" else []
    tabs += [("waiting", gettext("Waiting")), ("mine", gettext("Mine")), ("all", gettext("All"))]
    shown = {
        "page": listed,
        "rows": [(one, title_of(one), word_of(one), _tick_of(one), request_list.change_of(one)) for one in listed.rows],
        "chosen": chosen,
        "filtered": chosen.keys() > {"show"},
        "tabs": tabs,
        "actions": Action.choices,
        "teams": list(permissions.teams_of(person).values_list("slug", flat=True)[:200]),
        "in_place_of": list(stand_ins.in_place_of(person)) if chosen["show"] == "decide" else [],
        "together": together,
        "by_form": together and by_form(request),
        "decides": decides,
        "results": request.session.pop(DECIDED_TOGETHER, None) if request.method == "GET" else None,
        # By number and revision: what changed meanwhile must be read before it is ticked again.
        "ticked": ticked,
        "elsewhere": others,
        "typed": request.POST.get("comment", ""),
        "problems": problems,
        "no_reason": any(one["anchor"] == "comment" for one in problems),
    }
    return render(request, "projects/requests.html", shown, status=422 if problems else 200)


def title_of(request: ProjectRequest) -> str:
    """What a request is about, as a heading."""
    name = {"name": (request.after or request.before or {}).get("title") or request.slug}
    return {
        "create": gettext("New project %(name)s"),
        "change": gettext("Change of %(name)s"),
        "retire": gettext("Removal of %(name)s"),
    }[request.action] % name


def word_of(request: ProjectRequest) -> str:
    """The status word of a request."""
    if request.decision == Decision.PENDING and request.asked_back_at is not None:
        return "Changes asked"
    return DECISIONS[request.decision]


def _find(request: HttpRequest, number: int) -> ProjectRequest:
    """The request. Raises Http404."""
    visible = permissions.visible_requests(person_of(request)).select_related("decided_by", "requested_by")
    found = visible.filter(pk=number).first()
    if found is None:
        raise Http404(str(number))
    return found


@require_GET
def request_page(request: HttpRequest, number: int) -> HttpResponse:
    """What was asked, what differs, who decides or decided."""
    return _page(request, _find(request, number))


def _page(
    request: HttpRequest,
    asked: ProjectRequest,
    *,
    typed: str = "",
    fault: str = "",
    said: str = "",
    said_fault: str = "",
    status: int = 200,
) -> HttpResponse:
    person, settings = person_of(request), installation()
    before, after = spec_of(asked.before), spec_of(asked.after)
    catalogue = settings.catalogue
    lines: tuple[Any, ...] = ()
    people: tuple[PersonEffect, ...] = ()
    known = {*catalogue.plans, *([before.plan] if before else [])}
    if (after or before) is not None and (after is None or after.plan in known):
        uid = str(asked.project.uid) if asked.project else NOBODY
        # What was decided once has bound whom it meant then.
        who = meaning(asked.project, becomes=after if asked.decision == Decision.PENDING else None)
        let = in_force(asked.project) if asked.project else None
        preview = plan_of(installation=settings, after=after, before=before, uid=uid, meaning=who, consents=let)
        people = preview.people
        if asked.project is not None and asked.decision == Decision.PENDING:
            people = with_kept(people, project=asked.project, before=before, after=after)
        lines = plan_lines(preview, keep_data=not asked.remove_data)
    pending = asked.decision == Decision.PENDING
    own = person.pk in permissions.authors_of(asked)
    may_decide = pending and permissions.may_decide(person, asked)
    shown = {
        "asked": asked,
        "number": str(asked.pk),
        "revision": str(asked.revision),
        "title": title_of(asked),
        "word": word_of(asked),
        "lines": lines,
        "people": people,
        "counts": plan_counts(lines, deletes=True),
        "difference": documents.difference(before, after) if after else (),
        "units": _takes(asked, catalogue=catalogue),
        "left_plan": translated(said_of_left_plan(asked.project, catalogue=catalogue, chosen=after.plan))
        if asked.project and after and pending
        else "",
        "free": with_budget(Team.objects.filter(pk=asked.team_id)).get().free,
        "earlier": _earlier(asked),
        "comments": list(asked.comments.all()),
        "exists": asked.project is not None and asked.project.deleted_at is None,
        "gone": asked.project is not None and asked.project.deleted_at is not None,
        "may_decide": may_decide,
        "right_lost": decisions.right_lost(asked) if may_decide else None,
        "may_withdraw": pending and permissions.may_withdraw(person, asked),
        "may_revise": _may_revise(person, asked) and after is not None,
        "own": own,
        "unheard": called(audience.unheard(asked.approvers)) if pending else [],
        "typed": typed,
        "fault": fault,
        "said": said,
        "said_fault": said_fault,
    }
    return render(request, "projects/request.html", shown, status=status)


def _takes(asked: ProjectRequest, *, catalogue: "Catalogue") -> int | None:
    """How many units more it takes than what there is; None where nobody knows."""
    specs = [spec_of(asked.after), spec_of(asked.before)]
    # What is counted is the project's plan; of another one that left, nobody knows.
    counted = {asked.project.spec["plan"]: asked.project.units} if asked.project else {}
    units = [
        units_of(spec, catalogue=catalogue, counted=counted.get(spec.plan, 0)) if spec is not None else 0
        for spec in specs
    ]
    unknown = any(spec is not None and not number for spec, number in zip(specs, units, strict=True))
    return None if unknown else units[0] - units[1]


def _may_revise(person: "Person", asked: ProjectRequest) -> bool:
    open_words = asked.decision == Decision.PENDING and asked.action != Action.RETIRE
    return open_words and permissions.may_revise(person, asked) and not leaves(asked)


def _earlier(asked: ProjectRequest) -> list[dict[str, Any]]:
    """The revisions before the present one, newest first, each with what the next one changed."""
    rows = list(asked.revisions.all())
    specs = [*(spec_of(row.after) for row in rows), spec_of(asked.after)]
    found = [
        {"row": row, "lines": documents.difference(specs[index], specs[index + 1])} for index, row in enumerate(rows)
    ]
    return found[::-1]


@require_POST
def approve(request: HttpRequest, number: int) -> HttpResponse:
    """Say yes to the revision that was read; go to what it became."""
    return _decided(request, number, verdict="approve")


@require_POST
def reject(request: HttpRequest, number: int) -> HttpResponse:
    """Say no, with a reason."""
    return _decided(request, number, verdict="reject")


@require_POST
def ask_for_changes(request: HttpRequest, number: int) -> HttpResponse:
    """Give it back to who asked, with what to change."""
    return _decided(request, number, verdict="changes")


def _decided(request: HttpRequest, number: int, *, verdict: str) -> HttpResponse:
    person, asked = person_of(request), _find(request, number)
    comment = request.POST.get("comment", "").strip()[: decisions.LONGEST]
    shared: dict[str, Any] = {"by": person, "door": Door.FORM, "revision": revision_read(request)}
    with answered():
        try:
            if verdict == "approve":
                decisions.approve(asked, **shared, installation=installation(), comment=comment)
            elif verdict == "reject":
                decisions.reject(asked, **shared, comment=comment)
            else:
                decisions.ask_for_changes(asked, **shared, text=comment)
        except InvalidSpec as error:
            return _page(request, asked, typed=comment, fault=error.faults[0].message, status=422)
        except Conflict as error:
            return conflict_page(request, error.message, back=reverse("projects:request", args=[number]))
    return redirect("projects:request", number=number)


@require_POST
def say(request: HttpRequest, number: int) -> HttpResponse:
    """Say something about it."""
    asked, text = _find(request, number), request.POST.get("text", "").strip()[: decisions.LONGEST]
    with answered():
        try:
            decisions.comment(asked, by=person_of(request), door=Door.FORM, text=text)
        except InvalidSpec as error:
            return _page(request, asked, said=text, said_fault=error.faults[0].message, status=422)
    return redirect(f"{reverse('projects:request', args=[number])}#conversation")


def _decide_together(request: HttpRequest) -> HttpResponseBase:
    """Decide about the ticked ones, each on its own; the list says what came of each, or what is missing."""
    verdict, ticked, comment = request.POST.get("do"), request.POST.getlist("request"), request.POST.get("comment", "")
    chosen = [one for one in map(_ticked, ticked) if one is not None]
    message = too_many(ticked, most=MOST)
    if not chosen or verdict not in ("approve", "reject"):
        message = gettext("No request was ticked, so nothing was decided. Tick some, then choose Approve or Reject.")
    problems, results = [{"anchor": "list", "label": "", "message": message}] if message else [], []
    try:
        results = decide_many.decide_many(
            [] if message else chosen,
            verdict="approve" if verdict == "approve" else "reject",
            by=person_of(request),
            door=Door.FORM,
            installation=installation(),
            comment=comment,
        )
    except InvalidSpec as error:
        problems.append({"anchor": "comment", "label": gettext("Reason"), "message": error.faults[0].message})
    if problems:
        return _list(request, problems=problems)
    request.session[DECIDED_TOGETHER] = came_of(results, page="projects:request", name=lambda row: row.slug)
    query = request.GET.copy()
    query.setdefault("show", "decide")
    return redirect(f"{reverse('projects:requests')}?{query.urlencode()}")


def _tick_of(request: ProjectRequest) -> str:
    return f"{request.pk}.{request.revision}"


def _names_of(ticks: Sequence[str], *, person: "Person") -> list[tuple[str, str]]:
    """Those of these ticks that still stand, each with what it is about."""
    numbers = [one[0] for one in map(_ticked, ticks) if one is not None]
    found = {_tick_of(one): title_of(one) for one in permissions.to_decide(person).filter(pk__in=numbers)}
    return [(tick, found[tick]) for tick in ticks if tick in found]


def _ticked(text: str) -> tuple[int, int] | None:
    """Number and revision of a tick box: "12.1"."""
    number, _, revision = text.partition(".")
    first, second = number_in(number), number_in(revision)
    return (first, second) if first is not None and second is not None else None


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
