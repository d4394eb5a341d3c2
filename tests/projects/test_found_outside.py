"""What the engine met outside is said in the reader's language; rows, API and files have it in English."""

import html
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from projects.models import Project
from provisioning.conditions import Condition, Status
from provisioning.errors import Reason
from provisioning.models import Event, Resource, TargetHealth
from provisioning.outcomes import drift_sentence
from provisioning.phrases import Phrase, phrase
from provisioning.plan import Action, Change
from tests.people import bearer, client
from tests.projects.pages import ask, project_of, settle
from tests.projects.tended import World, asked, fresh, look

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("pages")]
AWAY = phrase(
    "%(name)s does not answer (%(why)s). We look again by ourselves.", name="minio", why=phrase("no connection")
)
TAKEN = phrase("The bucket %(name)s belongs to another project of Slipway. Pick another name.", name="b-demand")
REFUSES = phrase(
    "%(name)s refuses to %(doing)s: %(message)s",
    name="git",
    doing=phrase("make %(full_name)s", full_name="forecasting/demand"),
    message="Name contains <b>invalid</b> characters.",
)


def page(path: str, *, who: str = "paula") -> str:
    """What somebody who reads Swedish gets."""
    return html.unescape(client(who, language="sv").get(path).content.decode())


def holds_up(project: Project, message: Phrase, *, reason: Reason = Reason.REJECTED, kind: str = "bucket") -> Resource:
    """As the engine writes what holds a resource up."""
    row = Resource.objects.get(project=project, kind=kind)
    # Long enough to count as stuck.
    condition = Condition(Status.FALSE, reason, message, timezone.now() - timedelta(hours=2))
    row.set_conditions(synced=condition, ready=condition)
    row.save()
    return row


@pytest.mark.parametrize(
    ("message", "reason", "swedish"),
    [
        (AWAY, Reason.TARGET_UNAVAILABLE, "minio svarar inte (ingen förbindelse). Vi tittar igen av oss själva."),
        (TAKEN, Reason.NAME_TAKEN, "Bucketen b-demand tillhör ett annat projekt i Slipway. Välj ett annat namn."),
        (REFUSES, Reason.REJECTED, "git vägrar skapa forecasting/demand: Name contains <b>invalid</b> characters."),
    ],
)
def test_an_error_is_swedish_wherever_it_is_shown_and_what_a_server_said_stays(
    message: Phrase, reason: Reason, swedish: str
) -> None:
    project = project_of(ask())
    settle(project)
    holds_up(project, message, reason=reason)
    for path in ("/projects/demand/", "/projects/demand/resources/", "/", "/platform/stuck/"):
        shown = page(path)
        assert swedish in shown, path
        assert message not in shown, path
    english = str(message)
    conditions = bearer("alice").get("/api/v1/projects/demand/resources/").json()
    assert english in str(conditions)
    filed = client("paula").get("/platform/stuck/?format=json", headers={"Accept-Language": "sv"})
    assert english.replace('"', '\\"') in b"".join(filed.streaming_content).decode()  # type: ignore[attr-defined]


def test_drift_is_swedish_in_the_list_and_in_the_project_s_history() -> None:
    project = project_of(ask())
    settle(project)
    moved = drift_sentence(
        [
            Change(kind="limits", key="ResourceQuota/slipway-compute", action=Action.UPDATE),
            Change(kind="limits", key="LimitRange/slipway", action=Action.CREATE),
        ]
    )
    assert (
        moved == "ResourceQuota/slipway-compute was changed; LimitRange/slipway is missing, though nobody asked here."
    )
    kept = {"message": moved.as_json()}
    Event.objects.create(project=project, kind="limits", reason=Reason.DRIFTED, message=moved, phrases=kept)
    swedish = "ResourceQuota/slipway-compute ändrades; LimitRange/slipway saknas, fast ingen bad om det här."
    for path in ("/platform/drift/", "/projects/demand/activity/"):
        shown = page(path)
        assert swedish in shown, path
        assert moved not in shown, path


def test_a_target_that_does_not_answer_says_so_in_swedish() -> None:
    TargetHealth.objects.create(name="minio", answering=False, message=AWAY, phrases={"message": AWAY.as_json()})
    shown = page("/platform/")
    assert shown.count("minio svarar inte (ingen förbindelse)") >= 1
    assert AWAY not in shown


def test_rows_from_before_and_texts_that_were_written_without_a_phrase_are_quoted() -> None:
    project = project_of(ask())
    settle(project)
    row = holds_up(project, TAKEN, reason=Reason.NAME_TAKEN)
    Resource.objects.filter(pk=row.pk).update(phrases={})
    assert TAKEN in page("/projects/demand/resources/")
    Resource.objects.filter(pk=row.pk).update(phrases={"synced_message": REFUSES.as_json()})
    assert TAKEN in page("/projects/demand/resources/")


@pytest.mark.django_db(transaction=True)
def test_the_engine_keeps_how_it_was_put_together(world: World) -> None:
    project = look(asked())
    world.spoil_quota()
    look(project)
    drift = Event.objects.get(project=project, reason=Reason.DRIFTED)
    assert "ResourceQuota/slipway-compute ändrades, fast ingen bad om det här." in page("/platform/drift/")
    assert drift.message == "ResourceQuota/slipway-compute was changed, though nobody asked here."
    assert "Återställde ResourceQuota/slipway-compute." in page("/projects/demand/activity/")
    # What is right says nothing that the wish doesn't say again.
    assert {str(one.phrases) for one in project.resources.all()} == {"{}"}
    assert fresh(project).settled


def test_what_was_known_of_a_resource_is_kept_when_something_else_moves() -> None:
    row = Resource()
    condition = Condition(Status.FALSE, Reason.REJECTED, REFUSES, timezone.now())
    row.set_conditions(synced=condition, ready=condition)
    again: Any = Resource(phrases=row.phrases, synced_message=row.synced_message, ready_message=row.ready_message)
    again.synced_status = again.ready_status = Status.FALSE
    again.set_conditions(synced=again.synced, ready=again.ready)
    assert again.phrases == row.phrases == {"synced_message": REFUSES.as_json(), "ready_message": REFUSES.as_json()}
