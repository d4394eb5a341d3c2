"""Addresses of the API that belong to the building: tokens and the description. Mounted at /api/v1/."""

from django.urls import path

from portal import api_tokens, openapi

app_name = "portal-api"

urlpatterns = [
    path("tokens/", api_tokens.Tokens.as_view(), name="tokens"),
    path("tokens/<uuid:uid>/", api_tokens.TokenDetail.as_view(), name="token"),
    path("schema/", openapi.Description.as_view(), name="schema"),
]
