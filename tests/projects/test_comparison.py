"""Better, worse or the same, and whether the gate opens: figures and sentences, whole."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projects.comparison import Change, Gate, Line, compare, gate


def metric(name: str = "mae", value: float = 0.12, *, direction: str = "lower", **more: Any) -> dict[str, Any]:
    return {"name": name, "value": value, "split": "test", "direction": direction, "threshold": None, **more}


def test_each_metric_beside_its_base() -> None:
    base = [metric(value=0.2), metric("r2", 0.9, direction="higher"), metric("bias", 1.0), metric("old", 3.0)]
    now = [metric(value=0.1), metric("r2", 0.8, direction="higher"), metric("bias", 1.0005), metric("fresh", 5.0)]
    assert compare(now, base) == (
        Line("mae", "test", True, 0.1, 0.2, None, None, Change.BETTER),
        Line("r2", "test", False, 0.8, 0.9, None, None, Change.WORSE),
        Line("bias", "test", True, 1.0005, 1.0, None, None, Change.SAME),
        Line("fresh", "test", True, 5.0, None, None, None, Change.NEW),
        Line("old", "test", True, None, 3.0, None, None, Change.GONE),
    )
    assert [line.change for line in compare(now, None)] == [Change.NEW] * 4


def test_the_same_name_on_another_split_is_another_metric() -> None:
    lines = compare([metric(split="train")], [metric()])
    assert [(line.label, line.change) for line in lines] == [
        ("mae (train)", Change.NEW),
        ("mae (test)", Change.GONE),
    ]


@pytest.mark.parametrize(
    ("direction", "value", "held"),
    [("lower", 0.2, True), ("lower", 0.21, False), ("higher", 0.2, True), ("higher", 0.19, False)],
)
def test_the_threshold_itself_holds(direction: str, value: float, held: bool) -> None:
    assert [line.held for line in compare([metric(value=value, direction=direction, threshold=0.2)], None)] == [held]


def test_a_threshold_can_be_changed_but_not_dropped() -> None:
    base = [metric(threshold=0.2), metric("r2", 0.9, direction="higher", threshold=0.8)]
    changed, gone = compare([metric(value=0.5, threshold=0.6)], base)
    assert (changed.threshold, changed.base_threshold, changed.held) == (0.6, 0.2, True)
    assert (gone.change, gone.held) == (Change.GONE, False)
    dropped = compare([metric(value=0.5)], base)[0]
    assert (dropped.threshold, dropped.held) == (0.2, False)
    assert gate([dropped, gone], {}) == Gate(
        passed=False, sentence="mae (test) is 0.5; 0.2 or less is needed. r2 (test) is gone; 0.8 or more is needed."
    )


@pytest.mark.parametrize("threshold", [0.2, None])
@pytest.mark.parametrize("value", [0.9, 0.1])
def test_a_metric_with_a_threshold_can_not_be_turned(value: float, threshold: float | None) -> None:
    base = [metric(threshold=0.2)]
    lines = compare([metric(value=value, direction="higher", threshold=threshold)], base)
    (turned,) = lines
    assert (turned.turned, turned.held, turned.demand) == (True, False, "0.2 or less")
    assert turned.change is (Change.WORSE if value == 0.9 else Change.BETTER)
    said = f"mae (test) is {value} and says now that higher is better; 0.2 or less is needed."
    assert gate(lines, {}) == Gate(False, said)


def test_a_direction_that_held_nothing_turns_by_being_named() -> None:
    lines = compare([metric("r2", 0.9, direction="higher", threshold=0.8)], [metric("r2", 0.8)])
    assert [(line.turned, line.held, line.change) for line in lines] == [(True, True, Change.BETTER)]
    said = "1 of 1 thresholds held, no model test. r2 (test) says now that higher is better."
    assert gate(lines, {}) == Gate(True, said)
    lines = compare([metric("r2", 0.7, direction="higher")], [metric("r2", 0.8)])
    assert gate(lines, {"passed": 2}) == Gate(
        True, "No threshold, 2 model tests passed. r2 (test) says now that higher is better."
    )


@pytest.mark.parametrize(
    ("metrics", "tests", "said"),
    [
        ([], {}, Gate(True, "No threshold and no model test: nothing to check.")),
        ([metric()], {"passed": 3, "failed": []}, Gate(True, "No threshold, 3 model tests passed.")),
        ([metric(threshold=0.2)], {}, Gate(True, "1 of 1 thresholds held, no model test.")),
        (
            [metric(threshold=0.2)],
            {"passed": 3, "failed": [{"name": "test_winter_weeks"}, {"name": "test_zero"}]},
            Gate(False, "2 of 5 model tests fail: test_winter_weeks, test_zero."),
        ),
        (
            [metric(value=1234567.0, threshold=0.2)],
            {},
            Gate(False, "mae (test) is 1.23457e+06; 0.2 or less is needed."),
        ),
    ],
)
def test_what_the_gate_says(metrics: list[dict[str, Any]], tests: dict[str, Any], said: Gate) -> None:
    assert gate(compare(metrics, None), tests) == said


FIFTY_ONE = {"passed": 50, "failed": [{"name": "test_zero"}]}


@pytest.mark.parametrize("tests", [{}, {"passed": 0, "failed": []}])
def test_tests_that_are_gone_shut_the_gate(tests: dict[str, Any]) -> None:
    lines = compare([metric(threshold=0.2)], [metric(threshold=0.2)])
    assert gate(lines, tests, before=FIFTY_ONE) == Gate(False, "51 model tests are gone.")
    assert gate(lines, tests, before={"passed": 1, "failed": []}) == Gate(False, "The one model test is gone.")
    assert gate(lines, tests, before={}) == Gate(True, "1 of 1 thresholds held, no model test.")


def test_fewer_tests_than_before_shut_nothing() -> None:
    assert gate([], {"passed": 1, "failed": []}, before=FIFTY_ONE) == Gate(True, "No threshold, 1 model test passed.")


STOPPED = {"passed": 0, "failed": [{"name": "CI stopped at unit", "kind": "other", "example": "3 failed"}]}


def test_a_run_that_stopped_early_is_red_by_that_and_took_nothing_away() -> None:
    said = "CI stopped at unit, before it measured the model."
    assert gate([], STOPPED, before=FIFTY_ONE) == Gate(False, said)
    late = {"passed": 2, "failed": [{"name": "test_zero"}, {"name": "CI stopped at publish"}]}
    said = "CI stopped at publish. mae (test) is 0.3; 0.2 or less is needed. 1 of 3 model tests fail: test_zero."
    assert gate(compare([metric(value=0.3, threshold=0.2)], None), late) == Gate(False, said)


LINT, UNIT, PIPELINE = (
    {"name": f"CI {name}", "kind": "other", "example": "3 faults"}
    for name in ("failed at lint", "failed at unit", "stopped at pipeline")
)


@pytest.mark.parametrize(
    ("metrics", "tests", "said"),
    [
        ([metric(threshold=0.2)], {"passed": 51, "failed": [LINT]}, "CI failed at lint."),
        ([metric(threshold=0.2)], {"passed": 51, "failed": [LINT, UNIT]}, "CI failed at lint. CI failed at unit."),
        (
            [metric(threshold=0.2)],
            {"passed": 50, "failed": [UNIT, {"name": "test_zero"}]},
            "CI failed at unit. 1 of 51 model tests fail: test_zero.",
        ),
        (
            [],
            {"passed": 0, "failed": [LINT, PIPELINE]},
            "CI failed at lint. CI stopped at pipeline, before it measured the model.",
        ),
        # It went on without any: nothing but dropping them has them gone.
        ([metric(threshold=0.2)], {"passed": 0, "failed": [LINT]}, "CI failed at lint. 51 model tests are gone."),
    ],
)
def test_a_step_that_failed_shuts_the_gate_and_is_no_model_test(
    metrics: list[dict[str, Any]], tests: dict[str, Any], said: str
) -> None:
    before = {"passed": 50, "failed": [LINT, {"name": "test_zero"}]}
    assert gate(compare(metrics, None), tests, before=before) == Gate(False, said)


def test_the_sentence_fits_a_commit_status() -> None:
    many = [metric(f"{'m' * 90}{number}", threshold=0.0) for number in range(200)]
    assert len(gate(compare(many, None), {}).sentence) <= 255


numbers = st.floats(allow_nan=False, allow_infinity=False)


@given(value=numbers, base=numbers, direction=st.sampled_from(["lower", "higher"]))
def test_better_one_way_is_worse_the_other_way(value: float, base: float, direction: str) -> None:
    there = compare([metric(value=value, direction=direction)], [metric(value=base, direction=direction)])[0].change
    back = compare([metric(value=base, direction=direction)], [metric(value=value, direction=direction)])[0].change
    assert (there, back) in {
        (Change.BETTER, Change.WORSE), (Change.WORSE, Change.BETTER), (Change.SAME, Change.SAME),
    }  # fmt: skip
