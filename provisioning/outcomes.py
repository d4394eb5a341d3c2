"""What looks come to, as values: what is known of a resource, what happened to it, when to look again.

The loop (`provisioning.reconcile`) makes them, whoever keeps rows stores them. Nothing here calls anything.
"""

import json
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256

from provisioning.catalogue import Catalogue
from provisioning.conditions import WAITS, Condition, Status
from provisioning.errors import ProvisioningError, Reason, TargetUnavailable, TemporaryError
from provisioning.kind import Body, Kind, Object, Wish, target_of
from provisioning.phrases import Phrase, joined, phrase
from provisioning.plan import Action, Change

QUICK = 1.0
"""A delay up to so many seconds is waited for inside the same run."""
QUICK_TRIES = 12
BACKOFF_MAX = 300.0
BACKOFF_UNAVAILABLE_MAX = 15.0


@dataclass(frozen=True)
class Known:
    """What is known of a resource before this look.

    `wanted` is the fingerprint of what we wanted when it was last found right, "" when it never was. `remembered`: see
    `Kind.remember`.
    """

    synced: Condition
    ready: Condition
    observed_generation: int = 0
    applied: bool = False
    failures: int = 0
    wanted: str = ""
    remembered: Body = field(default_factory=dict)

    @classmethod
    def nothing(cls, *, now: datetime) -> "Known":
        """A resource nobody has looked at yet."""
        begun = {"reason": Reason.PROGRESSING, "message": "", "since": now}
        return cls(synced=Condition(status=Status.UNKNOWN, **begun), ready=Condition(status=Status.FALSE, **begun))  # type: ignore[arg-type]

    def was_right(self, *, generation: int, wanted: str) -> bool:
        """Was this very wish found right at some time? Then a difference is not of our making.

        What an outage did to the conditions since doesn't matter; a wish that means something else by now does, such
        as one without a contributor whose last day is over, or after a change of the catalogue.
        """
        return self.applied and self.observed_generation == generation and self.wanted == wanted

    def has_secrets_of(self, wanted: str) -> bool:
        """Were the same secrets in force when it was last found right? Some of them can't be read back to compare."""
        return not self.wanted or self.wanted.rpartition(".")[2] == wanted.rpartition(".")[2]

    def wants_the_same(self, wanted: str) -> bool:
        """Were the same objects wanted when it was last found right, whatever became of its secrets?"""
        return self.wanted.rpartition(".")[0] == wanted.rpartition(".")[0]


@dataclass(frozen=True)
class Happening:
    """Something worth an entry in the project's history."""

    reason: Reason
    message: str
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """What a look at one Kind came to. `delay`: look again in so many seconds; None: nothing to wait for. `told`: so
    many seconds the target asked to be left alone; None when it did not say.

    `seconds`: how long it took, with the quick tries and the waits between them. `dropped`: it is gone because the
    project is to have no such thing any more, so nothing is left to remember. `noted`: the look has only begun, and
    goes on when what it is to remember is written down.
    """

    kind: str
    target: str
    known: Known
    happenings: tuple[Happening, ...] = ()
    delay: float | None = None
    told: float | None = None
    gone: bool = False
    dropped: bool = False
    noted: bool = False
    seconds: float = 0.0


def fingerprint(wish: Wish, desired: Iterable[Object]) -> str:
    """A digest of what is wanted, without any secret: `<of the objects>.<of the secrets' versions>`, 57 characters."""
    objects = [(thing.key, "…" if thing.sensitive else thing.body) for thing in desired]
    return f"{_digest(objects)[:40]}.{_digest([sorted(wish.versions.items()), wish.key_id])[:16]}"


def _digest(value: object) -> str:
    return sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()


def available(known: Known, kind: Kind, wish: Wish, *, wanted: str, now: datetime) -> Known:
    """It is as wanted."""
    summary = kind.summary(wish)
    return Known(
        synced=known.synced.moved(status=Status.TRUE, reason=Reason.AVAILABLE, message="", now=now),
        ready=known.ready.moved(status=Status.TRUE, reason=Reason.AVAILABLE, message=summary, now=now),
        observed_generation=wish.generation,
        applied=True,
        wanted=wanted,
        remembered=known.remembered,
    )


def unsupported(known: Known, sentence: str, *, generation: int, now: datetime) -> Known:
    """The target can't do this. Nothing was found right, so that what is missing later is no drift."""
    return Known(
        synced=known.synced.moved(status=Status.FALSE, reason=Reason.UNSUPPORTED, message=sentence, now=now),
        ready=known.ready.moved(status=Status.FALSE, reason=Reason.UNSUPPORTED, message=sentence, now=now),
        observed_generation=generation,
        applied=known.applied,
        remembered=known.remembered,
    )


def skipped(known: Known, sentence: str, *, now: datetime) -> Known:
    """Nobody looks at it for now, by a person's word. What could be used can still be used, as far as we know."""
    synced = known.synced.moved(status=Status.FALSE, reason=Reason.SUSPENDED, message=sentence, now=now)
    ready = known.ready
    if ready.status is not Status.TRUE:
        ready = ready.moved(status=Status.FALSE, reason=Reason.SUSPENDED, message=sentence, now=now)
    return replace(known, synced=synced, ready=ready, failures=0)


def failed(known: Known, reason: Reason, message: str, *, now: datetime) -> Known:
    """Synced is False now. Ready stays what it was where it was True: a refused change does not break what works.

    Not so when the name turns out to be somebody else's: then ours isn't there, and nothing may build on it.
    """
    synced = known.synced.moved(status=Status.FALSE, reason=reason, message=message, now=now)
    ready = known.ready
    if ready.status is not Status.TRUE or reason is Reason.NAME_TAKEN:
        ready = ready.moved(status=Status.FALSE, reason=reason, message=message, now=now)
    # Waiting for something else is no failure of this one: its own back-off begins anew afterwards.
    waited = known.synced.reason in WAITS and reason is not known.synced.reason
    return replace(known, synced=synced, ready=ready, failures=1 if waited else known.failures + 1)


def failed_for_good(
    known: Known, reason: Reason, message: str, *, now: datetime
) -> tuple[Known, tuple[Happening, ...]]:
    """A failure that waits for a person, and its entry in the history unless that stands there already."""
    told = known.synced.reason is reason and known.synced.message == message
    return failed(known, reason, message, now=now), () if told else (Happening(reason=reason, message=message),)


def refused(
    *, kinds: Mapping[str, Kind], known: Mapping[str, Known], catalogue: Catalogue, message: str, now: datetime
) -> list[Outcome]:
    """Outcomes of a project whose wish can't be made at all, so that every Kind says why. Nothing outside is asked."""
    outcomes = []
    for kind in kinds.values():
        before = known.get(kind.name) or Known.nothing(now=now)
        after, happenings = failed_for_good(before, Reason.REJECTED, message, now=now)
        outcomes.append(
            Outcome(kind=kind.name, target=target_of(catalogue, kind.system), known=after, happenings=happenings)
        )
    return outcomes


def delay_of(error: ProvisioningError, *, failures: int) -> float:
    """Seconds until the next try after this error: as we were told, else a back-off."""
    if isinstance(error, TemporaryError) and error.delay is not None:
        return error.delay
    longest = BACKOFF_UNAVAILABLE_MAX if isinstance(error, TargetUnavailable) else BACKOFF_MAX
    # Not below QUICK: an outage must free the worker, not be waited for inside the run.
    return max(QUICK + 0.1, backoff(failures=failures, longest=longest))


def slowed(outcome: Outcome) -> Outcome:
    """An outcome that stayed the same through all quick tries: the next ones come less and less often."""
    rounds = outcome.known.failures // QUICK_TRIES
    return replace(outcome, delay=max(outcome.delay or 0.0, backoff(failures=rounds, longest=BACKOFF_MAX)))


def backoff(*, failures: int, longest: float, first: float = 2.0) -> float:
    """Doubling from the first failure on, with full jitter in its upper half, in seconds."""
    pause = min(longest, first * 2.0 ** min(failures - 1, 12))
    return pause * random.uniform(0.5, 1.0)  # noqa: S311 — jitter, not a secret


def listed(keys: Sequence[str]) -> str:
    """Names of objects in one line."""
    shown = ", ".join(keys[:4])
    return shown if len(keys) <= 4 else phrase("%(some)s and %(number)s more", some=shown, number=len(keys) - 4)


def drift_sentence(changes: Sequence[Change]) -> Phrase:
    """What differs from what was left, in one sentence."""
    return phrase("%(what)s, though nobody asked here.", what=joined("; ", [_differs(change) for change in changes]))


def _differs(change: Change) -> Phrase:
    if change.action is Action.CREATE:
        return phrase("%(object)s is missing", object=change.key)
    if change.action is Action.DELETE:
        return phrase("%(object)s came back", object=change.key)
    return phrase("%(object)s was changed", object=change.key)
