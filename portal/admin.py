"""Accounts, groups and tokens, to read: the directory owns the first two, their owners the tokens."""

from django.contrib import admin
from django.contrib.auth.models import Group

from portal.models import ApiToken, User
from provisioning.admin import ReadOnly


@admin.register(User)
class UserAdmin(ReadOnly):
    """Everybody who has signed in, and the break-glass accounts."""

    list_display = ("username", "first_name", "email", "is_active", "is_staff", "is_superuser", "last_login", "left_at")
    search_fields = ("username", "first_name", "last_name", "email", "object_id")
    list_filter = ("is_active", "is_staff", "is_superuser")
    # A digest of the password is nobody's to read, and there are no permissions but those of `projects.permissions`.
    exclude = ("password", "user_permissions")


@admin.register(ApiToken)
class ApiTokenAdmin(ReadOnly):
    """Tokens without what they are."""

    list_display = ("user", "name", "scopes", "created", "expiry", "last_used")
    search_fields = ("user__username", "name", "uid")
    list_select_related = ("user",)
    exclude = ("digest", "token_key")


# Django registers groups to be edited; here the directory says who is in which.
admin.site.unregister(Group)


@admin.register(Group)
class GroupAdmin(ReadOnly):
    """Groups of the directory that somebody who has signed in is in."""

    search_fields = ("name",)
    exclude = ("permissions",)
