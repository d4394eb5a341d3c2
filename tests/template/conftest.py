"""A project rendered from the platform's template, and the environment that its own tests and pipeline run in.

The environment is made once from the template's requirements.lock, where runs of CI in the dev stack find it too.
"""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from devstack import python_env
from provisioning.project_templates import answers
from provisioning.project_templates.rendering import Templates, files_for
from provisioning.rendered import Rendered
from tests.environments import programs_of
from tests.provisioning.wishes import ROOT, TEMPLATES, wish

Run = Callable[..., str]
ALICE = "alice@corp.example"
LOCK = ROOT / "catalogue" / "templates" / "ml-python" / "project" / "requirements.lock"


@pytest.fixture(scope="session")
def templates() -> Templates:
    """The platform's templates, with Copier installed."""
    python_env.ensure_templates()
    return TEMPLATES


@pytest.fixture(scope="session")
def rendered(templates: Templates) -> Rendered:
    return templates.render("ml-python")


@pytest.fixture(scope="session")
def tools() -> Path:
    """The programs of the project's locked environment."""
    return programs_of(LOCK)


@pytest.fixture
def project(rendered: Rendered, tmp_path: Path) -> Path:
    """The sample project's first commit as a clone would have it."""
    said = answers.of(wish(), template=rendered.template, version=rendered.version, logins={ALICE: "alice"})
    folder = tmp_path / "demand"
    for path, content in files_for(rendered, said).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    git(folder, "init", "-q", "-b", "main")
    commit(folder, "First")
    return folder


def git(folder: Path, *words: str) -> str:
    who = ("-c", "user.name=alice", "-c", "user.email=alice@corp.example")
    return subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True, text=True).stdout


def commit(folder: Path, message: str) -> None:
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", message)


def read_raw(project: Path) -> None:
    """Have the pipeline learn from the files of raw/ in the place of the sample, as the project's README says."""
    stages, prepare = project / "dvc.yaml", project / "src/forecast/prepare.py"
    stages.write_text(stages.read_text().replace("src/forecast/prepare.py]", "src/forecast/prepare.py, raw]"))
    text = prepare.read_text()
    for before, after in (
        (
            'rows = sample(seed=chosen["seed"], weeks=chosen["weeks"])',
            'rows = [row for path in sorted(Path("raw").glob("*.csv")) for row in read_rows(path)]',
        ),
        ("import sys\n", "import sys\nfrom pathlib import Path\n"),
        ("import faults, sample, split", "import faults, split"),
        ("TRAIN, parameters,", "TRAIN, parameters, read_rows,"),
    ):
        assert before in text
        text = text.replace(before, after)
    prepare.write_text(text)


def ci(project: Path, tools: Path, step: str, **told: str) -> "subprocess.CompletedProcess[str]":
    """A step of CI, in the environment that CI keeps for the project's lock and with nothing of our own.

    It has a session of its own, all of which it may kill.
    """
    environment = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(project.parent),
        "SLIPWAY_CI_CACHE": str(tools.parents[1]),
        "DVC_NO_ANALYTICS": "1",
        **told,
    }
    command = ["sh", "slipway/ci.sh", step]
    return subprocess.run(
        command, cwd=project, env=environment, capture_output=True, text=True, check=False, start_new_session=True
    )


@pytest.fixture
def run(tools: Path) -> Run:
    """run(folder, program, *words, **environment) -> what the program printed; it must end well."""

    def running(folder: Path, program: str, *words: str, **environment: str) -> str:
        own = {
            "PATH": f"{tools}:/usr/bin:/bin",
            "HOME": str(folder.parent),
            "PYTHONPATH": "src",
            "OMP_NUM_THREADS": "1",
            "LANG": "C.UTF-8",
            "DVC_NO_ANALYTICS": "1",
        }
        done = subprocess.run(
            [tools / program, *words],
            cwd=folder,
            env={**own, **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{program} {' '.join(words)}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    return running
