"""Whose account is whose: tenant and object id decide, names do not."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client
from django.urls import reverse

from portal.accounts import Person, SignInRefused, account_of, canonical_object_id
from portal.auth import BearerBackend
from portal.models import User
from tests.portal.directory import ALICE, NEWCOMER, alice, token


@pytest.mark.django_db
def test_a_person_gets_one_account() -> None:
    made, first = account_of(alice())
    again, second = account_of(alice())
    assert (made.pk, first, second) == (again.pk, True, False)
    assert (made.username, made.tenant, made.object_id) == ("alice@corp.example", "corp", ALICE)
    assert not made.has_usable_password()


@pytest.mark.django_db
def test_a_new_name_keeps_the_account() -> None:
    made, _ = account_of(alice())
    renamed, new = account_of(Person(tenant="corp", object_id=ALICE, upn="alice.berg@corp.example"))
    assert (renamed.pk, new) == (made.pk, False)
    assert User.objects.get(pk=made.pk).username == "alice.berg@corp.example"


@pytest.mark.django_db
def test_a_recycled_name_inherits_nothing(client: Client) -> None:
    old, _ = account_of(alice())
    old.groups.add(Group.objects.create(name="ml-platform"))
    User.objects.filter(pk=old.pk).update(is_staff=True)
    client.force_login(old, backend="portal.auth.CodeBackend")

    new, made = account_of(Person(tenant="corp", object_id=NEWCOMER, upn="alice@corp.example"))

    assert (made, new.username, new.directory_groups, new.is_staff) == (True, "alice@corp.example", (), False)
    aside = User.objects.get(pk=old.pk)
    assert (aside.username, aside.directory_groups, aside.is_staff) == (f"alice@corp.example#{ALICE}", (), False)
    assert client.get(reverse("sign-in")).status_code == 200, "the old session must be over"


@pytest.mark.django_db(transaction=True)
def test_first_sign_ins_at_the_same_moment_make_one_account() -> None:
    start = Barrier(4)

    def sign_in(_: int) -> int:
        start.wait(timeout=10)
        try:
            return int(account_of(alice())[0].pk)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as people:
        keys = list(people.map(sign_in, range(4)))
    assert [user.pk for user in User.objects.all()] == list(set(keys))


@pytest.mark.django_db
def test_the_same_object_id_in_another_tenant_is_somebody_else() -> None:
    ours, _ = account_of(alice())
    theirs, made = account_of(Person(tenant="other", object_id=ALICE, upn="alice@other.example"))
    assert (made, ours.pk != theirs.pk) == (True, True)


@pytest.mark.django_db
def test_a_local_account_is_never_given_to_a_person_of_the_directory() -> None:
    local = User.objects.create_superuser("alice@corp.example", password="a-long-local-password")
    with pytest.raises(SignInRefused):
        account_of(alice())
    assert list(User.objects.values_list("pk", "username", "object_id")) == [(local.pk, "alice@corp.example", "")]


@pytest.mark.parametrize(
    ("object_id", "upn"),
    [
        ("", "alice@corp.example"),
        ("a" * 65, "alice@corp.example"),
        ("one\ntwo", "alice@corp.example"),
        (ALICE, ""),
        (ALICE, "alice"),
        (ALICE, "alice @corp.example"),
        (ALICE, f"alice@corp.example#{ALICE}"),
        (ALICE, "a" * 200 + "@corp.example"),
    ],
)
def test_a_person_without_clear_identity_is_refused(object_id: str, upn: str) -> None:
    with pytest.raises(SignInRefused):
        Person(tenant="corp", object_id=object_id, upn=upn)


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        # The same sixteen bytes as objectGUID has them, base64 from AD FS.
        ("AM4RCgAAAECAAAAAAAAAAQ==", ALICE),
        (ALICE, ALICE),
        (ALICE.upper(), ALICE),
        (f"{{{ALICE.upper()}}}", ALICE),
        ("oid-alice", "oid-alice"),
        ("", ""),
    ],
)
def test_every_form_of_an_object_id_is_the_same_person(sent: str, kept: str) -> None:
    assert canonical_object_id(sent) == kept


@pytest.mark.django_db
@pytest.mark.usefixtures("provider")
def test_adfs_and_entra_forms_open_the_same_account() -> None:
    first = BearerBackend().authenticate(access_token=token(oid="AM4RCgAAAECAAAAAAAAAAQ=="))
    second = BearerBackend().authenticate(access_token=token(oid=ALICE.upper()))
    assert first is not None
    assert first == second
    assert User.objects.get().object_id == ALICE
