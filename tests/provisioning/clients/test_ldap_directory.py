"""What an Active Directory says, as our values. The attributes are as a Samba domain controller sends them.

The whole conversation is held against a real domain controller in tests/directory/.
"""

from collections.abc import Sequence

import pytest

from provisioning.clients.ldap_directory import LdapDirectory, _edges, _group, _person
from provisioning.directory import Edge, Entry
from provisioning.errors import TargetUnavailable

ALICE: dict[str, Sequence[bytes]] = {
    "objectGUID": [bytes.fromhex("7cc416c38322b5439d883c5b275b0742")],
    "sAMAccountName": [b"alice"],
    "displayName": ["Ålice Andersson".encode()],
    "cn": [b"Alice Andersson"],
    "mail": [b"alice@corp.example"],
    "userPrincipalName": [b"Alice@Corp.Example"],
    "userAccountControl": [b"512"],
    "memberOf": [b"CN=ml-vision,OU=Analytics,DC=corp,DC=example", b"CN=Elsewhere,DC=other,DC=example"],
}
AT = "CN=Alice Andersson,OU=Vision,OU=Plant\\, Skövde,DC=corp,DC=example"


def test_a_person() -> None:
    assert _person(AT, ALICE) == Entry(
        object_id="c316c47c-2283-43b5-9d88-3c5b275b0742",
        is_group=False,
        account="alice@corp.example",
        name="Ålice Andersson",
        mail="alice@corp.example",
        place="Plant, Skövde / Vision",
        enabled=True,
    )


@pytest.mark.parametrize(
    "flags, enabled",
    [(b"512", True), (b"514", False), (b"66048", True), (b"66050", False), (b"", False), (b"x", False)],
)
def test_whoever_is_not_said_to_be_switched_on_is_not(flags: bytes, enabled: bool) -> None:
    assert _person(AT, {**ALICE, "userAccountControl": [flags]}).enabled is enabled


def test_a_person_without_upn_has_the_one_that_the_domain_implies() -> None:
    bare = {name: value for name, value in ALICE.items() if name in ("objectGUID", "sAMAccountName", "cn")}
    found = _person(AT, bare)
    assert (found.account, found.name, found.mail, found.enabled) == (
        "alice@corp.example",
        "Alice Andersson",
        "",
        False,
    )


def test_a_group_and_who_is_in_it() -> None:
    group = _group(
        "CN=ml-vision,OU=Analytics,DC=corp,DC=example",
        {"objectGUID": ALICE["objectGUID"], "sAMAccountName": [b"ml-vision"], "cn": [b"ml-vision"]},
    )
    assert group == Entry(
        object_id="c316c47c-2283-43b5-9d88-3c5b275b0742",
        is_group=True,
        account="ml-vision",
        name="ml-vision",
        place="Analytics",
    )
    groups = {"cn=ml-vision,ou=analytics,dc=corp,dc=example": ("g1", ())}
    assert list(_edges("p1", ALICE["memberOf"], groups)) == [Edge(member="p1", group="g1")]


def test_a_silent_directory_is_said_to_be_silent_and_the_password_is_not_told() -> None:
    client = LdapDirectory(
        name="corp-directory",
        url="ldaps://127.0.0.1:1",
        ca=None,
        account="reader@corp.example",
        password="canary-password",
        people=("DC=corp,DC=example", "(objectClass=user)"),
        groups=("DC=corp,DC=example", "(objectClass=group)"),
    )
    with pytest.raises(TargetUnavailable) as told:
        list(client.read())
    assert told.value.message == "corp-directory does not answer (no connection). We look again by ourselves."
    assert "canary" not in f"{told.value!r} {told.value.__cause__!r}"
    client.close()
