"""The plans as pages offer them: in plain numbers, who decides about each, and whether what is used now fits."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.utils.translation import gettext

from projects.models import Project
from projects.policy import Verdict
from projects.usage import Use, allowed_by
from projects.usage_words import title_of
from provisioning.catalogue import Catalogue, Plan
from provisioning.quantities import human


@dataclass(frozen=True)
class PlanCard:
    """A plan as a page offers it.

    decides: what comes of choosing it, "" where that is not known. too_small: titles of what is used more of now than
    it allows. left: what to know where it left the catalogue, else "". units: 0 where nobody knows.
    """

    name: str
    title: str
    figures: tuple[tuple[str, str], ...]
    units: int
    decides: str
    too_small: tuple[str, ...] = ()
    left: str = ""


def plan_cards(
    verdicts: Mapping[str, Verdict], *, catalogue: Catalogue, uses: Iterable[Use] = (), project: Project | None = None
) -> list[PlanCard]:
    """Every plan of the catalogue; before them that of the project, where the catalogue has it no more.

    verdicts: what the policy says of each, as `granting.verdicts_by_plan` has it; empty while nothing can be judged.
    uses: what is used now, where it was measured.
    """
    words = {
        "approve": gettext("Made at once"), "ask": gettext("A person decides"), "refuse": gettext("Not offered")
    }  # fmt: skip
    uses = tuple(uses)
    cards = [_left(project)] if project is not None and project.spec["plan"] not in catalogue.plans else []
    for plan in catalogue.plans.values():
        verdict = verdicts.get(plan.name)
        cards.append(
            PlanCard(
                name=plan.name,
                title=plan.title or plan.name,
                figures=(
                    (gettext("CPU"), human(plan.cpu)),
                    (gettext("Memory"), human(plan.memory)),
                    (gettext("GPU"), str(plan.gpu) if plan.gpu else gettext("none")),
                    (gettext("Volumes"), human(plan.storage)),
                    (gettext("Bucket"), human(plan.bucket)),
                ),
                units=plan.units,
                decides=words[verdict.decision] if verdict is not None else "",
                too_small=tuple(title_of(use.measure) for use in uses if _exceeds(use, plan)),
            )
        )
    return cards


def _left(project: Project) -> PlanCard:
    said = gettext("Not offered any more. Everything stays until another is chosen.")
    name = project.spec["plan"]
    return PlanCard(name=name, title=name, figures=(), units=project.units, decides="", left=said)


def _exceeds(use: Use, plan: Plan) -> bool:
    if use.used is None or not use.measure.plan:
        return False
    return use.used > allowed_by(plan, use.measure)
