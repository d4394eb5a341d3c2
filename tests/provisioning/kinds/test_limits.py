from typing import Any

import pytest
from pydantic import ValidationError

from provisioning.kind import Object
from provisioning.kinds.limits import KIND, LimitsOptions, readings, survey
from provisioning.measures import Reading, Survey
from tests.fakes.cluster import FakeCluster
from tests.provisioning.wishes import LABELS, wish


def metadata(name: str) -> dict[str, Any]:
    return {"name": name, "namespace": "ml-demand", "labels": LABELS}


def quota(name: str, hard: dict[str, str]) -> Object:
    body = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": metadata(name), "spec": {"hard": hard}}
    return Object(key=f"ResourceQuota/{name}", body=body)


def limit_range(container: dict[str, Any], storage: str) -> Object:
    limits = [{"type": "Container", **container}, {"type": "PersistentVolumeClaim", "max": {"storage": storage}}]
    body = {
        "apiVersion": "v1",
        "kind": "LimitRange",
        "metadata": metadata("slipway-defaults"),
        "spec": {"limits": limits},
    }
    return Object(key="LimitRange/slipway-defaults", body=body)


OBJECTS = quota(
    "slipway-objects",
    {
        "count/configmaps": "200",
        "count/secrets": "200",
        "count/services": "50",
        "services.loadbalancers": "0",
        "services.nodeports": "0",
        "count/deployments.apps": "100",
        "count/replicasets.apps": "500",
        "count/statefulsets.apps": "50",
        "count/jobs.batch": "500",
        "count/cronjobs.batch": "50",
        "count/pipelines.tekton.dev": "50",
        "count/tasks.tekton.dev": "100",
        "count/pipelineruns.tekton.dev": "500",
        "count/taskruns.tekton.dev": "1500",
    },
)


def limits(**options: Any) -> Any:
    return {"limits": options}


def test_everything_that_the_plan_has() -> None:
    assert KIND.desired(wish(plan="medium")) == (
        quota(
            "slipway-compute",
            {
                "requests.cpu": "16",
                "limits.cpu": "16",
                "requests.memory": "64Gi",
                "limits.memory": "64Gi",
                "requests.nvidia.com/gpu": "0",
                "requests.ephemeral-storage": "500Gi",
                "limits.ephemeral-storage": "500Gi",
                "pods": "50",
            },
        ),
        quota("slipway-storage", {"requests.storage": "500Gi", "persistentvolumeclaims": "50"}),
        OBJECTS,
        limit_range(
            {
                "defaultRequest": {"cpu": "100m", "memory": "256Mi", "ephemeral-storage": "1Gi"},
                "default": {"cpu": "500m", "memory": "1Gi", "ephemeral-storage": "10Gi"},
                "max": {"cpu": "16", "memory": "64Gi", "ephemeral-storage": "100Gi"},
            },
            "500Gi",
        ),
    )


def test_less_by_choice_in_the_words_of_the_api_server() -> None:
    chosen = limits(cpu="300m", memory="512Mi", gpu=2, pods=1000, storage="0.5Ti")
    assert KIND.desired(wish(plan="gpu", options=chosen)) == (
        quota(
            "slipway-compute",
            {
                "requests.cpu": "300m",
                "limits.cpu": "300m",
                "requests.memory": "512Mi",
                "limits.memory": "512Mi",
                "requests.nvidia.com/gpu": "2",
                "requests.ephemeral-storage": "10000Gi",
                "limits.ephemeral-storage": "10000Gi",
                "pods": "1k",
            },
        ),
        quota("slipway-storage", {"requests.storage": "512Gi", "persistentvolumeclaims": "1k"}),
        OBJECTS,
        limit_range(
            {
                "defaultRequest": {"cpu": "100m", "memory": "256Mi", "ephemeral-storage": "1Gi"},
                "default": {"cpu": "300m", "memory": "512Mi", "ephemeral-storage": "10Gi"},
                "max": {"cpu": "300m", "memory": "512Mi", "ephemeral-storage": "100Gi"},
            },
            "512Gi",
        ),
    )


def test_no_container_gets_more_of_the_nodes_disks_than_all_pods_have() -> None:
    compute, *_, ranges = (one.body for one in KIND.desired(wish(plan="small", options=limits(pods=1))))
    assert compute is not None
    assert ranges is not None
    assert compute["spec"]["hard"]["limits.ephemeral-storage"] == "10Gi"
    assert ranges["spec"]["limits"][0]["max"]["ephemeral-storage"] == "10Gi"
    assert ranges["spec"]["limits"][0]["default"]["ephemeral-storage"] == "10Gi"


@pytest.mark.parametrize(
    ("plan", "options", "sentences"),
    [
        ("medium", {}, []),
        ("medium", {"cpu": 16, "memory": "65536Mi", "gpu": 0, "pods": 50, "storage": "500Gi"}, []),
        (
            "medium",
            {"storage": "600Gi"},
            [("storage", "600 GiB is more than plan medium allows (500). Enter 500 or less, or choose plan large.")],
        ),
        (
            "medium",
            {"cpu": "20", "gpu": 1},
            [
                ("cpu", "20 is more than plan medium allows (16). Enter 16 or less, or choose plan large."),
                ("gpu", "1 is more than plan medium allows (0). Enter 0 or less, or choose plan gpu."),
            ],
        ),
        (
            "small",
            {"memory": "1Ti", "pods": 21},
            [
                ("memory", "1 TiB is more than plan small allows (16 GiB). Enter 16 GiB or less."),
                ("pods", "21 is more than plan small allows (20). Enter 20 or less, or choose plan medium."),
            ],
        ),
        (
            "small",
            {"cpu": "1m", "memory": "4", "storage": "100"},
            [
                ("cpu", "1m is too little to work with. Enter 100m or more."),
                ("memory", "4 is too little to work with. Enter 128Mi or more."),
                ("storage", "100 is too little to work with. Enter 1Gi or more."),
            ],
        ),
    ],
)
def test_choices_beyond_the_plan(plan: str, options: Any, sentences: Any) -> None:
    assert KIND.check is not None
    assert list(KIND.check(wish(plan=plan, options=limits(**options)))) == sentences


@pytest.mark.parametrize(
    "options",
    [
        {"cpu": "-1"},
        {"cpu": "0"},
        {"cpu": "1e3"},
        {"cpu": 1.5},
        {"cpu": True},
        {"memory": "16 GB"},
        {"memory": "9999999999999Gi"},
        {"memory": "16Gi\n"},
        {"gpu": -1},
        {"gpu": 10**9},
        {"pods": 0},
        {"pods": 10**9},
        {"disk": "1Gi"},
    ],
)
def test_absurd_choices_are_no_choices(options: Any) -> None:
    with pytest.raises(ValidationError):
        LimitsOptions.model_validate(options)


@pytest.mark.parametrize(
    ("plan", "options", "line"),
    [
        ("small", {}, "4 CPUs, 16 GiB memory, no GPU, 20 pods, 100 GiB storage"),
        ("gpu", {"gpu": 1, "cpu": 1}, "1 CPU, 256 GiB memory, 1 GPU, 100 pods, 2 TiB storage"),
        ("gpu", {}, "32 CPUs, 256 GiB memory, 4 GPUs, 100 pods, 2 TiB storage"),
    ],
)
def test_summary(plan: str, options: Any, line: str) -> None:
    assert KIND.summary(wish(plan=plan, options=limits(**options))) == line


def counted(cluster: FakeCluster, name: str, *, namespace: str = "ml-demand", **counts: tuple[str, str]) -> None:
    """A quota as the controller left it: by quantity, used and hard."""
    metadata = {"name": name, "namespace": namespace, "labels": LABELS}
    cluster.create({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": metadata, "spec": {}})
    cluster.objects[("v1", "ResourceQuota", namespace, name)]["status"] = {
        "used": {quantity: used for quantity, (used, _) in counts.items()},
        "hard": {quantity: hard for quantity, (_, hard) in counts.items()},
    }


def test_what_is_used_is_what_admission_counts_and_of_two_the_fuller() -> None:
    cluster = FakeCluster()
    cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "ml-demand"}})
    cpu = {"requests.cpu": ("3500m", "16"), "limits.cpu": ("12", "16")}
    memory = {"requests.memory": ("14Gi", "64Gi"), "limits.memory": ("8Gi", "64Gi")}
    rest = {"requests.nvidia.com/gpu": ("0", "0"), "pods": ("9", "50")}
    counted(cluster, "slipway-compute", **cpu, **memory, **rest)
    counted(cluster, "slipway-storage", **{"requests.storage": ("120Gi", "500Gi")})
    gib = 2.0**30
    assert readings(wish(), survey(cluster).found) == {
        "cpu": Reading(12.0, 16.0), "memory": Reading(14 * gib, 64 * gib), "gpu": Reading(0.0, 0.0),
        "pods": Reading(9.0, 50.0), "storage": Reading(120 * gib, 500 * gib),
    }  # fmt: skip
    assert [call[0] for call in cluster.calls if call[0] not in ("create", "serves")] == ["list"]


def test_what_was_not_counted_yet_has_no_figure() -> None:
    cluster = FakeCluster()
    cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "ml-demand"}})
    cluster.create({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": metadata("slipway-compute"), "spec": {}})
    assert survey(cluster) == Survey({"ml-demand": {}})
    assert readings(wish(), survey(cluster).found) == {}
    assert readings(wish(), {}) == {}
