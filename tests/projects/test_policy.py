"""The catalogue's policy: the first rule that fits decides, and is named."""

from pathlib import Path

import pytest

from projects.policy import Question, Verdict, decide
from provisioning.catalogue import load
from provisioning.spec import ProjectSpec

CATALOGUE = load(Path("platform.example.yaml"))


def spec(plan: str) -> ProjectSpec:
    return ProjectSpec(slug="demand", team="forecasting", plan=plan)


@pytest.mark.parametrize(
    "action, before, after, budget, taken, decision",
    [
        ("create", None, "small", 100, 0, "approve"),
        ("create", None, "medium", 12, 0, "approve"),
        ("create", None, "medium", 12, 1, "ask"),
        ("create", None, "gpu", 1000, 0, "ask"),
        ("change", "small", "gpu", 1000, 0, "ask"),
        ("change", "medium", "small", 0, 50, "approve"),
        ("change", "small", "small", 0, 50, "approve"),
        ("retire", "gpu", None, 0, 0, "approve"),
    ],
)
def test_decisions(action: str, before: str | None, after: str | None, budget: int, taken: int, decision: str) -> None:
    question = Question(
        action=action,  # type: ignore[arg-type]
        before=spec(before) if before else None,
        after=spec(after) if after else None,
        budget=budget,
        taken=taken,
    )
    verdict = decide(catalogue=CATALOGUE, question=question)
    assert verdict.decision == decision
    assert verdict.rule
    assert verdict.because.endswith(".")


def test_without_rules_nothing_is_asked() -> None:
    catalogue = CATALOGUE.model_copy(update={"policy": ()})
    question = Question(action="create", before=None, after=spec("gpu"), budget=0, taken=0)
    assert decide(catalogue=catalogue, question=question) == Verdict(
        decision="approve", rule="no-rule", because="No rule of the platform team's policy speaks against it."
    )
