"""Plan units of projects follow the catalogue: where a plan takes more or less now, all that have it are counted anew,
so that budgets say what is so.

Who has a plan that left the catalogue takes what it took when it was there.
"""

import structlog

from projects.audit import audited
from projects.models import Door, Project
from provisioning.catalogue import Catalogue
from provisioning.phrases import numbered, phrase

log = structlog.get_logger(__name__)


def recount(*, catalogue: Catalogue) -> int:
    """Write the units of projects that have others than their plan. Returns how many; a query per plan finds them."""
    done = 0
    with audited(actor="slipway", door=Door.SYSTEM):
        for plan in catalogue.plans.values():
            stale = Project.objects.filter(deletion_requested_at=None, spec__plan=plan.name).exclude(units=plan.units)
            for pk in stale.order_by("pk").values_list("pk", flat=True):
                # Each by itself: who gives it another plan meanwhile has the last word, and nobody waits for the rest.
                done += stale.filter(pk=pk).update(units=plan.units)
    if done:
        log.info("units_recounted", projects=done)
    return done


def said_of_left_plan(project: Project, *, catalogue: Catalogue, chosen: str | None = None) -> str:
    """What to know of the project's plan where that left the catalogue, a phrase; "" where it is there.

    chosen: the plan that is asked for, where one is; "" is said where that is another.
    """
    plan = str(project.spec.get("plan", ""))
    if plan in catalogue.plans or chosen not in (None, plan):
        return ""
    if not project.units:
        return phrase(
            "Plan %(plan)s is not offered any more. Everything stays until another is chosen. Nobody knows how many "
            "units it counts.",
            plan=plan,
        )
    return numbered(
        "Plan %(plan)s is not offered any more. Everything stays until another is chosen. It counts %(number)s unit.",
        "Plan %(plan)s is not offered any more. Everything stays until another is chosen. It counts %(number)s units.",
        project.units,
        plan=plan,
    )
