"""What the step of a run does with what it is told: in a shell, with a repository beside it."""

import os
import subprocess
from pathlib import Path

import pytest

from provisioning.kinds.pipeline import SCRIPT
from tests.provisioning.wishes import HOSTILE


class Run:
    """What a run does, in a folder of its own: a repository beside it, and the mounted key where there is one."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.repository, self.mounted = folder, folder / "demand.git", folder / "clone"
        self.git("init", "-q", "-b", "main", str(self.repository), at=folder)

    def git(self, *words: str, at: Path | None = None) -> str:
        named = ("-c", "user.name=alice", "-c", "user.email=alice@corp.example")
        command = ["git", *named, *words]
        return subprocess.run(command, cwd=at or self.repository, check=True, capture_output=True, text=True).stdout

    def commit(self, files: dict[str, str]) -> str:
        for path, content in files.items():
            (self.repository / path).parent.mkdir(exist_ok=True)
            (self.repository / path).write_text(content)
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "Work")
        return self.git("rev-parse", "HEAD").strip()

    def begin(self, sha: str, *, repository: str) -> subprocess.CompletedProcess[str]:
        told = {"REPOSITORY": repository, "SLIPWAY_CLONE": str(self.mounted), "SLIPWAY_COMMIT": sha}
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "TMPDIR": str(self.folder), **told}
        command = ["sh", "-c", SCRIPT]
        return subprocess.run(command, env=environment, cwd=self.folder, check=False, capture_output=True, text=True)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path)


def test_a_run_does_what_the_script_of_its_very_commit_says(run: Run) -> None:
    sha = run.commit({"slipway/ci.sh": 'echo "first $1"\n'})
    run.commit({"slipway/ci.sh": "echo second\n"})
    done = run.begin(sha, repository=str(run.repository))
    assert (done.returncode, done.stdout) == (0, "first all\n")


def test_a_run_ends_as_its_script_does(run: Run) -> None:
    sha = run.commit({"slipway/ci.sh": "exit 3\n"})
    assert run.begin(sha, repository=str(run.repository)).returncode == 3


def test_a_run_clones_with_the_key_that_only_it_can_read(run: Run) -> None:
    shown = "set -- $GIT_SSH_COMMAND\nstat -c %a $3\ncat $3\necho $@ | grep -o 'UserKnownHostsFile=.*'\n"
    sha = run.commit({"slipway/ci.sh": shown})
    run.mounted.mkdir()
    for name, content in {"ssh-privatekey": "KEY\n", "known_hosts": "", "url": str(run.repository)}.items():
        (run.mounted / name).write_text(content)
    done = run.begin(sha, repository="https://git.corp.example/nobody/reads-this.git")
    hosts = f"UserKnownHostsFile={run.mounted}/known_hosts -o StrictHostKeyChecking=yes"
    assert (done.returncode, done.stdout) == (0, f"600\nKEY\n{hosts}\n"), done.stderr


def test_a_run_without_a_script_says_what_is_missing(run: Run) -> None:
    done = run.begin(run.commit({"README.md": "Ours\n"}), repository=str(run.repository))
    assert (done.returncode, done.stdout.startswith("There is no slipway/ci.sh here")) == (1, True)


@pytest.mark.parametrize("told", HOSTILE)
def test_nothing_that_a_delivery_tells_is_run(run: Run, told: str) -> None:
    run.commit({"slipway/ci.sh": "echo all\n"})
    assert run.begin(told, repository=str(run.repository)).returncode != 0
    assert not list(run.folder.rglob("owned"))
