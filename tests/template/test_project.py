"""The project that a team starts from: what is in it, that its own tests pass, and that it makes the same twice."""

import json
import re
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from projects.profile import parse
from projects.report_body import ReportIn
from projects.scorecard import KEPT_EXAMPLES
from provisioning.catalogue import ProjectTemplate
from provisioning.errors import TargetUnavailable
from provisioning.kinds import repository, repository_access
from provisioning.profile_file import plain
from provisioning.project_templates import answers
from provisioning.project_templates.rendering import Templates, files_for
from provisioning.rendered import Rendered
from tests.fakes.forge import FakeForge
from tests.provisioning.wishes import catalogue, one_by_one, wish
from tests.template.conftest import ALICE, Run, commit, git

FILES = {
    ".copier-answers.yml",
    ".dvc/.gitignore",
    ".dvc/config",
    ".dvcignore",
    ".github/workflows/ci.yaml",
    ".gitignore",
    ".tekton/ci.yaml",
    ".tekton/run.yaml",
    "CODEOWNERS",
    "DATA_CARD.md",
    "dvc.lock",
    "MODEL_CARD.md",
    "README.md",
    "dvc.yaml",
    "params.yaml",
    "profile.yaml",
    "pyproject.toml",
    "requirements.lock",
    "slipway/ci.sh",
    "slipway/keys.py",
    "slipway/report.py",
    "slipway/runs.py",
    "tests/model/examples.csv",
}


def test_a_project_has_what_a_team_starts_from(project: Path):
    there = {str(path.relative_to(project)) for path in project.rglob("*") if path.is_file()}

    assert there >= FILES
    assert [path for path in there if path.endswith(".jinja")] == []
    assert [path for path in there if "slipway-mark" in (project / path).read_text(errors="replace")] == []


def test_its_own_words_are_in_it(project: Path):
    yaml = YAML(typ="safe", pure=True)

    assert yaml.load(project / ".copier-answers.yml") == {
        "_commit": (Path("catalogue/templates/ml-python/VERSION")).read_text().strip(),
        "_src_path": "ml-python",
        "bucket": "ml-demand",
        "endpoint": "http://127.0.0.1:9000",
        "region": "us-east-1",
        "slug": "demand",
        "team": "forecasting",
    }
    assert parse((project / "profile.yaml").read_bytes()).data == plain(wish().spec)
    assert "\nprofile.yaml @alice\n" in (project / "CODEOWNERS").read_text()
    remote = (project / ".dvc/config").read_text()
    assert "url = s3://ml-demand/dvc\n" in remote
    assert "endpointurl = http://127.0.0.1:9000\n" in remote


def test_its_lock_has_hashes_and_names_no_index(project: Path):
    lines = (project / "requirements.lock").read_text().splitlines()
    pins = [line for line in lines if "==" in line and not line.lstrip().startswith("#")]

    assert [line for line in lines if "://" in line or line.startswith(("-i", "--"))] == []
    assert len(pins) > 50
    assert all(line.endswith("\\") for line in pins)


def test_its_own_checks_and_tests_pass_and_the_pipeline_makes_the_same_twice(project: Path, run: Run):
    run(project, "ruff", "check", ".")
    run(project, "ruff", "format", "--check", ".")
    run(project, "pytest", "-q", "tests/unit")
    pinned = YAML(typ="safe", pure=True).load(project / "dvc.lock")["stages"]
    run(project, "dvc", "repro")
    locked = YAML(typ="safe", pure=True).load(project / "dvc.lock")["stages"]
    assert pinned == {"prepare": locked["prepare"]}
    first = (project / "metrics/metrics.json").read_bytes(), (project / "dvc.lock").read_bytes()
    run(project, "dvc", "repro", "--force")

    assert ((project / "metrics/metrics.json").read_bytes(), (project / "dvc.lock").read_bytes()) == first
    run(project, "pytest", "-q", "tests/data", "tests/model")
    assert json.loads((project / "metrics/tests.json").read_text()) == {
        "passed": 51,
        "failed": [],
        "regression_examples": KEPT_EXAMPLES,
    }
    assert "up to date" in run(project, "dvc", "status")
    told = json.loads((project / "metrics/metrics.json").read_text())["metrics"]
    (shown,) = json.loads(run(project, "dvc", "metrics", "show", "--json"))[""]["data"].values()
    assert [shown["data"][one["split"]][one["name"]] for one in told] == [one["value"] for one in told]
    assert "forecasts.csv" in run(project, "dvc", "plots", "show", "--json")
    commit(project, "Results")
    report = json.loads(run(project, "python", "slipway/report.py", "--reproduced", "yes").rpartition("}")[0] + "}")
    ReportIn.model_validate(report)
    assert report["commit"] == git(project, "rev-parse", "HEAD").strip()
    assert (report["reproduced"], report["tests"]["passed"], len(report["data_hash"])) == (True, 51, 64)


def test_the_commands_of_its_readme_can_be_pasted(project: Path):
    text = (project / "README.md").read_text()
    commands = [
        line for block in re.findall(r"^```\n(.+?)^```$", text, re.MULTILINE | re.DOTALL) for line in block.splitlines()
    ]

    assert len(commands) > 10
    assert [line for line in commands if re.search(r"\S {2,}[^# ]", line)] == [], "a remark would become arguments"


def test_a_worse_model_is_noticed_by_metrics_and_behaviour(project: Path, run: Run):
    parameters = project / "params.yaml"
    parameters.write_text(parameters.read_text().replace("alpha: 0.01", "alpha: 300"))
    run(project, "dvc", "repro")
    with pytest.raises(AssertionError, match="failed"):
        run(project, "pytest", "-q", "tests/model")

    metrics = json.loads((project / "metrics/metrics.json").read_text())["metrics"]
    assert [one["name"] for one in metrics if one["threshold"] and one["name"] == "skill" and one["value"] < 0.5]
    failed = json.loads((project / "metrics/tests.json").read_text())["failed"]
    assert {one["kind"] for one in failed} == {"directional", "minimum", "regression"}
    assert all(one["example"] for one in failed)


def test_owners_are_named_by_login_and_those_without_one_in_a_comment(rendered: Rendered):
    wanted = wish(contributors=[{"user": name, "role": "owner"} for name in (ALICE, "paula@corp.example")])

    def owned(**logins: str) -> list[str]:
        known = {f"{person}@corp.example": login for person, login in logins.items()}
        said = answers.of(wanted, template=rendered.template, version=rendered.version, logins=known)
        return files_for(rendered, said)["CODEOWNERS"].decode().splitlines()

    *comments, first = owned(alice="alice", paula="p-2")[:4]
    assert comments[-1].endswith(": none.")
    assert first == "profile.yaml @alice @p-2"
    *comments, first = owned(alice="alice")[:4]
    assert comments[-1].endswith(": paula@corp.example.")
    assert first == "profile.yaml @alice"
    folders = (".github", ".gitea", ".forgejo", ".tekton", "slipway")
    patterns = [f"/{one}/" for one in folders] + [one.replace(".", r"\.") + "/.*" for one in folders]
    lines = [line for line in owned(alice="alice") if not line.startswith("#")]
    assert lines == [f"{one} @alice" for one in ("profile.yaml", "CODEOWNERS", *patterns)]


STARTED = catalogue(templates=[{"name": "ml-python", "forge": "git-1", "copier": "ml-python"}])


def test_a_new_repository_has_the_project_as_its_one_first_commit(templates: Templates, project: Path):
    forge, wanted = FakeForge(), wish(catalogue=STARTED, render=templates.render)

    repository.KIND.apply(wanted, forge, repository.KIND.desired(wanted), one_by_one)
    for _ in range(2):
        repository_access.KIND.apply(wanted, forge, repository_access.KIND.desired(wanted), one_by_one)

    assert [call[:3] for call in forge.calls if call[0] == "put_files"] == [("put_files", "forecasting/demand", "main")]
    found = forge.file("forecasting/demand", "params.yaml", "main")
    assert found is not None
    assert found[0] == (project / "params.yaml").read_bytes()
    owned = forge.file("forecasting/demand", "CODEOWNERS", "main")
    assert owned is not None
    assert owned[0] == (project / "CODEOWNERS").read_bytes()
    assert repository.KIND.summary(wanted) == "forecasting/demand, started from ml-python"


def test_a_crash_before_the_first_commit_is_settled_by_the_next_look(templates: Templates):
    forge, wanted = FakeForge(), wish(catalogue=STARTED, render=templates.render)
    repository.KIND.apply(wanted, forge, repository.KIND.desired(wanted), one_by_one)
    forge.fail_with(TargetUnavailable("git-1 does not answer."), on="put_files")

    with pytest.raises(TargetUnavailable):
        repository_access.KIND.apply(wanted, forge, repository_access.KIND.desired(wanted), one_by_one)
    repository_access.KIND.apply(wanted, forge, repository_access.KIND.desired(wanted), one_by_one)

    assert forge.file("forecasting/demand", "params.yaml", "main") is not None


@pytest.mark.parametrize("given", [{}, {"copier": "a", "repository": "b/c"}, {"copier": "../x"}, {"copier": "/etc"}])
def test_a_template_of_the_catalogue_is_a_folder_of_ours_or_a_repository(given: dict[str, str]):
    with pytest.raises(ValueError, match=r"copier|String should match"):
        ProjectTemplate.model_validate({"name": "ml-python", "forge": "git-1", **given})
