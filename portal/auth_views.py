"""The pages of signing in and out.

Each sign-in is bound to the browser that began it (state) and its code is worth nothing without a secret that only
this portal knows (PKCE).
"""

import base64
import hashlib
import logging
import secrets
import time
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, REDIRECT_FIELD_NAME, login, logout
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import redirect, render, resolve_url
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.generic import View
from django_auth_adfs.config import provider_config
from django_auth_adfs.config import settings as adfs
from django_auth_adfs.exceptions import MFARequired

from portal.accounts import SignInRefused
from portal.auth import CodeBackend, CodeRefused, IdentityProviderUnavailable, ready_provider

log = logging.getLogger(__name__)

CODE_BACKEND = "portal.auth.CodeBackend"
# Sign-ins that began and have not come back, by state. Several, because people open several tabs.
PENDING_KEY = "sign_ins_begun"
_PENDING_MOST = 5
_PENDING_SECONDS = 600


def safe_next(request: HttpRequest, wanted: str | None) -> str:
    """`wanted` when it is a page of this site, else the start page."""
    safe = url_has_allowed_host_and_scheme(
        url=wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return wanted if safe and wanted else settings.LOGIN_REDIRECT_URL


def unavailable(request: HttpRequest) -> HttpResponse:
    """503: the identity provider does not answer. Says so, and shows the way for the platform team."""
    response = render(request, "auth/unavailable.html", status=503)
    response["Retry-After"] = "30"
    return response


def failed(request: HttpRequest, message: str, *, status: int = 400) -> HttpResponse:
    """The page that says why a sign-in did not work. `message` says what happened, why, and what to do."""
    return render(request, "auth/failed.html", {"message": message}, status=status)


def _begin(request: HttpRequest, *, next_page: str, force_mfa: bool = False) -> HttpResponse:
    """Sends the browser to the identity provider, remembering in its session what must come back."""
    try:
        ready_provider()
    except IdentityProviderUnavailable:
        return unavailable(request)
    state, verifier = secrets.token_urlsafe(24), secrets.token_urlsafe(48)
    begun = {"next": next_page, "verifier": verifier, "at": int(time.time()), "mfa": force_mfa}
    pending = sorted(_pending(request).items(), key=lambda entry: entry[1]["at"])[1 - _PENDING_MOST :]
    request.session[PENDING_KEY] = dict(pending) | {state: begun}
    parts = urlsplit(provider_config.build_authorization_endpoint(request, force_mfa=force_mfa))
    query = QueryDict(parts.query, mutable=True)
    query["state"] = state
    query["code_challenge"] = _challenge(verifier)
    query["code_challenge_method"] = "S256"
    return redirect(urlunsplit(parts._replace(query=query.urlencode())))


def _pending(request: HttpRequest) -> dict[str, Any]:
    """The sign-ins of this session that began less than ten minutes ago."""
    oldest = time.time() - _PENDING_SECONDS
    begun: dict[str, Any] = request.session.get(PENDING_KEY, {})
    return {state: entry for state, entry in begun.items() if entry["at"] > oldest}


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


@method_decorator([never_cache, login_not_required], name="dispatch")
class Login(View):
    """Begins a sign-in: by link, by Django's redirect, or by the button of the sign-in page."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """Redirect to the identity provider; `next` says where to go afterwards."""
        return _begin(request, next_page=safe_next(request, request.GET.get(REDIRECT_FIELD_NAME)))

    def post(self, request: HttpRequest) -> HttpResponse:
        """As GET."""
        return _begin(request, next_page=safe_next(request, request.POST.get(REDIRECT_FIELD_NAME)))


@method_decorator([never_cache, login_not_required], name="dispatch")
class Callback(View):
    """Where the identity provider sends the browser back to."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """Opens the session and goes to the page that was wanted; otherwise says why not."""
        pending = _pending(request)
        begun = pending.pop(request.GET.get("state", ""), None)
        if begun is None:
            return failed(
                request,
                gettext(
                    "This sign-in was not begun in this browser, or longer than ten minutes ago. "
                    "Sign in again. If somebody sent you the link you came by, do not use it."
                ),
            )
        request.session[PENDING_KEY] = pending
        if fault := request.GET.get("error"):
            log.warning("the identity provider sent a browser back with the error %.64r", fault)
            return failed(
                request,
                gettext(
                    "The company login ended with “%(error)s”. %(said)s Sign in again; if it "
                    "happens again, show this page to the platform team."
                )
                % {"error": fault[:64], "said": request.GET.get("error_description", "")[:300]},
            )
        if not (code := request.GET.get("code")):
            return failed(
                request, gettext("The company login sent no code, so we don't know who you are. Sign in again.")
            )
        return self._finish(request, code=code, begun=begun)

    def _finish(self, request: HttpRequest, *, code: str, begun: dict[str, Any]) -> HttpResponse:
        try:
            # Not by django.contrib.auth.authenticate(): it would hand the code to every receiver of login_failed.
            user = CodeBackend().authenticate(request, authorization_code=code, code_verifier=begun["verifier"])
        except IdentityProviderUnavailable as error:
            log.error("a sign-in could not be finished: %s", error)
            return unavailable(request)
        except MFARequired:
            if begun["mfa"]:
                return failed(
                    request, gettext("The company login asks for a second factor again and again. Tell its owners.")
                )
            return _begin(request, next_page=begun["next"], force_mfa=True)
        except CodeRefused as error:
            return failed(request, gettext(str(error)))
        except SignInRefused as error:
            log.warning("a sign-in was refused: %s", error)
            return failed(request, gettext(str(error)), status=403)
        except PermissionDenied:
            return failed(
                request,
                gettext(
                    "The company login sent a token that is not valid here. Sign in again; if it "
                    "happens again, the platform team must compare this portal's settings with AD FS "
                    "or Entra ID."
                ),
                status=403,
            )
        if user is None or not user.is_active:
            return failed(request, gettext("Your account is switched off here. Ask the platform team."), status=403)
        login(request, user, backend=CODE_BACKEND)
        return redirect(safe_next(request, begun["next"]))


@method_decorator([never_cache, login_not_required], name="dispatch")
class Logout(View):
    """Signs out, here and at the identity provider. POST only: a link must not be able to do it."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponse:
        """Ends the session; people of the directory are sent on to end the one there too."""
        by_company = request.session.get(BACKEND_SESSION_KEY) == CODE_BACKEND
        logout(request)
        here = request.build_absolute_uri(resolve_url(settings.LOGOUT_REDIRECT_URL))
        if by_company:
            try:
                ready_provider()
            except IdentityProviderUnavailable:
                return redirect(here)
            query = urlencode({"client_id": adfs.CLIENT_ID, "post_logout_redirect_uri": here})
            end = provider_config.build_end_session_endpoint()
            return HttpResponseRedirect(f"{end}{'&' if '?' in end else '?'}{query}")
        return redirect(here)


@method_decorator([never_cache, login_not_required], name="dispatch")
class SignIn(View):
    """The page that offers the company sign-in; also where one lands after signing out."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """The page; `next` says where to go afterwards. Who is signed in already goes there at once."""
        next_page = safe_next(request, request.GET.get(REDIRECT_FIELD_NAME))
        if request.user.is_authenticated:
            return redirect(next_page)
        if "HX-Request" in request.headers:
            # The session ended under an open page: a part of it must not be replaced by this one.
            answer = HttpResponse(status=204)
            answer["HX-Redirect"] = request.path
            return answer
        return render(request, "auth/sign_in.html", {"next": next_page, "provider": adfs.SERVER})
