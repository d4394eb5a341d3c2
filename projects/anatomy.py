"""What each resource of a project is made of: the objects that we want outside, by name.

Asked of the Kinds, not of the systems: what is really there is said by the resource's conditions beside it.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from projects.phrases import translated
from projects.presentation import icon_of, kind_title, kinds_as_shown
from provisioning.kind import Wish
from provisioning.models import Resource


@dataclass(frozen=True)
class Piece:
    """One object. `secret`: its content is never shown."""

    name: str
    secret: bool


@dataclass(frozen=True)
class Part:
    """The objects of one Kind, on one target. `absent`: what must not exist beside them."""

    kind: str
    title: str
    icon: str
    target: str
    summary: str
    pieces: tuple[Piece, ...]
    absent: tuple[str, ...]


def anatomy(wish: Wish, *, resources: Iterable[Resource]) -> tuple[Part, ...]:
    """Every Kind that the project has, in the order of pages."""
    targets = {row.kind: row.target for row in resources}
    parts = []
    for kind in kinds_as_shown():
        if not kind.is_wanted(wish):
            continue
        objects = kind.desired(wish)
        parts.append(
            Part(
                kind=kind.name,
                title=kind_title(kind.name),
                icon=icon_of(kind.name),
                target=targets.get(kind.name) or wish.target(kind.system),
                summary=translated(kind.summary(wish)),
                pieces=tuple(Piece(name=one.key, secret=one.sensitive) for one in objects if one.body is not None),
                absent=tuple(one.key for one in objects if one.body is None),
            )
        )
    return tuple(parts)
