"""The way in while company login is down."""

import pytest
from django.contrib.auth import authenticate
from django.core.cache import cache
from django.test import Client, RequestFactory
from django.urls import reverse
from pytest_django import Settings

from portal.accounts import account_of
from portal.models import User
from tests.portal.directory import alice


@pytest.fixture
def no_tries() -> None:
    """Nobody has tried yet from any address of these tests."""
    names = ("break-glass", "local", "alice@corp.example", "break-glass:10.1.1.2", "10.1.1.2:break-glass")
    addresses = ("127.0.0.1", *(f"10.1.1.{one}" for one in range(4)), *(f"198.51.100.{one}" for one in range(60)))
    cache.delete_many(f"break-glass-of:{name}" for name in names)
    cache.delete_many(f"break-glass-from:{at}:{name}" for at in addresses for name in names)


@pytest.fixture
def behind_a_proxy(settings: Settings) -> None:
    """One proxy of ours is in front."""
    settings.CONFIG = settings.CONFIG.model_copy(update={"trusted_proxies": 1})


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


def tried(client: Client, password: str, *, by: str, name: str = "break-glass") -> bool:
    """Does this password sign in, asked through our proxy from this address?"""
    answer = client.post(
        reverse("break-glass"), {"username": name, "password": password}, headers={"x-forwarded-for": by}
    )
    return answer.status_code == 302


@pytest.mark.django_db
@pytest.mark.usefixtures("no_tries", "behind_a_proxy")
def test_nobody_s_wrong_passwords_shut_out_the_right_one(client: Client) -> None:
    User.objects.create_superuser("break-glass", password="a-long-local-password")
    for number in range(60):
        # What a client says of itself stands on the left, and is not believed.
        tried(client, "wrong", by=f"10.1.1.1, 198.51.100.{number // 12}")
    assert not tried(client, "a-long-local-password", by="10.1.1.1, 198.51.100.0"), "ten tries are up"
    assert tried(client, "a-long-local-password", by="198.51.100.0, 10.1.1.1")


@pytest.mark.django_db
@pytest.mark.usefixtures("no_tries", "behind_a_proxy")
def test_a_name_that_is_tried_from_many_addresses_has_few_tries_from_each(client: Client) -> None:
    User.objects.create_superuser("break-glass", password="a-long-local-password")
    for number in range(51):
        tried(client, "wrong", by=f"198.51.100.{number}")
    for _ in range(2):
        assert not tried(client, "wrong", by="10.1.1.2")
    assert not tried(client, "a-long-local-password", by="10.1.1.2")
    assert tried(client, "a-long-local-password", by="10.1.1.3")


@pytest.mark.django_db
@pytest.mark.usefixtures("no_tries", "behind_a_proxy")
@pytest.mark.parametrize("name", ["break-glass:10.1.1.2", "10.1.1.2:break-glass"])
def test_tries_of_one_name_count_for_no_other(client: Client, name: str) -> None:
    User.objects.create_superuser("break-glass", password="a-long-local-password")
    for number in range(22):
        tried(client, "wrong", by=f"198.51.100.{number // 8}", name=name)
    assert tried(client, "a-long-local-password", by="10.1.1.2")


@pytest.mark.django_db
@pytest.mark.usefixtures("no_tries")
def test_who_got_in_has_all_tries_again(client: Client) -> None:
    User.objects.create_superuser("break-glass", password="a-long-local-password")
    for _ in range(2):
        for _ in range(9):
            assert not tried(client, "wrong", by="")
        assert tried(client, "a-long-local-password", by="")


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
