"""Everything that happened to a project: both tables in one order, paged by key, narrowed by the address, as files."""

import csv
import json
import re
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from projects import actions, credentials, decisions, tasks, training
from projects.happenings import Wanted, happenings, records
from projects.installation import installation
from projects.models import Decision, Door, Project, ProjectRequest, Reveal, Rotation, TrainingAsked
from projects.today import today
from provisioning.errors import Reason
from provisioning.models import Event
from tests.people import bearer, client, person
from tests.projects.pages import ask, project_of, settle, text

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("pages")]

ALL = Wanted()


def event(project: Project, message: str, *, kind: str = "network", minutes: int = 0, **more: Any) -> Event:
    at = timezone.now() - timedelta(minutes=minutes)
    made = {"kind": kind, "reason": Reason.DRIFTED, "generation": 1, "at": at, **more}
    return Event.objects.create(project=project, message=message, **made)


@pytest.fixture
def project() -> Project:
    """Asked by form, changed by API by paula with a note, and some events at the very same moment."""
    made = project_of(ask("demand"))
    event(made, "A policy is missing.", changes=[{"object": "NetworkPolicy/default", "differences": []}])
    actions.change(
        made,
        {**made.spec, "plan": "medium"},
        by=person("paula"),
        door=Door.API,
        installation=installation(),
        note="For winter",
    )
    moment = timezone.now()
    for number in range(3):
        event(made, f"Put back {number}.", kind="bucket", at=moment)
    made.requests.filter(action="change").update(created_at=moment)
    return made


def whats(project: Project, wanted: Wanted = ALL) -> list[str]:
    return [row["what"] for row in records(project, wanted=wanted)]


def test_requests_and_events_stand_in_one_order_and_pages_lose_none(project: Project) -> None:
    whole = whats(project)
    assert whole == [
        "changed plan small to medium",
        "Put back 2.",
        "Put back 1.",
        "Put back 0.",
        "A policy is missing.",
        "asked for the project",
    ]
    seen: list[str] = []
    before = ""
    while True:
        page = happenings(project, wanted=ALL, before=before, size=1)
        seen += [row.record["what"] for row in page.rows]
        if not page.older:
            break
        before = page.older
        event(project, "Came meanwhile.")
    assert seen == whole


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (Wanted(door="api"), ["changed plan small to medium"]),
        (Wanted(who="PAULA"), ["changed plan small to medium"]),
        (Wanted(words="winter"), ["changed plan small to medium"]),
        (Wanted(kind="network"), ["A policy is missing."]),
        (Wanted(door="system", words="put back 1"), ["Put back 1."]),
        (Wanted(door="file"), []),
        (Wanted(words="%"), []),
    ],
)
def test_the_list_is_narrowed_by_door_person_kind_and_words(project: Project, wanted: Wanted, found: list[str]) -> None:
    if wanted.door == "api":
        found = [*found, "asked for the project"]
    assert whats(project, wanted) == found


@pytest.mark.parametrize("key", ["", "x", "1-event", "1-other-2", "9" * 40 + "-event-1", "١-event-1", "-1-event-1"])
def test_what_is_no_key_counts_as_none(project: Project, key: str) -> None:
    assert len(happenings(project, wanted=ALL, before=key).rows) == 6


def test_a_few_queries_whatever_the_length(project: Project) -> None:
    for number in range(40):
        event(project, f"Put back {number}.")
    with CaptureQueriesContext(connection) as queries:
        assert len(happenings(project, wanted=ALL, size=25).rows) == 25
    assert len(queries) <= 4


def test_the_page_shows_difference_door_and_the_way_to_older_ones(project: Project) -> None:
    for number in range(30):
        event(project, f"Looked {number}.")
    alice = client("alice")
    first = alice.get("/projects/demand/activity/")
    older = re.search(r'href="(\?[^"]*before=[^"]+)"', first.content.decode())
    assert older is not None
    assert "asked for the project" not in text(first)
    second = text(alice.get(f"/projects/demand/activity/{older[1].replace('&amp;', '&')}"))
    for said in ("paula@corp.example changed plan small to medium", "- plan: small + plan: medium", "by API"):
        assert said in second, said
    nothing = alice.get("/projects/demand/activity/?q=nowhere")
    assert "Nothing of that kind happened here." in text(nothing)
    assert "Show all" in text(nothing)


def test_the_list_is_given_as_a_file_that_no_spreadsheet_runs(project: Project) -> None:
    event(project, '=HYPERLINK("https://elsewhere.example")', kind="pipeline")
    alice = client("alice")
    answer = alice.get("/projects/demand/activity/?format=csv")
    assert answer["Content-Disposition"] == 'attachment; filename="activity-demand.csv"'
    rows = list(csv.DictReader(StringIO(answer.getvalue().decode("utf-8-sig"))))
    assert len(rows) == 7
    assert rows[0]["what"] == '\'=HYPERLINK("https://elsewhere.example")'
    assert (rows[1]["who"], rows[1]["door"], rows[1]["note"]) == ("paula@corp.example", "api", "For winter")
    narrowed = alice.get("/projects/demand/activity/?format=json&kind=network")
    assert [one["what"] for one in json.loads(narrowed.getvalue())["items"]] == ["A policy is missing."]
    assert client("charlie").get("/projects/demand/activity/?format=csv").status_code == 404


def test_the_api_gives_the_same_list_page_by_page(project: Project) -> None:
    script = bearer("alice", "read")
    address: str | None = "/api/v1/projects/demand/activity/?limit=4"
    seen = []
    while address:
        body = script.get(address).json()
        seen += [one["what"] for one in body["items"]]
        address = body["next"]
    assert seen == whats(project)
    first = script.get("/api/v1/projects/demand/activity/?door=api&limit=1").json()["items"][0]
    assert (first["who"], first["change"], "- plan: small" in first["lines"]) == ("paula@corp.example", 2, True)
    assert script.get("/api/v1/projects/demand/activity/?cursor=x").status_code == 400
    assert script.get("/api/v1/projects/demand/activity/?door=window").status_code == 400
    assert bearer("charlie").get("/api/v1/projects/demand/activity/").status_code == 404


def test_who_switched_rotated_and_was_shown_keys_stands_there_too(project: Project) -> None:
    actions.suspend(project, by=person("paula"), door=Door.API, suspended=True, because="Night work.")
    actions.suspend(project, by=person("paula"), door=Door.FORM, suspended=False, because="Night work.")
    later = timezone.now() + timedelta(minutes=1)
    Rotation.objects.create(
        project=project, purpose="bucket", version=2, earlier_until=later, rotated_by="alice@corp.example", door="api"
    )
    Reveal.objects.create(
        project=project, purpose="bucket", version=2, person=person("bob"), person_name="bob", door="form"
    )
    actions.look_again(project, by=person("alice"), door=Door.CHAT)
    actions.look_again(project, by=person("paula"), door=Door.FORM, kind="bucket", because="The node is back.")
    assert set(whats(project)) >= {
        "asked for a look",
        "asked for a look at Bucket",
        "was shown the keys “bucket”",
        "rotated the keys “bucket”",
        "resumed the project",
        "suspended the project",
    }
    seen, before = [], ""
    while True:
        page = happenings(project, wanted=ALL, before=before, size=1)
        seen += [row.record["what"] for row in page.rows]
        before = page.older
        if not before:
            break
    assert seen == whats(project)
    assert whats(project, Wanted(who="paula", door="form")) == ["asked for a look at Bucket", "resumed the project"]
    assert whats(project, Wanted(door="chat")) == ["asked for a look"]
    assert whats(project, Wanted(who="paula", kind="bucket")) == ["asked for a look at Bucket"]
    by_api = bearer("alice", "read").get("/api/v1/projects/demand/activity/?limit=50").json()["items"]
    assert [one["what"] for one in by_api] == seen
    assert (by_api[1]["who"], by_api[1]["door"], by_api[1]["kind"]) == ("alice@corp.example", "chat", "")
    assert whats(project, Wanted(who="bob")) == ["was shown the keys “bucket”"]
    assert "rotated the keys “bucket”" in whats(project, Wanted(door="api"))
    assert whats(project, Wanted(who="bob", door="form")) == ["was shown the keys “bucket”"]
    assert whats(project, Wanted(who="bob", door="api")) == []
    assert (by_api[0]["note"], whats(project, Wanted(words="node is"))) == (
        "The node is back.", ["asked for a look at Bucket"],
    )  # fmt: skip
    page = text(client("alice").get("/projects/demand/activity/"))
    for said in ("asked for a look at Bucket “The node is back.”", "by API, version 2", "“Night work.”"):
        assert said in page, said


def test_keys_from_before_their_door_was_kept_say_none(project: Project) -> None:
    Reveal.objects.create(project=project, purpose="bucket", version=2, person=person("bob"), person_name="bob")
    row = happenings(project, wanted=ALL).rows[0]
    assert (row.entry.how, row.record["door"]) == ("version 2", "")


def test_what_had_ended_is_suspended_once_more_by_the_platform_team(project: Project) -> None:
    Project.objects.update(spec={**project.spec, "expires": "2020-01-01"})
    tasks.suspend_expired()
    actions.suspend(project, by=person("paula"), door=Door.API, suspended=True, because="Night work.")
    found = [(row["who"], row["what"]) for row in records(project, wanted=ALL) if "suspended" in row["what"]]
    assert found == [("paula@corp.example", "suspended the project"), ("slipway", "suspended the project")]


def test_who_asked_for_a_training_and_by_which_door_stands_there(project: Project) -> None:
    one = training.ask(project, by=person("alice"), door=Door.CHAT)
    TrainingAsked.objects.filter(pk=one.pk).update(sent_at=timezone.now(), commit="c0ffee11")
    timed = training.note(project, because=training.Because.SCHEDULE, cause="every Monday at 06:00")
    assert timed is not None
    first, second = (row for row in happenings(project, wanted=ALL).rows[:2])
    assert (first.entry.who, first.entry.what, first.entry.how, first.record["note"]) == (
        "Slipway", "asked for a training, as its time had come", "", "every Monday at 06:00",
    )  # fmt: skip
    assert (second.entry.who, second.entry.what, second.entry.how, second.record["commit"]) == (
        "alice@corp.example", "asked for a training", "by chat", "c0ffee11",
    )  # fmt: skip
    assert whats(project, Wanted(door="chat")) == ["asked for a training"]
    assert whats(project, Wanted(door="system", words="monday")) == ["asked for a training, as its time had come"]
    assert whats(project, Wanted(words="c0ff")) == ["asked for a training"]
    assert "asked for a training" not in whats(project, Wanted(kind="bucket"))
    theirs = bearer("alice", "read").get("/api/v1/projects/demand/trainings/").json()["items"]
    assert [(one["because"], one["door"]) for one in theirs] == [("schedule", "system"), ("person", "chat")]


def waiting(project: Project, *, retire: bool = False) -> ProjectRequest:
    """A change of alice's that a person decides about; a removal where the policy asks about that too."""
    if retire:
        made = actions.retire(project, by=person("alice"), door=Door.API, installation=installation())
    else:
        data = {**project.spec, "plan": "gpu"}
        made = actions.change(project, data, by=person("alice"), door=Door.API, installation=installation())
    assert made.request is not None
    return made.request


def test_what_waits_was_asked_for_and_what_a_person_decided_is_an_entry_of_its_own(project: Project) -> None:
    project.refresh_from_db()
    rejected = waiting(project)
    assert whats(project)[0] == "asked to change plan medium to gpu"
    decisions.reject(rejected, by=person("paula"), door=Door.CHAT, comment="Too large.")
    withdrawn = waiting(project)
    decisions.withdraw(withdrawn, by=person("alice"), door=Door.API)
    decisions.approve(waiting(project), by=person("paula"), door=Door.FORM, installation=installation(), comment="Go.")
    found = [
        (one["who"].partition("@")[0], one["what"], one["door"], one["decision"], one["note"])
        for one in records(project, wanted=ALL)
    ]
    assert found[:6] == [
        ("paula", "approved the change of plan medium to gpu", "form", "approved", "Go."),
        ("alice", "asked to change plan medium to gpu", "api", "approved", ""),
        ("alice", "withdrew the change of plan medium to gpu", "api", "withdrawn", ""),
        ("alice", "asked to change plan medium to gpu", "api", "withdrawn", ""),
        ("paula", "rejected the change of plan medium to gpu", "chat", "rejected", "Too large."),
        ("alice", "asked to change plan medium to gpu", "api", "rejected", ""),
    ]
    assert whats(project, Wanted(door="chat")) == ["rejected the change of plan medium to gpu"]
    assert whats(project, Wanted(words="too large")) == ["rejected the change of plan medium to gpu"]
    assert whats(project, Wanted(who="paula", door="form")) == ["approved the change of plan medium to gpu"]
    for address in ("/projects/demand/", "/projects/demand/activity/", "/"):
        page = text(client("alice").get(address))
        assert "paula@corp.example rejected the change of plan medium to gpu" in page, address
        assert "“Too large.”" in page or address == "/", address
        assert "alice@corp.example asked to change plan medium to gpu" in page, address


def test_what_was_asked_back_and_asked_for_in_other_words_stands_there_with_the_difference(project: Project) -> None:
    project.refresh_from_db()
    asked = waiting(project)
    decisions.ask_for_changes(asked, by=person("paula"), door=Door.CHAT, text="Why a GPU?")
    decisions.comment(asked, by=person("alice"), door=Door.FORM, text="To train.")
    for days in (30, 60):
        data = {**project.spec, "plan": "gpu", "expires": str(today() + timedelta(days=days))}
        decisions.revise(asked, data, by=person("alice"), door=Door.API, installation=installation())
    found = happenings(project, wanted=ALL).rows[:3]
    assert [
        (one.entry.who.partition("@")[0], one.entry.what, one.entry.how, one.record["door"], one.record["request"])
        for one in found
    ] == [
        ("alice", f"changed request {asked.pk}", "by API, revision 3", "api", asked.pk),
        ("alice", f"changed request {asked.pk}", "by API, revision 2", "api", asked.pk),
        ("paula", f"asked for changes to request {asked.pk}", "by chat", "chat", asked.pk),
    ]
    first, second = (today() + timedelta(days=days) for days in (30, 60))
    assert [[f"{line.sign} {line.text}" for line in one.entry.lines if line.sign != " "] for one in found[:2]] == [
        [f"- expires: '{first}'", f"+ expires: '{second}'"],
        [f"+ expires: '{first}'"],
    ]
    assert found[2].record["note"] == "Why a GPU?"
    assert whats(project, Wanted(door="chat")) == [f"asked for changes to request {asked.pk}"]
    assert whats(project, Wanted(words="why a gpu")) == [f"asked for changes to request {asked.pk}"]
    assert whats(project, Wanted(who="alice", door="api"))[:2] == [f"changed request {asked.pk}"] * 2
    page = text(client("alice").get("/projects/demand/activity/"))
    assert f"paula@corp.example asked for changes to request {asked.pk} “Why a GPU?”" in page
    theirs = bearer("alice", "read").get("/api/v1/projects/demand/activity/?limit=3").json()["items"]
    assert [(one["what"], one["request"]) for one in theirs] == [(one.entry.what, asked.pk) for one in found]


def test_who_ended_an_old_key_early_and_by_which_door_stands_there(project: Project) -> None:
    settle(project)
    credentials.rotate(project, "bucket", by=person("alice"), door=Door.API, installation=installation())
    assert "ended the old keys “bucket”" not in whats(project)
    ended = credentials.end_old(project, "bucket", by=person("paula"), door=Door.FORM)
    row = next(one for one in happenings(project, wanted=ALL).rows if one.record["what"].startswith("ended"))
    assert (row.entry.at, row.entry.who, row.entry.what, row.entry.how, row.record["door"]) == (
        ended.earlier_until, "paula@corp.example", "ended the old keys “bucket”", "by form, version 1", "form",
    )  # fmt: skip
    assert whats(project, Wanted(who="paula", door="form")) == ["ended the old keys “bucket”"]
    assert whats(project, Wanted(who="alice", door="api"))[0] == "rotated the keys “bucket”"
    assert whats(project, Wanted(who="paula", door="api", words="bucket")) == []
    Rotation.objects.update(ended_door="")
    row = next(one for one in happenings(project, wanted=ALL).rows if one.record["what"].startswith("ended"))
    assert (row.entry.how, row.record["door"]) == ("version 1", "")


def test_a_removal_that_waits_has_not_retired_the_project(project: Project) -> None:
    project.refresh_from_db()
    request = waiting(project, retire=True)
    assert whats(project)[0] == "retired the project"
    ProjectRequest.objects.filter(pk=request.pk).update(decision=Decision.PENDING, decided_at=None)
    assert whats(project)[0] == "asked to retire the project"
