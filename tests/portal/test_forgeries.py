"""Each forged token at the API's door: 401, nothing asked of anybody, nothing written."""

import logging
from collections.abc import Callable

import pytest
from django.apps import apps
from django.test import Client
from django_auth_adfs.config import provider_config

from portal import known_tokens
from portal.models import User
from tests.portal.directory import token
from tests.portal.forgeries import FORGERIES, FORGERIES_IN_ENTRA, id_token_of_entra

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("provider")]
WISH = {"slug": "demand", "team": "forecasting"}


def rows() -> dict[str, int]:
    """How many rows each table has."""
    return {model._meta.label: model._default_manager.count() for model in apps.get_models() if model._meta.managed}


@pytest.fixture(autouse=True)
def _asks_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    def asked_outside(*args: object, **kwargs: object) -> None:
        pytest.fail("the token made the portal ask somebody")

    monkeypatch.setattr(provider_config.session, "request", asked_outside)
    known_tokens.forget()


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES.keys())
def test_a_forged_token_opens_nothing_and_leaves_no_trace(forge: Callable[[], str]) -> None:
    refused(forge)


@pytest.mark.usefixtures("entra")
@pytest.mark.parametrize("forge", FORGERIES_IN_ENTRA.values(), ids=FORGERIES_IN_ENTRA.keys())
def test_what_is_no_access_token_of_entra_opens_nothing_and_leaves_no_trace(forge: Callable[[], str]) -> None:
    refused(forge)


@pytest.mark.usefixtures("entra")
def test_an_access_token_of_entra_is_let_in_with_and_without_app_roles() -> None:
    for roles in (None, ["Projects.Read"]):
        text = id_token_of_entra(scp="access", roles=roles, nonce=None)
        answer = Client(headers={"Authorization": f"Bearer {text}"}).get("/api/v1/me/")
        assert (answer.status_code, answer.json()["username"]) == (200, "alice@corp.example")


def refused(forge: Callable[[], str]) -> None:
    before = rows()
    script = Client(headers={"Authorization": f"Bearer {forge()}"})
    for answer in (
        script.get("/api/v1/projects/"),
        script.post("/api/v1/projects/", data=WISH, content_type="application/json"),
        script.post("/api/v1/tokens/", data={"name": "mine", "scopes": ["write"]}, content_type="application/json"),
    ):
        assert (answer.status_code, answer["Content-Type"]) == (401, "application/problem+json")
        assert answer["WWW-Authenticate"].startswith("Bearer")
    assert rows() == before


def test_there_are_enough_of_them_and_a_valid_one_is_let_in() -> None:
    assert len(FORGERIES) >= 30
    answer = Client(headers={"Authorization": f"Bearer {token()}"}).get("/api/v1/me/")
    assert (answer.status_code, answer.json()["username"]) == (200, "alice@corp.example")


@pytest.mark.usefixtures("entra")
@pytest.mark.parametrize("home", ["other-tenant", None, "corp-tenant-2"])
def test_people_of_other_tenants_are_refused(home: str | None) -> None:
    answer = Client(headers={"Authorization": f"Bearer {token(tid=home)}"}).get("/api/v1/me/")
    assert (answer.status_code, User.objects.count()) == (401, 0)


@pytest.mark.parametrize("header", ["Basic {}", "bearer: {}", "Bearer {} {}", "Token {}", "{}"])
def test_a_valid_token_in_a_wrong_header_opens_nothing(header: str) -> None:
    text = token()
    answer = Client(headers={"Authorization": header.format(text, text)}).get("/api/v1/me/")
    assert (answer.status_code, User.objects.count()) == (401, 0)


def test_a_token_in_the_address_or_a_cookie_opens_nothing() -> None:
    text = token()
    browser = Client()
    browser.cookies["access_token"] = text
    assert browser.get("/api/v1/me/", {"access_token": text}).status_code in (400, 401)
    assert browser.get("/api/v1/me/").status_code == 401
    assert User.objects.count() == 0


@pytest.mark.parametrize("name", ["other key", "expired", "no object id", "guest's home", "four parts", "two parts"])
def test_no_log_has_a_token_not_even_a_refused_one(caplog: pytest.LogCaptureFixture, name: str) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, logger="django_auth_adfs")
    refused, valid = FORGERIES[name](), token()
    for text in (refused, valid):
        Client(headers={"Authorization": f"Bearer {text}"}).get("/api/v1/me/")
    for piece in (*refused.split("."), *valid.split(".")):
        assert len(piece) < 8 or piece not in caplog.text
