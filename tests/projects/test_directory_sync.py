"""The sync with the directory: what is written, what a broken or half read changes (nothing), and the brake."""

import re
from collections.abc import Iterator
from io import StringIO
from typing import Any

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from portal.models import User
from projects import directory, directory_sync, directory_tasks
from projects.directory_state import directory_status, untold
from projects.installation import installation
from projects.models import DirectoryEdge, DirectoryEntry, DirectoryState
from provisioning import targets
from provisioning.directory import Edge
from provisioning.errors import PermanentError, TargetUnavailable
from provisioning.policy_rules import Decisions
from tests.fakes.directory import FakeDirectory
from tests.people import client
from tests.projects.doors import text
from tests.projects.tended import LDAP, database, installed

pytestmark = pytest.mark.django_db


@pytest.fixture
def corp() -> Iterator[FakeDirectory]:
    """A directory with alice and bob in ml-vision, which is in ml-all, and what the rows know of it."""
    made = FakeDirectory()
    alice, bob = made.person("alice", name="Alice Åberg"), made.person("bob")
    vision = made.group("ml-vision", alice, bob)
    made.group("ml-all", vision)
    with installed(directory=LDAP):
        targets.use("corp", made)
        yield made
    targets.forget_clients()


def round_made() -> str:
    """One sync, without what follows from it; what the platform team reads of it."""
    settings = installation()
    assert settings.catalogue.directory is not None
    why = directory_sync.sync(settings.catalogue.directory, resolve=settings.resolve)
    status = directory_status()
    assert status is not None
    assert status.message == why
    return why


def in_swedish() -> str:
    """What the platform team's page says of it in Swedish."""
    page = text(client("paula", language="sv").get("/platform/"))
    found = re.search(r"Company directory (?:kan inte läsas|kräver åtgärd) sedan .{5,12} : (.*?) Personer och", page)
    assert found is not None, page
    return found[1]


def settled() -> None:
    """As after a round whose followers were told."""
    assert round_made() == ""
    DirectoryState.objects.update(untold=[])


def rows() -> dict[str, tuple[str, bool]]:
    """Account and presence by object id."""
    return {one.object_id: (one.account, one.present) for one in DirectoryEntry.objects.all()}


def edges() -> set[tuple[str, str]]:
    return set(DirectoryEdge.objects.values_list("member", "group"))


ALL = {
    "p-alice": ("alice@corp.example", True),
    "p-bob": ("bob@corp.example", True),
    "g-ml-vision": ("ml-vision", True),
    "g-ml-all": ("ml-all", True),
}


def test_the_first_round_brings_everything(corp: FakeDirectory) -> None:
    assert round_made() == ""
    assert rows() == ALL
    assert edges() == {("p-alice", "g-ml-vision"), ("p-bob", "g-ml-vision"), ("g-ml-vision", "g-ml-all")}
    status = directory_status()
    assert status is not None
    assert (status.source, status.title, status.people, status.groups) == ("corp", "Company directory", 2, 2)
    assert status.complete_at is not None
    assert status.failing_since is None
    assert [one.name for one in directory.search("aberg")] == ["Alice Åberg"]
    assert untold("corp") == set(ALL)
    assert corp.closed == 1


def test_a_round_that_finds_nothing_new_writes_only_that_it_was_made(corp: FakeDirectory) -> None:
    settled()
    with CaptureQueriesContext(connection) as queries:
        assert round_made() == ""
    written = [one["sql"] for one in queries if one["sql"].startswith(("INSERT", "UPDATE", "DELETE"))]
    assert [sql.split('"')[1] for sql in written] == ["projects_directorystate"]
    assert untold("corp") == frozenset()


def test_who_leaves_is_kept_as_gone_and_comes_back(corp: FakeDirectory) -> None:
    settled()
    bob = corp.entries["p-bob"]
    corp.remove("p-bob")
    settled_rows = ALL | {"p-bob": ("bob@corp.example", False)}
    assert round_made() == ""
    assert rows() == settled_rows
    assert ("p-bob", "g-ml-vision") not in edges()
    assert untold("corp") == {"p-bob"}

    corp.entries["p-bob"] = bob
    assert round_made() == ""
    assert rows() == ALL


def test_a_name_that_is_given_again_is_somebody_else(corp: FakeDirectory) -> None:
    settled()
    corp.remove("p-bob")
    corp.person("bobby")
    corp.change("p-bobby", account="bob@corp.example")
    assert round_made() == ""
    held = directory.entry_of(subject="bob@corp.example", is_group=False)
    assert held is not None
    assert (held.object_id, held.present) == ("p-bobby", True)
    left = directory.entry("p-bob")
    assert left is not None
    assert not left.present


@pytest.mark.parametrize(
    "facts",
    [{"enabled": False}, {"account": "alice.berg@corp.example"}, {"name": "Alice Berg"}, {"mail": "a@b.example"}],
)
def test_what_changes_about_somebody_is_written_and_told(corp: FakeDirectory, facts: dict[str, Any]) -> None:
    settled()
    corp.change("p-alice", **facts)
    assert round_made() == ""
    row = DirectoryEntry.objects.get(object_id="p-alice")
    assert {name: getattr(row, name) for name in facts} == facts
    assert untold("corp") == {"p-alice"}


def test_who_is_in_a_moved_group_is_told_about_too(corp: FakeDirectory) -> None:
    corp.person("charlie")
    settled()
    corp.edges.discard(Edge(member="g-ml-vision", group="g-ml-all"))
    assert round_made() == ""
    assert untold("corp") == {"g-ml-vision", "p-alice", "p-bob"}


def test_accounts_follow_a_round(corp: FakeDirectory) -> None:
    bob = User.objects.create(username="bob@corp.example", tenant="corp", object_id="p-bob")
    assert directory_sync.sync_installed(installation()) == ""
    assert untold("corp") == frozenset()
    corp.change("p-bob", enabled=False)
    assert directory_sync.sync_installed(installation()) == ""
    bob.refresh_from_db()
    assert not bob.is_active


def test_what_a_dead_process_told_nobody_is_told_by_the_next_round(corp: FakeDirectory) -> None:
    bob = User.objects.create(username="bob@corp.example", tenant="corp", object_id="p-bob")
    settled()
    corp.change("p-bob", enabled=False)
    round_made()
    corp.change("p-alice", name="Alice Berg")
    round_made()
    assert untold("corp") == {"p-alice", "p-bob"}

    corp.breaks = (0, TargetUnavailable("corp does not answer."))
    assert directory_sync.sync_installed(installation()) == "corp does not answer."
    bob.refresh_from_db()
    assert not bob.is_active
    assert untold("corp") == frozenset()


@pytest.mark.parametrize("after", [0, 1, 3, 5])
@pytest.mark.parametrize("error", [TargetUnavailable("corp does not answer."), PermanentError("No such base.")])
def test_a_broken_read_changes_nothing_and_is_told(corp: FakeDirectory, error: Any, after: int) -> None:
    settled()
    before = directory_status()
    corp.remove("p-bob")
    corp.person("charlie")
    corp.breaks = (after, error)
    assert round_made() == error.message
    assert rows() == ALL
    failed = directory_status()
    assert before is not None
    assert failed is not None
    assert (failed.complete_at, failed.people) == (before.complete_at, 2)
    assert failed.failing_since is not None
    assert failed.word == ("Needs attention" if isinstance(error, PermanentError) else "Not answering")
    round_made()
    assert directory_status() == failed

    corp.breaks = None
    assert round_made() == ""
    assert rows()["p-bob"][1] is False


def test_whom_one_read_left_out_has_not_gone(corp: FakeDirectory) -> None:
    settled()
    corp.left_out = {2: "p-bob"}
    assert round_made() == "corp left out different entries when it was read twice. We read it again."
    assert in_swedish() == "corp utelämnade olika poster när den lästes två gånger. Vi läser den igen."
    assert rows() == ALL
    assert len(edges()) == 3
    assert round_made() == ""
    assert (rows(), corp.reads) == (ALL, 4)

    corp.remove("p-alice")
    corp.left_out = {6: "p-bob"}
    assert round_made() != ""
    assert rows() == ALL
    assert round_made() == ""
    assert rows() == ALL | {"p-alice": ("alice@corp.example", False)}


def test_a_missing_password_is_a_failed_round() -> None:
    with installed(directory={**LDAP, "bind_password": {"file": "nowhere.password"}}):
        assert round_made() == "The credential nowhere.password is not there yet. We look again by ourselves."


def test_a_directory_without_people_is_not_believed(corp: FakeDirectory) -> None:
    settled()
    corp.remove("p-alice", "p-bob")
    why = "corp shows no people at all. Correct the directory's base or filters in platform.yaml."
    assert round_made() == why
    assert in_swedish() == "corp visar inga personer alls. Rätta katalogens bas eller filter i platform.yaml."
    assert rows() == ALL
    with pytest.raises(CommandError, match="no people at all"):
        call_command("sync_directory", "--confirm")


def many(corp: FakeDirectory, count: int) -> list[str]:
    return [corp.person(f"u{number:03}") for number in range(count)]


def test_when_many_leave_at_once_a_person_is_asked(corp: FakeDirectory) -> None:
    people = many(corp, 100)
    settled()
    corp.remove(*people[:15])
    for one in people[15:30]:
        corp.change(one, enabled=False)
    held = (
        "30 of 104 people and groups would leave or be switched off at once, more than the 10 % that are let through, "
        "so nothing was changed. Check whether corp is right; if it is: manage.py sync_directory --confirm"
    )
    assert round_made() == held
    assert in_swedish() == (
        "30 av 104 personer och grupper skulle försvinna eller stängas av på en gång, mer än de 10 % som släpps "
        "igenom, så inget ändrades. Se efter om corp har rätt; i så fall: manage.py sync_directory --confirm"
    )
    assert all(present for _, present in rows().values())
    with pytest.raises(CommandError, match="30 of 104"):
        call_command("sync_directory")
    said = StringIO()
    call_command("sync_directory", "--confirm", stdout=said)
    assert said.getvalue() == "Company directory: 87 people and 2 groups.\n"
    assert sum(not present for _, present in rows().values()) == 30
    assert round_made() == ""


@pytest.mark.parametrize("leaving, passes", [(19, True), (20, False)])
def test_a_few_may_leave_at_once_in_a_small_company(corp: FakeDirectory, leaving: int, passes: bool) -> None:
    people = many(corp, 30)
    settled()
    corp.remove(*people[:leaving])
    assert (round_made() == "") is passes


def test_a_share_that_is_let_through_passes_in_a_large_company(corp: FakeDirectory) -> None:
    people = many(corp, 396)
    settled()
    corp.remove(*people[:40])
    assert round_made() == ""


def test_groups_that_empty_at_once_are_looked_at_by_a_person(corp: FakeDirectory) -> None:
    people = many(corp, 30)
    corp.group("ml-users", *people)
    settled()
    corp.edges.clear()
    assert round_made().startswith("33 of 33 memberships in groups would end at once")
    assert in_swedish().startswith("33 av 33 medlemskap i grupper skulle upphöra på en gång, mer än de 10 %")
    assert len(edges()) == 33


def test_a_group_that_goes_takes_its_memberships_along(corp: FakeDirectory) -> None:
    people = many(corp, 30)
    corp.group("ml-users", *people)
    settled()
    corp.remove("g-ml-users")
    assert round_made() == ""
    assert untold("corp") == {"g-ml-users", *people}


def test_edges_to_what_is_not_read_are_left_out(corp: FakeDirectory) -> None:
    corp.edges |= {
        Edge(member="guest", group="g-ml-all"),
        Edge(member="p-bob", group="elsewhere"),
        Edge(member="g-ml-all", group="p-bob"),
    }
    assert round_made() == ""
    assert len(edges()) == 3


def test_texts_that_no_column_can_hold_are_cut(corp: FakeDirectory) -> None:
    corp.change("p-alice", name="\x00Å" * 300)
    assert round_made() == ""
    assert round_made() == ""
    assert DirectoryEntry.objects.get(object_id="p-alice").name == "Å" * 256


def test_groups_of_the_catalogue_that_the_directory_has_not_are_named(corp: FakeDirectory) -> None:
    rules = Decisions(approvers=("ml-vision", "g-ml-all", "ml-leads"))
    said = StringIO()
    with installed(directory=LDAP, decisions=rules, policy=()):
        call_command("sync_directory", stdout=StringIO(), stderr=said)
    assert said.getvalue().splitlines() == [
        f"The catalogue or the settings name the group {name}, which the directory hasn't (once)."
        for name in ("ml-leads", "ml-platform")
    ]


def test_without_a_directory_there_is_nothing_to_do() -> None:
    with installed():
        directory_tasks.sync_directory()
        assert directory_status() is None
        with pytest.raises(CommandError, match=r"There is no directory in platform\.yaml"):
            call_command("sync_directory")
    assert not DirectoryState.objects.exists()


def test_the_worker_reads_the_directory_when_it_is_time(corp: FakeDirectory) -> None:
    directory_tasks.sync_directory()
    assert rows() == ALL
    directory_tasks.sync_directory()
    assert corp.closed == 1
    DirectoryState.objects.update(tried_at=timezone.now() - installation().directory_every)
    directory_tasks.sync_directory()
    assert corp.closed == 2


def test_only_one_sync_runs_at_a_time(corp: FakeDirectory) -> None:
    with psycopg.connect(**database()) as other:
        other.execute("SELECT pg_advisory_lock(hashtext('slipway:directory'))")
        with pytest.raises(CommandError, match="Another sync of the directory is running"):
            call_command("sync_directory")
    assert not DirectoryEntry.objects.exists()
