"""Addresses that forges and chats call, below /hooks/."""

from django.urls import path

from projects import chat_door, webhooks
from provisioning.channels import CHAT

urlpatterns = [
    path(f"{CHAT}/<str:channel>/", chat_door.receive, name="chat"),
    path("<str:forge>/<str:uid>/", webhooks.receive, name="hook"),
]
