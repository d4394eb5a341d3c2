"""Addresses of the platform team's pages, mounted at /platform/."""

from django.urls import path

from projects import (
    announcement_views,
    bulk_views,
    ending_views,
    platform_views,
    scorecard_views,
    seeing_views,
    template_views,
)

app_name = "platform"

urlpatterns = [
    path("", platform_views.fleet, name="fleet"),
    path("live/", platform_views.live, name="live"),
    path("stuck/", platform_views.stuck, name="stuck"),
    path("drift/", platform_views.drift, name="drift"),
    path("templates/", template_views.templates, name="templates"),
    path("scorecard/", scorecard_views.fleet, name="scorecard"),
    path("tables/", platform_views.table, name="table"),
    path("actions/", bulk_views.actions, name="actions"),
    path("actions/runs/", bulk_views.runs, name="runs"),
    path("actions/<int:run>/", bulk_views.run_page, name="run"),
    path("actions/<int:run>/live/", bulk_views.run_live, name="run-live"),
    path("actions/<int:run>/turn/", bulk_views.run_turn, name="run-turn"),
    path("see-as/", seeing_views.see_as, name="see-as"),
    path("see-as/end/", seeing_views.end, name="see-as-end"),
    path("access/", ending_views.access, name="access"),
    path("announcements/", announcement_views.announcements, name="announcements"),
    path("announcements/new/", announcement_views.new, name="new-announcement"),
    path("announcements/<int:announcement>/", announcement_views.announcement, name="announcement"),
    path("announcements/<int:announcement>/end/", announcement_views.end, name="end-announcement"),
]
