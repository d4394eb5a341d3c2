"""Whether a plan allows so much of something, and what to say when it does not."""

from provisioning.catalogue import Plan
from provisioning.kind import Wish
from provisioning.phrases import Phrase, phrase
from provisioning.quantities import human, parse_quantity


def beyond_plan(wish: Wish, name: str, asked: str) -> Phrase | None:
    """What is wrong with asking for so much, with the way out; None for what the plan allows.

    name: the plan's field, such as "bucket". asked: a quantity.
    """
    most = _most(wish.plan, name)
    if parse_quantity(asked) <= parse_quantity(most):
        return None
    wanted, allowed = human(asked), human(most)
    if wanted.split()[1:] == allowed.split()[1:]:
        allowed = allowed.split()[0]
    larger = _smallest_with(wish, name, asked)
    if larger is None:
        return phrase(
            "%(wanted)s is more than plan %(plan)s allows (%(most)s). Enter %(most)s or less.",
            wanted=wanted,
            plan=wish.plan.name,
            most=allowed,
        )
    return phrase(
        "%(wanted)s is more than plan %(plan)s allows (%(most)s). Enter %(most)s or less, or choose plan %(larger)s.",
        wanted=wanted,
        plan=wish.plan.name,
        most=allowed,
        larger=larger.name,
    )


def _most(plan: Plan, name: str) -> str:
    return str(getattr(plan, name))


def _smallest_with(wish: Wish, name: str, asked: str) -> Plan | None:
    """The plan with the fewest units that allows this, or None."""
    plans = sorted(wish.catalogue.plans.values(), key=lambda plan: (plan.units, plan.name))
    return next((plan for plan in plans if parse_quantity(_most(plan, name)) >= parse_quantity(asked)), None)
