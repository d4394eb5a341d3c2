"""The state of one project as its pages say it: the board of resources, the strip of progress, the sentence read out.

Computed from rows and the catalogue, stored nowhere. `Situation.marks` is what a page's poller compares.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.utils import timezone
from django.utils.formats import localize
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from projects.installation import Installation
from projects.models import Project, ProjectRequest, SkippedKind
from projects.phrases import translated
from projects.presentation import icon_of, kind_title, kinds_as_shown, wish_of
from projects.rights import SYSTEMS
from projects.skipping import told
from provisioning.catalogue import Catalogue
from provisioning.conditions import Word
from provisioning.errors import Reason
from provisioning.kind import Kind, System, Wish
from provisioning.models import Resource
from provisioning.targets import targets

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

_ADVICE: "Mapping[Reason, StrPromise]" = {
    Reason.TARGET_UNAVAILABLE: _("Nothing to do: we look again by ourselves, and nothing is lost."),
    Reason.DEPENDENCY_NOT_READY: _("Nothing to do: it goes on by itself."),
    Reason.NAME_TAKEN: _("Ask the platform team to free the name, or retire this project and start under another one."),
    Reason.REJECTED: _("Change the project so that it fits, or show this line to the platform team."),
    Reason.DRIFTED: _("Somebody changed it by hand. Ask who it was, or ask the platform team to put it back."),
    Reason.INTERNAL: _("Nothing to do: the platform team sees it too. We look again by ourselves."),
    Reason.UNSUPPORTED: _("Nothing to do: everything else works without it."),
}
_TENSES: "Mapping[bool, tuple[StrPromise, StrPromise]]" = {
    False: (_("Being made"), _("Ready")),
    True: (_("Being removed"), _("Gone")),
}


@dataclass(frozen=True)
class Row:
    """One resource on the board.

    `advice` says what to do; `templates`: what draws the sentence, first found; `since`: when it became so, None
    before the first look.
    """

    kind: str
    title: str
    icon: str
    word: Word
    message: str
    advice: str
    reason: str
    last_look: datetime | None
    templates: tuple[str, str]
    since: datetime | None = None


@dataclass(frozen=True)
class Group:
    """The resources on one target."""

    title: str
    target: str
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Step:
    """One step of the strip; exactly one is current until the last is done."""

    title: str
    at: datetime | None
    text: str
    done: bool
    current: bool


@dataclass(frozen=True)
class Situation:
    """What the status page shows of a project's state, and what its poller compares.

    `settled`: nothing moves by itself now. `sentence` is what is read out. `keys`: by Kind, what was last found right,
    which tells whether new credentials have arrived.
    """

    word: Word
    groups: tuple[Group, ...]
    steps: tuple[Step, ...]
    sentence: str
    ready: int
    total: int
    settled: bool
    keys: tuple[tuple[str, str], ...] = ()

    @property
    def kinds(self) -> list[str]:
        """The Kinds on the board."""
        return [row.kind for group in self.groups for row in group.rows]

    def marks(self, *parts: str) -> dict[str, str]:
        """By part (word, strip, board, credentials, spoken) a short mark that differs as soon as the part does."""
        shown = {
            "word": self.word,
            "strip": self.steps,
            "board": self.groups,
            "credentials": self.keys,
            "spoken": self.sentence,
        }
        return {name: hashlib.sha256(repr(shown[name]).encode()).hexdigest()[:8] for name in parts}


def situation(project: Project, *, installation: Installation, request: ProjectRequest | None) -> Situation:
    """The state of a project as its page says it. `request`: the one that its present generation came from."""
    wish = wish_of(project, installation=installation)
    groups = _board(project, wish=wish, catalogue=installation.catalogue)
    rows = [row for group in groups for row in group.rows]
    ready = sum(row.word is Word.READY for row in rows)
    total = sum(row.word is not Word.NOT_AVAILABLE for row in rows)
    word = project.word
    return Situation(
        word=word,
        groups=groups,
        steps=_strip(project, request=request, word=word, ready=ready, total=total),
        sentence=_sentence(project, word=word, rows=rows, ready=ready, total=total),
        ready=ready,
        total=total,
        settled=_settled(project, rows),
        keys=tuple(sorted((row.kind, row.wanted) for row in project.resources.all())),
    )


def _settled(project: Project, rows: list[Row]) -> bool:
    looking = project.lease_until is not None or project.next_look_at is None or project.next_look_at <= timezone.now()
    moving = any(row.word in (Word.WORKING, Word.WAITING, Word.REMOVING) for row in rows)
    if project.suspended and project.deletion_requested_at is None:
        return not looking
    return project.settled and not looking and not moving and project.deletion_requested_at is None


def _board(project: Project, *, wish: Wish | None, catalogue: Catalogue) -> tuple[Group, ...]:
    known = {row.kind: row for row in project.resources.all()}
    titles = {one.name: one.title or one.name for one in targets(catalogue).values()}
    skipped = _skipped(project, known.values())
    groups: dict[tuple[System, str], list[Row]] = {}
    for kind in kinds_as_shown():
        row = known.pop(kind.name, None)
        to_come = kind.wanted is None or (wish is not None and kind.is_wanted(wish))
        if row is None and (project.deletion_requested_at is not None or not to_come):
            continue
        target = row.target if row else wish.target(kind.system) if wish else ""
        groups.setdefault((kind.system, target), []).append(_row(kind, row, wish=wish, skipped=skipped.get(kind.name)))
    return tuple(
        Group(title=str(SYSTEMS[system]), target=titles.get(target, target), rows=tuple(rows))
        for (system, target), rows in groups.items()
    )


def _skipped(project: Project, rows: Iterable[Resource]) -> dict[str, SkippedKind]:
    """Who skipped which Kind, where one is; most projects skip none, and are not asked."""
    if all(row.word is not Word.SUSPENDED for row in rows):
        return {}
    return {one.kind: one for one in project.skipped_kinds.all()}


def _row(kind: Kind, row: Resource | None, *, wish: Wish | None, skipped: SkippedKind | None) -> Row:
    templates = (f"resources/{kind.name}.html", "resources/_default.html")
    shown: dict[str, Any] = {
        "kind": kind.name,
        "title": kind_title(kind.name),
        "icon": icon_of(kind.name),
        "templates": templates,
    }
    if row is None:
        message = gettext("Not looked at yet.")
        return Row(word=Word.WORKING, message=message, advice="", reason="", last_look=None, **shown)
    word, shows = row.word, row.telling
    shown |= {"last_look": row.last_look, "since": shows.since}
    summary = kind.summary(wish) if wish else ""
    if word is Word.READY:
        # What was stored is English; where the wish still says the same, it can be said in the reader's language.
        ready = row.ready_message or summary
        message = translated(summary) if ready == summary else ready
        return Row(word=word, message=message, advice="", reason="", **shown)
    message = translated(shows.message or summary)
    if skipped is not None and message == skipped.sentence:
        message = told(skipped)
    return Row(
        word=word,
        message=message,
        advice=str(_ADVICE.get(shows.reason, "")),
        reason=shows.reason.value,
        **shown,
    )


def _strip(project: Project, *, request: ProjectRequest | None, word: Word, ready: int, total: int) -> tuple[Step, ...]:
    removing = project.deletion_requested_at is not None
    making, end = _TENSES[removing]
    asked = decided = ""
    if request is not None:
        asked = gettext("by %(who)s, %(door)s") % {
            "who": request.requested_by_name,
            "door": request.get_door_display(),
        }
        decided = gettext("at once, rule %(rule)s") % {"rule": request.rule}
        if request.decided_by is not None:
            decided = gettext("by %(who)s") % {"who": request.decided_by.username}
    resting = word is Word.SUSPENDED
    done = word is Word.READY or (resting and ready == total)
    if removing:
        progress = gettext("%(number)d left") % {"number": total}
    else:
        progress = gettext("%(ready)d of %(total)d ready") % {"ready": ready, "total": total}
    return (
        Step(
            title=gettext("Asked"),
            at=request.created_at if request else project.accepted_at,
            text=asked,
            done=True,
            current=False,
        ),
        Step(
            title=gettext("Decided"),
            at=request.decided_at if request else None,
            text=decided,
            done=True,
            current=False,
        ),
        Step(title=str(making), at=None, text=progress, done=done, current=not done),
        Step(
            title=str(end),
            at=project.ready_at if done else None,
            text=_took(project)
            if done
            else gettext("when it is resumed")
            if resting
            else gettext("when the last one is"),
            done=done,
            current=False,
        ),
    )


def _took(project: Project) -> str:
    if project.ready_at is None:
        return ""
    took = project.ready_at - project.accepted_at
    if took < timedelta(minutes=2):
        return gettext("after %(seconds)s s") % {"seconds": localize(round(max(took.total_seconds(), 0), 1))}
    return gettext("after %(minutes)s min") % {"minutes": localize(round(took.total_seconds() / 60))}


def _sentence(project: Project, *, word: Word, rows: list[Row], ready: int, total: int) -> str:
    held = next((row for row in rows if row.word in (Word.ATTENTION, Word.WAITING)), None)
    said = f"{project.title}: {gettext(word.value).lower()}."
    if word is not Word.REMOVING:
        counted = ngettext("%(ready)d of %(total)d resource ready.", "%(ready)d of %(total)d resources ready.", total)
        said += " " + counted % {"ready": ready, "total": total}
    return said + (f" {held.title}: {held.message}" if held else "")
