"""What the tests of Kinds on real servers share: a project that no earlier run had, and the calls of a look."""

import uuid
from typing import Any

import httpx

from provisioning.kind import Kind, Wish
from provisioning.plan import Change, compare, counts
from provisioning.reconcile import each
from tests.contract.stack import unique, url
from tests.provisioning.wishes import catalogue, wish

BOT = "slipway-bot"
PEOPLE = (
    {"user": "alice@corp.example", "role": "owner"},
    {"user": "bob@corp.example", "role": "editor"},
    {"group": "ml-vision", "role": "viewer"},
)


def project(slug: str = "", *, listener: str = "http://127.0.0.1:9/", **changes: Any) -> Wish:
    """A project that no earlier run had, whose clean-up takes all."""
    settings = {"contributors": PEOPLE, "options": {}, "uid": str(uuid.uuid4()), **changes}
    return wish(slug=slug or unique("kinds"), catalogue=catalogue(cluster={"ci_listener_url": listener}), **settings)


def apply(kind: Kind, wanted: Wish, client: Any) -> None:
    """Make all that is wanted of this Kind."""
    kind.apply(wanted, client, kind.desired(wanted), each)


def look(kind: Kind, wanted: Wish, client: Any) -> tuple[Change, ...]:
    """What differs from what is wanted."""
    objects = kind.desired(wanted)
    return compare(kind=kind.name, desired=objects, observed=kind.observe(wanted, client, objects, each))


def found(kind: Kind, wanted: Wish, client: Any) -> dict[str, int]:
    """The same, counted by action."""
    return {action: number for action, number in counts(look(kind, wanted, client)).items() if number}


def repair(kind: Kind, wanted: Wish, client: Any) -> None:
    """What the engine does with a difference: apply those objects, and those only."""
    keys = {change.key for change in look(kind, wanted, client) if change.action != "keep"}
    kind.apply(wanted, client, [thing for thing in kind.desired(wanted) if thing.key in keys], each)


def as_person(person: str, method: str, path: str, body: Any = None) -> httpx.Response:
    """What a person does in the forge, with the password that all stacks give the sample people."""
    address = f"{url('gitea')}/api/v1{path}"
    return httpx.request(method, address, json=body, auth=(person, f"{person}-pw"), timeout=15)
