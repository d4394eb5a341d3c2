"""The loop with small Kinds in memory: every path once, compared whole."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from provisioning.conditions import Status
from provisioning.errors import NameTaken, PermanentError, Reason, TargetUnavailable, TemporaryError
from provisioning.kind import Body, Kind, Object, Wish
from provisioning.outcomes import Known, Outcome
from provisioning.reconcile import Result, each, reconcile, remove
from tests.provisioning.wishes import wish

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


class World:
    """An outside made of a dictionary, which can be told to fail."""

    def __init__(self) -> None:
        self.things: dict[str, Any] = {}
        self.writes: list[str] = []
        self.errors: dict[str, list[Exception]] = {}

    def fail(self, kind: str, *errors: Exception) -> None:
        self.errors[kind] = list(errors)

    def maybe_fail(self, kind: str) -> None:
        if self.errors.get(kind):
            raise self.errors[kind].pop(0)


def kind(name: str, *, after: tuple[str, ...] = (), within: str | None = None, body: Body | None = None) -> Kind:
    """A Kind with one object whose body says its generation."""

    def desired(wish: Wish) -> tuple[Object, ...]:
        return (Object(key=f"thing/{name}", body=body or {"plan": wish.spec.plan}),)

    def observe(_: Wish, world: World, objects: Sequence[Object], __: Any) -> dict[str, Body | None]:
        return {thing.key: world.things.get(thing.key) for thing in objects}

    def apply(_: Wish, world: World, objects: Sequence[Object], __: Any) -> None:
        world.maybe_fail(name)
        for thing in objects:
            if thing.body is None:
                world.writes.append(f"delete {thing.key}")
                world.things.pop(thing.key, None)
                continue
            world.writes.append(thing.key)
            world.things[thing.key] = dict(thing.body or {}) | {"server": "adds this"}

    def delete(_: Wish, world: World) -> bool:
        world.maybe_fail(name)
        world.writes.append(f"delete {name}")
        return world.things.pop(f"thing/{name}", None) is None

    return Kind(
        name=name, title=name.title(), system="cluster", after=after, within=within,
        desired=desired, observe=observe, apply=apply, delete=delete, summary=lambda _: f"{name} is there",
    )  # fmt: skip


def kinds(*all_of: Kind) -> dict[str, Kind]:
    return {one.name: one for one in all_of}


def run(
    world: World, these: Mapping[str, Kind], *, known: Mapping[str, Known] | None = None, **changes: Any
) -> tuple[Result, dict[str, Outcome]]:
    """One look; returns the result and the outcomes by Kind."""
    outcomes: dict[str, Outcome] = {}

    def record(batch: Sequence[Outcome]) -> None:
        outcomes.update({one.kind: one for one in batch})

    loop = changes.pop("loop", reconcile)
    result = loop(
        wish=wish(**changes),
        kinds=these,
        known=known or {},
        open_client=lambda _: world,
        record=record,
        now=lambda: NOON,
    )
    return result, outcomes


def known_after(outcomes: Mapping[str, Outcome]) -> dict[str, Known]:
    return {name: outcome.known for name, outcome in outcomes.items()}


def says(outcome: Outcome) -> tuple[Status, Reason, Status, Reason]:
    known = outcome.known
    return known.synced.status, known.synced.reason, known.ready.status, known.ready.reason


ALL_WELL = (Status.TRUE, Reason.AVAILABLE, Status.TRUE, Reason.AVAILABLE)


def test_makes_everything_in_the_order_of_need():
    world = World()
    result, outcomes = run(world, kinds(kind("a"), kind("b", after=("a",)), kind("c", after=("b",))))
    assert world.writes == ["thing/a", "thing/b", "thing/c"]
    assert {name: says(outcome) for name, outcome in outcomes.items()} == dict.fromkeys("abc", ALL_WELL)
    assert (result.ready, result.delay) == (True, None)
    assert outcomes["a"].known.ready.message == "a is there"


def test_second_look_writes_nothing():
    world, these = World(), kinds(kind("a"), kind("b"))
    _, outcomes = run(world, these)
    world.writes.clear()
    result, again = run(world, these, known=known_after(outcomes))
    assert world.writes == []
    assert result.ready
    assert [one.happenings for one in again.values()] == [(), ()]


def test_drift_is_told_and_put_back():
    world, these = World(), kinds(kind("a"))
    _, outcomes = run(world, these)
    world.things.clear()
    _, again = run(world, these, known=known_after(outcomes))
    assert world.things == {"thing/a": {"plan": "medium", "server": "adds this"}}
    assert [(one.reason, one.message) for one in again["a"].happenings] == [
        (Reason.DRIFTED, "thing/a is missing, though nobody asked here."),
        (Reason.AVAILABLE, "Put back thing/a."),
    ]


def test_drift_policy_warn_touches_nothing_and_tells_once():
    world, these = World(), kinds(kind("a"))
    _, outcomes = run(world, these)
    world.things["thing/a"]["plan"] = "huge"
    catalogue = wish().catalogue.model_copy(update={"drift": {"a": "warn"}})
    _, warned = run(world, these, known=known_after(outcomes), catalogue=catalogue)
    assert says(warned["a"]) == (Status.FALSE, Reason.DRIFTED, Status.TRUE, Reason.AVAILABLE)
    assert world.things["thing/a"]["plan"] == "huge"
    _, twice = run(world, these, known=known_after(warned), catalogue=catalogue)
    assert twice["a"].happenings == ()


def test_a_change_of_spec_is_no_drift():
    world, these = World(), kinds(kind("a"))
    _, outcomes = run(world, these)
    _, changed = run(world, these, known=known_after(outcomes), generation=2, plan="large")
    assert world.things["thing/a"]["plan"] == "large"
    assert [one.message for one in changed["a"].happenings] == ["Changed thing/a."]
    assert changed["a"].known.observed_generation == 2


def test_one_failing_kind_does_not_stop_the_others():
    world = World()
    world.fail("a", PermanentError("The quota is refused. Choose a smaller plan."))
    result, outcomes = run(world, kinds(kind("a"), kind("b", after=("a",)), kind("c")))
    assert says(outcomes["a"]) == (Status.FALSE, Reason.REJECTED, Status.FALSE, Reason.REJECTED)
    assert says(outcomes["b"])[1] is Reason.DEPENDENCY_NOT_READY
    assert outcomes["b"].known.synced.message == "Needs first: A."
    assert says(outcomes["c"]) == ALL_WELL
    assert (result.ready, result.delay) == (False, None)


def test_a_refused_change_leaves_ready_true():
    world, these = World(), kinds(kind("a"))
    _, outcomes = run(world, these)
    world.fail("a", PermanentError("Too small for what is in it."))
    _, refused = run(world, these, known=known_after(outcomes), generation=2, plan="large")
    assert says(refused["a"]) == (Status.FALSE, Reason.REJECTED, Status.TRUE, Reason.AVAILABLE)


def test_short_delay_is_waited_for_inside_the_run():
    world = World()
    world.fail("a", TemporaryError("The branch is not there yet.", delay=0.01), TemporaryError("Not yet.", delay=0.01))
    result, outcomes = run(world, kinds(kind("a")))
    assert says(outcomes["a"]) == ALL_WELL
    assert result.ready


def test_silent_target_waits_and_recovers_with_a_fresh_message():
    world, these = World(), kinds(kind("a"))
    world.fail("a", TargetUnavailable("cluster-north does not answer."))
    result, outcomes = run(world, these)
    assert says(outcomes["a"])[1] is Reason.TARGET_UNAVAILABLE
    assert 1.0 < result.delay <= 15.0
    _, again = run(world, these, known=known_after(outcomes))
    assert says(again["a"]) == ALL_WELL
    assert again["a"].known.synced.message == ""


def test_told_delay_is_kept():
    world = World()
    world.fail("a", TargetUnavailable("busy", delay=24))
    assert run(world, kinds(kind("a")))[0].delay == 24


def test_a_fault_of_ours_is_told_without_its_text():
    world = World()
    world.fail("a", ValueError("token=abc"))
    result, outcomes = run(world, kinds(kind("a")))
    assert says(outcomes["a"])[1] is Reason.INTERNAL
    assert "abc" not in outcomes["a"].known.synced.message
    assert result.delay is not None


def test_name_taken_is_told_once():
    world, these = World(), kinds(kind("a"))
    world.fail("a", NameTaken("ml-x exists."), NameTaken("ml-x exists."))
    _, outcomes = run(world, these)
    assert [one.reason for one in outcomes["a"].happenings] == [Reason.NAME_TAKEN]
    _, again = run(world, these, known=known_after(outcomes))
    assert again["a"].happenings == ()


def test_removal_goes_backwards_and_takes_along_what_is_within():
    world = World()
    these = kinds(kind("ns"), kind("quota", after=("ns",), within="ns"), kind("repo"), kind("hook", after=("repo",)))
    _, outcomes = run(world, these)
    world.writes.clear()
    known, rounds = known_after(outcomes), 0
    while True:
        result, outcomes = run(world, these, known=known, loop=remove)
        known, rounds = known_after(outcomes), rounds + 1
        if result.gone:
            break
        assert result.delay is not None
        assert rounds < 6
    assert "delete quota" not in world.writes
    assert world.writes.index("delete hook") < world.writes.index("delete repo")


def test_removal_says_what_holds_it_up():
    world = World()
    world.fail("a", TargetUnavailable("cluster-north does not answer."))
    result, outcomes = run(world, kinds(kind("a")), loop=remove)
    assert says(outcomes["a"])[:2] == (Status.FALSE, Reason.DELETING)
    assert outcomes["a"].known.synced.message == "Being removed. cluster-north does not answer."
    assert not result.gone


def test_each_keeps_order_and_raises_the_first_error():
    assert each(lambda item: item * 2, [3, 1, 2]) == [6, 2, 4]
    assert each(lambda item: item, []) == []


def optional(name: str, *, within: str | None = None, after: tuple[str, ...] = ()) -> Kind:
    """A Kind that only projects of plan large have."""
    return replace(kind(name, within=within, after=after), wanted=lambda wish: wish.spec.plan == "large")


def test_what_is_not_wanted_any_more_is_taken_away_and_holds_nothing_up():
    world, these = World(), kinds(kind("a"), optional("b", after=("a",)), kind("c", after=("b",)))
    result, outcomes = run(world, these, plan="large")
    assert (result.ready, sorted(world.things)) == (True, ["thing/a", "thing/b", "thing/c"])

    first, between = run(world, these, known=known_after(outcomes), plan="medium", generation=2)
    assert (first.ready, first.delay, between["b"].known.synced.message) == (False, 2.0, "Being removed.")
    assert says(between["c"]) == ALL_WELL
    result, again = run(world, these, known=known_after(between), plan="medium", generation=2)
    assert (result.ready, sorted(world.things)) == (True, ["thing/a", "thing/c"])
    assert {name: (one.gone, one.dropped) for name, one in again.items()} == {
        "a": (False, False),
        "b": (True, True),
        "c": (False, False),
    }
    assert [one.message for one in again["b"].happenings] == ["B removed."]


def test_what_lies_within_something_that_stays_is_taken_away_by_its_objects():
    world, these = World(), kinds(kind("room"), optional("b", within="room"))
    _, outcomes = run(world, these, plan="large")
    world.writes.clear()
    _, again = run(world, these, known=known_after(outcomes), plan="medium", generation=2)
    assert (sorted(world.writes), sorted(world.things)) == (["delete thing/b", "thing/room"], ["thing/room"])
    assert again["b"].dropped


def test_a_project_is_not_ready_before_what_it_no_longer_wants_is_gone():
    world, these = World(), kinds(kind("a"), optional("b"))
    _, outcomes = run(world, these, plan="large")
    world.fail("b", TargetUnavailable("Away."))
    result, again = run(world, these, known=known_after(outcomes), plan="medium", generation=2)
    assert (result.ready, again["b"].gone, again["b"].known.synced.reason) == (False, False, Reason.DELETING)
    assert result.delay is not None
