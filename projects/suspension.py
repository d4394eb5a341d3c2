"""What goes on for a project that is suspended, or whose plan left the catalogue: people's rights, and nothing else.

Suspending means that we stop looking: nothing is repaired, no new wish is made so; and without its plan nobody knows
how large things are to be. But who leaves the company, or is taken off the project, loses their rights outside all the
same, and data of others is closed after its last day, or without the consent of its team; a switched-off project must
not be a way to keep them.
"""

from collections.abc import Mapping
from dataclasses import replace

from projects.plan_sizes import sized
from provisioning.data_access import without_ends
from provisioning.kind import Kind, Object, Wish, kinds
from provisioning.outcomes import Known, fingerprint
from provisioning.spec import ProjectSpec


def kinds_to_follow(wish: Wish, known: Mapping[str, Known], *, asked: ProjectSpec) -> dict[str, Kind]:
    """Kinds that give rights and were last made for others than the wish has now, or only for what has ended; {} when
    none was.

    asked: what the project was asked to be, with what has ended since, which the wish has no more. Where the wish has
    another plan, as its own left the catalogue, what plans have a part in stays as it is.
    They wait for no other Kind here: what was made once has what it stands on.
    """
    nobody = replace(wish, spec=wish.spec.model_copy(update={"contributors": ()}))
    unended = without_ends(replace(wish, spec=asked))
    found = {}
    for kind in kinds().values():
        if wish.spec.plan != asked.plan:
            kind = _without_sizes(kind)
        before = known.get(kind.name)
        if before is None or not before.applied:
            continue
        if not kind.is_wanted(wish) and kind.is_wanted(unended):
            found[kind.name] = replace(kind, after=())
        if not kind.is_wanted(wish) or kind.rights is None:
            continue
        desired = kind.desired(wish)
        gives = desired != kind.desired(nobody) or desired != kind.desired(unended)
        if gives and not before.wants_the_same(fingerprint(wish, desired)):
            found[kind.name] = replace(kind, after=())
    return found


def _without_sizes(kind: Kind) -> Kind:
    """The Kind without the objects that differ from plan to plan."""

    def desired(wish: Wish) -> tuple[Object, ...]:
        left_out = sized(kind, wish)
        return tuple(thing for thing in kind.desired(wish) if thing.key not in left_out)

    return replace(kind, desired=desired)
