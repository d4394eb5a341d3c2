"""Addresses of the platform team's part of the API, mounted at /api/v1/platform/."""

from django.urls import path

from projects import announcement_api, bulk_api, ending_api, platform_api, scorecard_api, seeing_api, template_api

urlpatterns = [
    path("fleet/", platform_api.Fleet.as_view(), name="platform-fleet"),
    path("stuck/", platform_api.StuckResources.as_view(), name="platform-stuck"),
    path("drift/", platform_api.Drifts.as_view(), name="platform-drift"),
    path("templates/", template_api.Templates.as_view(), name="platform-templates"),
    path("scorecard/", scorecard_api.FleetScorecard.as_view(), name="platform-scorecard"),
    path("runs/", bulk_api.Runs.as_view(), name="platform-runs"),
    path("runs/<int:run>/", bulk_api.RunDetail.as_view(), name="platform-run"),
    path("runs/<int:run>/items/", bulk_api.RunItems.as_view(), name="platform-run-items"),
    path("runs/<int:run>/start/", bulk_api.RunStart.as_view(), name="platform-run-start"),
    path("runs/<int:run>/pause/", bulk_api.RunPause.as_view(), name="platform-run-pause"),
    path("runs/<int:run>/stop/", bulk_api.RunStop.as_view(), name="platform-run-stop"),
    path("see-as/", seeing_api.SeeAs.as_view(), name="platform-see-as"),
    path("access/", ending_api.AccessChanges.as_view(), name="platform-access"),
    path("access/end/", ending_api.AccessEnd.as_view(), name="platform-end-access"),
    path("access/give-back/", ending_api.AccessBack.as_view(), name="platform-give-back-access"),
    path("announcements/", announcement_api.Announcements.as_view(), name="platform-announcements"),
    path(
        "announcements/<int:announcement>/", announcement_api.AnnouncementDetail.as_view(), name="platform-announcement"
    ),
    path(
        "announcements/<int:announcement>/end/",
        announcement_api.AnnouncementEnd.as_view(),
        name="platform-end-announcement",
    ),
]
