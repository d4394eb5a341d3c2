"""A sample catalogue and a sample project, for every test that needs a Wish.

`wish()` is the project "demand" of team "forecasting" on plan medium; name what should be different:
`wish(plan="gpu", options={"network": {"internet": True}})`.
"""

import base64
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from provisioning.catalogue import Catalogue
from provisioning.kind import Consent, Wish
from provisioning.names import Names
from provisioning.project_templates.rendering import Templates
from provisioning.rendered import Render
from provisioning.secrets import Earlier, KeyRing
from provisioning.spec import ProjectSpec

UID = "5f0c7a52-9a3e-4b1d-8c57-2f6d1e0b9a44"
PORTAL_URL = "http://localhost:8000"
LABELS = {
    "app.kubernetes.io/managed-by": "slipway",
    "slipway.dev/project": "demand",
    "slipway.dev/uid": UID,
    "slipway.dev/team": "forecasting",
}
CONTRIBUTORS = (
    {"user": "alice@corp.example", "role": "owner"},
    {"group": "ml-forecasting", "role": "editor"},
    {"user": "bob@corp.example", "role": "editor"},
    {"group": "ml-vision", "role": "viewer"},
)
KEY_RING = KeyRing.parse("k1:" + base64.b64encode(b"sample key of the tests, 32 byte").decode())

ROOT = Path(__file__).parents[2]
TEMPLATES = Templates(folder=ROOT / "catalogue" / "templates", python=ROOT / ".venv-templates" / "bin" / "python")

_CATALOGUE: dict[str, Any] = {
    "version": 1,
    "defaults": {"cluster": "cluster-north", "object_store": "store-1", "forge": "git-1", "plan": "small"},
    "clusters": [
        {
            "name": "cluster-north",
            "title": "Cluster North",
            "api": "https://127.0.0.1:6443",
            "ca": {"file": "cluster-north.ca"},
            "token": {"file": "cluster-north.token"},
            "user_prefix": "ad:",
            "group_prefix": "ad:",
            "ci_listener_url": "http://127.0.0.1:8081/",
            "platform_namespaces": ["tekton-pipelines", "monitoring"],
            "pod_security_version": "v1.37",
        }
    ],
    "object_stores": [
        {
            "name": "store-1",
            "endpoint": "http://127.0.0.1:9000",
            "region": "us-east-1",
            "access_key": {"file": "store-1.access-key"},
            "secret_key": {"file": "store-1.secret-key"},
        }
    ],
    "forges": [
        {
            "name": "git-1",
            "url": "http://127.0.0.1:3000",
            "token": {"file": "git-1.token"},
            "bot": "slipway-bot",
            "vouches_for_mail": True,
            "ssh": {"url": "ssh://git@127.0.0.1:2222", "host_keys": ["ssh-ed25519 AAAAC3NzaSample"]},
        },
    ],
    "plans": {
        "small": {"cpu": "4", "memory": "16Gi", "pods": 20, "storage": "100Gi", "bucket": "200Gi", "units": 4},
        "medium": {"cpu": "16", "memory": "64Gi", "pods": 50, "storage": "500Gi", "bucket": "500Gi", "units": 12},
        "large": {"cpu": "64", "memory": "256Gi", "pods": 200, "storage": "2Ti", "bucket": "2Ti", "units": 40},
        "gpu": {
            "cpu": "32",
            "memory": "256Gi",
            "gpu": 4,
            "pods": 100,
            "storage": "2Ti",
            "bucket": "2Ti",
            "units": 60,
        },
    },
}


TRACKER: dict[str, Any] = {
    "name": "mlflow-1",
    "url": "http://127.0.0.1:5000/",
    "username": "admin",
    "password": {"file": "mlflow-1.password"},
}
"""An entry for `catalogue(trackers=[TRACKER])`; the sample catalogue has no such server."""
DATABASE: dict[str, Any] = {
    "name": "features-1",
    "host": "features.corp.example",
    "database": "features",
    "username": "slipway_features",
    "password": {"file": "features-1.password"},
}
"""An entry for `catalogue(databases=[DATABASE])`; the sample catalogue has no such server."""


def catalogue(
    *, cluster: Mapping[str, Any] | None = None, forge: Mapping[str, Any] | None = None, **changes: Any
) -> Catalogue:
    """The sample catalogue. `cluster` and `forge` change fields of its one cluster and forge; the rest: the top."""
    data = {**_CATALOGUE, **changes}
    data["clusters"] = [{**data["clusters"][0], **(cluster or {})}]
    data["forges"] = [{**data["forges"][0], **(forge or {})}]
    return Catalogue.model_validate(data)


CATALOGUE = catalogue()
OWN_LISTENER = catalogue(cluster={"event_listener": "project"})
HOSTILE = ("main; touch owned", "$(touch owned)", "`touch owned`", "--upload-pack=touch owned")
"""What a delivery may tell as a branch or a commit, for a shell that takes more than a name from it."""


def wish(
    *,
    slug: str = "demand",
    title: str = "Demand forecast",
    description: str = "How many parts each plant needs next week.",
    team: str = "forecasting",
    plan: str = "medium",
    contributors: Sequence[Mapping[str, Any]] = CONTRIBUTORS,
    options: Mapping[str, Mapping[str, Any]] | None = None,
    uid: str = UID,
    generation: int = 1,
    catalogue: Catalogue = CATALOGUE,
    portal_url: str = PORTAL_URL,
    derive: Callable[..., str] = KEY_RING.derive,
    render: Render = TEMPLATES.render,
    versions: Mapping[str, int] | None = None,
    earlier: Mapping[str, Earlier] | None = None,
    key_id: str | None = None,
    remove_data: bool = False,
    attached_by: str = "",
    consents: Mapping[str, Consent] | None = None,
    today: date | None = None,
    accepted: date | None = None,
    database_ca: str = "",
) -> Wish:
    """The wish of the sample project, with what is named changed."""
    spec = ProjectSpec.model_validate(
        {
            "slug": slug,
            "title": title,
            "description": description,
            "team": team,
            "plan": plan,
            "contributors": contributors,
            "options": options or {},
        }
    )
    return Wish(
        uid=uid,
        generation=generation,
        spec=spec,
        plan=catalogue.plans[plan],
        names=Names(slug=slug, team=team, uid=uid, prefix=catalogue.naming.prefix),
        catalogue=catalogue,
        portal_url=portal_url,
        derive=derive,
        render=render,
        versions=versions or {},
        earlier=earlier or {},
        key_id=key_id,
        remove_data=remove_data,
        attached_by=attached_by,
        consents=consents or {},
        today=today,
        accepted=accepted,
        database_ca=database_ca,
    )


def one_by_one(function: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
    """`each` of the Kind contract, without threads."""
    return [function(item) for item in items]
