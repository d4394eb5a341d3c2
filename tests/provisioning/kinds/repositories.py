"""A project's repository as the tests of its Kind want it, look at it, and make it so."""

from typing import Any

from provisioning.kind import Wish
from provisioning.kinds.repository import KIND
from provisioning.plan import compare, counts
from tests.fakes.forge import FakeForge
from tests.provisioning.wishes import catalogue, one_by_one, wish

NAME, BOT = "forecasting/demand", "slipway-bot"
TOPIC = "u-5f0c7a529a3e4b1d8c572f6d1e0b9a44"
OTHER_TOPIC = "u-00000000000000000000000000000000"
TEMPLATES = [
    {"name": "python", "forge": "git-1", "repository": "slipway/python-template"},
    {"name": "notebook", "forge": "git-1", "repository": "slipway/notebook-template"},
]
WITH_TEMPLATES = catalogue(templates=TEMPLATES)
ALICE, BOB = {"user": "alice@corp.example", "role": "owner"}, {"user": "bob@corp.example", "role": "editor"}


def with_options(**options: Any) -> Wish:
    return wish(options={"repository": options}, catalogue=WITH_TEMPLATES)


def attaching(name: str = "vision/lane", *, by: str = "alice", **changes: Any) -> Wish:
    asked = f"{by}@corp.example" if by else ""
    return wish(options={"repository": {"attach": name}}, attached_by=asked, **changes)


def found(wanted: Wish, forge: FakeForge) -> dict[str, int]:
    objects = KIND.desired(wanted)
    changes = compare(kind="repository", desired=objects, observed=KIND.observe(wanted, forge, objects, one_by_one))
    return {action: number for action, number in counts(changes).items() if number}


def apply(wanted: Wish, forge: FakeForge) -> None:
    KIND.apply(wanted, forge, KIND.desired(wanted), one_by_one)


def writes(forge: FakeForge) -> list[tuple[str, ...]]:
    reading = ("repository", "find_user", "collaborators", "permission", "branch_protection")
    return [call for call in forge.calls if call[0] not in reading]
