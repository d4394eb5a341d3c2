"""What the scorecard's rules are told of a project: from its reports, people, resources and the files on main."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from devstack import python_env
from projects.installation import installation
from projects.model_history import branches_of
from projects.models import (
    DirectoryEdge,
    DirectoryEntry,
    Membership,
    Project,
    RegisteredRepository,
    TrainingAsked,
    UsageDay,
)
from projects.scorecard import CARDS, OWNERS_FILE, Facts, judge
from projects.scorecard_facts import facts_of
from projects.today import today
from provisioning.conditions import Status
from provisioning.errors import PermanentError, Reason
from provisioning.models import Resource
from provisioning.project_templates.answers import NAMES, put_in
from provisioning.quantities import parse_quantity
from tests.ci import MAE, PASSED, ci, send
from tests.people import person, teams
from tests.projects.file_door import NAME, PROFILE, PushedForge, listen, listened, look
from tests.projects.tended import REPOSITORY, World, asked, installed
from tests.projects.tended import look as look_at_project

pytestmark = pytest.mark.django_db(transaction=True)
NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


@pytest.fixture
def project(world: World, nothing_remembered: None) -> Project:
    return asked(options={"repository": {"approvals": 2, "model_gate": "required"}}, environment="test")


def facts(project: Project) -> Facts:
    """As they are now."""
    fresh = Project.objects.select_related("registered_repository").get(pk=project.pk)
    return facts_of([fresh])[project.pk]


def test_facts_come_from_the_newest_report_of_main_and_from_who_counts_now(project: Project) -> None:
    script = ci(project)
    main = {"branch": "main", "pull_request": None, "tests": PASSED}
    for number, changes in enumerate(
        [
            {**main, "reproduced": True},
            {**main, "metrics": [{**MAE, "threshold": None}], "reproduced": None, "data_hash": "a" * 32 + ".dir"},
            {**main, "branch": "other", "data_hash": "b" * 32 + ".dir", "reproduced": None},
            {**main, "branch": "mine", "pull_request": 3, "data_hash": "c" * 32 + ".dir", "reproduced": False},
        ]
    ):
        assert send(script, commit=f"{number:040x}", run=str(number), **changes).status_code == 201
    for subject, group, until in (
        ("alice@corp.example", False, None),
        ("bob@corp.example", False, today() - timedelta(days=1)),
        ("ml-vision", True, None),
    ):
        Membership.objects.create(project=project, subject=subject, is_group=group, role="owner", until=until)
    UsageDay.objects.create(project=project, day=today(), figures={"cpu": [2.0, 8.0], "pods": [1.0, None]})
    UsageDay.objects.create(project=project, day=today() - timedelta(days=3), figures={"cpu": [6.0, 8.0]})
    UsageDay.objects.create(project=project, day=today() - timedelta(days=20), figures={"cpu": [8.0, 8.0]})
    TrainingAsked.objects.create(project=project, because="person", sent_at=NOW)

    facts = facts_of([project])[project.pk]

    assert facts.report is not None
    assert (facts.report.data_hash, facts.report.thresholds, facts.report.tests_passed) == ("a" * 32 + ".dir", 0, 13)
    assert (facts.repeated, facts.trained_at, facts.retrains) == (True, NOW, False)
    assert (facts.owners, facts.owners_known, facts.approvals, facts.gate_required) == (1, False, 2, True)
    assert (facts.trains, facts.rules_stand) == (None, None)
    assert (facts.environment, facts.documents, facts.shares) == ("test", None, {"cpu": 0.75})
    assert facts.lasting == {"bucket", "storage"}
    assert (facts.protected, facts.gate_possible, facts.suspended) == (True, True, False)


def test_a_step_of_ci_that_failed_is_no_model_test(project: Project) -> None:
    steps = [{"name": "CI failed at lint", "kind": "other"}, {"name": "CI stopped at pipeline", "kind": "other"}]
    main = {"branch": "main", "pull_request": None, "metrics": []}
    assert send(ci(project), **main, tests={"passed": 0, "failed": steps}).status_code == 201
    found = facts(project).report
    assert found is not None
    assert (found.tests_passed, found.tests_failed, found.stopped_at) == (0, 0, "pipeline")


def test_the_main_branch_is_what_the_forge_calls_so(project: Project) -> None:
    script = ci(project)
    for number, branch in enumerate(("trunk", "main", "other")):
        data = {"data_hash": str(number) * 32 + ".dir", "branch": branch, "pull_request": None}
        assert send(script, commit=f"{number:040x}", run=str(number), **data).status_code == 201
    found = facts(project).report
    assert found is not None
    assert found.data_hash == "1" * 32 + ".dir"
    row = RegisteredRepository.objects.create(forge="git-1", full_name="a/b", project=project, default_branch="trunk")
    found = facts(project).report
    assert found is not None
    assert found.data_hash == "0" * 32 + ".dir"
    assert branches_of(Project.objects.get()) == ["trunk", "other", "main"]
    row.default_branch = "production"
    row.save()
    assert facts(project).report is None


def test_rules_of_the_main_branch_count_as_they_were_found(project: Project) -> None:
    row = Resource(project=project, kind="repository_access", target="git-1", observed_generation=project.generation)
    for status, reason, stand in (
        (Status.TRUE, Reason.AVAILABLE, True),
        (Status.FALSE, Reason.DRIFTED, False),
        (Status.FALSE, Reason.TARGET_UNAVAILABLE, None),
        (Status.UNKNOWN, Reason.PROGRESSING, None),
    ):
        row.synced_status, row.synced_reason = status, reason
        row.save()
        assert facts(project).rules_stand is stand, reason
    row.synced_status = Status.TRUE
    row.save()
    Project.objects.update(generation=2)
    assert facts(project).rules_stand is None


def test_a_smaller_plan_has_room_for_what_was_used_and_a_larger_one_allows_more(world: World) -> None:
    made = asked(plan="medium")
    bounded = {"bucket", "cpu", "gpu", "memory", "pods", "storage"}
    plans = installation().catalogue.plans
    assert facts(made).smaller
    assert facts(made).larger == bounded
    more = float(parse_quantity(plans["small"].cpu)) + 1
    UsageDay.objects.create(project=made, day=today(), figures={"cpu": [more, 100.0]})
    assert not facts(made).smaller
    smallest = min(plans.values(), key=lambda one: one.units)
    Project.objects.update(spec={**made.spec, "plan": smallest.name})
    UsageDay.objects.all().delete()
    assert (facts(made).smaller, "cpu" in facts(made).larger) == (False, True)


def _a_report(project: Project) -> int:
    answer = send(ci(project), branch="main", pull_request=None)
    assert answer.status_code == 201
    return int(answer.json()["id"])


def test_it_trains_by_itself_when_a_training_that_nobody_asked_for_has_reported(project: Project) -> None:
    now = timezone.now()
    TrainingAsked.objects.create(project=project, because="person", sent_at=now - timedelta(days=1))
    assert facts(project).trains is None
    row = TrainingAsked.objects.create(project=project, because="schedule", sent_at=now)
    assert facts(project).trains is None
    TrainingAsked.objects.filter(pk=row.pk).update(sent_at=now - timedelta(hours=7))
    assert facts(project).trains is False
    TrainingAsked.objects.filter(pk=row.pk).update(report=_a_report(project))
    assert facts(project).trains is True
    # What may still report changes nothing.
    TrainingAsked.objects.create(project=project, because="data", sent_at=now)
    assert facts(project).trains is True
    TrainingAsked.objects.create(project=project, because="data", given_up_at=NOW)
    assert facts(project).trains is False
    TrainingAsked.objects.create(project=project, because="data")
    assert facts(project).trains is False


def test_people_of_a_group_own_each_and_who_left_does_not(project: Project) -> None:
    Membership.objects.filter(project=project).delete()
    for object_id, is_group, more in (
        ("g-owners", True, {}),
        ("g-inner", True, {}),
        ("p-alice", False, {}),
        ("p-bob", False, {}),
        ("p-charlie", False, {"enabled": False}),
        ("p-paula", False, {"gone_at": NOW}),
    ):
        DirectoryEntry.objects.create(object_id=object_id, is_group=is_group, account=object_id, name=object_id, **more)
    for member, group in (
        *(("p-alice", "g-owners"), ("g-inner", "g-owners"), ("p-alice", "g-inner"), ("p-bob", "g-inner")),
        *(("p-charlie", "g-inner"), ("p-paula", "g-owners"), ("g-owners", "g-inner")),
    ):
        DirectoryEdge.objects.create(member=member, group=group)

    def own(subject: str, object_id: str, *, is_group: bool = True) -> None:
        Membership.objects.create(
            project=project, subject=subject, object_id=object_id, is_group=is_group, role="owner", source="form"
        )

    own("owners", "g-owners")
    assert (facts(project).owners, facts(project).owners_known) == (2, True)
    DirectoryEdge.objects.filter(member="g-inner").delete()
    assert (facts(project).owners, facts(project).owners_known) == (1, True)
    own("alice@corp.example", "p-alice", is_group=False)
    own("charlie@corp.example", "p-charlie", is_group=False)
    assert facts(project).owners == 1
    own("elsewhere", "")
    assert (facts(project).owners, facts(project).owners_known) == (1, False)


@pytest.mark.parametrize(
    ("options", "approvals"),
    [
        ({"approvals": 2}, 2),
        ({"approvals": 2, "protect": False}, 0),
        ({"approvals": 2, "attach": "forecasting/own"}, None),
        ({}, 0),
    ],
)
def test_approvals_count_where_we_set_them(world: World, options: dict[str, Any], approvals: int | None) -> None:
    made = asked(options={"repository": options, "retrain": {"data": "raw/"}})
    assert facts_of([made])[made.pk].approvals == approvals
    assert facts_of([made])[made.pk].retrains
    made.suspended = True
    assert not facts_of([made])[made.pk].retrains


def test_many_projects_ask_no_more_than_one() -> None:
    team = teams()["forecasting"]
    made = [
        Project.objects.create(slug=f"p{n}", team=team, spec={"slug": f"p{n}", "team": "forecasting", "plan": "small"})
        for n in range(20)
    ]
    counts = []
    for some in (made[:1], made):
        rows = list(Project.objects.filter(pk__in=[one.pk for one in some]).select_related("registered_repository"))
        with CaptureQueriesContext(connection) as asked_for:
            facts_of(rows)
        counts.append(len(asked_for))
    assert counts == [7, 7]


@pytest.mark.usefixtures("nothing_remembered")
def test_a_new_tip_is_looked_into_once() -> None:
    teams()
    person("alice")
    forge = PushedForge()
    row = listen(forge)
    forge.push("alice", {"profile.yaml": PROFILE, "MODEL_CARD.md": b"# Model", ".github/CODEOWNERS": b"* @alice"})
    row = look(forge, row)
    assert row.documents == ["CODEOWNERS", "MODEL_CARD.md"]
    assert row.default_branch == "main"
    forge.calls.clear()
    look(forge, row)
    assert forge.made("file") == []
    forge.push("alice", {"MODEL_CARD.md": None, "DATA_CARD.md": b"# Data"})
    assert look(forge, row).documents == ["CODEOWNERS", "DATA_CARD.md"]
    RegisteredRepository.objects.update(documents_at="")
    forge.fail_with(PermanentError("git-1 doesn't let us in."), on="file")
    assert look(forge, row).documents is None
    assert RegisteredRepository.objects.get(full_name=NAME).documents_at == look(forge, row).seen_commit


def said_of(project: Project) -> str:
    """What the scorecard says of its documents."""
    lines = (line for pillar in judge(facts(project)) for line in pillar.lines)
    return next(line.judged.says for line in lines if line.rule.name == "documented")


def test_a_card_that_nobody_wrote_documents_nothing(world: World, project: Project) -> None:
    python_env.ensure_templates()
    look_at_project(project)
    row = listened(project)

    def looked_into() -> list[str]:
        look(world.forge, row)
        return sorted(facts(project).unwritten)

    with installed(templates=[{"name": "start", "forge": "git-1", "copier": "ml-python"}]):
        made = installation().templates.render("ml-python")
        said = {name: f"some {name}" for name in NAMES}
        cards = {name: put_in(made.files[name], said) for name in CARDS}
        world.forge.put_files(REPOSITORY, "main", "Start", {**cards, OWNERS_FILE: b"* @alice"})
        assert looked_into() == sorted(CARDS)
        blanks = {name: content.replace(b"\n", b" \r\n") for name, content in cards.items()}
        world.forge.put_files(REPOSITORY, "main", "Blanks", blanks)
        assert looked_into() == sorted(CARDS)
        own = cards["MODEL_CARD.md"].replace(b"the weekly demand", b"the hourly demand")
        world.forge.put_files(REPOSITORY, "main", "Write", {"MODEL_CARD.md": own})
        assert looked_into() == ["DATA_CARD.md"]
        assert said_of(project) == "Still as the template made it: DATA_CARD.md."
        world.forge.put_files(REPOSITORY, "main", "Add", {"DATA_CARD.md": cards["DATA_CARD.md"] + b"\nUntil 2030.\n"})
        assert looked_into() == []
