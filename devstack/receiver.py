"""Stands where Tekton's listener would: `python -m devstack.receiver STACK`.

It takes the forge's deliveries, finds the project, checks the signature as Tekton's `github` interceptor does, with
the secret from the project's namespace, and writes one JSON line for each (`./dev logs ci`). What asks for a run goes
to the queue of `devstack.runner`. As the real listener it answers 202 whatever it finds: success must be looked up, not
believed. It also shows the log of a run, under an address that only the run's commit status tells.
"""

import base64
import hashlib
import hmac
import http.client
import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote

from devstack.calls import call
from devstack.ci_jobs import RUN, NoRun, Queue, job_of
from devstack.endpoints import from_environment
from devstack.prepare_cluster import kubectl
from devstack.stack import Stack, open_stack

BODY_LIMIT = 1024 * 1024
EVENTS = ("push", "pull_request")
SECRET_NAME, SECRET_KEY = "slipway-ci-webhook", "secret"

Ask = Callable[[str], "dict[str, object] | None"]
Find = Callable[[str, object], "tuple[str, bytes] | None"]


@dataclass(frozen=True)
class Delivery:
    """One recorded delivery. `reason` says why it is not valid; it is empty where it is.

    run: the run that it started; empty where it started none, and `no_run` says why.
    """

    time: str
    repository: str
    event: str
    delivery: str
    namespace: str
    valid: bool
    reason: str
    run: str = ""
    no_run: str = ""


def judge(*, headers: Mapping[str, str], body: bytes, find: Find, now: str) -> Delivery:
    """Decide about one delivery. `headers` have lower-case names.

    `find` gives namespace and webhook secret for a repository's full name and number, None where no project has it.
    """
    event, identity = headers.get("x-github-event", ""), headers.get("x-github-delivery", "")
    repository, number, namespace, reason = "", None, "", ""
    try:
        payload = json.loads(body)
        repository, number = str(payload["repository"]["full_name"]), payload["repository"].get("id")
    except (ValueError, KeyError, TypeError):
        reason = "the body is not a forge's event: no repository.full_name in it"
    if not reason and event not in EVENTS:
        reason = f"event {event or '(none)'} is not one of {', '.join(EVENTS)}"
    if not reason:
        found = find(repository, number)
        if found is None:
            reason = "no project has this repository"
        else:
            namespace, secret = found
            reason = signature_fault(secret=secret, body=body, given=headers.get("x-hub-signature-256", ""))
    return Delivery(
        time=now,
        repository=repository,
        event=event,
        delivery=identity,
        namespace=namespace,
        valid=not reason,
        reason=reason,
    )


def accept(delivery: Delivery, body: bytes, *, queue: Queue) -> Delivery:
    """Add the run that a valid delivery asks for, unless the same one is there. Returns the delivery with its run."""
    if not delivery.valid:
        return delivery
    try:
        job = job_of(event=delivery.event, payload=json.loads(body), namespace=delivery.namespace)
    except NoRun as reason:
        return replace(delivery, no_run=str(reason))
    return replace(delivery, run=job.run) if queue.add(job) else replace(delivery, no_run="the same run is there")


def signature_fault(*, secret: bytes, body: bytes, given: str) -> str:
    """What is wrong with an X-Hub-Signature-256 header; empty where it fits the body."""
    if not given:
        return "no X-Hub-Signature-256 header"
    expected = "sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest()
    return "" if hmac.compare_digest(expected.encode(), given.encode()) else "the signature does not fit"


def find_project(full_name: str, number: object, *, ask: Ask) -> tuple[str, bytes] | None:
    """Namespace and webhook secret of the project that has this repository; None where there is none.

    number: the forge's own, by which a Trigger knows one that was renamed a moment ago. `ask` gets a path from the API
    server: the JSON, or None for 404. The pipeline's Trigger in the project's namespace says which repository it is
    for, in its CEL filter; where there is none, the ConfigMap `project-info` does; where the name alone tells, the
    label does.
    """
    triggers = ask("/apis/triggers.tekton.dev/v1beta1/triggers?labelSelector=" + quote("slipway.dev/project")) or {}
    for trigger in _items(triggers):
        filters = _text_of_filters(trigger)
        if f"full_name == {json.dumps(full_name)}" in filters or f"int(body.repository.id) == {number})" in filters:
            return _with_secret(str(_metadata(trigger)["namespace"]), ask=ask)
    selector = f"labelSelector={quote('slipway.dev/project')}&fieldSelector={quote('metadata.name=project-info')}"
    for info in _items(ask(f"/api/v1/configmaps?{selector}") or {}):
        data = info.get("data")
        if isinstance(data, dict) and data.get("repository") == full_name:
            return _with_secret(str(_metadata(info)["namespace"]), ask=ask)
    slug = full_name.rpartition("/")[2]
    namespaces = ask("/api/v1/namespaces?labelSelector=" + quote(f"slipway.dev/project={slug}")) or {}
    for namespace in _items(namespaces):
        labels = _metadata(namespace).get("labels", {})
        if isinstance(labels, dict) and f"{labels.get('slipway.dev/team')}/{slug}" == full_name:
            return _with_secret(str(_metadata(namespace)["name"]), ask=ask)
    return None


def _with_secret(namespace: str, *, ask: Ask) -> tuple[str, bytes] | None:
    secret = ask(f"/api/v1/namespaces/{quote(namespace)}/secrets/{SECRET_NAME}")
    data = (secret or {}).get("data")
    if not isinstance(data, dict) or SECRET_KEY not in data:
        return None
    return namespace, base64.b64decode(data[SECRET_KEY])


def _items(listing: Mapping[str, object]) -> list[dict[str, object]]:
    found = listing.get("items", [])
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def _metadata(item: Mapping[str, object]) -> dict[str, object]:
    found = item.get("metadata")
    return found if isinstance(found, dict) else {}


def _text_of_filters(trigger: Mapping[str, object]) -> str:
    # A CEL filter quotes with ' or "; both are looked for as ".
    spec = trigger.get("spec")
    interceptors = spec.get("interceptors", []) if isinstance(spec, dict) else []
    return json.dumps(interceptors).replace('\\"', '"').replace("'", '"')


class Cluster:
    """Reads from the API server with the cluster admin's token, as Tekton's interceptors read Secrets."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.configured = from_environment(os.environ).kubeconfig

    def ask(self, path: str) -> dict[str, object] | None:
        """The JSON behind a path, None for 404. Raises OSError when the API server does not answer or refuses."""
        if self.configured is not None:
            found: dict[str, object] = json.loads(kubectl(self.stack, "get", "--raw", path))
            return found
        answer = call(
            "GET",
            f"https://127.0.0.1:{self.stack.ports()['kube-apiserver']}{path}",
            headers={"Authorization": f"Bearer {self.stack.secret('cluster-admin.token')}"},
            ca=Path(self.stack.tls / "ca.pem"),
            timeout=5,
        )
        if answer.status == 404:
            return None
        if answer.status != 200:
            raise OSError(f"the API server: {answer.said()}")
        body: dict[str, object] = answer.json()
        return body


class Handler(BaseHTTPRequestHandler):
    """One delivery per request."""

    cluster: Cluster
    queue: Queue
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Take a delivery; 202, or 4xx for what is no proper request."""
        length = self.headers.get("Content-Length", "")
        if not length.isdigit():
            self._answer(400, "Content-Length is missing")
        elif int(length) > BODY_LIMIT:
            self.close_connection = True
            self._answer(413, "the body is larger than 1 MiB")
        else:
            self._take(self.rfile.read(int(length)))

    def _take(self, body: bytes) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        try:
            delivery = judge(
                headers=headers,
                body=body,
                find=lambda name, number: find_project(name, number, ask=self.cluster.ask),
                now=now,
            )
        except (OSError, http.client.HTTPException) as error:
            delivery = Delivery(
                time=now,
                repository="",
                event=headers.get("x-github-event", ""),
                delivery=headers.get("x-github-delivery", ""),
                namespace="",
                valid=False,
                reason=f"could not be checked: {error}",
            )
        try:
            delivery = accept(delivery, body, queue=self.queue)
        except OSError as error:
            delivery = replace(delivery, no_run=f"could not be kept: {error}")
        print(json.dumps(asdict(delivery)), flush=True)
        self._answer(202, "accepted")

    def do_GET(self) -> None:
        """The log of a run, /runs/<id>; 404 for anything else."""
        run = self.path.removeprefix("/runs/")
        if not RUN.fullmatch(run):
            self._answer(404, "there is no such run")
            return
        try:
            text = self.queue.log(run).read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            self._answer(404, "there is no such run")
        else:
            self._answer(200, text)

    def _answer(self, status: int, text: str) -> None:
        content = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the log holds deliveries only."""


def main(name: str) -> int:
    stack = open_stack(name)
    Handler.cluster, Handler.queue = Cluster(stack), Queue(stack)
    ThreadingHTTPServer(("127.0.0.1", stack.ports()["ci"]), Handler).serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
