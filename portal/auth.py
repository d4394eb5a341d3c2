"""Company login: the backends of django-auth-adfs with the checks they lack, and the class for API calls.

Identity always comes from an access token that was issued for this portal. ID tokens are never looked at.
"""

import logging
import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import requests
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest
from django.utils.translation import gettext_noop
from django_auth_adfs.backend import AdfsBaseBackend
from django_auth_adfs.config import ConfigLoadError, provider_config
from django_auth_adfs.config import settings as adfs
from django_auth_adfs.exceptions import MFARequired
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import APIException, AuthenticationFailed
from rest_framework.request import Request

from portal import known_tokens
from portal.accounts import Person, SignInRefused, account_of, canonical_object_id, known_account
from portal.log_masks import NoCredentials
from portal.models import User
from projects import account_groups
from projects.listening import somebody_came
from provisioning.directory import is_object_id

if TYPE_CHECKING:
    from projects import permissions

log = logging.getLogger(__name__)

# requests prefers REQUESTS_CA_BUNDLE and CURL_CA_BUNDLE of the environment to the CA bundle we configure.
provider_config.session.trust_env = False

_library_log = logging.getLogger("django_auth_adfs")
_library_log.setLevel(logging.INFO)
_library_log.addFilter(NoCredentials())

# What `request.auth` is after a call with a token of the directory.
DIRECTORY_TOKEN = "directory"  # noqa: S105

_JWT_SHAPE = re.compile(rb"[\w-]+\.[\w-]+\.[\w-]*", re.ASCII)
_RETRY_LOAD = timedelta(minutes=1)
_LONGEST_GROUP_NAME = 150
_GUEST = gettext_noop(
    "You come from another organisation's directory, and guests are not let in here. "
    "Sign in with an account of this company."
)


class IdentityProviderUnavailable(Exception):
    """The identity provider did not answer, or answered with what cannot be used. Looking again later may help."""


class CodeRefused(SignInRefused):
    """The identity provider did not accept the code of this sign-in."""


def ready_provider() -> None:
    """Makes sure that addresses and signing keys of the identity provider are known.

    Keys that are known already stay in use while the provider is down. Raises IdentityProviderUnavailable when
    nothing usable is known.
    """
    try:
        provider_config.load_config()
    except (requests.RequestException, ConfigLoadError, RuntimeError, KeyError, ValueError) as error:
        log.error("the identity provider's metadata could not be read: %s: %s", type(error).__name__, error)
        if provider_config._config_timestamp is not None:
            # Otherwise each request would wait for the time-out again. The library's clock has no time zone.
            stale = timedelta(hours=adfs.CONFIG_RELOAD_INTERVAL)
            provider_config._config_timestamp = datetime.now() - stale + _RETRY_LOAD  # noqa: DTZ005
    # Without an issuer or keys the library would skip those checks instead of failing.
    if not (provider_config.signing_keys and provider_config.issuer and provider_config.token_endpoint):
        raise IdentityProviderUnavailable("the identity provider's metadata is not known")


class PersonBackend(AdfsBaseBackend):  # type: ignore[misc]  # the library has no types
    """What both ways in have in common: from a token to claims, from claims to an account."""

    def claims_of(self, access_token: str) -> dict[str, Any]:
        """The claims of a valid access token of a person of our own tenant.

        Raises PermissionDenied, or SignInRefused, which is one with words for the person.
        """
        claims = self.validate_access_token(access_token) or {}
        if not isinstance(claims.get("exp"), int | float):
            raise SignInRefused(gettext_noop("This token never expires, and such tokens are not accepted."))
        # Entra puts app roles into ID tokens too, and those of version 1.0 say so as AD FS's access tokens do.
        if not ("scp" in claims or (_is_adfs() and claims.get("ver") == "1.0")):
            raise SignInRefused(
                gettext_noop("This is not an access token for this portal. Send the access token, not the ID token.")
            )
        if _is_guest(claims):
            log.warning("a guest was refused (tid %s, idp %s)", claims.get("tid"), claims.get("idp"))
            raise SignInRefused(_GUEST)
        return claims

    def person_of(self, claims: dict[str, Any]) -> Person:
        """Who the claims speak of. Raises SignInRefused when they do not say it well enough."""
        return Person(
            tenant=adfs.IDENTITY_TENANT,
            object_id=canonical_object_id(str(claims.get("oid") or "")),
            upn=str(claims.get(adfs.USERNAME_CLAIM) or "").lower(),
        )

    def take_over(self, user: User, claims: dict[str, Any], access_token: str) -> None:
        """Writes names, groups and flags of the directory to the account; only what differs.

        Groups come from the rows of the last sync where those know the person, else from the token.
        """
        known = account_groups.groups_now(user.object_id)
        names = account_groups.clear(self.groups_of(claims, access_token)) if known is None else []
        fields = [*adfs.CLAIM_MAPPING, "is_staff", "group_ids"]
        before = [getattr(user, field) for field in fields]
        for field, claim in adfs.CLAIM_MAPPING.items():
            if claim in claims:
                longest = getattr(User._meta.get_field(field), "max_length", None)
                setattr(user, field, str(claims[claim] or "")[:longest])
        if known is None:
            user.group_ids = account_groups.ids_of(names)
            user.is_staff = account_groups.is_platform_team(names=names, ids=user.group_ids)
        with transaction.atomic():
            changed = [field for field, old in zip(fields, before, strict=True) if getattr(user, field) != old]
            if changed:
                user.save(update_fields=changed)
            if known is None:
                self.update_user_groups(user, names)
            else:
                account_groups.write(cast("permissions.Person", user), known)
        # The property was perhaps read before.
        user.__dict__.pop("directory_groups", None)

    def groups_of(self, claims: dict[str, Any], access_token: str) -> list[str]:
        """Names of the person's directory groups, sorted; asks Graph when the token had no room for them.

        What reads as an object id is one: AD FS sends names only, and whoever may make a group could call it so.
        """
        names = {str(name).strip() for name in self.process_user_groups(claims, access_token)}
        usable = {name for name in names if 0 < len(name) <= _LONGEST_GROUP_NAME and name.isprintable()}
        if _is_adfs():
            usable = {name for name in usable if not is_object_id(name)}
        if len(usable) < len(names):
            log.warning("%s directory groups have names we can't keep", len(names) - len(usable))
        return sorted(usable)

    def get_obo_access_token(self, access_token: str) -> str:
        """A token for Graph in exchange for the person's own. Raises as `_ms_request` does."""
        adfs.CLIENT_SECRET = _client_secret()
        token: str = super().get_obo_access_token(access_token)
        return token

    def get_group_memberships_from_ms_graph(self, obo_access_token: str) -> list[str]:
        """All groups from Graph, over all its pages: object ids, and the AD names of those that come from AD.

        Display names are left out: two groups may have the same. So are names that read as an object id.
        """
        address = f"https://{provider_config.msgraph_endpoint}/v1.0/me/transitiveMemberOf/microsoft.graph.group"
        url: str | None = address
        names: list[str] = []
        while url:
            # The token must go nowhere else, whatever a page names as the next one.
            if not url.startswith(address):
                raise IdentityProviderUnavailable("Graph named a next page on another host")
            headers = {"Authorization": f"Bearer {obo_access_token}"}
            page = self._ms_request(provider_config.session.get, url, headers=headers).json()
            for group in page.get("value", []):
                name = group.get("onPremisesSamAccountName") or ""
                names.extend(filter(None, (group.get("id"), "" if is_object_id(name.strip()) else name)))
            url = page.get("@odata.nextLink")
        return names

    def _ms_request(
        self, action: Any, url: str, data: dict[str, Any] | None = None, **kwargs: Any
    ) -> requests.Response:
        """One call to the identity provider. Its answers may quote what we sent, so they are not logged whole."""
        try:
            response: requests.Response = action(url, data=data, timeout=adfs.TIMEOUT, **kwargs)
            body = response.json()
        except (requests.RequestException, ValueError) as error:
            # The text of the error may hold the address, never the form.
            raise IdentityProviderUnavailable(f"{type(error).__name__} at {url}") from error
        if response.status_code == 200:
            return response
        fault = body.get("error", "") if isinstance(body, dict) else ""
        log.warning("the identity provider answered %s (%s)", response.status_code, fault)
        if response.status_code == 400 and str(body.get("error_description", "")).startswith("AADSTS50076"):
            raise MFARequired
        if response.status_code == 400:
            raise CodeRefused(
                gettext_noop("The identity provider did not accept this sign-in. It may be too old. Sign in again.")
            )
        raise IdentityProviderUnavailable(f"the identity provider answered {response.status_code} ({fault})")


class CodeBackend(PersonBackend):
    """Sign-in through the browser: changes a code, with the PKCE verifier, for an access token."""

    def authenticate(
        self,
        request: HttpRequest | None = None,
        authorization_code: str | None = None,
        code_verifier: str = "",
        **kwargs: Any,  # noqa: ARG002 - Django passes what other backends take
    ) -> User | None:
        """The account of the person who signed in; None when this is not a sign-in by code.

        Raises SignInRefused, MFARequired, or IdentityProviderUnavailable.
        """
        if not authorization_code or request is None:
            return None
        ready_provider()
        form = {
            "grant_type": "authorization_code",
            "client_id": adfs.CLIENT_ID,
            "client_secret": _client_secret(),
            "redirect_uri": provider_config.redirect_uri(request),
            "code": authorization_code,
            "code_verifier": code_verifier,
        }
        answer = self._ms_request(provider_config.session.post, provider_config.token_endpoint, form).json()
        access_token = answer.get("access_token", "")
        claims = self.claims_of(access_token)
        user, made = account_of(self.person_of(claims))
        if user.is_active:
            self.take_over(user, claims, access_token)
        if made:
            somebody_came()
        return user


class BearerBackend(PersonBackend):
    """An API call with an access token of the directory. AdfsBearer asks it directly; it opens no session."""

    def authenticate(
        self,
        request: HttpRequest | None = None,  # noqa: ARG002 - the signature Django asks for
        access_token: str | None = None,
        **kwargs: Any,  # noqa: ARG002
    ) -> User | None:
        """The account of the token's person; None when there is no token.

        Name, groups and flags follow the sign-in through the browser and the directory, so a known account is not
        written to. Somebody who was never here gets an account with the token's groups.
        Raises SignInRefused, PermissionDenied, MFARequired, or IdentityProviderUnavailable.
        """
        if not access_token:
            return None
        person = known_tokens.person_of(access_token, keys=provider_config.signing_keys or ())
        if person is not None and (user := known_account(person)) is not None:
            return user
        ready_provider()
        keys = provider_config.signing_keys
        claims = self.claims_of(access_token)
        person = self.person_of(claims)
        user = known_account(person)
        if user is None:
            user, made = account_of(person)
            if made:
                self.take_over(user, claims, access_token)
                somebody_came()
        known_tokens.remember(access_token, person, expires=float(claims["exp"]), keys=keys)
        return user


class IdentityProviderDown(APIException):
    """503: the token could not be checked. The caller should keep it and ask again."""

    status_code = 503
    default_detail = "Company login does not answer, so this token can't be checked. Try again in half a minute."
    default_code = "identity_provider_unavailable"
    wait = 30  # becomes Retry-After


class AdfsBearer(BaseAuthentication):
    """`Authorization: Bearer <JWT>`. Anything that does not look like a JWT is left to the portal's own tokens."""

    def authenticate(self, request: Request) -> tuple[User, str] | None:
        """The account and DIRECTORY_TOKEN, never the token itself; None when the call carries no JWT.

        Raises AuthenticationFailed (401) or IdentityProviderDown (503).
        """
        parts = get_authorization_header(request).split()
        if len(parts) != 2 or parts[0].lower() != b"bearer" or not _JWT_SHAPE.fullmatch(parts[1]):
            return None
        try:
            user = BearerBackend().authenticate(access_token=parts[1].decode("ascii"))
        except IdentityProviderUnavailable as error:
            log.error("a bearer token could not be checked: %s", error)
            raise IdentityProviderDown from error
        except SignInRefused as error:
            raise AuthenticationFailed(str(error)) from error
        except (PermissionDenied, MFARequired) as error:
            raise AuthenticationFailed("This token is not valid. Get a new one and try again.") from error
        if user is None or not user.is_active:
            raise AuthenticationFailed("Your account is switched off here. Ask the platform team.")
        return user, DIRECTORY_TOKEN

    def authenticate_header(self, request: Request) -> str:  # noqa: ARG002
        """WWW-Authenticate for answers with 401."""
        return 'Bearer realm="slipway"'


def _client_secret() -> str:
    """The secret this portal shows to the identity provider, read at each use so that it can be exchanged."""
    try:
        return Path(adfs.CLIENT_SECRET_FILE).read_text().strip()
    except OSError as error:
        log.error("the client secret for the identity provider can't be read: %s", error.strerror)
        raise IdentityProviderUnavailable("the client secret is missing") from error


def _is_adfs() -> bool:
    """Is the identity provider AD FS, and not Entra ID?"""
    return bool(adfs.TENANT_ID == "adfs")


def _is_guest(claims: dict[str, Any]) -> bool:
    """Whether the person is of another tenant. AD FS sends none by itself; where it is set up to, it must match."""
    adfs_mode = _is_adfs()
    ours = adfs.IDENTITY_TENANT
    home = claims.get("idp", claims.get("iss"))
    if adfs_mode and ours == "adfs":
        return bool(home != claims.get("iss"))
    tenant = claims.get("tid", ours if adfs_mode else None)
    return bool(tenant != ours or not (home == claims.get("iss") or ours in str(home)))
