"""The engine with every real Kind against targets in memory, whatever goes wrong on the way: one end, and only one."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provisioning.errors import Reason, TargetUnavailable, TemporaryError
from provisioning.kind import Wish
from provisioning.secrets import Earlier
from tests.provisioning.outside import ACCOUNT, NAMESPACE, REPOSITORY, Cut, Outside, Stopped, tampering
from tests.provisioning.wishes import catalogue, wish

ALICE = {"user": "alice@corp.example", "role": "owner"}
BOB = {"user": "bob@corp.example", "role": "editor"}
VISION = {"group": "ml-vision", "role": "viewer"}
ROADS = {"name": "roads", "owner": "vision", "readers": ["forecasting"], "object_store": "store-1"}
READS = catalogue(data_stores=[{**ROADS, "bucket": "vision-shared", "prefix": "roads"}])
STATES: tuple[dict[str, Any], ...] = (
    {"plan": "medium", "contributors": (ALICE, BOB, VISION)},
    {"plan": "large", "contributors": (ALICE,), "options": {"network": {"internet": True}}},
    {"plan": "small", "contributors": (ALICE, {**BOB, "role": "owner"}), "options": {"bucket": {"versioning": False}}},
    {"plan": "gpu", "title": "", "contributors": (ALICE, VISION), "options": {"repository": {"approvals": 1}}},
    {"plan": "small", "contributors": (ALICE, BOB), "options": {"retrain": {"schedule": "0 3 * * 1"}}},
    {"catalogue": READS, "contributors": (ALICE,), "options": {"data": {"read": ["roads"], "until": "2099-12-31"}}},
)
ERRORS: tuple[Callable[[], BaseException], ...] = (
    Stopped,
    lambda: TargetUnavailable("It does not answer."),
    lambda: TargetUnavailable("Busy.", delay=30),
    lambda: TemporaryError("Not yet.", delay=0.001),
    lambda: TemporaryError("Not yet."),
)
TAMPERING = tampering()

cuts = st.builds(Cut, at=st.integers(0, 90), when=st.sampled_from(["before", "after"]), error=st.sampled_from(ERRORS))
looks = st.tuples(st.just("look"), st.lists(cuts, max_size=6, unique_by=lambda cut: cut.at))
tampers = st.tuples(st.just("tamper"), st.sampled_from(sorted(TAMPERING)))
changes = st.tuples(st.just("change"), st.integers(0, len(STATES) - 1))
rotations = st.tuples(st.just("rotate"), st.booleans())
ends = st.tuples(st.just("end"), st.none())


def made(outside: Outside, **changes: Any) -> Wish:
    project = wish(**changes)
    outside.settle(project)
    return project


def live_through(outside: Outside, steps: list[tuple[str, Any]]) -> Wish:
    """A history of looks that are cut, of tampering between them, of new wishes and new keys; the last wish."""
    generation, state = 1, STATES[0]
    keys: dict[str, Any] = {"versions": {}, "earlier": {}}
    for word, what in steps:
        if word == "tamper":
            TAMPERING[what](outside)
        elif word == "change":
            generation, state = generation + 1, STATES[what]
        elif word == "rotate":
            keys = rotated(keys["versions"].get("bucket", 1) + 1, overlap=what)
        elif word == "end":
            keys = {**keys, "earlier": {}}
        else:
            outside.look(wish(generation=generation, **state, **keys), *what)
    return wish(generation=generation, **state, **keys)


def rotated(version: int, *, overlap: bool = True) -> dict[str, Any]:
    """What a wish knows of its credentials after so many rotations of all of them."""
    purposes = ("bucket", "webhook", "profile-hook", "clone", "ci-report")
    before = Earlier(version=version - 1, key_id=None)
    return {
        "versions": dict.fromkeys(purposes, version),
        "earlier": dict.fromkeys(purposes, before) if overlap else {},
    }


@settings(max_examples=120)
@given(tekton=st.booleans(), steps=st.lists(st.one_of(looks, looks, tampers, changes, rotations, ends), max_size=10))
def test_any_history_ends_as_wished(tekton: bool, steps: list[tuple[str, Any]]) -> None:
    outside = Outside(tekton=tekton)
    project = live_through(outside, steps)
    outside.settle(project)
    outside.check_as_wished(project)
    outside.check_no_secret_said(project)


@settings(max_examples=60)
@given(
    data=st.booleans(),
    steps=st.lists(st.one_of(looks, tampers, changes, rotations, ends), max_size=6),
    removals=st.lists(st.lists(cuts, max_size=3, unique_by=lambda cut: cut.at), max_size=3),
)
def test_removal_from_anywhere_leaves_only_what_is_kept(
    data: bool, steps: list[tuple[str, Any]], removals: list[list[Cut]]
) -> None:
    outside = Outside()
    last = live_through(outside, steps)
    leaving = replace(wish(generation=last.generation + 1, remove_data=data), versions=last.versions)
    for broken in removals:
        outside.look(leaving, *broken, removing=True)
    outside.retire(leaving)
    outside.check_gone(leaving)
    outside.check_no_secret_said(leaving)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(
    "error", [Stopped, lambda: TargetUnavailable("It does not answer.")], ids=["killed", "cut off"]
)
def test_cut_at_every_call_of_a_creation(when: Any, error: Callable[[], BaseException]) -> None:
    whole = Outside()
    made(whole)
    calls = whole.last_life.calls
    assert calls > 40
    for at in range(calls):
        outside, project = Outside(), wish()
        outside.look(project, Cut(at=at, when=when, error=error))
        outside.settle(project, looks=3)
        outside.check_as_wished(project)


@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_at_every_call_and_then_wished_otherwise(when: Any) -> None:
    """What the first wish left half done and the second doesn't name is taken away before it says Ready."""
    calls = 60
    for at in range(calls):
        outside = Outside()
        outside.look(wish(generation=1, **STATES[0], options={"network": {"internet": True}}), Cut(at, when, Stopped))
        project = wish(generation=2, plan="small", contributors=(ALICE,))
        outside.settle(project, looks=3)
        outside.check_as_wished(project)


@pytest.mark.parametrize("data", [True, False])
def test_killed_at_every_call_of_a_removal(data: bool) -> None:
    for at in range(14):
        for when in ("before", "after"):
            outside = Outside()
            made(outside)
            leaving = wish(generation=2, remove_data=data)
            outside.look(leaving, Cut(at=at, when=when, error=Stopped), removing=True)  # type: ignore[arg-type]
            outside.retire(leaving)
            outside.check_gone(leaving)


@pytest.mark.parametrize("what", sorted(TAMPERING))
def test_each_tampering_is_told_once_and_put_back(what: str) -> None:
    outside = Outside()
    project = made(outside)
    outside.said.clear()
    TAMPERING[what](outside)
    outside.settle(project)
    drifts = [one for outcome in outside.said for one in outcome.happenings if one.reason is Reason.DRIFTED]
    assert bool(drifts) is (what not in ("bucket used",))
    outside.check_as_wished(project)


def test_nothing_is_built_on_a_name_that_became_somebody_elses() -> None:
    """Namespace and repository are removed by hand and made anew by others: none of ours goes into them."""
    outside = Outside()
    project = made(outside)
    outside.cluster.objects = {key: one for key, one in outside.cluster.objects.items() if NAMESPACE not in key}
    outside.cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
    del outside.forge.repositories[REPOSITORY]
    outside.forge.create_repository("forecasting", "demand", "Somebody's")
    for client in outside.clients:
        client.calls.clear()
    result = outside.look(project)
    assert result is not None
    assert not result.ready
    reasons = {name: known.synced.reason for name, known in outside.known.items()}
    assert reasons == {
        "namespace": Reason.NAME_TAKEN, "access": Reason.DEPENDENCY_NOT_READY, "limits": Reason.DEPENDENCY_NOT_READY,
        "network": Reason.DEPENDENCY_NOT_READY, "credentials": Reason.DEPENDENCY_NOT_READY,
        "pipeline": Reason.DEPENDENCY_NOT_READY, "repository": Reason.NAME_TAKEN,
        "webhook": Reason.DEPENDENCY_NOT_READY, "clone": Reason.DEPENDENCY_NOT_READY,
        "actions": Reason.DEPENDENCY_NOT_READY, "repository_access": Reason.DEPENDENCY_NOT_READY,
        "bucket": Reason.AVAILABLE,
    }  # fmt: skip
    assert outside.writes() == []


def test_an_outage_does_not_turn_a_warning_into_a_repair() -> None:
    warning = catalogue(drift={"repository_access": "warn"})
    outside = Outside()
    project = made(outside, catalogue=warning)
    TAMPERING["stranger let in"](outside)
    outside.look(project)
    assert outside.known["repository_access"].synced.reason is Reason.DRIFTED
    outside.look(project, *(Cut(at, "before", lambda: TargetUnavailable("It does not answer.")) for at in range(90)))
    assert outside.known["repository_access"].synced.reason is Reason.TARGET_UNAVAILABLE
    outside.look(project)
    assert outside.known["repository_access"].synced.reason is Reason.DRIFTED
    assert outside.forge.repositories[REPOSITORY].collaborators["charlie"] == "admin"


@pytest.mark.parametrize("policy", ["heal", "warn", "ignore"])
def test_what_we_want_otherwise_by_now_is_no_drift(policy: str) -> None:
    """A last day is over, or the plan grew in the catalogue: no new generation, and nobody tampered."""
    every = dict.fromkeys(("access", "repository_access", "limits"), policy)
    outside = Outside()
    made(outside, catalogue=catalogue(drift=every))
    outside.said.clear()
    grown = catalogue(drift=every)
    plans = {**grown.plans, "medium": grown.plans["medium"].model_copy(update={"pods": 60})}
    project = wish(contributors=(ALICE,), catalogue=grown.model_copy(update={"plans": plans}))
    outside.settle(project)
    assert [one for outcome in outside.said for one in outcome.happenings if one.reason is Reason.DRIFTED] == []
    outside.check_as_wished(project)


def test_a_new_version_of_a_secret_gets_everywhere() -> None:
    outside = Outside()
    made(outside)
    project = wish(versions={"bucket": 2, "webhook": 2})
    outside.settle(project)
    outside.check_as_wished(project)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("steps", [(2,), (2, 3)], ids=["one rotation", "another within the overlap"])
def test_killed_at_every_call_of_a_rotation(when: Any, steps: tuple[int, ...]) -> None:
    """Both keys open the bucket at the end, whatever was cut; then only the new one; the data was never touched."""
    whole = Outside()
    made(whole)
    whole.look(wish(**rotated(2)))
    for at in range(whole.last_life.calls):
        outside = Outside()
        made(outside)
        outside.store.put_object("ml-demand", "model.bin", b"weights")
        for version in steps:
            outside.look(wish(**rotated(version)), Cut(at=at, when=when, error=Stopped))
        project = wish(**rotated(steps[-1]))
        outside.settle(project, looks=3)
        outside.check_as_wished(project)
        over = wish(**rotated(steps[-1], overlap=False))
        outside.look(over, Cut(at=at % 12, when=when, error=Stopped))
        outside.settle(over, looks=3)
        outside.check_as_wished(over)
        assert outside.store.buckets["ml-demand"].objects == {"model.bin": [b"weights"]}


def test_the_end_of_an_old_key_is_no_drift() -> None:
    outside = Outside()
    made(outside)
    outside.settle(wish(**rotated(2)))
    outside.said.clear()
    outside.settle(wish(**rotated(2, overlap=False)))
    told = [one for outcome in outside.said for one in outcome.happenings]
    assert sorted((one.reason, one.message) for one in told) == [
        (Reason.AVAILABLE, "Changed deploy-keys."),
        (Reason.AVAILABLE, f"Changed user/{ACCOUNT}."),
    ]


def test_an_old_key_that_somebody_makes_anew_is_taken_away() -> None:
    outside = Outside()
    made(outside)
    over = wish(**rotated(2, overlap=False))
    outside.settle(over)
    outside.store.put_user(ACCOUNT, "known to somebody")
    outside.store.set_user_policy(ACCOUNT, ACCOUNT)
    outside.settle(over)
    outside.check_as_wished(over)


def test_what_stays_unfinished_is_asked_less_and_less_often() -> None:
    """A server that always says "in a moment" must not keep a worker busy for ever."""
    outside, project = Outside(), wish()
    delays = []
    for _ in range(4):
        outside.cluster.fail_with(TemporaryError("Not yet.", delay=0.001), on="create", times=12)
        result = outside.look(project)
        assert result is not None
        delays.append(result.delay)
    assert [delay is not None and delay >= 0.5 * 2 ** (n + 1) for n, delay in enumerate(delays)] == [True] * 4


def test_a_removal_that_is_refused_is_told_once() -> None:
    from provisioning.errors import PermanentError

    outside = Outside()
    project = made(outside)
    outside.said.clear()
    for _ in range(3):
        outside.store.fail_with(PermanentError("The bucket is locked."), on="delete_user")
        outside.look(project, removing=True)
    refusals = [one for outcome in outside.said for one in outcome.happenings if one.reason is Reason.REJECTED]
    assert [one.message for one in refusals] == ["The bucket is locked."]
