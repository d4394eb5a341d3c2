"""The pure parts of what a machine is prepared with: packages, toolchains, front-end files, certificates."""

import json
import subprocess
from pathlib import Path

import pytest

from devstack import certificates, machine, toolchain
from devstack.errors import StackError
from devstack.frontend import without_source_map
from devstack.machine import Package
from devstack.say import duration, size
from devstack.stack import Stack, make_folders

ABSENT = Package("no-such-package", lambda: False, "this test")


def test_without_root_the_exact_command_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)

    with pytest.raises(StackError) as caught:
        machine.ensure([ABSENT, Package("present", lambda: True, "nothing")])

    command = "sudo sh -c 'apt-get update && apt-get install -y --no-install-recommends no-such-package'"
    assert caught.value.do == f"{command}, then run ./dev again"


def test_debian_is_told_to_make_no_database_of_its_own(tmp_path: Path) -> None:
    settings = tmp_path / "createcluster.conf"
    settings.write_text("# comment\n#create_main_cluster = true\ncreate_main_cluster = true\nstart_conf = 'auto'\n")

    machine.forbid_main_cluster(settings)

    assert settings.read_text() == (
        "# comment\n#create_main_cluster = true\nstart_conf = 'auto'\ncreate_main_cluster = false\n"
    )


def test_sambas_services_are_masked_but_for_those_that_somebody_set_up(tmp_path: Path) -> None:
    own = tmp_path / "smbd.service"
    own.write_text("[Service]\n")

    machine.forbid_services(("smbd", "nmbd"), tmp_path)
    machine.forbid_services(("smbd", "nmbd"), tmp_path)

    assert own.read_text() == "[Service]\n"
    assert (tmp_path / "nmbd.service").readlink() == Path("/dev/null")


@pytest.mark.parametrize(
    ("text", "version"),
    [("go version go1.26.8 linux/amd64", (1, 26, 8)), ("v20.20.2\n", (20, 20, 2)), ("no such thing", ())],
)
def test_versions_are_read(text: str, version: tuple[int, ...]) -> None:
    assert toolchain.version_in(text) == version


def test_one_requirement_is_taken_with_its_hashes() -> None:
    text = "# why\nfirst==1.0 \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb\nsecond==2.0 \\\n    --hash=sha256:cc\n"

    assert toolchain.pin("first", text) == "first==1.0 \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb\n"
    assert toolchain.pin("second", text) == "second==2.0 \\\n    --hash=sha256:cc\n"


def test_style_sheets_name_no_map() -> None:
    assert without_source_map("a{b:c}\n/*# sourceMappingURL=bootstrap.min.css.map */") == "a{b:c}\n"


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.44, "0.4 s"), (12.4, "12 s"), (59.9, "60 s"), (185.0, "3 min 05 s"), (119.7, "2 min 00 s")]
)
def test_durations_are_said(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(("octets", "text"), [(7, "7 B"), (412_000, "412 kB"), (1_340_000_000, "1.3 GB")])
def test_sizes_are_said(octets: int, text: str) -> None:
    assert size(octets) == text


def test_certificates_hold_strict_verification_and_are_kept(tmp_path: Path) -> None:
    stack = Stack(name="try", folder=tmp_path)
    make_folders(stack)

    assert certificates.ensure(stack) is True
    assert certificates.ensure(stack) is False

    command = ["openssl", "verify", "-x509_strict", "-purpose", "sslserver", "-verify_hostname", "localhost"]
    files = ["-CAfile", str(stack.tls / "ca.pem"), str(stack.tls / "server.pem")]
    assert subprocess.run([*command, *files], capture_output=True, check=False).returncode == 0
    closed = {path.name: oct(path.stat().st_mode & 0o777) for path in stack.tls.glob("*.key")}
    assert closed == dict.fromkeys(("ca.key", "server.key", "sign.key", "service-accounts.key"), "0o600")


def test_the_lock_of_the_front_end_names_no_registry() -> None:
    lock = json.loads((Path(__file__).parents[2] / "package-lock.json").read_text())

    assert [name for name, package in lock["packages"].items() if "resolved" in package] == []
    assert [name for name, package in lock["packages"].items() if name and "integrity" not in package] == []
