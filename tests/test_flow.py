"""The whole of it, told once: a team asks by each of the three doors, gets a project, uses it, changes it, retires it.

On the running stack with real servers. What was made is looked at from outside, with the credentials of those who use
it; the portal's own word counts for nothing here.
"""

import base64
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from minio import Minio
from minio.error import S3Error

from tests import live
from tests.contract.stack import eventually, folder, unique, url
from tests.own_tokens import for_cluster


@pytest.fixture(scope="module", autouse=True)
def _stack(without_ci: None) -> None:
    folder()
    eventually(live.portal_alive, seconds=120)


@pytest.fixture(scope="module")
def slug() -> Iterator[str]:
    """A project that alice asked for by the API, with an editors' group."""
    name = unique("flow")
    answer = live.ask(
        name, title="Flow", contributors=[{"group": "ml-forecasting", "role": "editor"}, {"user": "bob@corp.example"}]
    )
    assert answer.status_code == 202, answer.text
    live.ready(name)
    yield name
    live.retire(name)


def credentials(slug: str) -> dict[str, str]:
    """The workspace's Secret, read by alice with her own token."""
    answer = live.cluster(for_cluster("alice")).get(f"/api/v1/namespaces/ml-{slug}/secrets/bucket-credentials")
    assert answer.status_code == 200, answer.text
    return {name: base64.b64decode(value).decode() for name, value in answer.json()["data"].items()}


def as_project(slug: str) -> Minio:
    """The object store with the project's own keys."""
    keys = credentials(slug)
    return Minio(
        keys["AWS_ENDPOINT_URL"].removeprefix("http://"),
        access_key=keys["AWS_ACCESS_KEY_ID"],
        secret_key=keys["AWS_SECRET_ACCESS_KEY"],
        region=keys["AWS_REGION"],
        secure=False,
    )


def put(store: Minio, bucket: str, name: str) -> None:
    store.put_object(bucket, name, io.BytesIO(b"frames"), 6)


def test_by_api_all_resources_become_ready(slug: str) -> None:
    rows = live.api("alice").get(f"projects/{slug}/resources/").json()["items"]
    assert {row["kind"]: row["word"] for row in rows} == dict.fromkeys(
        [
            *("access", "actions", "bucket", "clone", "credentials", "limits", "namespace", "network", "pipeline"),
            *("repository", "repository_access", "webhook"),
        ],
        "Ready",
    )


def test_the_bucket_takes_the_projects_data_and_nobody_elses(slug: str) -> None:
    other = unique("other")
    assert live.ask(other).status_code == 202
    live.ready(other)
    try:
        store = as_project(slug)
        put(store, f"ml-{slug}", "raw/frames.bin")
        assert [item.object_name for item in store.list_objects(f"ml-{slug}", recursive=True)] == ["raw/frames.bin"]
        with pytest.raises(S3Error, match="AccessDenied"):
            put(store, f"ml-{other}", "raw/frames.bin")
        with pytest.raises(S3Error, match="AccessDenied"):
            list(store.list_objects(f"ml-{other}"))
        with pytest.raises(S3Error, match="AccessDenied"):
            store.set_bucket_policy(f"ml-{slug}", "{}")
    finally:
        live.retire(other)


def test_alices_group_works_in_the_workspace_and_cannot_touch_its_limits(slug: str) -> None:
    bob, namespace = live.cluster(for_cluster("bob")), f"/api/v1/namespaces/ml-{slug}"
    assert bob.get(f"{namespace}/pods").status_code == 200
    made = bob.post(f"{namespace}/configmaps", json={"metadata": {"name": "mine"}, "data": {"a": "b"}})
    assert made.status_code == 201
    merge = {
        "content": json.dumps({"spec": {"hard": {"pods": "999"}}}),
        "headers": {"Content-Type": "application/merge-patch+json"},
    }
    assert bob.patch(f"{namespace}/resourcequotas/slipway-compute", **merge).status_code == 403
    assert bob.delete(f"{namespace}/secrets/bucket-credentials").status_code in (403, 422)
    charlie = live.cluster(for_cluster("charlie"))
    assert charlie.get(f"{namespace}/pods").status_code == 403


def test_charlie_finds_nothing(slug: str) -> None:
    missing = live.api("charlie").get("projects/no-such-project/")
    for path in (f"projects/{slug}/", f"projects/{slug}/resources/", f"projects/{slug}/members/"):
        answer = live.api("charlie").get(path)
        assert (answer.status_code, answer.json()["detail"]) == (404, missing.json()["detail"])
    assert slug not in live.api("charlie").get("projects/").text


def test_the_hook_rings_ci_with_a_valid_signature(slug: str) -> None:
    """A push of alice's is delivered; the receiver checks it with the secret of the project's own namespace."""
    sha = push_file(f"forecasting/{slug}", "train.py", "print('hello')\n", person="alice")

    def delivered() -> dict[str, Any] | None:
        for line in (folder() / "logs" / "ci.log").read_text().splitlines():
            if line.startswith("{") and f"forecasting/{slug}" in line:
                entry: dict[str, Any] = json.loads(line)
                if entry.get("valid") and entry.get("event") == "push":
                    return entry
        return None

    assert eventually(delivered, seconds=20)
    assert sha


def test_a_change_goes_through_the_same_loop(slug: str) -> None:
    found = live.api("alice").get(f"projects/{slug}/")
    etag, generation = found.headers["ETag"], found.json()["generation"]
    change = {"plan": "medium", "options": {"network": {"internet": True}}}
    answer = live.api("alice").patch(f"projects/{slug}/", json=change, headers={"If-Match": etag})
    assert answer.status_code == 202, answer.text
    live.ready(slug, generation=generation + 1)
    admin = live.administrator()
    quota = admin.get(f"/api/v1/namespaces/ml-{slug}/resourcequotas/slipway-compute").json()
    assert quota["spec"]["hard"]["requests.cpu"] == "16"
    policy = f"/apis/networking.k8s.io/v1/namespaces/ml-{slug}/networkpolicies/slipway-allow-internet"
    assert admin.get(policy).status_code == 200
    again = live.api("alice").patch(f"projects/{slug}/", json=change, headers={"If-Match": etag})
    assert again.status_code == 412
    fresh = live.api("alice").get(f"projects/{slug}/").headers["ETag"]
    back = live.api("alice").patch(
        f"projects/{slug}/", json={"plan": "small", "options": None}, headers={"If-Match": fresh}
    )
    assert back.status_code == 202, back.text
    live.ready(slug, generation=generation + 2)
    assert admin.get(policy).status_code == 404


def test_what_is_deleted_by_hand_comes_back_and_is_told(slug: str) -> None:
    policy = f"/apis/networking.k8s.io/v1/namespaces/ml-{slug}/networkpolicies/slipway-default-deny"
    assert live.administrator().delete(policy).status_code == 200
    eventually(lambda: live.administrator().get(policy).status_code == 200, seconds=60)

    def told() -> bool:
        events = live.api("alice").get(f"projects/{slug}/events/").json()["items"]
        return any("slipway-default-deny is missing" in event["message"] for event in events)

    eventually(told, seconds=20)


def test_a_foreign_namespace_stays_untouched() -> None:
    name = unique("foreign")
    admin = live.administrator()
    before = admin.post("/api/v1/namespaces", json={"metadata": {"name": f"ml-{name}"}}).json()
    assert live.ask(name).status_code == 202

    def refused() -> bool:
        rows = live.api("alice").get(f"projects/{name}/resources/").json()["items"]
        return any(row["kind"] == "namespace" and row["word"] == "Needs attention" for row in rows)

    eventually(refused, seconds=30)
    after = admin.get(f"/api/v1/namespaces/ml-{name}").json()
    assert after["metadata"]["resourceVersion"] == before["metadata"]["resourceVersion"] or (
        after["metadata"].get("labels") == before["metadata"].get("labels")
    )
    live.retire(name, wait=True)
    assert admin.get(f"/api/v1/namespaces/ml-{name}").status_code == 200
    admin.delete(f"/api/v1/namespaces/ml-{name}")


def test_by_file_a_push_is_a_request_and_the_commit_gets_the_answer() -> None:
    assert live.api("alice").get("projects/").status_code == 200  # who pushes must have signed in before
    assert live.api("alice").get("projects/").status_code == 200  # who pushes must have signed in before
    name = unique("filed")
    repository = f"forecasting/{name}"
    make_repository(name)
    register(repository)
    profile = f"version: 1\nslug: {name}\nteam: forecasting\nplan: small\n"
    sha = push_file(repository, "profile.yaml", profile, person="alice")
    live.ready(name, seconds=90)
    eventually(lambda: status_of(repository, sha) == "success", seconds=30)

    bad = profile.replace("plan: small", "plan: small\ncontributors:\n  - {group: ml-vision, role: king}")
    refused = push_file(repository, "profile.yaml", bad, person="alice")
    eventually(lambda: status_of(repository, refused) == "failure", seconds=30)
    assert live.project(name)["generation"] == 1
    said = statuses(repository, refused)[0]["description"]
    assert "line 6" in said

    good = push_file(repository, "profile.yaml", profile.replace("small", "medium"), person="alice")
    live.ready(name, generation=2)
    eventually(lambda: status_of(repository, good) == "success", seconds=30)
    live.retire(name, data=False, wait=True)
    assert live.forge("bot").get(f"/repos/{repository}").status_code == 200


def test_by_form_alice_asks_in_her_browser_session() -> None:
    """The form without a browser: the same posts, with alice's real sign-in. tests/browser does it by keyboard."""
    name = unique("form")
    with live.signed_in("alice") as session:
        page = session.get("/projects/new/")
        assert page.status_code == 200
        form = {"slug": name, "team": "forecasting", "plan": "small", "title": "Form", "do": "create"}
        answer = session.post("/projects/new/", data={**form, "csrfmiddlewaretoken": live.csrf(page)})
        assert answer.status_code == 302, answer.text[:2000]
        assert answer.headers["Location"] == f"/projects/{name}/"
    live.ready(name)
    assert live.project(name)["spec"]["title"] == "Form"
    live.retire(name)


def test_retiring_keeps_the_data_unless_told_otherwise() -> None:
    name = unique("gone")
    assert live.ask(name).status_code == 202
    live.ready(name)
    put(as_project(name), f"ml-{name}", "kept.bin")
    keys = credentials(name)
    live.retire(name, data=False, wait=True)
    assert live.administrator().get(f"/api/v1/namespaces/ml-{name}").status_code == 404
    assert live.store_admin().bucket_exists(f"ml-{name}")
    with pytest.raises(S3Error, match="InvalidAccessKeyId"):
        put(
            Minio(
                url("minio").removeprefix("http://"),
                access_key=keys["AWS_ACCESS_KEY_ID"],
                secret_key=keys["AWS_SECRET_ACCESS_KEY"],
                secure=False,
            ),
            f"ml-{name}",
            "late.bin",
        )
    assert live.ask(name).status_code == 202

    def taken() -> bool:
        rows = live.api("alice").get(f"projects/{name}/resources/").json()["items"]
        return any(row["kind"] == "bucket" and row["word"] == "Needs attention" for row in rows)

    eventually(taken, seconds=30)
    live.retire(name, wait=True)
    assert live.store_admin().bucket_exists(f"ml-{name}")


def make_repository(name: str) -> None:
    made = live.forge("alice").post(
        "/orgs/forecasting/repos", json={"name": name, "auto_init": True, "default_branch": "main"}
    )
    assert made.status_code == 201, made.text


def register(full_name: str) -> None:
    environment = {**os.environ, **json.loads((folder() / "env.json").read_text()), "SLIPWAY_METRICS_PORT": "0"}
    command = [sys.executable, "manage.py", "register_repository", "git-1", full_name]
    done = subprocess.run(command, cwd=live.ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def push_file(full_name: str, path: str, text: str, *, person: str) -> str:
    """Commit one file on main as this person; the commit's sha."""
    client = live.forge(person)
    present = client.get(f"/repos/{full_name}/contents/{path}", params={"ref": "main"})
    body: dict[str, Any] = {
        "content": base64.b64encode(text.encode()).decode(),
        "branch": "main",
        "message": f"Write {path}",
    }
    if present.status_code == 200:
        answer = client.put(f"/repos/{full_name}/contents/{path}", json={**body, "sha": present.json()["sha"]})
    else:
        answer = client.post(f"/repos/{full_name}/contents/{path}", json=body)
    assert answer.status_code in (200, 201), answer.text
    sha: str = answer.json()["commit"]["sha"]
    return sha


def statuses(full_name: str, sha: str) -> list[dict[str, Any]]:
    found = live.forge("bot").get(f"/repos/{full_name}/commits/{sha}/statuses").json()
    # Several may be of the same second; the highest id is the newest.
    ours = [one for one in found if one["context"] == "slipway/profile"]
    return sorted(ours, key=lambda one: int(one["id"]), reverse=True)


def status_of(full_name: str, sha: str) -> str | None:
    found = statuses(full_name, sha)
    return found[0]["status"] if found else None
