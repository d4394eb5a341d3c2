"""People in the cluster with tokens of their own; and the page's lines for kubectl, pasted into a fresh shell."""

import re
import subprocess
import threading
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import httpx
import pytest

from devstack import builds
from tests import live
from tests.contract.stack import eventually, folder, unique
from tests.own_tokens import CLUSTER_CLIENT, by_device, claims, for_cluster, groups_in_cluster, issuer, sign_in, trust


@pytest.fixture(scope="module", autouse=True)
def _stack(without_ci: None) -> None:
    folder()
    eventually(live.portal_alive, seconds=120)


@pytest.fixture(scope="module")
def slug() -> Iterator[str]:
    name = unique("login")
    answer = live.ask(name, title="Login", contributors=[{"user": "bob@corp.example", "role": "viewer"}])
    assert answer.status_code == 202, answer.text
    live.ready(name)
    yield name
    live.retire(name)


def pasted(slug: str) -> str:
    """The lines that alice copies from the project's page."""
    with live.signed_in("alice") as browser:
        page = browser.get(f"/projects/{slug}/").text
    found = re.search(r'<pre[^>]* id="use-kubectl"[^>]*>(.*?)</pre>', page, re.DOTALL)
    assert found, page
    return unescape(found[1])


def in_a_fresh_shell(lines: str, home: Path, *, person: str) -> subprocess.CompletedProcess[str]:
    """Run the lines where nothing but kubectl and its plugin is installed; the person signs in when asked to."""
    programs = home / "bin"
    programs.mkdir(parents=True)
    for name in ("kubectl", "kubectl-oidc_login"):
        (programs / name).symlink_to(builds.program(name))
    running = subprocess.Popen(
        ["/bin/sh", "-e", "-c", lines],
        env={"HOME": str(home), "PATH": str(programs)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert running.stderr is not None
    limit = threading.Timer(60, running.kill)
    limit.start()
    said = ""
    for line in running.stderr:
        said += line
        if place := re.search(r"http://localhost:\d+", line):
            with httpx.Client(verify=trust(), trust_env=False, timeout=30) as browser:
                page = browser.get(place[0], follow_redirects=True)
                sign_in(browser, page, person, f"{person}-pw")
    assert running.stdout is not None
    out = running.stdout.read()
    limit.cancel()
    return subprocess.CompletedProcess(running.args, running.wait(), out, said)


def test_the_cluster_knows_people_by_their_own_tokens() -> None:
    groups = groups_in_cluster(for_cluster("alice"))

    assert sorted(groups or ()) == ["ad:ml-forecasting", "ad:ml-users", "system:authenticated"]


def test_a_token_is_short_lived_and_renewed_without_asking() -> None:
    tokens = by_device("alice", client=CLUSTER_CLIENT)
    said = claims(tokens["id_token"])
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"], "client_id": CLUSTER_CLIENT}
    with httpx.Client(verify=trust(), trust_env=False) as http:
        token_endpoint = http.get(issuer("adfs") + "/.well-known/openid-configuration").json()["token_endpoint"]
        renewed = http.post(token_endpoint, data=form).json()

    assert said["exp"] - said["iat"] == 600
    assert groups_in_cluster(renewed["id_token"]) == groups_in_cluster(tokens["id_token"]) is not None


def test_a_token_for_something_else_is_none_for_the_cluster() -> None:
    for_cluster("alice")  # the cluster knows the issuer by now
    tokens = by_device("alice")

    assert groups_in_cluster(tokens["id_token"]) is None
    assert groups_in_cluster(tokens["access_token"]) is None
    assert groups_in_cluster("alice-token") is None


def test_the_pages_lines_open_the_workspace_to_alice(slug: str, tmp_path: Path) -> None:
    for_cluster("alice")
    done = in_a_fresh_shell(pasted(slug), tmp_path / "alice", person="alice")

    assert done.returncode == 0, done.stderr
    assert f"No resources found in ml-{slug} namespace." in done.stderr


def test_the_same_lines_open_nothing_to_charlie(slug: str, tmp_path: Path) -> None:
    for_cluster("charlie")
    done = in_a_fresh_shell(pasted(slug), tmp_path / "charlie", person="charlie")

    assert done.returncode != 0
    assert 'User "ad:charlie@corp.example" cannot list resource "pods"' in done.stderr


def test_the_cluster_starts_while_the_identity_provider_is_away() -> None:
    token = for_cluster("alice")
    with live.held("idp"):
        live.kill("kube-apiserver")
        eventually(_cluster_is_ready, seconds=60)
        assert groups_in_cluster(token) is None

    eventually(lambda: groups_in_cluster(token) is not None, seconds=60)


def _cluster_is_ready() -> bool:
    try:
        return live.administrator().get("/readyz").status_code == 200
    except httpx.TransportError:
        return False
