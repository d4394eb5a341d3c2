"""The model's gate on the real forge: a worse model shuts it, the mended one opens it, in one comment that changed."""

from collections.abc import Iterator

import pytest
from django.core.cache import cache

from projects import feedback
from projects.installation import installation
from projects.models import Feedback, Project
from provisioning.clients.gitea import Forge
from provisioning.models import Resource
from tests.ci import MAE, PASSED, ci, send
from tests.contract.stack import open_forge, unique
from tests.people import team

pytestmark = pytest.mark.django_db(transaction=True)

BOT, GATE = "slipway-bot", "slipway/model-gate"


@pytest.fixture
def forge() -> Iterator[Forge]:
    client = open_forge()
    yield client
    client.close()


@pytest.fixture
def repository(forge: Forge) -> Iterator[str]:
    forge.ensure_organisation("contract")
    name: str = forge.create_repository("contract", unique("feedback"), "For the gate")["full_name"]
    yield name
    forge.delete_repository(name)


@pytest.fixture
def project(repository: str) -> Iterator[Project]:
    cache.clear()
    owner = {"user": "alice@corp.example", "role": "owner"}
    spec = {"version": 1, "slug": "demand", "team": "forecasting", "plan": "small", "contributors": [owner]}
    spec["options"] = {"repository": {"attach": repository}}
    made = Project.objects.create(slug="demand", team=team("forecasting"), spec=spec, units=4)
    Resource.objects.create(project_id=made.pk, kind="repository", target="git-1", ready_status="True")
    yield made
    cache.clear()


def tell_all(forge: Forge) -> None:
    for one in feedback.due(limit=10):
        feedback.tell(one, installation=installation(), open_client=lambda _: forge)


def gate_on(forge: Forge, repository: str, sha: str) -> tuple[str, str]:
    said = forge.statuses(repository, sha)[GATE]
    return said["state"], said["description"]


def test_red_then_green_in_one_comment(forge: Forge, repository: str, project: Project) -> None:
    head = forge.branch_head(repository, "main")
    assert head is not None
    script = ci(project)
    main = {"commit": head["sha"], "branch": "main", "pull_request": None, "run": "1"}
    assert send(script, **main, metrics=[{**MAE, "value": 0.12}], tests=PASSED).status_code == 201
    forge.create_branch(repository, "shorter", "main")
    first = forge.put_files(repository, "shorter", "Look at fewer weeks", {"train.py": b"weeks = 2\n"})
    number = forge.create_pull_request(repository, "shorter", "main", "Look at fewer weeks", "")
    mine = {"branch": "shorter", "pull_request": number}
    failed = [{"name": "test_winter_weeks", "kind": "slice", "example": "week 2: <b>912</b> | @alice"}]
    worse = {"metrics": [{**MAE, "value": 0.31}], "tests": {**PASSED, "failed": failed}}
    assert send(script, commit=first, run="2", **mine, **worse).status_code == 201
    tell_all(forge)
    assert gate_on(forge, repository, head["sha"]) == ("success", "1 of 1 thresholds held, 13 model tests passed.")
    assert gate_on(forge, repository, first) == (
        "failure",
        "mae (test) is 0.31; 0.2 or less is needed. 1 of 14 model tests fail: test_winter_weeks.",
    )
    (red,) = forge.comments(repository, number)
    assert red["author"] == BOT
    lines = red["body"].splitlines()
    assert lines[:2] == ["<!-- slipway-report -->", "### Model: the gate is shut, 1 worse"]
    assert "| mae (test) | 0.31 | 0.12 | ▼ worse by 0.19 | **missed**: 0.2 or less |" in lines
    assert "- **test\\_winter\\_weeks** (slice): week 2: &lt;b&gt;912&lt;/b&gt; \\| @\u200balice" in lines

    second = forge.put_files(repository, "shorter", "Look at all weeks", {"train.py": b"weeks = 52\n"})
    better = {"metrics": [{**MAE, "value": 0.1}], "tests": PASSED}
    assert send(script, commit=second, run="3", **mine, **better).status_code == 201
    tell_all(forge)
    assert gate_on(forge, repository, second) == ("success", "1 of 1 thresholds held, 13 model tests passed.")
    (green,) = forge.comments(repository, number)
    assert green["id"] == red["id"]
    lines = green["body"].splitlines()
    assert lines[:2] == ["<!-- slipway-report -->", "### Model: the gate is open, 1 better"]
    assert "| mae (test) | 0.1 | 0.12 | ▲ better by 0.02 | held: 0.2 or less |" in lines
    told = Feedback.objects.get(pull_request=number)
    assert (told.comment_id, told.why) == (green["id"], "")
