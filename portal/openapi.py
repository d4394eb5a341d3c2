"""The API's description, made once per process, and what it says of credentials."""

from functools import cache
from typing import Any

from django.http import HttpResponse
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiJsonRenderer
from drf_spectacular.utils import extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request

from projects.api_base import Api
from projects.closed import Closed
from projects.payload import read_query


class DirectoryTokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # registers itself
    """A token of company login."""

    target_class = "portal.auth.AdfsBearer"
    name = "directory"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:  # noqa: ARG002
        """A bearer token that is a JWT."""
        return {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "An access token of AD FS or Entra ID for this portal.",
        }


class PortalTokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """A token of the portal."""

    target_class = "portal.tokens.PortalToken"
    name = "portal"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:  # noqa: ARG002
        """A bearer token of our own."""
        return {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "slip_…",
            "description": "A token made in the portal, with the scopes read or read and write.",
        }


class CiTokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """The token of a project's CI."""

    target_class = "projects.ci_door.CiToken"
    name = "ci"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:  # noqa: ARG002
        """A bearer token that is derived for one project."""
        return {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "slipci_…",
            "description": "SLIPWAY_TOKEN of the Secret slipway-ci in a project's workspace. It sends reports only.",
        }


class Description(Api):
    """OpenAPI 3.1. It tells how to ask, nothing about anybody's projects, so it needs no credential."""

    authentication_classes = []
    permission_classes = [AllowAny]

    @extend_schema(exclude=True)
    def get(self, request: Request) -> HttpResponse:
        """The description as JSON."""
        read_query(Closed, request)
        return HttpResponse(_description(), content_type="application/vnd.oai.openapi+json")


@cache
def _description() -> bytes:
    generator = SchemaGenerator()  # type: ignore[no-untyped-call]
    text: bytes = OpenApiJsonRenderer().render(generator.get_schema(request=None, public=True))  # type: ignore[no-untyped-call]
    return text
