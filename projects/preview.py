"""What a wish would do, before anything happens: from two specs, without asking anything outside."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from projects.contributors import Meaning
from projects.effects import PersonEffect, effects_of
from projects.installation import Installation
from projects.plan_sizes import sized
from projects.policy import Verdict
from projects.readable import readable
from projects.spec import NOBODY, wish_for, with_a_plan
from provisioning.kind import Consent, Kind, Wish, kinds
from provisioning.phrases import Phrase
from provisioning.plan import Action, Change, compare, counts
from provisioning.repositories import full_name
from provisioning.spec import ProjectSpec


@dataclass(frozen=True)
class KindPlan:
    """The plan for one Kind: its lines, the strongest action among them, and one sentence about the result."""

    kind: Kind
    target: str
    action: Action
    summary: Phrase
    changes: tuple[Change, ...]


@dataclass(frozen=True)
class Preview:
    """A whole plan: what each Kind does, the names that will exist, what it does to whom, and who decides.

    warning: what to know before one says yes; "" for nothing.
    """

    spec: ProjectSpec | None
    kinds: tuple[KindPlan, ...]
    names: dict[str, str]
    verdict: Verdict | None = None
    units: int = 0
    free_units: int = 0
    people: tuple[PersonEffect, ...] = ()
    warning: str = ""

    @property
    def changes(self) -> tuple[Change, ...]:
        """All lines of all Kinds."""
        return tuple(change for one in self.kinds for change in one.changes)

    @property
    def counts(self) -> dict[str, int]:
        """Lines by action."""
        return counts(self.changes)


def plan_of(
    *,
    installation: Installation,
    after: ProjectSpec | None,
    before: ProjectSpec | None = None,
    uid: str = NOBODY,
    meaning: Meaning | None = None,
    consents: Mapping[str, Consent] | None = None,
) -> Preview:
    """The plan from one spec to another; None before is a new project, None after its removal.

    meaning: whom the contributors mean, as `contributors.meaning` says; None for those that the names say.
    consents: what other teams let the project read, as `consents.in_force` says; None for nothing.
    """
    spec = after or before
    if spec is None:
        raise ValueError("a plan needs a spec before or after")
    before = readable(before) if before is not None else None
    catalogue = installation.catalogue
    new = _wish(after, installation=installation, uid=uid, consents=consents) if after else None
    old, resized = None, False
    if before is not None and (after is not None or before.plan in catalogue.plans):
        then = before
        if after is not None and before.plan not in catalogue.plans and before.plan != after.plan:
            # All but the sizes is what it is under any plan; of those nobody knows what they were.
            then, resized = before.model_copy(update={"plan": after.plan}), True
        old = _wish(then, installation=installation, uid=uid, consents=consents)
    wish = new or old
    if wish is None:
        return Preview(spec=spec, kinds=(), names={})
    having = [(kind, _wanting(kind, new), _wanting(kind, old)) for kind in kinds().values()]
    plans = tuple(_kind_plan(kind, new=now, old=then, resized=resized) for kind, now, then in having if now or then)
    if spec.plan not in catalogue.plans:
        # Of what stays nobody can say any more how large it is.
        plans = tuple(one for one in plans if one.action is not Action.KEEP)
    names = {
        "namespace": wish.names.namespace,
        "bucket": wish.names.bucket,
        "repository": full_name(wish),
    }
    who = meaning or Meaning()
    people = effects_of(before=before, after=after, installation=installation, meaning=who, uid=uid)
    return Preview(spec=spec, kinds=plans, names=names, people=people)


def _wish(spec: ProjectSpec, *, installation: Installation, uid: str, consents: Mapping[str, Consent] | None) -> Wish:
    spec = with_a_plan(spec, catalogue=installation.catalogue)
    return wish_for(spec, installation=installation, uid=uid, consents=consents)


def _wanting(kind: Kind, wish: Wish | None) -> Wish | None:
    """The wish where it has the Kind."""
    return wish if wish is not None and kind.is_wanted(wish) else None


def _kind_plan(kind: Kind, *, new: Wish | None, old: Wish | None, resized: bool) -> KindPlan:
    wish = new or old
    if wish is None:
        raise ValueError("neither before nor after")
    observed = {thing.key: thing.body for thing in kind.desired(old)} if old else {}
    if new is not None:
        changes = compare(kind=kind.name, desired=kind.desired(new), observed=observed)
        of_plan = sized(kind, new) if resized and old else frozenset[str]()
        changes = tuple(
            replace(one, action=Action.UPDATE) if one.action is Action.KEEP and one.key in of_plan else one
            for one in changes
        )
    else:
        changes = tuple(Change(kind=kind.name, key=key, action=Action.DELETE) for key, body in observed.items() if body)
    present = {change.action for change in changes}
    if new is None:
        action = Action.DELETE
    elif old is None:
        action = Action.CREATE
    elif present - {Action.KEEP}:
        action = Action.UPDATE
    else:
        action = Action.KEEP
    return KindPlan(
        kind=kind, target=wish.target(kind.system), action=action, summary=kind.summary(wish), changes=changes
    )
