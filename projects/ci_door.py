"""The door for a project's CI: a token that is good for sending reports of that one project and for nothing else.

Wrong, rotated away, of another project, or no such project: one answer, so that nobody learns what there is.
"""

import hmac
from dataclasses import dataclass

from django.db.models.functions import Lower
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from projects.installation import Installation, installation
from projects.models import Project
from projects.overlaps import earlier_of
from provisioning import ci_token
from provisioning.errors import PermanentError

_REFUSED = (
    "This is no CI token of this project, or its time is over. "
    "The present one stands in the workspace, in the Secret slipway-ci."
)


@dataclass(frozen=True)
class Pipeline:
    """Who calls: the CI of a project. Not a person, and without any right of one."""

    project: Project
    is_authenticated: bool = True
    is_active: bool = True


class CiToken(BaseAuthentication):
    """`Authorization: Bearer slipci_…` at an address below one project."""

    def authenticate(self, request: Request) -> tuple[Pipeline, str]:
        """The project's CI. Raises AuthenticationFailed (401) for everything else, a missing credential included."""
        kind, _, text = get_authorization_header(request).decode("latin-1").partition(" ")
        slug = str(request.parser_context["kwargs"]["slug"])
        found = ci_token.parts(text.strip()) if kind.lower() == "bearer" else None
        project = _project(found, slug=slug) if found else None
        if found is None or project is None or not _holds(found, project, installation=installation()):
            raise AuthenticationFailed(_REFUSED)
        return Pipeline(project=project), "ci"

    def authenticate_header(self, request: Request) -> str:  # noqa: ARG002
        """WWW-Authenticate for answers with 401."""
        return 'Bearer realm="slipway"'


def _project(found: ci_token.Parts, *, slug: str) -> Project | None:
    rows = Project.objects.filter(uid=found.uid, deleted_at=None).alias(folded=Lower("slug"))
    return rows.filter(folded=slug).first()


def _holds(found: ci_token.Parts, project: Project, *, installation: Installation) -> bool:
    """Is it the present secret, or the one before that still works? Compares in constant time."""
    versions: dict[int, str | None] = {int(project.versions.get(ci_token.PURPOSE, 1)): project.key_id or None}
    before = earlier_of(project).get(ci_token.PURPOSE)
    if before is not None:
        versions[before.version] = before.key_id
    if found.version not in versions:
        return False
    try:
        secret = installation.key_ring.derive(
            uid=str(project.uid),
            purpose=ci_token.PURPOSE,
            version=found.version,
            key_id=versions[found.version],
        )
    except PermanentError:
        # The key that it came from left the key ring, and with it everything that was made from it.
        return False
    return hmac.compare_digest(secret, found.secret)
