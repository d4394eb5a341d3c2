"""Portal, cluster and forge as people of the directory meet them, and the sync that makes them follow it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from tests import live
from tests.contract.stack import eventually, secret, unique, url
from tests.own_tokens import CLUSTER_CLIENT, by_device, groups_in_cluster


def sync() -> str:
    """Read the directory now, as the worker does every five minutes; what it says, or "error: ..." and why not."""
    variables = {**os.environ, **live.environment(), "SLIPWAY_METRICS_PORT": "0"}
    command = [sys.executable, "manage.py", "sync_directory"]
    done = subprocess.run(command, cwd=live.ROOT, env=variables, capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else f"error: {done.stderr}"


@contextmanager
def project(*contributors: dict[str, str]) -> Iterator[str]:
    """A Ready project of alice's with these contributors."""
    slug = unique("people")
    answer = live.ask(slug, contributors=list(contributors))
    assert answer.status_code == 202, answer.text
    live.ready(slug)
    try:
        yield slug
    finally:
        live.retire(slug)


def api(account: str, *, password: str = "", base: str = "", shape: str = "adfs") -> httpx.Client:
    """The portal's API with this person's own token of the directory."""
    token = by_device(account, password=password, shape=shape)["access_token"]
    return httpx.Client(
        base_url=(base or live.environment()["SLIPWAY_PUBLIC_URL"]) + "/api/v1/",
        headers={"Authorization": f"Bearer {token}"},
        timeout=30,
    )


def sees(client: httpx.Client, slug: str) -> bool:
    """Does the API show this person the project? Fails on any answer but yes and "there is no such project"."""
    answer = client.get(f"projects/{slug}/")
    assert answer.status_code in (200, 404), answer.text
    return answer.status_code == 200


def cluster(account: str, *, password: str = "") -> httpx.Client:
    """The API server with this person's own token."""
    token = str(by_device(account, password=password, client=CLUSTER_CLIENT)["id_token"])
    eventually(lambda: groups_in_cluster(token) is not None, seconds=30)
    return live.cluster(token)


def enters(client: httpx.Client, slug: str) -> bool:
    """Does the cluster let this person see the workspace's pods?"""
    answer = client.get(f"/api/v1/namespaces/ml-{slug}/pods")
    assert answer.status_code in (200, 403), answer.text
    return answer.status_code == 200


def subjects(slug: str, role: str) -> list[str]:
    """Who is bound to a role in the workspace, as the cluster has it."""
    path = f"/apis/rbac.authorization.k8s.io/v1/namespaces/ml-{slug}/rolebindings/slipway-{role}s"
    answer = live.administrator().get(path)
    return [one["name"] for one in answer.json()["subjects"]] if answer.status_code == 200 else []


@contextmanager
def forge_account(account: str) -> Iterator[None]:
    """An account in the forge with this person's mail address."""
    auth = ("slipway-admin", secret("git-1.admin-password"))
    with httpx.Client(base_url=url("gitea") + "/api/v1", auth=auth, timeout=30) as admin:
        facts = {"username": account, "email": f"{account}@corp.example", "password": f"{account}-pw-of-the-forge"}
        admin.post("/admin/users", json={**facts, "must_change_password": False}).raise_for_status()
        try:
            yield
        finally:
            admin.delete(f"/admin/users/{account}", params={"purge": "true"}).raise_for_status()


def collaborators(slug: str) -> list[str]:
    """Who has a right of their own to the project's repository."""
    answer = live.forge("bot").get(f"/repos/forecasting/{slug}/collaborators")
    answer.raise_for_status()
    return [one["login"] for one in answer.json()]
