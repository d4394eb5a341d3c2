"""Credentials over REST: list, rotate, end the old one, be shown one. The rules are in `projects.credentials`."""

from datetime import datetime

from drf_spectacular.utils import extend_schema
from pydantic import BaseModel, Field
from rest_framework.request import Request
from rest_framework.response import Response

from projects import credentials
from projects.api_base import Api, person, plain, visible_project
from projects.closed import Closed
from projects.credentials import Held
from projects.idempotency import idempotent
from projects.installation import installation
from projects.models import Door
from projects.openapi import IDEMPOTENCY_KEY, answers
from projects.payload import read_body, read_query
from projects.reference_serializers import Nothing


class CredentialOut(BaseModel):
    """A credential, without itself."""

    purpose: str
    title: str
    version: int
    place: str = Field(description="Where it lives.")
    since: datetime = Field(description="When this version was asked for.")
    rotated_by: str = Field(description="Empty for the first version.")
    in_force: bool = Field(description="Found right everywhere. Until then the version before is what works.")
    earlier_until: datetime | None = Field(description="How long the version before works; null: it has ended.")
    old: bool = Field(description="Older than the platform team likes.")
    can_be_shown: bool = Field(description="False: only machines need it.")
    shown_to_you: datetime | None = Field(description="When you were shown this version; each is shown once.")

    @classmethod
    def of(cls, one: Held) -> "CredentialOut":
        """One credential of the list."""
        return cls(
            purpose=one.credential.purpose,
            title=one.credential.title,
            version=one.version,
            place=one.place,
            since=one.since,
            rotated_by=one.rotated_by,
            in_force=one.in_force,
            earlier_until=one.earlier_until,
            old=one.old,
            can_be_shown=one.can_be_shown,
            shown_to_you=one.shown_at,
        )


class CredentialList(BaseModel):
    """A project's credentials."""

    items: list[CredentialOut]


class Rotate(Closed):
    """How a credential is rotated."""

    end_old_now: bool = Field(default=False, description="The old one ends at once: it leaked, or nobody uses it.")


class CredentialShown(BaseModel):
    """A credential itself. `values` is in this answer only; null when the answer is given again."""

    purpose: str
    version: int
    values: dict[str, str] | None = Field(description="By the names of environment variables.")


class Credentials(Api):
    """What opens a project's things."""

    @extend_schema(
        operation_id="list_credentials",
        summary="List a project's credentials, without the secrets",
        tags=["credentials"],
        responses=answers({200: CredentialList}, 404),
    )
    def get(self, request: Request, slug: str) -> Response:
        """Every credential with its version, and whether the one before still works."""
        read_query(Closed, request)
        project = visible_project(request, slug)
        held = credentials.credentials_of(project, by=person(request), installation=installation())
        return Response(plain(CredentialList(items=[CredentialOut.of(one) for one in held])))


class RotateCredential(Api):
    """A new version."""

    @extend_schema(
        operation_id="rotate_credential",
        summary="Rotate a credential (owners, platform team)",
        description="The old one works on for a while where that is possible. 409 while an earlier rotation's does.",
        tags=["credentials"],
        parameters=[IDEMPOTENCY_KEY],
        request=Rotate,
        responses=answers({202: CredentialOut}, 403, 404, 409, body=True),
    )
    @idempotent
    def post(self, request: Request, slug: str, purpose: str) -> Response:
        """Ask for a new version; the engine makes it so at once."""
        read_query(Closed, request)
        project = visible_project(request, slug)
        said = read_body(Rotate, request)
        credentials.rotate(
            project,
            purpose,
            by=person(request),
            door=Door.API,
            installation=installation(),
            end_old_now=said.end_old_now,
        )
        return _as_it_is(request, slug, purpose)


class EndOldCredential(Api):
    """The end of the version before."""

    @extend_schema(
        operation_id="end_old_credential",
        summary="End the old version of a credential now (owners, platform team)",
        tags=["credentials"],
        parameters=[IDEMPOTENCY_KEY],
        request=Nothing,
        responses=answers({202: CredentialOut}, 403, 404, 409, body=True),
    )
    @idempotent
    def post(self, request: Request, slug: str, purpose: str) -> Response:
        """End it without waiting for its time."""
        read_query(Closed, request)
        project = visible_project(request, slug)
        read_body(Nothing, request)
        credentials.end_old(project, purpose, by=person(request), door=Door.API)
        return _as_it_is(request, slug, purpose)


class RevealCredential(Api):
    """The secret itself, once."""

    shown_once = ("values",)

    @extend_schema(
        operation_id="reveal_credential",
        summary="Be shown a credential (owners and editors); each version once to each person",
        tags=["credentials"],
        parameters=[IDEMPOTENCY_KEY],
        request=Nothing,
        responses=answers({200: CredentialShown}, 403, 404, 409, body=True),
    )
    @idempotent
    def post(self, request: Request, slug: str, purpose: str) -> Response:
        """Derive it, note who is shown it, answer. Nothing keeps it."""
        read_query(Closed, request)
        project = visible_project(request, slug)
        read_body(Nothing, request)
        shown = credentials.reveal(project, purpose, by=person(request), door=Door.API, installation=installation())
        body = CredentialShown(purpose=purpose, version=shown.version, values=dict(shown.values))
        return Response(plain(body), headers={"Cache-Control": "no-store"})


def _as_it_is(request: Request, slug: str, purpose: str) -> Response:
    project = visible_project(request, slug)
    held = credentials.credentials_of(project, by=person(request), installation=installation())
    found = next(one for one in held if one.credential.purpose == purpose)
    return Response(plain(CredentialOut.of(found)), status=202)
