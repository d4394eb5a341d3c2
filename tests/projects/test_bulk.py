"""Acting on many: what the preview says is what happens, one after the other, once each, whatever dies meanwhile."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pghistory.models
import pytest
from django.db import connection, transaction

from portal.models import User
from projects import bulk, bulk_tasks, decisions, permissions, skipping
from projects.bulk import Wanted
from projects.errors import Conflict, InvalidSpec, NotAllowed, NotFound
from projects.installation import installation
from projects.models import (
    BulkItem,
    BulkRun,
    Decision,
    Door,
    ItemState,
    Membership,
    Project,
    ProjectRequest,
    RunState,
    SkippedKind,
)
from provisioning.errors import Reason
from tests.people import person, team
from tests.projects.asking import change_asked, fresh, present
from tests.projects.fleet import broken, ready
from tests.projects.tended import World, installed

pytestmark = pytest.mark.django_db(transaction=True)
WHY = "The store is moved tonight."


def made(*slugs: str, **fields: Any) -> list[Project]:
    found = []
    for slug in slugs:
        project = ready(slug, **fields)
        Membership.objects.create(project=project, subject="alice@corp.example", role="owner", source=Door.FORM)
        found.append(project)
    return found


def draft(action: str, projects: Sequence[Project] | None = None, *, who: str = "paula", **more: str) -> BulkRun:
    chosen = Project.objects.order_by("slug").select_related("team").prefetch_related("resources", "skipped_kinds")
    if projects is not None:
        chosen = chosen.filter(pk__in=[one.pk for one in projects])
    wanted = Wanted(action=action, **{"because": WHY, **more})
    return bulk.draft(wanted, list(chosen), by=person(who), door=Door.FORM, installation=installation())


def start(run: BulkRun, *, who: str = "paula", first: int | None = None) -> None:
    bulk.start(run, by=person(who), door=Door.FORM, first=first)


def run_on(run: BulkRun) -> BulkRun:
    """As a worker does."""
    bulk_tasks.go_on(run.pk)
    return BulkRun.objects.get(pk=run.pk)


def states(run: BulkRun) -> dict[str, str]:
    return dict(run.items.values_list("project__slug", "state"))


def said(run: BulkRun, field: str = "message") -> dict[str, str]:
    return dict(run.items.values_list("project__slug", field))


def suspended() -> list[str]:
    return list(Project.objects.filter(suspended=True).order_by("slug").values_list("slug", flat=True))


def test_a_preview_changes_nothing_and_says_who_is_left_out(world: World) -> None:
    made("a", "b")
    made("c", suspended=True)
    run = draft("suspend")
    assert (run.state, run.because, run.by_name) == (RunState.DRAFT, WHY, "paula@corp.example")
    assert states(run) == {"a": "waiting", "b": "waiting", "c": "left_out"}
    assert said(run, "foreseen")["c"] == "It is suspended already."
    assert run_on(run).state == RunState.DRAFT
    assert suspended() == ["c"]
    assert world.rung == []


def test_all_are_done_in_order_with_who_and_why_in_the_history(world: World) -> None:
    projects = made("a", "b", "c")
    run = draft("suspend")
    start(run)
    run = run_on(run)
    assert (run.state, run.ended_at is not None) == (RunState.DONE, True)
    assert suspended() == ["a", "b", "c"]
    assert bulk.progress(run) == {"waiting": 0, "left_out": 0, "done": 3, "asked": 0, "refused": 0}
    assert list(run.items.order_by("at").values_list("project__slug", flat=True)) == ["a", "b", "c"]
    told = pghistory.models.Events.objects.tracks(projects[0]).order_by("pgh_created_at").last()
    assert told is not None
    seen = {name: told.pgh_context[name] for name in ("actor", "door", "because", "bulk_run")}
    assert seen == {"actor": "paula@corp.example", "door": "form", "because": WHY, "bulk_run": run.pk}
    assert world.rung == ["projects.bulk_tasks.go_on", *["reconcile_project"] * 3]


def test_it_starts_with_some_and_goes_on_and_stops_when_told(world: World) -> None:
    made("a", "b", "c", "d", "e")
    run = draft("suspend")
    start(run, first=2)
    run = run_on(run)
    assert (run.state, suspended()) == (RunState.PAUSED, ["a", "b"])
    start(run, first=1)
    assert (run_on(run).state, suspended()) == (RunState.PAUSED, ["a", "b", "c"])
    start(run)
    bulk.pause(run, by=person("paula"), door=Door.FORM)
    assert run_on(run).state == RunState.PAUSED
    bulk.stop(run, by=person("paula"), door=Door.FORM)
    run = run_on(run)
    assert (run.state, suspended()) == (RunState.STOPPED, ["a", "b", "c"])
    assert bulk.progress(run)["waiting"] == 2
    for turn in (start, bulk.pause, bulk.stop):
        with pytest.raises(Conflict):
            turn(run) if turn is start else turn(run, by=person("paula"), door=Door.FORM)  # type: ignore[operator]


class Killed(Exception):
    """The worker is gone before its transaction ended."""


def die_before_the_commit(run: BulkRun) -> None:
    with transaction.atomic():
        assert bulk.step(run.pk, installation=installation()) is True
        raise Killed


def test_what_died_in_the_middle_of_an_item_is_done_once(world: World) -> None:
    made("a", "b")
    run = draft("plan", plan="medium")
    start(run)

    with pytest.raises(Killed):
        die_before_the_commit(run)
    assert (ProjectRequest.objects.count(), bulk.progress(run)["waiting"]) == (0, 2)
    world.rung.clear()
    bulk_tasks.ring_for_runs()
    assert world.rung == ["projects.bulk_tasks.go_on"]
    assert run_on(run).state == RunState.DONE
    assert list(ProjectRequest.objects.order_by("slug").values_list("slug", "note")) == [("a", WHY), ("b", WHY)]
    assert list(Project.objects.order_by("slug").values_list("generation", flat=True)) == [2, 2]


def test_many_workers_do_each_item_once(world: World) -> None:
    made(*(f"p{number}" for number in range(8)))
    run = draft("plan", plan="medium")
    start(run)

    def work(_: int) -> None:
        try:
            bulk_tasks.go_on(run.pk)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(8)))
    run_on(run)
    assert set(states(run).values()) == {"done"}
    assert ProjectRequest.objects.count() == 8
    assert set(Project.objects.values_list("generation", flat=True)) == {2}


def test_a_changed_plan_is_previewed_and_goes_by_the_policy(world: World) -> None:
    made("a", "b")
    made("c", plan="medium", units=8)
    run = draft("plan", plan="medium")
    item = run.items.get(project__slug="a")
    assert item.foreseen.startswith("Plan small to medium: ")
    assert any(line.startswith("update Limits: ") and "→" in line for line in item.changes)
    assert said(run, "foreseen")["c"] == "It has plan medium already."
    start(run)
    run = run_on(run)
    assert states(run) == {"a": "done", "b": "done", "c": "left_out"}
    request = run.items.get(project__slug="a").request
    assert request is not None
    assert (request.decision, request.requested_by_name, request.note) == ("approved", "paula@corp.example", WHY)
    assert Project.objects.get(slug="a").spec["plan"] == "medium"


def test_what_a_rule_asks_about_waits_for_a_person(world: World) -> None:
    made("a")
    rule = {"name": "gpu-asks", "plans": ["gpu"], "decision": "ask", "because": "GPUs are few."}
    with installed(policy=[rule]):
        run = draft("plan", plan="gpu")
        assert said(run, "foreseen")["a"].endswith(" A person decides, rule gpu-asks: GPUs are few.")
        start(run)
        run = run_on(run)
    assert states(run) == {"a": "asked"}
    assert ProjectRequest.objects.get().decision == Decision.PENDING
    assert Project.objects.get().generation == 1


def test_a_run_joins_nothing_that_waits_so_that_who_starts_it_decides_about_it(world: World) -> None:
    before, after = made("a", "b")
    paula = person("paula")
    team("forecasting")
    rule = {"name": "gpu-asks", "plans": ["gpu"], "decision": "ask", "because": "GPUs are few."}
    with installed(policy=[rule]):
        first = change_asked(before, person("alice"), plan="gpu")
        run = draft("plan", plan="gpu")
        assert said(run, "foreseen")["a"] == _asked_already(first)
        second = change_asked(after, person("alice"), plan="gpu")
        decisions.ask_for_changes(second, by=paula, door=Door.FORM, text="What for?")
        start(run)
        run = run_on(run)
    assert states(run) == {"a": "left_out", "b": "asked"}
    item = run.items.get(project=after)
    assert (item.request, item.message) == (second, _asked_already(second))
    assert fresh(second).asked_back_at is not None
    assert [(one.by, one.text) for one in second.comments.all()] == [(paula, "What for?")]
    assert [permissions.may_decide(present("paula"), fresh(one)) for one in (first, second)] == [True, True]


def _asked_already(request: ProjectRequest) -> str:
    return f"alice@corp.example has asked for this already, and it waits as request {request.pk}."


def test_what_changed_after_the_preview_is_refused(world: World) -> None:
    (project,) = made("a")
    run = draft("plan", plan="medium")
    start(run)
    Project.objects.filter(pk=project.pk).update(generation=2)
    run = run_on(run)
    assert (run.state, states(run)) == (RunState.DONE, {"a": "refused"})
    assert "was changed in between" in said(run)["a"]
    assert Project.objects.get().spec["plan"] == "small"


def test_one_resource_of_many_is_skipped_retried_and_looked_at_again(world: World) -> None:
    a, b = made("a", "b")
    broken(a, "repository", Reason.NAME_TAKEN, "It is not ours.")
    a.resources.filter(kind="repository").update(failures=7)
    skipping.skip(b, "repository", by=person("paula"), door=Door.FORM, because="Earlier.")
    retry = draft("retry", kind="repository")
    assert said(retry, "foreseen") == {
        "a": "Repository is tried again at once. Now: NameTaken. It is not ours.",
        "b": "Repository is skipped already. Look at it again first.",
    }
    start(retry)
    run_on(retry)
    assert a.resources.get(kind="repository").failures == 0
    skip = draft("skip", kind="repository")
    start(skip)
    run_on(skip)
    assert dict(SkippedKind.objects.values_list("project__slug", "because")) == {"a": WHY, "b": "Earlier."}
    again = draft("unskip", kind="repository")
    start(again)
    run_on(again)
    assert (SkippedKind.objects.count(), states(again)) == (0, {"a": "done", "b": "done"})


def test_resume_and_look_again(world: World) -> None:
    made("a", suspended=True)
    made("b")
    look = draft("look")
    assert said(look, "foreseen") == {
        "a": "It is suspended, so nobody looks at it. Resume it first.",
        "b": "Everything was looked at. 0 of its resources are not as they should be.",
    }
    resume = draft("resume")
    start(resume)
    run_on(resume)
    assert (states(resume), suspended()) == ({"a": "done", "b": "left_out"}, [])


def test_what_has_ended_is_not_resumed_and_may_be_suspended_for_good(world: World) -> None:
    late, held, later = made("a", "b", "c", suspended=True)
    Project.objects.filter(pk=late.pk).update(ended=True)
    spec = {**late.spec, "expires": "2020-01-01"}
    Project.objects.filter(pk__in=[late.pk, held.pk]).update(spec=spec)
    refusal = "The last day of a was 2020-01-01. Give it a later one; that resumes it."
    resume = draft("resume")
    assert said(resume, "foreseen") == {
        "a": refusal,
        "b": "The last day of b was 2020-01-01. Give it a later one first, then resume it.",
        "c": "It is looked at; what moved meanwhile is put right.",
    }
    Project.objects.filter(pk=later.pk).update(spec=spec)
    start(resume)
    run_on(resume)
    assert states(resume) == {"a": "left_out", "b": "left_out", "c": "refused"}
    assert said(resume)["c"] == "The last day of c was 2020-01-01. Give it a later one first, then resume it."
    suspend = draft("suspend")
    assert said(suspend, "foreseen")["a"] == (
        "It has ended. Once it is suspended too, a later last day no longer resumes it."
    )
    start(suspend)
    run_on(suspend)
    assert states(suspend) == {"a": "done", "b": "left_out", "c": "left_out"}
    assert list(Project.objects.filter(ended=True)) == []


def test_who_left_the_platform_team_does_nothing_more(world: World) -> None:
    made("a", "b")
    run = draft("suspend")
    start(run, first=1)
    run_on(run)
    start(run)
    User.objects.filter(username="paula@corp.example").update(is_staff=False)
    run = run_on(run)
    assert (run.state, suspended()) == (RunState.PAUSED, ["a"])
    assert run.said == "paula@corp.example is no longer of the platform team, so nothing more is done."


@pytest.mark.parametrize("who", ["alice", "charlie"])
def test_to_others_there_are_no_runs(world: World, who: str) -> None:
    made("a")
    with pytest.raises(NotFound):
        draft("suspend", who=who)
    run = draft("suspend")
    with pytest.raises(NotFound):
        bulk.visible_run(person(who), run.pk)
    for turn in (bulk.start, bulk.pause, bulk.stop):
        with pytest.raises(NotFound):
            turn(run, by=person(who), door=Door.API)  # type: ignore[operator]


def test_another_of_the_platform_team_may_stop_it_and_not_start_it(world: World) -> None:
    made("a")
    run = draft("suspend")
    bob = person("bob")
    bob.is_staff = True
    bob.save()
    with pytest.raises(NotAllowed, match="Preview the same yourself"):
        bulk.start(run, by=bob, door=Door.FORM)
    assert bulk.stop(run, by=bob, door=Door.FORM).state == RunState.STOPPED


def test_every_fault_at_once(world: World) -> None:
    with pytest.raises(InvalidSpec) as wrong:
        draft("skip", because=" ")
    assert [fault.field for fault in wrong.value.faults] == ["kind", "because", "projects"]
    with pytest.raises(InvalidSpec) as wrong:
        draft("dance", [])
    assert [fault.code for fault in wrong.value.faults] == ["unknown_action", "missing"]
    with pytest.raises(InvalidSpec) as wrong:
        draft("plan", plan="huge")
    assert [fault.field for fault in wrong.value.faults] == ["plan", "projects"]
    with pytest.raises(InvalidSpec, match="Start with at least one"):
        start(draft("suspend", made("a")), first=0)


def test_a_choice_that_is_too_large_says_how_many_are_possible(world: World) -> None:
    rows = [Project(slug=f"p{number}", team=team("vision"), spec={"slug": f"p{number}"}) for number in range(201)]
    Project.objects.bulk_create(rows)
    with pytest.raises(InvalidSpec, match="These are 201 projects, and one run takes at most 200"):
        draft("plan", plan="medium")
    assert BulkItem.objects.filter(run=draft("suspend"), state=ItemState.WAITING).count() == 201


@pytest.mark.parametrize(("action", "kind"), [("look", ""), ("retry", "bucket")])
def test_why_a_look_was_asked_stands_with_the_project(world: World, action: str, kind: str) -> None:
    (project,) = made("a")
    run = draft(action, kind=kind)
    start(run)
    run_on(run)
    assert project.looks_asked.values_list("because", "kind").get() == (WHY, kind)
