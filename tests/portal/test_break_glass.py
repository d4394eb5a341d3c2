"""The way in while company login is down."""

import pytest
from django.contrib.auth import authenticate
from django.core.cache import cache
from django.test import Client, RequestFactory
from django.urls import reverse

from portal.accounts import account_of
from portal.models import User
from tests.portal.directory import alice


@pytest.fixture
def no_tries() -> None:
    """Nobody has tried from the address of the test client yet."""
    cache.delete("break-glass:127.0.0.1")


@pytest.mark.django_db
@pytest.mark.usefixtures("provider_away", "no_tries")
def test_break_glass_lets_superusers_in_while_the_provider_is_away(client: Client) -> None:
    User.objects.create_superuser("break-glass", password="a-long-local-password")
    answer = client.post(reverse("break-glass"), {"username": "break-glass", "password": "a-long-local-password"})
    assert (answer.status_code, answer["Location"]) == (302, "/")
    answer = client.post(reverse("django_auth_adfs:logout"))
    assert answer["Location"] == "http://testserver/sign-in/", "no company session to end"


@pytest.mark.django_db
@pytest.mark.usefixtures("no_tries")
def test_break_glass_refuses_everybody_else_with_the_same_words(client: Client) -> None:
    User.objects.create_superuser("break-glass", password="a-long-local-password")
    User.objects.create_user("local", password="a-long-local-password", is_staff=True)
    account_of(alice())
    said = set()
    for name, password in [("break-glass", "wrong"), ("local", "a-long-local-password"), ("alice@corp.example", "")]:
        answer = client.post(reverse("break-glass"), {"username": name, "password": password or "!"})
        said.add((answer.status_code, tuple(answer.context["form"].non_field_errors())))
    assert len(said) == 1
    assert "_auth_user_id" not in client.session


@pytest.mark.django_db
@pytest.mark.usefixtures("no_tries")
def test_break_glass_stops_guessing(client: Client) -> None:
    User.objects.create_superuser("break-glass", password="a-long-local-password")
    for _ in range(10):
        client.post(reverse("break-glass"), {"username": "break-glass", "password": "wrong"})
    answer = client.post(reverse("break-glass"), {"username": "break-glass", "password": "a-long-local-password"})
    assert (answer.status_code, "Too many tries" in answer.content.decode()) == (200, True)


@pytest.mark.django_db
def test_passwords_do_not_open_accounts_of_the_directory() -> None:
    account_of(alice())
    assert authenticate(RequestFactory().get("/"), username="alice@corp.example", password="") is None


@pytest.mark.django_db
@pytest.mark.usefixtures("no_tries", "provider")
def test_a_session_gets_a_new_key_at_sign_in(client: Client) -> None:
    client.get(reverse("django_auth_adfs:login"))
    planted = client.session.session_key
    User.objects.create_superuser("break-glass", password="a-long-local-password")
    client.post(reverse("break-glass"), {"username": "break-glass", "password": "a-long-local-password"})
    assert "_auth_user_id" in client.session
    assert client.session.session_key != planted
