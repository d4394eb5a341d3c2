"""AUTH_ADFS for both modes."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from django.core.exceptions import ImproperlyConfigured
from django_auth_adfs.config import provider_config

from portal.auth_settings import adfs_settings


def config(**changes: object) -> SimpleNamespace:
    values = {
        "adfs_server": "login.corp.example",
        "adfs_client_id": "slipway",
        "adfs_relying_party_id": "urn:slipway",
        "adfs_ca_bundle": "",
        "adfs_mode": "adfs",
        "adfs_tenant_id": "",
        "identity_tenant": "adfs",
        "adfs_platform_admin_group": "ml-platform",
        "secrets_dir": Path("secrets"),
    }
    return SimpleNamespace(**(values | changes))


COMMON = {
    "SETTINGS_CLASS": "portal.auth_directives.PortalSettings",
    "CLIENT_ID": "slipway",
    "CLIENT_SECRET_FILE": "secrets/adfs-client-secret",
    "CA_BUNDLE": True,
    "USERNAME_CLAIM": "upn",
    "CLAIM_MAPPING": {"first_name": "given_name", "last_name": "family_name", "email": "email"},
    "MIRROR_GROUPS": True,
    "CONFIG_RELOAD_INTERVAL": 1,
    "RETRIES": 0,
    "TIMEOUT": 5,
}


def test_settings_for_adfs() -> None:
    assert adfs_settings(config()) == COMMON | {
        "SERVER": "login.corp.example",
        "IDENTITY_TENANT": "adfs",
        "RELYING_PARTY_ID": "urn:slipway",
        "AUDIENCE": ["urn:slipway", "microsoft:identityserver:urn:slipway"],
        "GROUPS_CLAIM": "group",
    }


def test_settings_for_entra() -> None:
    assert adfs_settings(
        config(adfs_mode="entra", adfs_tenant_id="corp-tenant", identity_tenant="corp-tenant", adfs_ca_bundle="ca.pem")
    ) == COMMON | {
        "CA_BUNDLE": "ca.pem",
        "TENANT_ID": "corp-tenant",
        "IDENTITY_TENANT": "corp-tenant",
        "IDENTITY_HOST": "login.corp.example",
        "VERSION": "v2.0",
        "SCOPES": ["openid", "api://slipway/.default"],
        "RELYING_PARTY_ID": "slipway",
        "AUDIENCE": ["slipway", "api://slipway"],
        "GROUPS_CLAIM": "groups",
    }


@pytest.mark.parametrize("changes", [{"adfs_mode": "entra"}, {"adfs_relying_party_id": "slipway"}])
def test_settings_that_are_no_safe_login_are_refused(changes: dict[str, str]) -> None:
    with pytest.raises(ImproperlyConfigured):
        adfs_settings(config(**changes))


def test_the_environment_can_not_replace_our_certificates() -> None:
    assert provider_config.session.trust_env is False
