"""The scorecard's rules: what each says of the same facts, yes, no or not known, and what there is to do."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from projects.scorecard import CARDS, OWNERS_FILE, RULES, Facts, Judged, Mark, Reported, judge, marks

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
REPORT = Reported(
    at=NOW - timedelta(days=1),
    data_hash="d41d8cd9.dir",
    environment_hash="e3b0c442",
    tests_passed=12,
    tests_failed=0,
    stopped_at="",
    regression_examples=20,
    thresholds=1,
)
GOOD = Facts(
    now=NOW,
    created_at=NOW - timedelta(days=90),
    report=REPORT,
    repeated=True,
    trained_at=None,
    retrains=True,
    suspended=False,
    trains=True,
    environment="prod",
    gate_required=True,
    gate_possible=True,
    protected=True,
    approvals=1,
    rules_stand=True,
    owners=2,
    owners_known=True,
    documents=frozenset({*CARDS, OWNERS_FILE}),
    unwritten=frozenset(),
    shares={"cpu": 0.5, "memory": 0.2, "bucket": 0.3},
    lasting=frozenset({"bucket", "storage"}),
    smaller=True,
    larger=frozenset({"cpu", "memory", "bucket"}),
)


def said(facts: Facts) -> dict[str, Judged]:
    return {line.rule.name: line.judged for pillar in judge(facts) for line in pillar.lines}


def reported(**changes: Any) -> Facts:
    return replace(GOOD, report=REPORT._replace(**changes))


def test_a_project_that_has_everything_holds_every_rule() -> None:
    assert marks(judge(GOOD)) == {rule.name: "yes" for rule in RULES}
    assert [(one.name, one.held, len(one.lines)) for one in judge(GOOD)] == [
        ("reproducibility", 3, 3),
        ("robustness", 3, 3),
        ("automation", 3, 3),
        ("collaboration", 3, 3),
        ("scalability", 2, 2),
    ]
    assert [one.do for one in said(GOOD).values()] == [""] * len(RULES)


@pytest.mark.parametrize(
    ("rule", "facts", "says"),
    [
        ("data-pinned", reported(data_hash=""), "The newest run doesn't say which data it used."),
        ("environment-pinned", reported(environment_hash=""), "The newest run doesn't say which packages it used."),
        ("repeated", replace(GOOD, repeated=False), "The last run that was repeated gave other metrics."),
        ("tests-pass", reported(tests_failed=1), "1 model test fails."),
        ("tests-pass", reported(tests_passed=0), "The newest run tried no model test."),
        ("examples-kept", reported(regression_examples=9), "9 kept examples are tried again."),
        ("gate-holds", reported(thresholds=0), "No metric has a threshold."),
        ("gate-holds", replace(GOOD, gate_required=False), "The model gate is shown, but a worse model can be merged."),
        (
            "gate-holds",
            replace(GOOD, rules_stand=False),
            "It is asked for, but the forge has the rules of the main branch otherwise.",
        ),
        ("ci-runs", reported(at=NOW - timedelta(days=31)), "CI has not reported for more than 30 days."),
        ("trains-itself", replace(GOOD, retrains=False), "Nothing trains it again but a push."),
        (
            "trains-itself",
            replace(GOOD, retrains=False, trained_at=NOW - timedelta(days=2)),
            "It was trained again in the last 30 days, but only because somebody asked.",
        ),
        (
            "trains-itself",
            replace(GOOD, trains=False),
            "It has a schedule or data to follow, but the last training could not begin, or never reported.",
        ),
        (
            "has-a-target",
            replace(GOOD, environment="dev"),
            "It is for development: nothing says where its model goes.",
        ),
        ("two-owners", replace(GOOD, owners=1), "1 person owns it."),
        ("reviewed", replace(GOOD, approvals=0), "A pull request needs nobody's approval."),
        (
            "reviewed",
            replace(GOOD, rules_stand=False),
            "It is asked for, but the forge has the rules of the main branch otherwise.",
        ),
        ("documented", replace(GOOD, documents=frozenset(CARDS)), "Missing in the repository: CODEOWNERS."),
        (
            "documented",
            replace(GOOD, unwritten=frozenset(CARDS)),
            "Still as the template made it: DATA_CARD.md, MODEL_CARD.md.",
        ),
        (
            "plan-fits",
            replace(GOOD, shares={"cpu": 0.95}),
            "At most 95 % of what the plan allows was asked for in two weeks.",
        ),
        (
            "plan-fits",
            replace(GOOD, shares={"cpu": 0.05}),
            "At most 5 % of what the plan allows was asked for in two weeks.",
        ),
        ("has-room", replace(GOOD, shares={"bucket": 0.8}), "Its storage is 80 % full."),
    ],
)
def test_a_no_says_why_and_what_to_do(rule: str, facts: Facts, says: str) -> None:
    found = said(facts)[rule]
    assert (found.mark, found.says) == (Mark.NO, says)
    assert found.do


def test_of_a_run_that_stopped_nobody_knows_how_its_model_tests_go() -> None:
    found = said(reported(tests_passed=0, stopped_at="pipeline"))["tests-pass"]
    stopped = "In the newest run CI stopped at pipeline, before any model test."
    assert (found.mark, found.says, found.tab) == (Mark.UNKNOWN, stopped, "models")


@pytest.mark.parametrize(
    ("facts", "unknown"),
    [
        (
            replace(GOOD, report=None),
            {"data-pinned", "environment-pinned", "tests-pass", "examples-kept", "gate-holds", "ci-runs"},
        ),
        (replace(GOOD, repeated=None), {"repeated"}),
        (replace(GOOD, documents=None), {"documented"}),
        (replace(GOOD, approvals=None, gate_required=False), {"reviewed", "gate-holds"}),
        (replace(GOOD, rules_stand=None), {"reviewed", "gate-holds"}),
        (replace(GOOD, trains=None), {"trains-itself"}),
        (replace(GOOD, owners=1, owners_known=False), {"two-owners"}),
        (replace(GOOD, shares={}), {"plan-fits", "has-room"}),
        (replace(GOOD, shares={"cpu": 0.0, "bucket": 0.0}, created_at=NOW - timedelta(days=2)), {"plan-fits"}),
    ],
)
def test_what_nobody_told_is_not_known_and_never_a_yes(facts: Facts, unknown: set[str]) -> None:
    assert {name for name, one in said(facts).items() if one.mark is Mark.UNKNOWN} == unknown


@pytest.mark.parametrize(
    ("rule", "facts", "do"),
    [
        (
            "data-pinned",
            reported(data_hash=""),
            "Run dvc repro and commit dvc.lock: only that pins the data. Without DVC, have CI report data_hash.",
        ),
        (
            "gate-holds",
            replace(GOOD, gate_required=False, protected=False),
            "Switch on “Protect the main branch” of the repository, and set “Model gate” to required.",
        ),
        (
            "gate-holds",
            replace(GOOD, gate_required=False, gate_possible=False),
            "GitLab can't require it: merge only where the status slipway/model-gate is green.",
        ),
        (
            "reviewed",
            replace(GOOD, approvals=0, protected=False),
            "Switch on “Protect the main branch” of the repository, and ask for one: option “Approvals”.",
        ),
        ("trains-itself", replace(GOOD, retrains=False, suspended=True), "Have it resumed."),
        (
            "plan-fits",
            replace(GOOD, shares={"cpu": 0.95}, larger=frozenset({"memory"})),
            "No plan allows more. Ask for less at a time, or ask the platform team for a larger plan.",
        ),
        (
            "plan-fits",
            replace(GOOD, shares={"gpu": 0.0, "pods": 0.15}),
            "Choose a plan with fewer GPUs, or lower their limit: options “Limits”.",
        ),
        (
            "has-room",
            replace(GOOD, shares={"bucket": 0.8}, larger=frozenset()),
            "Remove what nobody needs, or ask the platform team for a larger plan.",
        ),
    ],
)
def test_what_to_do_is_something_one_can_do(rule: str, facts: Facts, do: str) -> None:
    assert (said(facts)[rule].mark, said(facts)[rule].do) == (Mark.NO, do)


def test_the_smallest_plan_fits_however_little_is_asked_for() -> None:
    fits = said(replace(GOOD, shares={"cpu": 0.0}, smaller=False))["plan-fits"]
    assert fits == Judged(Mark.YES, "No smaller plan has room for what it asks for.")


def test_two_owners_are_enough_whoever_else_is_in_a_group() -> None:
    known = said(replace(GOOD, owners=2, owners_known=False))["two-owners"]
    assert known == Judged(Mark.YES, "2 people own it.")
