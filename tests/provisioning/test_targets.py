"""How long a target is left alone that did not answer."""

from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from provisioning import targets
from provisioning.errors import TargetUnavailable
from tests.fakes.forge import FakeForge
from tests.provisioning.wishes import catalogue


class Clock:
    """Seconds since the process began, moved by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    targets.forget_clients()
    clock = Clock()
    monkeypatch.setattr(targets, "time", SimpleNamespace(monotonic=clock.monotonic))
    yield clock
    targets.forget_clients()


def wait() -> float | None:
    """How long we are told to wait for the forge; 0 when it is asked again."""
    try:
        targets.open_client(catalogue().forge("git-1"), resolve=lambda _: "")
    except TargetUnavailable as error:
        return error.delay
    return 0


@pytest.mark.parametrize(("told", "left"), [(30.0, 30.0), (3000.0, 3000.0), (86_400.0, 3600.0)])
def test_a_target_is_left_alone_as_long_as_it_asks_for_within_an_hour(clock: Clock, told: float, left: float) -> None:
    targets.use("git-1", FakeForge())
    targets.trip("git-1", TargetUnavailable("git-1 was asked too much.", delay=told))
    assert wait() == left
    clock.now += left - 10
    assert wait() == 10
    clock.now += 10
    assert wait() == 0


def test_one_that_does_not_say_how_long_is_asked_again_after_a_second(clock: Clock) -> None:
    targets.use("git-1", FakeForge())
    targets.trip("git-1", TargetUnavailable("git-1 does not answer."))
    assert wait() is None
    clock.now += 1
    assert wait() == 0
