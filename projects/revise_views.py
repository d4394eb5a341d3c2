"""The page that puts a request which waits in other words, in the form that asked for it (`projects.ask_views`)."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods

from projects import decisions, permissions
from projects.answers import answered, conflict_page, person_of, revision_read
from projects.ask_views import form_of, form_page, which_is_meant
from projects.documents import spec_of
from projects.errors import Conflict, InvalidSpec
from projects.forms import typed_of
from projects.installation import installation
from projects.models import Decision, Door
from projects.own_role import leaves


@require_http_methods(["GET", "POST"])
def revise(request: HttpRequest, number: int) -> HttpResponse:
    """Put a request that waits in other words; the policy decides anew."""
    person, pressed = person_of(request), request.POST.get("do", "")
    asked = permissions.visible_requests(person).filter(pk=number).first()
    if asked is None:
        raise Http404(str(number))
    with answered():
        decisions.check_may_revise(asked, by=person)
    back, before = reverse("projects:request", args=[number]), spec_of(asked.after)
    if asked.decision != Decision.PENDING or before is None or leaves(asked):
        return conflict_page(request, gettext("This request can't be changed any more."), back=back)
    typed = request.POST if request.method == "POST" else typed_of(before)
    new = asked if asked.project is None else None
    form = form_of(request, person, project=asked.project, asked=new, typed=typed)
    # A request in other words takes the place of itself, of no other, and joins none.
    shown: dict[str, Any] = {"revising": asked, "revision": str(asked.revision), "pending": [], "joins": None}
    shown["note"] = request.POST.get("note", asked.note)
    if request.method != "POST" or pressed != "revise":
        return form_page(request, form, more=shown)
    if form.search.undecided:
        return which_is_meant(request, form, more=shown)
    with answered():
        try:
            done = decisions.revise(
                asked,
                form.wish(),
                by=person,
                door=Door.FORM,
                installation=installation(),
                note=request.POST.get("note", "").strip()[:2000],
                revision=revision_read(request),
            )
        except InvalidSpec as error:
            form.take(error.faults)
            return form_page(request, form, status=422, more=shown)
        except Conflict as error:
            return conflict_page(request, error.message, back=back)
    return redirect("projects:request", number=done.pk)
