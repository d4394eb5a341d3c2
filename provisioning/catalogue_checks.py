"""What must hold between the entries of platform.yaml: names stand for something, and for one thing only."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, TypeVar

from provisioning.channels import CHAT
from provisioning.data_stores import PrefixData, SchemaData
from provisioning.policy_rules import shadowed, told_apart

if TYPE_CHECKING:
    from provisioning.catalogue import Catalogue

Said = TypeVar("Said", str, tuple[str, str])


def faults(catalogue: "Catalogue") -> list[str]:
    """Every fault, each with the entry that it is in; [] where all fits together."""
    checks = (_defaults, _templates, _plans_of_rules, _prefixes, _schemas, _data_stores, _rules, _targets, _channels)
    return [fault for check in checks for fault in check(catalogue)]


def _defaults(catalogue: "Catalogue") -> Iterator[str]:
    known = {
        "cluster": {target.name for target in catalogue.clusters},
        "object_store": {target.name for target in catalogue.object_stores},
        "forge": {target.name for target in catalogue.forges},
        "plan": set(catalogue.plans),
    }
    for field, names in known.items():
        chosen = getattr(catalogue.defaults, field)
        if chosen not in names:
            yield f"defaults.{field}: {chosen} is not one of {', '.join(sorted(names)) or 'none'}"


def _templates(catalogue: "Catalogue") -> Iterator[str]:
    forges = {target.name for target in catalogue.forges}
    for one in catalogue.templates:
        if one.forge not in forges:
            yield f"templates.{one.name}: no forge {one.forge}"


def _plans_of_rules(catalogue: "Catalogue") -> Iterator[str]:
    for rule in catalogue.policy:
        for plan in rule.plans:
            if plan not in catalogue.plans:
                yield f"policy.{rule.name}: no plan {plan}"


def _prefixes(catalogue: "Catalogue") -> Iterator[str]:
    stores = {target.name for target in catalogue.object_stores}
    for one in catalogue.data_stores:
        if isinstance(one, PrefixData) and one.object_store not in stores:
            yield f"data_stores.{one.name}: no object store {one.object_store}"


def _schemas(catalogue: "Catalogue") -> Iterator[str]:
    accounts = {one.name: one.username for one in catalogue.databases}
    schemas = [one for one in catalogue.data_stores if isinstance(one, SchemaData)]
    for one in schemas:
        if one.database not in accounts:
            yield f"data_stores.{one.name}: no database {one.database}"
        elif one.role == accounts[one.database]:
            yield f"data_stores.{one.name}: {one.role} is Slipway's own account; make a role for readers"
    for database, role in _twice((one.database, one.role) for one in schemas):
        yield f"data_stores: the role {role} in {database} stands for several stores; who may read one would read all"


def _data_stores(catalogue: "Catalogue") -> Iterator[str]:
    for name in _twice(one.name for one in catalogue.data_stores):
        yield f"the data store name {name} is used twice"


def _rules(catalogue: "Catalogue") -> Iterator[str]:
    for rule, above in shadowed(catalogue.policy):
        yield f"policy.{rule.name} can never fire: {above.name} above it fits whenever it does"
    for rule, above in told_apart(catalogue.policy):
        yield f"policy.{rule.name} says the same as {above.name} in because, but not in because_in; make both alike"


def _targets(catalogue: "Catalogue") -> Iterator[str]:
    targets = (
        *catalogue.clusters,
        *catalogue.object_stores,
        *catalogue.forges,
        *catalogue.trackers,
        *catalogue.databases,
        *((catalogue.directory,) if catalogue.directory else ()),
    )
    for name in _twice(target.name for target in targets):
        yield f"the target name {name} is used twice"
    if any(forge.name == CHAT for forge in catalogue.forges):
        yield f"forges.{CHAT}: no forge can be called so, since chats ask at /hooks/{CHAT}/; give it another name"


def _channels(catalogue: "Catalogue") -> Iterator[str]:
    for name in _twice(one.name for one in catalogue.notify):
        yield f"the channel name {name} is used twice"


def _twice(names: Iterable[Said]) -> list[Said]:
    """Those that come more than once, each once, in order."""
    listed = list(names)
    return sorted({name for name in listed if listed.count(name) > 1})
