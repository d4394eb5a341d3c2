"""The scorecard: each rule's yes, no and not known; its facts from rows; its pages and files."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from devstack import python_env
from projects import intake
from projects.installation import installation
from projects.listening import register_project_repository
from projects.model_history import branches_of
from projects.models import (
    DirectoryEdge,
    DirectoryEntry,
    Membership,
    Project,
    RegisteredRepository,
    Scorecard,
    TrainingAsked,
    UsageDay,
)
from projects.scorecard import CARDS, OWNERS_FILE, RULES, Facts, Judged, Mark, Reported, judge, marks
from projects.scorecard_facts import facts_of
from projects.scorecard_tasks import judge_fleet
from projects.today import today
from provisioning.conditions import Status
from provisioning.errors import PermanentError, Reason
from provisioning.models import Resource
from provisioning.project_templates.answers import NAMES, put_in
from tests.ci import MAE, PASSED, ci, send
from tests.people import bearer, client, person, teams
from tests.projects.file_door import NAME, PROFILE, PushedForge, listen, look
from tests.projects.tended import REPOSITORY, World, asked, installed
from tests.projects.tended import look as look_at_project

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
REPORT = Reported(
    at=NOW - timedelta(days=1),
    data_hash="d41d8cd9.dir",
    environment_hash="e3b0c442",
    tests_passed=12,
    tests_failed=0,
    regression_examples=20,
    thresholds=1,
)
GOOD = Facts(
    now=NOW,
    created_at=NOW - timedelta(days=90),
    report=REPORT,
    repeated=True,
    trained_at=None,
    retrains=True,
    trains=True,
    environment="prod",
    gate_required=True,
    approvals=1,
    rules_stand=True,
    owners=2,
    owners_known=True,
    documents=frozenset({*CARDS, OWNERS_FILE}),
    unwritten=frozenset(),
    shares={"cpu": 0.5, "memory": 0.2, "bucket": 0.3},
    lasting=frozenset({"bucket", "storage"}),
)


def said(facts: Facts) -> dict[str, Judged]:
    return {line.rule.name: line.judged for pillar in judge(facts) for line in pillar.lines}


def reported(**changes: Any) -> Facts:
    return replace(GOOD, report=REPORT._replace(**changes))


def test_a_project_that_has_everything_holds_every_rule() -> None:
    assert marks(judge(GOOD)) == {rule.name: "yes" for rule in RULES}
    assert [(one.name, one.held, len(one.lines)) for one in judge(GOOD)] == [
        ("reproducibility", 3, 3),
        ("robustness", 3, 3),
        ("automation", 3, 3),
        ("collaboration", 3, 3),
        ("scalability", 2, 2),
    ]
    assert [one.do for one in said(GOOD).values()] == [""] * len(RULES)


@pytest.mark.parametrize(
    ("rule", "facts", "says"),
    [
        ("data-pinned", reported(data_hash=""), "The newest run doesn't say which data it used."),
        ("environment-pinned", reported(environment_hash=""), "The newest run doesn't say which packages it used."),
        ("repeated", replace(GOOD, repeated=False), "The last run that was repeated gave other metrics."),
        ("tests-pass", reported(tests_failed=1), "1 model test fails."),
        ("tests-pass", reported(tests_passed=0), "The newest run tried no model test."),
        ("examples-kept", reported(regression_examples=9), "9 kept examples are tried again."),
        ("gate-holds", reported(thresholds=0), "No metric has a threshold."),
        ("gate-holds", replace(GOOD, gate_required=False), "The model gate is shown, but a worse model can be merged."),
        (
            "gate-holds",
            replace(GOOD, rules_stand=False),
            "It is asked for, but the forge has the rules of the main branch otherwise.",
        ),
        ("ci-runs", reported(at=NOW - timedelta(days=31)), "CI has not reported for more than 30 days."),
        ("trains-itself", replace(GOOD, retrains=False), "Nothing trains it again but a push."),
        (
            "trains-itself",
            replace(GOOD, retrains=False, trained_at=NOW - timedelta(days=2)),
            "It was trained again in the last 30 days, but only because somebody asked.",
        ),
        (
            "trains-itself",
            replace(GOOD, trains=False),
            "It has a schedule or data to follow, but the last training could not begin, or never reported.",
        ),
        (
            "has-a-target",
            replace(GOOD, environment="dev"),
            "It is for development: nothing says where its model goes.",
        ),
        ("two-owners", replace(GOOD, owners=1), "1 person owns it."),
        ("reviewed", replace(GOOD, approvals=0), "A pull request needs nobody's approval."),
        (
            "reviewed",
            replace(GOOD, rules_stand=False),
            "It is asked for, but the forge has the rules of the main branch otherwise.",
        ),
        ("documented", replace(GOOD, documents=frozenset(CARDS)), "Missing in the repository: CODEOWNERS."),
        (
            "documented",
            replace(GOOD, unwritten=frozenset(CARDS)),
            "Still as the template made it: DATA_CARD.md, MODEL_CARD.md.",
        ),
        (
            "plan-fits",
            replace(GOOD, shares={"cpu": 0.95}),
            "At most 95 % of what the plan allows was used in two weeks.",
        ),
        (
            "plan-fits",
            replace(GOOD, shares={"cpu": 0.05}),
            "At most 5 % of what the plan allows was used in two weeks.",
        ),
        ("has-room", replace(GOOD, shares={"bucket": 0.8}), "Its storage is 80 % full."),
    ],
)
def test_a_no_says_why_and_what_to_do(rule: str, facts: Facts, says: str) -> None:
    found = said(facts)[rule]
    assert (found.mark, found.says) == (Mark.NO, says)
    assert found.do


@pytest.mark.parametrize(
    ("facts", "unknown"),
    [
        (
            replace(GOOD, report=None),
            {"data-pinned", "environment-pinned", "tests-pass", "examples-kept", "gate-holds", "ci-runs"},
        ),
        (replace(GOOD, repeated=None), {"repeated"}),
        (replace(GOOD, documents=None), {"documented"}),
        (replace(GOOD, approvals=None, gate_required=False), {"reviewed", "gate-holds"}),
        (replace(GOOD, rules_stand=None), {"reviewed", "gate-holds"}),
        (replace(GOOD, trains=None), {"trains-itself"}),
        (replace(GOOD, owners=1, owners_known=False), {"two-owners"}),
        (replace(GOOD, shares={}), {"plan-fits", "has-room"}),
        (replace(GOOD, shares={"cpu": 0.0, "bucket": 0.0}, created_at=NOW - timedelta(days=2)), {"plan-fits"}),
    ],
)
def test_what_nobody_told_is_not_known_and_never_a_yes(facts: Facts, unknown: set[str]) -> None:
    assert {name for name, one in said(facts).items() if one.mark is Mark.UNKNOWN} == unknown


def test_two_owners_are_enough_whoever_else_is_in_a_group() -> None:
    known = said(replace(GOOD, owners=2, owners_known=False))["two-owners"]
    assert known == Judged(Mark.YES, "2 people own it.")


@pytest.fixture
def project(world: World) -> Any:
    cache.clear()
    yield asked(options={"repository": {"approvals": 2, "model_gate": "required"}}, environment="test")
    cache.clear()


@pytest.mark.django_db(transaction=True)
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


def facts(project: Project) -> Facts:
    """As they are now."""
    fresh = Project.objects.select_related("registered_repository").get(pk=project.pk)
    return facts_of([fresh])[project.pk]


@pytest.mark.django_db(transaction=True)
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


@pytest.mark.django_db(transaction=True)
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


def _a_report(project: Project) -> int:
    answer = send(ci(project), branch="main", pull_request=None)
    assert answer.status_code == 201
    return int(answer.json()["id"])


@pytest.mark.django_db(transaction=True)
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


@pytest.mark.django_db(transaction=True)
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


@pytest.mark.django_db(transaction=True)
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


@pytest.mark.django_db(transaction=True)
def test_many_projects_ask_no_more_than_one() -> None:
    team = teams()["forecasting"]
    made = [
        Project.objects.create(slug=f"p{n}", team=team, spec={"slug": f"p{n}", "team": "forecasting", "plan": "small"})
        for n in range(20)
    ]
    counts = []
    for some in (made[:1], made):
        rows = list(Project.objects.filter(pk__in=[one.pk for one in some]).select_related("registered_repository"))
        with CaptureQueriesContext(
            connection,
        ) as asked_for:
            facts_of(rows)
        counts.append(len(asked_for))
    assert counts == [7, 7]


@pytest.mark.django_db(transaction=True)
def test_a_new_tip_is_looked_into_once() -> None:
    cache.clear()
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


@pytest.mark.django_db(transaction=True)
def test_a_card_that_nobody_wrote_documents_nothing(world: World, project: Project) -> None:
    python_env.ensure_templates()
    look_at_project(project)
    row = register_project_repository(project, installation=installation())
    assert row is not None

    def looked_into() -> list[str]:
        RegisteredRepository.objects.update(look_at="2020-01-01T00:00:00Z")
        intake.read(row.pk, installation=installation(), open_client=lambda _: world.forge)
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


def said_of(project: Project) -> str:
    return said(facts(project))["documented"].says


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("pages")
def test_the_page_says_each_rule_and_where_it_is_put_right(project: Project) -> None:
    Resource.objects.update_or_create(
        project=project,
        kind="repository_access",
        defaults={"target": "git-1", "observed_generation": project.generation, "synced_status": Status.TRUE},
    )
    page = " ".join(client("alice").get("/projects/demand/scorecard/").content.decode().split())
    assert page.count("not known yet") >= 6
    assert '<h2 id="collaboration">Collaboration</h2><span class="sw-meta">1 of 3</span>' in page
    assert "A pull request needs 2 approvals." in page
    assert (
        '<a href="/projects/demand/people/">Go to People<span class="visually-hidden">: Two owners</span></a>' in page
    )
    Resource.objects.update(synced_status=Status.FALSE, synced_reason=Reason.DRIFTED)
    drifted = " ".join(client("alice").get("/projects/demand/scorecard/").content.decode().split())
    assert 'demand/resources/">Go to Resources<span class="visually-hidden">: Changes are reviewed</span>' in drifted
    Resource.objects.update(synced_status=Status.TRUE)
    assert client("charlie").get("/projects/demand/scorecard/").status_code == 404
    told = bearer("alice").get("/api/v1/projects/demand/scorecard/").json()["pillars"]
    assert [(one["name"], one["held"]) for one in told][3] == ("collaboration", 1)
    assert told[3]["rules"][1] == {
        "name": "reviewed",
        "title": "Changes are reviewed",
        "mark": "yes",
        "says": "A pull request needs 2 approvals.",
        "do": "",
    }


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("pages")
def test_the_fleet_is_judged_in_rounds_and_narrowed_by_rule(project: Project) -> None:
    team = teams()["vision"]
    Project.objects.create(slug="lane", team=team, spec={"slug": "lane", "team": "vision", "plan": "small"})
    Project.objects.create(
        slug="gone", team=team, spec={"slug": "gone", "team": "vision", "plan": "small"}, deletion_requested_at=NOW
    )
    Project.objects.create(slug="old", team=team, spec={"slug": "old", "team": "vision", "nobody": "reads this"})
    judge_fleet()
    judge_fleet()
    assert {card.project.slug for card in Scorecard.objects.all()} == {"demand", "lane", "old"}
    page = " ".join(client("paula").get("/platform/scorecard/?rule=reviewed&mark=no").content.decode().split())
    assert "Changes are reviewed: no" in page
    assert "/projects/lane/scorecard/" in page
    assert "/projects/demand/scorecard/" not in page
    assert client("alice").get("/platform/scorecard/").status_code == 404
    told = bearer("paula").get("/api/v1/platform/scorecard/?team=forecasting").json()
    (rule,) = (one for one in told["rules"] if one["name"] == "reviewed")
    assert (rule["yes"], rule["no"], rule["unknown"]) == (0, 2, 1)
    assert [(one["project"], one["marks"]["reviewed"]) for one in told["items"]] == [("demand", "unknown")]
    assert "?rule=reviewed&amp;mark=no&amp;format=csv" in page
    assert timezone.now() - Scorecard.objects.get(project=project).judged_at < timedelta(minutes=1)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("pages")
def test_a_file_of_the_fleet_is_narrowed_as_the_page_is(project: Project) -> None:
    Project.objects.create(
        slug="lane", team=teams()["vision"], spec={"slug": "lane", "team": "vision", "plan": "small"}
    )
    judge_fleet()
    paula = client("paula")

    def listed(query: str) -> list[str]:
        answer = paula.get(f"/platform/scorecard/?format=json&{query}")
        return [one["project"] for one in json.loads(answer.getvalue())["items"]]

    assert listed("") == ["lane", "demand"]
    assert listed("team=vision") == ["lane"]
    assert listed("sort=name") == ["demand", "lane"]
    assert listed("sort=-name") == ["lane", "demand"]
    page = paula.get("/platform/scorecard/?sort=name&team=vision").content.decode()
    assert '<input type="hidden" name="sort" value="name">' in page
    assert listed("rule=reviewed&mark=no") == ["lane"]
    assert listed("rule=reviewed&mark=unknown&team=vision") == []
    rows = paula.get("/platform/scorecard/?format=csv&team=vision").getvalue().decode().splitlines()
    assert rows[0].lstrip("\ufeff").startswith("project,team,judged_at,data-pinned,")
    assert [row.split(",")[:2] for row in rows[1:]] == [["lane", "vision"]]
    assert client("alice").get("/platform/scorecard/?format=csv").status_code == 404
