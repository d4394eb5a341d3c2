"""Two who write the same project at the same moment: neither kills the other, and both read what came of it."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import OperationalError, connection, connections, transaction
from django.utils import timezone

from portal.accounts import Person, account_of
from portal.models import User
from projects import actions, credentials, decide_many, decisions, permissions, succession
from projects.ending import end_access
from projects.errors import Conflict, InvalidSpec, NotAllowed, NotFound
from projects.in_use import is_in_use
from projects.installation import installation
from projects.leavers import after_sync
from projects.leaving import leave
from projects.models import Decision, Door, OfferedTo, Project, ProjectRequest, RegisteredRepository, Succession, Team
from projects.passed_on import pass_on
from projects.taking_over import take_over
from projects.team_actions import change_team
from provisioning.models import Resource
from tests.entries import group_entry, person_entry
from tests.people import person
from tests.projects.asking import GPU, asked, fresh, reject, revise
from tests.projects.file_door import PROFILE, PushedForge, look, made
from tests.projects.pages import ask, project_of
from tests.projects.tended import ALICE, BOB

pytestmark = pytest.mark.django_db(transaction=True)
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


@pytest.fixture
def crowd() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as pool:
        yield pool


def waits(number: int) -> None:
    """Until so many sessions wait for a lock."""
    deadline = time.monotonic() + 10
    with connection.cursor() as cursor:
        while True:
            # Inside a transaction Postgres would say the same each time.
            cursor.execute("SELECT pg_stat_clear_snapshot()")
            cursor.execute(WAITING)
            if cursor.fetchone()[0] >= number:
                return
            assert time.monotonic() < deadline, "nobody waits"
            time.sleep(0.01)


@contextmanager
def held(project: Project) -> Iterator[None]:
    """Somebody has the project; who comes meanwhile stands in line."""
    with transaction.atomic():
        Project.objects.select_for_update().get(pk=project.pk)
        yield


def sent(pool: ThreadPoolExecutor, act: Callable[[], Any]) -> "Future[Any]":
    def one() -> Any:
        try:
            return act()
        except Conflict as error:
            return error.message
        finally:
            connections.close_all()

    return pool.submit(one)


def waiting_change(who: str = "alice") -> tuple[Project, ProjectRequest]:
    """A project, and a change of it that waits for a person."""
    project = project_of(ask())
    return project, changed(project, who=who, plan="gpu")


def changed(project: Project, *, who: str = "alice", **data: Any) -> ProjectRequest:
    wanted = {"slug": project.slug, "team": "forecasting", **data}
    made = actions.change(project, wanted, by=person(who), door=Door.API, installation=installation())
    assert made.request is not None
    return made.request


def test_approving_and_changing_at_the_same_moment(pages: None, crowd: ThreadPoolExecutor) -> None:
    project, request = waiting_change()
    paula = person("paula")
    with held(project):
        change = sent(crowd, lambda: changed(project, title="Winter").decision)
        waits(1)
        approval = sent(
            crowd, lambda: decisions.approve(request, by=paula, door=Door.FORM, installation=installation())
        )
        waits(2)
    assert change.result() == Decision.APPROVED
    assert approval.result() == "This request is withdrawn already."


def people_of(project: Project) -> set[str]:
    return set(project.memberships.values_list("subject", flat=True))


def test_a_wish_that_names_no_owner_keeps_those_that_there_are_when_its_turn_comes(
    pages: None, crowd: ThreadPoolExecutor
) -> None:
    project = project_of(ask(contributors=[ALICE, {**BOB, "role": "owner"}]))
    with held(project):
        titled = sent(crowd, lambda: changed(project, title="Winter").decision)
        waits(1)
        changed(project, contributors=[ALICE])
    assert titled.result() == Decision.APPROVED
    assert (Project.objects.get().title, people_of(project)) == ("Winter", {"alice@corp.example"})


@pytest.mark.parametrize(
    "act",
    [
        lambda project, **asked: actions.change(project, {**project.spec, "title": "Winter"}, **asked),
        lambda project, **asked: actions.retire(project, **asked),
        lambda project, **asked: credentials.rotate(project, "bucket", **asked),
        lambda project, **asked: credentials.reveal(project, "bucket", **asked),
    ],
    ids=["change", "retire", "rotate", "reveal"],
)
def test_who_is_taken_out_while_they_wait_does_nothing_more(
    pages: None, crowd: ThreadPoolExecutor, act: Callable[..., Any]
) -> None:
    project, bob = project_of(ask(contributors=[ALICE, {**BOB, "role": "owner"}])), person("bob")
    with held(project):
        late = sent(crowd, lambda: act(project, by=bob, door=Door.API, installation=installation()))
        waits(1)
        changed(project, contributors=[ALICE])
    with pytest.raises(NotAllowed, match=r"^Only owners"):
        late.result()
    project.refresh_from_db()
    assert (project.generation, project.versions, project.reveals.count()) == (2, {}, 0)


def test_who_s_access_is_ended_while_they_wait_is_shown_no_key(pages: None, crowd: ThreadPoolExecutor) -> None:
    project, bob = project_of(ask(contributors=[ALICE, BOB])), person("bob")
    asked = {"by": bob, "door": Door.FORM, "installation": installation()}
    with held(project):
        late = sent(crowd, lambda: credentials.reveal(project, "bucket", **asked))
        waits(1)
        User.objects.filter(pk=bob.pk).update(is_active=False)
    with pytest.raises(NotFound):
        late.result()
    assert project.reveals.count() == 0


@pytest.mark.parametrize("decide", [decisions.approve, decisions.withdraw], ids=["approve", "withdraw"])
def test_who_s_access_is_ended_while_they_wait_decides_nothing(
    pages: None, crowd: ThreadPoolExecutor, decide: Callable[..., Any]
) -> None:
    project, request = waiting_change()
    paula = person("paula")
    asked = {"installation": installation()} if decide is decisions.approve else {}
    with held(project):
        late = sent(crowd, lambda: decide(request, by=paula, door=Door.FORM, **asked))
        waits(1)
        User.objects.filter(pk=paula.pk).update(is_active=False)
    with pytest.raises(NotAllowed):
        late.result()
    assert fresh(request).decision == Decision.PENDING


def test_who_looks_ahead_waits_for_nobody(pages: None, crowd: ThreadPoolExecutor) -> None:
    project = project_of(ask())
    asked = {"by": person("alice"), "door": Door.FORM, "installation": installation(), "dry_run": True}
    with held(project):
        title = sent(crowd, lambda: actions.change(project, {**project.spec, "title": "Winter"}, **asked).preview.spec)
        removal = sent(crowd, lambda: actions.retire(project, **asked).preview.spec)
        assert (title.result().title, removal.result().title) == ("Winter", "")


def test_an_owner_who_is_taken_out_takes_back_what_others_asked_no_more(pages: None, crowd: ThreadPoolExecutor) -> None:
    project, bob = project_of(ask(contributors=[ALICE, {**BOB, "role": "owner"}])), person("bob")
    request = changed(project, plan="gpu")
    with held(project):
        late = sent(crowd, lambda: decisions.withdraw(request, by=bob, door=Door.API))
        waits(1)
        project.memberships.filter(subject=bob.username).delete()
    with pytest.raises(NotAllowed):
        late.result()
    assert fresh(request).decision == Decision.PENDING


def test_a_push_of_who_is_taken_out_while_it_waits_is_refused(
    forge: PushedForge, row: RegisteredRepository, crowd: ThreadPoolExecutor
) -> None:
    owners = b"contributors:\n- {user: alice@corp.example, role: owner}\n- {user: bob@corp.example, role: owner}\n"
    project = made(forge, row, PROFILE + owners)
    forge.push("bob", {"profile.yaml": PROFILE + b"title: Winter\n" + owners})
    with held(project):
        read = sent(crowd, lambda: look(forge, row).refused)
        waits(1)
        changed(project, **{**project.spec, "contributors": [ALICE]})
    assert read.result() == "Only owners of demand and the platform team may change it. Ask an owner."
    assert (Project.objects.get().title, people_of(project)) == ("demand", {"alice@corp.example"})


def test_two_who_leave_at_the_same_moment_are_both_out(pages: None, crowd: ThreadPoolExecutor) -> None:
    project = project_of(ask(contributors=[ALICE, BOB, {**BOB, "user": "charlie@corp.example"}]))
    bob, charlie, settings = person("bob"), person("charlie"), installation()
    with held(project):
        left = sent(crowd, lambda: leave(project, by=charlie, door=Door.API, installation=settings).unchanged)
        waits(1)
        leave(project, by=bob, door=Door.API, installation=settings)
    assert (left.result(), people_of(project)) == (False, {"alice@corp.example"})


def test_rejecting_and_retiring_at_the_same_moment(pages: None, crowd: ThreadPoolExecutor) -> None:
    project, request = waiting_change()
    alice, paula = person("alice"), person("paula")
    with held(project):
        removal = sent(
            crowd, lambda: actions.retire(project, by=alice, door=Door.API, installation=installation()).unchanged
        )
        waits(1)
        said = sent(crowd, lambda: decisions.reject(request, by=paula, door=Door.FORM, comment="No."))
        waits(2)
    assert removal.result() is False
    assert said.result() == "This request is withdrawn already."


@contextmanager
def in_hand(request: ProjectRequest) -> Iterator[None]:
    """Somebody has a request for a new project."""
    with transaction.atomic():
        ProjectRequest.objects.select_for_update().get(pk=request.pk)
        yield


def test_asking_once_more_and_putting_it_in_other_words_at_the_same_moment(
    pages: None, crowd: ThreadPoolExecutor
) -> None:
    request = asked()
    with in_hand(request):
        again = sent(crowd, lambda: asked())
        waits(1)
        # This takes the team too, which who waits must not have.
        revise(request, {**GPU, "title": "Winter"}, person("alice"))
    with pytest.raises(InvalidSpec) as wrong:
        again.result()
    assert [fault.message for fault in wrong.value.faults] == [
        f"You have asked for demand already (request {request.pk}). Change that request, or withdraw it."
    ]


def test_what_is_rejected_while_it_is_asked_once_more_is_asked_anew(pages: None, crowd: ThreadPoolExecutor) -> None:
    request, paula = asked(), person("paula")
    with in_hand(request):
        again = sent(crowd, lambda: asked())
        noted = {"by": person("alice"), "door": Door.API, "installation": installation(), "note": "In a hurry."}
        late = sent(crowd, lambda: actions.create(GPU, **noted).request)
        waits(2)
        reject(request, paula)
    new = again.result()
    assert (new.decision, late.result(), new == request) == (Decision.PENDING, new, False)
    assert not request.comments.exists()


def test_what_is_approved_while_it_is_asked_once_more_is_taken(pages: None, crowd: ThreadPoolExecutor) -> None:
    request, paula = asked(), person("paula")
    with in_hand(request):
        again = sent(crowd, lambda: asked())
        waits(1)
        decisions.approve(request, by=paula, door=Door.FORM, installation=installation())
    with pytest.raises(InvalidSpec) as wrong:
        again.result()
    assert [fault.code for fault in wrong.value.faults] == ["taken"]


def test_looking_again_and_changing_at_the_same_moment(pages: None, crowd: ThreadPoolExecutor) -> None:
    project = project_of(ask())
    alice = person("alice")
    Resource.objects.create(project=project, kind="bucket", target="store-1", failures=3)
    with held(project):
        change = sent(crowd, lambda: changed(project, title="Winter").decision)
        waits(1)
        look = sent(crowd, lambda: actions.look_again(project, by=alice, door=Door.FORM))
        waits(2)
    assert (change.result(), look.result()) == (Decision.APPROVED, None)


def test_taking_over_while_the_offers_are_gone_through(pages: None, crowd: ThreadPoolExecutor) -> None:
    project = project_of(ask())
    paula = person("paula")
    Succession.objects.create(project=project, offered_to=OfferedTo.PLATFORM)
    with held(project):
        taken = sent(crowd, lambda: take_over(project, by=paula, door=Door.FORM, installation=installation()))
        waits(1)
        review = sent(crowd, lambda: succession.review(now=timezone.now(), catalogue=installation().catalogue))
        waits(2)
    assert "has an owner" in taken.result()
    assert review.result() is None
    assert Succession.objects.filter(ended_at=None).count() == 0


def test_a_bulk_answer_goes_on_past_what_somebody_holds(pages: None, crowd: ThreadPoolExecutor) -> None:
    project, first = waiting_change()
    second = asked("winter", plan="large")
    paula = person("paula")

    def decide() -> list[tuple[int, bool, str]]:
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = 100")
        try:
            results = decide_many.decide_many(
                [(first.pk, 1), (second.pk, 1)], verdict="approve", by=paula, door=Door.API, installation=installation()
            )
        finally:
            # The pool lends this connection to the next test too.
            with connection.cursor() as cursor:
                cursor.execute("RESET lock_timeout")
        return [(one.number, one.done, one.said) for one in results]

    with held(project):
        results = sent(crowd, decide).result()
    assert results == [
        (first.pk, False, "Somebody else is changing this just now, so nothing was done. Try again."),
        (second.pk, True, ""),
    ]
    assert (fresh(first).decision, fresh(second).decision) == (Decision.PENDING, Decision.APPROVED)


def test_a_database_that_is_away_is_something_else() -> None:
    assert not is_in_use(OperationalError("host=db.corp.example"))


def test_who_reads_a_page_while_the_first_sync_binds_what_is_granted_sees_it_before_and_after(
    pages: None, crowd: ThreadPoolExecutor
) -> None:
    project = project_of(ask())
    person("bob")
    bob = person_entry("bob")
    forecasting = group_entry("ml-forecasting", bob)
    with transaction.atomic():
        Team.objects.select_for_update().get(pk=project.team_id)
        sync = sent(crowd, lambda: after_sync(frozenset({bob.object_id, forecasting.object_id})))
        waits(1)
        reader = User.objects.get(username="bob@corp.example")
        assert permissions.may_see(reader, project)
    sync.result()
    assert Team.objects.get(pk=project.team_id).group_ids == {"ml-forecasting": forecasting.object_id}
    assert permissions.may_see(reader, project)


def test_signing_in_with_a_name_that_was_given_again_and_changing_at_the_same_moment(
    pages: None, crowd: ThreadPoolExecutor
) -> None:
    project = project_of(ask(contributors=[ALICE, BOB]))
    old = person_entry("bob", object_id="oid-old")
    with held(project):
        sign_in = sent(crowd, lambda: pass_on("bob@corp.example", to="oid-bob", held_by=old.object_id))
        waits(1)
        project.memberships.filter(subject="bob@corp.example").update(role="viewer")
    assert sign_in.result() is None
    assert project.memberships.get(subject="bob@corp.example").object_id == "oid-old"


def test_a_sync_of_the_directory_and_a_change_at_the_same_moment(pages: None, crowd: ThreadPoolExecutor) -> None:
    alice = person_entry("alice")
    project = project_of(ask())
    with held(project):
        sync = sent(crowd, lambda: after_sync(frozenset({alice.object_id})))
        waits(1)
        assert changed(project, title="Winter").decision == Decision.APPROVED
    assert sync.result() is None


def test_a_change_by_whose_name_somebody_else_signs_in_with_at_the_same_moment(
    pages: None, crowd: ThreadPoolExecutor
) -> None:
    person_entry("bob")
    old = person("bob")
    project = project_of(ask(contributors=[ALICE, {**BOB, "role": "owner"}]))
    newcomer = Person(tenant="corp", object_id="oid-newcomer", upn="bob@corp.example")
    with held(project):
        sign_in = sent(crowd, lambda: account_of(newcomer)[1])
        waits(1)
        assert changed(project, who="bob", title="Winter").requested_by == old
    assert sign_in.result() is True
    old.refresh_from_db()
    assert old.username == "bob@corp.example#oid-bob"


def test_a_change_by_whose_access_is_ended_at_the_same_moment(pages: None, crowd: ThreadPoolExecutor) -> None:
    bob, paula = person("bob"), person("paula")
    project = project_of(ask(contributors=[ALICE, {**BOB, "role": "owner"}]))
    with held(project):
        ending = sent(crowd, lambda: end_access(bob, by=paula, because="Stolen.", door=Door.FORM).tokens)
        waits(1)
        assert changed(project, who="bob", title="Winter").requested_by == bob
    assert ending.result() == 0
    bob.refresh_from_db()
    assert not bob.is_active


def test_access_that_is_ended_while_a_sync_brings_the_account_back_stays_ended(
    pages: None, crowd: ThreadPoolExecutor
) -> None:
    person_entry("bob")
    bob, paula = person("bob"), person("paula")
    User.objects.filter(pk=bob.pk).update(is_active=False, left_at=timezone.now())
    with transaction.atomic():
        end_access(bob, by=paula, because="Stolen.", door=Door.FORM)
        sync = sent(crowd, lambda: after_sync(frozenset()))
        waits(1)
    assert sync.result() is None
    bob.refresh_from_db()
    assert (bob.is_active, bob.left_at) == (False, None)


def test_reading_a_push_and_rejecting_the_one_before_at_the_same_moment(
    forge: PushedForge, row: RegisteredRepository, crowd: ThreadPoolExecutor
) -> None:
    project, paula = made(forge, row), person("paula")
    forge.push("alice", {"profile.yaml": PROFILE + b"plan: gpu\n"})
    look(forge, row)
    before = ProjectRequest.objects.get(decision=Decision.PENDING)
    sha = forge.push("alice", {"profile.yaml": PROFILE + b"title: Winter\n"})
    with held(project):
        read = sent(crowd, lambda: look(forge, row).seen_commit)
        waits(1)
        decisions.reject(before, by=paula, door=Door.FORM, comment="No.")
    assert read.result() == sha
    assert (fresh(before).decision, Project.objects.get().title) == (Decision.REJECTED, "Winter")


def test_who_waits_for_a_team_that_is_removed_meanwhile_is_told_so(pages: None, crowd: ThreadPoolExecutor) -> None:
    paula = person("paula")
    made = Team.objects.create(slug="winter", name="Winter", ad_groups=["ml-forecasting"], budget=10)
    data = {"slug": "lanes", "team": "winter"}
    change = {"budget": 3, "because": "Summer."}
    with transaction.atomic():
        Team.objects.select_for_update().get(pk=made.pk)
        asks = sent(
            crowd, lambda: actions.create(data, by=person("alice"), door=Door.FORM, installation=installation())
        )
        changes = sent(crowd, lambda: change_team("winter", change, by=paula, door=Door.FORM))
        waits(2)
        made.delete()
    assert asks.result() == "Team winter was removed meanwhile. Choose another one."
    with pytest.raises(NotFound):
        changes.result()
