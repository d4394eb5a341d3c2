"""What the settings need for company login (AD FS or Entra ID).

Imported by `portal.settings`, so nothing here may import django_auth_adfs: that package reads the settings when it is
imported. The backends and the class for API calls are in `portal.auth`, the pages in `portal.auth_views`.
"""

from typing import TYPE_CHECKING, Any

from django.core.exceptions import ImproperlyConfigured

if TYPE_CHECKING:
    from portal.config import Config

# Break-glass comes first: it must work while the identity provider is down.
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend", "portal.auth.CodeBackend"]


def adfs_settings(config: "Config") -> dict[str, Any]:
    """AUTH_ADFS for the mode in `config`.

    Keys of our own (IDENTITY_TENANT, IDENTITY_HOST, CLIENT_SECRET_FILE) are read by
    `portal.auth_directives.PortalSettings`. Raises ImproperlyConfigured when the values can't be a safe login.
    """
    common = {
        "SETTINGS_CLASS": "portal.auth_directives.PortalSettings",
        "CLIENT_ID": config.adfs_client_id,
        "CLIENT_SECRET_FILE": str(config.secrets_dir / "adfs-client-secret"),
        "CA_BUNDLE": config.adfs_ca_bundle or True,
        "USERNAME_CLAIM": "upn",
        "CLAIM_MAPPING": {"first_name": "given_name", "last_name": "family_name", "email": "email"},
        "MIRROR_GROUPS": True,
        # Signing keys roll over; an hour is the longest that a new one stays unknown.
        "CONFIG_RELOAD_INTERVAL": 1,
        # A repeated exchange of a code counts as theft, so nothing is sent twice.
        "RETRIES": 0,
        "TIMEOUT": 5,
    }
    if config.adfs_mode == "entra":
        if not config.adfs_tenant_id:
            raise ImproperlyConfigured("SLIPWAY_ADFS_TENANT_ID is empty. Entra mode needs the directory's tenant id.")
        api = f"api://{config.adfs_client_id}"
        return common | {
            "TENANT_ID": config.adfs_tenant_id,
            "IDENTITY_TENANT": config.identity_tenant,
            "IDENTITY_HOST": config.adfs_server,
            "VERSION": "v2.0",
            "SCOPES": ["openid", f"{api}/.default"],
            "RELYING_PARTY_ID": config.adfs_client_id,
            "AUDIENCE": [config.adfs_client_id, api],
            "GROUPS_CLAIM": "groups",
        }
    relying_party = config.adfs_relying_party_id
    if relying_party == config.adfs_client_id:
        raise ImproperlyConfigured(
            "SLIPWAY_ADFS_RELYING_PARTY_ID equals SLIPWAY_ADFS_CLIENT_ID. ID tokens would pass as access tokens then; "
            "give the relying party an identifier of its own, such as urn:slipway."
        )
    return common | {
        "SERVER": config.adfs_server,
        "IDENTITY_TENANT": config.identity_tenant,
        "RELYING_PARTY_ID": relying_party,
        # AD FS puts this prefix before identifiers that are no URL.
        "AUDIENCE": [relying_party, f"microsoft:identityserver:{relying_party}"],
        "GROUPS_CLAIM": "group",
    }


def provider_origin(config: "Config") -> str:
    """The origin of the identity provider, for form-action of the content security policy.

    Signing in and out are forms whose answer leads there, and browsers apply form-action to that redirect too.
    """
    return f"https://{config.adfs_server}"
