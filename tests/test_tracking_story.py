"""A project that tracks its experiments, from alice's wish to a run of its CI on MLflow.

Portal, worker, forge, runner, object store and MLflow are the stack's own; the run uses MLflow's own client. Only a
stack that was asked for MLflow has one (docs/tracking.md); elsewhere this is skipped.
"""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from devstack import python_env, tracker
from provisioning.catalogue import load
from tests import live
from tests.contract.stack import eventually, folder, secret, unique, url
from tests.test_ci_runs import commit, ended, log_of, secret_of

WISH = "NOT TESTED: this stack has no MLflow. SLIPWAY_DEV_TRACKER=mlflow ./dev test tests/test_tracking_story.py"
TRAIN = """\
import mlflow, pathlib

pathlib.Path("model.txt").write_text("a model")
with mlflow.start_run(run_name="ci"):
    mlflow.log_param("weeks", 12)
    mlflow.log_metric("mae", 0.125)
    mlflow.log_artifact("model.txt")
"""


@pytest.fixture(scope="module")
def slug() -> Iterator[str]:
    """A project of alice's that tracks its experiments."""
    if not load(folder() / "platform.yaml").trackers:
        pytest.skip(WISH)
    eventually(live.portal_alive, seconds=120)
    name = unique("tracked")
    options = {"repository": {"template": "empty"}, "tracking": {"enabled": True}}
    answer = live.ask(name, title="Tracked", options=options)
    assert answer.status_code == 202, answer.text
    live.ready(name, seconds=120)
    yield name
    live.retire(name)


def mlflow(login: tuple[str, str], method: str, path: str, body: Any = None) -> httpx.Response:
    """What MLflow answers to an account."""
    address = f"{url('mlflow')}/api/2.0/mlflow/{path}"
    return httpx.request(method, address, json=body, auth=login, timeout=30, trust_env=False)


def account(slug: str) -> tuple[str, str]:
    """The project's account, as its workspace has it."""
    given = secret_of(slug, "tracking-credentials")
    return given["MLFLOW_TRACKING_USERNAME"], given["MLFLOW_TRACKING_PASSWORD"]


def experiment(slug: str) -> dict[str, Any] | None:
    """The project's experiment, as the administrator sees it."""
    admin = (tracker.ADMIN, secret(tracker.PASSWORD))
    answer = mlflow(admin, "GET", f"experiments/get-by-name?experiment_name=ml-{slug}")
    found: dict[str, Any] | None = answer.json().get("experiment")
    return found


def runs(slug: str, login: tuple[str, str]) -> httpx.Response:
    """The project's runs, as somebody sees them."""
    found = experiment(slug)
    assert found is not None
    return mlflow(login, "POST", "runs/search", {"experiment_ids": [found["experiment_id"]]})


def test_a_run_of_ci_is_tracked_with_what_the_workspace_was_given(slug: str) -> None:
    python = f'"$SLIPWAY_CI_CACHE/{python_env.locked(tracker.LOCK).name}/bin/python"'
    sha = commit(slug, f"set -eu\necho the password is $MLFLOW_TRACKING_PASSWORD\n{python} - <<'END'\n{TRAIN}END\n")

    told = ended(slug, sha)

    log = log_of(told)
    assert told["status"] == "success", log
    assert "the password is ***" in log
    login = account(slug)
    assert login[1] not in log
    (run,) = runs(slug, login).json()["runs"]
    assert (run["info"]["run_name"], run["info"]["status"]) == ("ci", "FINISHED")
    assert [(one["key"], one["value"]) for one in run["data"]["metrics"]] == [("mae", 0.125)]
    bucket, path = run["info"]["artifact_uri"].removeprefix("s3://").split("/", 1)
    assert (bucket, path.split("/")[0]) == (f"ml-{slug}", "mlflow")
    assert live.store_admin().get_object(bucket, f"{path}/model.txt").read() == b"a model"


def test_page_and_api_say_where_and_a_stranger_sees_nothing(slug: str) -> None:
    found = {one["kind"]: one for one in live.api("alice").get(f"projects/{slug}/resources/").json()["items"]}
    assert {kind: found[kind]["word"] for kind in ("tracking", "tracking_account")} == {
        "tracking": "Ready",
        "tracking_account": "Ready",
    }
    with live.signed_in("alice") as page:
        assert f"Experiment ml-{slug}, files of runs in ml-{slug}/mlflow" in page.get(f"/projects/{slug}/").text
    with live.signed_in("charlie") as page:
        assert page.get(f"/projects/{slug}/").status_code == 404


def test_a_rotated_password_is_in_force_and_the_old_one_ends(slug: str) -> None:
    old = account(slug)
    answer = live.api("alice").post(f"projects/{slug}/credentials/tracking/rotate/", headers={"Idempotency-Key": "one"})
    assert answer.status_code == 202, answer.text

    eventually(lambda: account(slug) != old and runs(slug, account(slug)).status_code == 200)

    assert runs(slug, old).status_code == 401


def test_switched_off_account_and_secret_go_and_the_runs_stay(slug: str) -> None:
    login = account(slug)
    before = live.api("alice").get(f"projects/{slug}/")
    spec = {**before.json()["spec"], "options": {"repository": {"template": "empty"}}}
    headers = {"If-Match": before.headers["ETag"]}
    answer = live.api("alice").put(f"projects/{slug}/", json=spec, headers=headers)
    assert answer.status_code == 202, answer.text

    live.ready(slug, generation=before.json()["generation"] + 1)

    path = f"/api/v1/namespaces/ml-{slug}/secrets/tracking-credentials"
    assert live.administrator().get(path).status_code == 404
    assert runs(slug, login).status_code == 401
    kept = experiment(slug)
    assert kept is not None
    assert kept["lifecycle_stage"] == "active"
