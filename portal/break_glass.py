"""The way in for the platform team when company login is down: a local password, superusers only, each try recorded.

Tries are counted per user name and address, so that nobody's wrong passwords shut out who knows the right one. Where a
name is tried from many addresses, each of them has fewer tries, and who comes from another has them all the same.
"""

import logging
from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy

from portal.client_address import address_of, origin_of
from portal.models import User
from projects.often import forget, times

log = logging.getLogger(__name__)

_TRIES = 10
_MANY = 50
"""Tries of one name, from wherever, after which each address has only a few."""
_FEW = 2
_TRIES_SECONDS = 15 * 60


class BreakGlassForm(AuthenticationForm):
    """User name and password of a local superuser."""

    request: HttpRequest
    error_messages = AuthenticationForm.error_messages | {
        "invalid_login": gettext_lazy(
            "No break-glass account has this user name and password. "
            "Company accounts don't work here; use the company sign-in."
        ),
        "too_many": gettext_lazy("Too many tries from your address. Wait 15 minutes, then try again."),
    }

    def clean(self) -> dict[str, Any]:
        """Checks the password, after counting the try: several at the same moment must not pass together."""
        name = self.cleaned_data.get("username", "")
        log.warning("break-glass sign-in tried as %.64r from %s", name, address_of(self.request))
        # The address before the name: a name may hold anything, and must not become that of another count.
        mine = f"break-glass-from:{origin_of(self.request)}:{name}"
        # This door exists for outages: without Redis nobody counts, and it stays open behind its password.
        tries = times(mine, seconds=_TRIES_SECONDS)
        if tries > _TRIES or (times(f"break-glass-of:{name}", seconds=_TRIES_SECONDS) > _MANY and tries > _FEW):
            raise ValidationError(self.error_messages["too_many"], code="too_many")
        cleaned = super().clean()
        forget(mine)
        return cleaned

    def confirm_login_allowed(self, user: User) -> None:
        """Refuses everybody who is not a superuser, with the words for a wrong password."""
        super().confirm_login_allowed(user)
        if not user.is_superuser:
            raise self.get_invalid_login_error()


class BreakGlass(LoginView):
    """The page at /break-glass/."""

    template_name = "auth/break_glass.html"
    authentication_form = BreakGlassForm
    http_method_names = ["get", "post"]

    def form_valid(self, form: forms.Form) -> HttpResponse:
        """Opens the session."""
        response = super().form_valid(form)  # type: ignore[arg-type]
        log.warning("break-glass sign-in by %s", self.request.user)
        return response
