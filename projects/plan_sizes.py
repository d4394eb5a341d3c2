"""What plans have a part in: the objects of a Kind that differ from plan to plan. Where a project's plan left the
catalogue, nobody knows how large these are; all others are what they are under any plan.
"""

from dataclasses import replace

from provisioning.catalogue import Plan
from provisioning.kind import Kind, Wish

_UNLIKE_ANY = Plan(cpu="997m", memory="997Mi", gpu=997, pods=997, storage="997Mi", bucket="997Mi", units=997)


def sized(kind: Kind, wish: Wish) -> frozenset[str]:
    """The keys of those among the Kind's objects for this wish."""
    others = {thing.key: thing for thing in kind.desired(replace(wish, plan=_UNLIKE_ANY))}
    return frozenset(thing.key for thing in kind.desired(wish) if others.get(thing.key) != thing)
