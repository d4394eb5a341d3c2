"""What the tests of company login share: a signing key the portal is told to trust, and what it says of alice."""

import time

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from django_auth_adfs.config import settings as adfs

from portal.accounts import Person

ISSUER = "http://localhost/adfs/services/trust"
TENANT = "corp-tenant"
"""The installation's own, where the provider is Entra ID."""
ALICE = "0a11ce00-0000-4000-8000-000000000001"
NEWCOMER = "0a11ce00-0000-4000-8000-0000000000ff"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def claims(**changes: object) -> dict[str, object]:
    """What the provider says of alice; a change to None leaves the claim out."""
    now = int(time.time())
    usual = {
        "iss": ISSUER,
        "aud": adfs.AUDIENCE[0],
        "iat": now,
        "exp": now + 3600,
        "ver": "1.0",
        "scp": "openid",
        "upn": "Alice@corp.example",
        "oid": ALICE,
        "tid": adfs.IDENTITY_TENANT,
        "given_name": "Alice",
        "family_name": "Andersson",
        "email": "alice@corp.example",
        adfs.GROUPS_CLAIM: ["ml-users", "ml-forecasting"],
    }
    return {name: value for name, value in (usual | changes).items() if value is not None}


def token(*, key: object = KEY, algorithm: str = "RS256", **changes: object) -> str:
    return jwt.encode(claims(**changes), key, algorithm=algorithm)  # type: ignore[arg-type]


def alice() -> Person:
    return Person(tenant="corp", object_id=ALICE, upn="alice@corp.example")
