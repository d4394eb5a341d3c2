"""The company of company.toml: read, checked, and written as the stack's people.json.

Where the stack has no domain controller (no root, or nobody wants one), that file stands in for a directory.
"""

import json
import tomllib
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from devstack.errors import StackError
from devstack.stack import ROOT

SOURCE = ROOT / "devstack" / "company.toml"
# The four people of the documents and tests. They have accounts in the stack's forge too.
SAMPLE_PEOPLE = ("alice", "bob", "charlie", "paula")


@dataclass(frozen=True)
class Person:
    """Somebody of the company. `unit` is the path of organisational units, from the top down."""

    account: str
    given_name: str
    family_name: str
    unit: tuple[str, ...]
    disabled: bool

    @property
    def name(self) -> str:
        return f"{self.given_name} {self.family_name}"

    @property
    def password(self) -> str:
        return f"{self.account}-pw"


@dataclass(frozen=True)
class Group:
    """A group with the people and the groups that are directly in it, by account."""

    account: str
    name: str
    unit: tuple[str, ...]
    people: tuple[str, ...]
    groups: tuple[str, ...]


@dataclass(frozen=True)
class Company:
    """Everybody, and the domain they are in. `tenant` is its id at Entra."""

    domain: str
    tenant: str
    people: tuple[Person, ...]
    groups: tuple[Group, ...]

    def units(self) -> tuple[tuple[str, ...], ...]:
        """Every organisational unit, those above before those below."""
        lowest = {one.unit for one in self.people} | {one.unit for one in self.groups}
        return tuple(sorted({unit[:depth] for unit in lowest for depth in range(1, len(unit) + 1)}))


@cache
def company() -> Company:
    """The company of this stack. Raises StackError when company.toml names somebody who is not in it."""
    return read(SOURCE)


def read(path: Path) -> Company:
    """The company in this file. Raises StackError with all unknown names at once."""
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    people = tuple(
        Person(
            account=account,
            given_name=given,
            family_name=family,
            unit=tuple(unit.split("/")),
            disabled=account in data["disabled"],
        )
        for account, (given, family, unit) in data["people"].items()
    )
    groups = tuple(
        Group(
            account=account,
            name=group["name"],
            unit=tuple(group["unit"].split("/")),
            people=tuple(group.get("people", ())),
            groups=tuple(group.get("groups", ())),
        )
        for account, group in data["groups"].items()
    )
    known = {one.account for one in people} | {one.account for one in groups}
    named = {name for group in groups for name in (*group.people, *group.groups)} | set(data["disabled"])
    if named - known:
        raise StackError(
            what=f"{path.name} names somebody who is not in it",
            why=", ".join(sorted(named - known)),
            do="correct the name, or add the person or group",
        )
    return Company(domain=data["domain"], tenant=data["tenant"], people=people, groups=groups)


def people_json(company: Company, *, object_ids: Mapping[str, str]) -> str:
    """The directory as a file. `object_ids` has one for each account of a person or group."""
    place = " / ".join
    people = [
        {
            "name": one.account,
            "password": one.password,
            "upn": f"{one.account}@{company.domain}",
            "given_name": one.given_name,
            "family_name": one.family_name,
            "display_name": one.name,
            "email": f"{one.account}@{company.domain}",
            "oid": object_ids[one.account],
            "disabled": one.disabled,
            "place": place(one.unit),
            "groups": [group.account for group in company.groups if one.account in group.people],
        }
        for one in company.people
    ]
    groups = [
        {
            "name": one.account,
            "display_name": one.name,
            "oid": object_ids[one.account],
            "place": place(one.unit),
            "groups": [group.account for group in company.groups if one.account in group.groups],
        }
        for one in company.groups
    ]
    return json.dumps({"tenant": company.tenant, "people": people, "groups": groups}, indent=2, ensure_ascii=False)


def made_up_ids(company: Company) -> dict[str, str]:
    """Object ids where no directory gives any: made from the accounts, so they are the same in every stack."""
    accounts = [*(one.account for one in company.people), *(one.account for one in company.groups)]
    return {account: str(uuid.uuid5(uuid.UUID(company.tenant), account)) for account in accounts}
