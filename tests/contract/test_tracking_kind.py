"""Experiment tracking on a real MLflow: a project's own, nobody else's, put back when somebody changes it."""

import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from minio import Minio
from minio.error import S3Error

from provisioning import ci, tracking
from provisioning.clients.minio import ObjectStore
from provisioning.clients.mlflow import Tracker
from provisioning.errors import NameTaken, PermanentError, TargetUnavailable
from provisioning.kind import Wish
from provisioning.kinds import bucket
from provisioning.kinds.tracking import KIND
from tests.contract.made import PEOPLE, apply, found, project, repair
from tests.contract.stack import eventually, secret, unique, url
from tests.contract.trackers import serving
from tests.provisioning.wishes import catalogue


@pytest.fixture(scope="module")
def tracker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tracker]:
    """A server with the administrator's account."""
    with serving(tmp_path_factory.mktemp("mlflow")) as (address, password):
        client = Tracker(name="mlflow-1", url=address, username="admin", password=password)
        client.address = address  # type: ignore[attr-defined]
        yield client
        client.close()


def tracked(tracker: Tracker, slug: str = "") -> Wish:
    entry = {"name": "mlflow-1", "url": _address(tracker), "username": "admin", "password": {"file": "mlflow-1"}}
    sample = project(slug, contributors=PEOPLE, options={"tracking": {"enabled": True}})
    return replace(sample, catalogue=catalogue(trackers=[entry]))


def _address(tracker: Tracker) -> str:
    return str(tracker.address)  # type: ignore[attr-defined]


def by_project(wanted: Wish, method: str, path: str, body: Any = None) -> httpx.Response:
    """What the project's own account does, as its Secret has it."""
    settings, account = tracking.settings(wanted), tracking.account(wanted)
    login = (account["MLFLOW_TRACKING_USERNAME"], account["MLFLOW_TRACKING_PASSWORD"])
    address = f"{settings['MLFLOW_TRACKING_URI']}/api/2.0/mlflow/{path}"
    return httpx.request(method, address, json=body, auth=login, timeout=30, trust_env=False)


def test_made_found_right_and_put_back(tracker: Tracker) -> None:
    wanted = tracked(tracker)
    assert found(KIND, wanted, tracker) == {"create": 3}
    apply(KIND, wanted, tracker)
    assert found(KIND, wanted, tracker) == {"keep": 3}
    apply(KIND, wanted, tracker)
    assert found(KIND, wanted, tracker) == {"keep": 3}

    one = tracker.experiment(tracking.experiment(wanted))
    assert one is not None
    tracker.tag_experiment(one["id"], "slipway.dev/team", "other")
    tracker.put_permission(one["id"], wanted.names.store_user, "READ")
    tracker.put_user(wanted.names.store_user, "a password by somebody else")
    repair(KIND, wanted, tracker)
    assert found(KIND, wanted, tracker) == {"keep": 3}


def test_another_s_experiment_of_the_name_stays_untouched(tracker: Tracker) -> None:
    wanted = tracked(tracker)
    tracker.make_experiment(tracking.experiment(wanted), artifacts="s3://theirs/", tags={"owner": "them"})
    before = tracker.experiment(tracking.experiment(wanted))
    with pytest.raises(NameTaken, match="is not this project's"):
        apply(KIND, wanted, tracker)
    assert KIND.delete(replace(wanted, remove_data=True), tracker)
    assert tracker.experiment(tracking.experiment(wanted)) == before


def test_a_run_with_a_file_is_logged_with_the_project_s_own_keys_and_read_by_no_other(
    tracker: Tracker, store: ObjectStore
) -> None:
    wanted, other = tracked(tracker), tracked(tracker)
    for one in (wanted, other):
        apply(KIND, one, tracker)
    apply(bucket.KIND, wanted, store)
    apply(bucket.KIND, other, store)

    name = tracking.experiment(wanted)
    experiment = by_project(wanted, "GET", f"experiments/get-by-name?experiment_name={name}").json()["experiment"]
    run = by_project(wanted, "POST", "runs/create", {"experiment_id": experiment["experiment_id"], "start_time": 1})
    assert run.status_code == 200, run.text
    info = run.json()["run"]["info"]
    metric = {"run_id": info["run_id"], "key": "mae", "value": 0.12, "timestamp": 1}
    assert by_project(wanted, "POST", "runs/log-metric", metric).status_code == 200
    read = by_project(wanted, "GET", f"runs/get?run_id={info['run_id']}").json()["run"]["data"]["metrics"]
    assert [(one["key"], one["value"]) for one in read] == [("mae", 0.12)]

    place = urlsplit(info["artifact_uri"])
    assert (place.netloc, place.path.split("/")[1]) == (wanted.names.bucket, "mlflow")
    path = f"{place.path.lstrip('/')}/model.txt"
    _s3(wanted).put_object(place.netloc, path, io.BytesIO(b"model"), 5)
    assert _s3(wanted).get_object(place.netloc, path).read() == b"model"

    assert by_project(other, "GET", f"runs/get?run_id={info['run_id']}").status_code == 403
    assert by_project(other, "POST", "runs/log-metric", metric).status_code == 403
    with pytest.raises(S3Error):
        _s3(other).get_object(place.netloc, path)
    for one in (wanted, other):
        everything = replace(one, remove_data=True)
        eventually(lambda all_of_it=everything: bucket.KIND.delete(all_of_it, store))  # type: ignore[misc]


def _s3(wanted: Wish) -> Minio:
    key = ci.bucket_key(wanted)
    host = urlsplit(url("minio")).netloc
    return Minio(host, key["AWS_ACCESS_KEY_ID"], key["AWS_SECRET_ACCESS_KEY"], secure=False, region="us-east-1")


def test_a_rotated_password_takes_the_old_one_s_place_at_once(tracker: Tracker) -> None:
    wanted = tracked(tracker)
    apply(KIND, wanted, tracker)
    rotated = replace(wanted, versions={"tracking": 2})
    assert found(KIND, rotated, tracker)["keep"] == 1
    repair(KIND, rotated, tracker)
    assert found(KIND, rotated, tracker) == {"keep": 3}
    mine = f"users/get?username={wanted.names.store_user}"
    assert [by_project(one, "GET", mine).status_code for one in (wanted, rotated)] == [401, 200]


def test_runs_are_kept_on_removal_unless_asked(tracker: Tracker) -> None:
    wanted = tracked(tracker)
    name, account = tracking.experiment(wanted), wanted.names.store_user
    apply(KIND, wanted, tracker)
    assert KIND.delete(wanted, tracker)
    kept = tracker.experiment(name)
    assert (kept is not None and not kept["deleted"], tracker.has_user(account)) == (True, False)
    apply(KIND, wanted, tracker)
    assert found(KIND, wanted, tracker) == {"keep": 3}

    for _ in range(2):
        assert KIND.delete(replace(wanted, remove_data=True), tracker)
    assert tracker.experiment(name) is None
    again = tracked(tracker, wanted.spec.slug)
    apply(KIND, again, tracker)
    assert found(KIND, again, tracker) == {"keep": 3}


def test_a_deleted_experiment_comes_back_with_its_runs(tracker: Tracker) -> None:
    wanted = tracked(tracker)
    apply(KIND, wanted, tracker)
    one = tracker.experiment(tracking.experiment(wanted))
    assert one is not None
    tracker.remove_experiment(one["id"], rename=tracking.experiment(wanted))
    repair(KIND, wanted, tracker)
    assert tracker.experiment(tracking.experiment(wanted)) == one


def test_a_server_that_is_open_to_every_account_gets_nothing_and_is_told(tmp_path: Path) -> None:
    with serving(tmp_path, default_permission="READ") as (address, password):
        client = Tracker(name="mlflow-1", url=address, username="admin", password=password)
        client.address = address  # type: ignore[attr-defined]
        wanted = tracked(client)
        words = "mlflow-1 gives every account READ on every experiment.*default_permission = NO_PERMISSIONS"
        with pytest.raises(TargetUnavailable, match=words):
            apply(KIND, wanted, client)
        assert client.experiment(tracking.experiment(wanted)) is None
        assert not client.has_user(wanted.names.store_user)
        assert KIND.delete(wanted, client)
        client.make_experiment(tracking.experiment(wanted), artifacts="s3://b/mlflow", tags=wanted.names.labels())
        with pytest.raises(TargetUnavailable, match=words):
            found(KIND, wanted, client)
        client.close()


def test_a_closed_server_says_so_also_to_the_second_who_asks(tracker: Tracker) -> None:
    assert [tracker.default_permission() for _ in range(2)] == ["NO_PERMISSIONS"] * 2


def test_a_certificate_is_checked_with_the_catalogue_s_ca() -> None:
    """The identity provider stands in: what counts is who is heard at all."""
    address = url("idp", scheme="https").replace("127.0.0.1", "localhost")
    login = {"name": "mlflow-1", "url": address, "username": "admin", "password": "x"}
    with pytest.raises(TargetUnavailable, match="mlflow-1 answers 404"):
        Tracker(**login, ca=secret("directory.ca")).probe()
    with pytest.raises(TargetUnavailable, match="mlflow-1 does not answer"):
        Tracker(**login).probe()
    with pytest.raises(TargetUnavailable, match=r"\(ca\) can't be read"):
        Tracker(**login, ca="no certificate")


def test_a_silent_server_and_a_refused_account_are_waited_for(tracker: Tracker) -> None:
    wanted = tracked(tracker)
    with pytest.raises(TargetUnavailable, match="does not answer"):
        apply(KIND, wanted, Tracker(name="mlflow-1", url="http://127.0.0.1:9", username="admin", password="x"))
    with pytest.raises(TargetUnavailable, match="refuses our account"):
        apply(KIND, wanted, Tracker(name="mlflow-1", url=_address(tracker), username="admin", password="x"))
    with pytest.raises(PermanentError, match="refuses to make"):
        tracker.make_experiment("", artifacts="s3://b/", tags={})
    assert tracker.probe() == "3.17.2"
    assert not tracker.signs_in(unique("nobody"), "x")
