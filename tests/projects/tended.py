"""Projects that workers tend, with targets in memory in the place of the real ones."""

from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

from django.db import connection
from django.test import override_settings
from django.utils import timezone

from projects import tasks, work
from projects.installation import installation
from projects.models import Project
from provisioning import targets
from provisioning.errors import Reason
from provisioning.models import Event
from tests.fakes.cluster import FakeCluster
from tests.fakes.forge import FakeForge
from tests.fakes.object_store import FakeObjectStore
from tests.people import teams
from tests.provisioning.outside import TEKTON
from tests.provisioning.wishes import catalogue

NAMESPACE, REPOSITORY = "ml-demand", "forecasting/demand"
ALICE = {"user": "alice@corp.example", "role": "owner"}
BOB = {"user": "bob@corp.example", "role": "editor"}
LDAP: dict[str, Any] = {
    "kind": "ldap",
    "name": "corp",
    "title": "Company directory",
    "url": "ldaps://dc1.corp.example",
    "bind_account": "reader@corp.example",
    "bind_password": {"file": "corp.password"},
    "base": "DC=corp,DC=example",
}
"""A directory for the catalogue; `targets.use("corp", …)` puts a fake in its place."""


class World:
    """The targets in the place of the real ones, and who was rung for."""

    def __init__(self) -> None:
        self.cluster, self.store, self.forge = FakeCluster(), FakeObjectStore(), FakeForge()
        for kind in TEKTON:
            self.cluster.add_kind("triggers.tekton.dev/v1beta1", kind)
        self.rung: list[str] = []
        self.connect()

    def connect(self) -> None:
        """As a new process: no client open, no breaker open."""
        targets.forget_clients()
        for client in (self.cluster, self.store, self.forge):
            targets.use(client.name, client)

    def calls(self) -> list[tuple[str, ...]]:
        return [call for client in (self.cluster, self.store, self.forge) for call in client.calls]

    def forget_calls(self) -> None:
        for client in (self.cluster, self.store, self.forge):
            client.calls.clear()

    def subjects(self, role: str) -> list[str]:
        key = ("rbac.authorization.k8s.io/v1", "RoleBinding", NAMESPACE, f"slipway-{role}s")
        found = self.cluster.objects.get(key)
        return [one["name"] for one in found["subjects"]] if found else []

    def spoil_quota(self) -> None:
        found = self.cluster.objects[("v1", "ResourceQuota", NAMESPACE, "slipway-compute")]
        found["spec"]["hard"]["pods"] = "9000"
        found["metadata"]["resourceVersion"] += "0"

    def pods(self) -> str:
        return str(self.cluster.objects[("v1", "ResourceQuota", NAMESPACE, "slipway-compute")]["spec"]["hard"]["pods"])


def installed(**changes: Any) -> AbstractContextManager[None]:
    """The installation with the sample catalogue, changed."""
    return override_settings(INSTALLATION=replace(installation(), catalogue=catalogue(**changes)))


def without_medium(**changes: Any) -> AbstractContextManager[None]:
    """The same, with plan medium gone from it."""
    plans = {name: plan for name, plan in catalogue().model_dump()["plans"].items() if name != "medium"}
    return installed(plans=plans, **changes)


def asked(**changes: Any) -> Project:
    """A project that was just asked for."""
    spec = {"version": 1, "slug": "demand", "team": "forecasting", "plan": "medium", "contributors": [ALICE, BOB]}
    return Project.objects.create(slug="demand", team=teams()["forecasting"], spec={**spec, **changes})


def look(project: Project) -> Project:
    """Have it looked at now."""
    Project.objects.filter(pk=project.pk).update(next_look_at=timezone.now())
    tasks.reconcile_project(project.pk)
    return fresh(project)


def fresh(project: Project) -> Project:
    return Project.objects.get(pk=project.pk)


def is_due(project: Project) -> bool:
    return project.pk in work.due(limit=10)


def rows(project: Project, field: str = "synced_reason") -> dict[str, str]:
    return dict(project.resources.values_list("kind", field))


def events(*reasons: Reason) -> list[tuple[str, str]]:
    return list(Event.objects.filter(reason__in=reasons).order_by("id").values_list("kind", "message"))


def change(project: Project, **changes: Any) -> None:
    Project.objects.filter(pk=project.pk).update(
        spec={**project.spec, **changes}, generation=project.generation + 1, next_look_at=timezone.now(), ready_at=None
    )


def database() -> dict[str, Any]:
    """How another connection gets to the tests' database."""
    fields = {"NAME": "dbname", "USER": "user", "PASSWORD": "password", "HOST": "host", "PORT": "port"}
    return {
        ours: connection.settings_dict[theirs] for theirs, ours in fields.items() if connection.settings_dict[theirs]
    }
