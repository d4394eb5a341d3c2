"""Old runs of CI on Tekton: nothing else removes what a project's Trigger made.

The quota counts ended runs too. Once it is full the listener goes on answering 202 and no run begins: no status, no
report, no gate, and nobody is told. So of the runs that ended the newest stay, and the rest go.

Which workspaces have many, the figures of usage tell (`projects.ci_run_tasks`); the others cost no call.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

import structlog

from provisioning.errors import ProvisioningError, TargetUnavailable
from provisioning.kinds.pipeline import LABEL_EVENT
from provisioning.manifests import API_VERSIONS
from provisioning.names import LABEL_PROJECT

log = structlog.get_logger(__name__)

KEPT = 100
"""Ended runs that stay."""
MANY = 2 * KEPT
"""Runs of a workspace from which on it is tidied: not one run at each look."""
AT_ONCE = 200
"""Runs that one look removes from a workspace; the next one goes on."""


class RunsClient(Protocol):
    """What is used of a cluster's client."""

    def list(
        self, api_version: str, kind: str, label_selector: str | None = None, namespace: str | None = None
    ) -> Iterable[Mapping[str, Any]]: ...
    def delete(
        self, api_version: str, kind: str, name: str, namespace: str | None = None, uid: str | None = None
    ) -> bool: ...


def remove_old(client: RunsClient, namespaces: Iterable[str]) -> int:
    """Remove ended runs of these workspaces but for the newest KEPT of each; how many went.

    A workspace that refuses keeps its own and holds up no other. Raises TargetUnavailable.
    """
    removed = 0
    for namespace in namespaces:
        try:
            removed += _remove_from(client, namespace)
        except TargetUnavailable:
            raise
        except ProvisioningError as error:
            log.warning("runs_stay", namespace=namespace, error=error.message)
    return removed


def _remove_from(client: RunsClient, namespace: str) -> int:
    selector = f"{LABEL_PROJECT},{LABEL_EVENT}"
    runs = client.list(API_VERSIONS["PipelineRun"], "PipelineRun", label_selector=selector, namespace=namespace)
    newest_first = sorted((one["metadata"] for one in runs if _ended(one)), key=_age, reverse=True)
    # The oldest first: what this look does not come to is no older than what it removed.
    old = newest_first[: KEPT - 1 : -1][:AT_ONCE]
    for run in old:
        client.delete(API_VERSIONS["PipelineRun"], "PipelineRun", run["name"], namespace, uid=run["uid"])
    if old:
        log.info("runs_removed", namespace=namespace, count=len(old))
    return len(old)


def _ended(run: Mapping[str, Any]) -> bool:
    """Has it come to an end, good or bad? One that is going already counts as gone."""
    if "deletionTimestamp" in run["metadata"]:
        return False
    conditions = run.get("status", {}).get("conditions", [])
    return any(one["type"] == "Succeeded" and one["status"] in ("True", "False") for one in conditions)


def _age(metadata: Mapping[str, Any]) -> tuple[str, str]:
    return metadata["creationTimestamp"], metadata["name"]
