"""What must hold of Dockerfile and docker-compose.yml; `./dev image` builds the image and tries it."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from portal.config import Config

ROOT = Path(__file__).resolve().parent.parent
ROLES = ("migrate", "web", "worker", "beat")
Instructions = list[tuple[str, str]]
SECRET_WORDS = re.compile(r"password|secret|token|key", re.IGNORECASE)


def instructions(dockerfile: str) -> Instructions:
    """(instruction, its text) in order, comments dropped and continued lines joined."""
    lines = [line for line in dockerfile.splitlines() if line.strip() and not line.startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ").splitlines()
    return [(line.split()[0], " ".join(line.split()[1:])) for line in joined]


@pytest.fixture(scope="module")
def dockerfile() -> Instructions:
    return instructions((ROOT / "Dockerfile").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return YAML(typ="safe", pure=True).load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))


def test_image_runs_as_a_fixed_user_that_is_not_root(dockerfile: Instructions) -> None:
    assert [text for word, text in dockerfile if word == "USER"] == ["10001:10001"]


def test_image_starts_from_debian_12_and_from_nothing_else(dockerfile: Instructions) -> None:
    bases = [text.split()[0] for word, text in dockerfile if word == "FROM"]
    assert bases == ["docker.io/library/debian:bookworm-slim"] * 2


def test_image_installs_only_what_the_lock_names(dockerfile: Instructions) -> None:
    installs = [text for word, text in dockerfile if word == "RUN" and "pip install" in text]
    assert len(installs) == 1
    assert installs[0].count("pip install") == installs[0].count("--require-hashes") == 2
    assert "-r /build/base.txt" in installs[0]
    assert "-r /build/templates.txt" in installs[0]


def test_image_holds_no_secret(dockerfile: Instructions) -> None:
    named = [text for word, text in dockerfile if word in ("ENV", "ARG") and re.search("password|token", text, re.I)]
    assert named == []
    assert all(word != "ADD" for word, _ in dockerfile)


def test_image_takes_in_only_what_is_allowed_by_name() -> None:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    missing = [rule for rule in rules if rule.startswith("!") and not (ROOT / rule[1:]).exists()]
    assert missing == []


def test_entrypoint_knows_every_role_and_refuses_others() -> None:
    entrypoint = ROOT / "deploy" / "entrypoint"
    assert entrypoint.stat().st_mode & 0o111 == 0o111
    text = entrypoint.read_text(encoding="utf-8")
    assert [role for role in ROLES if f"\n{role})\n" not in text] == []
    refused = subprocess.run([str(entrypoint), "shell"], capture_output=True, text=True, check=False)
    assert refused.returncode == 64
    assert refused.stderr.startswith("usage: web | worker | beat | migrate")


def test_entrypoint_starts_the_worker_that_reads_its_threads_from_the_environment() -> None:
    programs = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        [str(ROOT / "deploy" / "entrypoint"), "worker"],
        cwd=ROOT,
        env={**os.environ, "PATH": programs, "WORKER_THREADS": "many"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (1, "WORKER_THREADS is 'many': it has to be a number, such as 8.\n")


def test_compose_file_is_accepted_by_docker_compose() -> None:
    if shutil.which("docker-compose") is None:
        pytest.skip("docker-compose is not installed: apt-get install docker-compose")
    command = ["docker-compose", "-f", "docker-compose.yml", "config", "-q"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("role", ROLES)
def test_portal_services_are_shut_in(compose: dict[str, Any], role: str) -> None:
    service = compose["services"][role]
    confined = {name: service[name] for name in ("command", "user", "read_only", "tmpfs", "cap_drop", "security_opt")}
    assert confined == {
        "command": [role],
        "user": "10001:10001",
        "read_only": True,
        "tmpfs": ["/tmp:mode=1777,size=64m"],
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
    }


def test_compose_holds_no_secret(compose: dict[str, Any]) -> None:
    told = {
        (name, variable, str(value))
        for name, service in compose["services"].items()
        for variable, value in (service.get("environment") or {}).items()
    }
    by_name = {
        (name, variable)
        for name, variable, value in told
        if SECRET_WORDS.search(variable) and not value.startswith("/run/secrets/")
    }
    in_addresses = {(name, variable) for name, variable, value in told if re.search(r"//[^/@]*:[^/@]*@", value)}
    assert by_name | in_addresses == set()
    folders = {entry["file"].rsplit("/", 1)[0] for entry in compose["secrets"].values()}
    assert folders == {"${SLIPWAY_SECRETS:-./secrets}"}


def test_each_role_gets_the_secrets_that_it_needs_and_no_other(compose: dict[str, Any]) -> None:
    everyone = {"django-secret-key", "key-ring", "pgpass"}
    targets = {"cluster-north.ca", "cluster-north.token", "store-1.access-key", "store-1.secret-key", "git-1.token"}
    assert {role: set(compose["services"][role]["secrets"]) for role in ROLES} == {
        "migrate": everyone,
        "web": everyone | {"adfs-client-secret", "cluster-north.ca"},
        "worker": everyone | targets,
        "beat": everyone,
    }


def test_compose_secrets_are_those_that_services_use(compose: dict[str, Any]) -> None:
    used = {secret for service in compose["services"].values() for secret in service.get("secrets", [])}
    assert used == set(compose["secrets"])


def test_compose_sets_only_variables_that_the_portal_knows(compose: dict[str, Any]) -> None:
    known = {f"SLIPWAY_{name.upper()}" for name in Config.model_fields}
    told = {name for role in ROLES for name in compose["services"][role]["environment"] if name.startswith("SLIPWAY_")}
    assert told - known == set()


def test_redis_keeps_its_rings_and_refuses_rather_than_drops(compose: dict[str, Any]) -> None:
    command = compose["services"]["redis"]["command"]
    options = dict(zip(command[1::2], command[2::2], strict=True))
    assert (options["--appendonly"], options["--maxmemory-policy"]) == ("yes", "noeviction")


def test_nothing_is_published_beyond_this_machine(compose: dict[str, Any]) -> None:
    ports = [port for service in compose["services"].values() for port in service.get("ports", [])]
    assert ports == ["127.0.0.1:8000:8000", "127.0.0.1:9000:9000", "127.0.0.1:3000:3000"]
