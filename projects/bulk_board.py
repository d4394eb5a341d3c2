"""A run as its page shows it: what moves on it, and the marks by which a poller sees that."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.formats import localize
from django.utils.translation import gettext, ngettext

from projects import bulk
from projects.models import BulkAction, BulkItem, BulkRun, ItemState, RunState
from projects.phrases import said, translated
from projects.presentation import kind_title
from provisioning.conditions import Word
from provisioning.phrases import phrase_of

PAGE = 50


@dataclass(frozen=True)
class Line:
    """One project of a run. `word`: what the project's own page says now."""

    item: BulkItem
    state: str
    word: Word
    says: str
    changes: Sequence[str]


@dataclass(frozen=True)
class RunBoard:
    """The run with its counts and one page of its items. `next`: the position to go on after, None on the last."""

    run: BulkRun
    counts: dict[str, int]
    lines: tuple[Line, ...]
    next: int | None

    @property
    def title(self) -> str:
        """What it does."""
        return title_of(self.run)

    @property
    def state(self) -> str:
        """The word of its state."""
        return word_of(self.run)

    @property
    def total(self) -> int:
        """Items that are not left out."""
        return sum(self.counts.values()) - self.counts[ItemState.LEFT_OUT]

    @property
    def through(self) -> int:
        """Items that are done, asked or refused."""
        return self.total - self.counts[ItemState.WAITING]

    @property
    def said(self) -> str:
        """Why it stands still, where nobody paused it."""
        left = bulk.left_the_team(self.run)
        return translated(left) if self.run.said == left else self.run.said

    @property
    def running(self) -> bool:
        """Does it move by itself?"""
        return self.run.state == RunState.RUNNING

    @property
    def sentence(self) -> str:
        """What is read out and stands above the bar."""
        text = gettext("%(through)s of %(total)s projects are done.") % {
            "through": localize(self.through),
            "total": localize(self.total),
        }
        refused, asked = self.counts[ItemState.REFUSED], self.counts[ItemState.ASKED]
        if refused:
            text += " " + ngettext("%(n)s was refused.", "%(n)s were refused.", refused) % {"n": localize(refused)}
        if asked:
            waits = ngettext("%(n)s waits for a decision.", "%(n)s wait for a decision.", asked)
            text += " " + waits % {"n": localize(asked)}
        left = self.counts[ItemState.LEFT_OUT]
        if left:
            text += " " + ngettext("%(n)s is left out.", "%(n)s are left out.", left) % {"n": localize(left)}
        return text

    @property
    def parts(self) -> dict[str, str]:
        """A short mark for each part, by the part's id."""
        rows = [(one.item.pk, one.state, one.word, one.says) for one in self.lines]
        shown = {"progress": (self.run.state, self.counts, self.run.said), "items": rows}
        return {name: hashlib.sha256(repr(part).encode()).hexdigest()[:8] for name, part in shown.items()}

    @property
    def version(self) -> str:
        """The marks of all parts, as the poller sends them back."""
        return "-".join(self.parts.values())


def title_of(run: BulkRun) -> str:
    """What a run does, such as "Skip one resource: Webhook"."""
    label = str(BulkAction(run.action).label)
    what = kind_title(run.kind) if run.kind else run.plan
    return f"{label}: {what}" if what else label


def word_of(run: BulkRun) -> str:
    """The word of its state."""
    return str(RunState(run.state).label)


def run_board(run: BulkRun, *, after: int = 0) -> RunBoard:
    """The run as it is now, with the items after this position."""
    rows = run.items.filter(position__gt=after).select_related("project__team", "request")
    found = list(rows.prefetch_related("project__resources")[: PAGE + 1])
    lines = tuple(_line(item) for item in found[:PAGE])
    return RunBoard(
        run=run,
        counts=bulk.progress(run),
        lines=lines,
        next=found[PAGE - 1].position if len(found) > PAGE else None,
    )


def _line(item: BulkItem) -> Line:
    return Line(
        item=item,
        state=str(ItemState(item.state).label),
        word=item.project.word,
        says=said(item, "message") or said(item, "foreseen"),
        changes=_changes(item) if item.state == ItemState.WAITING else (),
    )


def _changes(item: BulkItem) -> list[str]:
    made = [phrase_of(one) for one in item.phrases.get("changes", ())]
    return [translated(one) for one in made] if made == item.changes else item.changes
