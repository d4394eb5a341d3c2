"""The trail of every accepted write: who, by which door, in which request; never changed, and never with a secret."""

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import structlog
from django.apps import apps
from django.db import Error, connection, transaction

from portal.models import ApiToken
from projects import bulk, seeing, skipping, tasks
from projects.installation import installation
from projects.models import (
    BulkRunHistory,
    Door,
    MembershipHistory,
    Project,
    ProjectHistory,
    ProjectRequest,
    ProjectRequestHistory,
    RegisteredRepository,
    SeenAsHistory,
    SkippedKindHistory,
    TeamHistory,
)
from provisioning import targets
from provisioning.conditions import Status
from provisioning.kinds.webhook import PURPOSE_PROFILE
from provisioning.models import Event, Resource
from tests.fakes.cluster import FakeCluster
from tests.fakes.object_store import FakeObjectStore
from tests.people import bearer, client, person, team
from tests.projects.doors import SMALL
from tests.projects.file_door import PROFILE, PushedForge, listen, look

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("pages")]

TABLES = (ProjectHistory, ProjectRequestHistory, MembershipHistory)
API = "/api/v1"


def trail(request_id: str) -> dict[str, list[tuple[str, str]]]:
    """By actor and door: the entries that a request left, each with its table and what happened."""
    found: dict[str, list[tuple[str, str]]] = {}
    for table in TABLES:
        entries = table.objects.filter(pgh_context__metadata__request_id=request_id).order_by("pk")
        for entry in entries.select_related("pgh_context"):
            said = entry.pgh_context.metadata
            found.setdefault(f"{said['actor']} by {said['door']}", []).append((table.__name__, entry.pgh_label))
    return {who: sorted(set(entries)) for who, entries in found.items()}


MADE = [("MembershipHistory", "insert"), ("ProjectHistory", "insert")]
ASKED = ("ProjectRequestHistory", "insert")
DECIDED = ("ProjectRequestHistory", "update")
CHANGED = ("ProjectHistory", "update")


def test_every_write_by_rest_leaves_its_trail() -> None:
    def call(number: int, method: str, path: str, body: Any, *, who: str = "alice") -> dict[str, list[tuple[str, str]]]:
        headers = {"X-Request-Id": f"click-{number:04}", "If-Match": "*"}
        caller = bearer(who)
        answer = getattr(caller, method)(f"{API}{path}", data=body, content_type="application/json", headers=headers)
        assert answer.status_code in (200, 202), answer.content
        return trail(f"click-{number:04}")

    assert call(1, "post", "/projects/", SMALL) == {"alice@corp.example by api": [*MADE, ASKED, DECIDED]}
    assert call(2, "patch", "/projects/demand/", {"plan": "gpu"}) == {"alice@corp.example by api": [ASKED]}
    waits = ProjectRequest.objects.get(decision="pending").pk
    assert call(3, "post", f"/requests/{waits}/approve/", {"revision": 1}, who="paula") == {
        "paula@corp.example by api": [CHANGED, DECIDED]
    }
    people = {"contributors": [{"user": "bob@corp.example"}, {"user": "alice@corp.example", "role": "owner"}]}
    assert call(4, "patch", "/projects/demand/", people) == {
        "alice@corp.example by api": [("MembershipHistory", "insert"), CHANGED, ASKED, DECIDED]
    }
    for number, word, who in ((5, "reject", "paula"), (6, "withdraw", "alice")):
        call(number + 10, "post", "/projects/", {"slug": f"gpu-{number}", "team": "forecasting", "plan": "gpu"})
        waits = ProjectRequest.objects.get(decision="pending").pk
        body = {"comment": "No GPU is free.", "revision": 1} if word == "reject" else {}
        assert call(number, "post", f"/requests/{waits}/{word}/", body, who=who) == {
            f"{who}@corp.example by api": [DECIDED]
        }
    assert call(7, "delete", "/projects/demand/", {}) == {"alice@corp.example by api": [CHANGED, ASKED, DECIDED]}


def test_every_write_by_form_leaves_its_trail() -> None:
    def post(number: int, path: str, sent: dict[str, Any], *, who: str = "alice") -> dict[str, list[tuple[str, str]]]:
        answer = client(who).post(path, sent, headers={"X-Request-Id": f"click-{number:04}"})
        assert answer.status_code == 302, answer.content
        return trail(f"click-{number:04}")

    sent = {**SMALL, "plan": "small", "do": "create", "reviewed": "1"}
    assert post(1, "/projects/new/", sent) == {"alice@corp.example by form": [*MADE, ASKED, DECIDED]}
    gpu = {"plan": "gpu", "generation": "1", "do": "change"}
    assert post(2, "/projects/demand/edit/", gpu) == {"alice@corp.example by form": [ASKED]}
    waits = ProjectRequest.objects.get(decision="pending").pk
    assert post(3, f"/requests/{waits}/approve/", {"revision": "1"}, who="paula") == {
        "paula@corp.example by form": [CHANGED, DECIDED]
    }
    for number, word, who in ((4, "reject", "paula"), (5, "withdraw", "alice")):
        post(number + 10, "/projects/new/", {**sent, "slug": f"gpu-{number}", "plan": "gpu"})
        waits = ProjectRequest.objects.get(decision="pending").pk
        assert post(number, f"/requests/{waits}/{word}/", {"comment": "No.", "revision": "1"}, who=who) == {
            f"{who}@corp.example by form": [DECIDED]
        }
    typed = {"typed": "demand", "generation": "2", "do": "retire"}
    assert post(6, "/projects/demand/retire/", typed) == {"alice@corp.example by form": [CHANGED, ASKED, DECIDED]}


def test_every_write_by_file_leaves_its_trail() -> None:
    person("alice")
    forge = PushedForge()
    row = listen(forge)
    for number, content, left in (
        (1, PROFILE, [*MADE, ASKED, DECIDED]),
        (2, PROFILE + b"plan: medium\n", [CHANGED, ASKED, DECIDED]),
        (3, PROFILE + b"plan: gpu\n", [ASKED]),
    ):
        forge.push("alice", {"profile.yaml": content})
        # As a worker has it that was rung by a webhook.
        with structlog.contextvars.bound_contextvars(request_id=f"click-{number:04}"):
            look(forge, row)
        assert trail(f"click-{number:04}") == {"alice@corp.example by file": left}
    forge.push("alice", {"profile.yaml": PROFILE + b"plan: large\n"})
    # As a worker has it that was rung by the clock.
    look(forge, row)
    newest = ProjectRequestHistory.objects.filter(pgh_label="insert").latest("pk")
    assert newest.pgh_context is not None
    assert newest.pgh_context.metadata == {"actor": "alice@corp.example", "door": "file"}


def test_what_was_refused_leaves_none() -> None:
    before = {table: table.objects.count() for table in TABLES}
    bearer("alice").post(f"{API}/projects/", data={**SMALL, "plan": "huge"}, content_type="application/json")
    client("alice").post("/projects/new/", {**SMALL, "plan": "huge", "do": "create"})
    assert {table: table.objects.count() for table in TABLES} == before


@contextmanager
def refused_by_the_database() -> Iterator[None]:
    with pytest.raises(Error, match="Cannot update or delete rows from"), transaction.atomic():
        yield


def operate() -> None:
    """What only the platform team does with a project."""
    project, paula = Project.objects.get(), person("paula")
    skipping.skip(project, "limits", by=paula, door=Door.FORM, because="The node is repaired.")
    wanted = bulk.Wanted(action="suspend", because="The node is repaired.")
    bulk.draft(wanted, [project], by=paula, door=Door.FORM, installation=installation())
    seeing.begin("alice@corp.example", by=paula, because="She sees no button.")


def test_the_trail_can_not_be_changed_by_sql() -> None:
    bearer("alice").post(f"{API}/projects/", data=SMALL, content_type="application/json")
    team("vision").save()
    operate()
    histories = [model for model in apps.get_models() if model.__name__.endswith("History")]
    written = {*TABLES, TeamHistory, SkippedKindHistory, BulkRunHistory, SeenAsHistory}
    assert [model for model in histories if "append_only" not in {one.name for one in model._meta.triggers}] == []
    for model in written:
        table, before = model._meta.db_table, list(model._default_manager.order_by("pk").values())
        assert before, table
        for statement in (
            f"UPDATE {table} SET pgh_label = 'other'",
            f"UPDATE {table} SET pgh_context_id = NULL",
            f"DELETE FROM {table}",
            f"DELETE FROM {table} WHERE pgh_id = (SELECT min(pgh_id) FROM {table})",
        ):
            with refused_by_the_database(), connection.cursor() as cursor:
                cursor.execute(statement)
        assert list(model._default_manager.order_by("pk").values()) == before


# No secret at rest, none in the log


def everything_stored() -> str:
    """Every row of every table, as text."""
    with connection.cursor() as cursor:
        tables = connection.introspection.table_names(cursor)
        rows = []
        for table in tables:
            cursor.execute(f'SELECT row_to_json(one)::text FROM "{table}" AS one')
            rows += [row[0] for row in cursor.fetchall()]
    return "\n".join(rows)


@pytest.fixture
def fakes(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """The targets in memory, where the workers' tasks look for the real ones."""
    cluster, store, forge = FakeCluster(), FakeObjectStore(), PushedForge()
    for template in installation().catalogue.templates:
        if template.repository is not None:
            forge.have_repository(template.repository)
            forge.change(template.repository, template=True)
    known: dict[str, Any] = {"cluster-north": cluster, "store-1": store, "git-1": forge}
    monkeypatch.setattr(targets, "connect", lambda target, **_: known[target.name])
    targets.forget_clients()
    yield known
    targets.forget_clients()


def work_on(project: Project) -> None:
    # Within the test's transaction the database's clock stands still.
    Project.objects.filter(pk=project.pk).update(next_look_at="2020-01-01T00:00:00Z")
    tasks.reconcile_project(project.pk)


def test_no_secret_is_stored_or_logged(fakes: dict[str, Any], caplog: Any, capfd: Any) -> None:
    alice = person("alice")
    with caplog.at_level("DEBUG"):
        _, token = ApiToken.objects.create(alice, name="script", scopes=["read", "write"])
        made = client("alice").post(f"{API}/tokens/", data={"name": "CI"}, content_type="application/json",
                                    headers={"Idempotency-Key": "monday"})  # fmt: skip
        caller = bearer("alice")
        assert caller.post(f"{API}/projects/", data=SMALL, content_type="application/json").status_code == 202
        project = Project.objects.get()
        work_on(project)
        synced = dict(Resource.objects.values_list("kind", "synced_status"))
        assert {synced[kind] for kind in ("bucket", "credentials", "repository", "webhook")} == {Status.TRUE}
        # Somebody changes the keys by hand; finding that is told, and putting it back too.
        name = ("v1", "Secret", "ml-demand", "bucket-credentials")
        fakes["cluster-north"].objects[name]["data"]["AWS_SECRET_ACCESS_KEY"] = base64.b64encode(b"other").decode()
        work_on(project)
        assert Event.objects.filter(kind="credentials", reason="Drifted").exists()
        listen(fakes["git-1"], "forecasting/demand")
        client("alice").get("/projects/demand/")
        caller.get(f"{API}/projects/demand/resources/", headers={"Authorization": f"Bearer {token}x"})

    key = installation().key_ring
    uids = {str(project.uid), *(str(uid) for uid in RegisteredRepository.objects.values_list("uid", flat=True))}
    purposes = ("bucket", "webhook", PURPOSE_PROFILE)
    secrets = {
        key.derive(uid=uid, purpose=purpose, key_id=key_id)
        for uid in uids
        for purpose in purposes
        for key_id, _ in key.keys
    }
    # The search is for what was really given out.
    given = fakes["store-1"].users[f"ml-demand-{str(project.uid)[:8]}"].secret
    assert given in secrets
    secrets |= {base64.b64encode(one.encode()).decode() for one in secrets}
    secrets |= {token, token.removeprefix("slip_"), made.json()["token"]}
    printed = capfd.readouterr()
    places = {"database": everything_stored(), "log": caplog.text, "output": printed.out + printed.err}
    assert "ml-demand" in places["database"]
    assert "looked" in places["log"]
    assert {place: sorted(one for one in secrets if one in said) for place, said in places.items()} == {
        "database": [], "log": [], "output": [],
    }  # fmt: skip
