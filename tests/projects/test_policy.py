"""The catalogue's policy: the first rule that fits decides, and is named."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from projects.policy import Question, Verdict, decide
from provisioning.catalogue import CatalogueError, load
from provisioning.policy_rules import Rule
from provisioning.spec import Environment, ProjectSpec

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


@pytest.mark.parametrize(
    "after, counted, taken, rule, said",
    [
        ("small", 12, 100, "room", "4 units."),
        ("medium", 12, 100, "room", "12 units."),
        ("medium", 8, 100, "full", "12 units."),
        ("old", 12, 100, "room", "12 units."),
        # Nobody knows what it was.
        ("medium", 0, 100, "full", "12 units."),
    ],
)
def test_a_plan_that_left_the_catalogue_takes_what_its_project_counts(
    after: str, counted: int, taken: int, rule: str, said: str
) -> None:
    rules = (
        Rule(name="full", over_budget=True, decision="refuse", because="{units} units."),
        Rule(name="room", decision="approve", because="{units} units."),
    )
    catalogue = CATALOGUE.model_copy(update={"policy": rules})
    question = Question(action="change", before=spec("old"), after=spec(after), budget=20, taken=taken, counted=counted)
    verdict = decide(catalogue=catalogue, question=question)
    assert (verdict.rule, verdict.because) == (rule, said)


@pytest.mark.parametrize(
    "before, after, rule",
    [
        ({"plan": "gpu", "expires": "2027-06-30"}, {"plan": "gpu"}, "gpu-longer-asks"),
        ({"plan": "gpu", "expires": "2027-06-30"}, {"plan": "gpu", "expires": "2027-12-31"}, "gpu-longer-asks"),
        ({"plan": "gpu"}, {"plan": "gpu", "expires": "2027-06-30"}, "within-budget"),
        ({"plan": "gpu", "expires": "2027-06-30"}, {"plan": "gpu", "expires": "2027-06-30", "title": "Winter"},
         "within-budget"),
        ({"plan": "huge"}, {"plan": "gpu"}, "gpu-asks"),
        ({"plan": "small", "expires": "2027-06-30"}, {"plan": "small"}, "within-budget"),
    ],
)  # fmt: skip
def test_gpus_are_asked_for_by_their_number_and_their_time(
    before: dict[str, Any], after: dict[str, Any], rule: str
) -> None:
    # As many units as plan gpu has, and no GPU.
    plans = {**CATALOGUE.plans, "huge": CATALOGUE.plans["gpu"].model_copy(update={"gpu": 0})}
    was, becomes = (
        ProjectSpec.model_validate({"slug": "demand", "team": "forecasting", **one}) for one in (before, after)
    )
    question = Question(action="change", before=was, after=becomes, budget=100, taken=0, today=date(2026, 11, 26))
    assert decide(catalogue=CATALOGUE.model_copy(update={"plans": plans}), question=question).rule == rule


def test_without_rules_nothing_is_asked() -> None:
    catalogue = CATALOGUE.model_copy(update={"policy": ()})
    question = Question(action="create", before=None, after=spec("gpu"), budget=0, taken=0)
    assert decide(catalogue=catalogue, question=question) == Verdict(
        decision="approve", rule="no-rule", because="No rule of the platform team's policy speaks against it."
    )


def until(day: str) -> ProjectSpec:
    return spec("small").model_copy(update={"expires": date.fromisoformat(day)})


TODAY = date(2026, 11, 26)
PEOPLE = tuple({"user": f"{name}@corp.example"} for name in ("alice", "bob"))


def asked(**more: Any) -> Question:
    """A change of team forecasting's project from plan small to medium, with two people, for ever."""
    after = {"slug": "demand", "team": "forecasting", "plan": "medium", "contributors": PEOPLE, **more.pop("after", {})}
    known = {"action": "change", "before": spec("small"), "budget": 100, "taken": 20, "today": TODAY}
    return Question(after=ProjectSpec.model_validate(after), **{**known, **more})


@pytest.mark.parametrize(
    "condition, fitting, other",
    [
        ({"teams": ["forecasting"]}, {}, {"after": {"team": "vision"}}),
        ({"groups": ["ml-leads"]}, {"groups": ["ml-users", "ml-leads"]}, {"groups": ["ml-users"]}),
        ({"environments": ["prod"]}, {"after": {"environment": "prod"}}, {}),
        ({"grows": True}, {}, {"after": {"plan": "small"}}),
        ({"grows_by": 8}, {}, {"before": spec("medium"), "after": {"plan": "medium"}}),
        ({"over_budget": True}, {"taken": 90}, {}),
        ({"gpus_above": 0}, {"after": {"plan": "gpu"}}, {}),
        ({"gpus_above": 0}, {"after": {"plan": "gpu"}}, {"after": {"plan": "large"}}),
        ({"more_gpus": True}, {"after": {"plan": "gpu"}}, {"before": spec("gpu"), "after": {"plan": "gpu"}}),
        ({"more_gpus": True}, {"action": "create", "before": None, "after": {"plan": "gpu"}}, {}),
        ({"more_gpus": False}, {"before": spec("gpu")}, {"after": {"plan": "gpu"}}),
        ({"ends_later": True}, {"before": until("2027-06-30")}, {}),
        (
            {"ends_later": True},
            {"before": until("2027-06-30"), "after": {"expires": "2027-07-01"}},
            {"before": until("2027-06-30"), "after": {"expires": "2027-06-30"}},
        ),
        ({"ends_later": True}, {"action": "create", "before": None}, {"after": {"expires": "2027-06-30"}}),
        ({"ends_later": False}, {}, {"before": until("2027-06-30")}),
        ({"people_above": 1}, {}, {"after": {"contributors": PEOPLE[:1]}}),
        ({"lasts_over_days": 30}, {}, {"after": {"expires": "2026-12-26"}}),
        ({"lasts_over_days": 30}, {"after": {"expires": "2026-12-27"}}, {"today": None}),
        ({"use_below": 50}, {"use": 49.9}, {"use": 50.0}),
        ({"use_below": 50}, {"use": 0.0}, {"use": None}),
        ({"over_capacity": True}, {"lacking": frozenset({"cpu"})}, {"lacking": frozenset()}),
        ({"over_capacity": True}, {"lacking": frozenset({"cpu"})}, {"lacking": None}),
        ({"over_capacity": False}, {"lacking": frozenset()}, {"lacking": None}),
    ],
)
def test_a_condition_fits_what_it_says_and_nothing_that_is_not_known(
    condition: dict[str, Any], fitting: dict[str, Any], other: dict[str, Any]
) -> None:
    rule = Rule.model_validate({"name": "only", "decision": "ask", "because": "Somebody looks.", **condition})
    catalogue = CATALOGUE.model_copy(update={"policy": (rule,)})
    assert [decide(catalogue=catalogue, question=asked(**one)).rule for one in (fitting, other)] == ["only", "no-rule"]


def test_a_sentence_has_the_numbers_and_the_verdict_the_approvers() -> None:
    sentence = "{units} of {free} ({budget} less {taken}) for {team}, plan {plan}, {gpus} GPUs, {use} % used."
    rule = Rule(name="numbers", decision="ask", because=sentence, approvers=("ml-leads",))
    catalogue = CATALOGUE.model_copy(update={"policy": (rule,)})
    assert decide(catalogue=catalogue, question=asked(use=12.4)) == Verdict(
        decision="ask",
        rule="numbers",
        because="12 of 80 (100 less 20) for forecasting, plan medium, 0 GPUs, 12 % used.",
        approvers=("ml-leads",),
    )


def test_where_a_rule_names_no_approvers_the_general_ones_are_asked_and_nobody_where_nobody_decides() -> None:
    rules = [
        {"name": "ask", "decision": "ask", "because": "Ask."},
        {"name": "no", "decision": "refuse", "because": "No."},
    ]
    general = CATALOGUE.decisions.model_copy(update={"approvers": ("ml-leads",)})
    for rule, approvers in zip(rules, (("ml-leads",), ()), strict=True):
        update = {"policy": (Rule.model_validate(rule),), "decisions": general}
        assert decide(catalogue=CATALOGUE.model_copy(update=update), question=asked()).approvers == approvers


def test_the_environment_of_what_is_retired_counts() -> None:
    rule = Rule(name="prod", decision="ask", because="It serves cars.", environments=(Environment.PROD,))
    catalogue = CATALOGUE.model_copy(update={"policy": (rule,)})
    before = spec("small").model_copy(update={"environment": Environment.PROD})
    question = Question(action="retire", before=before, after=None, budget=0, taken=0)
    assert decide(catalogue=catalogue, question=question).rule == "prod"


def test_a_catalogue_with_a_rule_that_never_fires_or_says_nonsense_is_refused(tmp_path: Path) -> None:
    text = Path("platform.example.yaml").read_text()
    late = text.replace(
        "  - name: within-budget\n", "  - {name: all, decision: approve, because: Yes.}\n  - name: within-budget\n"
    )
    (tmp_path / "late.yaml").write_text(late)
    with pytest.raises(CatalogueError, match=r"within-budget can never fire: all above it fits whenever it does"):
        load(tmp_path / "late.yaml")
    (tmp_path / "odd.yaml").write_text(text.replace("{gpus}", "{gpus.__class__}"))
    with pytest.raises(CatalogueError, match="is nothing a sentence can name"):
        load(tmp_path / "odd.yaml")
    (tmp_path / "zone.yaml").write_text(text.replace("Europe/Stockholm", "Europe/Atlantis"))
    with pytest.raises(CatalogueError, match="there is no time zone Europe/Atlantis"):
        load(tmp_path / "zone.yaml")


def test_a_rule_s_sentence_may_stand_in_other_languages_with_the_same_figures(tmp_path: Path) -> None:
    text = Path("platform.example.yaml").read_text()
    swedish = (
        "Team {team} har {free} av sina {budget} enheter lediga, och det här tar {units}. Plattformsteamet beslutar."
    )
    assert text.count(swedish) == 1
    (tmp_path / "odd.yaml").write_text(text.replace(swedish, "Team {lag} har {free} lediga."))
    with pytest.raises(CatalogueError, match=r"\{lag\} is nothing a sentence can name"):
        load(tmp_path / "odd.yaml")
    (tmp_path / "named.yaml").write_text(text.replace("because_in: {sv: ", "because_in: {Svenska: "))
    with pytest.raises(CatalogueError, match=r"because_in\.Svenska"):
        load(tmp_path / "named.yaml")
    alike = "GPUs are few, and this asks for up to {gpus}. The platform team looks at each request for them."
    longer = "GPUs are few, and this keeps up to {gpus} for longer. The platform team looks at each request for that."
    assert longer in text
    (tmp_path / "alike.yaml").write_text(text.replace(longer, alike))
    with pytest.raises(CatalogueError, match=r"policy\.gpu-longer-asks says the same as gpu-asks in because"):
        load(tmp_path / "alike.yaml")
    rule = Rule.model_validate(
        {
            "name": "one",
            "decision": "ask",
            "because": "{{100 %}} of {team}: {free}",
            "because_in": {"sv": "{free} kvar, {{100 %}} av {team}"},
        }
    )
    said = rule.said({"team": "%(free)s", "free": 3})
    assert said == "{100 %} of %(free)s: 3"
    sentences = CATALOGUE.model_copy(update={"policy": (rule,)}).sentences
    assert said.told(one=lambda one: sentences("sv")[one], many=lambda *_: "") == "3 kvar, {100 %} av %(free)s"
    assert sentences("de") == {}


@pytest.mark.parametrize(
    "above, below, covered",
    [
        ({}, {"plans": ["gpu"]}, True),
        ({"plans": ["gpu", "large"]}, {"plans": ["gpu"]}, True),
        ({"plans": ["gpu"]}, {"plans": ["gpu", "large"]}, False),
        ({"plans": ["gpu"]}, {}, False),
        ({"gpus_above": 1}, {"gpus_above": 2}, True),
        ({"gpus_above": 2}, {"gpus_above": 1}, False),
        ({"ends_later": True}, {"ends_later": True, "gpus_above": 0}, True),
        ({"more_gpus": True}, {"ends_later": True, "gpus_above": 0}, False),
        ({"use_below": 50}, {"use_below": 20}, True),
        ({"use_below": 20}, {"use_below": 50}, False),
        ({"grows": True}, {"grows": False}, False),
        ({"grows": True, "actions": ["change"]}, {"grows": True, "actions": ["change"], "teams": ["vision"]}, True),
    ],
)
def test_what_a_rule_covers(above: dict[str, Any], below: dict[str, Any], covered: bool) -> None:
    first, second = (
        Rule.model_validate({"name": "one", "decision": "ask", "because": "So.", **one}) for one in (above, below)
    )
    assert first.covers(second) is covered
