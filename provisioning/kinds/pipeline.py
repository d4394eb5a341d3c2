"""CI: a push or pull request of the project's repository becomes a PipelineRun in the project's workspace.

Tekton Triggers does it. The forge delivers to a listener, shared or the project's own; the Trigger checks the signature
with the Secret `slipway-ci-webhook` (Kind `credentials`), lets only this repository through, by name or number, and
starts a run as the service account `pipeline`. What the run does is in the repository, `slipway/ci.sh` at the very
commit.

The run holds its Pipeline itself. One that lies in the repository would be fetched by Tekton's git resolver, which
knows no deploy key: it reads what everybody may read, or with a token that opens more than this one repository.

Where the catalogue has CI run by a workflow file (`ci: actions`), nothing of this is to be there.

The listener answers 202 whatever happens, so nothing can be learned from its answer.
"""

import json
from collections.abc import Iterator
from typing import Any

from pydantic import Field

from provisioning.ci import ACTIONS_FILE, CI_SCRIPT, by_tekton, deaf_to_forge, without_tekton
from provisioning.kind import Kind, Object, Options, Wish
from provisioning.manifests import API_VERSIONS, ClusterClient, apply, goes_with_namespace, manifest, observe
from provisioning.names import LABEL_PROJECT
from provisioning.phrases import Phrase, joined, phrase
from provisioning.plan_limits import SILENT, Amount, beyond_plan, chosen_limits, less, share, smaller
from provisioning.quantities import human, parse_quantity
from provisioning.repositories import full_name, number_of

LABEL_EVENT = "slipway.dev/event"
"""With the project's label it tells the runs that the Trigger made from all others (`provisioning.ci_runs`)."""
_NAME = "slipway-ci"
_LISTENER = "ci-listener"
_SYSTEM_NAMESPACE = "slipway-system"
_CLONE = "/slipway/clone"
_SECRETS = (
    *("bucket-credentials", "slipway-ci"),
    *("tracking-credentials", "feature-store-credentials", "data-credentials"),
)
SCRIPT = f"""#!/bin/sh
set -eu
if test -e "$SLIPWAY_CLONE/ssh-privatekey"; then
    REPOSITORY="$(cat "$SLIPWAY_CLONE/url")"
    key="$(mktemp)"
    cat "$SLIPWAY_CLONE/ssh-privatekey" > "$key"
    hosts="-o UserKnownHostsFile=$SLIPWAY_CLONE/known_hosts -o StrictHostKeyChecking=yes"
    export GIT_SSH_COMMAND="ssh -i $key -o IdentitiesOnly=yes $hosts"
fi
code="$(mktemp -d)"
git clone -q "$REPOSITORY" "$code"
cd "$code"
git checkout -q "$SLIPWAY_COMMIT"
if test ! -e {CI_SCRIPT}; then
    echo "There is no {CI_SCRIPT} here, so nothing says what to test. The project's template has one."
    exit 1
fi
exec sh {CI_SCRIPT} all
"""
"""What a run does before the repository's own script. Git's own host is pinned; the key's file is nobody else's."""
_TOLD = ("revision", "event", "branch", "pull_request", "training")
"""What a run is told of a delivery: as the overlays of the Trigger work it out, and nothing else of its body."""

_PARTS = 4
"""A run takes one of so many parts of what the workspace has, so that some run beside each other and beside work."""
_BOUNDS = {"cpu": ("1", "4"), "memory": ("2Gi", "16Gi")}
"""Of such a part: what a small model needs, and what a usual node has free."""
_RUN = {"name": "run", "value": "$(context.pipelineRun.name)"}
"""What the task is told of its run: of itself it knows the pod only."""


class PipelineOptions(Options):
    """What a team may choose about CI on Tekton. Nothing chosen: a part of what the workspace has, and no GPU."""

    cpu: Amount | None = Field(
        default=None, title="CPUs of a run", description="Of CI on Tekton, such as 4. Left out: a quarter, at most 4."
    )
    memory: Amount | None = Field(
        default=None, title="Memory of a run", description="Such as 16Gi. Left out: a quarter, at most 16Gi."
    )
    gpu: int = Field(default=0, ge=0, le=10_000, title="GPUs of a run")
    minutes: int = Field(default=60, ge=5, le=1440, title="Minutes of a run", description="A longer one is ended.")


def options_of(wish: Wish) -> PipelineOptions:
    """The team's choice."""
    return wish.options("pipeline", PipelineOptions)


def check(wish: Wish) -> Iterator[tuple[str, Phrase]]:
    """Runs that would never start: they ask for more than the plan, the project's own limits or its listener leave."""
    whole, taken, room = chosen_limits(wish), _taken(wish), _room(wish)
    full = [
        name for name in taken if parse_quantity(taken[name]) + parse_quantity(room[name]) > parse_quantity(whole[name])
    ]
    for name in full:
        yield (
            name,
            phrase(
                "No run fits beside the project's CI listener, which has %(taken)s of %(most)s all the time. "
                "Raise that limit of the project, or choose a larger plan.",
                taken=human(taken[name]),
                most=human(whole[name]),
            ),
        )
    for name, given in options_of(wish).model_dump(include={"cpu", "memory", "gpu"}, exclude_none=True).items():
        asked = str(given)
        beyond = beyond_plan(wish, name, asked)
        if beyond is not None:
            yield name, beyond
        elif parse_quantity(asked) > parse_quantity(whole[name]):
            yield (
                name,
                phrase(
                    "%(asked)s is more than the project's own limit (%(most)s). Enter %(most)s or less.",
                    asked=human(asked),
                    most=human(whole[name]),
                ),
            )
        elif name not in full and parse_quantity(asked) > parse_quantity(room[name]):
            yield (
                name,
                phrase(
                    "%(asked)s is more than the project's CI listener leaves of %(most)s. Enter %(room)s or less.",
                    asked=human(asked),
                    most=human(whole[name]),
                    room=human(room[name]),
                ),
            )


def _own_listener(wish: Wish) -> bool:
    """Is there a listener in the workspace itself?"""
    return by_tekton(wish) and wish.cluster.event_listener == "project"


def _taken(wish: Wish) -> dict[str, str]:
    """What a listener in the workspace has of its limits all the time: what a container gets that asks for nothing."""
    if not _own_listener(wish) or deaf_to_forge(wish) is not None:
        return {}
    whole = chosen_limits(wish)
    return {name: smaller(limit, whole[name]) for name, (_, limit) in SILENT.items()}


def _room(wish: Wish) -> dict[str, str]:
    """The most that a run can have. Tekton's own containers in its pod ask for nothing either, so it is no less."""
    whole = chosen_limits(wish)
    left = {name: max(less(whole[name], taken), taken, key=parse_quantity) for name, taken in _taken(wish).items()}
    return whole | left


def _resources(wish: Wish) -> dict[str, Any]:
    """What a run has for itself, so that it neither starves nor takes more."""
    options, room = options_of(wish), _room(wish)
    takes = {
        name: getattr(options, name) or share(room[name], parts=_PARTS, least=least, most=most)
        for name, (least, most) in _BOUNDS.items()
    }
    if options.gpu:
        takes["nvidia.com/gpu"] = str(options.gpu)
    return {"requests": takes, "limits": takes}


def desired(wish: Wish) -> tuple[Object, ...]:
    """Trigger, binding and template, and the rights of who runs them; a listener where each project has its own."""
    here = by_tekton(wish)
    own = _own_listener(wish)
    listener = {
        "kind": "ServiceAccount",
        "name": _LISTENER,
        "namespace": wish.names.namespace if own else _SYSTEM_NAMESPACE,
    }
    pipeline = {"kind": "ServiceAccount", "name": "pipeline", "namespace": wish.names.namespace}
    return (
        manifest(wish, "Trigger", _NAME, absent=not here, spec=_trigger(wish)),
        manifest(
            wish,
            "TriggerBinding",
            _NAME,
            absent=not here,
            spec={
                "params": [{"name": name, "value": f"$(extensions.{name})"} for name in _TOLD],
            },
        ),
        manifest(
            wish,
            "TriggerTemplate",
            _NAME,
            absent=not here,
            spec={"params": [{"name": name} for name in _TOLD], "resourcetemplates": [_run(wish)]},
        ),
        _binding(wish, "slipway-pipeline", role="slipway-pipeline", subject=pipeline, absent=not here),
        _binding(wish, "slipway-listener", role="slipway-listener-impersonate", subject=listener, absent=not here),
        _binding(wish, "slipway-listener-reads", role="slipway-listener", subject=listener, absent=not own),
        manifest(wish, "ServiceAccount", _LISTENER, absent=not own, automountServiceAccountToken=True),
        manifest(
            wish,
            "EventListener",
            _NAME,
            absent=not own,
            spec={"serviceAccountName": _LISTENER, "triggers": [{"triggerRef": _NAME}]},
        ),
    )


def _trigger(wish: Wish) -> dict[str, Any]:
    """Signature first, then which events count: pushes to branches, and pull requests that come from no fork.

    A fork's author has no rights in this project, and a run takes its pipeline from the commit that is tested.
    """
    ours, number = f"body.repository.full_name == {json.dumps(full_name(wish))}", number_of(wish)
    if number is not None:
        # After a rename its pushes come under a name that we don't know yet.
        ours = f"({ours} || int(body.repository.id) == {number})"
    pull_request = (
        'body.action in ["opened", "reopened", "synchronize", "synchronized"]'
        " && body.pull_request.head.repo.full_name == body.repository.full_name"
    )
    push = 'body.ref.startsWith("refs/heads/") && !body.after.matches("^0+$")'
    revision = '"pull_request" in body ? body.pull_request.head.sha : body.after'
    branch = '"pull_request" in body ? body.pull_request.head.ref : body.ref.substring(11)'
    overlays = {
        "revision": revision,
        "event": '"pull_request" in body ? "pull_request" : "push"',
        # A name becomes a variable of the run; one with quotes or a dollar sign would be more than a name there.
        "branch": f'({branch}).matches("^[A-Za-z0-9._/+@#=,~-]{{1,200}}$") ? ({branch}) : ""',
        "pull_request": '"pull_request" in body ? string(int(body.pull_request.number)) : ""',
        "training": '"slipway" in body && body.slipway.training.matches("^[0-9]+$") ? body.slipway.training : ""',
    }
    return {
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
                    {
                        "name": "filter",
                        "value": (
                            f'{ours} && ("pull_request" in body ? {pull_request} : {push})'
                            f' && ({revision}).matches("^[0-9a-f]{{40,64}}$")'
                        ),
                    },
                    {
                        "name": "overlays",
                        "value": [{"key": name, "expression": overlays[name]} for name in _TOLD],
                    },
                ],
            },
        ],
        "bindings": [{"kind": "TriggerBinding", "ref": _NAME}],
        "template": {"ref": _NAME},
    }


def _run(wish: Wish) -> dict[str, Any]:
    """The run that the listener makes. It must not carry our mark: it is the tenants', who may cancel and delete it."""
    revision = "$(tt.params.revision)"
    return {
        "apiVersion": API_VERSIONS["PipelineRun"],
        "kind": "PipelineRun",
        "metadata": {
            "generateName": "ci-",
            "labels": {LABEL_PROJECT: wish.names.slug, LABEL_EVENT: "$(tt.params.event)"},
            "annotations": {"slipway.dev/revision": revision},
        },
        "spec": {
            "pipelineSpec": {"tasks": [{"name": "model", "params": [_RUN], "taskSpec": _task(wish)}]},
            "taskRunTemplate": {"serviceAccountName": "pipeline"},
            "timeouts": {"pipeline": f"{options_of(wish).minutes}m"},
        },
    }


def _task(wish: Wish) -> dict[str, Any]:
    """Clone with the key that reads, and do what the repository says. What a delivery told comes as variables only."""
    told = {
        "REPOSITORY": f"{wish.forge.url.rstrip('/')}/{full_name(wish)}.git",
        "SLIPWAY_CLONE": _CLONE,
        "SLIPWAY_COMMIT": "$(tt.params.revision)",
        "GITHUB_REF_NAME": "$(tt.params.branch)",
        "SLIPWAY_PULL_REQUEST": "$(tt.params.pull_request)",
        "SLIPWAY_TRAINING": "$(tt.params.training)",
    }
    pattern = wish.cluster.ci_dashboard_url
    if pattern:
        page = pattern.replace("{namespace}", wish.names.namespace).replace("{run}", "$(params.run)")
        told["SLIPWAY_RUN_URL"] = page
    step = {
        "name": "test",
        "image": wish.cluster.ci_image,
        "computeResources": _resources(wish),
        "envFrom": [{"secretRef": {"name": name, "optional": True}} for name in _SECRETS],
        "env": [
            *({"name": name, "value": value} for name, value in told.items()),
            {"name": "SLIPWAY_RUN", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
        ],
        "volumeMounts": [{"name": "clone", "mountPath": _CLONE, "readOnly": True}],
        "script": SCRIPT,
    }
    volume = {"name": "clone", "secret": {"secretName": "slipway-ci-clone", "optional": True}}
    return {"params": [{"name": "run"}], "steps": [step], "volumes": [volume]}


def _binding(wish: Wish, name: str, *, role: str, subject: dict[str, str], absent: bool = False) -> Object:
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role}
    return manifest(wish, "RoleBinding", name, absent=absent, roleRef=reference, subjects=[subject])


def unsupported(wish: Wish, client: ClusterClient) -> str | None:
    """What is missing in the cluster or the forge; None when it has Tekton Triggers, or when they are not to run CI."""
    if not by_tekton(wish):
        return None
    if (deaf := deaf_to_forge(wish)) is not None:
        return deaf
    if client.serves(API_VERSIONS["Trigger"], "Trigger"):
        return None
    who = wish.cluster.title or wish.cluster.name
    instead = without_tekton(wish)
    said = [
        phrase(
            "%(cluster)s has no Tekton Triggers, so %(instead)s.",
            cluster=who,
            instead=instead or phrase("a push starts no run there"),
        )
    ]
    if not instead:
        said.append(phrase("The rest of the project works without it."))
    return joined(" ", [*said, phrase("Once the platform team installs Tekton, we add it by ourselves.")])


def summary(wish: Wish) -> Phrase:
    """What starts a run, and why it is this driver."""
    repository, cluster = full_name(wish), wish.cluster.name
    if by_tekton(wish):
        why = phrase("which %(cluster)s has", cluster=cluster)
        return phrase(
            "A push or pull request of %(repository)s runs %(file)s on Tekton, %(why)s",
            repository=repository,
            file=CI_SCRIPT,
            why=phrase("as the catalogue says") if wish.cluster.ci == "tekton" else why,
        )
    instead = without_tekton(wish)
    if instead is None:
        return phrase(
            "A push or pull request of %(repository)s starts nothing: no Actions run %(file)s, "
            "and %(cluster)s has no CI listener",
            repository=repository,
            file=ACTIONS_FILE,
            cluster=cluster,
        )
    return phrase(
        "A push or pull request of %(repository)s: %(instead)s, as the catalogue says",
        repository=repository,
        instead=instead,
    )


KIND = Kind(
    name="pipeline",
    title="CI pipeline",
    system="cluster",
    desired=desired,
    observe=observe,
    apply=apply,
    delete=goes_with_namespace,
    summary=summary,
    after=("namespace",),
    within="namespace",
    options=PipelineOptions,
    check=check,
    unsupported=unsupported,
)
