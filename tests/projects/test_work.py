"""Claim, lease and fence on a real Postgres: one worker at a time, and none that was overtaken writes."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

from projects import work
from projects.models import Project
from provisioning import targets
from provisioning.conditions import Condition, Status
from provisioning.errors import Reason, TargetUnavailable
from provisioning.models import Event, Resource
from provisioning.outcomes import Happening, Known, Outcome
from provisioning.reconcile import Result
from tests.people import teams
from tests.provisioning.wishes import CATALOGUE

pytestmark = pytest.mark.django_db(transaction=True)
LEASE = timedelta(seconds=8)
HOUR = timedelta(hours=1)


@pytest.fixture
def project() -> Iterator[Project]:
    made = Project.objects.create(slug="demand", team=teams()["forecasting"], spec={"slug": "demand"})
    yield made
    with work.keeper._lock:
        work.keeper._held.clear()


def outcome(*, status: Status = Status.TRUE, happenings: tuple[Happening, ...] = ()) -> Outcome:
    reason = Reason.AVAILABLE if status is Status.TRUE else Reason.PROGRESSING
    condition = Condition(status=status, reason=reason, message="", since=timezone.now())
    known = Known(synced=condition, ready=condition, observed_generation=1, applied=True)
    return Outcome(kind="namespace", target="cluster-north", known=known, happenings=happenings)


def finish(claim: work.Claim, *, generation: int = 1, ready: bool = True, gone: bool = False) -> bool:
    result = Result(delay=None, ready=ready, gone=gone)
    return work.finish(claim, result, [outcome()], generation=generation, resync=HOUR, was_ready=False)


def lose_lease(project: Project) -> None:
    Project.objects.filter(pk=project.pk).update(lease_until=Now() - timedelta(seconds=1))


def test_one_of_many_gets_the_claim(project: Project) -> None:
    def attempt(_: int) -> work.Claim | None:
        try:
            return work.claim(lease=LEASE, project_id=project.pk)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        claims = [claim for claim in pool.map(attempt, range(24)) if claim is not None]
    assert len(claims) == 1


def test_what_is_not_due_is_not_claimed(project: Project) -> None:
    Project.objects.update(next_look_at=timezone.now() + HOUR)
    assert work.claim(lease=LEASE, project_id=project.pk) is None
    assert work.due(limit=5) == []


def test_a_dead_workers_project_is_taken_over(project: Project) -> None:
    first = work.claim(lease=LEASE, project_id=project.pk)
    assert work.claim(lease=LEASE) is None
    lose_lease(project)
    assert work.due(limit=5) == [project.pk]
    second = work.claim(lease=LEASE)
    assert first is not None
    assert second is not None
    assert second.fence == first.fence + 1


def test_an_overtaken_worker_writes_nothing(project: Project) -> None:
    late = work.claim(lease=LEASE)
    assert late is not None
    lose_lease(project)
    work.claim(lease=LEASE)
    with pytest.raises(work.LeaseLost):
        work.record(late, [outcome()], generation=1)
    with pytest.raises(work.LeaseLost):
        finish(late)
    work.release(late, after=HOUR)
    assert not Resource.objects.exists()
    project.refresh_from_db()
    assert project.lease_holder == work.holder()
    assert project.next_look_at is None


def test_results_and_history_are_written_and_the_lease_given_back(project: Project) -> None:
    claim = work.claim(lease=LEASE)
    assert claim is not None
    happening = Happening(reason=Reason.AVAILABLE, message="Made Namespace/ml-demand.")
    work.record(claim, [outcome(status=Status.UNKNOWN, happenings=(happening,))], generation=1)
    assert finish(claim) is False
    row = Resource.objects.get()
    assert (row.kind, row.synced_status, row.applied, row.observed_generation) == ("namespace", "True", True, 1)
    event = Event.objects.get()
    assert (event.kind, event.target, event.message) == ("namespace", "cluster-north", "Made Namespace/ml-demand.")
    project.refresh_from_db()
    assert (project.observed_generation, project.lease_until, project.lease_holder) == (1, None, "")
    assert project.ready_at is not None
    assert project.next_look_at is not None
    assert project.next_look_at > timezone.now() + timedelta(minutes=50)


@pytest.mark.parametrize(("noted", "opens"), [(True, False), (False, True)])
def test_only_what_came_of_a_look_opens_the_breaker(project: Project, noted: bool, opens: bool) -> None:
    """A look that has only begun says of the target what the one before said."""
    claim = work.claim(lease=LEASE)
    assert claim is not None
    targets.forget_clients()
    target, resolved = CATALOGUE.cluster(), lambda _: "token"
    away = outcome(status=Status.FALSE)
    known = replace(away.known, synced=replace(away.known.synced, reason=Reason.TARGET_UNAVAILABLE))
    try:
        work.record(claim, [replace(away, known=known, noted=noted, told=600.0)], generation=1)
        if not opens:
            assert targets.open_client(target, resolve=resolved) is not None
            return
        with pytest.raises(TargetUnavailable) as shut:
            targets.open_client(target, resolve=resolved)
        # As long as the server asked for.
        assert 590 < (shut.value.delay or 0) <= 600
    finally:
        targets.forget_clients()


def test_a_ring_during_the_work_is_not_lost(project: Project) -> None:
    claim = work.claim(lease=LEASE)
    assert claim is not None
    Project.objects.update(next_look_at=timezone.now())
    assert finish(claim) is True
    assert work.due(limit=5) == [project.pk]


def test_a_newer_wish_is_due_at_once(project: Project) -> None:
    claim = work.claim(lease=LEASE)
    assert claim is not None
    Project.objects.update(generation=F("generation") + 1)
    assert finish(claim, generation=1) is True
    project.refresh_from_db()
    assert (project.generation, project.observed_generation, project.ready_at) == (2, 1, None)


def test_a_ring_during_the_work_outlives_giving_it_back_unfinished(project: Project) -> None:
    claim = work.claim(lease=LEASE)
    assert claim is not None
    Project.objects.update(next_look_at=timezone.now())
    work.release(claim, after=HOUR)
    assert work.due(limit=5) == [project.pk]


def test_given_back_unfinished_it_is_looked_at_later(project: Project) -> None:
    claim = work.claim(lease=LEASE)
    assert claim is not None
    work.release(claim, after=HOUR)
    project.refresh_from_db()
    assert project.next_look_at is not None
    assert timedelta(minutes=59) < project.next_look_at - timezone.now() <= HOUR
    assert work.keeper._held == {}


def test_gone_frees_the_name(project: Project) -> None:
    Project.objects.update(deletion_requested_at=timezone.now())
    claim = work.claim(lease=LEASE)
    assert claim is not None
    finish(claim, ready=False, gone=True)
    project.refresh_from_db()
    assert project.deleted_at is not None
    assert not Resource.objects.exists()
    Project.objects.create(slug="Demand", team=project.team, spec={})


def test_the_keeper_renews_what_is_held(project: Project) -> None:
    claim = work.claim(lease=timedelta(seconds=2))
    assert claim is not None
    first = Project.objects.values_list("lease_until", flat=True).get()
    deadline = timezone.now() + timedelta(seconds=10)
    while timezone.now() < deadline:
        if Project.objects.values_list("lease_until", flat=True).get() > first:
            break
    else:
        pytest.fail("the lease was not renewed within 10 s")
    work.keeper.drop(claim)


def test_what_is_begun_is_known_of_until_it_is_dropped(project: Project) -> None:
    claim = work.claim(lease=LEASE)
    assert claim is not None
    work.begin(claim, {"namespace": "cluster-north"})
    work.begin(claim, {"namespace": "cluster-north"})
    assert list(Resource.objects.values_list("kind", "target", "applied")) == [("namespace", "cluster-north", False)]

    happening = Happening(reason=Reason.DELETING, message="Workspace removed.")
    dropped = replace(outcome(happenings=(happening,)), gone=True, dropped=True)
    work.record(claim, [dropped], generation=2)
    assert not Resource.objects.exists()
    assert Event.objects.get().message == "Workspace removed."


def test_an_overtaken_worker_begins_nothing(project: Project) -> None:
    overtaken = work.claim(lease=LEASE)
    assert overtaken is not None
    lose_lease(project)
    assert work.claim(lease=LEASE) is not None
    with pytest.raises(work.LeaseLost):
        work.begin(overtaken, {"namespace": "cluster-north"})
    assert not Resource.objects.exists()
