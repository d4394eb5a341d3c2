import base64
import hashlib
import hmac
import json
import os
import time
from dataclasses import replace
from pathlib import Path

import pytest

from devstack import receiver
from devstack.prepare_cluster import kubectl
from devstack.prepare_forge import Account
from devstack.receiver import Delivery
from devstack.stack import Stack
from provisioning.kind import KnownRepository
from provisioning.kinds.pipeline import KIND
from tests.provisioning.wishes import wish

SECRET = b"a secret of the project"
BODY = json.dumps({"repository": {"full_name": "forecasting/demand"}}).encode()


def signed(body: bytes = BODY, *, secret: bytes = SECRET, event: str = "push") -> dict[str, str]:
    digest = hmac.new(secret, body, hashlib.sha256).hexdigest()
    return {"x-github-event": event, "x-github-delivery": "d-1", "x-hub-signature-256": f"sha256={digest}"}


def find(name: str, _number: object) -> tuple[str, bytes] | None:
    return ("ml-demand", SECRET) if name == "forecasting/demand" else None


def judged(headers: dict[str, str], body: bytes = BODY) -> Delivery:
    return receiver.judge(headers=headers, body=body, find=find, now="2026-11-23T09:00:00Z")


def test_a_signed_push_is_valid() -> None:
    assert judged(signed()) == Delivery(
        time="2026-11-23T09:00:00Z",
        repository="forecasting/demand",
        event="push",
        delivery="d-1",
        namespace="ml-demand",
        valid=True,
        reason="",
    )


OTHER = json.dumps({"repository": {"full_name": "vision/demand"}}).encode()


@pytest.mark.parametrize(
    ("headers", "body", "reason"),
    [
        (signed(secret=b"another project's"), BODY, "the signature does not fit"),
        (signed(b"another body"), BODY, "the signature does not fit"),
        ({**signed(), "x-hub-signature-256": ""}, BODY, "no X-Hub-Signature-256 header"),
        ({**signed(), "x-hub-signature-256": "sha256=ä"}, BODY, "the signature does not fit"),
        (signed(event="issues"), BODY, "event issues is not one of push, pull_request"),
        (signed(OTHER), OTHER, "no project has this repository"),
        (signed(b"["), b"[", "the body is not a forge's event: no repository.full_name in it"),
        (signed(b"[]"), b"[]", "the body is not a forge's event: no repository.full_name in it"),
    ],
)
def test_everything_else_is_recorded_with_its_reason(headers: dict[str, str], body: bytes, reason: str) -> None:
    delivery = judged(headers, body)

    assert (delivery.valid, delivery.reason) == (False, reason)


def test_the_trigger_of_a_project_says_which_repository_it_is_for() -> None:
    known = KnownRepository(wanted="forecasting/demand", full_name="forecasting/demand", number=42)
    body = KIND.desired(replace(wish(), repository=known))[0].body
    assert body is not None
    answers = {
        "/apis/triggers.tekton.dev/v1beta1/triggers?labelSelector=slipway.dev/project": {
            "items": [
                {
                    "metadata": {"namespace": "ml-demand"},
                    "spec": body["spec"],
                }
            ]
        },
        "/api/v1/namespaces/ml-demand/secrets/slipway-ci-webhook": {
            "data": {"secret": base64.b64encode(SECRET).decode()}
        },
    }

    assert receiver.find_project("forecasting/demand", None, ask=answers.get) == ("ml-demand", SECRET)
    assert receiver.find_project("forecasting/deman", None, ask=answers.get) is None
    # Renamed on the forge a moment ago.
    assert receiver.find_project("forecasting/orders", 42, ask=answers.get) == ("ml-demand", SECRET)
    assert receiver.find_project("forecasting/orders", 4, ask=answers.get) is None


def test_gitea_delivers_a_push_that_fits(tmp_path: Path) -> None:
    """The real thing: Gitea signs, the secret comes out of the namespace, the log has the delivery."""
    if "SLIPWAY_STACK_DIR" not in os.environ:
        pytest.skip("needs the stack's servers: run it as ./dev test tests/devstack")
    folder = Path(os.environ["SLIPWAY_STACK_DIR"])
    stack = Stack(name=folder.name, folder=folder)
    slug = f"receiver-{time.time_ns() % 10**9}"
    repository, namespace = f"forecasting/{slug}", f"ml-{slug}"
    labels = {"slipway.dev/project": slug, "slipway.dev/team": "forecasting"}
    objects = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace, "labels": labels}},
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "slipway-ci-webhook", "namespace": namespace},
            "stringData": {"secret": SECRET.decode()},
        },
    ]
    manifest = tmp_path / "objects.json"
    manifest.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))
    bot = Account(base=f"http://127.0.0.1:{stack.ports()['gitea']}", token=stack.secret("git-1.token"))
    try:
        kubectl(stack, "apply", "-f", str(manifest))
        bot.do("POST", "/orgs/forecasting/repos", {"name": slug, "auto_init": True})
        address = f"http://127.0.0.1:{stack.ports()['ci']}/"
        config = {"url": address, "content_type": "json", "secret": SECRET.decode()}
        hook = {"type": "gitea", "active": True, "events": ["push"], "config": config}
        bot.do("POST", f"/repos/{repository}/hooks", hook)
        bot.do("POST", f"/repos/{repository}/contents/a.txt", {"content": "YQ==", "message": "A change"})

        deliveries = wait_for_deliveries(stack, repository)
    finally:
        bot.ask("DELETE", f"/repos/{repository}")
        kubectl(stack, "delete", "namespace", namespace, "--wait=false", "--ignore-not-found")

    assert [(each["event"], each["namespace"], each["valid"], each["reason"]) for each in deliveries] == [
        ("push", namespace, True, "")
    ]


def wait_for_deliveries(stack: Stack, repository: str) -> list[dict[str, object]]:
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        lines = stack.log("ci").read_text().splitlines()
        found = [delivery for line in lines if (delivery := json.loads(line))["repository"] == repository]
        if found:
            return found
        time.sleep(0.05)
    return []
