"""The comment under a pull request: what it says, whole, and that nothing in it is more than text."""

from typing import Any

import pytest

from projects.markdown import LIMIT
from projects.model_history import standing_of
from projects.models import Report
from projects.report_comment import report_comment
from tests.ci import MAE, REPORT

URL = "https://slipway.corp.example/projects/demand/models/?pull_request=3"


def row(**changes: Any) -> Report:
    said = {**REPORT, **changes}
    said.pop("plots")
    return Report(
        **{name: "" if value is None and name.endswith(("hash", "url")) else value for name, value in said.items()}
    )


def comment(report: Report, base: Report | None, *, head: str = "") -> str:
    return report_comment(standing_of(report, base=base, head=head), base_branch="main", url=URL)


def test_a_worse_model() -> None:
    metrics = [{**MAE, "value": 0.31}, {**MAE, "name": "r2", "direction": "higher", "value": 0.9, "threshold": None}]
    before = [MAE, {**metrics[1], "value": 0.8}]
    assert comment(row(metrics=metrics), row(metrics=before, commit="a" * 40)).splitlines() == [
        "### Model: the gate is shut, 1 worse, 1 better",
        "",
        "mae (test) is 0.31; 0.2 or less is needed. 1 of 13 model tests fail: test\\_winter\\_weeks.",
        "",
        "| metric | this | main `aaaaaaaaaa` | | threshold |",
        "|---|---:|---:|---|---|",
        "| mae (test) | 0.31 | 0.12 | ▼ worse by 0.19 | **missed**: 0.2 or less |",
        "| r2 (test) | 0.9 | 0.8 | ▲ better by 0.1 |  |",
        "",
        "Model tests: 12 passed, 1 failed. 20 kept examples were tried again.",
        "",
        "- **test\\_winter\\_weeks** (slice): week 2: 912 instead of 240",
        "",
        "code `4b825dc642` · data `d41d8cd98f00b2` · environment `e3b0c44298` · run again with the same metrics · "
        "[run 1284](https://git.corp.example/forecasting/demand/actions/runs/1284)",
        "",
        f"[Metrics, plots and history]({URL})",
    ]


def test_the_first_report_of_all() -> None:
    tests = {"passed": 2, "failed": [], "regression_examples": 0}
    first = row(tests=tests, data_hash=None, environment_hash=None, run_url=None, reproduced=None)
    assert comment(first, None).splitlines() == [
        "### Model: the gate is open",
        "",
        "1 of 1 thresholds held, 2 model tests passed.",
        "",
        "| metric | this | main | | threshold |",
        "|---|---:|---:|---|---|",
        "| mae (test) | 0.12 |  |  | held: 0.2 or less |",
        "",
        "main has no report yet, so there is nothing to compare with.",
        "",
        "Model tests: 2 passed, 0 failed.",
        "",
        "code `4b825dc642` · data not named · run 1284",
        "",
        f"[Metrics, plots and history]({URL})",
    ]


def test_worse_within_the_thresholds_is_said_at_a_glance() -> None:
    metrics = [
        {**MAE, "value": 0.15},
        {**MAE, "name": "bias", "value": 0.1},
        {**MAE, "name": "r2", "direction": "higher", "threshold": None},
    ]
    before = [*({**one, "value": 0.11} for one in metrics), {**MAE, "name": "old", "threshold": None}]
    said = comment(row(metrics=metrics, tests={}), row(metrics=before, tests={}))
    assert said.splitlines()[0] == "### Model: the gate is open, 1 worse, 1 gone, 2 better"


def test_numbers_of_an_older_commit_are_no_verdict_on_the_head() -> None:
    older = row(metrics=[MAE], tests={})
    assert comment(older, None, head="b" * 40).splitlines()[:3] == [
        "### Model: numbers of `4b825dc642`; `bbbbbbbbbb` has not reported yet",
        "",
        "The gate of `bbbbbbbbbb` waits for its report. Of `4b825dc642` it was said: the gate is open. "
        "1 of 1 thresholds held, no model test.",
    ]
    assert comment(older, None, head=older.commit) == comment(older, None)


def test_fewer_tests_than_before_are_named() -> None:
    before = row(tests={"passed": 50, "failed": [], "regression_examples": 0})
    said = comment(row(tests={"passed": 40, "failed": [], "regression_examples": 0}), before)
    assert "Model tests: 40 passed, 0 failed. **There were 50 before.**" in said.splitlines()
    said = comment(row(tests={}), before)
    assert "50 model tests are gone." in said.splitlines()
    assert "This run reported no model tests. **There were 50 before.**" in said.splitlines()


def test_a_run_that_stopped_before_it_measured_says_where_and_nothing_is_gone() -> None:
    failed = [{"name": "CI stopped at unit", "kind": "other", "example": "3 tests of 40 failed"}]
    tests = {"passed": 0, "failed": failed, "regression_examples": 0}
    halted = row(metrics=[], tests=tests, data_hash=None, environment_hash=None, run_url=None, reproduced=None)
    assert comment(halted, row()).splitlines() == [
        "### Model: the gate is shut",
        "",
        "CI stopped at unit, before it measured the model.",
        "",
        "This run reported no metrics.",
        "",
        "- **CI stopped at unit**: 3 tests of 40 failed",
        "",
        "code `4b825dc642` · data not named · run 1284",
        "",
        f"[Metrics, plots and history]({URL})",
    ]
    late = comment(row(tests={**tests, "passed": 12}), row())
    assert "Model tests: 12 passed, 0 failed. **There were 13 before.**" in late.splitlines()
    assert "- **CI stopped at unit**: 3 tests of 40 failed" in late.splitlines()


def test_a_step_of_ci_that_failed_is_counted_as_no_model_test() -> None:
    lint, unit, pipeline = (
        {"name": f"CI {name}", "kind": "other", "example": "3 faults"}
        for name in ("failed at lint", "failed at unit", "stopped at pipeline")
    )
    tests = {"passed": 12, "failed": [], "regression_examples": 0}
    good = comment(row(tests={**tests, "failed": [lint, unit]}), row(tests={**tests, "failed": [lint]})).splitlines()
    assert good[2] == "CI failed at lint. CI failed at unit."
    begins = good.index("Model tests: 12 passed, 0 failed.")
    assert good[begins + 1 : begins + 4] == [
        "",
        "- **CI failed at lint**: 3 faults",
        "- **CI failed at unit**: 3 faults",
    ]
    mended = comment(row(tests=tests), row(tests={**tests, "failed": [lint]}))
    assert "before.**" not in mended
    halted = comment(row(metrics=[], tests={**tests, "passed": 0, "failed": [lint, pipeline]}), row(tests=tests))
    assert "Model tests:" not in halted
    assert "- **CI failed at lint**: 3 faults\n- **CI stopped at pipeline**: 3 faults" in halted


def test_a_metric_under_another_name_is_gone_and_the_way_out_is_said() -> None:
    said = comment(row(metrics=[{**MAE, "name": "error"}], tests={}), row(tests={})).splitlines()
    assert said[2] == "mae (test) is gone; 0.2 or less is needed."
    assert (
        "A metric under a new name counts as gone under the old one. Report both, or have an owner set the option "
        "“Model gate” to shown until this is merged."
    ) in said


def test_a_changed_threshold_is_named() -> None:
    said = comment(row(metrics=[{**MAE, "threshold": 0.5}]), row())
    assert "| mae (test) | 0.12 | 0.12 | = same | held: 0.5 or less (was 0.2) |" in said.splitlines()


def test_a_turned_direction_is_named() -> None:
    said = comment(row(metrics=[{**MAE, "value": 0.9, "direction": "higher"}], tests={}), row(tests={}))
    assert said.splitlines()[:3] == [
        "### Model: the gate is shut, 1 worse",
        "",
        "mae (test) is 0.9 and says now that higher is better; 0.2 or less is needed.",
    ]
    cells = "▼ worse by 0.78; **says now that higher is better** | **missed**: 0.2 or less |"
    assert f"| mae (test) | 0.9 | 0.12 | {cells}" in said.splitlines()


@pytest.mark.parametrize(
    "text",
    [
        "<img src=x onerror=alert(1)>",
        "| a | b |\n# heading\n<!-- slipway-report -->",
        "[click](https://evil.example) ![x](https://evil.example/x.png) https://evil.example www.evil.example",
        "@alice closes #1 `code` **bold** ~~x~~",
        "$(reboot) {{ 7*7 }} ${{ secrets.X }}",
    ],
)
def test_nothing_that_was_sent_is_more_than_text(text: str) -> None:
    failed = [{"name": text, "kind": "other", "example": text}]
    said = comment(row(tests={"passed": 0, "failed": failed, "regression_examples": 0}, branch=text), None)
    lines = [line for line in said.splitlines() if line.startswith("- **")]
    assert len(lines) == 1
    for mark in ("<", "https://evil", "www.evil", "@a", "#1", "<!--"):
        assert mark not in lines[0]
    for mark in ("`", "|", "[", "]", "!", "~"):
        assert lines[0].count(mark) == lines[0].count(f"\\{mark}"), mark


def test_the_longest_report_fits_and_keeps_its_end() -> None:
    metrics = [{**MAE, "name": f"{'_' * 95}{number}"} for number in range(200)]
    failed = [{"name": "&" * 200, "kind": "other", "example": "&" * 300} for _ in range(200)]
    said = comment(row(metrics=metrics, tests={"passed": 0, "failed": failed, "regression_examples": 0}), row())
    assert len(said) <= LIMIT
    assert said.endswith(f"[Metrics, plots and history]({URL})")
    assert "… and 141 more metrics." in said
