"""What a project's tests say of themselves in metrics/tests.json, and that its own data and tests may be other ones."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from projects import report_body
from tests.template.conftest import Run, commit, git


def told(project: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((project / "metrics/tests.json").read_text())
    report_body.TestsIn.model_validate(found)
    return found


def fails(project: Path, run: Run, *words: str) -> None:
    with pytest.raises(AssertionError):
        run(project, "pytest", "-q", *words)


def test_a_test_without_a_marker_is_told_as_another_kind_and_unit_tests_are_not(project: Path, run: Run):
    for folder in ("model", "unit"):
        (project / f"tests/{folder}/test_more.py").write_text("def test_more():\n    assert 1 == 2\n")

    fails(project, run, "tests/unit/test_more.py")
    assert not (project / "metrics/tests.json").exists()

    fails(project, run, "tests/unit/test_more.py", "tests/model/test_more.py")
    assert told(project)["failed"] == [{"name": "test_more", "kind": "other", "example": "assert 1 == 2"}]


def test_tests_that_can_t_be_read_are_told_as_one_that_fails(project: Path, run: Run):
    (project / "tests/model/test_broken.py").write_text("import no_such_module\n")

    fails(project, run, "tests/data", "tests/model")

    assert told(project) == {
        "passed": 0,
        "failed": [
            {
                "name": "test_broken.py",
                "kind": "other",
                "example": "E   ModuleNotFoundError: No module named 'no_such_module'",
            }
        ],
        "regression_examples": 0,
    }


def test_kept_examples_count_only_where_they_were_tried(project: Path, run: Run):
    run(project, "dvc", "repro")

    run(project, "pytest", "-q", "tests/data")
    assert told(project)["regression_examples"] == 0

    run(project, "pytest", "-q", "tests/model/test_behaviour.py", "-k", "stay_right")
    assert told(project)["regression_examples"] == 10


def test_without_tests_or_with_a_run_that_was_cut_off_nothing_is_told(project: Path, run: Run):
    (project / "tests/model/test_cut.py").write_text(
        "def test_good():\n    pass\n\n\ndef test_cut():\n    raise KeyboardInterrupt\n"
    )
    fails(project, run, "tests/model/test_cut.py")
    assert not (project / "metrics/tests.json").exists()

    shutil.rmtree(project / "tests/model")
    fails(project, run, "tests/data", "tests/model")
    assert not (project / "metrics/tests.json").exists()


def test_however_much_fails_the_report_is_taken(project: Path, run: Run):
    (project / "tests/model/test_many.py").write_text(
        "import pytest\n\n\n@pytest.mark.slice\n@pytest.mark.parametrize('one', range(300))\n"
        "def test_many(one):\n    assert False, '\x1b[31m' + 'å' * 400\n"
    )

    fails(project, run, "tests/model/test_many.py")

    assert len(told(project)["failed"]) == 200


def test_more_than_a_year_may_be_kept_for_the_test_and_an_empty_slice_is_named(project: Path, run: Run):
    change(project, "params.yaml", "test_weeks: 52", "test_weeks: 60")
    run(project, "dvc", "repro")

    run(project, "pytest", "-q", "tests/data", "tests/model")

    change(project, "tests/model/test_slices.py", "row.price <= 0.85", "row.price <= 0")
    with pytest.raises(AssertionError, match="no row in low prices"):
        run(project, "pytest", "-q", "tests/model/test_slices.py")


def test_own_data_that_dvc_tracks_is_fetched_by_ci_and_pinned(project: Path, run: Run, tools: Path, tmp_path: Path):
    """As the README says, with a folder in the place of the bucket."""
    second = tmp_path / "second"
    (project / "raw").mkdir()
    (project / "raw/sales.csv").write_text("product,week\n")
    run(project, "dvc", "add", "raw/sales.csv")
    change(project, "dvc.yaml", "deps: [src/forecast/data.py,", "deps: [raw/sales.csv, src/forecast/data.py,")
    run(project, "dvc", "repro")
    remote_in(project, tmp_path / "bucket", run)
    run(project, "dvc", "push")
    commit(project, "Learn from our sales")
    git(tmp_path, "clone", "-q", str(project), str(second))
    remote_in(second, tmp_path / "bucket", run)
    # CI takes the environment of the tests for its own.
    environ = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "SLIPWAY_CI_CACHE": str(tools.parents[1])}

    subprocess.run(
        ["sh", "slipway/ci.sh", "pipeline"],
        cwd=second,
        env={**environ, "AWS_ACCESS_KEY_ID": "ml-demand"},
        check=True,
        capture_output=True,
    )

    assert (second / "raw/sales.csv").read_text() == "product,week\n"
    assert git(second, "status", "--short") == ""
    report = json.loads(run(second, "python", "slipway/report.py").rpartition("}")[0] + "}")
    assert len(report["data_hash"]) == 64
    assert report["tests"]["failed"][0]["name"] == "the model tests did not run"


def remote_in(project: Path, folder: Path, run: Run) -> None:
    run(project, "dvc", "remote", "add", "--local", "--default", "near", str(folder))


def change(project: Path, path: str, before: str, after: str) -> None:
    text = (project / path).read_text()
    assert before in text
    (project / path).write_text(text.replace(before, after))
