"""The loop: look, differ, apply, tell. It knows a Wish and what was known before; it never sees a row.

    for each Kind whose predecessors are usable, all at the same time:
        never made      → apply everything (creates adopt what is ours, refuse what is not)
        made before     → observe, compare what we declare, apply only what differs
    nothing outside is undone on a failure; the next look goes on from what is there

Remote calls run in threads. `record` is called in the caller's thread, as results come in, so that only it writes rows.
"""

import heapq
import random
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from queue import Empty, SimpleQueue
from typing import Any

import structlog

from provisioning.conditions import Condition, Status
from provisioning.errors import PermanentError, ProvisioningError, Reason, TargetUnavailable, TemporaryError
from provisioning.kind import Kind, Object, System, Wish
from provisioning.plan import Action, Change, compare

log = structlog.get_logger(__name__)

QUICK = 1.0
"""A delay up to so many seconds is waited for inside the same run."""
QUICK_TRIES = 12
BACKOFF_MAX = 300.0
BACKOFF_UNAVAILABLE_MAX = 15.0

_KINDS = ThreadPoolExecutor(max_workers=48, thread_name_prefix="kind")
_OBJECTS = ThreadPoolExecutor(max_workers=64, thread_name_prefix="object")


@dataclass(frozen=True)
class Result:
    """What a run over all Kinds came to. `delay` as in Outcome, the shortest; `gone`: nothing is left outside."""

    delay: float | None
    ready: bool
    gone: bool = False


Record = Callable[[Sequence[Outcome]], None]
OpenClient = Callable[[System], Any]


def each(function: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
    """The function over the items, in parallel threads; results in the order of the items. Raises the first error."""
    if len(items) < 2:
        return [function(item) for item in items]
    rest = [_OBJECTS.submit(function, item) for item in items[1:]]
    try:
        first = function(items[0])
    finally:
        # Wait for all, also after an error: nothing of ours may still be writing when the next attempt begins.
        failures = [future.exception() for future in rest]
    for failure in failures:
        if failure is not None:
            raise failure
    return [first, *(future.result() for future in rest)]


def reconcile(
    *,
    wish: Wish,
    kinds: Mapping[str, Kind],
    known: Mapping[str, Known],
    open_client: OpenClient,
    record: Record,
    now: Callable[[], datetime],
) -> Result:
    """Make one wish so, as far as it goes now. Every Kind gets exactly one recorded outcome per look at it."""

    def look(kind: Kind, before: Known) -> Outcome:
        return _look(kind=kind, wish=wish, known=before, open_client=open_client, now=now)

    def may_start(kind: Kind, done: Mapping[str, Outcome]) -> bool | None:
        if not all(name in done for name in kind.after):
            return None
        return all(done[name].known.ready.status is Status.TRUE for name in kind.after)

    def blocked(kind: Kind, before: Known, done: Mapping[str, Outcome]) -> Outcome:
        missing = [kinds[name].title.lower() for name in kind.after if done[name].known.ready.status is not Status.TRUE]
        return Outcome(
            kind=kind.name,
            target=wish.target(kind.system),
            known=_failed(
                before, Reason.DEPENDENCY_NOT_READY, f"Needs the {' and the '.join(missing)} first.", now=now()
            ),
        )

    done = _run(kinds=kinds, known=known, look=look, may_start=may_start, blocked=blocked, record=record, now=now)
    delays = [outcome.delay for outcome in done.values() if outcome.delay is not None]
    ready = all(
        outcome.known.ready.status is Status.TRUE or outcome.known.synced.reason is Reason.UNSUPPORTED
        for outcome in done.values()
    )
    return Result(delay=min(delays, default=None), ready=ready)


def remove(
    *,
    wish: Wish,
    kinds: Mapping[str, Kind],
    known: Mapping[str, Known],
    open_client: OpenClient,
    record: Record,
    now: Callable[[], datetime],
) -> Result:
    """Take everything away, last made first. What is kept on purpose counts as gone."""

    def look(kind: Kind, before: Known) -> Outcome:
        return _look_at_removal(kind=kind, wish=wish, known=before, open_client=open_client, now=now)

    def may_start(kind: Kind, done: Mapping[str, Outcome]) -> bool | None:
        if kind.within is not None:
            return done[kind.within].gone if kind.within in done else None
        later = [other.name for other in kinds.values() if kind.name in other.after and other.within != kind.name]
        if not all(name in done for name in later):
            return None
        return all(done[name].gone for name in later)

    def blocked(kind: Kind, before: Known, _: Mapping[str, Outcome]) -> Outcome:
        waits = f"Goes with the {kinds[kind.within].title.lower()}." if kind.within else "Goes after what uses it."
        return Outcome(
            kind=kind.name,
            target=wish.target(kind.system),
            known=_failed(before, Reason.DELETING, waits, now=now()),
        )

    done = _run(kinds=kinds, known=known, look=look, may_start=may_start, blocked=blocked, record=record, now=now)
    delays = [outcome.delay for outcome in done.values() if outcome.delay is not None]
    gone = all(outcome.gone for outcome in done.values())
    return Result(delay=None if gone else min(delays, default=2.0), ready=False, gone=gone)


def _run(
    *,
    kinds: Mapping[str, Kind],
    known: Mapping[str, Known],
    look: Callable[[Kind, Known], Outcome],
    may_start: Callable[[Kind, Mapping[str, Outcome]], bool | None],
    blocked: Callable[[Kind, Known, Mapping[str, Outcome]], Outcome],
    record: Record,
    now: Callable[[], datetime],
) -> dict[str, Outcome]:
    """Start each Kind as soon as it may, collect outcomes in this thread, hand them to `record` in batches."""
    before = {name: known.get(name) or Known.nothing(now=now()) for name in kinds}
    waiting = dict(kinds)
    running: dict[str, Future[None]] = {}
    done: dict[str, Outcome] = {}
    tries: dict[str, int] = {}
    again: list[tuple[float, str]] = []
    arrived: SimpleQueue[Outcome] = SimpleQueue()

    def start(name: str) -> None:
        kind = kinds[name]
        running[name] = _KINDS.submit(lambda: arrived.put(look(kind, before[name])))

    while waiting or running or again:
        decided: list[Outcome] = []
        for name, kind in list(waiting.items()):
            answer = may_start(kind, done)
            if answer is None:
                continue
            del waiting[name]
            if answer:
                start(name)
            else:
                done[name] = blocked(kind, before[name], done)
                decided.append(done[name])
        while again and again[0][0] <= time.monotonic():
            start(heapq.heappop(again)[1])
        if not decided:
            decided = _arrivals(arrived, until=again[0][0] if again else None)
        finished = []
        for outcome in decided:
            running.pop(outcome.kind, None)
            tries[outcome.kind] = tries.get(outcome.kind, 0) + 1
            quick = outcome.delay is not None and outcome.delay <= QUICK and not outcome.gone
            if quick and tries[outcome.kind] < QUICK_TRIES:
                before[outcome.kind] = outcome.known
                heapq.heappush(again, (time.monotonic() + (outcome.delay or 0), outcome.kind))
            else:
                done[outcome.kind] = outcome
                finished.append(outcome)
        if finished:
            record(finished)
    return done


def _arrivals(arrived: "SimpleQueue[Outcome]", *, until: float | None) -> list[Outcome]:
    """What has come in, at least one unless the time `until` (monotonic) comes first."""
    try:
        first = arrived.get(timeout=None if until is None else max(0.0, until - time.monotonic()))
    except Empty:
        return []
    found = [first]
    while not arrived.empty():
        found.append(arrived.get())
    return found


def _guarded(
    work: Callable[[], Outcome], *, kind: Kind, target: str, known: Known, now: Callable[[], datetime]
) -> Outcome:
    """Run one Kind's work and turn whatever it raises into an outcome: no error of one Kind may stop the others."""
    try:
        return work()
    except TemporaryError as error:
        failed = _failed(known, error.reason, error.message, now=now())
        return Outcome(kind=kind.name, target=target, known=failed, delay=_delay(error, failures=failed.failures))
    except PermanentError as error:
        failed = _failed(known, error.reason, error.message, now=now())
        told = known.synced.reason is error.reason and known.synced.message == error.message
        happenings = () if told else (Happening(reason=error.reason, message=error.message),)
        return Outcome(kind=kind.name, target=target, known=failed, happenings=happenings)
    except Exception:
        log.exception("kind_failed", kind=kind.name)
        message = "Slipway itself failed here. The platform team finds the reason in the worker's log; we look again."
        failed = _failed(known, Reason.INTERNAL, message, now=now())
        return Outcome(
            kind=kind.name, target=target, known=failed, delay=_backoff(failures=failed.failures, longest=BACKOFF_MAX)
        )


def _look(*, kind: Kind, wish: Wish, known: Known, open_client: OpenClient, now: Callable[[], datetime]) -> Outcome:
    target = wish.target(kind.system)

    def work() -> Outcome:
        client = open_client(kind.system)
        if kind.unsupported is not None and (sentence := kind.unsupported(wish, client)):
            return Outcome(
                kind=kind.name,
                target=target,
                known=_unsupported(known, sentence, generation=wish.generation, now=now()),
            )
        desired = kind.desired(wish)
        if known.applied:
            changes = compare(kind=kind.name, desired=desired, observed=kind.observe(wish, client, desired, each))
        else:
            changes = tuple(
                Change(kind=kind.name, key=thing.key, action=Action.CREATE)
                for thing in desired
                if thing.body is not None
            )
        pending = tuple(change for change in changes if change.action is not Action.KEEP)
        drifted = bool(pending) and known.applied and _was_right(known, generation=wish.generation)
        policy = wish.catalogue.drift.get(kind.name, "heal") if drifted else "heal"
        happenings: list[Happening] = []
        if drifted:
            if policy == "ignore":
                return Outcome(kind=kind.name, target=target, known=_available(known, kind, wish, now=now()))
            happenings.append(Happening(reason=Reason.DRIFTED, message=_drift_sentence(pending), changes=pending))
            if policy == "warn":
                warned = _failed(known, Reason.DRIFTED, _drift_sentence(pending), now=now())
                told = known.synced.reason is Reason.DRIFTED
                return Outcome(
                    kind=kind.name, target=target, known=warned, happenings=() if told else tuple(happenings)
                )
        if pending:
            keys = {change.key for change in pending}
            kind.apply(wish, client, _chosen(desired, keys), each)
            word = "Put back" if drifted else "Changed" if known.applied else "Made"
            message = f"{word} {_listed([change.key for change in pending])}."
            happenings.append(Happening(reason=Reason.AVAILABLE, message=message, changes=pending))
        return Outcome(
            kind=kind.name, target=target, known=_available(known, kind, wish, now=now()), happenings=tuple(happenings)
        )

    return _guarded(work, kind=kind, target=target, known=known, now=now)


def _look_at_removal(
    *, kind: Kind, wish: Wish, known: Known, open_client: OpenClient, now: Callable[[], datetime]
) -> Outcome:
    target = wish.target(kind.system)

    def work() -> Outcome:
        gone = kind.within is not None or kind.delete(wish, open_client(kind.system))
        if not gone:
            deleting = _failed(known, Reason.DELETING, "Being removed.", now=now())
            return Outcome(kind=kind.name, target=target, known=deleting, delay=2.0)
        removed = replace(_failed(known, Reason.DELETING, "Removed.", now=now()), applied=False)
        happenings = (Happening(reason=Reason.DELETING, message=f"{kind.title} removed."),) if known.applied else ()
        return Outcome(kind=kind.name, target=target, known=removed, happenings=happenings, gone=True)

    outcome = _guarded(work, kind=kind, target=target, known=known, now=now)
    if not outcome.gone and outcome.known.synced.reason is not Reason.DELETING:
        message = f"Being removed. {outcome.known.synced.message}"
        deleting = _failed(outcome.known, Reason.DELETING, message, now=now())
        return replace(
            outcome, known=replace(deleting, failures=outcome.known.failures), delay=outcome.delay or BACKOFF_MAX
        )
    return outcome
