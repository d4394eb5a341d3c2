"""Addresses of the pages for people."""

from django.urls import path

from projects import (
    activity_views,
    ask_views,
    credential_views,
    directory_views,
    notice_views,
    people_change_views,
    people_views,
    project_views,
    request_views,
    settings_views,
    start_views,
    succession_views,
    team_views,
    usage_views,
)

app_name = "projects"

urlpatterns = [
    path("", start_views.start, name="start"),
    path("account/notices/", notice_views.notices, name="notices"),
    path("account/notices/read/", notice_views.read, name="read-notices"),
    path("account/notifications/", notice_views.notifications, name="notifications"),
    path("help/", start_views.help_page, name="help"),
    path("projects/new/", ask_views.new, name="new"),
    path("projects/plan/", ask_views.plan, name="plan"),
    path("projects/names/", ask_views.names, name="names"),
    path("projects/<slug:slug>/", project_views.project, name="project"),
    path("projects/<slug:slug>/live/", project_views.live, name="live"),
    path("projects/<slug:slug>/look/", project_views.look, name="look"),
    path("projects/<slug:slug>/resources/", project_views.resources, name="resources"),
    path("projects/<slug:slug>/people/", people_views.people, name="people"),
    path("projects/<slug:slug>/people/change/", people_change_views.change_people, name="change-people"),
    path("projects/<slug:slug>/leave/", people_change_views.leave_page, name="leave"),
    path("projects/<slug:slug>/usage/", usage_views.usage_page, name="usage"),
    path("projects/<slug:slug>/credentials/", credential_views.credentials_page, name="credentials"),
    path("projects/<slug:slug>/credentials/<slug:purpose>/rotate/", credential_views.rotate, name="rotate-credential"),
    path(
        "projects/<slug:slug>/credentials/<slug:purpose>/end-old/", credential_views.end_old, name="end-old-credential"
    ),
    path("projects/<slug:slug>/credentials/<slug:purpose>/reveal/", credential_views.reveal, name="reveal-credential"),
    path("projects/<slug:slug>/activity/", activity_views.activity_page, name="activity"),
    path("projects/<slug:slug>/settings/", settings_views.settings_page, name="settings"),
    path("projects/<slug:slug>/edit/", ask_views.edit, name="edit"),
    path("projects/<slug:slug>/retire/", settings_views.retire, name="retire"),
    path("teams/", team_views.team_list, name="teams"),
    path("teams/<slug:team>/", team_views.team, name="team"),
    path("teams/<slug:team>/edit/", team_views.team_edit, name="team-edit"),
    path("projects/<slug:slug>/take-over/", succession_views.take_over, name="take-over"),
    path("directory/", directory_views.directory_page, name="directory"),
    path("requests/", request_views.requests, name="requests"),
    path("requests/decide/", request_views.decide_together, name="decide-together"),
    path("requests/stand-ins/", request_views.stand_in_page, name="stand-ins"),
    path("requests/stand-ins/<int:number>/end/", request_views.end_stand_in, name="end-stand-in"),
    path("requests/<int:number>/", request_views.request_page, name="request"),
    path("requests/<int:number>/edit/", ask_views.revise, name="revise"),
    path("requests/<int:number>/say/", request_views.say, name="say"),
    path("requests/<int:number>/approve/", request_views.approve, name="approve"),
    path("requests/<int:number>/reject/", request_views.reject, name="reject"),
    path("requests/<int:number>/changes/", request_views.ask_for_changes, name="ask-for-changes"),
    path("requests/<int:number>/withdraw/", request_views.withdraw, name="withdraw"),
]
