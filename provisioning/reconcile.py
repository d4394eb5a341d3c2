"""The loop: look, differ, apply, tell. It knows a Wish and what was known before; it never sees a row.

    for each Kind whose predecessors are usable, all at the same time:
        never made      → apply everything (creates adopt what is ours, refuse what is not), and take away what
                          an attempt that was cut off may have left of an earlier wish
        made before     → observe, compare what we declare, apply only what differs
        not wanted now  → take it away; the rest of the project stays
    nothing outside is undone on a failure; the next look goes on from what is there

Remote calls run in threads. `record` is called in the caller's thread, as results come in, so that only it writes rows.
"""

import heapq
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from queue import Empty, SimpleQueue
from typing import Any

import structlog

from provisioning.conditions import Status
from provisioning.errors import PermanentError, Reason, TemporaryError
from provisioning.kind import Body, Kind, Object, System, Wish
from provisioning.outcomes import (
    BACKOFF_MAX,
    QUICK,
    QUICK_TRIES,
    Happening,
    Known,
    Outcome,
    available,
    backoff,
    delay_of,
    drift_sentence,
    failed,
    failed_for_good,
    fingerprint,
    listed,
    skipped,
    slowed,
    unsupported,
)
from provisioning.phrases import joined, phrase, word
from provisioning.plan import Action, Change, compare

log = structlog.get_logger(__name__)

_KINDS = ThreadPoolExecutor(max_workers=32, thread_name_prefix="kind")
_OBJECTS = ThreadPoolExecutor(max_workers=24, thread_name_prefix="object")


@dataclass(frozen=True)
class Result:
    """What a run over all Kinds came to. `delay` as in Outcome, the shortest; `gone`: nothing is left outside.

    `ready`: everything that the targets can do, and nobody skips, has been made as this generation wants it, and can
    be used.
    """

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
    first: bool = False,
    skip: Mapping[str, str] | None = None,
) -> Result:
    """Make one wish so, as far as it goes now. Every Kind gets exactly one recorded outcome per look at it, and before
    it one that is `noted`, alone, where something must be written down before it goes on.

    kinds: those of the wish, and those that it had before (`provisioning.kind.kinds_of`).
    first: nobody has ever begun to make this project, so that there is nothing of an earlier wish to take away.
    skip: Kinds not to look at, each with the sentence that says who wants it so and why.
    """
    left_out = skip or {}
    wanted = {name for name, kind in kinds.items() if kind.is_wanted(wish)}

    def needed(kind: Kind) -> list[str]:
        return [name for name in kind.after if name in wanted] if kind.name in wanted else []

    def look(kind: Kind, before: Known) -> Outcome:
        if kind.name in left_out:
            after = skipped(before, left_out[kind.name], now=now())
            return Outcome(kind=kind.name, target=wish.target(kind.system), known=after)
        if kind.name not in wanted:
            return _look_at_removal(kind=kind, wish=wish, known=before, open_client=open_client, now=now, alone=True)
        return _look(kind=kind, wish=wish, known=before, open_client=open_client, now=now, first=first)

    def may_start(kind: Kind, done: Mapping[str, Outcome]) -> bool | None:
        if not all(name in done for name in needed(kind)):
            return None
        return all(done[name].known.ready.status is Status.TRUE for name in needed(kind))

    def blocked(kind: Kind, before: Known, done: Mapping[str, Outcome]) -> Outcome:
        not_ready = [name for name in needed(kind) if done[name].known.ready.status is not Status.TRUE]
        sentence = phrase(
            "Needs first: %(kinds)s.", kinds=joined(", ", [word(kinds[name].title) for name in not_ready])
        )
        waits = failed(before, Reason.DEPENDENCY_NOT_READY, sentence, now=now())
        return Outcome(kind=kind.name, target=wish.target(kind.system), known=waits)

    done = _run(kinds=kinds, known=known, look=look, may_start=may_start, blocked=blocked, record=record, now=now)
    delays = [outcome.delay for outcome in done.values() if outcome.delay is not None]
    ready = all(
        (outcome.known.ready.status is Status.TRUE or outcome.known.synced.reason is Reason.UNSUPPORTED)
        and outcome.known.observed_generation == wish.generation
        for outcome in done.values()
        if outcome.kind not in left_out and not outcome.dropped
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
        waits = (
            phrase("Goes together with: %(kind)s.", kind=word(kinds[kind.within].title))
            if kind.within
            else phrase("Goes after what uses it.")
        )
        return Outcome(
            kind=kind.name,
            target=wish.target(kind.system),
            known=failed(before, Reason.DELETING, waits, now=now()),
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
    began: dict[str, float] = {}
    again: list[tuple[float, str]] = []
    arrived: SimpleQueue[Outcome | BaseException] = SimpleQueue()

    def work(kind: Kind, known: Known) -> None:
        try:
            arrived.put(look(kind, known))
        except BaseException as stop:
            # Whoever waits for this Kind must hear of it, or would wait for ever and keep the lease.
            arrived.put(stop)
            raise

    def start(name: str) -> None:
        began.setdefault(name, time.monotonic())
        running[name] = _KINDS.submit(work, kinds[name], before[name])

    try:
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
                if outcome.noted:
                    before[outcome.kind] = outcome.known
                    record([outcome])
                    start(outcome.kind)
                    continue
                tries[outcome.kind] = tries.get(outcome.kind, 0) + 1
                quick = outcome.delay is not None and outcome.delay <= QUICK and not outcome.gone
                if quick and tries[outcome.kind] < QUICK_TRIES:
                    before[outcome.kind] = outcome.known
                    heapq.heappush(again, (time.monotonic() + (outcome.delay or 0), outcome.kind))
                else:
                    took = time.monotonic() - began.get(outcome.kind, time.monotonic())
                    done[outcome.kind] = replace(slowed(outcome) if quick else outcome, seconds=took)
                    finished.append(done[outcome.kind])
            if finished:
                record(finished)
    except BaseException:
        # Nothing of ours may still be writing when somebody else takes over.
        wait(running.values())
        raise
    return done


def _arrivals(arrived: "SimpleQueue[Outcome | BaseException]", *, until: float | None) -> list[Outcome]:
    """What has come in, at least one unless the time `until` (monotonic) comes first. Raises what stopped a look."""
    try:
        found = [arrived.get(timeout=None if until is None else max(0.0, until - time.monotonic()))]
    except Empty:
        return []
    while not arrived.empty():
        found.append(arrived.get())
    for one in found:
        if isinstance(one, BaseException):
            raise one
    return [one for one in found if isinstance(one, Outcome)]


def _guarded(
    work: Callable[[], Outcome], *, kind: Kind, target: str, known: Known, now: Callable[[], datetime]
) -> Outcome:
    """Run one Kind's work and turn whatever it raises into an outcome: no error of one Kind may stop the others."""
    try:
        return work()
    except TemporaryError as error:
        after = failed(known, error.reason, error.message, now=now())
        delay = delay_of(error, failures=after.failures)
        return Outcome(kind=kind.name, target=target, known=after, delay=delay, told=error.delay)
    except PermanentError as error:
        after, happenings = failed_for_good(known, error.reason, error.message, now=now())
        return Outcome(kind=kind.name, target=target, known=after, happenings=happenings)
    except Exception:
        log.exception("kind_failed", kind=kind.name)
        message = phrase(
            "Slipway itself failed here. The platform team finds the reason in the worker's log; we look again."
        )
        after = failed(known, Reason.INTERNAL, message, now=now())
        return Outcome(
            kind=kind.name, target=target, known=after, delay=backoff(failures=after.failures, longest=BACKOFF_MAX)
        )


def _look(
    *, kind: Kind, wish: Wish, known: Known, open_client: OpenClient, now: Callable[[], datetime], first: bool
) -> Outcome:
    target = wish.target(kind.system)
    wish = replace(wish, remembered=known.remembered)

    def came_to(after: Known, *happenings: Happening) -> Outcome:
        return Outcome(kind=kind.name, target=target, known=after, happenings=happenings)

    def memory_of(seen: Callable[[], Mapping[str, Body | None]]) -> Body:
        return known.remembered if kind.remember is None else kind.remember(wish, seen)

    def work() -> Outcome:
        client = open_client(kind.system)
        if kind.unsupported is not None and (sentence := kind.unsupported(wish, client)):
            return came_to(unsupported(known, sentence, generation=wish.generation, now=now()))
        desired = kind.desired(wish)
        wanted = fingerprint(wish, desired)
        right = available(known, kind, wish, wanted=wanted, now=now())

        def observed() -> Mapping[str, Body | None]:
            return kind.observe(wish, client, desired, each)

        before = cache(observed)
        if known.applied and known.has_secrets_of(wanted):
            changes = compare(kind=kind.name, desired=desired, observed=before())
        else:
            changes = _everything(kind, wish, client, desired, first=first)
        pending = tuple(change for change in changes if change.action is not Action.KEEP)
        if not pending:
            # What was taken away by hand is no more ours to take, should it come back.
            return came_to(replace(right, remembered=memory_of(before)))
        drifted = known.was_right(generation=wish.generation, wanted=wanted)
        policy = wish.catalogue.drift.get(kind.name, "heal") if drifted else "heal"
        if policy == "ignore":
            return came_to(right)
        drift = Happening(reason=Reason.DRIFTED, message=drift_sentence(pending), changes=pending)
        if policy == "warn":
            told = known.synced.reason is Reason.DRIFTED
            warned = failed(known, Reason.DRIFTED, drift.message, now=now())
            return came_to(warned, *(() if told else (drift,)))
        keys = {change.key for change in pending}
        things = [thing for thing in desired if thing.key in keys]
        if (memory := memory_of(before)) != known.remembered:
            return Outcome(kind=kind.name, target=target, known=replace(known, remembered=memory), noted=True)
        kind.apply(wish, client, things, each)
        if memory:
            right = replace(right, remembered=memory_of(observed))
        objects = listed([change.key for change in pending])
        if drifted:
            message = phrase("Put back %(objects)s.", objects=objects)
        elif known.applied:
            message = phrase("Changed %(objects)s.", objects=objects)
        else:
            message = phrase("Made %(objects)s.", objects=objects)
        applied = Happening(reason=Reason.AVAILABLE, message=message, changes=pending)
        return came_to(right, *((drift,) if drifted else ()), applied)

    return _guarded(work, kind=kind, target=target, known=known, now=now)


def _everything(kind: Kind, wish: Wish, client: Any, desired: Sequence[Object], *, first: bool) -> tuple[Change, ...]:
    """Changes that make all of it, whatever is there, and take away what must not be there."""
    absent = [thing for thing in desired if thing.body is None]
    left = (
        compare(kind=kind.name, desired=absent, observed=kind.observe(wish, client, absent, each))
        if (absent and not first)
        else ()
    )
    made = (Change(kind=kind.name, key=thing.key, action=Action.CREATE) for thing in desired if thing.body is not None)
    return (*made, *left)


def _look_at_removal(
    *,
    kind: Kind,
    wish: Wish,
    known: Known,
    open_client: OpenClient,
    now: Callable[[], datetime],
    alone: bool = False,
) -> Outcome:
    """Take one Kind away. alone: the rest of the project stays, and with it what this Kind lies within."""
    target = wish.target(kind.system)

    def work() -> Outcome:
        if kind.within is None:
            gone = kind.delete(wish, open_client(kind.system))
        else:
            if alone:
                _delete_objects(kind, wish, open_client(kind.system))
            gone = True
        if not gone:
            deleting = failed(known, Reason.DELETING, phrase("Being removed."), now=now())
            return Outcome(kind=kind.name, target=target, known=deleting, delay=2.0)
        removed = replace(failed(known, Reason.DELETING, phrase("Removed."), now=now()), applied=False)
        gone_now = Happening(reason=Reason.DELETING, message=phrase("%(kind)s removed.", kind=word(kind.title)))
        happenings = (gone_now,) if known.applied else ()
        return Outcome(kind=kind.name, target=target, known=removed, happenings=happenings, gone=True, dropped=alone)

    outcome = _guarded(work, kind=kind, target=target, known=known, now=now)
    if not outcome.gone and outcome.known.synced.reason is not Reason.DELETING:
        message = joined(" ", [phrase("Being removed."), outcome.known.synced.message])
        deleting = replace(failed(known, Reason.DELETING, message, now=now()), failures=outcome.known.failures)
        happenings = () if known.synced.message == message else outcome.happenings
        return replace(outcome, known=deleting, happenings=happenings, delay=outcome.delay or BACKOFF_MAX)
    return outcome


def _delete_objects(kind: Kind, wish: Wish, client: Any) -> None:
    """Delete what is there of a Kind's objects."""
    absent = [replace(thing, body=None) for thing in kind.desired(wish)]
    left = {
        change.key
        for change in compare(kind=kind.name, desired=absent, observed=kind.observe(wish, client, absent, each))
    }
    if left:
        kind.apply(wish, client, [thing for thing in absent if thing.key in left], each)
