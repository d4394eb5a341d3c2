"""Addresses of the pages for people."""

from django.urls import path

from projects import ask_views, directory_views, request_views, views

app_name = "projects"

urlpatterns = [
    path("", views.start, name="start"),
    path("help/", views.help_page, name="help"),
    path("projects/new/", ask_views.new, name="new"),
    path("projects/plan/", ask_views.plan, name="plan"),
    path("projects/names/", ask_views.names, name="names"),
    path("projects/<slug:slug>/", views.project, name="project"),
    path("projects/<slug:slug>/live/", views.live, name="live"),
    path("projects/<slug:slug>/edit/", ask_views.edit, name="edit"),
    path("projects/<slug:slug>/look/", views.look, name="look"),
    path("projects/<slug:slug>/retire/", views.retire, name="retire"),
    path("directory/", directory_views.directory_page, name="directory"),
    path("requests/", request_views.requests, name="requests"),
    path("requests/<int:number>/", request_views.request_page, name="request"),
    path("requests/<int:number>/approve/", request_views.approve, name="approve"),
    path("requests/<int:number>/reject/", request_views.reject, name="reject"),
    path("requests/<int:number>/withdraw/", request_views.withdraw, name="withdraw"),
]
