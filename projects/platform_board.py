"""The platform's page as values: what its parts say, the charts, and the marks by which a poller sees what moved."""

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime

from django.utils import timezone
from django.utils.formats import date_format, localize
from django.utils.translation import gettext, ngettext

from projects import platform_lists
from projects.charts import Chart, Point, bars_of, chart_of, said
from projects.dates import short_day
from projects.directory_state import DirectoryStatus, directory_status
from projects.listing import WORDS
from projects.phrases import said as told
from projects.phrases import translated
from projects.platform_figures import QUEUE, Counted, Figures, StepTimes
from projects.presentation import LOOKS, kind_title
from provisioning.conditions import Word
from provisioning.errors import Reason
from provisioning.models import Resource, TargetHealth

FULL = 0.8
"""From this share of a budget on it is marked."""


@dataclass(frozen=True)
class Tally:
    """How many projects say one word, and their share of the fleet."""

    word: Word
    look: str
    number: int
    share: str


@dataclass(frozen=True)
class Silent:
    """A target that does not answer, and how many projects wait for it."""

    name: str
    message: str
    since: datetime
    waiting: int


@dataclass(frozen=True)
class Stuck:
    """A row of the list of what is stuck."""

    slug: str
    title: str
    team: str
    kind: str
    reason: str
    message: str
    since: datetime
    lasts: str


@dataclass(frozen=True)
class Drifted:
    """A row of the list of what was changed by hand. `outcome`: sentence; `look`: class and icon."""

    slug: str
    title: str
    exists: bool
    kind: str
    message: str
    at: datetime
    outcome: str
    look: tuple[str, str]


@dataclass(frozen=True)
class Board:
    """The parts of the page that move."""

    tally: tuple[Tally, ...]
    projects: int
    counted_at: datetime
    silent: tuple[Silent, ...]
    queue: platform_lists.Queue
    targets: tuple[TargetHealth, ...]
    directory: DirectoryStatus | None = None

    @property
    def health(self) -> list[tuple[TargetHealth, str]]:
        """Each target with what it said last, in the reader's language."""
        return [(one, told(one, "message")) for one in self.targets]

    @property
    def parts(self) -> dict[str, str]:
        """A short mark for each part, by the part's id."""
        health = [(one.name, one.answering, one.since, one.message, one.version) for one in self.targets]
        oldest = self.queue.oldest
        directory = self.directory and replace(self.directory, complete_at=None)
        shown = {
            "tally": (self.tally, self.counted_at),
            "silent": (self.silent, directory),
            "queue": (self.queue, lasting(oldest) if oldest else ""),
            "targets": (health, self.directory),
        }
        return {name: hashlib.sha256(repr(part).encode()).hexdigest()[:8] for name, part in shown.items()}

    @property
    def version(self) -> str:
        """The marks of all parts, as the poller sends them back."""
        return "-".join(self.parts.values())

    @property
    def longest_wait(self) -> str:
        """The longest wait of today, with its unit."""
        return duration(self.queue.longest_today or 0)

    @property
    def sentence(self) -> str:
        """What is read out: the fleet in one sentence, and who is silent."""
        numbers = {one.word: one.number for one in self.tally}
        text = gettext("%(ready)s of %(all)s projects ready, %(attention)s need attention.") % {
            "ready": localize(numbers[Word.READY]),
            "all": localize(self.projects),
            "attention": localize(numbers[Word.ATTENTION]),
        }
        for one in self.silent:
            text += " " + gettext("%(name)s does not answer.") % {"name": one.name}
        if self.directory is not None and self.directory.failing_since is not None:
            text += f" {self.directory.title}: {gettext(self.directory.word)}."
        return text


def board(counted: Counted) -> Board:
    """The page's moving parts as they are now."""
    figures, targets = counted.figures, platform_lists.targets()
    return Board(
        tally=tuple(
            Tally(word=word, look=LOOKS[word][0], number=figures.words[word], share=_share(figures, word))
            for word in WORDS
        ),
        projects=figures.projects,
        counted_at=counted.at,
        silent=tuple(
            Silent(
                name=one.name,
                message=told(one, "message"),
                since=one.since,
                waiting=platform_lists.waiting_for(one.name),
            )
            for one in targets
            if not one.answering
        ),
        queue=platform_lists.queue(),
        targets=tuple(targets),
        directory=directory_status(),
    )


def _share(figures: Figures, word: Word) -> str:
    if not figures.projects:
        return ""
    return f"{localize(round(100 * figures.words[word] / figures.projects, 1))} %"


def by_day(figures: Figures) -> tuple[Chart | None, str]:
    """Time to ready by day, and a remark about the day that stands out ("": none does)."""
    points = [
        Point(
            label=short_day(one.day),
            values=(one.p50, one.p95),
            more=localize(one.count) if one.count else "0",
        )
        for one in figures.days
    ]
    measured = [one for one in figures.days if one.p95 is not None]
    if not measured:
        return None, ""
    worst = max(measured, key=lambda one: one.p95 or 0)
    usual = sorted(one.p95 or 0 for one in measured)[len(measured) // 2]
    stands_out = len(measured) > 2 and (worst.p95 or 0) > 2 * usual
    note = (
        ngettext("%(day)s: %(count)s wish, p95 %(p95)s", "%(day)s: %(count)s wishes, p95 %(p95)s", worst.count)
        % {"day": date_format(worst.day, "j F"), "count": localize(worst.count), "p95": said(worst.p95, "s")}
        if stands_out
        else ""
    )
    says = gettext("Time to ready over %(days)s days: p95 is mostly near %(usual)s.") % {
        "days": len(figures.days),
        "usual": said(usual, "s"),
    }
    chart = chart_of(
        points,
        lines=(gettext("p50 today"), gettext("p95 today")),
        says=f"{says} {note}".strip(),
        first=gettext("Day"),
        unit="s",
        more=gettext("Became ready"),
    )
    return chart, note


def by_step(figures: Figures) -> Chart | None:
    """Time to ready by step; None where nothing was measured."""
    points = [
        Point(label=step_title(one.step), values=(one.p50, one.p95), more=localize(one.count)) for one in figures.steps
    ]
    slowest = max(figures.steps, key=lambda one: one.p95 or 0, default=None)
    says = _slowest(slowest) if slowest is not None else ""
    return bars_of(
        points,
        lines=(gettext("p50"), gettext("p95")),
        says=says,
        first=gettext("Step"),
        unit="s",
        more=gettext("Measured"),
    )


def _slowest(step: StepTimes) -> str:
    return gettext("Time to ready by step. The longest is %(step)s, p95 %(p95)s.") % {
        "step": step_title(step.step),
        "p95": said(step.p95, "s"),
    }


def step_title(step: str) -> str:
    """What a step is called on pages."""
    if step == QUEUE:
        return gettext("Waiting for a worker")
    return kind_title(step)


def stuck_row(row: Resource) -> Stuck:
    """A resource that is stuck, as its row; project and team were read with it."""
    return Stuck(
        slug=row.project.slug,
        title=row.project.title,
        team=row.project.team.slug,
        kind=kind_title(row.kind),
        reason=row.synced_reason,
        message=translated(row.synced.message) or _nothing_said(row),
        since=row.synced_since,
        lasts=lasting(row.synced_since),
    )


def _nothing_said(row: Resource) -> str:
    if row.synced_reason == Reason.DELETING:
        return gettext("Still there, and nobody said why.")
    return gettext("%(target)s said nothing about it.") % {"target": row.target}


def drift_row(one: platform_lists.Drift) -> Drifted:
    """Something that was changed by hand, as its row."""
    outcomes = {
        "put_back": (gettext("Put back"), ("is-ready", "ready")),
        "left": (gettext("Left, warn only"), ("is-warn", "attention")),
        "right_again": (gettext("Right again"), ("is-ready", "ready")),
        "gone": (gettext("Gone"), ("is-off", "removing")),
    }
    outcome, look = outcomes[one.outcome]
    project = one.event.project
    return Drifted(
        slug=project.slug,
        title=project.title,
        exists=project.deleted_at is None,
        kind=kind_title(one.event.kind),
        message=told(one.event, "message"),
        at=one.event.at,
        outcome=outcome,
        look=look,
    )


def lasting(since: datetime) -> str:
    """How long something is so: 4 s, 29 min, 2 h 05, 6 d."""
    seconds = max(int((timezone.now() - since).total_seconds()), 0)
    return duration(seconds)


def duration(seconds: float) -> str:
    """A length of time in one or two units; below a second in milliseconds."""
    if seconds < 1:
        return f"{round(seconds * 1000)} ms"
    if seconds < 60:
        return said(seconds, "s")
    minutes = int(seconds // 60)
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 24 * 60:
        return f"{minutes // 60} h {minutes % 60:02}"
    return f"{localize(minutes // (24 * 60))} d"
