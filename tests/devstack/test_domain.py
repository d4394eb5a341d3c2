"""The domain as text; `tests/directory/` has the controller itself."""

import base64

from devstack import domain
from devstack.company import Company, Group, Person
from devstack.stack import Stack, settle_address

ASA = Person(account="asa", given_name="Åsa", family_name="Öst", unit=("IT", "Lab"), disabled=False)
LEFT = Person(account="left", given_name="Mia", family_name="O'Left", unit=("IT",), disabled=True)
TEAM = Group(account="ml-team", name="Team, all", unit=("IT",), people=("asa",), groups=("ml-core",))
CORE = Group(account="ml-core", name="Core", unit=("IT", "Lab"), people=("left",), groups=())
COMPANY = Company(domain="corp.example", tenant="t", people=(ASA, LEFT), groups=(TEAM, CORE))


def decoded(record: str) -> list[str]:
    """The lines of a record, with base64 undone."""
    lines = []
    for line in record.splitlines():
        name, parted, value = line.partition(":: ")
        text = base64.b64decode(value)
        encoding = "utf-16-le" if name == "unicodePwd" else "utf-8"
        lines.append(f"{name}: {text.decode(encoding)}" if parted else line)
    return lines


def test_the_company_as_ldif() -> None:
    records = domain.company_ldif(COMPANY, service_passwords={"svc": "secret"}).split("\n\n")

    assert [decoded(record)[:2] for record in records[:4]] == [
        ["dn: OU=Service accounts,DC=corp,DC=example", "changetype: add"],
        ["dn: OU=Company,DC=corp,DC=example", "changetype: add"],
        ["dn: OU=IT,OU=Company,DC=corp,DC=example", "changetype: add"],
        ["dn: OU=Lab,OU=IT,OU=Company,DC=corp,DC=example", "changetype: add"],
    ]
    assert decoded(records[4]) == [
        "dn: CN=Åsa Öst,OU=Lab,OU=IT,OU=Company,DC=corp,DC=example",
        "changetype: add",
        "objectClass: user",
        "sAMAccountName: asa",
        "userPrincipalName: asa@corp.example",
        "givenName: Åsa",
        "sn: Öst",
        "displayName: Åsa Öst",
        "mail: asa@corp.example",
        "userAccountControl: 512",
        'unicodePwd: "asa-pw"',
    ]
    assert "userAccountControl: 514" in decoded(records[5])
    assert decoded(records[6]) == [
        "dn: CN=svc,OU=Service accounts,DC=corp,DC=example",
        "changetype: add",
        "objectClass: user",
        "sAMAccountName: svc",
        "userPrincipalName: svc@corp.example",
        "userAccountControl: 512",
        'unicodePwd: "secret"',
    ]
    assert decoded(records[7]) == [
        "dn: CN=Team\\, all,OU=IT,OU=Company,DC=corp,DC=example",
        "changetype: add",
        "objectClass: group",
        "sAMAccountName: ml-team",
        "displayName: Team, all",
        "groupType: -2147483646",
    ]
    assert decoded(records[9]) == [
        "dn: CN=Team\\, all,OU=IT,OU=Company,DC=corp,DC=example",
        "changetype: modify",
        "add: member",
        "member: CN=Åsa Öst,OU=Lab,OU=IT,OU=Company,DC=corp,DC=example",
        "member: CN=Core,OU=Lab,OU=IT,OU=Company,DC=corp,DC=example",
        "-",
    ]
    assert len(records) == 11


def test_the_controller_listens_on_the_stacks_own_address_only(tmp_path) -> None:
    stack = Stack(name="try", folder=tmp_path)
    settle_address(stack, is_free=lambda address: address == "127.0.0.7")

    lines = domain.smb_conf(stack, COMPANY).splitlines()

    assert {"    interfaces = 127.0.0.7/8", "    bind interfaces only = yes", "    server services = ldap"} <= set(
        lines
    )
    assert domain.url(stack) == "ldaps://127.0.0.7"


def test_the_file_stands_in_on_request() -> None:
    assert not domain.wanted({"SLIPWAY_DEV_DIRECTORY": "file"})
