"""What goes on for a project that is suspended: people's rights, and nothing else.

Suspending means that we stop looking: nothing is repaired, no new wish is made so. But who leaves the company, or is
taken off the project, loses their rights outside all the same; a switched-off project must not be a way to keep them.
"""

from collections.abc import Mapping
from dataclasses import replace

from provisioning.kind import Kind, Wish, kinds
from provisioning.outcomes import Known, fingerprint


def kinds_to_follow(wish: Wish, known: Mapping[str, Known]) -> dict[str, Kind]:
    """Kinds that give people rights and were last made for other people than the wish has now; {} when none was.

    They wait for no other Kind here: what was made once has what it stands on.
    """
    nobody = replace(wish, spec=wish.spec.model_copy(update={"contributors": ()}))
    found = {}
    for kind in kinds().values():
        before = known.get(kind.name)
        if kind.rights is None or not kind.is_wanted(wish) or before is None or not before.applied:
            continue
        desired = kind.desired(wish)
        for_people = desired != kind.desired(nobody)
        if for_people and not before.wants_the_same(fingerprint(wish, desired)):
            found[kind.name] = replace(kind, after=())
    return found
