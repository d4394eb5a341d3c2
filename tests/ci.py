"""A project's CI: its token, and reports as it sends them."""

import json
from typing import Any

from django.http import HttpResponse
from django.test import Client

from projects.installation import installation
from projects.models import Project
from provisioning import ci_token

COMMIT = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
MAE: dict[str, Any] = {"name": "mae", "value": 0.12, "split": "test", "direction": "lower", "threshold": 0.2}
REPORT: dict[str, Any] = {
    "commit": COMMIT,
    "branch": "shorter-window",
    "pull_request": 3,
    "run": "1284",
    "run_url": "https://git.corp.example/forecasting/demand/actions/runs/1284",
    "metrics": [MAE],
    "data_hash": "d41d8cd98f00b204e9800998ecf8427e.dir",
    "environment_hash": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "tests": {
        "passed": 12,
        "failed": [{"name": "test_winter_weeks", "kind": "slice", "example": "week 2: 912 instead of 240"}],
        "regression_examples": 20,
    },
    "reproduced": True,
    "plots": [],
}
PASSED: dict[str, Any] = {"passed": 13, "failed": [], "regression_examples": 20}


def token_of(project: Project, *, version: int = 1, key_id: str | None = None) -> str:
    """The token that the workspace of a project has."""
    secret = installation().key_ring.derive(
        uid=str(project.uid), purpose=ci_token.PURPOSE, version=version, key_id=key_id
    )
    return ci_token.token(uid=str(project.uid), version=version, secret=secret)


def ci(project: Project, *, token: str = "") -> Client:
    """The project's CI, with the token given or the first one."""
    return Client(headers={"Authorization": f"Bearer {token or token_of(project)}"})


def send(who: Client, slug: str = "demand", **changes: Any) -> HttpResponse:
    """Send the sample report, changed."""
    body = json.dumps({**REPORT, **changes})
    return who.post(f"/api/v1/projects/{slug}/reports/", body, content_type="application/json")
