"""The running stack as tests use it: its people by their doors, its servers by their own credentials, its processes.

Everything here goes through the front: HTTP of the portal, the servers' APIs, files of the stack's folder. Where no
stack runs, the tests that need it are skipped loudly.
"""

import json
import os
import signal
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import httpx

from devstack.ci_jobs import Queue
from devstack.stack import Stack
from tests.contract.stack import eventually, folder, secret, url

ROOT = Path(__file__).resolve().parent.parent
_RUNNER = "ci-runner"


@cache
def environment() -> dict[str, str]:
    """The variables of the stack's programs."""
    found: dict[str, str] = json.loads((folder() / "env.json").read_text())
    return found


@cache
def token(person: str) -> str:
    """An API token of one of the sample people."""
    variables = {**os.environ, **environment(), "SLIPWAY_METRICS_PORT": "0"}
    command = [sys.executable, "manage.py", "dev_token", f"{person}@corp.example"]
    done = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, check=True)
    return done.stdout.split()[-1]


@cache
def api(person: str) -> httpx.Client:
    """The portal's API as this person."""
    return httpx.Client(
        base_url=environment()["SLIPWAY_PUBLIC_URL"] + "/api/v1/",
        headers={"Authorization": f"Bearer {token(person)}"},
        timeout=30,
    )


@cache
def cluster(bearer: str) -> httpx.Client:
    """The API server with somebody's own token; `secret("cluster-admin.token")` is the administrator's."""
    authority = str(folder() / "secrets" / "cluster-north.ca")
    return httpx.Client(
        base_url=url("kube-apiserver", scheme="https"),
        headers={"Authorization": f"Bearer {bearer}"},
        verify=ssl.create_default_context(cafile=authority),
        timeout=30,
    )


def administrator() -> httpx.Client:
    """The API server as the cluster's administrator."""
    return cluster(secret("cluster-admin.token"))


@cache
def forge(person: str) -> httpx.Client:
    """Gitea's API as this person, or as the portal's bot."""
    if person == "bot":
        return httpx.Client(
            base_url=url("gitea") + "/api/v1", headers={"Authorization": f"token {secret('git-1.token')}"}, timeout=30
        )
    return httpx.Client(base_url=url("gitea") + "/api/v1", auth=(person, f"{person}-pw"), timeout=30)


def store_admin() -> Any:
    """The object store as its root: for looking at what is really there."""
    from minio import Minio

    return Minio(
        url("minio").removeprefix("http://"),
        access_key=secret("store-1.root-access-key"),
        secret_key=secret("store-1.root-secret-key"),
        secure=False,
    )


def project(slug: str, *, person: str = "alice") -> dict[str, Any]:
    """The project as the API tells it."""
    answer = api(person).get(f"projects/{slug}/")
    answer.raise_for_status()
    found: dict[str, Any] = answer.json()
    return found


def ready(slug: str, *, person: str = "alice", seconds: float = 60, generation: int | None = None) -> dict[str, Any]:
    """Wait until the project is Ready (at this generation) and return it, as this person sees it."""

    def look() -> dict[str, Any] | None:
        answer = api(person).get(f"projects/{slug}/")
        if answer.status_code != 200:
            return None
        found: dict[str, Any] = answer.json()
        right = generation is None or found["generation"] == generation
        return found if found["word"] == "Ready" and right else None

    return eventually(look, seconds=seconds)  # type: ignore[return-value]


def ask(slug: str, *, person: str = "alice", **spec: Any) -> httpx.Response:
    """Ask for a project by the API."""
    return api(person).post("projects/", json={"slug": slug, "team": "forecasting", **spec})


def change(slug: str, *, person: str = "alice", **wanted: Any) -> int:
    """Ask that a project be so. Returns the request's number."""
    state = api(person).get(f"projects/{slug}/").headers["ETag"]
    answer = api(person).patch(f"projects/{slug}/", json=wanted, headers={"If-Match": state})
    assert answer.status_code == 202, answer.text
    return int(answer.json()["request"]["id"])


def ring(task: str) -> None:
    """Have a worker go one of its rounds now, such as `projects.directory_tasks.follow_directory`."""
    command = [sys.executable, "-m", "celery", "-A", "portal.celery", "call", task]
    variables = {**os.environ, **environment(), "SLIPWAY_METRICS_PORT": "0"}
    subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, check=True)


def retire(slug: str, *, person: str = "alice", data: bool = True, wait: bool = False) -> None:
    """Retire a project, and wait until it is gone if what follows is about that."""
    found = api(person).get(f"projects/{slug}/")
    if found.status_code == 404:
        return
    if found.json()["deletion_requested_at"] is None:
        params = {"remove_data": "true", "confirm": slug} if data else {}
        answer = api(person).request(
            "DELETE", f"projects/{slug}/", params=params, headers={"If-Match": found.headers["ETag"]}
        )
        assert answer.status_code == 202, answer.text
    if wait:
        eventually(lambda: api(person).get(f"projects/{slug}/").status_code == 404, seconds=90)


def directory_is_read() -> None:
    """Have the portal read the directory where it has not yet: a new stack is up a minute before its first round."""

    def read() -> bool:
        return bool(api("alice").get("directory/", params={"q": "ml-vision"}).json().get("items"))

    if not read():
        variables = {**os.environ, **environment(), "SLIPWAY_METRICS_PORT": "0"}
        subprocess.run(
            [sys.executable, "manage.py", "sync_directory"], cwd=ROOT, env=variables, capture_output=True, check=False
        )
    eventually(read, seconds=90)


@contextmanager
def held(name: str) -> Iterator[None]:
    """Keep one process of the stack stopped meanwhile."""
    hold = folder() / "hold" / name
    hold.parent.mkdir(exist_ok=True)
    hold.touch()
    try:
        eventually(lambda: not _runs(name), seconds=30)
        yield
    finally:
        hold.unlink()
        eventually(lambda: _runs(name), seconds=30)


@contextmanager
def without_ci() -> Iterator[None]:
    """No run of CI meanwhile, nor afterwards for what is pushed meanwhile; nothing to stop where none runs at all."""
    if not _runs(_RUNNER):
        yield
        return
    with held(_RUNNER):
        try:
            yield
        finally:
            queue = Queue(Stack(name=folder().name, folder=folder()))
            for job in queue.waiting():
                queue.end(job, "nobody looks at it")


def kill(name: str) -> None:
    """SIGKILL one process of the stack with all its children; the supervisor starts it again."""
    pid = _pid(name)
    assert pid is not None, f"{name} does not run"
    for one in _family(pid):
        os.kill(one, signal.SIGKILL)
    eventually(lambda: _pid(name) not in (None, pid) and _runs(name), seconds=30)


def _pid(name: str) -> int | None:
    found: dict[str, int] = json.loads((folder() / "pids.json").read_text())
    return found.get(name)


def _runs(name: str) -> bool:
    pid = _pid(name)
    return pid is not None and Path(f"/proc/{pid}").exists()


def _family(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(other for child in children for other in _family(int(child)))]


def names(items: list[dict[str, Any]]) -> list[str]:
    """Names of Kubernetes objects."""
    return [item["metadata"]["name"] for item in items]


def portal_alive() -> bool:
    """Does the portal answer and its claim loop turn?"""
    try:
        return httpx.get(environment()["SLIPWAY_PUBLIC_URL"] + "/readyz", timeout=5).status_code == 200
    except httpx.TransportError:
        return False


class _Form(HTMLParser):
    """The fields of a page's forms, hidden ones included, and the action of the first form."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.action = ""
        self.fields: dict[str, str] = {}
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = {name: value or "" for name, value in attrs}
        if tag == "form" and not self.action:
            self.action = named.get("action", "")
        elif tag == "input" and "name" in named:
            self.fields.setdefault(named["name"], named.get("value", ""))


def csrf(page: httpx.Response) -> str:
    """The page's CSRF token."""
    return _Form(page.text).fields["csrfmiddlewaretoken"]


@contextmanager
def signed_in(person: str) -> Iterator[httpx.Client]:
    """A browser-like session of this person, signed in through the identity provider's own pages."""
    trust = ssl.create_default_context(cafile=environment()["SLIPWAY_ADFS_CA_BUNDLE"])
    base = environment()["SLIPWAY_PUBLIC_URL"]
    with httpx.Client(base_url=base, verify=trust, trust_env=False, timeout=30) as client:
        page = client.get("/oauth2/login", params={"next": "/"}, follow_redirects=True)
        address = urljoin(str(page.url), _Form(page.text).action)
        fields = {**_Form(page.text).fields, "username": f"{person}@corp.example", "password": f"{person}-pw"}
        home = client.post(address, data=fields, follow_redirects=True)
        assert home.status_code == 200, home.text[:500]
        assert str(home.url).startswith(base), home.url
        client.headers["Referer"] = base + "/"
        yield client
