"""Addresses of the API's domain part, mounted at /api/v1/. Tokens and the description are in `portal.api_urls`."""

from django.urls import include, path

from projects import (
    api,
    api_access,
    api_activity,
    api_deciding,
    api_reference,
    api_requests,
    api_succession,
    credential_api,
    directory_api,
    team_api,
    usage_api,
)

app_name = "api"

urlpatterns = [
    path("projects/", api.Projects.as_view(), name="projects"),
    path("projects/<slug:slug>/", api.ProjectDetail.as_view(), name="project"),
    path("projects/<slug:slug>/resources/", api.Resources.as_view(), name="resources"),
    path("projects/<slug:slug>/look/", api.Looks.as_view(), name="look"),
    path("projects/<slug:slug>/suspend/", api.Suspend.as_view(), name="suspend"),
    path("projects/<slug:slug>/resume/", api.Resume.as_view(), name="resume"),
    path("projects/<slug:slug>/members/", api.Members.as_view(), name="members"),
    path("projects/<slug:slug>/leave/", api_access.Leave.as_view(), name="leave"),
    path("projects/<slug:slug>/access/", api_access.Access.as_view(), name="access"),
    path("projects/<slug:slug>/access/<str:subject>/", api_access.AccessOf.as_view(), name="access-of"),
    path("projects/<slug:slug>/activity/", api_activity.Activity.as_view(), name="activity"),
    path("projects/<slug:slug>/events/", api.Events.as_view(), name="events"),
    path("projects/<slug:slug>/requests/", api.ProjectRequests.as_view(), name="project-requests"),
    path("projects/<slug:slug>/usage/", usage_api.ProjectUsage.as_view(), name="usage"),
    path("projects/<slug:slug>/credentials/", credential_api.Credentials.as_view(), name="credentials"),
    path(
        "projects/<slug:slug>/credentials/<slug:purpose>/rotate/",
        credential_api.RotateCredential.as_view(),
        name="rotate-credential",
    ),
    path(
        "projects/<slug:slug>/credentials/<slug:purpose>/end-old/",
        credential_api.EndOldCredential.as_view(),
        name="end-old-credential",
    ),
    path(
        "projects/<slug:slug>/credentials/<slug:purpose>/reveal/",
        credential_api.RevealCredential.as_view(),
        name="reveal-credential",
    ),
    path("projects/<slug:slug>/take-over/", api_succession.TakeOver.as_view(), name="take-over"),
    path("offers/", api_succession.Offers.as_view(), name="offers"),
    path("requests/", api_requests.Requests.as_view(), name="requests"),
    path("requests/<int:pk>/", api_requests.RequestDetail.as_view(), name="request"),
    path("requests/<int:pk>/approve/", api_requests.Approve.as_view(), name="approve"),
    path("requests/<int:pk>/reject/", api_requests.Reject.as_view(), name="reject"),
    path("requests/<int:pk>/withdraw/", api_requests.Withdraw.as_view(), name="withdraw"),
    path("requests/<int:pk>/changes/", api_deciding.AskForChanges.as_view(), name="ask-for-changes"),
    path("requests/<int:pk>/comments/", api_deciding.Comments.as_view(), name="comments"),
    path("requests/<int:pk>/revise/", api_deciding.Revise.as_view(), name="revise"),
    path("requests/decide/", api_deciding.DecideTogether.as_view(), name="decide-together"),
    path("requests/stand-ins/", api_deciding.StandIns.as_view(), name="stand-ins"),
    path("requests/stand-ins/<int:pk>/", api_deciding.StandInDetail.as_view(), name="stand-in"),
    path("plans/", api_reference.Plans.as_view(), name="plans"),
    path("teams/", api_reference.Teams.as_view(), name="teams"),
    path("teams/<slug:team>/", team_api.TeamDetail.as_view(), name="team"),
    path("targets/", api_reference.Targets.as_view(), name="targets"),
    path("directory/", directory_api.DirectorySearch.as_view(), name="directory"),
    path("directory/state/", directory_api.DirectoryState.as_view(), name="directory-state"),
    path("me/", api_reference.MeDetail.as_view(), name="me"),
    path("platform/", include("projects.platform_api_urls")),
]
