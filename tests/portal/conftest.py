"""An identity provider that the portal knows, and one that is away, for tests that need no server."""

import socket

import pytest
from django_auth_adfs.config import provider_config
from django_auth_adfs.config import settings as adfs

from tests.portal.directory import ISSUER, KEY, TENANT


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> None:
    """The portal knows an identity provider whose key is KEY, as after reading its metadata."""
    for name, value in {
        "signing_keys": [KEY.public_key()],
        "issuer": ISSUER,
        "authorization_endpoint": "https://login.corp.example/adfs/oauth2/authorize",
        "token_endpoint": "https://login.corp.example/adfs/oauth2/token",
        "end_session_endpoint": "https://login.corp.example/adfs/oauth2/logout",
        "_mode": "openid_connect",
        "load_config": lambda: None,
    }.items():
        monkeypatch.setattr(provider_config, name, value)


@pytest.fixture
def entra(provider: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """That provider is Entra ID, where client and API are one registration."""
    monkeypatch.setattr(adfs, "IDENTITY_TENANT", TENANT)
    monkeypatch.setattr(adfs, "TENANT_ID", TENANT)
    monkeypatch.setattr(adfs, "AUDIENCE", [adfs.CLIENT_ID, f"api://{adfs.CLIENT_ID}"])


@pytest.fixture
def provider_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing listens where the identity provider should be, and the portal has never seen it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    monkeypatch.setattr(adfs, "SERVER", f"127.0.0.1:{port}")
    for name in ("signing_keys", "issuer", "token_endpoint", "_config_timestamp"):
        monkeypatch.setattr(provider_config, name, None)
