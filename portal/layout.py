"""What every page's frame needs: where one is, who one is, how many requests wait, what the platform team tells.

At most three queries a page.
"""

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext

from portal.account_views import theme_of
from portal.put_away import told
from projects import permissions

_SECTIONS = {"requests": "requests", "teams": "teams", "consents": "teams", "help": "help", "account": ""}
"""By the first part of an address, so that the answer to a button stands where its page does. "": nowhere."""


def context(request: HttpRequest) -> dict[str, Any]:
    """Template context of the frame. Nothing is asked of the database before the frame is drawn."""
    match = getattr(request, "resolver_match", None)
    section = ""
    if match is not None and match.app_name == "platform":
        section = "platform"
    elif match is not None and match.app_name == "projects":
        section = _SECTIONS.get(request.path_info.split("/")[1], "projects")
    return {
        "section": section,
        "theme": theme_of(request),
        "request_id": request.META.get("slipway.request_id", ""),
        "account": SimpleLazyObject(lambda: _account(request)),
        "announcements": SimpleLazyObject(lambda: told(request)),
    }


def _groups(user: Any) -> str:
    return ", ".join(user.directory_groups) or gettext("in no directory group")


def _account(request: HttpRequest) -> dict[str, Any]:
    """Name, short name, groups, and the number of requests that wait for this person's yes."""
    user: Any = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {}
    admin = permissions.is_platform_admin(user)
    waiting = permissions.to_decide(user).count()
    return {
        "name": user.get_username(),
        "short": user.first_name or user.get_username().partition("@")[0].capitalize(),
        "says": gettext("Platform team") if admin else _groups(user),
        "waiting": waiting,
        "admin": admin,
    }
