"""The pages of signing in and out, without an identity provider."""

import base64
import hashlib
import html
import time
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse
from django_auth_adfs.config import provider_config
from django_auth_adfs.config import settings as adfs

from portal.accounts import account_of
from portal.auth_views import PENDING_KEY
from tests.portal.directory import alice, token
from tests.provisioning.clients.recorded import played


@pytest.mark.django_db
@pytest.mark.usefixtures("provider")
def test_sign_in_sends_state_and_challenge_and_keeps_the_rest(client: Client) -> None:
    answer = client.get(reverse("django_auth_adfs:login"), {"next": "/projects/"})
    assert answer.status_code == 302
    sent = {name: values[0] for name, values in parse_qs(urlsplit(answer["Location"]).query).items()}
    begun = client.session[PENDING_KEY]
    assert list(begun) == [sent["state"]]
    kept = begun[sent["state"]]
    digest = hashlib.sha256(kept["verifier"].encode()).digest()
    assert kept["next"] == "/projects/"
    assert (sent["code_challenge"], sent["code_challenge_method"]) == (
        base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
        "S256",
    )
    assert kept["verifier"] not in answer["Location"]
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.django_db
@pytest.mark.usefixtures("provider")
@pytest.mark.parametrize(
    ("changes", "swedish"),
    [
        (
            {"idp": "https://other.example/adfs"},
            "Du kommer från en annan organisations katalog, och gäster släpps inte in här. Logga in med ett konto hos "
            "det här företaget.",
        ),
        ({"exp": None}, "Den här token går aldrig ut, och sådana godtas inte."),
        (
            {"scp": None, "ver": None},
            "Det här är ingen åtkomsttoken för den här portalen. Skicka åtkomsttoken, inte ID-token.",
        ),
    ],
)
def test_why_nobody_is_let_in_is_said_in_their_language(
    client: Client, monkeypatch: pytest.MonkeyPatch, changes: dict[str, object], swedish: str
) -> None:
    client.cookies["language"] = "sv"
    state = parse_qs(urlsplit(client.get(reverse("django_auth_adfs:login"))["Location"]).query)["state"][0]
    with played() as directory:
        monkeypatch.setattr(provider_config, "token_endpoint", f"{directory.url}/token")
        directory.answers["POST", "/token"] = {"access_token": token(**changes)}
        answer = client.get(reverse("django_auth_adfs:callback"), {"state": state, "code": "a-code"})
    assert (answer.status_code, swedish in html.unescape(answer.content.decode())) == (403, True)


@pytest.mark.django_db
@pytest.mark.usefixtures("provider")
def test_five_sign_ins_may_be_open_at_once(client: Client) -> None:
    states = []
    for _ in range(7):
        answer = client.get(reverse("django_auth_adfs:login"))
        states.append(parse_qs(urlsplit(answer["Location"]).query)["state"][0])
    assert set(client.session[PENDING_KEY]) == set(states[2:])


@pytest.mark.django_db
@pytest.mark.usefixtures("provider")
@pytest.mark.parametrize("query", [{}, {"code": "c"}, {"code": "c", "state": "Lw=="}])
def test_a_sign_in_that_was_not_begun_here_is_refused(client: Client, query: dict[str, str]) -> None:
    client.get(reverse("django_auth_adfs:login"))
    answer = client.get(reverse("django_auth_adfs:callback"), query)
    assert answer.status_code == 400
    assert "not begun in this browser" in answer.content.decode()
    assert "_auth_user_id" not in client.session


@pytest.mark.django_db
@pytest.mark.usefixtures("provider")
def test_an_old_sign_in_is_refused(client: Client) -> None:
    client.get(reverse("django_auth_adfs:login"))
    session = client.session
    (state,) = session[PENDING_KEY]
    session[PENDING_KEY] = {state: session[PENDING_KEY][state] | {"at": int(time.time()) - 601}}
    session.save()
    assert client.get(reverse("django_auth_adfs:callback"), {"code": "c", "state": state}).status_code == 400


@pytest.mark.django_db
@pytest.mark.usefixtures("provider")
def test_what_the_provider_complains_of_is_shown_once_and_escaped(client: Client) -> None:
    client.get(reverse("django_auth_adfs:login"))
    (state,) = client.session[PENDING_KEY]
    query = {"state": state, "error": "access_denied", "error_description": "<b>no</b>"}
    answer = client.get(reverse("django_auth_adfs:callback"), query)
    page = answer.content.decode()
    assert (answer.status_code, "access_denied" in page, "<b>no</b>" in page) == (400, True, False)
    assert "not begun" in client.get(reverse("django_auth_adfs:callback"), query).content.decode()


@pytest.mark.django_db
@pytest.mark.usefixtures("provider_away")
def test_pages_say_so_while_the_provider_is_away(client: Client) -> None:
    answer = client.get(reverse("django_auth_adfs:login"))
    assert (answer.status_code, answer["Retry-After"]) == (503, "30")
    assert "Company login does not answer" in answer.content.decode()


@pytest.mark.django_db
@pytest.mark.usefixtures("provider")
def test_signing_out_takes_a_post_and_ends_both_sessions(client: Client) -> None:
    user, _ = account_of(alice())
    client.force_login(user, backend="portal.auth.CodeBackend")
    assert client.get(reverse("django_auth_adfs:logout")).status_code == 405
    answer = client.post(reverse("django_auth_adfs:logout"))
    place = urlsplit(answer["Location"])
    assert (place.netloc, place.path, parse_qs(place.query)) == (
        "login.corp.example",
        "/adfs/oauth2/logout",
        {"client_id": [adfs.CLIENT_ID], "post_logout_redirect_uri": ["http://testserver/sign-in/"]},
    )
    assert "_auth_user_id" not in client.session


@pytest.mark.django_db
@pytest.mark.usefixtures("provider_away")
def test_signing_out_works_while_the_provider_is_away(client: Client) -> None:
    user, _ = account_of(alice())
    client.force_login(user, backend="portal.auth.CodeBackend")
    answer = client.post(reverse("django_auth_adfs:logout"))
    assert (answer.status_code, answer["Location"]) == (302, "http://testserver/sign-in/")


@pytest.mark.django_db
@pytest.mark.usefixtures("provider")
def test_a_foreign_page_can_neither_sign_out_nor_in(client: Client) -> None:
    user, _ = account_of(alice())
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(user, backend="portal.auth.CodeBackend")
    assert browser.post(reverse("django_auth_adfs:logout")).status_code == 403
    assert "_auth_user_id" in browser.session
    stranger = Client(enforce_csrf_checks=True)
    answer = stranger.post(reverse("break-glass"), {"username": "break-glass", "password": "a-long-local-password"})
    assert (answer.status_code, "_auth_user_id" in stranger.session) == (403, False)


@pytest.mark.django_db
@pytest.mark.usefixtures("provider")
def test_signing_out_leaves_nothing_in_the_session(client: Client) -> None:
    user, _ = account_of(alice())
    client.get(reverse("django_auth_adfs:login"))
    client.force_login(user, backend="portal.auth.CodeBackend")
    key = client.session.session_key
    client.post(reverse("django_auth_adfs:logout"))
    assert not Session.objects.filter(session_key=key).exists()
    assert dict(client.session) == {}
