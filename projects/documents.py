"""Text that people copy or compare: profile.yaml, the API call, differences, and how to use what was made."""

import difflib
import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext
from pydantic import ValidationError

from projects import cluster_login
from provisioning import tracking
from provisioning.data_access import SECRET, readable, variable
from provisioning.data_stores import SchemaData
from provisioning.kind import Wish, kinds
from provisioning.profile_file import ORDER, plain, profile_yaml
from provisioning.repositories import full_name
from provisioning.secrets import Resolve
from provisioning.spec import ProjectSpec, Role

_IN_A_LINE = 8
"""So many changes are named where a request is one of a list."""


@dataclass(frozen=True)
class Line:
    """One line of a difference: sign "+", "-" or " ", and the text."""

    sign: str
    text: str


@dataclass(frozen=True)
class Block:
    """Something to copy. `name` is its id on the page."""

    name: str
    title: str
    text: str
    says: str = ""


def api_call(data: Mapping[str, Any], *, public_url: str) -> str:
    """The same request for a shell, by curl. The token comes from the reader's environment."""
    ordered = {name: data[name] for name in ORDER if name in data and name != "version"}
    body = json.dumps(ordered, indent=2, ensure_ascii=False)
    return (
        f"curl {public_url}/api/v1/projects/ \\\n"
        '  -H "Authorization: Bearer $SLIPWAY_TOKEN" \\\n'
        '  -H "Idempotency-Key: $(uuidgen)" \\\n'
        f"  --json {shlex.quote(body)}"
    )


def difference(before: ProjectSpec | None, after: ProjectSpec | None) -> tuple[Line, ...]:
    """How profile.yaml differs, line by line, with what stays around it. Empty when nothing differs."""
    old, new = (profile_yaml(plain(spec)).splitlines() if spec else [] for spec in (before, after))
    if old == new:
        return ()
    lines: list[Line] = []
    for tag, a, b, c, d in difflib.SequenceMatcher(a=old, b=new, autojunk=False).get_opcodes():
        if tag == "equal":
            lines += [Line(sign=" ", text=text) for text in old[a:b]]
        else:
            lines += [Line(sign="-", text=text) for text in old[a:b]] + [Line(sign="+", text=text) for text in new[c:d]]
    return tuple(lines)


def spec_of(data: object) -> ProjectSpec | None:
    """A stored spec as a value; None when there is none, or when it was written for another version."""
    try:
        return ProjectSpec.model_validate(data) if data is not None else None
    except ValidationError:
        return None


def changed(before: ProjectSpec, after: ProjectSpec) -> str:
    """What a change did, in half a sentence: "plan small to medium, charlie@corp.example as viewer"."""
    return ", ".join(_changes(before, after)) or gettext("nothing that differs")


def asked_for(before: ProjectSpec | None, after: ProjectSpec) -> str:
    """The same of a request, of at most so many things as fit in a line; of a new project (`before` is None), what it
    has.
    """
    if before is None:
        plain_one = after.model_copy(update={"contributors": (), "options": {}, "expires": None})
        said = [gettext("plan %(plan)s") % {"plan": after.plan}, *_changes(plain_one, after)]
    else:
        said = _changes(before, after)
    shown = ", ".join(said[:_IN_A_LINE]) or gettext("nothing that differs")
    left = len(said) - _IN_A_LINE
    return shown if left <= 0 else gettext("%(shown)s, and %(number)s more") % {"shown": shown, "number": left}


def _changes(before: ProjectSpec, after: ProjectSpec) -> list[str]:
    said = []
    if before.plan != after.plan:
        said.append(gettext("plan %(before)s to %(after)s") % {"before": before.plan, "after": after.plan})
    old = {(one.is_group, one.subject): one for one in before.contributors}
    new = {(one.is_group, one.subject): one for one in after.contributors}
    people = [(one, gettext("%(who)s as %(role)s")) for key, one in new.items() if old.get(key) != one]
    people += [(one, gettext("without %(who)s")) for key, one in old.items() if key not in new]
    # Owners first: they must be seen where a line is cut.
    people.sort(key=lambda found: found[0].role is not Role.OWNER)
    said += [text % {"who": one.subject, "role": gettext(one.role.value)} for one, text in people]
    said += [
        gettext("options of %(kind)s") % {"kind": name}
        for name in sorted(before.options | after.options)
        if _option(before, name) != _option(after, name)
    ]
    if before.title != after.title:
        said.append(gettext("title"))
    if before.description != after.description:
        said.append(gettext("description"))
    if before.environment != after.environment:
        change = {"before": before.environment.value, "after": after.environment.value}
        said.append(gettext("environment %(before)s to %(after)s") % change)
    if before.expires != after.expires:
        said.append(gettext("ends %(day)s") % {"day": after.expires} if after.expires else gettext("no end date"))
    return said


def _option(spec: ProjectSpec, kind: str) -> dict[str, Any]:
    return spec.options.get(kind, {})


def use_blocks(wish: Wish, *, resolve: Resolve) -> tuple[Block, ...]:
    """What one pastes into a terminal or notebook to work with the project. No key stands in any of them.

    `resolve` reads the certificates that the lines for kubectl carry.
    """
    names, store = wish.names, wish.object_store
    keys = _exported(wish, "bucket-credentials")
    blocks = []
    if "repository" in kinds():
        name = full_name(wish)
        url, folder = f"{wish.forge.url.rstrip('/')}/{name}.git", name.rpartition("/")[2]
        blocks.append(Block(name="use-git", title=gettext("Code with git"), text=f"git clone {url}\ncd {folder}"))
    blocks += [
        Block(
            name="use-kubectl",
            title=gettext("Workspace with kubectl"),
            text=cluster_login.kubectl_lines(wish.cluster, namespace=names.namespace, resolve=resolve),
            says=cluster_login.needs(wish.cluster, resolve=resolve),
        ),
        Block(
            name="use-dvc",
            title=gettext("Data with DVC"),
            text=(
                f"{keys}\n"
                f"dvc remote add --default --force store s3://{names.bucket}/dvc\n"
                f"dvc remote modify store endpointurl {store.url}\n"
                "dvc pull"
            ),
            says=gettext("The first line reads the bucket's keys from the workspace into this shell."),
        ),
        Block(
            name="use-boto3",
            title=gettext("Bucket with boto3"),
            text=(
                "import boto3  # reads AWS_* from the Secret bucket-credentials\n\n"
                's3 = boto3.client("s3")\n'
                f's3.upload_file("data.parquet", "{names.bucket}", "raw/data.parquet")'
            ),
        ),
    ]
    where = tracking.settings(wish).get("MLFLOW_TRACKING_URI")
    if where is not None:
        says = gettext(
            "The first two lines read the keys of bucket and MLflow from the workspace into this shell. "
            "MLflow's pages are at %(url)s; its account is in the Secret tracking-credentials."
        )
        blocks.append(
            Block(
                name="use-mlflow",
                title=gettext("Experiments with MLflow"),
                text=(
                    f"{keys}\n{_exported(wish, tracking.SECRET)}\n"
                    "pip install mlflow-skinny boto3\n"
                    "python -c 'import mlflow; mlflow.log_metric(\"mae\", 0.12)'"
                ),
                says=says % {"url": where},
            )
        )
    if readable(wish):
        blocks.append(_data_block(wish, keys=keys))
    return tuple(blocks)


def _data_block(wish: Wish, *, keys: str) -> Block:
    """How to look into each store of others that the project reads."""
    shown = [
        f'psql "${variable(one)}" -c "\\dt"'
        if isinstance(one, SchemaData)
        else f'aws s3 ls --recursive "${variable(one)}/"'
        for one in readable(wish)
    ]
    return Block(
        name="use-data",
        title=gettext("Data of others"),
        text="\n".join([keys, _exported(wish, SECRET), *shown]),
        says=gettext("The first two lines read keys and addresses from the workspace into this shell."),
    )


def _exported(wish: Wish, secret: str) -> str:
    """A line for a shell that reads a Secret of the workspace into its variables."""
    return (
        f'eval "$(kubectl --namespace {wish.names.namespace} get secret {secret} -o go-template='
        '\'{{range $name, $value := .data}}export {{$name}}={{$value | base64decode}}{{"\\n"}}{{end}}\')"'
    )
