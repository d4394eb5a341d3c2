"""The portal in Entra mode: a second web process beside the stack's own, on the same database and provider."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from devstack.stack import port_is_free
from tests import live
from tests.contract.stack import eventually, folder
from tests.directory import controller
from tests.directory.doors import api, project, sees, sync

RESEARCH = ("ml-users", "ml-all", "ml-vision", "ml-vision-leads")


@pytest.fixture(scope="module")
def entra(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the portal in Entra mode."""
    controller.address()
    eventually(live.portal_alive, seconds=120)
    port = next(port for port in range(30000, 30200) if port_is_free(port))
    address = f"http://localhost:{port}"
    mode = {"SLIPWAY_ADFS_MODE": "entra", "SLIPWAY_PUBLIC_URL": address, "BIND": f"127.0.0.1:{port}"}
    # The stack's provider knows one id of each person, whatever it speaks.
    mode["SLIPWAY_SAME_OBJECT_IDS"] = "1"
    log = tmp_path_factory.mktemp("entra") / "web.log"
    with log.open("wb") as output:
        running = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "portal.wsgi", "-c", "portal/gunicorn.py"],
            cwd=live.ROOT,
            env={**os.environ, **live.environment(), **mode, "SLIPWAY_METRICS_PORT": "0"},
            stdout=output,
            stderr=output,
        )

    def answers() -> bool:
        assert running.poll() is None, log.read_text()
        try:
            return httpx.get(f"{address}/healthz").status_code == 200
        except httpx.TransportError:
            return False

    try:
        eventually(answers, seconds=60)
        yield address
    finally:
        running.terminate()
        running.wait(timeout=30)


@pytest.fixture
def moods() -> Iterator[Path]:
    """The file that tells the provider how to behave."""
    path = folder() / "idp-moods.json"
    yield path
    path.unlink(missing_ok=True)


@pytest.mark.parametrize("overage", [False, True], ids=["in the token", "by Graph, page by page"])
def test_a_newcomers_groups_count_before_the_next_sync(entra: str, moods: Path, overage: bool) -> None:
    shape = "overage" if overage else "token"
    ids = {controller.object_id(name) for name in RESEARCH}
    with project({"group": "ml-all"}) as slug:
        # The scheduled sync may come between; then the directory is asked instead, and another newcomer is tried.
        for account in (f"olle.{shape}", f"nils.{shape}", f"ture.{shape}"):
            sync()
            moods.write_text(json.dumps({"overage": [account] if overage else []}))
            with controller.person(account, groups=("ml-vision-leads",)):
                newcomer = api(account, base=entra, shape="entra")
                assert sees(newcomer, slug)
                groups = set(newcomer.get("me/").json()["directory_groups"])
                unread = newcomer.get("directory/", params={"q": account, "kind": "person"}).json()["items"] == []
            if unread:
                break
    assert unread
    assert groups == (ids | set(RESEARCH) if overage else ids)


def test_it_is_one_account_whichever_shape_says_who_it_is(entra: str) -> None:
    with project({"user": "sofia.lindqvist@corp.example"}) as slug:
        by_name = api("sofia.lindqvist").get("me/").json()
        sofia = api("sofia.lindqvist", base=entra, shape="entra")

        assert sees(sofia, slug)
        assert sofia.get("me/").json() == by_name


def test_a_guest_stays_outside(entra: str, moods: Path) -> None:
    moods.write_text(json.dumps({"guests": ["pal.nygaard"]}))
    refused = api("pal.nygaard", base=entra, shape="entra").get("me/")

    assert refused.status_code == 401
    assert "guests are not let in" in refused.json()["detail"]
