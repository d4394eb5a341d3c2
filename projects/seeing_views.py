"""The page for seeing as somebody else: begin, end, and who did it when and why."""

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST

from projects import seeing
from projects.answers import platform_admin_of
from projects.errors import InvalidSpec
from projects.list_address import list_file, list_page
from projects.models import SeenAs

_LABELS = {"account": _("Account"), "because": _("Reason")}


@require_http_methods(["GET", "HEAD", "POST"])
def see_as(request: HttpRequest) -> HttpResponseBase:
    """Name the person and the reason; a POST begins it and leads to that person's first page.

    `format=csv|json`: the record of who saw as whom as a file.
    """
    person = platform_admin_of(request)
    rows, problems = SeenAs.objects.all(), []
    if request.method != "POST" and (file := list_file(request, rows, of=seeing.LIST, name="slipway-see-as")):
        return file
    if request.method == "POST":
        account, because = (request.POST.get(name, "")[:2000] for name in ("q", "because"))
        try:
            row = seeing.begin(account, by=person, because=because)
        except InvalidSpec as error:
            problems = [
                {"anchor": fault.field, "label": _LABELS[fault.field], "message": fault.message}
                for fault in error.faults
            ]
        else:
            request.session[seeing.SESSION_KEY] = row.pk
            return redirect("projects:start")
    shown = {
        "page": list_page(request, rows, of=seeing.LIST),
        "typed": request.POST if request.method == "POST" else request.GET,
        "problems": problems,
        "wrong": {problem["anchor"]: problem["message"] for problem in problems},
        "minutes": int(seeing.LONGEST.total_seconds() // 60),
    }
    return render(request, "platform/see_as.html", shown, status=422 if problems else 200)


@require_POST
def end(request: HttpRequest) -> HttpResponse:
    """Be oneself again. The middleware lets this one post through."""
    seeing.end(by=platform_admin_of(request))
    request.session.pop(seeing.SESSION_KEY, None)
    return redirect("platform:see-as")
