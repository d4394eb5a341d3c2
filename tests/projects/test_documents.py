"""Texts that people copy: they hold what was chosen, can be pasted, and read back as the same wish."""

import json
import shlex

from ruamel.yaml import YAML

from projects import documents
from projects.documents import Line
from provisioning import profile_file
from provisioning.spec import ProjectSpec
from tests.provisioning.kinds.test_data_schemas import reading
from tests.provisioning.kinds.test_tracking import tracked

SPEC = ProjectSpec.model_validate(
    {
        "slug": "demand-forecast",
        "title": "Alice's forecast: 100 %",
        "team": "forecasting",
        "plan": "small",
        "contributors": [{"user": "alice@corp.example", "role": "owner"}, {"group": "ml-vision"}],
        "options": {"bucket": {"quota": "100Gi"}},
        "expires": "2027-06-30",
    }
)


def test_profile_yaml_reads_back_as_the_same_spec() -> None:
    text = profile_file.profile_yaml(profile_file.plain(SPEC))
    assert text.splitlines()[:6] == [
        "version: 1",
        "slug: demand-forecast",
        'title: "Alice\'s forecast: 100 %"',
        "team: forecasting",
        "plan: small",
        "expires: '2027-06-30'",
    ]
    assert "    role: viewer" in text.splitlines()
    assert ProjectSpec.model_validate(YAML(typ="safe").load(text)) == SPEC


def test_the_api_call_is_one_shell_command_with_the_wish_as_its_body() -> None:
    call = documents.api_call(profile_file.plain(SPEC), public_url="https://slipway.corp.example")
    words = shlex.split(call.replace("\\\n", " "))
    assert words[:2] == ["curl", "https://slipway.corp.example/api/v1/projects/"]
    assert ProjectSpec.model_validate(json.loads(words[words.index("--json") + 1])) == SPEC


def test_a_difference_names_what_goes_and_what_comes() -> None:
    after = SPEC.model_copy(update={"plan": "medium", "options": {}, "expires": None, "title": "", "contributors": ()})
    assert documents.difference(SPEC, SPEC) == ()
    assert documents.difference(SPEC, after) == (
        Line(" ", "version: 1"),
        Line(" ", "slug: demand-forecast"),
        Line("-", 'title: "Alice\'s forecast: 100 %"'),
        Line(" ", "team: forecasting"),
        Line("-", "plan: small"),
        Line("-", "expires: '2027-06-30'"),
        Line("-", "contributors:"),
        Line("-", "  - user: alice@corp.example"),
        Line("-", "    role: owner"),
        Line("-", "  - group: ml-vision"),
        Line("-", "    role: viewer"),
        Line("-", "options:"),
        Line("-", "  bucket:"),
        Line("-", "    quota: 100Gi"),
        Line("+", "plan: medium"),
    )


def test_a_change_is_said_in_half_a_sentence() -> None:
    after = SPEC.model_copy(
        update={"plan": "medium", "options": {}, "expires": None, "contributors": SPEC.contributors[:1]}
    )
    assert documents.changed(SPEC, after) == "plan small to medium, without ml-vision, options of bucket, no end date"
    assert documents.changed(SPEC, SPEC) == "nothing that differs"


def test_who_tracks_experiments_is_told_how_and_nobody_else() -> None:
    *_, block = documents.use_blocks(tracked(), resolve=lambda _: "")
    first, second, *rest = block.text.splitlines()
    assert (block.name, block.title) == ("use-mlflow", "Experiments with MLflow")
    assert [line.partition(" get secret ")[2].split()[0] for line in (first, second)] == [
        "bucket-credentials",
        "tracking-credentials",
    ]
    assert rest == ["pip install mlflow-skinny boto3", "python -c 'import mlflow; mlflow.log_metric(\"mae\", 0.12)'"]
    assert "MLflow's pages are at http://127.0.0.1:5000;" in block.says
    names = [one.name for one in documents.use_blocks(tracked(enabled=False), resolve=lambda _: "")]
    assert names == ["use-git", "use-kubectl", "use-dvc", "use-boto3"]


def test_who_reads_data_of_others_is_told_how() -> None:
    *_, block = documents.use_blocks(reading("sales", "winter-roads"), resolve=lambda _: "")
    first, second, *rest = block.text.splitlines()
    assert [line.partition(" get secret ")[2].split()[0] for line in (first, second)] == [
        "bucket-credentials",
        "data-credentials",
    ]
    assert rest == [r'psql "$DATA_SALES_URL" -c "\dt"', 'aws s3 ls --recursive "$DATA_WINTER_ROADS_URL/"']
    waiting = [one.name for one in documents.use_blocks(reading("staff"), resolve=lambda _: "")]
    assert "use-data" not in waiting
