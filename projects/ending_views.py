"""The platform team's page for somebody's access: what would end, the end, giving it back, and whose it was and why."""

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.http import require_http_methods

from projects import ending
from projects.answers import answered, conflict_page, platform_admin_of
from projects.errors import Conflict, InvalidSpec
from projects.list_address import list_file, list_page
from projects.models import AccessChange, Door

if TYPE_CHECKING:
    from projects.permissions import Person

_LABELS = {"account": gettext_lazy("Account"), "because": gettext_lazy("Reason")}


@require_http_methods(["GET", "HEAD", "POST"])
def access(request: HttpRequest) -> HttpResponseBase:
    """`q`: whose access it is, and what would end. A POST ends it or gives it back, as the pressed button says.

    `format=csv|json`: whose access was ended and given back as a file.
    """
    person = platform_admin_of(request)
    rows = AccessChange.objects.select_related("account")
    if request.method != "POST" and (file := list_file(request, rows, of=ending.LIST, name="slipway-access")):
        return file
    given = request.POST.get("account", "") if request.method == "POST" else request.GET.get("q", "")
    name, because, faults, account = given.strip()[:254], "", None, None
    try:
        if name or request.method == "POST":
            account = ending.account_called(name)
        if account is not None and request.method == "POST":
            because = request.POST.get("because", "")[:2000]
            with answered():
                said = _act(request.POST.get("do", ""), account, by=person, because=because)
            messages.info(request, said)
            return redirect(_page_of(account.username))
    except InvalidSpec as error:
        faults = error
    except Conflict as error:
        return conflict_page(request, error.message, back=_page_of(name))
    problems = [
        {"anchor": fault.field, "label": _LABELS[fault.field], "message": fault.message}
        for fault in (faults.faults if faults else ())
    ]
    shown: dict[str, Any] = {
        "page": list_page(request, rows, of=ending.LIST),
        "name": name,
        "because": because,
        "problems": problems,
        "wrong": {problem["anchor"]: problem["message"] for problem in problems},
    }
    if account is not None:
        shown |= {
            "found": account,
            "ended": ending.is_ended(account),
            "ends": ending.what_ends(account),
            "why_not": ending.why_not(account, by=person),
            "last": rows.filter(account_id=account.pk).first() if account.pk is not None else None,
        }
    return render(request, "platform/access.html", shown, status=422 if problems else 200)


def _act(do: str, account: "Person", *, by: "Person", because: str) -> str:
    """Do what the button says; what is said of it then."""
    said = {"who": account.username}
    match do:
        case "end":
            ending.end_access(account, by=by, because=because, door=Door.FORM)
            return gettext("%(who)s is out. Workspaces and forge follow with the next look, in seconds.") % said
        case "give-back":
            ending.give_back_access(account, by=by, because=because, door=Door.FORM)
            return gettext("%(who)s can sign in again. Ended sessions and tokens don't come back.") % said
        case other:
            raise Http404(other)


def _page_of(name: str) -> str:
    return f"{reverse('platform:access')}?{urlencode({'q': name})}"
