"""The platform team's pages for announcements: all of them, a new one, and one with its past, to change or to end."""

from datetime import datetime
from typing import Any

from django.apps import apps
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from projects import announcements as told
from projects.answers import answered, conflict_page, number_in, platform_admin_of
from projects.errors import Conflict, InvalidSpec, StaleGeneration
from projects.list_address import list_file, list_page
from projects.models import Announcement, AnnouncementState, Door

_LABELS = {
    "text": gettext_lazy("Text"),
    "level": gettext_lazy("Level"),
    "begins": gettext_lazy("From"),
    "ends": gettext_lazy("To"),
    "because": gettext_lazy("Reason"),
}
_TIMES = ("begins", "ends")
_CHECKS = ("dismissible", "public")
_HISTORY = 50


@require_GET
def announcements(request: HttpRequest) -> HttpResponseBase:
    """Every announcement, newest first. `format=csv|json`: as a file."""
    platform_admin_of(request)
    rows = Announcement.objects.all()
    if file := list_file(request, rows, of=told.LIST, name="announcements"):
        return file
    return render(request, "platform/announcements.html", {"page": list_page(request, rows, of=told.LIST)})


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Write one."""
    person = platform_admin_of(request)
    if request.method != "POST":
        return _form(request, None, typed={"level": "information", "dismissible": "on"})
    try:
        told.announce(_data(request), by=person, door=Door.FORM)
    except InvalidSpec as error:
        return _form(request, None, typed=request.POST.dict(), error=error)
    messages.info(request, gettext("The announcement is written."))
    return redirect("platform:announcements")


@require_http_methods(["GET", "HEAD", "POST"])
def announcement(request: HttpRequest, announcement: int) -> HttpResponse:
    """One with its past; a POST changes it."""
    person = platform_admin_of(request)
    with answered():
        found = told.find(announcement, by=person)
        if request.method != "POST":
            return _form(request, found, typed=_present(found))
        try:
            data = {**_data(request), "revision": number_in(request.POST.get("revision", ""))}
            told.change(announcement, data, by=person, door=Door.FORM)
        except InvalidSpec as error:
            return _form(request, found, typed=request.POST.dict(), error=error)
        except StaleGeneration as error:
            return _form(request, found, typed=request.POST.dict(), stale=error.message)
        except Conflict as error:
            return conflict_page(request, error.message, back=request.path)
    messages.info(request, gettext("The announcement is changed."))
    return redirect("platform:announcements")


@require_POST
def end(request: HttpRequest, announcement: int) -> HttpResponse:
    """Show it no more."""
    person = platform_admin_of(request)
    with answered():
        found = told.find(announcement, by=person)
        try:
            told.end(announcement, {"because": request.POST.get("because", "")}, by=person, door=Door.FORM)
        except InvalidSpec as error:
            typed = {**_present(found), "end_because": request.POST.get("because", "")}
            return _form(request, found, typed=typed, error=error, ending=True)
        except Conflict as error:
            return conflict_page(request, error.message, back=reverse("platform:announcement", args=[announcement]))
    messages.info(request, gettext("The announcement is ended."))
    return redirect("platform:announcements")


def _form(
    request: HttpRequest,
    found: Announcement | None,
    *,
    typed: dict[str, Any],
    error: InvalidSpec | None = None,
    stale: str = "",
    ending: bool = False,
) -> HttpResponse:
    problems = [
        {
            "anchor": f"{'end-' if ending else ''}{fault.field}",
            "label": _LABELS.get(fault.field, fault.field),
            "message": fault.message,
        }
        for fault in (error.faults if error else ())
    ]
    shown = {
        "found": found,
        "over": found is not None and found.state is AnnouncementState.OVER,
        "typed": typed,
        "problems": problems,
        "wrong": {problem["anchor"].replace("-", "_"): problem["message"] for problem in problems},
        "stale": stale,
        "levels": Announcement.Level.choices,
        "zone": timezone.get_current_timezone_name(),
        "history": _past(found) if found else [],
    }
    status = 422 if problems else 409 if stale else 200
    return render(request, "platform/announcement.html", shown, status=status)


def _past(found: Announcement) -> list[Any]:
    """Its revisions, newest first."""
    # pghistory makes this model; it is not in any module.
    history: Any = apps.get_model("projects", "AnnouncementHistory").objects
    return list(history.filter(pgh_obj_id=found.pk).order_by("-pgh_id")[:_HISTORY])


def _present(found: Announcement) -> dict[str, Any]:
    times = {name: getattr(found, name) for name in _TIMES}
    return {
        "text": found.text,
        "level": found.level,
        **{name: timezone.localtime(one).strftime("%Y-%m-%dT%H:%M") if one else "" for name, one in times.items()},
        **{name: "on" if getattr(found, name) else "" for name in _CHECKS},
    }


def _data(request: HttpRequest) -> dict[str, Any]:
    """What was typed as data: times in the reader's zone, an empty one as none."""
    typed = {name: request.POST.get(name, "").replace("\r\n", "\n") for name in _LABELS}
    return {
        **typed,
        **{name: _time(typed[name]) for name in _TIMES},
        **{name: name in request.POST for name in _CHECKS},
    }


def _time(text: str) -> datetime | str | None:
    if not text.strip():
        return None
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        # Refused as what it is, with all other faults.
        return text
    return read if read.tzinfo else timezone.make_aware(read)
