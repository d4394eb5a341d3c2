"""Addresses that forges and chats call, below /hooks/."""

from django.urls import path

from projects import chat_door, webhooks

urlpatterns = [
    path("chat/<str:channel>/", chat_door.receive, name="chat"),
    path("<str:forge>/<str:uid>/", webhooks.receive, name="hook"),
]
