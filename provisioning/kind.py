"""The contract of a Kind: a type of thing we can make.

A Kind is a module of `provisioning.kinds` with a `KIND` in it; the folder is the list. `desired` is pure, `observe`
only reads, `apply` and `delete` may be called again at any time. Creating, changing, repairing and retrying are the
same call of `apply`.
"""

import importlib
import pkgutil
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from types import MappingProxyType
from typing import Any, Literal, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, ValidationInfo, field_validator

from provisioning.catalogue import (
    Catalogue,
    ClusterTarget,
    DatabaseTarget,
    ForgeTarget,
    ObjectStoreTarget,
    Plan,
    TrackerTarget,
)
from provisioning.measures import Usage
from provisioning.names import Names
from provisioning.phrases import Phrase, phrase
from provisioning.rendered import Render
from provisioning.secrets import Earlier
from provisioning.spec import ProjectSpec

System = Literal["cluster", "object_store", "forge", "tracker", "database"]
Body = Mapping[str, Any]
Each = Callable[[Callable[[Any], Any], Sequence[Any]], list[Any]]


class Options(BaseModel):
    """Base of what a team may choose about a Kind. Its fields become form section, API schema and profile.yaml keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @field_validator("*", mode="before")
    @classmethod
    def _true_is_no_number(cls, value: Any, info: ValidationInfo) -> Any:
        kind = cls.model_fields[str(info.field_name)].annotation
        if isinstance(value, bool) and int in (kind, *get_args(kind)):
            raise ValueError(phrase("Write a whole number."))
        return value


Chosen = TypeVar("Chosen", bound=Options)


@dataclass(frozen=True)
class Object:
    """One object outside, as we want it. `body` holds only what we declare; None says that it must not exist.

    `key` names it inside its Kind, such as "ResourceQuota/slipway-compute". A sensitive body is never shown or stored.
    """

    key: str
    body: Body | None
    sensitive: bool = False


@dataclass(frozen=True)
class Right:
    """What one contributor may do by what a Kind makes: half a sentence, such as "write in vision/lanes"."""

    subject: str
    is_group: bool
    text: Phrase


@dataclass(frozen=True)
class KnownRepository:
    """The project's repository as the forge last called it.

    `wanted`: the name that the wish gives it, under which it was made or attached. `number`: the forge's own, None
    before it was first read.
    """

    wanted: str
    full_name: str
    number: int | None


def target_of(catalogue: Catalogue, system: System) -> str:
    """Name of the target that everybody's Kinds of this system act on; "" where the catalogue has none."""
    tracker, database = catalogue.tracker(), catalogue.database()
    return {
        "cluster": catalogue.defaults.cluster,
        "object_store": catalogue.defaults.object_store,
        "forge": catalogue.defaults.forge,
        "tracker": tracker.name if tracker else "",
        "database": database.name if database else "",
    }[system]


@dataclass(frozen=True)
class Consent:
    """What a team lets the project read: `place` as the catalogue's store was then, of that owner, until that day.

    given: the day of its yes.
    """

    owner: str
    place: str
    until: date
    given: date


@dataclass(frozen=True)
class Wish:
    """Everything a Kind may know: the spec, its plan, its names, its targets. No row, no request, no person.

    today: the day on which it is said. accepted: the day on which it was wished so; None for now. consents: by name of
    a data store, what its team at that time let the project read; whether the name still stands for that,
    `data_access` says. attached_by: account name of who asked for the repository that the spec attaches; "" for nobody
    who counts. database_ca: the authorities that the catalogue names for the database, as PEM; "" for none. remembered:
    what the Kind that looks keeps in mind (`Kind.remember`).
    """

    uid: str
    generation: int
    spec: ProjectSpec
    plan: Plan
    names: Names
    catalogue: Catalogue
    portal_url: str
    derive: Callable[..., str] = field(repr=False, compare=False)
    render: Render = field(repr=False, compare=False)
    versions: Mapping[str, int] = field(default_factory=dict)
    earlier: Mapping[str, Earlier] = field(default_factory=dict)
    key_id: str | None = None
    remove_data: bool = False
    repository: KnownRepository | None = None
    attached_by: str = ""
    consents: Mapping[str, Consent] = field(default_factory=dict)
    today: date | None = None
    accepted: date | None = None
    database_ca: str = field(default="", repr=False)
    remembered: Body = field(default_factory=dict)

    @property
    def cluster(self) -> ClusterTarget:
        return self.catalogue.cluster()

    @property
    def object_store(self) -> ObjectStoreTarget:
        return self.catalogue.object_store()

    @property
    def forge(self) -> ForgeTarget:
        return self.catalogue.forge()

    @property
    def tracker(self) -> TrackerTarget | None:
        return self.catalogue.tracker()

    @property
    def database(self) -> DatabaseTarget | None:
        return self.catalogue.database()

    def target(self, system: System) -> str:
        """Name of the target that a Kind of this system acts on; "" where the catalogue has none."""
        return target_of(self.catalogue, system)

    def options(self, kind: str, model: type[Chosen]) -> Chosen:
        """The team's options of a Kind, or that Kind's defaults."""
        return model.model_validate(self.spec.options.get(kind, {}))

    def version(self, purpose: str) -> int:
        """The present version of a credential."""
        return self.versions.get(purpose, 1)

    def secret(self, purpose: str) -> str:
        """The derived secret for a purpose of this project, at its present version."""
        return self.derive(uid=self.uid, purpose=purpose, version=self.version(purpose), key_id=self.key_id)

    def earlier_secret(self, purpose: str) -> str | None:
        """The secret of the version before, as long as it is to go on working; None when it has ended."""
        one = self.earlier.get(purpose)
        if one is None or one.version != self.version(purpose) - 1:
            return None
        return self.derive(uid=self.uid, purpose=purpose, version=one.version, key_id=one.key_id)


@dataclass(frozen=True, kw_only=True)
class Credential:
    """A secret of a project that a Kind delivers, derived from the key ring; rotated by making its version one higher.

    purpose: what it is derived for. kinds: those that must have been found right before it is in force everywhere.
    place: where it lives, in words, with %(namespace)s and %(repository)s for the project's own: pages translate it.
    overlaps: the version before can go on working for a while.
    shown(wish) -> what people get to see of it, by name; None: only machines need it.
    """

    purpose: str
    title: str
    kinds: tuple[str, ...]
    place: str
    overlaps: bool
    shown: Callable[[Wish], Mapping[str, str]] | None = None


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One type of thing. `client` below is the client of `system`'s target (`provisioning.clients`).

    - desired(wish) -> objects. Pure.
    - observe(wish, client, objects, each) -> {key: body as it is, or None}. Read-only; raises NameTaken.
    - apply(wish, client, objects, each): make exactly these objects so (body None: delete it). Idempotent.
    - delete(wish, client) -> True when nothing is left (or only what is kept on purpose), False to look again.
    - unsupported(wish, client) -> a sentence when the target can't do this at all, else None.
    - summary(wish) -> one line for pages: what it is when it is ready.
    - holds_data: what it makes is kept on removal, unless the removal says otherwise.
    - within: the Kind whose removal takes this one along; `delete` is then not called.
    - wanted(wish) -> is the project to have it? None: every project has it. Pure. `desired` names the same keys either
      way: what is not wanted any more is taken away by `delete`, or object by object where it lies within another Kind.
    `each(function, items)` runs the function over the items in parallel threads and raises the first error.
    """

    name: str
    title: str
    system: System
    desired: Callable[[Wish], tuple[Object, ...]]
    observe: Callable[[Wish, Any, Sequence[Object], Each], dict[str, Body | None]]
    apply: Callable[[Wish, Any, Sequence[Object], Each], None]
    delete: Callable[[Wish, Any], bool]
    summary: Callable[[Wish], Phrase]
    after: tuple[str, ...] = ()
    within: str | None = None
    holds_data: bool = False
    options: type[Options] = Options
    unsupported: Callable[[Wish, Any], str | None] | None = None
    check: Callable[[Wish], Iterable[tuple[str, Phrase]]] | None = None
    """check(wish) -> (option field, sentence) for options that the plan or catalogue does not allow. Pure."""
    lasting: bool = False
    """A choice that stands unchanged is not checked again: what the catalogue is by now ends it in another way."""
    credentials: tuple[Credential, ...] = ()
    usage: Usage | None = None
    """How much of it is used, measured for all projects of a target at once."""
    rights: Callable[[Wish], Iterable[Right]] | None = None
    """rights(wish) -> what each contributor gets by what `desired` declares; who gets nothing has none. Pure."""
    remember: Callable[[Wish, Callable[[], Mapping[str, Body | None]]], Body] | None = None
    """remember(wish, seen) -> what nobody could tell any more once the wish is applied, as JSON; {} for nothing.
    `seen()` is what `observe` says of all that is desired; who needs it has it asked for. It is written down before
    anything is applied, and asked anew after that, and when all is right. `wish.remembered` is what was written."""
    wanted: Callable[[Wish], bool] | None = None
    choices: Callable[[Catalogue], Mapping[str, Sequence[tuple[str, str]]]] | None = None
    """choices(catalogue) -> by option, the values that it has to choose from, each with words for people. Pure."""
    at_most: Callable[[Catalogue], Mapping[str, int]] | None = None
    """at_most(catalogue) -> by such a value, for how many days at a time it may be had, where bounded. Pure."""

    def is_offered(self, catalogue: Catalogue) -> bool:
        """Is there a target for it, and something to choose where one chooses?"""
        return bool(target_of(catalogue, self.system)) and all(self.choices_in(catalogue).values())

    def choices_in(self, catalogue: Catalogue) -> Mapping[str, Sequence[tuple[str, str]]]:
        """What `choices` says; nothing for options that are free."""
        return self.choices(catalogue) if self.choices is not None else {}

    def days_in(self, catalogue: Catalogue) -> Mapping[str, int]:
        """What `at_most` says; nothing for what may be had for any time."""
        return self.at_most(catalogue) if self.at_most is not None else {}

    def is_wanted(self, wish: Wish) -> bool:
        """Is the project of this wish to have it?"""
        return self.wanted is None or self.wanted(wish)


@cache
def kinds() -> Mapping[str, Kind]:
    """Every Kind by name, in an order where each stands behind those it comes after."""
    package = importlib.import_module("provisioning.kinds")
    found = {}
    for module in pkgutil.iter_modules(package.__path__):
        kind: Kind = importlib.import_module(f"provisioning.kinds.{module.name}").KIND
        found[kind.name] = kind
    ordered: dict[str, Kind] = {}
    while len(ordered) < len(found):
        free = [kind for kind in found.values() if kind.name not in ordered and set(kind.after) <= set(ordered)]
        if not free:
            raise ValueError(f"Kinds wait for each other or for one that is not there: {set(found) - set(ordered)}")
        ordered.update({kind.name: kind for kind in sorted(free, key=lambda kind: (kind.system, kind.title))})
    return MappingProxyType(ordered)


def kinds_of(wish: Wish, *, known: Collection[str] = ()) -> dict[str, Kind]:
    """The Kinds that a project has, and those of `known` that it had: what a look at it has to do with, in order."""
    return {name: kind for name, kind in kinds().items() if name in known or kind.is_wanted(wish)}
