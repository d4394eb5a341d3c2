"""In which language pages speak: the person's choice (a cookie), else the browser's. API, hooks and probes: English.

What the API says is read by programs and pasted into tickets, and the same words must come back from every caller.
Mails have no browser to ask: they come in the language that was chosen last, which is kept with the account.
"""

from typing import Any

from django.conf import settings
from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.locale import LocaleMiddleware
from django.utils import translation

ENGLISH = "en-gb"
_ENGLISH_ONLY = ("/api/", "/hooks/", "/healthz", "/readyz", "/profile.schema.json")


@receiver(user_logged_in, dispatch_uid="portal.language.keep_choice")
def keep_choice(sender: Any, request: HttpRequest | None, user: Any, **kwargs: Any) -> None:  # noqa: ARG001
    """Who chose a language before it was kept gets mails in it from the next sign-in on."""
    chosen = request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME, "") if request is not None else ""
    if chosen in dict(settings.LANGUAGES) and not user.language:
        user.language = chosen
        user.save(update_fields=["language"])


class Language(LocaleMiddleware):
    """Django's own choice, apart from addresses that programs call."""

    def process_request(self, request: HttpRequest) -> None:
        """Activate the language of this request."""
        if request.path_info.startswith(_ENGLISH_ONLY):
            translation.activate(ENGLISH)
            request.LANGUAGE_CODE = ENGLISH
        else:
            super().process_request(request)

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Name the language in the answer, and tell caches where answers differ by language."""
        if request.path_info.startswith(_ENGLISH_ONLY):
            response.headers.setdefault("Content-Language", ENGLISH)
            return response
        return super().process_response(request, response)
