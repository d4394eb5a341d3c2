"""Tokens of people's own, as a program on their machine gets them: by device code, from the stack's provider."""

import json
import ssl
import time
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin

import httpx
import jwt

from tests.contract.stack import eventually, folder, url

CLUSTER_CLIENT = "slipway-kubernetes"


class SignInRefusedByProvider(AssertionError):
    """The identity provider did not let this person in. The text is its page."""


def environment() -> dict[str, str]:
    """The variables of the stack's programs."""
    found: dict[str, str] = json.loads((folder() / "env.json").read_text())
    return found


def trust() -> ssl.SSLContext:
    """What the stack's servers show is trusted."""
    return ssl.create_default_context(cafile=str(folder() / "tls" / "ca.pem"))


def issuer(shape: str) -> str:
    """The issuer of one of the provider's two shapes: adfs or entra."""
    tenant = environment()["SLIPWAY_ADFS_TENANT_ID"]
    return f"https://{environment()['SLIPWAY_ADFS_SERVER']}/" + {"adfs": "adfs", "entra": f"{tenant}/v2.0"}[shape]


class Form(HTMLParser):
    """The first form of a page: its action, and its fields with their values."""

    def __init__(self, page: httpx.Response) -> None:
        super().__init__()
        self.action = str(page.url)
        self.fields: dict[str, str] = {}
        self._base = str(page.url)
        self.feed(page.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.action = urljoin(self._base, named.get("action", ""))
        elif tag == "input" and "name" in named:
            self.fields[named["name"]] = named.get("value", "")


def fill(http: httpx.Client, page: httpx.Response, **fields: str) -> httpx.Response:
    """Send the page's form with these fields, and follow to where it leads."""
    form = Form(page)
    return http.post(form.action, data={**form.fields, **fields}, follow_redirects=True)


def sign_in(http: httpx.Client, page: httpx.Response, account: str, password: str) -> httpx.Response:
    """Answer the provider's sign-in form. Raises SignInRefusedByProvider."""
    answer = fill(http, page, username=account, password=password)
    if answer.status_code != 200:
        raise SignInRefusedByProvider(f"{answer.status_code}: {answer.text}")
    return answer


def by_device(account: str, *, password: str = "", shape: str = "adfs", client: str = "slipway-cli") -> dict[str, Any]:
    """What the token endpoint gives a program of this person. Raises SignInRefusedByProvider."""
    with httpx.Client(verify=trust(), trust_env=False, timeout=30) as http:
        known = http.get(issuer(shape) + "/.well-known/openid-configuration").json()
        wish = {"client_id": client, "scope": "openid profile email offline_access"}
        started = http.post(known["device_authorization_endpoint"], data=wish).json()
        page = http.get(started["verification_uri"], follow_redirects=True)
        page = fill(http, page, user_code=started["user_code"])
        page = fill(http, page)
        sign_in(http, page, account, password or f"{account.partition('@')[0]}-pw")
        form = {
            "grant_type": "urn:ietf:params:oauth:grant-type:device_code",
            "device_code": started["device_code"],
            "client_id": client,
        }
        deadline = time.monotonic() + 20
        answer = http.post(known["token_endpoint"], data=form)
        while answer.status_code == 400 and answer.json()["error"] == "authorization_pending":
            assert time.monotonic() < deadline, "the device code was never granted"
            answer = http.post(known["token_endpoint"], data=form)
        assert answer.status_code == 200, answer.text
        tokens: dict[str, Any] = answer.json()
        return tokens


def claims(token: str) -> dict[str, Any]:
    """What the token says; its signature is not looked at."""
    said: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return said


_kept: dict[str, str] = {}


def for_cluster(person: str) -> str:
    """The ID token with which one of the sample people talks to the cluster; good for five minutes at least."""
    if person in _kept and claims(_kept[person])["exp"] > time.time() + 300:
        return _kept[person]
    token = _kept[person] = str(by_device(person, client=CLUSTER_CLIENT)["id_token"])
    # A cluster that has just been started looks for the issuer every ten seconds.
    eventually(lambda: groups_in_cluster(token) is not None, seconds=30)
    return token


def groups_in_cluster(token: str) -> list[str] | None:
    """The groups that the cluster takes this token's holder to be in; None where it does not take the token."""
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    with httpx.Client(base_url=url("kube-apiserver", scheme="https"), verify=trust(), trust_env=False) as http:
        path = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
        answer = http.post(path, json=review, headers={"Authorization": f"Bearer {token}"})
    if answer.status_code == 401:
        return None
    assert answer.status_code == 201, answer.text
    groups: list[str] = answer.json()["status"]["userInfo"]["groups"]
    return groups
