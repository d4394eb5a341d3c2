"""A skipped Kind is left alone, says why, holds up nothing, and is put right when the skipping ends."""

from datetime import UTC, datetime

import pghistory.models
import pytest

from projects import skipping
from projects.errors import Conflict, InvalidSpec, NotAllowed, NotFound
from projects.happenings import Wanted, records
from projects.models import Door, Project, SkippedKind
from provisioning.conditions import Word
from provisioning.errors import PermanentError, Reason
from provisioning.kind import kinds
from tests.people import bearer, client, person
from tests.projects.pages import text
from tests.projects.tended import World, asked, change, events, fresh, is_due, look, rows
from tests.usual import usual_kinds

pytestmark = pytest.mark.django_db(transaction=True)
WHY = "The vendor mends the forge on Friday."


def skip(project: Project, kind: str = "limits", *, who: str = "paula") -> SkippedKind:
    return skipping.skip(project, kind, by=person(who), door=Door.FORM, because=WHY)


def test_a_skipped_kind_is_not_touched_and_the_rest_goes_on(world: World) -> None:
    project = look(asked())
    row = skip(project)
    assert is_due(project)
    world.spoil_quota()
    project = look(project)
    assert rows(project) == {**dict.fromkeys(usual_kinds(), "Available"), "limits": "Suspended"}
    assert (world.pods(), project.word) == ("9000", Word.READY)
    shown = project.resources.get(kind="limits")
    assert (shown.word, shown.synced_message, shown.ready_status) == (Word.SUSPENDED, row.sentence, "True")
    assert row.sentence.endswith(f"paula@corp.example skipped it. {WHY}")


@pytest.mark.usefixtures("pages")
def test_pages_say_it_in_the_reader_s_language_and_time_zone(world: World) -> None:
    project = look(asked())
    row = skip(project)
    SkippedKind.objects.update(since=datetime(2026, 11, 27, 23, 15, tzinfo=UTC))
    look(project)
    browser = client("alice")
    page = text(browser.get("/projects/demand/resources/"))
    assert f"Nobody has looked at it since 27 Nov 23:15: paula@corp.example skipped it. {WHY}" in page
    browser.cookies["browser_zone"] = "Europe/Stockholm"
    page = text(browser.get("/projects/demand/resources/", headers={"Accept-Language": "sv"}))
    assert f"Ingen ser till den sedan 28 nov 00:15: paula@corp.example hoppade över den. {WHY}" in page
    row.refresh_from_db()
    assert project.resources.get(kind="limits").synced_message == row.sentence


def test_when_the_skipping_ends_what_moved_is_put_right(world: World) -> None:
    project = look(asked())
    pods = world.pods()
    skip(project)
    world.spoil_quota()
    look(project)
    assert skipping.look_at_again(project, "limits", by=person("paula"), door=Door.FORM, because="Mended.") is True
    project = look(project)
    assert (world.pods(), rows(project)) == (pods, dict.fromkeys(usual_kinds(), "Available"))
    assert [kind for kind, _ in events(Reason.DRIFTED)] == ["limits"]
    assert skipping.look_at_again(project, "limits", by=person("paula"), door=Door.FORM, because="Mended.") is False


def test_a_new_wish_becomes_ready_without_what_is_skipped(world: World) -> None:
    project = look(asked())
    skip(project)
    world.cluster.fail_with(PermanentError("The quota was refused."), on="apply", times=99)
    world.cluster.end_failures()
    change(fresh(project), plan="large")
    project = look(project)
    assert project.ready_at is not None
    assert project.resources.get(kind="limits").observed_generation == 1
    skipping.look_at_again(project, "limits", by=person("paula"), door=Door.FORM, because="Mended.")
    assert look(project).resources.get(kind="limits").observed_generation == 2


def test_what_needs_a_skipped_kind_that_was_never_made_waits_for_it(world: World) -> None:
    project = asked()
    skip(project, "repository")
    project = look(project)
    assert rows(project)["webhook"] == "DependencyNotReady"
    assert project.ready_at is None
    assert world.forge.made("create_repository", "create_from_template") == []


def test_a_removal_leaves_nothing_out(world: World) -> None:
    project = look(asked())
    skip(project)
    Project.objects.filter(pk=project.pk).update(deletion_requested_at="2026-11-23T00:00:00Z")
    with pytest.raises(Conflict, match="a removal leaves no Kind out"):
        skip(project, "network")
    for _ in range(4):
        project = look(project)
    assert project.deleted_at is not None


def test_who_may_skip(world: World) -> None:
    project = look(asked())
    with pytest.raises(NotAllowed):
        skip(project, who="bob")
    with pytest.raises(NotFound):
        skip(project, who="charlie")
    with pytest.raises(NotFound):
        skipping.look_at_again(project, "limits", by=person("charlie"), door=Door.API, because="Mended.")
    assert SkippedKind.objects.count() == 0


def test_all_faults_at_once_and_the_first_reason_stays(world: World) -> None:
    project = look(asked())
    with pytest.raises(InvalidSpec) as wrong:
        skipping.skip(project, "coffee", by=person("paula"), door=Door.API, because=" ")
    assert [fault.field for fault in wrong.value.faults] == ["kind", "because"]
    first = skip(project)
    again = skipping.skip(project, "limits", by=person("paula"), door=Door.API, because="Another reason.")
    assert (again.pk, again.because) == (first.pk, WHY)


def test_the_history_says_who_skipped_and_who_ended_it(world: World) -> None:
    project = look(asked())
    row = skip(project)
    skipping.look_at_again(project, "limits", by=person("paula"), door=Door.API, because="Mended.")
    told = pghistory.models.Events.objects.tracks(row).order_by("pgh_created_at")
    assert [(one.pgh_label, one.pgh_context["actor"], one.pgh_context["door"]) for one in told] == [
        ("insert", "paula@corp.example", "form"),
        ("delete", "paula@corp.example", "api"),
    ]


def test_the_activity_says_who_skipped_and_ended_it_by_which_door_and_why(world: World) -> None:
    project = look(asked())
    skip(project)
    skipping.look_at_again(project, "limits", by=person("paula"), door=Door.API, because="Mended.")
    wanted = Wanted(who="paula")
    found = list(records(project, wanted=wanted))
    title = kinds()["limits"].title
    assert [(one["what"], one["who"], one["door"], one["note"], one["kind"]) for one in found] == [
        (f"ended the skipping of {title}", "paula@corp.example", "api", "Mended.", "limits"),
        (f"skipped {title}", "paula@corp.example", "form", WHY, "limits"),
    ]
    for narrow in (Wanted(door="api"), Wanted(words="mend"), Wanted(who="paula", kind="limits", door="api")):
        assert list(records(project, wanted=narrow))[:1] == found[:1]
    assert list(records(project, wanted=Wanted(words=WHY.lower()))) == found[1:]
    assert list(records(project, wanted=Wanted(who="paula", kind="bucket"))) == []
    page = text(client("paula").get(f"/projects/{project.slug}/activity/"))
    assert f"paula@corp.example skipped {title} “{WHY}”" in page
    items = bearer("paula", "read").get(f"/api/v1/projects/{project.slug}/activity/?who=paula").json()["items"]
    assert [one["what"] for one in items] == [one["what"] for one in found]
