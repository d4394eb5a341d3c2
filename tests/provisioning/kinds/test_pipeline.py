import re
from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from provisioning.kind import KnownRepository, Object, Wish
from provisioning.kinds.pipeline import KIND, SCRIPT
from tests.fakes.cluster import FakeCluster
from tests.provisioning.wishes import HOSTILE, LABELS, OWN_LISTENER, catalogue, wish

RBAC = "rbac.authorization.k8s.io"
TEKTON = "triggers.tekton.dev/v1beta1"


def metadata(name: str) -> dict[str, Any]:
    return {"name": name, "namespace": "ml-demand", "labels": LABELS}


def tekton(kind: str, spec: Any) -> Object:
    return Object(
        key=f"{kind}/slipway-ci",
        body={"apiVersion": TEKTON, "kind": kind, "metadata": metadata("slipway-ci"), "spec": spec},
    )


def binding(name: str, role: str, account: str, namespace: str) -> Object:
    body = {
        "apiVersion": f"{RBAC}/v1",
        "kind": "RoleBinding",
        "metadata": metadata(name),
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": role},
        "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": namespace}],
    }
    return Object(key=f"RoleBinding/{name}", body=body)


FILTER = (
    'body.repository.full_name == "forecasting/demand"'
    ' && ("pull_request" in body'
    ' ? body.action in ["opened", "reopened", "synchronize", "synchronized"]'
    " && body.pull_request.head.repo.full_name == body.repository.full_name"
    ' : body.ref.startsWith("refs/heads/") && !body.after.matches("^0+$"))'
    ' && ("pull_request" in body ? body.pull_request.head.sha : body.after).matches("^[0-9a-f]{40,64}$")'
)
TRIGGER = tekton(
    "Trigger",
    {
        "serviceAccountName": "pipeline",
        "interceptors": [
            {
                "ref": {"kind": "ClusterInterceptor", "name": "github"},
                "params": [
                    {"name": "secretRef", "value": {"secretName": "slipway-ci-webhook", "secretKey": "secret"}},
                    {"name": "eventTypes", "value": ["push", "pull_request"]},
                ],
            },
            {
                "ref": {"kind": "ClusterInterceptor", "name": "cel"},
                "params": [
                    {"name": "filter", "value": FILTER},
                    {
                        "name": "overlays",
                        "value": [
                            {
                                "key": "revision",
                                "expression": '"pull_request" in body ? body.pull_request.head.sha : body.after',
                            },
                            {"key": "event", "expression": '"pull_request" in body ? "pull_request" : "push"'},
                            {
                                "key": "branch",
                                "expression": (
                                    '("pull_request" in body ? body.pull_request.head.ref : body.ref.substring(11))'
                                    '.matches("^[A-Za-z0-9._/+@#=,~-]{1,200}$")'
                                    ' ? ("pull_request" in body ? body.pull_request.head.ref : body.ref.substring(11))'
                                    ' : ""'
                                ),
                            },
                            {
                                "key": "pull_request",
                                "expression": '"pull_request" in body ? string(int(body.pull_request.number)) : ""',
                            },
                            {
                                "key": "training",
                                "expression": (
                                    '"slipway" in body && body.slipway.training.matches("^[0-9]+$")'
                                    ' ? body.slipway.training : ""'
                                ),
                            },
                        ],
                    },
                ],
            },
        ],
        "bindings": [{"kind": "TriggerBinding", "ref": "slipway-ci"}],
        "template": {"ref": "slipway-ci"},
    },
)
TRIGGER_BINDING = tekton(
    "TriggerBinding",
    {
        "params": [
            {"name": "revision", "value": "$(extensions.revision)"},
            {"name": "event", "value": "$(extensions.event)"},
            {"name": "branch", "value": "$(extensions.branch)"},
            {"name": "pull_request", "value": "$(extensions.pull_request)"},
            {"name": "training", "value": "$(extensions.training)"},
        ]
    },
)
TASK: dict[str, Any] = {
    "params": [{"name": "run"}],
    "steps": [
        {
            "name": "test",
            "image": "docker.io/library/python:3.11",
            "computeResources": {
                "requests": {"cpu": "4", "memory": "16Gi"},
                "limits": {"cpu": "4", "memory": "16Gi"},
            },
            "envFrom": [
                {"secretRef": {"name": "bucket-credentials", "optional": True}},
                {"secretRef": {"name": "slipway-ci", "optional": True}},
                {"secretRef": {"name": "tracking-credentials", "optional": True}},
                {"secretRef": {"name": "feature-store-credentials", "optional": True}},
                {"secretRef": {"name": "data-credentials", "optional": True}},
            ],
            "env": [
                {"name": "REPOSITORY", "value": "http://127.0.0.1:3000/forecasting/demand.git"},
                {"name": "SLIPWAY_CLONE", "value": "/slipway/clone"},
                {"name": "SLIPWAY_COMMIT", "value": "$(tt.params.revision)"},
                {"name": "GITHUB_REF_NAME", "value": "$(tt.params.branch)"},
                {"name": "SLIPWAY_PULL_REQUEST", "value": "$(tt.params.pull_request)"},
                {"name": "SLIPWAY_TRAINING", "value": "$(tt.params.training)"},
                {"name": "SLIPWAY_RUN", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
            ],
            "volumeMounts": [{"name": "clone", "mountPath": "/slipway/clone", "readOnly": True}],
            "script": SCRIPT,
        }
    ],
    "volumes": [{"name": "clone", "secret": {"secretName": "slipway-ci-clone", "optional": True}}],
}
RUN_NAME = {"name": "run", "value": "$(context.pipelineRun.name)"}
TRIGGER_TEMPLATE = tekton(
    "TriggerTemplate",
    {
        "params": [{"name": name} for name in ("revision", "event", "branch", "pull_request", "training")],
        "resourcetemplates": [
            {
                "apiVersion": "tekton.dev/v1",
                "kind": "PipelineRun",
                "metadata": {
                    "generateName": "ci-",
                    "labels": {"slipway.dev/project": "demand", "slipway.dev/event": "$(tt.params.event)"},
                    "annotations": {"slipway.dev/revision": "$(tt.params.revision)"},
                },
                "spec": {
                    "pipelineSpec": {"tasks": [{"name": "model", "params": [RUN_NAME], "taskSpec": TASK}]},
                    "taskRunTemplate": {"serviceAccountName": "pipeline"},
                    "timeouts": {"pipeline": "60m"},
                },
            }
        ],
    },
)
RUNS = binding("slipway-pipeline", "slipway-pipeline", "pipeline", "ml-demand")


def test_with_the_shared_listener() -> None:
    assert KIND.desired(wish()) == (
        TRIGGER,
        TRIGGER_BINDING,
        TRIGGER_TEMPLATE,
        RUNS,
        binding("slipway-listener", "slipway-listener-impersonate", "ci-listener", "slipway-system"),
        Object(key="RoleBinding/slipway-listener-reads", body=None),
        Object(key="ServiceAccount/ci-listener", body=None),
        Object(key="EventListener/slipway-ci", body=None),
    )


def step_of(**cluster: Any) -> dict[str, Any]:
    """The one step of a run, with these fields of the cluster in the catalogue."""
    body = KIND.desired(wish(catalogue=catalogue(cluster=cluster)))[2].body
    assert body is not None
    run = body["spec"]["resourcetemplates"][0]["spec"]
    step: dict[str, Any] = run["pipelineSpec"]["tasks"][0]["taskSpec"]["steps"][0]
    return step


def test_runs_take_the_image_that_the_catalogue_names() -> None:
    image = "registry.corp.example/ml/python:3.11@sha256:0a1b"
    assert step_of(ci_image=image) == {**TASK["steps"][0], "image": image}


def test_a_report_can_lead_to_the_page_of_its_run() -> None:
    page = "https://tekton.corp.example/#/namespaces/{namespace}/pipelineruns/{run}"
    told = {one["name"]: one.get("value") for one in step_of(ci_dashboard_url=page)["env"]}
    assert told["SLIPWAY_RUN_URL"] == "https://tekton.corp.example/#/namespaces/ml-demand/pipelineruns/$(params.run)"
    assert "SLIPWAY_RUN_URL" not in {one["name"] for one in step_of()["env"]}


@pytest.mark.parametrize(
    "page",
    [
        "https://tekton.corp.example/",
        "tekton.corp.example/{run}",
        "https://alice:secret@tekton.corp.example/{run}",
        "https://tekton.corp.example/{run}/{task}",
        "https://tekton.corp.example/$(id)/{run}",
        *(f"https://tekton.corp.example/{mark}/{{run}}" for mark in "()[]<>\"'`\\ "),
        f"https://tekton.corp.example/{'{namespace}' * 8}/{{run}}",
        f"https://tekton.corp.example/{'x' * 420}/{{run}}",
    ],
)
def test_the_page_of_a_run_is_an_address_with_its_name(page: str) -> None:
    with pytest.raises(ValidationError, match="ci_dashboard_url"):
        catalogue(cluster={"ci_dashboard_url": page})


def told_as_branch(name: str) -> bool:
    """Does the Trigger tell a run this branch's name?"""
    body = KIND.desired(wish())[0].body
    assert body is not None
    overlays = {one["key"]: one["expression"] for one in body["spec"]["interceptors"][1]["params"][1]["value"]}
    allowed = re.search(r'matches\("\^(.+)\$"\)', overlays["branch"])
    assert allowed is not None
    return re.fullmatch(allowed[1], name) is not None


@pytest.mark.parametrize("name", ["main", "fix#12", "a@b", "alice/a=b,c", "v1.2+3_x-y", "x" * 200])
def test_usual_names_of_branches_are_told(name: str) -> None:
    assert told_as_branch(name)


@pytest.mark.parametrize(
    "name", [*HOSTILE, "a'b", 'a"b', "$HOME", "$(tt.params.revision)", "a\\b", "a\nb", "", "x" * 201]
)
def test_names_of_branches_that_could_be_more_than_names_are_not_told(name: str) -> None:
    assert not told_as_branch(name)


def test_a_renamed_repository_is_known_by_its_number() -> None:
    known = KnownRepository(wanted="forecasting/demand", full_name="forecasting/demand", number=42)
    body = KIND.desired(replace(wish(), repository=known))[0].body
    assert body is not None
    ours = 'body.repository.full_name == "forecasting/demand"'
    assert body["spec"]["interceptors"][1]["params"][0]["value"] == FILTER.replace(
        ours, f"({ours} || int(body.repository.id) == 42)"
    )


def test_with_a_listener_of_its_own() -> None:
    account = {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": metadata("ci-listener"),
        "automountServiceAccountToken": True,
    }
    assert KIND.desired(wish(plan="large", catalogue=OWN_LISTENER)) == (
        TRIGGER,
        TRIGGER_BINDING,
        TRIGGER_TEMPLATE,
        RUNS,
        binding("slipway-listener", "slipway-listener-impersonate", "ci-listener", "ml-demand"),
        binding("slipway-listener-reads", "slipway-listener", "ci-listener", "ml-demand"),
        Object(key="ServiceAccount/ci-listener", body=account),
        tekton("EventListener", {"serviceAccountName": "ci-listener", "triggers": [{"triggerRef": "slipway-ci"}]}),
    )


def test_runs_do_not_carry_our_mark_so_that_the_team_may_delete_them() -> None:
    body = KIND.desired(wish())[2].body
    assert body is not None
    run = body["spec"]["resourcetemplates"][0]
    assert "app.kubernetes.io/managed-by" not in run["metadata"]["labels"]


def test_an_attached_repository_is_the_one_that_counts() -> None:
    attached = wish(options={"repository": {"attach": "charlie/parts"}})
    bodies = [thing.body for thing in KIND.desired(attached)[:3]]
    assert bodies[0] is not None
    assert bodies[2] is not None
    cel = bodies[0]["spec"]["interceptors"][1]["params"][0]["value"]
    run = bodies[2]["spec"]["resourcetemplates"][0]["spec"]
    assert cel.startswith('body.repository.full_name == "charlie/parts" && ')
    told = run["pipelineSpec"]["tasks"][0]["taskSpec"]["steps"][0]["env"]
    assert told[0] == {"name": "REPOSITORY", "value": "http://127.0.0.1:3000/charlie/parts.git"}


@pytest.mark.parametrize(
    ("installed", "sentence"),
    [
        (True, None),
        (
            False,
            "Cluster North has no Tekton Triggers, so a push starts no run there. The rest of the project works "
            "without it. Once the platform team installs Tekton, we add it by ourselves.",
        ),
    ],
)
def test_a_cluster_without_tekton(installed: bool, sentence: str | None) -> None:
    client = FakeCluster()
    if installed:
        client.add_kind(TEKTON, "Trigger")
    assert KIND.unsupported is not None
    assert KIND.unsupported(wish(), client) == sentence


def with_ci(ci: str, *, actions: bool = False, **cluster: Any) -> Wish:
    forge = {"name": "git-1", "url": "http://127.0.0.1:3000", "token": {"env": "A"}, "bot": "slipway-bot"}
    changed = catalogue(cluster={"ci": ci, **cluster}, forges=[{**forge, "actions": actions}])
    return wish(catalogue=changed)


START = "A push or pull request of forecasting/demand"


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        (wish(), f"{START} runs slipway/ci.sh on Tekton, which cluster-north has"),
        (with_ci("tekton", actions=True), f"{START} runs slipway/ci.sh on Tekton, as the catalogue says"),
        (
            with_ci("actions", actions=True),
            f"{START}: the Actions of git-1 run .github/workflows/ci.yaml, as the catalogue says",
        ),
        (
            with_ci("actions"),
            f"{START}: http://127.0.0.1:8081/ is told and runs .github/workflows/ci.yaml, as the catalogue says",
        ),
        (
            with_ci("actions", ci_listener_url=""),
            f"{START} starts nothing: no Actions run .github/workflows/ci.yaml, and cluster-north has no CI listener",
        ),
    ],
)
def test_the_summary_says_which_driver_and_why(wanted: Wish, sentence: str) -> None:
    assert KIND.summary(wanted) == sentence


def test_where_a_workflow_file_runs_nothing_of_tekton_is_left() -> None:
    wanted = with_ci("actions", event_listener="project")
    assert {thing.body for thing in KIND.desired(wanted)} == {None}
    assert [thing.key for thing in KIND.desired(wanted)] == [thing.key for thing in KIND.desired(wish())]
    assert KIND.unsupported is not None
    assert KIND.unsupported(wanted, FakeCluster()) is None


def test_without_tekton_the_actions_of_the_forge_are_named() -> None:
    assert KIND.unsupported is not None
    assert KIND.unsupported(with_ci("auto", actions=True), FakeCluster()) == (
        "Cluster North has no Tekton Triggers, so the Actions of git-1 run .github/workflows/ci.yaml."
        " Once the platform team installs Tekton, we add it by ourselves."
    )


def test_a_gitlab_starts_no_run_and_says_so():
    wanted = wish(catalogue=catalogue(forge={"kind": "gitlab"}))
    assert KIND.unsupported is not None
    assert KIND.unsupported(wanted, FakeCluster()) == (
        "git-1 is a GitLab. What starts runs here understands GitHub, Gitea and Forgejo only, so a push starts none. "
        "The rest of the project works without it."
    )
