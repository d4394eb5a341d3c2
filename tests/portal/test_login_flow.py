"""Company login against the real identity provider of the stack: its pages, its codes, its tokens.

The portal's half runs in this process (Django's test client on the test database), so that the provider's answers can
be followed to the account they lead to.
"""

import base64
import hashlib
import json
import logging
import os
import re
import secrets
import socket
import ssl
import time
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

import httpx
import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from django_auth_adfs.config import provider_config
from django_auth_adfs.config import settings as adfs
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory

from portal.auth import DIRECTORY_TOKEN, AdfsBearer, ready_provider
from portal.auth_views import PENDING_KEY
from portal.models import User

SERVER = os.environ.get("SLIPWAY_ADFS_SERVER", "")
PUBLIC_URL = os.environ.get("SLIPWAY_PUBLIC_URL", "")
CALLBACK = f"{PUBLIC_URL}/oauth2/callback"


def _missing() -> str:
    """Why these tests can't run here; "" when they can."""
    if not (SERVER and PUBLIC_URL):
        return "SLIPWAY_ADFS_SERVER and SLIPWAY_PUBLIC_URL are not set: start with ./dev test"
    host, _, port = SERVER.partition(":")
    try:
        socket.create_connection((host, int(port or 443)), timeout=2).close()
    except OSError as error:
        return f"the identity provider at {SERVER} does not answer: {error}"
    return ""


pytestmark = [pytest.mark.django_db, pytest.mark.skipif(bool(_missing()), reason=_missing() or "-")]


class _Form(HTMLParser):
    """The first form of a page: its action and its fields; and what is said in an alert."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.action = ""
        self.fields: dict[str, str] = {}
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.action = named.get("action", "")
        elif tag == "input" and "name" in named:
            self.fields[named["name"]] = named.get("value", "")


class Browser:
    """A browser at the identity provider. It has its own cookies and shows one page at a time."""

    def __init__(self) -> None:
        bundle = os.environ.get("SLIPWAY_ADFS_CA_BUNDLE")
        # httpx would not look for the certificates of the environment once it is given a context.
        trust = ssl.create_default_context(cafile=bundle or None)
        self.http = httpx.Client(verify=trust, trust_env=False)
        self.page = httpx.Response(204)

    def open(self, address: str) -> str:
        """Follows `address`; the address at the portal it ends at, or "" when a page of the provider is shown."""
        return self._follow(self.http.get(address))

    def send(self, **fields: str) -> str:
        """Fills the form that is shown and sends it; answers as `open`."""
        form = _Form(self.page.text)
        address = urljoin(str(self.page.url), form.action)
        return self._follow(self.http.post(address, data=form.fields | fields))

    def _follow(self, page: httpx.Response) -> str:
        while page.is_redirect:
            place = urljoin(str(page.url), page.headers["location"])
            if place.startswith(PUBLIC_URL):
                return place
            page = self.http.get(place)
        self.page = page
        return ""

    def sign_in(self, name: str, password: str = "") -> str:
        """Answers the sign-in form as one of the people of the stack."""
        return self.send(username=f"{name}@corp.example", password=password or f"{name}-pw")


@pytest.fixture
def browser() -> Iterator[Browser]:
    shown = Browser()
    yield shown
    shown.http.close()


@pytest.fixture
def portal() -> Client:
    """The portal, asked under its public name, because the provider sends people back to that one only."""
    return Client(headers={"host": urlsplit(PUBLIC_URL).netloc})


def begin(portal: Client, *, next_page: str = "/") -> str:
    """Begins a sign-in; the provider's address it leads to."""
    answer = portal.get(reverse("django_auth_adfs:login"), {"next": next_page})
    assert answer.status_code == 302, answer.content.decode()
    return str(answer["Location"])


def back(portal: Client, address: str):  # type: ignore[no-untyped-def]
    """Goes to `address`, where the provider sent the browser."""
    assert address.startswith(CALLBACK), address
    return portal.get(address.removeprefix(PUBLIC_URL))


def signed_in_as(portal: Client) -> str:
    """User name of the session, "" when nobody is signed in."""
    key = portal.session.get("_auth_user_id")
    return str(User.objects.get(pk=key).username) if key else ""


def discovery() -> dict[str, str]:
    """What the provider says of itself, in the shape that the portal uses."""
    shape = f"{adfs.TENANT_ID}/v2.0" if adfs.TENANT_ID != "adfs" else "adfs"
    with Browser().http as http:
        answer: dict[str, str] = http.get(f"https://{SERVER}/{shape}/.well-known/openid-configuration").json()
    return answer


def ask_api(token: str):  # type: ignore[no-untyped-def]
    """What an API call with this bearer token is taken for."""
    request = APIRequestFactory().get("/api/v1/", headers={"Authorization": f"Bearer {token}"})
    return AdfsBearer().authenticate(Request(request))


# ---- the browser ----


@pytest.mark.parametrize(
    ("name", "full_name", "groups", "is_staff"),
    [
        ("alice", "Alice Andersson", ("ml-forecasting", "ml-users"), False),
        ("paula", "Paula Persson", ("ml-platform", "ml-users"), True),
    ],
)
def test_people_sign_in_and_bring_their_groups(
    portal: Client, browser: Browser, name: str, full_name: str, groups: tuple[str, ...], is_staff: bool
) -> None:
    address = begin(portal, next_page="/projects/?page=2")
    key = portal.session.session_key
    assert browser.open(address) == ""
    answer = back(portal, browser.sign_in(name))
    assert (answer.status_code, answer["Location"]) == (302, "/projects/?page=2")
    assert portal.session.session_key != key, "the session must get a new key at sign-in"
    assert portal.session.get(PENDING_KEY) == {}
    user = User.objects.get()
    assert (user.username, user.get_full_name(), user.email, user.directory_groups) == (
        f"{name}@corp.example",
        full_name,
        f"{name}@corp.example",
        groups,
    )
    assert (user.is_staff, user.is_superuser, user.has_usable_password()) == (is_staff, False, False)
    assert (user.tenant, len(user.object_id)) == (adfs.IDENTITY_TENANT, 36)


def test_groups_follow_the_next_sign_in(portal: Client, browser: Browser) -> None:
    browser.open(begin(portal))
    back(portal, browser.sign_in("alice"))
    user = User.objects.get()
    user.groups.clear()
    User.objects.update(is_staff=True, first_name="Old")
    # The provider knows this browser, so it asks for no password.
    assert back(portal, browser.open(begin(portal))).status_code == 302
    again = User.objects.get()
    assert (again.pk, again.first_name, again.is_staff, again.directory_groups) == (
        user.pk,
        "Alice",
        False,
        ("ml-forecasting", "ml-users"),
    )


def test_a_wrong_password_is_said_so_and_a_second_try_works(portal: Client, browser: Browser) -> None:
    browser.open(begin(portal))
    assert browser.sign_in("alice", "wrong") == ""
    assert (browser.page.status_code, "The user name or the password is wrong." in browser.page.text) == (401, True)
    assert signed_in_as(portal) == ""
    back(portal, browser.sign_in("alice"))
    assert signed_in_as(portal) == "alice@corp.example"


def test_the_sign_in_page_needs_no_script_and_has_labels(portal: Client, browser: Browser) -> None:
    browser.open(begin(portal))
    page = browser.page.text
    assert "<script" not in page
    assert set(re.findall(r'<label for="(\w+)"', page)) == {"username", "password"}
    assert "no-store" in browser.page.headers["cache-control"]


def test_a_code_is_worth_nothing_in_another_browser(portal: Client, browser: Browser) -> None:
    browser.open(begin(portal))
    stolen = browser.sign_in("paula")
    victim = Client(headers={"host": urlsplit(PUBLIC_URL).netloc})
    begin(victim)
    assert back(victim, stolen).status_code == 400
    # Not even when the thief's own state is written over the one in the address: the verifier is another one.
    (state,) = victim.session[PENDING_KEY]
    code = parse_qs(urlsplit(stolen).query)["code"][0]
    assert back(victim, f"{CALLBACK}?{urlencode({'code': code, 'state': state})}").status_code == 400
    assert signed_in_as(victim) == ""


def test_a_code_works_once(portal: Client, browser: Browser) -> None:
    browser.open(begin(portal))
    address = browser.sign_in("alice")
    assert back(portal, address).status_code == 302
    assert back(portal, address).status_code == 400
    begin(portal)
    (state,) = portal.session[PENDING_KEY]
    code = parse_qs(urlsplit(address).query)["code"][0]
    answer = back(portal, f"{CALLBACK}?{urlencode({'code': code, 'state': state})}")
    assert (answer.status_code, "Sign in again" in answer.content.decode()) == (400, True)


def test_a_session_gets_a_new_key_at_sign_in(portal: Client, browser: Browser) -> None:
    browser.open(begin(portal))
    planted = portal.session.session_key
    back(portal, browser.sign_in("alice"))
    assert signed_in_as(portal) == "alice@corp.example"
    assert portal.session.session_key != planted
    thief = Client(headers={"host": urlsplit(PUBLIC_URL).netloc})
    thief.cookies[settings.SESSION_COOKIE_NAME] = str(planted)
    assert signed_in_as(thief) == ""
    assert thief.get("/").status_code == 302


def test_of_two_sign_ins_each_state_takes_its_own_code_only(portal: Client, browser: Browser) -> None:
    first = begin(portal, next_page="/help/")
    second = begin(portal, next_page="/requests/")
    states = [parse_qs(urlsplit(address).query)["state"][0] for address in (first, second)]
    browser.open(first)
    address = browser.sign_in("alice")
    code = parse_qs(urlsplit(address).query)["code"][0]
    answer = back(portal, f"{CALLBACK}?{urlencode({'code': code, 'state': states[1]})}")
    assert (answer.status_code, signed_in_as(portal)) == (400, "")
    assert list(portal.session[PENDING_KEY]) == states[:1], "a state is spent by its first use, whatever came of it"


@pytest.mark.parametrize("state", ["", "*", "null", "0", "../..", "a" * 5000, "{}"])
def test_a_state_that_nobody_gave_is_refused(portal: Client, browser: Browser, state: str) -> None:
    browser.open(begin(portal))
    code = parse_qs(urlsplit(browser.sign_in("alice")).query)["code"][0]
    answer = back(portal, f"{CALLBACK}?{urlencode({'code': code, 'state': state})}")
    assert (answer.status_code, signed_in_as(portal)) == (400, "")


def test_a_switched_off_account_stays_out(portal: Client, browser: Browser) -> None:
    browser.open(begin(portal))
    back(portal, browser.sign_in("bob"))
    User.objects.update(is_active=False)
    assert portal.get(reverse("sign-in")).status_code == 200, "the open session must be over"
    answer = back(portal, browser.open(begin(portal)))
    assert (answer.status_code, "switched off" in answer.content.decode()) == (403, True)


def test_signing_out_ends_the_session_at_the_provider_too(portal: Client, browser: Browser) -> None:
    browser.open(begin(portal))
    back(portal, browser.sign_in("alice"))
    leave = portal.post(reverse("django_auth_adfs:logout"))["Location"]
    assert signed_in_as(portal) == ""
    assert browser.open(leave) == ""
    assert browser.send(logout="yes") == f"{PUBLIC_URL}/sign-in/"
    assert browser.open(begin(portal)) == "", "a password must be asked for again"
    assert "password" in _Form(browser.page.text).fields


def test_no_log_has_code_or_token(portal: Client, browser: Browser, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    # Somebody looks for a fault and turns everything on.
    with caplog.at_level(logging.DEBUG, logger="django_auth_adfs"):
        browser.open(begin(portal))
        address = browser.sign_in("alice")
        code = parse_qs(urlsplit(address).query)["code"][0]
        caplog.clear()  # the test's own browser writes down where it went
        back(portal, address)
        back(portal, address)
    assert signed_in_as(portal) == "alice@corp.example"
    assert code not in caplog.text
    assert "eyJ" not in caplog.text


# ---- the API ----


def tokens_by_code(browser: Browser, name: str) -> dict[str, str]:
    """All that the provider gives for a sign-in, the ID token too, asked for as the portal does it."""
    ready_provider()
    verifier = secrets.token_urlsafe(48)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    query = {
        "response_type": "code",
        "client_id": adfs.CLIENT_ID,
        "redirect_uri": CALLBACK,
        "scope": "openid profile email",
        "state": "-",
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    browser.open(f"{provider_config.authorization_endpoint}?{urlencode(query)}")
    code = parse_qs(urlsplit(browser.sign_in(name)).query)["code"][0]
    form = {
        "grant_type": "authorization_code",
        "client_id": adfs.CLIENT_ID,
        "client_secret": Path(adfs.CLIENT_SECRET_FILE).read_text().strip(),
        "redirect_uri": CALLBACK,
        "code": code,
        "code_verifier": verifier,
    }
    answer = browser.http.post(provider_config.token_endpoint, data=form)
    assert answer.status_code == 200, answer.text
    tokens: dict[str, str] = answer.json()
    return tokens


def test_the_provider_insists_on_pkce(browser: Browser) -> None:
    ready_provider()
    query = {"response_type": "code", "client_id": adfs.CLIENT_ID, "redirect_uri": CALLBACK, "scope": "openid"}
    ended = browser.open(f"{provider_config.authorization_endpoint}?{urlencode(query)}")
    assert parse_qs(urlsplit(ended).query)["error"] == ["invalid_request"]


def test_an_access_token_opens_the_api_and_an_id_token_does_not(browser: Browser) -> None:
    tokens = tokens_by_code(browser, "alice")
    user, kind = ask_api(tokens["access_token"])
    assert (user.username, user.directory_groups, kind) == (
        "alice@corp.example",
        ("ml-forecasting", "ml-users"),
        DIRECTORY_TOKEN,
    )
    with pytest.raises(AuthenticationFailed):
        ask_api(tokens["id_token"])
    assert User.objects.get().directory_groups == ("ml-forecasting", "ml-users")


def test_the_running_portal_takes_a_token_of_the_directory(browser: Browser) -> None:
    tokens = tokens_by_code(browser, "alice")

    def me(token: str) -> httpx.Response:
        return httpx.get(f"{PUBLIC_URL}/api/v1/me/", headers={"Authorization": f"Bearer {token}"}, timeout=30)

    said = me(tokens["access_token"])
    assert said.status_code == 200, said.text
    assert "alice@corp.example" in said.text
    assert me(tokens["id_token"]).status_code == 401


def test_a_changed_token_is_refused(browser: Browser) -> None:
    head, body, mark = tokens_by_code(browser, "alice")["access_token"].split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    paula = json.dumps(claims | {"upn": "paula@corp.example"}).encode()
    with pytest.raises(AuthenticationFailed):
        ask_api(f"{head}.{base64.urlsafe_b64encode(paula).rstrip(b'=').decode()}.{mark}")
    assert User.objects.count() == 0


def test_a_program_signs_in_by_device_code(browser: Browser) -> None:
    known = discovery()
    started = browser.http.post(
        known["device_authorization_endpoint"], data={"client_id": "slipway-cli", "scope": "openid"}
    ).json()
    browser.open(started["verification_uri"])
    browser.send(user_code="WRONG-CODE")
    assert "There is no such code." in browser.page.text
    browser.send(user_code=started["user_code"])
    assert started["user_code"] in browser.page.text
    browser.send()
    browser.sign_in("bob")
    assert "The program is signed in" in browser.page.text
    form = {
        "grant_type": "urn:ietf:params:oauth:grant-type:device_code",
        "device_code": started["device_code"],
        "client_id": "slipway-cli",
    }
    deadline = time.monotonic() + 20
    answer = browser.http.post(known["token_endpoint"], data=form)
    while answer.status_code == 400 and answer.json()["error"] == "authorization_pending":
        assert time.monotonic() < deadline, "the device code was never granted"
        answer = browser.http.post(known["token_endpoint"], data=form)
    assert answer.status_code == 200, answer.text
    user, kind = ask_api(answer.json()["access_token"])
    assert (user.username, user.directory_groups, kind) == (
        "bob@corp.example",
        ("ml-forecasting", "ml-users"),
        DIRECTORY_TOKEN,
    )
