"""The stack's Active Directory domain: where its controller listens, its configuration, and the company as LDIF.

A domain controller's ports are fixed, so each stack has one on a loopback address of its own. Samba can do that as
root only; elsewhere people.json stands in, and only the identity provider knows the people.
"""

import base64
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from devstack.company import Company, Group, Person
from devstack.stack import Stack

SWITCH = "SLIPWAY_DEV_DIRECTORY"
HOST = "dc1"
# Outside the company's own branch, so that whoever searches for people does not meet them.
PORTAL_ACCOUNT, SIGN_IN_ACCOUNT = "svc-slipway", "svc-adfs"
PASSWORDS = {
    PORTAL_ACCOUNT: "directory.password",
    SIGN_IN_ACCOUNT: "directory-sign-in.password",
    "Administrator": "directory-admin.password",
}
_ENABLED, _DISABLED = "512", "514"
_SECURITY_GROUP = "-2147483646"


def wanted(environ: Mapping[str, str] | None = None) -> bool:
    """Does this stack have a domain controller: we are root, and nobody asked for the file instead."""
    environ = os.environ if environ is None else environ
    return os.geteuid() == 0 and environ.get(SWITCH) != "file"


def folder(stack: Stack) -> Path:
    """Where the controller keeps the domain."""
    return stack.folder / "domain"


def people(stack: Stack) -> Path:
    """The company with the object ids that the domain gave; the file is there once the domain is whole."""
    return folder(stack) / "people.json"


def configuration(stack: Stack) -> Path:
    """The controller's smb.conf."""
    return stack.folder / "smb.conf"


def url(stack: Stack) -> str:
    """Where the directory answers."""
    return f"ldaps://{stack.address()}"


def base(company: Company) -> str:
    """The distinguished name of the domain."""
    return ",".join(f"DC={part}" for part in company.domain.split("."))


def branch(company: Company) -> str:
    """The distinguished name below which the company's people and groups are."""
    return f"OU=Company,{base(company)}"


def smb_conf(stack: Stack, company: Company) -> str:
    """The controller's configuration: LDAP only, on the stack's own address, with the stack's own certificate."""
    home = folder(stack)
    lines = {
        "server role": "active directory domain controller",
        "realm": company.domain.upper(),
        "workgroup": workgroup(company),
        "netbios name": HOST.upper(),
        "server services": "ldap",
        # Without the mask Samba looks for a network card with this address.
        "interfaces": f"{stack.address()}/8",
        "bind interfaces only": "yes",
        "private dir": f"{home}/private",
        "state directory": f"{home}/state",
        "cache directory": f"{home}/cache",
        "lock directory": str(home),
        "pid directory": str(home),
        "binddns dir": f"{home}/bind-dns",
        "ncalrpc dir": f"{home}/ncalrpc",
        "winbindd socket directory": f"{home}/winbindd",
        "log file": f"{home}/log.%m",
        "tls keyfile": str(stack.tls / "directory.key"),
        "tls certfile": str(stack.tls / "directory.pem"),
        "tls cafile": str(stack.tls / "ca.pem"),
    }
    return "[global]\n" + "".join(f"    {name} = {value}\n" for name, value in lines.items())


def workgroup(company: Company) -> str:
    """The domain's short name."""
    return company.domain.split(".")[0].upper()


def settings_ldif(company: Company) -> str:
    """Allow the short passwords of the sample people, and let none run out."""
    changes = {"pwdProperties": "0", "minPwdLength": "1", "maxPwdAge": "0", "minPwdAge": "0"}
    return _modification(base(company), [("replace", name, [value]) for name, value in changes.items()])


def company_ldif(company: Company, *, service_passwords: Mapping[str, str]) -> str:
    """Units, people, service accounts and groups, then who is in which group."""
    services = f"OU=Service accounts,{base(company)}"
    units = [services, branch(company), *(_unit_name(company, unit) for unit in company.units())]
    records = [
        *(_entry(name, {"objectClass": "organizationalUnit"}) for name in units),
        *(_person(company, one) for one in company.people),
        *(_service(company, services, name, password) for name, password in service_passwords.items()),
        *(_group(company, one) for one in company.groups),
        *(_members(company, one) for one in company.groups),
    ]
    return "\n".join(records)


def person_name(company: Company, one: Person) -> str:
    """The person's distinguished name."""
    return f"CN={_escaped(one.name)},{_unit_name(company, one.unit)}"


def group_name(company: Company, one: Group) -> str:
    """The group's distinguished name. Two groups of one name are in different units."""
    return f"CN={_escaped(one.name)},{_unit_name(company, one.unit)}"


def _unit_name(company: Company, unit: tuple[str, ...]) -> str:
    return ",".join([*(f"OU={_escaped(part)}" for part in reversed(unit)), branch(company)])


def _person(company: Company, one: Person) -> str:
    fields = {
        "objectClass": "user",
        "sAMAccountName": one.account,
        "userPrincipalName": f"{one.account}@{company.domain}",
        "givenName": one.given_name,
        "sn": one.family_name,
        "displayName": one.name,
        "mail": f"{one.account}@{company.domain}",
        "userAccountControl": _DISABLED if one.disabled else _ENABLED,
    }
    return _entry(person_name(company, one), fields, password=one.password)


def _service(company: Company, unit: str, account: str, password: str) -> str:
    fields = {
        "objectClass": "user",
        "sAMAccountName": account,
        "userPrincipalName": f"{account}@{company.domain}",
        "userAccountControl": _ENABLED,
    }
    return _entry(f"CN={account},{unit}", fields, password=password)


def _group(company: Company, one: Group) -> str:
    fields = {
        "objectClass": "group",
        "sAMAccountName": one.account,
        "displayName": one.name,
        "groupType": _SECURITY_GROUP,
    }
    return _entry(group_name(company, one), fields)


def _members(company: Company, one: Group) -> str:
    people = [person_name(company, each) for each in company.people if each.account in one.people]
    groups = [group_name(company, each) for each in company.groups if each.account in one.groups]
    return _modification(group_name(company, one), [("add", "member", [*people, *groups])])


def _entry(name: str, fields: Mapping[str, str], *, password: str = "") -> str:
    lines = [_line("dn", name), "changetype: add", *(_line(key, value) for key, value in fields.items())]
    if password:
        # The one form in which a directory takes a password: quoted, in UTF-16.
        quoted = f'"{password}"'.encode("utf-16-le")
        lines.append(f"unicodePwd:: {base64.b64encode(quoted).decode()}")
    return "\n".join(lines) + "\n"


def _modification(name: str, changes: Iterable[tuple[str, str, list[str]]]) -> str:
    lines = [_line("dn", name), "changetype: modify"]
    for verb, field, values in changes:
        lines += [f"{verb}: {field}", *(_line(field, value) for value in values), "-"]
    return "\n".join(lines) + "\n"


def _line(field: str, value: str) -> str:
    """One line of LDIF; what is not plain ASCII goes in base64."""
    if value.isascii():
        return f"{field}: {value}"
    return f"{field}:: {base64.b64encode(value.encode()).decode()}"


def _escaped(value: str) -> str:
    return "".join(f"\\{letter}" if letter in ',+"\\<>;=#' else letter for letter in value)
