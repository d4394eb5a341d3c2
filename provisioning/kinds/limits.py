"""How much the workspace may use: three quotas and the defaults for what says nothing.

The plan is the most; a team may choose less. Each quantity is declared in the form in which the API server gives it
back, so that a second look finds nothing to change. Every dimension is written, zero too: one that is missing from a
quota is unlimited.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol

from provisioning.kind import Kind, Object, Wish
from provisioning.manifests import API_VERSIONS, apply, goes_with_namespace, manifest, observe
from provisioning.measures import Measure, Reading, Survey, Usage
from provisioning.names import MANAGED_BY, MANAGER
from provisioning.phrases import Phrase, joined, numbered, phrase
from provisioning.plan_limits import SILENT, LimitsOptions, beyond_plan, chosen_limits, smaller
from provisioning.quantities import canonical, human, parse_quantity, served_quantity

RUNS = "runs"
"""The measure of CI runs on Tekton that a workspace has; ended ones count too (`provisioning.ci_runs`)."""
MEASURES = (
    Measure(name="cpu", title="CPU", unit="cores", plan="cpu"),
    Measure(name="memory", title="Memory", unit="bytes", plan="memory"),
    Measure(name="gpu", title="GPU", unit="pieces", plan="gpu"),
    Measure(name="pods", title="Pods", unit="pieces", plan="pods"),
    Measure(name="storage", title="Volumes", unit="bytes", plan="storage", lasting=True),
    Measure(name=RUNS, title="CI runs kept", unit="pieces", everywhere=False),
)
# By measure, what the quotas call it. Where there are two, the fuller one is what stops a pod.
_COUNTED = {
    "cpu": ("requests.cpu", "limits.cpu"),
    "memory": ("requests.memory", "limits.memory"),
    "gpu": ("requests.nvidia.com/gpu",),
    "pods": ("pods",),
    "storage": ("requests.storage",),
    RUNS: ("count/pipelineruns.tekton.dev",),
}

# Bounds for numbers of objects. They keep one project from filling the cluster's database; daily work stays far below.
_OBJECTS = {
    "count/configmaps": 200,
    "count/secrets": 200,
    "count/services": 50,
    "services.loadbalancers": 0,
    "services.nodeports": 0,
    "count/deployments.apps": 100,
    "count/replicasets.apps": 500,
    "count/statefulsets.apps": 50,
    "count/jobs.batch": 500,
    "count/cronjobs.batch": 50,
    "count/pipelines.tekton.dev": 50,
    "count/tasks.tekton.dev": 100,
    "count/pipelineruns.tekton.dev": 500,
    "count/taskruns.tekton.dev": 1500,
}
_DISK_OF_A_POD = 10
"""GiB of the nodes' own disks for each pod that there may be: in sum what containers get that ask for nothing."""
_DISK_AT_MOST = "100Gi"
"""Of the nodes' own disks for one container: all of the sum on a single node could fill it."""
# What a container gets that asks for nothing: (request, limit).
_CONTAINER = {**SILENT, "ephemeral-storage": ("1Gi", f"{_DISK_OF_A_POD}Gi")}
_LEAST = {"cpu": "100m", "memory": "128Mi", "storage": "1Gi"}


def desired(wish: Wish) -> tuple[Object, ...]:
    """ResourceQuotas for compute, storage and numbers of objects, and a LimitRange."""
    limits = chosen_limits(wish)
    disks = canonical(f"{_DISK_OF_A_POD * int(parse_quantity(limits['pods']))}Gi")
    compute = {
        "requests.cpu": limits["cpu"],
        "limits.cpu": limits["cpu"],
        "requests.memory": limits["memory"],
        "limits.memory": limits["memory"],
        "requests.nvidia.com/gpu": limits["gpu"],
        "requests.ephemeral-storage": disks,
        "limits.ephemeral-storage": disks,
        "pods": limits["pods"],
    }
    storage = {"requests.storage": limits["storage"], "persistentvolumeclaims": limits["pods"]}
    objects = {name: canonical(str(count)) for name, count in _OBJECTS.items()}
    disk = smaller(_DISK_AT_MOST, disks)
    most = {"cpu": limits["cpu"], "memory": limits["memory"], "ephemeral-storage": disk}
    container = {
        "type": "Container",
        "defaultRequest": {name: smaller(request, most[name]) for name, (request, _) in _CONTAINER.items()},
        "default": {name: smaller(limit, most[name]) for name, (_, limit) in _CONTAINER.items()},
        "max": most,
    }
    volume = {"type": "PersistentVolumeClaim", "max": {"storage": limits["storage"]}}
    return (
        manifest(wish, "ResourceQuota", "slipway-compute", spec={"hard": compute}),
        manifest(wish, "ResourceQuota", "slipway-storage", spec={"hard": storage}),
        manifest(wish, "ResourceQuota", "slipway-objects", spec={"hard": objects}),
        manifest(wish, "LimitRange", "slipway-defaults", spec={"limits": [container, volume]}),
    )


def check(wish: Wish) -> Iterator[tuple[str, Phrase]]:
    """Choices that the plan does not allow, and such as can't be meant: (option field, sentence)."""
    for name, given in wish.options("limits", LimitsOptions).model_dump(exclude_none=True).items():
        value, least = str(given), _LEAST.get(name)
        beyond = beyond_plan(wish, name, value)
        if beyond is not None:
            yield name, beyond
        elif least is not None and parse_quantity(value) < parse_quantity(least):
            little = phrase(
                "%(amount)s is too little to work with. Enter %(least)s or more.", amount=human(value), least=least
            )
            yield name, little


class ListsQuotas(Protocol):
    """What measuring uses of a cluster's client."""

    def list(self, api_version: str, kind: str, *, label_selector: str) -> Iterable[Mapping[str, Any]]: ...


def survey(client: ListsQuotas) -> Survey:
    """What the quotas of all projects count, by namespace: {quantity: (used, hard)}. Of the present moment.

    Counted is what pods and volumes asked for when they were admitted, whatever they do with it.
    """
    found: dict[str, dict[str, tuple[str, str]]] = {}
    for quota in client.list(API_VERSIONS["ResourceQuota"], "ResourceQuota", label_selector=f"{MANAGED_BY}={MANAGER}"):
        status = quota.get("status", {})
        used = status.get("used", {})
        counted = {name: (used[name], hard) for name, hard in status.get("hard", {}).items() if name in used}
        found.setdefault(quota["metadata"]["namespace"], {}).update(counted)
    return Survey(found)


def readings(wish: Wish, found: Mapping[str, Mapping[str, tuple[str, str]]]) -> dict[str, Reading]:
    """The project's figures; none as long as the cluster has not counted."""
    counted = found.get(wish.names.namespace, {})
    figures = {}
    for measure, names in _COUNTED.items():
        known = [_reading(*counted[name]) for name in names if name in counted]
        if known:
            figures[measure] = max(known, key=lambda one: one.used / one.limit if one.limit else one.used)
    return figures


def _reading(used: str, hard: str) -> Reading:
    return Reading(used=float(served_quantity(used)), limit=float(served_quantity(hard)))


def summary(wish: Wish) -> Phrase:
    """The limits in one line."""
    limits = chosen_limits(wish)
    cpus = phrase("1 CPU") if limits["cpu"] == "1" else phrase("%(number)s CPUs", number=limits["cpu"])
    memory = phrase("%(size)s memory", size=human(limits["memory"]))
    gpus = (
        phrase("no GPU") if limits["gpu"] == "0" else numbered("%(number)s GPU", "%(number)s GPUs", int(limits["gpu"]))
    )
    pods = numbered("%(number)s pod", "%(number)s pods", int(limits["pods"]))
    return joined(", ", [cpus, memory, gpus, pods, phrase("%(size)s storage", size=human(limits["storage"]))])


KIND = Kind(
    name="limits",
    title="Limits",
    system="cluster",
    desired=desired,
    observe=observe,
    apply=apply,
    delete=goes_with_namespace,
    summary=summary,
    after=("namespace",),
    within="namespace",
    options=LimitsOptions,
    check=check,
    usage=Usage(measures=MEASURES, survey=survey, readings=readings),
)
