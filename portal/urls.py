"""Table of contents of the site."""

from django.contrib import admin
from django.contrib.auth.decorators import login_not_required
from django.urls import include, path
from django.views.generic import RedirectView

from portal import account_views, health
from portal.auth_views import SignIn
from portal.break_glass import BreakGlass
from portal.put_away import put_away
from projects.api_reference import profile_schema

handler400 = "portal.errors.bad_request"
handler403 = "portal.errors.permission_denied"
handler404 = "portal.errors.page_not_found"
handler500 = "portal.errors.server_error"

urlpatterns = [
    path("healthz", health.alive, name="healthz"),
    path("readyz", health.ready, name="readyz"),
    path("oauth2/", include("portal.auth_urls")),
    path("sign-in/", SignIn.as_view(), name="sign-in"),
    path("break-glass/", BreakGlass.as_view(), name="break-glass"),
    path("account/", account_views.account, name="account"),
    path("account/display/", account_views.display, name="account-display"),
    path("account/tokens/", account_views.tokens, name="account-tokens"),
    path("account/tokens/<uuid:uid>/remove/", account_views.token, name="account-token"),
    path("account/sign-out-everywhere/", account_views.end_sessions, name="account-end-sessions"),
    path("announcements/<int:announcement>/put-away/", put_away, name="put-away"),
    path("api/v1/", include("projects.api_urls")),
    path("api/v1/", include("portal.api_urls")),
    path("profile.schema.json", profile_schema, name="profile-schema"),
    path("hooks/", include("projects.hook_urls")),
    # The admin's own password form has no limit on tries; there is one way in, and break-glass.
    path("admin/login/", login_not_required(RedirectView.as_view(pattern_name="sign-in", query_string=True))),
    path("admin/", admin.site.urls),
    path("platform/", include("projects.platform_urls")),
    path("", include("projects.urls")),
]
