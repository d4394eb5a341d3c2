"""The portal's own tokens at the API's door: `Authorization: Bearer slip_…`.

One query finds token, person and groups. A token without the scope `write` may only read, whatever its person may do;
that is decided here, once, for every address.
"""

from datetime import datetime, timedelta

from django.db.models import Q
from django.utils import timezone
from knox.crypto import hash_token
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.request import Request

from portal.models import ApiToken, User, group_names

READING = ("GET", "HEAD", "OPTIONS")
# `last_used` is written at most this often, so that reading does not write.
GRAIN = timedelta(minutes=1)
_LONGEST = 200


class PortalToken(BaseAuthentication):
    """Looks at what AdfsBearer left: a bearer credential that is no JWT."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        """The person and the token; None when the call carries no bearer credential.

        Raises AuthenticationFailed (401), or PermissionDenied (403) when the token may not write.
        """
        parts = get_authorization_header(request).split()
        if not parts or parts[0].lower() != b"bearer":
            return None
        if len(parts) != 2 or len(parts[1]) > _LONGEST or not parts[1].isascii():
            raise AuthenticationFailed("Send one token: Authorization: Bearer slip_…")
        now = timezone.now()
        token = _token(parts[1].decode("ascii"), now=now)
        if token is None or not token.user.is_active:
            raise AuthenticationFailed("This token is not valid, or its time is over. Make a new one in the portal.")
        if request.method not in READING and "write" not in token.scopes:
            raise PermissionDenied(f"The token {token.name!r} may only read. Use one with the scope write.")
        if token.last_used is None or now - token.last_used > GRAIN:
            stale = Q(last_used=None) | Q(last_used__lte=now - GRAIN)
            ApiToken.objects.filter(stale, pk=token.pk).update(last_used=now)
        return token.user, token

    def authenticate_header(self, request: Request) -> str:  # noqa: ARG002
        """WWW-Authenticate for answers with 401."""
        return 'Bearer realm="slipway"'


def _token(text: str, *, now: datetime) -> ApiToken | None:
    found = (
        ApiToken.objects.filter(Q(expiry=None) | Q(expiry__gt=now), digest=hash_token(text))
        .select_related("user")
        .annotate(names=group_names(user="user_id"))
        .first()
    )
    if found is not None:
        found.user.directory_groups = tuple(found.names)
    return found
