"""How much of a workspace a run of CI takes, and that none is let in that could never start."""

from typing import Any

import pytest

from provisioning.kind import Wish
from provisioning.kinds.pipeline import KIND
from tests.provisioning.wishes import OWN_LISTENER, catalogue, wish


def run_of(wanted: Wish) -> dict[str, Any]:
    """The spec of a run."""
    body = KIND.desired(wanted)[2].body
    assert body is not None
    spec: dict[str, Any] = body["spec"]["resourcetemplates"][0]["spec"]
    return spec


@pytest.mark.parametrize(
    ("plan", "options", "takes"),
    [
        ("small", {}, {"cpu": "1", "memory": "4Gi"}),
        ("large", {}, {"cpu": "4", "memory": "16Gi"}),
        ("medium", {"limits": {"cpu": "6", "memory": "12Gi"}}, {"cpu": "1500m", "memory": "3Gi"}),
        ("small", {"limits": {"cpu": "500m", "memory": "1Gi"}}, {"cpu": "500m", "memory": "1Gi"}),
        ("gpu", {"pipeline": {"cpu": 8, "gpu": 1}}, {"cpu": "8", "memory": "16Gi", "nvidia.com/gpu": "1"}),
        ("small", {"limits": {"memory": "10G"}}, {"cpu": "1", "memory": "2384Mi"}),
    ],
)
def test_a_run_takes_its_part_of_the_workspace_or_what_the_team_chose(plan: str, options: Any, takes: Any) -> None:
    task = run_of(wish(plan=plan, options=options))["pipelineSpec"]["tasks"][0]["taskSpec"]
    assert task["steps"][0]["computeResources"] == {"requests": takes, "limits": takes}


def test_a_run_may_last_as_long_as_the_team_says() -> None:
    assert run_of(wish(options={"pipeline": {"minutes": 240}}))["timeouts"] == {"pipeline": "240m"}


@pytest.mark.parametrize(
    ("options", "sentences"),
    [
        ({"pipeline": {"cpu": 16, "memory": "64Gi", "gpu": 0}}, []),
        (
            {"pipeline": {"cpu": 20, "gpu": 1}},
            [
                ("cpu", "20 is more than plan medium allows (16). Enter 16 or less, or choose plan large."),
                ("gpu", "1 is more than plan medium allows (0). Enter 0 or less, or choose plan gpu."),
            ],
        ),
        (
            {"pipeline": {"memory": "16Gi"}, "limits": {"memory": "8Gi"}},
            [("memory", "16 GiB is more than the project's own limit (8 GiB). Enter 8 GiB or less.")],
        ),
    ],
)
def test_runs_that_would_never_start_are_refused(options: Any, sentences: Any) -> None:
    assert KIND.check is not None
    assert list(KIND.check(wish(options=options))) == sentences


@pytest.mark.parametrize(
    ("options", "takes"),
    [
        ({}, {"cpu": "1", "memory": "3840Mi"}),
        ({"limits": {"cpu": 1, "memory": "2Gi"}}, {"cpu": "500m", "memory": "1Gi"}),
        ({"limits": {"cpu": "500m", "memory": "1536Mi"}}, {"cpu": "500m", "memory": "1Gi"}),
    ],
)
def test_a_run_leaves_the_project_s_own_listener_what_it_has(options: Any, takes: Any) -> None:
    task = run_of(wish(plan="small", options=options, catalogue=OWN_LISTENER))["pipelineSpec"]["tasks"][0]["taskSpec"]
    assert task["steps"][0]["computeResources"] == {"requests": takes, "limits": takes}


@pytest.mark.parametrize(
    ("options", "sentences"),
    [
        ({"pipeline": {"cpu": "3500m", "memory": "15Gi"}}, []),
        ({"limits": {"cpu": 1, "memory": "2Gi"}}, []),
        (
            {"pipeline": {"cpu": 4, "memory": "16Gi"}},
            [
                ("cpu", "4 is more than the project's CI listener leaves of 4. Enter 3500m or less."),
                ("memory", "16 GiB is more than the project's CI listener leaves of 16 GiB. Enter 15 GiB or less."),
            ],
        ),
        (
            {"limits": {"cpu": "500m"}, "pipeline": {"cpu": "400m"}},
            [
                (
                    "cpu",
                    "No run fits beside the project's CI listener, which has 500m of 500m all the time. "
                    "Raise that limit of the project, or choose a larger plan.",
                )
            ],
        ),
    ],
)
def test_runs_that_never_fit_beside_the_project_s_own_listener_are_refused(options: Any, sentences: Any) -> None:
    assert KIND.check is not None
    assert list(KIND.check(wish(plan="small", options=options, catalogue=OWN_LISTENER))) == sentences


def test_where_no_listener_hears_the_forge_none_takes_anything() -> None:
    deaf = catalogue(cluster={"event_listener": "project"}, forge={"kind": "gitlab"})
    assert KIND.check is not None
    assert list(KIND.check(wish(plan="small", options={"limits": {"cpu": "500m"}}, catalogue=deaf))) == []
