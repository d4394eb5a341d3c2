"""slipway/ci.sh: a training takes the folder of the bucket as it is now, a push the files that git pins."""

import json
import os
import shutil
from pathlib import Path

import pytest

from tests.template.conftest import Run, ci, commit, git, read_raw

FILES = """
from pathlib import Path
from forecast.data import sample
from forecast.files import write_rows
rows = sample(seed=7, weeks=130)
write_rows(Path("{folder}/1.csv"), [row for row in rows if row.week < 120])
write_rows(Path("{folder}/2.csv"), [row for row in rows if row.week >= 120])
"""


@pytest.fixture(name="follows")
def _follows(project: Path, run: Run) -> tuple[Path, Path]:
    """A project whose data is a folder of its bucket, as its README says, and that folder: here one of the disk."""
    store = project.parent / "bucket"
    run(project, "python", "-c", FILES.format(folder=store / "raw"))
    later = store / "raw" / "2.csv"
    later.rename(store / "later.csv")
    config = project / ".dvc/config"
    lines = config.read_text().replace("s3://ml-demand", str(store)).splitlines(keepends=True)
    config.write_text("".join(line for line in lines if not line.lstrip().startswith(("endpointurl", "region"))))
    run(project, "dvc", "import-url", "remote://data/raw", "raw")
    read_raw(project)
    run(project, "dvc", "repro")
    run(project, "dvc", "push")
    commit(project, "Learn from our sales")
    return project, store


def weeks(project: Path) -> int:
    return max(int(line.split(",")[1]) for line in (project / "data/test.csv").read_text().splitlines()[1:])


def ran(project: Path, tools: Path, step: str, **told: str) -> str:
    """What a step of CI printed, in a clone of its own that has no data yet."""
    done = ci(project, tools, step, AWS_ACCESS_KEY_ID="key", **told)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def fresh(project: Path, name: str) -> Path:
    """A clone as a run has it."""
    folder = project.parent / name
    git(project.parent, "clone", "-q", str(project), name)
    return folder


@pytest.mark.parametrize("told", [{"SLIPWAY_TRAINING": "12"}, {"GITHUB_EVENT_NAME": "workflow_dispatch"}])
def test_a_training_takes_the_folder_as_it_is_and_a_push_what_git_pins(
    follows: tuple[Path, Path], tools: Path, run: Run, told: dict[str, str]
):
    project, store = follows
    (store / "later.csv").rename(store / "raw/2.csv")

    pushed = fresh(project, "pushed")
    ran(pushed, tools, "pipeline", GITHUB_EVENT_NAME="push", SLIPWAY_TRAINING="")
    assert weeks(pushed) == 119
    pinned = json.loads(ran(pushed, tools, "report").rpartition("}")[0] + "}")["data_hash"]

    trained = fresh(project, "trained")
    ran(trained, tools, "pipeline", **told)
    assert weeks(trained) == 129
    ran(trained, tools, "keep", GITHUB_RUN_ID="4711", GITHUB_RUN_ATTEMPT="1", **told)
    used = json.loads(ran(trained, tools, "report", **told).rpartition("}")[0] + "}")["data_hash"]
    assert (len(pinned), len(used), used != pinned) == (64, 64, True)

    # What it took and made can be had again, though the folder goes on and nothing of the run is left.
    (store / "raw/1.csv").write_text("gone")
    model = (trained / "models/model.joblib").read_bytes()
    shutil.rmtree(trained)
    again = fresh(project, "again")
    (name,) = run(again, "python", "-m", "slipway.runs", "list").split()
    assert name == f"{git(project, 'rev-parse', 'HEAD').strip()}-4711-1"
    assert run(again, "python", "-m", "slipway.runs", "fetch", name).split() == ["dvc.lock", "raw.dvc"]
    run(again, "dvc", "pull")
    assert weeks(again) == 129
    assert (again / "models/model.joblib").read_bytes() == model
    commit(again, "Pin what was trained")
    assert json.loads(run(again, "python", "slipway/report.py").rpartition("}")[0] + "}")["data_hash"] == used


def test_of_a_run_nothing_is_fetched_that_leads_out_or_names_no_data(project: Path, run: Run, tmp_path: Path):
    run(project, "dvc", "remote", "add", "--local", "--default", "near", str(tmp_path / "near"))
    assert run(project, "python", "-m", "slipway.runs", "list") == ""
    kept = tmp_path / "near/runs/abc-1"
    kept.mkdir(parents=True)
    (kept / "dvc.lock").write_text("stages: {}\n")
    (kept / "setup.py").write_text("")

    assert run(project, "python", "-m", "slipway.runs", "fetch", "abc-1").split() == ["dvc.lock"]
    assert (project / "dvc.lock").read_text() == "stages: {}\n"
    assert not (project / "setup.py").exists()
    for name in ("../abc-1", "..", "abc-2", ""):
        with pytest.raises(AssertionError, match=r"No run .* is kept"):
            run(project, "python", "-m", "slipway.runs", "fetch", name)


def test_a_training_fetches_what_is_only_pinned_too(follows: tuple[Path, Path], tools: Path, run: Run):
    project, _ = follows
    (project / "own data.csv").write_text("a\n1\n")
    run(project, "dvc", "add", "own data.csv")
    run(project, "dvc", "push")
    commit(project, "More")
    trained = fresh(project, "trained")
    ran(trained, tools, "pipeline", SLIPWAY_TRAINING="12")
    assert (trained / "own data.csv").read_text() == "a\n1\n"
    assert weeks(trained) == 119


def test_postgres_authority_becomes_a_file_that_its_library_finds(project: Path, tools: Path):
    check = project / "slipway/keys.py"
    check.write_text("import os\nprint(os.environ.get('PGSSLROOTCERT', ''))\n")

    def told(**given: str) -> str:
        output = project / "github-env"
        output.unlink(missing_ok=True)
        ran(project, tools, "keys", GITHUB_ENV=str(output), **given)
        return output.read_text().strip()

    written = told(DATABASE_CA="LS0tLS1CRUdJTgo=")
    assert Path(written).read_text() == "-----BEGIN\n"
    assert os.path.commonpath([written, project]) == str(project)
    assert told(DATABASE_CA="LS0tLS1CRUdJTgo=", PGSSLROOTCERT="/etc/own.pem") == "/etc/own.pem"
    assert told() == ""
