"""Hooks on a real Gitea: there once, signed with the project's secrets, and gone quietly."""

import hashlib
import hmac
import json
import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from projects import deliveries
from provisioning.clients.gitea import Forge
from provisioning.errors import TemporaryError
from provisioning.kind import Wish
from provisioning.kinds import repository, webhook
from tests.contract.made import apply, found, look, project, repair
from tests.contract.stack import eventually


@pytest.fixture
def listener() -> Iterator[tuple[str, list[tuple[Mapping[str, str], bytes]]]]:
    """A server that takes deliveries, as the cluster's CI listener does: its URL, and what it got."""
    got: list[tuple[Mapping[str, str], bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append((dict(self.headers), self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(202)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/", got
    server.shutdown()
    server.server_close()


def test_a_push_is_delivered_and_signed_with_the_projects_secrets(
    forge: Forge, listener: tuple[str, list[tuple[Mapping[str, str], bytes]]]
):
    address, got = listener
    wanted = project(listener=address, portal_url=f"{address}projects/demand/")
    apply(repository.KIND, wanted, forge)
    apply(webhook.KIND, wanted, forge)
    assert found(webhook.KIND, wanted, forge) == {"keep": 2}

    forge.put_files(wanted.names.repository, "main", "Change", {"a.txt": b"x"})

    eventually(lambda: len(got) >= 2)
    signatures = {headers["X-Hub-Signature-256"] for headers, _ in got}
    assert signatures == {
        "sha256=" + hmac.new(wanted.secret(purpose).encode(), body, hashlib.sha256).hexdigest()
        for purpose in ("webhook", "profile-hook")
        for body in {body for _, body in got}
    }
    repository.KIND.delete(replace(wanted, remove_data=True), forge)


def test_a_comment_under_a_pull_request_is_delivered_to_the_portal(
    forge: Forge, listener: tuple[str, list[tuple[Mapping[str, str], bytes]]]
):
    address, got = listener
    wanted = project(listener="", portal_url=f"{address}projects/demand/")
    apply(repository.KIND, wanted, forge)
    name = wanted.names.repository
    forge.create_branch(name, "change", "main")
    forge.put_files(name, "change", "Change", {"a.txt": b"x"})
    number = forge.create_pull_request(name, "change", "main", "Change", "")
    apply(webhook.KIND, wanted, forge)

    forge.upsert_comment(name, number, "said", "/slipway status")

    def comment() -> deliveries.Said | None:
        # Pushes made before the hook are delivered to it as well where the forge comes to them late.
        read = (deliveries.read("gitea", headers=headers, payload=json.loads(body)) for headers, body in got)
        return next((one for one in read if one.event == deliveries.COMMENT), None)

    said = eventually(comment)
    assert said is not None
    assert (said.event, said.repository, said.number, said.action, said.by) == (
        deliveries.COMMENT,
        name,
        number,
        "created",
        forge.bot,
    )
    repository.KIND.delete(replace(wanted, remove_data=True), forge)


def test_hooks_are_there_once_and_as_they_were_asked_for(forge: Forge, demand: Wish):
    apply(repository.KIND, demand, forge)
    name = demand.names.repository
    forge.create_hook(name, "http://127.0.0.1:9/somebody-elses", "a-good-long-secret", ["push"])
    # As they were before hooks had the project's mark.
    for _ in range(3):
        forge.create_hook(name, "http://127.0.0.1:9/", "a-good-long-secret", ["push"])
    forge.create_hook(name, f"http://old.example/hooks/git-1/{demand.uid}/", "a-good-long-secret", ["push"])
    assert [(one.key, [item.path for item in one.differences]) for one in look(webhook.KIND, demand, forge)] == [
        ("hook/ci", ["copies", "events", "url"]),
        ("hook/profile", ["events", "url"]),
    ]

    repair(webhook.KIND, demand, forge)

    assert found(webhook.KIND, demand, forge) == {"keep": 2}
    assert sorted((hook["url"], hook["events"]) for hook in forge.hooks(name)) == [
        (f"http://127.0.0.1:9/?slipway-project={demand.uid}", ["pull_request", "push"]),
        ("http://127.0.0.1:9/somebody-elses", ["push"]),
        (f"http://localhost:8000/hooks/git-1/{demand.uid}/", ["issue_comment", "pull_request", "push"]),
    ]

    assert webhook.KIND.delete(demand, forge) is True
    assert [hook["url"] for hook in forge.hooks(name)] == ["http://127.0.0.1:9/somebody-elses"]


def test_a_webhook_without_its_repository_waits_and_leaves_quietly(forge: Forge):
    wanted = project()

    assert found(webhook.KIND, wanted, forge) == {"create": 2}
    with pytest.raises(TemporaryError):
        apply(webhook.KIND, wanted, forge)
    assert webhook.KIND.delete(wanted, forge) is True
    assert repository.KIND.delete(wanted, forge) is True


def test_a_hook_that_somebody_deleted_is_put_back(forge: Forge, demand: Wish):
    apply(repository.KIND, demand, forge)
    apply(webhook.KIND, demand, forge)
    name = demand.names.repository
    [profile] = [hook for hook in forge.hooks(name) if "/hooks/" in hook["url"]]
    assert forge.delete_hook(name, profile["id"]) is True

    assert found(webhook.KIND, demand, forge) == {"create": 1, "keep": 1}
    repair(webhook.KIND, demand, forge)

    assert found(webhook.KIND, demand, forge) == {"keep": 2}
