"""Addresses of the platform team's pages, mounted at /platform/."""

from django.urls import path

from projects import platform_views

app_name = "platform"

urlpatterns = [
    path("", platform_views.fleet, name="fleet"),
    path("live/", platform_views.live, name="live"),
    path("stuck/", platform_views.stuck, name="stuck"),
    path("drift/", platform_views.drift, name="drift"),
    path("tables/", platform_views.table, name="table"),
]
