"""The portal's index of the real directory: read page by page, searched, nested, and following what happens there."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from projects import directory, directory_sync, nesting
from projects.models import DirectoryEdge, DirectoryEntry
from provisioning.catalogue import LdapDirectory, load
from provisioning.clients import ldap_directory
from provisioning.secrets import SecretRef, resolver
from tests.contract.stack import folder
from tests.directory import controller

pytestmark = pytest.mark.django_db
RESEARCH = {"ml-users", "ml-all", "ml-vision", "ml-vision-leads"}


def target() -> LdapDirectory:
    """The stack's directory, as the stack's catalogue has it; skips the test where the stack has no controller."""
    controller.address()
    found = load(folder() / "platform.yaml").directory
    assert isinstance(found, LdapDirectory)
    return found


def sync(at: LdapDirectory | None = None) -> str:
    """One sync; "" or why nothing was changed."""
    return directory_sync.sync(at or target(), resolve=resolver(folder=folder() / "secrets"))


def found(typed: str) -> list[str]:
    return [one.account for one in directory.search(typed)]


def rows() -> set[tuple[str, str, bool]]:
    return {(one.object_id, one.account, one.present) for one in DirectoryEntry.objects.all()}


def test_the_company_is_found_as_people_type() -> None:
    assert sync() == ""
    assert DirectoryEntry.objects.filter(is_group=False).count() == 40
    for typed, account in (
        ("ostlund", "asa.ostlund@corp.example"),
        ("Åkes", "goran.akesson@corp.example"),
        ("o'connor", "maria.oconnor@corp.example"),
        ("weiss", "juergen.weiss@corp.example"),
        ("lars goran", "lars-goran.hedlund@corp.example"),
        ("beatrice van den", "beatrice.vandenberg@corp.example"),
    ):
        assert found(typed) == [account], typed
    assert found("lefvert") == []
    places = {one.account: one.place for one in directory.search("data science")}
    assert set(places) == {"ds-analytics", "ds-vehicles"}
    assert len(set(places.values())) == 2


def test_nested_groups_both_ways() -> None:
    assert sync() == ""
    erik = controller.object_id("erik.vastberg")
    assert {one.account for one in directory.groups_of(erik)} == RESEARCH
    users = controller.object_id("ml-users")
    assert erik in nesting.people_in([users])[users]


def test_many_pages_show_the_same_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    assert sync() == ""
    once, edges = rows(), DirectoryEdge.objects.count()
    monkeypatch.setattr(ldap_directory, "_PAGE", 7)
    DirectoryEntry.objects.all().delete()
    DirectoryEdge.objects.all().delete()
    assert sync() == ""
    assert rows() == once
    assert DirectoryEdge.objects.count() == edges


@pytest.fixture
def newcomer() -> Iterator[controller.Person]:
    """Somebody in ml-vision, who may be called married by the end."""
    yield controller.hire("newcomer", groups=("ml-vision",))
    for account in ("newcomer", "married"):
        controller.dismiss(account)


def test_somebody_comes_is_renamed_switched_off_and_leaves(newcomer: controller.Person) -> None:
    def known() -> tuple[str, bool, bool]:
        assert sync() == ""
        row = directory.entry(newcomer.object_id)
        assert row is not None
        return row.account, row.enabled, row.gone_at is None

    assert known() == ("newcomer@corp.example", True, True)
    assert {one.account for one in directory.groups_of(newcomer.object_id)} >= {"ml-vision", "ml-all"}
    controller.rename("newcomer", to="married")
    assert known() == ("married@corp.example", True, True)
    now = datetime.now(UTC)
    for at, enabled in ((now - timedelta(days=1), False), (now + timedelta(days=1), True), (None, True)):
        controller.expire("married", at=at)
        assert known() == ("married@corp.example", enabled, True)
    controller.switch("married", on=False)
    assert known() == ("married@corp.example", False, True)
    assert directory.groups_of(newcomer.object_id) != []
    controller.dismiss("married")
    assert known() == ("married@corp.example", False, False)
    assert directory.groups_of(newcomer.object_id) == []


def test_whoever_is_given_an_account_again_is_somebody_else() -> None:
    with controller.person("recycled") as first:
        assert sync() == ""
    with controller.person("recycled") as second:
        assert sync() == ""
        held = directory.entry_of(subject="recycled@corp.example", is_group=False)
        assert held is not None
        assert (held.object_id, first.object_id == second.object_id) == (second.object_id, False)


@pytest.mark.parametrize(
    "change, said",
    [
        ({"bind_password": SecretRef(file="directory-admin.password")}, "refuses our account"),
        ({"ca": None}, "its certificate is not trusted"),
        ({"url": "ldaps://127.0.0.1:1"}, "does not answer (no connection)"),
        ({"people_base": "OU=Nowhere,DC=corp,DC=example"}, "has no such base"),
        ({"people_filter": "(objectClass=user"}, "is no LDAP filter"),
        ({"people_filter": "(sAMAccountName=nobody)"}, "shows no people at all"),
    ],
)
def test_a_directory_that_can_not_be_read_removes_nobody(change: dict[str, object], said: str) -> None:
    assert sync() == ""
    before = rows()
    assert said in sync(target().model_copy(update=change))
    assert rows() == before
