"""The page of a project whose owners left: who is asked to take it over, until when, and the button to do so."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods

from projects import permissions, taking_over
from projects.answers import answered, conflict_page, find, person_of
from projects.errors import Conflict
from projects.frame import frame
from projects.installation import installation
from projects.models import Door, OfferedTo
from projects.readable import fields_of
from provisioning.spec import Role


@require_http_methods(["GET", "POST"])
def take_over(request: HttpRequest, slug: str) -> HttpResponse:
    """Who is asked, and whether that is the reader; a post accepts."""
    person = person_of(request)
    found = find(person, slug)
    if request.method == "POST":
        with answered():
            try:
                taking_over.take_over(found, by=person, door=Door.FORM, installation=installation())
            except Conflict as error:
                return conflict_page(request, error.message, back=reverse("projects:project", args=[slug]))
        messages.info(request, gettext("You own %(title)s now.") % {"title": found.title})
        return redirect("projects:project", slug)
    offer = found.successions.filter(ended_at=None).first()
    shown = {
        **frame(request, found, tab="people"),
        "offer": offer,
        "offered_to": OfferedTo(offer.offered_to) if offer else None,
        "left": fields_of(found).subjects(Role.OWNER),
        "may_take_over": offer is not None and permissions.may_take_over(person, offer),
    }
    return render(request, "projects/take_over.html", shown)
