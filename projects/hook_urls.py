"""Addresses that forges call, below /hooks/."""

from django.urls import path

from projects import webhooks

urlpatterns = [
    path("<str:forge>/<str:uid>/", webhooks.receive, name="hook"),
]
