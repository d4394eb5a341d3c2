"""The project's CI as a forge's Actions and as Tekton run it: what each is told, and that both do the same."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from devstack import builds, ci_run, python_env
from devstack.ci_jobs import job_of
from devstack.ci_run import Access
from projects.report_body import ReportIn
from provisioning.ci import variables
from provisioning.kinds import actions, pipeline
from provisioning.repositories import description
from tests.fakes.forge import FakeForge
from tests.provisioning.wishes import TRACKER, catalogue, one_by_one, wish
from tests.template.conftest import Run, commit, git

NAME = "forecasting/demand"
FORGE = {"name": "git-1", "url": "http://127.0.0.1:3000", "token": {"env": "A"}, "bot": "slipway-bot", "actions": True}
OF_THE_RUNNER = {"GITHUB_HEAD_REF", "GITHUB_REF_NAME", "GITHUB_RUN_ID", "GITHUB_RUN_ATTEMPT"}
"""What GitHub, Gitea and Forgejo set for every step, and report.py reads."""


def loaded(project: Path, path: str) -> Any:
    return YAML(typ="safe", pure=True).load(project / path)


def workflow_job(project: Path) -> Any:
    return loaded(project, ".github/workflows/ci.yaml")["jobs"]["model"]


def step_of(project: Path, name: str) -> Any:
    (step,) = (step for step in workflow_job(project)["steps"] if step["name"].startswith(name))
    return step


def tekton_step(project: Path) -> Any:
    (task,) = loaded(project, ".tekton/ci.yaml")["spec"]["tasks"]
    (step,) = task["taskSpec"]["steps"]
    return step


def test_its_workflow_fetches_no_action_of_somebody_else(project: Path):
    workflow = YAML(typ="safe", pure=True).load(project / ".github/workflows/ci.yaml")
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]

    assert [step for step in steps if "uses" in step] == []
    assert all("run" in step for step in steps)


def test_the_workflow_runs_for_branches_and_not_for_tags(project: Path):
    # YAML 1.1 would read `on` as true; GitHub and the others don't.
    assert loaded(project, ".github/workflows/ci.yaml")["on"] == {
        "push": {"branches": ["**"]},
        "pull_request": None,
        "workflow_dispatch": None,
    }


def test_the_workflow_may_read_and_a_pull_request_s_newer_commit_ends_the_run_before(project: Path):
    workflow = loaded(project, ".github/workflows/ci.yaml")

    assert workflow["permissions"] == {"contents": "read"}
    # Pushes and trainings are alone in their groups: none ends another, and none waits.
    assert workflow["concurrency"] == {
        "group": "ci-${{ github.event.pull_request.number || github.run_id }}",
        "cancel-in-progress": "${{ github.event_name == 'pull_request' }}",
    }


def test_both_set_what_the_report_reads(project: Path):
    read = set(re.findall(r'"((?:SLIPWAY|GITHUB)_[A-Z_]+)"', (project / "slipway/report.py").read_text()))
    job, report = workflow_job(project)["env"], step_of(project, "Report")["env"]
    keep, default = step_of(project, "Keep")["env"], job.pop("SLIPWAY_DEFAULT_BRANCH")

    # Which run is a training, slipway/ci.sh says.
    assert read == {
        *job,
        *report,
        *OF_THE_RUNNER,
        "SLIPWAY_URL",
        "SLIPWAY_PROJECT",
        "SLIPWAY_TOKEN",
        "SLIPWAY_TRAINING",
    }
    assert {"SLIPWAY_URL", "SLIPWAY_PROJECT", "SLIPWAY_TOKEN"} <= set(variables(wish()))
    assert {**job, **report} == {
        "SLIPWAY_COMMIT": "${{ github.event.pull_request.head.sha || github.sha }}",
        "SLIPWAY_PULL_REQUEST": "${{ env.SLIPWAY_PULL_REQUEST || github.event.pull_request.number }}",
        "SLIPWAY_RUN": "${{ env.SLIPWAY_RUN || format('{0}-{1}', github.run_id, github.run_attempt) }}",
        "SLIPWAY_RUN_URL": (
            "${{ env.SLIPWAY_RUN_URL || format('{0}/{1}/actions/runs/{2}', github.server_url, github.repository, "
            "env.FORGEJO_ACTIONS && github.run_number || github.run_id) }}"
        ),
    }
    # What is kept of a run has the name by which the report calls it.
    assert keep == {"SLIPWAY_RUN": report["SLIPWAY_RUN"]}
    # On Tekton the clone knows it.
    assert default == "${{ github.event.repository.default_branch }}"
    # Where a run can be looked at, nobody there knows.
    on_tekton = {one["name"] for one in tekton_step(project)["env"]}
    assert {*job, *report} - {"SLIPWAY_RUN_URL"} <= on_tekton
    assert "GITHUB_REF_NAME" in on_tekton


def test_both_run_every_step_with_the_same_python(project: Path):
    script = (project / "slipway/ci.sh").read_text()
    everything = re.findall(r"for step in (.+); do", script)
    ran = [step["run"].removeprefix("sh slipway/ci.sh ").strip() for step in workflow_job(project)["steps"][1:]]

    # There the keys are in the environment from the beginning.
    assert [step for step in ran if step != "keys"] == " ".join(everything).split()
    assert tekton_step(project)["script"].splitlines()[-1] == "sh slipway/ci.sh all"
    (python,) = re.findall(r"^PYTHON=(\S+)", script, flags=re.MULTILINE)
    assert tekton_step(project)["image"].endswith(f"/python:{python}")
    assert f"python{python} -m venv" in (project / "README.md").read_text()
    assert f"--python-version {python} " in (project / "pyproject.toml").read_text()


def test_the_pipeline_gets_every_key_that_slipway_keeps_on_the_forge_and_no_other(project: Path, run: Run):
    wanted = wish(catalogue=catalogue(forges=[FORGE], trackers=[TRACKER]), options={"tracking": {"enabled": True}})
    forge = FakeForge()
    forge.ensure_organisation("forecasting")
    forge.create_repository("forecasting", "demand", description(wanted))
    forge.put_ci_secrets(NAME, {"THEIRS": "theirs"})
    actions.KIND.apply(wanted, forge, actions.KIND.desired(wanted), one_by_one)
    kept = forge.repositories[NAME]
    step, names = step_of(project, "Take the project's keys"), [one["name"] for one in workflow_job(project)["steps"]]

    given = {"GIVEN": json.dumps(kept.ci_secrets), actions.LIST: kept.ci_variables[actions.LIST]}
    taken = run(project, "python", "slipway/keys.py", **given)

    assert dict(line.split("=", 1) for line in taken.splitlines()) == variables(wanted)
    assert "MLFLOW_TRACKING_URI=" in taken
    assert step["env"] == {actions.LIST: "${{ vars.SLIPWAY_SECRETS }}", "GIVEN": "${{ toJSON(secrets) }}"}
    assert names.index("Unit tests") < names.index(step["name"]) < names.index("Run the pipeline")


SAMPLE = "4067f009c71eb2ee219af554f598b88887dae61833a9b9fed1d55f005b74d5e2"
"""What a report says of the sample data, which the template pins."""
PIPELINES_AS_CODE = {"repo_url", "revision", "source_branch", "pull_request_number"}
"""Those of the variables published for it that are used here."""


def test_pipelines_as_code_starts_the_same_pipeline(project: Path):
    yaml = YAML(typ="safe", pure=True)
    made, started = (yaml.load(project / ".tekton" / name) for name in ("ci.yaml", "run.yaml"))

    assert (made["kind"], made["apiVersion"]) == ("Pipeline", "tekton.dev/v1")
    assert (started["kind"], started["apiVersion"]) == ("PipelineRun", "tekton.dev/v1")
    assert started["metadata"] == {
        "name": "ci",
        "annotations": {
            "pipelinesascode.tekton.dev/on-event": "[push, pull_request]",
            "pipelinesascode.tekton.dev/on-target-branch": "[refs/heads/*]",
            "pipelinesascode.tekton.dev/max-keep-runs": "10",
        },
    }
    assert started["spec"]["pipelineRef"] == {"name": made["metadata"]["name"]}
    wanted = [one["name"] for one in made["spec"]["params"]]
    assert [one["name"] for one in started["spec"]["params"]] == wanted
    assert {one["value"].strip("{} ") for one in started["spec"]["params"]} == PIPELINES_AS_CODE


def test_slipway_s_own_trigger_runs_what_pipelines_as_code_does(project: Path):
    (template,) = (one.body for one in pipeline.KIND.desired(wish()) if one.key == "TriggerTemplate/slipway-ci")
    assert template is not None
    (task,) = template["spec"]["resourcetemplates"][0]["spec"]["pipelineSpec"]["tasks"]
    (own,) = task["taskSpec"]["steps"]
    other = tekton_step(project)

    assert (own["image"], own["envFrom"]) == (other["image"], other["envFrom"])
    # A step that says nothing would get a small share of what the plan has; one that may use more than a project's own
    # limits would be refused.
    least = {"cpu": "1", "memory": "2Gi"}
    assert other["computeResources"] == {"requests": least, "limits": least}
    # Each has its own way into the repository.
    told = {one["name"] for one in own["env"]} - {"SLIPWAY_CLONE", "SLIPWAY_TRAINING"}
    assert told == {one["name"] for one in other["env"]} - {"GIT_AUTH", "PYTHONPATH", "OMP_NUM_THREADS"}
    assert own["script"].splitlines()[-1].endswith("slipway/ci.sh all")
    assert other["script"].splitlines()[-1].endswith("slipway/ci.sh all")


def test_nothing_that_a_forge_tells_is_part_of_a_script(project: Path):
    yaml = YAML(typ="safe", pure=True)
    (task,) = yaml.load(project / ".tekton/ci.yaml")["spec"]["tasks"]
    workflow = yaml.load(project / ".github/workflows/ci.yaml")
    scripts = [step["script"] for step in task["taskSpec"]["steps"]]
    scripts += [step["run"] for job in workflow["jobs"].values() for step in job["steps"]]

    assert [script for script in scripts if "${{" in script or "$(params" in script or "$(tasks" in script] == []


def test_a_runner_that_keeps_its_folder_tests_the_new_commit_and_nothing_of_the_last_run(project: Path, tmp_path: Path):
    work, script = tmp_path / "work", step_of(project, "Check out")["run"]
    work.mkdir()

    def check_out() -> str:
        environ = {
            "PATH": "/usr/bin:/bin",
            "HOME": str(tmp_path),
            "TOKEN": "t",
            "SLIPWAY_COMMIT": git(project, "rev-parse", "HEAD").strip(),
            "GITHUB_SERVER_URL": f"file://{project.parent}",
            "GITHUB_REPOSITORY": project.name,
        }
        subprocess.run(["bash", "-e", "-c", script], cwd=work, env=environ, check=True, capture_output=True)
        return git(work, "rev-parse", "HEAD")

    assert check_out() == git(project, "rev-parse", "HEAD")
    for path in ("left.txt", "metrics/tests.json", ".ci-cache/kept"):
        (work / path).parent.mkdir(exist_ok=True)
        (work / path).write_text("of the last run")
    (work / "README.md").write_text("changed by the last run")
    check_out()
    assert (work / "left.txt").exists()

    (project / "params.yaml").write_text("data: new\n")
    commit(project, "New")

    assert check_out() == git(project, "rev-parse", "HEAD")
    assert (work / "params.yaml").read_text() == "data: new\n"
    assert git(work, "status", "--short") == ""
    left = ("left.txt", "metrics/tests.json", ".ci-cache/kept")
    assert [path for path in left if (work / path).exists()] == [".ci-cache/kept"]


def test_the_development_stack_runs_a_pull_request_and_reports_it(project: Path, tools: Path, tmp_path: Path):
    """With `act`, as the runner does, but without a key: the report is printed."""
    if not builds.program("act").exists():
        pytest.skip("NOT TESTED: act is not built; ./dev up builds it")
    folder, log = tmp_path / "run", tmp_path / "log"
    (folder / "home").mkdir(parents=True)
    git(project, "checkout", "-qb", "feature")
    git(project, "config", "uploadpack.allowAnySHA1InWant", "true")
    project.rename(folder / "code")
    sha = git(folder / "code", "rev-parse", "HEAD").strip()
    payload = {
        "action": "opened",
        "number": 3,
        "pull_request": {"number": 3, "head": {"sha": sha, "ref": "feature", "repo": {"full_name": NAME}}},
        "repository": {"full_name": NAME},
        "sender": {"login": "alice"},
    }
    job = job_of(event="pull_request", payload=payload, namespace="ml-demand", run="0123456789abcdef")
    access, address = Access(clone={}, variables={}), "http://127.0.0.1:8081/runs/0123456789abcdef"
    given = ci_run.environment(
        job, access, folder=folder, forge_url="http://127.0.0.1:3000", run_url=address, cache=python_env.shared_folder()
    )

    why = ci_run.run(job, access, folder=folder, variables=given, log=log)

    lines = [line.partition("| ")[2] for line in log.read_text().splitlines()]
    assert why == "", "\n".join(lines)
    said = json.loads("\n".join(lines[lines.index("{") : lines.index("}") + 1]))
    ReportIn.model_validate(said)
    assert {name: said[name] for name in ("commit", "branch", "pull_request", "run", "run_url", "data_hash")} == {
        "commit": sha,
        "branch": "feature",
        "pull_request": 3,
        "run": "0123456789abcdef",
        "run_url": address,
        "data_hash": SAMPLE,
    }
    # A pull request is trained once; whether it comes to the same is asked of the default branch.
    assert (said["reproduced"], said["tests"]["passed"], said["tests"]["failed"]) == (None, 51, [])
    assert [line for line in lines if "commit dvc.lock" in line] == []
