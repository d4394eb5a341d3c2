"""slipway/ci.sh where a step fails: red in the end, and the report says at what, beside the numbers that there are."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from projects.comparison import compare, gate
from projects.report_body import ReportIn
from tests.template.conftest import ci, commit

NUMBERS = [{"name": "mae", "value": 1.0, "split": "test", "direction": "lower", "threshold": 2.0}]


def ran(project: Path, tools: Path, *steps: str, **told: str) -> tuple[list[int], str]:
    """How steps of CI ended, and what they printed."""
    done = [ci(project, tools, step, **told) for step in steps]
    return [one.returncode for one in done], "".join(one.stdout for one in done)


def reported(printed: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(printed[printed.index("\n{\n") : printed.rindex("\n}\n") + 2])
    ReportIn.model_validate(found)
    return found


def came_with_numbers(project: Path) -> None:
    """The commit has the metrics of the one before."""
    (project / "metrics").mkdir()
    (project / "metrics/metrics.json").write_text(json.dumps({"version": 1, "metrics": NUMBERS}))


def test_a_fault_of_lint_and_one_of_a_unit_test_hide_no_numbers_and_shut_the_gate(project: Path, tools: Path):
    (project / "src/forecast/odd.py").write_text("import os\n")
    (project / "tests/unit/test_odd.py").write_text("def test_odd():\n    assert 1 == 2\n")
    commit(project, "Odd")

    codes, printed = ran(project, tools, "all", GITHUB_REF_NAME="odd")

    found = reported(printed)
    lint, unit = found["tests"]["failed"]
    assert codes == [1]
    assert printed.endswith("Failed: lint unit\n")
    assert (lint["name"], unit["name"]) == ("CI failed at lint", "CI failed at unit")
    assert "Found 1 error." in lint["example"]
    assert "test_odd - assert 1 == 2" in unit["example"]
    assert (len(found["metrics"]), found["tests"]["passed"], found["reproduced"]) == (4, 51, None)
    assert gate(compare(found["metrics"], None), found["tests"]).sentence == ("CI failed at lint. CI failed at unit.")

    # What an earlier run said is not said of the next one.
    (project / "src/forecast/odd.py").unlink()
    ran(project, tools, "install", "lint")
    assert list((project / ".ci-cache/failed").iterdir()) == []


def test_a_pipeline_that_fails_is_reported_without_the_numbers_of_the_commit_before(project: Path, tools: Path):
    came_with_numbers(project)
    (project / "src/forecast/prepare.py").write_text("import os\n\nraise SystemExit(os.environ['PGPASSWORD'])\n")

    codes, printed = ran(project, tools, "pipeline", "report", PGPASSWORD="s3cret-pw")

    found = reported(printed)
    (stopped,) = found["tests"]["failed"]
    assert (codes, found["metrics"], found["data_hash"]) == ([255, 0], [], None)
    assert stopped["name"] == "CI stopped at pipeline"
    assert "failed to reproduce 'prepare'" in stopped["example"]
    assert "s3cret-pw" not in json.dumps(found)
    assert gate(compare([], NUMBERS), found["tests"]).sentence == (
        "CI stopped at pipeline. mae (test) is gone; 2 or less is needed."
    )


def test_a_pipeline_that_is_killed_with_its_shell_has_no_numbers(project: Path, tools: Path):
    came_with_numbers(project)
    (project / "src/forecast/prepare.py").write_text("import os\n\nprint('begun', flush=True)\nos.killpg(0, 9)\n")

    killed = ci(project, tools, "pipeline")

    found = reported("\n" + ran(project, tools, "report")[1])
    assert (killed.returncode, found["metrics"]) == (-9, [])
    assert [one["name"] for one in found["tests"]["failed"]] == ["CI stopped at pipeline"]


def test_keys_are_taken_without_an_environment(project: Path, tmp_path: Path):
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("sh", "dirname", "sha256sum", "cut", "python3"):
        (programs / name).symlink_to(f"/usr/bin/{name}")
    environment = {
        "PATH": str(programs),
        "SLIPWAY_CI_CACHE": str(tmp_path / "cache"),
        "SLIPWAY_SECRETS": "digest SLIPWAY_TOKEN",
        "GIVEN": '{"SLIPWAY_TOKEN": "slipci_x", "OTHER": "x"}',
        "GITHUB_ENV": str(tmp_path / "env"),
    }

    subprocess.run(["sh", "slipway/ci.sh", "keys"], cwd=project, env=environment, check=True)

    assert (tmp_path / "env").read_text() == "SLIPWAY_TOKEN=slipci_x\n"


def test_packages_that_can_t_be_installed_are_reported_without_an_environment(project: Path, tmp_path: Path):
    (project / "requirements.lock").write_text("no-such-package==0 --hash=sha256:" + "0" * 64 + "\n")
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "PIP_NO_INDEX": "1"}

    done = subprocess.run(
        ["sh", "slipway/ci.sh", "all"], cwd=project, env=environment, capture_output=True, text=True, check=False
    )

    (stopped,) = reported(done.stdout)["tests"]["failed"]
    assert (done.returncode, stopped["name"]) == (1, "CI stopped at install")
    assert "No matching distribution found for no-such-package==0" in stopped["example"]
    assert done.stdout.endswith("Failed: install\n")


@pytest.mark.parametrize(
    ("told", "repeated"),
    [
        ({"GITHUB_REF_NAME": "main"}, True),
        ({"GITHUB_REF_NAME": "main", "SLIPWAY_DEFAULT_BRANCH": "trunk"}, False),
        ({"GITHUB_REF_NAME": "trunk", "SLIPWAY_DEFAULT_BRANCH": "trunk"}, True),
        ({"GITHUB_REF_NAME": "feature"}, False),
        ({"GITHUB_REF_NAME": "main", "SLIPWAY_PULL_REQUEST": "3"}, False),
        ({"GITHUB_REF_NAME": "3/merge", "GITHUB_HEAD_REF": "main"}, False),
        ({"GITHUB_REF_NAME": "feature", "SLIPWAY_TRAINING": "12"}, True),
        ({}, True),
    ],
)
def test_it_is_trained_twice_on_the_default_branch_and_in_trainings(
    project: Path, tools: Path, told: dict[str, str], repeated: bool
):
    # Not the pipeline's time, but whether it is run is asked here.
    (project / "metrics").mkdir()
    (project / "metrics/metrics.json").write_text("{}")
    (project / "dvc.yaml").write_text("stages: {}\n")
    (project / "dvc.lock").unlink()

    codes, printed = ran(project, tools, "again", **told)

    assert codes == [0]
    assert ("The same metrics again." in printed) is repeated
    assert (project / "metrics/first.json").exists() is repeated
