"""One's own account: who one is here, how pages look, tokens for scripts, and the end of all sessions.

How pages look is kept in cookies, so that it holds for this browser and needs no script and no row. Mails come without
a browser, so the language chosen last is kept with the person too.
"""

from typing import Any, cast
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import translation
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST
from pydantic import ValidationError

from portal import zones
from portal.auth_views import Logout
from portal.models import ApiToken, User
from portal.token_actions import NewToken, make_token, remove_token
from projects import permissions, seeing
from projects.answers import person_of
from projects.errors import Conflict, Fault, NotFound
from projects.exports import Record, file_of
from projects.list_address import list_file
from projects.spec import faults_of
from projects.zone_names import zone_names

THEME = "theme"
THEMES = (("", gettext_lazy("As the system")), ("light", gettext_lazy("Light")), ("dark", gettext_lazy("Dark")))
DAYS = (7, 30, 90, 180, 365)
TOKEN_COLUMNS = ("name", "scopes", "created_at", "expires_at", "last_used")
_YEAR = 365 * 24 * 3600


def theme_of(request: HttpRequest) -> str:
    """The theme this browser's reader chose; "" for the system's."""
    chosen = request.COOKIES.get(THEME, "")
    return chosen if chosen in ("light", "dark") else ""


@require_GET
def account(request: HttpRequest) -> HttpResponseBase:
    """The page; by `format=csv|json` one's tokens as a file, without the tokens themselves, which nobody keeps, or by
    `list=seen` who saw the portal as oneself.
    """
    if request.GET.get("list") == "seen":
        seen = seeing.of_person(person_of(request))
        if file := list_file(request, seen, of=seeing.LIST, name="seen-as-you"):
            return file
    rows = ApiToken.objects.filter(user=cast(User, request.user))
    # Read by the file alone: `map` would begin with rows that are no iterator yet.
    records = map(_as_record, rows.iterator())
    return file_of(request, records, columns=TOKEN_COLUMNS, name="tokens") or _page(request)


def _as_record(token: ApiToken) -> Record:
    return {
        "name": token.name,
        "scopes": token.scopes,
        "created_at": token.created,
        "expires_at": token.expiry,
        "last_used": token.last_used,
    }


def _page(request: HttpRequest, *, status: int = 200, **more: Any) -> HttpResponse:
    user, person = cast(User, request.user), person_of(request)
    chosen = request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME, "")
    shown = {
        "teams": list(permissions.teams_of(person)[:50]),
        "platform_admin": permissions.is_platform_admin(person),
        "themes": THEMES,
        "theme": theme_of(request),
        "zones": zone_names(),
        "zone": request.COOKIES.get(zones.CHOSEN, ""),
        "browser_zone": request.COOKIES.get(zones.BROWSER, ""),
        "languages": settings.LANGUAGES,
        "language": chosen if translation.check_for_language(chosen) else "",
        "seen": list(seeing.of_person(person)[:10]),
        "tokens": list(ApiToken.objects.filter(user=user)),
        "days": DAYS,
        "typed": {"days": "90"},
        "may_end": bool(user.object_id),
        **more,
    }
    return render(request, "account/account.html", shown, status=status)


@require_POST
def display(request: HttpRequest) -> HttpResponse:
    """Theme, language and time zone of this browser. What is none of those offered counts as no choice.

    Mails come in the language too. A browser in which none was chosen says nothing of them.
    """
    offered = {
        THEME: [value for value, _ in THEMES],
        settings.LANGUAGE_COOKIE_NAME: [code for code, _ in settings.LANGUAGES],
        zones.CHOSEN: zone_names(),
    }
    answer = redirect("account")
    for name, values in offered.items():
        chosen = request.POST.get(name, "")
        if chosen and chosen in values:
            # slipway.js reads the theme, and writes it from the menu.
            script = name == THEME
            answer.set_cookie(name, chosen, max_age=_YEAR, secure=settings.HTTPS, samesite="Lax", httponly=not script)
        else:
            answer.delete_cookie(name, samesite="Lax")
    language, before = (said.get(settings.LANGUAGE_COOKIE_NAME, "") for said in (request.POST, request.COOKIES))
    if language or before:
        kept = language if language in offered[settings.LANGUAGE_COOKIE_NAME] else ""
        User.objects.filter(pk=cast(User, request.user).pk).update(language=kept)
    messages.info(request, gettext("Saved for this browser."))
    return answer


@never_cache
@require_POST
def tokens(request: HttpRequest) -> HttpResponse:
    """Make a token; the answer shows it, once."""
    typed = {name: request.POST.get(name, "") for name in ("name", "days", "write")}
    scopes = ["read", "write"] if typed["write"] else ["read"]
    try:
        wanted = NewToken.model_validate({"name": typed["name"].strip(), "days": typed["days"], "scopes": scopes})
        row, token = make_token(wanted, owner=cast(User, request.user))
    except ValidationError as error:
        return _page(request, status=422, typed=typed, problems=[_problem(fault) for fault in faults_of(error)])
    except Conflict as error:
        problem = {"anchor": "tokens", "label": gettext("API tokens"), "message": error.message, "field": ""}
        return _page(request, status=409, typed=typed, problems=[problem])
    return _page(request, made=row, token=token)


def _problem(fault: Fault) -> dict[str, str]:
    labels = {"name": gettext("What is it for?"), "days": gettext("Valid for")}
    field = str(fault.path[0]) if fault.path else ""
    return {"anchor": f"token-{field}", "label": labels.get(field, field), "message": fault.message, "field": field}


@require_POST
def token(request: HttpRequest, uid: UUID) -> HttpResponse:
    """End one of one's tokens."""
    try:
        remove_token(uid, owner=cast(User, request.user))
    except NotFound as error:
        raise Http404(error.message) from error
    messages.info(request, gettext("The token is removed. What used it is refused from now on."))
    return redirect("account")


@require_POST
def end_sessions(request: HttpRequest) -> HttpResponseBase:
    """Sign out everywhere: every session of this person, and the company's one in this browser."""
    user = cast(User, request.user)
    if user.object_id:
        # Sessions hold a digest of the password: another unusable one ends them. Local accounts have a real one.
        user.set_unusable_password()
        user.save(update_fields=["password"])
    return Logout.as_view()(request)
