"""The pages of what one was told, and of what is mailed."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from projects import permissions, stand_ins
from projects.answers import number_in, person_of
from projects.errors import Fault, InvalidSpec
from projects.installation import installation
from projects.list_address import list_file, list_page
from projects.mail_choices import MOST_MUTED, choose, chosen_by, wish_of
from projects.mail_text import link_of
from projects.models import Door, MailChoice
from projects.news import KINDS, NEWS
from projects.notice_list import LIST, mark_read, notices_of
from projects.phrases import said
from projects.zone_names import zone_names

_HOW = (
    ("now", gettext_lazy("At once")),
    ("digest", gettext_lazy("In the daily mail")),
    ("never", gettext_lazy("No mail")),
)


@require_GET
def notices(request: HttpRequest) -> HttpResponseBase:
    """What one was told, newest first. `show=unread` narrows it, `format=csv|json`: as a file."""
    unread = request.GET.get("show") == "unread"
    rows = notices_of(person_of(request), unread=unread)
    if file := list_file(request, rows, of=LIST, name="notices"):
        return file
    page = list_page(request, rows, of=LIST)
    shown = {
        "page": page,
        "rows": [
            (one, said(one, "text"), link_of(one), NEWS[kind].title)
            for one in page.rows
            for kind in KINDS
            if kind == one.kind
        ],
        "unread": unread,
        "newest": next((str(one.pk) for one in page.rows if one.read_at is None), ""),
    }
    return render(request, "account/notices.html", shown)


@require_POST
def read(request: HttpRequest) -> HttpResponse:
    """Mark as read what was on the page and before; what came meanwhile stays new."""
    until = number_in(request.POST.get("until", ""))
    if until is not None:
        mark_read(by=person_of(request), until=until, door=Door.FORM)
    return redirect("projects:notices")


@require_http_methods(["GET", "HEAD", "POST"])
def notifications(request: HttpRequest) -> HttpResponse:
    """What is mailed, and how; a POST keeps the choice."""
    person, problems = person_of(request), []
    typed = _typed(request) if request.method == "POST" else _chosen(request)
    if request.method == "POST":
        try:
            choose(wish_of(_sent(typed)), by=person, door=Door.FORM, installation=installation())
            return redirect(f"{reverse('projects:notifications')}?saved=1")
        except InvalidSpec as error:
            problems = [_problem(fault, typed) for fault in error.faults]
    shown = {
        **typed,
        "kinds": [
            (
                kind,
                news,
                [(way, title, way == typed["chosen"].get(kind, news.usual)) for way, title in _HOW if way in news.ways],
            )
            for kind, news in NEWS.items()
            if not news.platform or permissions.is_platform_admin(person)
        ],
        "zones": zone_names(),
        "may_name": stand_ins.may_name(person, installation=installation()),
        "address": person.email,
        "mails": bool(installation().mail_from),
        "problems": problems,
        "wrong": {one["anchor"]: one["message"] for one in problems},
        "saved": "saved" in request.GET and request.method != "POST",
    }
    return render(request, "account/notifications.html", shown, status=422 if problems else 200)


def _chosen(request: HttpRequest) -> dict[str, Any]:
    """What the form shows at first. Who has chosen nothing yet is offered the zone in which pages say times."""
    person = person_of(request)
    wish = chosen_by(person)
    known = MailChoice.objects.filter(person=person.pk).exists()
    mutes = [{"project": one.project, "until": one.until.isoformat()} for one in wish.muted_projects]
    return {
        "zone": wish.zone if known else timezone.get_current_timezone_name(),
        "chosen": dict(wish.kinds),
        "muted_until": wish.muted_until.isoformat() if wish.muted_until else "",
        "mutes": [*mutes, {"project": request.GET.get("project", "")[:100], "until": ""}],
    }


def _typed(request: HttpRequest) -> dict[str, Any]:
    posted = request.POST
    names, untils = posted.getlist("mute-project"), posted.getlist("mute-until")
    mutes = [{"project": project.strip(), "until": until} for project, until in zip(names, untils, strict=False)][
        : MOST_MUTED + 1
    ]
    return {
        "zone": posted.get("zone", ""),
        "chosen": {kind: posted[f"kind-{kind}"] for kind in KINDS if f"kind-{kind}" in posted},
        "muted_until": posted.get("muted_until", ""),
        "mutes": mutes,
    }


def _sent(typed: dict[str, Any]) -> dict[str, Any]:
    """The wish that a filled-in form is. A row without a day mutes nothing, so that emptying the day ends a mute."""
    return {
        "zone": typed["zone"],
        "kinds": typed["chosen"],
        "muted_until": typed["muted_until"] or None,
        "muted_projects": [one for one in typed["mutes"] if one["until"]],
    }


def _problem(fault: Fault, typed: dict[str, Any]) -> dict[str, str]:
    """A fault with the field that it belongs to on the page."""
    anchor, label = str(fault.path[0]), {"zone": gettext("Time zone"), "muted_until": gettext("No mail until")}
    if fault.path[0] == "muted_projects" and len(fault.path) > 2:
        # Rows without a day were left out of the wish.
        kept = [index for index, one in enumerate(typed["mutes"]) if one["until"]]
        anchor = f"mute-{fault.path[2]}-{kept[int(fault.path[1])]}"
        return {"anchor": anchor, "label": gettext("Projects without mail"), "message": fault.message}
    if fault.path[0] == "kinds" and len(fault.path) > 1:
        anchor = f"kind-{fault.path[1]}"
    return {
        "anchor": anchor,
        "label": label.get(str(fault.path[0]), gettext("What is mailed")),
        "message": fault.message,
    }
