"""The second call with a token of the directory: quick, and no longer good than it should be."""

import time

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django_auth_adfs.config import provider_config
from django_auth_adfs.config import settings as adfs

from portal import known_tokens
from portal.accounts import Person, account_of
from portal.models import User
from tests.portal.directory import ALICE, KEY, NEWCOMER, OTHER_KEY, alice, token

KEYS = [KEY.public_key()]

pytestmark = pytest.mark.usefixtures("provider")


@pytest.fixture(autouse=True)
def _nothing_known() -> None:
    known_tokens.forget()


def ask(text: str, path: str = "/api/v1/projects/") -> int:
    return Client(headers={"Authorization": f"Bearer {text}"}).get(path).status_code


@pytest.mark.django_db
def test_a_warm_call_reads_at_most_three_times_writes_nothing_and_asks_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    text = token()
    assert ask(text) == 200

    def asked_outside(*args: object, **kwargs: object) -> None:
        pytest.fail("a warm call asked the identity provider")

    monkeypatch.setattr(provider_config, "load_config", asked_outside)
    monkeypatch.setattr(provider_config.session, "request", asked_outside)
    with CaptureQueriesContext(connection) as queries:
        assert ask(text) == 200
    said = [query["sql"] for query in queries]
    assert len(said) <= 3, said
    assert all(one.startswith("SELECT") for one in said), said


@pytest.mark.django_db
def test_a_switched_off_account_is_out_at_once_and_a_removed_one_is_checked_anew() -> None:
    text = token()
    assert ask(text) == 200
    User.objects.update(is_active=False)
    assert ask(text) == 401
    User.objects.all().delete()
    assert ask(text) == 200, "a valid token makes the account again, as the first time"


@pytest.mark.django_db
def test_other_signing_keys_end_what_was_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    text = token()
    assert ask(text) == 200
    monkeypatch.setattr(provider_config, "signing_keys", [OTHER_KEY.public_key()])
    assert ask(text) == 401
    monkeypatch.setattr(provider_config, "signing_keys", [OTHER_KEY.public_key(), KEY.public_key()])
    assert ask(text) == 200


def test_a_token_is_remembered_for_five_minutes_and_never_past_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time()
    known_tokens.remember("long", alice(), expires=now + 3600, keys=KEYS)
    known_tokens.remember("short", alice(), expires=now + 60, keys=KEYS)

    def known_at(seconds: float) -> list[str]:
        monkeypatch.setattr(time, "time", lambda: now + seconds)
        return [text for text in ("long", "short") if known_tokens.person_of(text, keys=KEYS) is not None]

    assert [known_at(seconds) for seconds in (0, 59, 61, 299, 301)] == [
        ["long", "short"],
        ["long", "short"],
        ["long"],
        ["long"],
        [],
    ]


def test_the_order_of_the_keys_does_not_matter_and_memory_is_bounded() -> None:
    both = [KEY.public_key(), OTHER_KEY.public_key()]
    for number in range(4100):
        known_tokens.remember(f"token {number}", alice(), expires=time.time() + 60, keys=both)
    assert known_tokens.person_of("token 4099", keys=both[::-1]) == alice()
    assert known_tokens.person_of("token 0", keys=both) is None


@pytest.mark.django_db
def test_a_token_from_before_a_rename_changes_no_name() -> None:
    old = token()
    assert ask(old) == 200
    account_of(Person(tenant=adfs.IDENTITY_TENANT, object_id=ALICE, upn="alice.berg@corp.example"))
    newcomer, _ = account_of(Person(tenant=adfs.IDENTITY_TENANT, object_id=NEWCOMER, upn="alice@corp.example"))
    known_tokens.forget()
    assert ask(old) == 200
    assert dict(User.objects.values_list("object_id", "username")) == {
        ALICE: "alice.berg@corp.example",
        NEWCOMER: newcomer.username,
    }
    assert newcomer.username == "alice@corp.example"
