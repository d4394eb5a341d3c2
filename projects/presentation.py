"""How pages say what is so: looks of words, the order of Kinds, the lines of a plan.

Everything here is computed from rows and the catalogue; nothing is asked outside and nothing is stored.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from django.contrib.staticfiles import finders
from django.utils.text import get_text_list
from django.utils.translation import gettext
from pydantic import ValidationError

from projects.consents import in_force
from projects.errors import Fault
from projects.installation import Installation
from projects.models import Decision, Project
from projects.phrases import meant, say, translated
from projects.preview import Preview, plan_of
from projects.readable import shown_spec
from projects.rights import SYSTEMS
from projects.spec import wish_for
from projects.today import day_of
from projects.wishes import known_repository
from provisioning.conditions import Word
from provisioning.kind import Kind, Wish, kinds
from provisioning.phrases import joined, phrase, word
from provisioning.plan import Action
from provisioning.spec import ProjectSpec

LOOKS: Mapping[str, tuple[str, str]] = {
    Word.READY: ("is-ready", "ready"),
    Word.WORKING: ("is-working", "working"),
    Word.WAITING: ("is-warn", "waiting"),
    Word.ATTENTION: ("is-warn", "attention"),
    Word.SUSPENDED: ("is-off", "suspended"),
    Word.REMOVING: ("is-off", "removing"),
    Word.NOT_AVAILABLE: ("is-off", "unavailable"),
    "Answering": ("is-ready", "ready"),
    "Not answering": ("is-warn", "attention"),
    "Previewed": ("is-off", "search"),
    "Running": ("is-working", "working"),
    "Paused": ("is-off", "suspended"),
    "Stopped": ("is-off", "remove"),
    "Done": ("is-ready", "ready"),
    "Waits for its turn": ("is-off", "waiting"),
    "Left out": ("is-off", "unavailable"),
    "Refused": ("is-warn", "attention"),
    "Waits for a decision": ("is-warn", "waiting"),
    "Changes asked": ("is-warn", "attention"),
    "Approved": ("is-ready", "ready"),
    "Rejected": ("is-off", "unavailable"),
    "Withdrawn": ("is-off", "remove"),
    "To come": ("is-off", "waiting"),
    "Shown": ("is-ready", "ready"),
    "Over": ("is-off", "remove"),
}
"""Class and icon of every status word."""

DECISIONS: Mapping[str, str] = {
    Decision.PENDING: "Waits for a decision",
    Decision.APPROVED: "Approved",
    Decision.REJECTED: "Rejected",
    Decision.WITHDRAWN: "Withdrawn",
}


@dataclass(frozen=True)
class PlanLine:
    """One line of a plan: the action, what it is about, one sentence, and what changes in it.

    Texts are in the language in which the plan was asked for; whoever keeps them can ask what they mean.
    """

    action: str
    title: str
    text: str
    details: tuple[str, ...] = ()


@cache
def icon_names() -> frozenset[str]:
    """The icons there are. A Kind's icon has the Kind's name."""
    path = finders.find("icons.svg")
    return frozenset(re.findall(r'symbol id="([a-z_-]+)"', Path(str(path)).read_text()) if path else ())


def icon_of(kind: str) -> str:
    """The icon of a Kind: its own, or that of the Kind whose account it is; a plain one where there is neither."""
    return next((name for name in (kind, kind.partition("_")[0]) if name in icon_names()), "keep")


def kind_title(kind: str) -> str:
    """What a Kind is called on pages; its name where this version has no such Kind."""
    known = kinds().get(kind)
    return translated(word(known.title)) if known else kind


def kinds_as_shown() -> list[Kind]:
    """Every Kind in the order of pages: by what it acts on, then in the order in which they are made."""
    return sorted(kinds().values(), key=lambda kind: list(SYSTEMS).index(kind.system))


def kept_data(names: Iterable[str]) -> str:
    """What stays of these Kinds when a project is removed and its data is not, as one says it; "" for nothing."""
    known = set(names)
    titles = [gettext(kind.title) for kind in kinds_as_shown() if kind.name in known and kind.holds_data]
    return get_text_list(titles, gettext("and"))


def wish_of(project: Project, *, installation: Installation) -> Wish | None:
    """What the Kinds get to see of a project, as far as it can be read; None when its plan left the catalogue."""
    try:
        return wish_for(
            shown_spec(project),
            installation=installation,
            uid=str(project.uid),
            repository=known_repository(project),
            consents=in_force(project),
            accepted=day_of(project.accepted_at),
        )
    except KeyError:
        return None


def plan_lines(preview: Preview, *, keep_data: bool = False) -> tuple[PlanLine, ...]:
    """A plan as a list: creates, updates and deletes each on a line, then the data that stays, all else on one line."""
    lines, staying, kept = [], [], []
    plans = {one.kind.name: one for one in preview.kinds}
    for one in (plans[kind.name] for kind in kinds_as_shown() if kind.name in plans):
        if one.action is Action.KEEP:
            kept.append(kind_title(one.kind.name))
        elif one.action is Action.DELETE and keep_data and one.kind.holds_data:
            staying.append(
                PlanLine(
                    action="keep",
                    title=kind_title(one.kind.name),
                    text=say("%(what)s. It stays with all it holds.", what=one.summary),
                )
            )
        else:
            details = tuple(
                say(
                    "%(object)s: %(path)s %(now)s → %(then)s",
                    object=change.key,
                    path=item.path,
                    now=_short(item.observed),
                    then=_short(item.desired),
                )
                for change in one.changes
                for item in change.differences
            )
            objects = [change for change in one.changes if change.action is not Action.KEEP and not change.differences]
            details += tuple(
                say("%(does)s %(object)s", does=word(change.action.value), object=change.key) for change in objects
            )
            lines.append(
                PlanLine(
                    action=one.action.value,
                    title=kind_title(one.kind.name),
                    text=translated(one.summary),
                    details=details,
                )
            )
    lines += staying
    if kept:
        titles = translated(joined(", ", [meant(title) for title in kept]))
        lines.append(PlanLine(action="keep", title=titles, text=say("Nothing restarts.")))
    return tuple(lines)


def _short(value: Any) -> str:
    text = say("none") if value is None else str(value)
    return text if len(text) <= 60 else f"{text[:57]}…"


def plan_counts(lines: tuple[PlanLine, ...], *, deletes: bool = False) -> str:
    """ "7 create · 1 keep". `deletes`: name deletions also when there are none."""
    totals = {action.value: sum(line.action == action.value for line in lines) for action in Action}
    said = [
        phrase("%(number)s %(action)s", number=number, action=word(action))
        for action, number in totals.items()
        if number or (deletes and action == "delete")
    ]
    return translated(joined(" · ", said))


def outline() -> tuple[PlanLine, ...]:
    """The plan before there is a name: which Kinds every project has."""
    always = [kind.name for kind in kinds_as_shown() if kind.wanted is None]
    return tuple(PlanLine(action="create", title=kind_title(name), text="") for name in always)


def sketch(
    data: Mapping[str, Any], *, faults: tuple[Fault, ...], installation: Installation, before: ProjectSpec | None = None
) -> Preview | None:
    """The plan for the sound parts of a wish, while the form is being filled. None while there is no usable name."""
    spec = sound_spec(data, faults=faults, installation=installation)
    try:
        return plan_of(installation=installation, after=spec, before=before) if spec is not None else None
    except (ValidationError, KeyError):
        return None


def sound_spec(
    data: Mapping[str, Any], *, faults: tuple[Fault, ...], installation: Installation, unnamed: str = ""
) -> ProjectSpec | None:
    """What of a wish has no fault, with the usual plan where that has one. None while there is no usable name.

    unnamed: what it is called until then.
    """
    sound = dict(data)
    people = list(sound.get("contributors", []))
    broken_people = {fault.path[1] for fault in faults if fault.path[:1] == ("contributors",) and len(fault.path) > 1}
    sound["contributors"] = [one for index, one in enumerate(people) if index not in broken_people]
    broken_options = {fault.path[1] for fault in faults if fault.path[:1] == ("options",) and len(fault.path) > 1}
    sound["options"] = {name: one for name, one in sound.get("options", {}).items() if name not in broken_options}
    for fault in faults:
        place = fault.path[0] if fault.path else ""
        if place == "slug" and fault.code in ("taken", "reserved"):
            continue
        if place == "team":
            sound["team"] = "team"
        elif place not in ("contributors", "options"):
            sound.pop(str(place), None)
    sound = {"plan": installation.catalogue.defaults.plan, "slug": unnamed, **sound}
    try:
        return ProjectSpec.model_validate(sound)
    except ValidationError:
        return None
