"""The page about a project's credentials, and its buttons: rotate, end the old one, show one once."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from projects import credentials, permissions, short_lists
from projects.answers import answered, conflict_page, find, person_of
from projects.errors import Conflict
from projects.exports import file_of
from projects.frame import frame
from projects.installation import installation
from projects.models import Door, Project

if TYPE_CHECKING:
    from projects.permissions import Person


def credentials_shown(person: "Person", project: Project) -> dict[str, Any]:
    """What the table of credentials needs."""
    present = project.deletion_requested_at is None and not project.suspended
    return {
        "held": credentials.credentials_of(project, by=person, installation=installation()),
        "may_rotate": present and permissions.may_rotate(person, project),
        "may_reveal": present and permissions.may_reveal(person, project),
    }


@require_GET
def credentials_page(request: HttpRequest, slug: str) -> HttpResponseBase:
    """Which there are, how old they are, and whether an old one still works; by `format=csv|json` as a file."""
    person = person_of(request)
    found = find(person, slug)
    records = short_lists.of_credentials(found, by=person, installation=installation())
    file = file_of(request, records, columns=short_lists.CREDENTIALS, name=f"credentials-{slug}")
    return file or _page(request, found)


@require_POST
def rotate(request: HttpRequest, slug: str, purpose: str) -> HttpResponse:
    """Ask for a new version, then back to the page, which shows it arriving."""
    person = person_of(request)
    with answered():
        found = find(person, slug)
        at_once = request.POST.get("end_old_now") == "yes"
        try:
            credentials.rotate(
                found, purpose, by=person, door=Door.FORM, installation=installation(), end_old_now=at_once
            )
        except Conflict as error:
            return _conflict(request, slug, error)
    return redirect("projects:credentials", slug=slug)


@require_POST
def end_old(request: HttpRequest, slug: str, purpose: str) -> HttpResponse:
    """End the version before, then back to the page."""
    person = person_of(request)
    with answered():
        try:
            credentials.end_old(find(person, slug), purpose, by=person, door=Door.FORM)
        except Conflict as error:
            return _conflict(request, slug, error)
    return redirect("projects:credentials", slug=slug)


@require_POST
@never_cache
def reveal(request: HttpRequest, slug: str, purpose: str) -> HttpResponse:
    """The page once more, with the secret in it. It is in this answer only."""
    person = person_of(request)
    with answered():
        found = find(person, slug)
        try:
            shown = credentials.reveal(found, purpose, by=person, door=Door.FORM, installation=installation())
        except Conflict as error:
            return _conflict(request, slug, error)
    text = "\n".join(f"export {name}={value}" for name, value in shown.values.items())
    title = _("%(title)s, version %(version)d") % {"title": _(shown.credential.title), "version": shown.version}
    return _page(request, found, secret=text, secret_title=title, secret_purpose=purpose)


def _page(request: HttpRequest, project: Project, **more: Any) -> HttpResponse:
    person = person_of(request)
    policy = installation().catalogue.credentials
    shown = {**frame(request, project, tab="credentials"), **credentials_shown(person, project)}
    return render(
        request,
        "projects/credentials.html",
        {
            **shown,
            "overlap_hours": policy.overlap_hours,
            "remind_days": policy.rotate_after_days,
            "single": _single(shown["held"]),
            **more,
        },
    )


def _single(held: Sequence[credentials.Held]) -> str:
    """Titles of the passwords of which there is one at a time, as one says them; "" for none."""
    titles = [_(one.credential.title) for one in held if one.can_be_shown and not one.credential.overlaps]
    return get_text_list(titles, _("and"))


def _conflict(request: HttpRequest, slug: str, error: Conflict) -> HttpResponse:
    return conflict_page(request, error.message, back=reverse("projects:credentials", args=[slug]))
