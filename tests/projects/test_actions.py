"""What people can do with projects, as whole stories on a real Postgres."""

from dataclasses import replace
from typing import Any

import pytest

from portal.models import User
from projects import actions, decisions
from projects.errors import Conflict, Fault, InvalidSpec, NotAllowed, NotFound, StaleGeneration
from projects.installation import installation
from projects.models import Decision, Door, Project, ProjectHistory, ProjectRequest
from projects.spec import wish_for
from provisioning.secrets import KeyRing
from tests.people import person

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("pages")]


def ask(who: str = "alice", **changes: Any) -> actions.Asked:
    data = {"slug": "demand", "team": "forecasting", **changes}
    return actions.create(data, by=person(who), door=Door.API, installation=installation())


def change(project: Project, who: str = "alice", *, expected: int | None = None, **changes: Any) -> actions.Asked:
    data = {**project.spec, **changes}
    return actions.change(project, data, by=person(who), door=Door.API, installation=installation(), expected=expected)


def retire(project: Project, who: str = "alice", **changes: Any) -> actions.Asked:
    return actions.retire(project, by=person(who), door=Door.API, installation=installation(), **changes)


def faults(error: pytest.ExceptionInfo[InvalidSpec]) -> list[tuple[str, str]]:
    return [(fault.field, fault.code) for fault in error.value.faults]


def test_a_wish_becomes_a_project_a_request_and_memberships() -> None:
    asked = ask(title="Demand forecast", contributors=[{"group": "ml-vision", "role": "editor"}])
    project, request = asked.project, asked.request
    assert project is not None
    assert request is not None
    assert (project.generation, project.observed_generation, project.units) == (1, 0, 4)
    assert project.spec == {
        "version": 1,
        "slug": "demand",
        "title": "Demand forecast",
        "team": "forecasting",
        "plan": "small",
        "contributors": [{"group": "ml-vision", "role": "editor"}, {"user": "alice@corp.example", "role": "owner"}],
    }
    assert (request.decision, request.rule, request.generation) == (Decision.APPROVED, "within-budget", 1)
    rows = set(project.memberships.values_list("subject", "is_group", "role", "source"))
    assert rows == {("alice@corp.example", False, "owner", "api"), ("ml-vision", True, "editor", "api")}


def test_a_new_key_in_front_leaves_the_secrets_of_projects_as_they_are() -> None:
    project = ask().project
    assert project is not None
    settings = installation()
    newest = ("k-new", b"n" * 32)
    rotated = replace(settings, key_ring=KeyRing(keys=(newest, *settings.key_ring.keys)))
    spec, uid = project.wanted(), str(project.uid)
    before = wish_for(spec, installation=settings, uid=uid, key_id=project.key_id).secret("bucket")
    assert wish_for(spec, installation=rotated, uid=uid, key_id=project.key_id).secret("bucket") == before
    assert wish_for(spec, installation=rotated, uid=uid).secret("bucket") != before


def test_a_dry_run_writes_nothing() -> None:
    asked = actions.create(
        {"slug": "demand", "team": "forecasting"},
        by=person("alice"), door=Door.FORM, installation=installation(), dry_run=True,
    )  # fmt: skip
    assert asked.preview.counts["create"] > 20
    assert asked.preview.names == {
        "namespace": "ml-demand", "bucket": "ml-demand", "repository": "forecasting/demand",
    }  # fmt: skip
    assert not Project.objects.exists()
    assert not ProjectRequest.objects.exists()


def test_all_faults_at_once() -> None:
    with pytest.raises(InvalidSpec) as error:
        ask(
            slug="kube-demand", plan="huge", colour="red", expires="2020-01-01",
            contributors=[{"user": "system:masters"}, {"user": "bob@corp.example", "role": "king"}],
            options={"bucket": {"quota": "-5Gi"}, "moon": {}},
        )  # fmt: skip
    assert faults(error) == [
        ("contributors.0.user", "value_error"),
        ("contributors.1.role", "enum"),
        ("colour", "extra_forbidden"),
        ("plan", "unknown_plan"),
        ("slug", "reserved"),
        ("options.bucket.quota", "value_error"),
        ("options.moon", "no_options"),
    ]


@pytest.mark.parametrize("slug", ["demand", "DEMAND"])
def test_a_taken_name_is_refused(slug: str) -> None:
    ask()
    with pytest.raises(InvalidSpec) as error:
        ask(slug=slug)
    assert error.value.faults[0].path == ("slug",)


def test_strangers_learn_nothing_of_teams() -> None:
    answers = []
    for team in ("forecasting", "no-such-team"):
        with pytest.raises(InvalidSpec) as error:
            ask("charlie", team=team)
        answers.append(error.value.faults[0].message.replace(team, "T"))
    assert answers[0] == answers[1]


def test_a_change_is_the_next_generation() -> None:
    project = ask().project
    assert project is not None
    changed = change(project, plan="medium", expected=1)
    assert changed.project is not None
    assert (changed.project.generation, changed.project.units) == (2, 12)
    assert changed.preview.counts["update"] >= 1
    assert changed.preview.counts["delete"] == 0


def test_the_same_again_changes_nothing() -> None:
    project = ask().project
    assert project is not None
    assert change(project).unchanged
    project.refresh_from_db()
    assert project.generation == 1


def test_a_stale_change_is_refused() -> None:
    project = ask().project
    assert project is not None
    change(project, plan="medium")
    with pytest.raises(StaleGeneration):
        change(project, plan="small", expected=1)


@pytest.mark.parametrize("who, error", [("charlie", NotFound), ("bob", NotAllowed)])
def test_who_may_not_change(who: str, error: type[Exception]) -> None:
    project = ask().project
    assert project is not None
    for attempt in (lambda: change(project, who, plan="medium"), lambda: retire(project, who)):
        with pytest.raises(error):
            attempt()


def test_a_wish_that_names_no_owner_keeps_the_owners() -> None:
    project = ask().project
    assert project is not None
    changed = change(project, contributors=[{"user": "bob@corp.example", "role": "editor"}]).project
    assert changed is not None
    assert changed.spec["contributors"] == [
        {"user": "bob@corp.example", "role": "editor"},
        {"user": "alice@corp.example", "role": "owner"},
    ]


def test_the_last_owner_has_no_end_date() -> None:
    project = ask().project
    assert project is not None
    with pytest.raises(InvalidSpec) as error:
        change(project, contributors=[{"user": "alice@corp.example", "role": "owner", "until": "2099-01-01"}])
    assert faults(error) == [("contributors", "no_owner")]


def test_slug_and_team_stay() -> None:
    project = ask().project
    assert project is not None
    with pytest.raises(InvalidSpec) as error:
        change(project, slug="other", team="vision")
    assert faults(error) == [("slug", "fixed"), ("team", "fixed")]


def test_a_gpu_waits_for_a_person_and_then_comes() -> None:
    project = ask().project
    assert project is not None
    asked = change(project, plan="gpu")
    request = asked.request
    assert request is not None
    assert (request.decision, request.rule) == (Decision.PENDING, "gpu-asks")
    project.refresh_from_db()
    assert (project.generation, project.spec["plan"]) == (1, "small")
    approved = decisions.approve(
        request, by=person("paula"), door=Door.FORM, installation=installation(), comment="Go ahead."
    )
    project.refresh_from_db()
    assert (approved.decision, approved.generation, project.generation) == (Decision.APPROVED, 2, 2)
    assert project.spec["plan"] == "gpu"
    with pytest.raises(Conflict):
        decisions.approve(request, by=person("paula"), door=Door.FORM, installation=installation())


def test_a_request_overtaken_by_a_change_is_not_granted() -> None:
    project = ask().project
    assert project is not None
    request = change(project, plan="gpu").request
    assert request is not None
    Project.objects.filter(pk=project.pk).update(generation=2)
    with pytest.raises(Conflict, match="changed after this was asked"):
        decisions.approve(request, by=person("paula"), door=Door.FORM, installation=installation())


def test_a_newer_request_replaces_the_older_one() -> None:
    project = ask().project
    assert project is not None
    older = change(project, plan="gpu").request
    change(project, plan="medium")
    assert older is not None
    older.refresh_from_db()
    assert older.decision == Decision.WITHDRAWN


def test_nobody_decides_about_their_own() -> None:
    asked = ask("paula", plan="gpu")
    assert asked.project is None
    request = asked.request
    assert request is not None
    with pytest.raises(NotAllowed):
        decisions.approve(request, by=person("paula"), door=Door.FORM, installation=installation())
    with pytest.raises(NotFound):
        decisions.reject(request, by=person("charlie"), door=Door.FORM, comment="No.")


def test_a_rejection_says_why() -> None:
    request = ask(plan="gpu").request
    assert request is not None
    with pytest.raises(InvalidSpec):
        decisions.reject(request, by=person("paula"), door=Door.FORM, comment="  ")
    rejected = decisions.reject(request, by=person("paula"), door=Door.FORM, comment="Use medium first.")
    assert (rejected.decision, rejected.comment) == (Decision.REJECTED, "Use medium first.")
    assert ask(plan="small").project is not None


def test_a_waiting_name_is_held_and_withdrawn_again() -> None:
    request = ask(plan="gpu").request
    assert request is not None
    with pytest.raises(InvalidSpec):
        ask(plan="small")
    decisions.withdraw(request, by=person("alice"), door=Door.FORM)
    assert ask(plan="small").project is not None


def test_data_goes_only_with_the_typed_name() -> None:
    project = ask().project
    assert project is not None
    with pytest.raises(InvalidSpec):
        retire(project, remove_data=True, typed_name="something")
    asked = retire(project, remove_data=True, typed_name="demand")
    assert asked.project is not None
    assert (asked.project.remove_data, asked.project.generation) == (True, 2)
    assert asked.preview.counts["create"] == 0
    with pytest.raises(Conflict):
        change(asked.project, plan="medium")


def test_a_budget_is_kept() -> None:
    for number in range(8):
        assert ask(slug=f"medium-{number}", plan="medium").project is not None
    asked = ask(slug="one-more", plan="medium")
    assert asked.project is None
    assert asked.request is not None
    assert asked.request.decision == Decision.PENDING
    assert asked.preview.free_units == 4


def test_history_says_who_by_which_door() -> None:
    project = ask().project
    assert project is not None
    change(project, "alice", plan="medium")
    entries = ProjectHistory.objects.filter(pgh_obj=project).order_by("pgh_id")
    assert [(entry.pgh_label, entry.generation) for entry in entries] == [("insert", 1), ("update", 2)]
    assert [entry.pgh_context.metadata for entry in entries] == [{"actor": "alice@corp.example", "door": "api"}] * 2


def test_a_removed_persons_group_sees_nothing() -> None:
    project = ask(contributors=[{"group": "ml-users", "role": "viewer"}]).project
    assert project is not None
    charlie: User = person("charlie")
    with pytest.raises(NotAllowed):
        actions.look_again(project, by=charlie, door=Door.API)
    charlie.groups.clear()
    with pytest.raises(NotFound):
        actions.look_again(project, by=User.objects.get(pk=charlie.pk), door=Door.API)
    assert not project.looks_asked.exists()


def test_fault_paths_read_as_text() -> None:
    assert Fault(path=("contributors", 0, "role"), code="x", message="m").field == "contributors.0.role"
