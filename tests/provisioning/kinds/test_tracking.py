"""Experiment tracking as a Kind: who has it, what it asks for, and what the workspace is given."""

from typing import Any

from provisioning import ci, tracking
from provisioning.kind import Wish, kinds_of
from provisioning.kinds import credentials, tracking_account
from provisioning.kinds.tracking import KIND
from tests.provisioning.wishes import LABELS, TRACKER, UID, catalogue, wish


def tracked(*, enabled: bool = True, **changes: Any) -> Wish:
    return wish(catalogue=catalogue(trackers=[TRACKER]), options={"tracking": {"enabled": enabled}}, **changes)


def test_only_who_asks_has_it_and_only_where_there_is_a_tracker() -> None:
    assert "tracking" not in kinds_of(wish())
    assert "tracking" in kinds_of(tracked())
    assert list(KIND.check(tracked()) if KIND.check else ()) == []
    nowhere = wish(options={"tracking": {"enabled": True}})
    assert list(KIND.check(nowhere) if KIND.check else ()) == [
        ("enabled", "The platform offers no MLflow server. Leave this off, or ask the platform team for one.")
    ]


def test_an_experiment_an_account_and_a_permission_are_asked_for() -> None:
    account = f"ml-demand-{UID[:8]}"
    assert {thing.key: thing.body for thing in KIND.desired(tracked(versions={"tracking": 2}))} == {
        "experiment/ml-demand": {"artifacts": "s3://ml-demand/mlflow", "tags": LABELS, "deleted": False},
        f"account/{account}": {"password_version": 2},
        f"permission/{account}": {"permission": "EDIT"},
    }


def test_the_settings_stand_in_project_info_and_the_password_only_in_a_secret() -> None:
    given = {thing.key: thing for thing in credentials.desired(tracked())}
    info = dict(given["ConfigMap/project-info"].body or {})["data"]
    assert {name: value for name, value in info.items() if name.startswith("MLFLOW")} == {
        "MLFLOW_TRACKING_URI": "http://127.0.0.1:5000",
        "MLFLOW_EXPERIMENT_NAME": "ml-demand",
        "MLFLOW_S3_ENDPOINT_URL": "http://127.0.0.1:9000",
    }
    (secret,) = tracking_account.desired(tracked())
    assert (secret.key, secret.sensitive) == ("Secret/tracking-credentials", True)
    assert sorted(dict(secret.body or {})["data"]) == [
        "MLFLOW_EXPERIMENT_NAME",
        "MLFLOW_S3_ENDPOINT_URL",
        "MLFLOW_TRACKING_PASSWORD",
        "MLFLOW_TRACKING_URI",
        "MLFLOW_TRACKING_USERNAME",
    ]
    assert tracking.variables(tracked()).items() <= ci.variables(tracked()).items()


def test_who_does_not_ask_is_given_nothing() -> None:
    assert not [name for name in ci.variables(tracked(enabled=False)) if name.startswith("MLFLOW")]
    assert credentials.desired(tracked(enabled=False)) == credentials.desired(wish())
    assert not {"tracking", "tracking_account"} & set(kinds_of(tracked(enabled=False)))
    assert {"tracking", "tracking_account"} <= set(kinds_of(tracked()))


def test_a_viewer_and_a_stranger_can_not_log_runs() -> None:
    may = {right.subject for right in (KIND.rights(tracked()) if KIND.rights else ())}
    assert may == {"alice@corp.example", "ml-forecasting", "bob@corp.example"}
