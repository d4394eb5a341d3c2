"""How much of its plan a team takes; whether the plan allows so much of something, and what to say when it does not."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated

from pydantic import BeforeValidator, Field

from provisioning.catalogue import Plan
from provisioning.kind import Options, Wish
from provisioning.phrases import Phrase, phrase
from provisioning.quantities import amount, canonical, human, parse_quantity

Amount = Annotated[str, BeforeValidator(amount)]

SILENT: Mapping[str, tuple[str, str]] = {"cpu": ("100m", "500m"), "memory": ("256Mi", "1Gi")}
"""What a container of a workspace gets that asks for nothing: (request, limit), and no more than the project has."""


class LimitsOptions(Options):
    """What a team may choose about limits. Nothing chosen means all that the plan has."""

    cpu: Amount | None = Field(default=None, title="CPUs", description="Such as 4 or 500m.")
    memory: Amount | None = Field(default=None, title="Memory", description="Such as 16Gi.")
    gpu: int | None = Field(default=None, ge=0, le=10_000, title="GPUs")
    pods: int | None = Field(default=None, ge=1, le=100_000, title="Pods")
    storage: Amount | None = Field(default=None, title="Storage", description="Sum of all volumes, such as 100Gi.")


def chosen_limits(wish: Wish) -> dict[str, str]:
    """Each limit as it shall be: the team's choice, else the plan's. Canonical quantities."""
    options = wish.options("limits", LimitsOptions).model_dump()
    return {
        name: canonical(str(getattr(wish.plan, name) if given is None else given)) for name, given in options.items()
    }


def share(whole: str, *, parts: int, least: str, most: str) -> str:
    """One of so many parts of a quantity, between two others, and never more than the whole. Canonical."""
    part = _rounded_down(parse_quantity(whole) / parts)
    return canonical(smaller(whole, max(least, smaller(part, most), key=parse_quantity)))


def smaller(one: str, other: str) -> str:
    """Of two quantities the one that is less, as it is written."""
    return min(one, other, key=parse_quantity)


def less(whole: str, taken: str) -> str:
    """What is left of a quantity where so much is taken of it. Canonical."""
    return _rounded_down(parse_quantity(whole) - parse_quantity(taken))


def _rounded_down(exact: Decimal) -> str:
    """To whole MiB, or to thousandths of what is less than one: no CPUs are so many, and no memory is so small."""
    return canonical(f"{int(exact / 2**20)}Mi" if exact >= 2**20 else f"{int(exact * 1000)}m")


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
