"""Tokens that nobody should be let in with: forged, of somebody else's, for something else, or not tokens at all."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Mapping
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django_auth_adfs.config import settings as adfs

from tests.portal.directory import ALICE, ISSUER, KEY, OTHER_KEY, TENANT, claims, token

EVIL = "https://evil.example"


def part(value: Any) -> str:
    """A part of a token: bytes as they are, all else as JSON."""
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def unsigned(algorithm: Any = "none", mark: str = "", **changes: object) -> str:
    return f"{part({'alg': algorithm, 'typ': 'JWT'})}.{part(claims(**changes))}.{mark}"


def by_secret(secret: bytes, algorithm: str = "HS256") -> str:
    """Signed by hand, because PyJWT refuses to take a public key for a secret."""
    signed = f"{part({'alg': algorithm, 'typ': 'JWT'})}.{part(claims())}"
    digest = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}[algorithm]
    return f"{signed}.{part(hmac.new(secret, signed.encode(), digest).digest())}"


def by_other_key(**headers: object) -> str:
    return jwt.encode(claims(), OTHER_KEY, algorithm="RS256", headers=headers)


def with_body(body: bytes) -> str:
    """Another body under the signature of a valid token."""
    head, _, mark = token().split(".")
    return f"{head}.{part(body)}.{mark}"


def signed_body(body: bytes) -> str:
    """Any body at all, signed with the right key."""
    signed = f"{part({'alg': 'RS256', 'typ': 'JWT'})}.{part(body)}"
    mark = jwt.algorithms.RSAAlgorithm(jwt.algorithms.RSAAlgorithm.SHA256).sign(signed.encode(), KEY)
    return f"{signed}.{part(mark)}"


def with_flipped_bit() -> str:
    head, body, mark = token().split(".")
    raw = bytearray(base64.urlsafe_b64decode(mark + "=="))
    raw[7] ^= 1
    return f"{head}.{body}.{part(bytes(raw))}"


def public_key(encoding: Encoding, form: PublicFormat) -> bytes:
    return KEY.public_key().public_bytes(encoding, form)


def own_jwk() -> dict[str, Any]:
    jwk: dict[str, Any] = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(OTHER_KEY.public_key()))
    return jwk


def now() -> int:
    return int(time.time())


PEM, DER = Encoding.PEM, Encoding.DER
INFO, PKCS1 = PublicFormat.SubjectPublicKeyInfo, PublicFormat.PKCS1
_CLAIMS_AND_PAULA = (
    json.dumps(claims())[:-1] + ', "upn": "paula@corp.example", "oid": "0a11ce00-0000-4000-8000-00000000000a"}'
)

FORGERIES: Mapping[str, Callable[[], str]] = {
    # Not signed, or signed with what everybody knows.
    "alg none": unsigned,
    "alg None": lambda: unsigned("None"),
    "alg NONE": lambda: unsigned("NONE"),
    "alg empty": lambda: unsigned(""),
    "alg null": lambda: unsigned(None),
    "alg is a list": lambda: unsigned(["none", "RS256"]),
    "alg none with a signature": lambda: unsigned(mark=token().rsplit(".", 1)[1]),
    "alg RS256 without a signature": lambda: unsigned("RS256"),
    "public key (PEM) as secret": lambda: by_secret(public_key(PEM, INFO)),
    "public key (PKCS1) as secret": lambda: by_secret(public_key(PEM, PKCS1)),
    "public key (DER) as secret": lambda: by_secret(public_key(DER, INFO)),
    "public key as secret, HS512": lambda: by_secret(public_key(PEM, INFO), "HS512"),
    "empty secret": lambda: by_secret(b""),
    "client id as secret": lambda: by_secret(adfs.CLIENT_ID.encode()),
    # Signed by somebody else.
    "other key": by_other_key,
    "other key, unknown kid": lambda: by_other_key(kid="nobody"),
    "other key, kid is a path": lambda: by_other_key(kid="../../../../dev/null"),
    "other key in the header (jwk)": lambda: by_other_key(jwk=own_jwk()),
    "address of other keys (jku)": lambda: by_other_key(jku=f"{EVIL}/keys"),
    "address of another certificate (x5u)": lambda: by_other_key(x5u=f"{EVIL}/certificate.pem"),
    "another certificate in the header (x5c)": lambda: by_other_key(x5c=["MIIB"]),
    "other key, critical header": lambda: by_other_key(crit=["exp"]),
    "elliptic key": lambda: jwt.encode(claims(), ec.generate_private_key(ec.SECP256R1()), algorithm="ES256"),
    "Edwards key": lambda: jwt.encode(claims(), ed25519.Ed25519PrivateKey.generate(), algorithm="EdDSA"),
    "right key, another padding (PS256)": lambda: token(algorithm="PS256"),
    # Changed after signing.
    "another person": lambda: with_body(json.dumps(claims(upn="paula@corp.example")).encode()),
    "a name twice": lambda: with_body(_CLAIMS_AND_PAULA.encode()),
    "a bit of the signature": with_flipped_bit,
    "signature cut short": lambda: token()[:-20],
    "signature cut off": lambda: token().rsplit(".", 1)[0] + ".",
    "signature of another token": lambda: ".".join(
        [*token().split(".")[:2], token(upn="bob@corp.example").split(".")[2]]
    ),
    # Not for us, not from ours.
    "other audience": lambda: token(aud="urn:other"),
    "other audiences": lambda: token(aud=["urn:other", "urn:another"]),
    "audience that begins like ours": lambda: token(aud=f"{adfs.AUDIENCE[0]}.evil"),
    "no audience": lambda: token(aud=None),
    "other issuer": lambda: token(iss=f"{EVIL}/adfs/services/trust"),
    "issuer that begins like ours": lambda: token(iss=f"{ISSUER}.evil.example"),
    "no issuer": lambda: token(iss=None),
    "guest's home": lambda: token(idp="https://other.example/adfs"),
    "ID token": lambda: token(scp=None, ver=None),
    "ID token for the client": lambda: token(aud=adfs.CLIENT_ID, scp=None, ver=None, nonce="n"),
    # Not now.
    "no expiry": lambda: token(exp=None),
    "expired": lambda: token(exp=now() - 1),
    "expired long ago": lambda: token(exp=0),
    "expiry in words": lambda: token(exp="never"),
    "expiry as a text of digits": lambda: token(exp=str(now() + 3600)),
    "expiry true": lambda: token(exp=True),
    "expiry endless": lambda: signed_body(json.dumps(claims(exp=float("inf"))).encode()),
    "not yet valid": lambda: token(nbf=now() + 600),
    "valid from the far future": lambda: token(nbf=4_102_444_800),
    "issued tomorrow": lambda: token(iat=now() + 86_400),
    # Of nobody.
    "program without a person": lambda: token(upn=None),
    "name without a domain": lambda: token(upn="alice"),
    "name that was moved aside": lambda: token(upn=f"alice@corp.example#{ALICE}"),
    "no object id": lambda: token(oid=None),
    "empty object id": lambda: token(oid=""),
    "object ids": lambda: token(oid=[ALICE]),
    "object id with a line break": lambda: token(oid=f"{ALICE}\nx"),
    "object id too long": lambda: token(oid="a" * 65),
    # Not a token.
    "claims are a list": lambda: signed_body(b"[]"),
    "claims are a number": lambda: signed_body(b"7"),
    "claims are not JSON": lambda: signed_body(b"upn=alice"),
    "claims are not UTF-8": lambda: signed_body(b'{"upn": "\xff"}'),
    "header is not JSON": lambda: f"{part(b'RS256')}.{part(claims())}.{part(b'x')}",
    "header is a list": lambda: f"{part([])}.{part(claims())}.{part(b'x')}",
    "two parts": lambda: token().rsplit(".", 1)[0],
    "four parts": lambda: token() + ".e30",
    "encrypted (five parts)": lambda: ".".join([part({"alg": "dir", "enc": "A256GCM"}), "", "AA", "AA", "AA"]),
    "a token in a token": lambda: signed_body(token().encode()),
    "very long": lambda: "A" * 40_000 + "." + "A" * 40_000 + ".A",
    "deeply nested": lambda: signed_body(b"[" * 20_000 + b"]" * 20_000),
}


def id_token_of_entra(**changes: object) -> str:
    """Entra issues it for the client id, which is the API's audience too."""
    usual = {"aud": adfs.CLIENT_ID, "tid": TENANT, "scp": None, "ver": "2.0", "nonce": "n"}
    return token(**usual | changes)


FORGERIES_IN_ENTRA: Mapping[str, Callable[[], str]] = {
    "ID token": id_token_of_entra,
    "ID token with app roles": lambda: id_token_of_entra(roles=["Projects.Read"]),
    "ID token of version 1.0": lambda: id_token_of_entra(ver="1.0"),
    "ID token of version 1.0 with app roles": lambda: id_token_of_entra(ver="1.0", roles=["Projects.Read"]),
    "program with app roles": lambda: id_token_of_entra(upn=None, roles=["Projects.Read"], idtyp="app", nonce=None),
    "program that says it has scopes": lambda: id_token_of_entra(upn=None, scp="read", nonce=None),
    "another tenant's access token": lambda: id_token_of_entra(tid="other-tenant", scp="read"),
}
