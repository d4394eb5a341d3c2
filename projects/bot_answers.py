"""What the bot answers: from our own rows, in the name of the person who asks, as plain lines for any door.

Nothing is asked outside, so a chat has its answer at once. Whoever may not see the project learns nothing about it.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

from projects import actions, permissions, training
from projects.bot_commands import ACTS, COMMANDS, WANTS, WORD, Command
from projects.comparison import CHANGED, Line, number, steps_failed, tests_failed
from projects.deciders import waits_for
from projects.errors import Conflict, NotAllowed, NotFound
from projects.model_history import Standing, base_of, branches_of, newest_of, standing_of, standing_of_pull_request
from projects.models import Decision, Door, Project, Report
from projects.readable import shown_spec, unread
from provisioning.conditions import Word
from provisioning.kind import kinds

if TYPE_CHECKING:
    from projects.permissions import Person

_COMMIT = re.compile(r"[0-9a-f]{7,64}")
_PULL_REQUEST = re.compile(r"[#!]?([1-9][0-9]{0,8})")
_LINES = 20
_REASONS = 10
"""Of each sort that shuts a gate, and of requests. With a line for every Kind besides, Slack takes it all: 50 blocks in
a message.
"""


@dataclass(frozen=True)
class Answer:
    """One answer: a sentence, then lines; plain text that each door makes harmless. `page`: an address, "" for none."""

    says: str
    lines: tuple[str, ...] = ()
    page: str = ""


@dataclass(frozen=True)
class Place:
    """Where it is asked: about which project, by which door, on which pull request (None: none), and what its main
    branch is called.

    main_branch is "" where nobody knows; address is the project's page.
    """

    project: Project
    address: str
    door: Door
    pull_request: int | None = None
    main_branch: str = ""


def help_text(*, project: str = "") -> Answer:
    """Every command as it is written, and what it does. project: its name, where that is a part of the command."""
    written = {
        name: " ".join(filter(None, (WORD, name, "" if name == "help" else project, WANTS.get(name))))
        for name in COMMANDS
    }
    return Answer("I answer these:", tuple(f"{written[name]}: {does}" for name, does in COMMANDS.items()))


def not_understood(command: Command, *, project: str = "") -> Answer:
    """For what is none of the commands. project: as for `help_text`."""
    word = command.argument.partition(" ")[0].lower()
    near = get_close_matches(word, COMMANDS, n=1)
    meant = f" Did you mean {WORD} {near[0]}?" if near else ""
    return Answer(f"I don't know “{command.argument}”.{meant}", help_text(project=project).lines)


def answer(command: Command, *, place: Place, person: "Person") -> Answer:
    """The answer, after doing what was asked for, as far as the person may."""
    if command.name == "help":
        return help_text()
    if not command.name:
        return not_understood(command)
    if not permissions.may_see(person, place.project):
        return Answer("You have no role in this project, so I can't answer. Ask one of its owners.")
    acts = _ACTS.get(command.name)
    return acts(place, person) if acts else told(command, place=place)


def told(command: Command, *, place: Place) -> Answer:
    """The answer to a command that only asks; to anybody who may see the project, which the caller has made sure of.

    A command that acts is answered with the page where a person can do it.
    """
    if command.name in ACTS:
        return elsewhere(command, place=place, because="I don't know who you are here")
    return _TELLS[command.name](place, command.argument)


def elsewhere(command: Command, *, place: Place, because: str) -> Answer:
    """For a command that can't be done here: why, and the page where a person can."""
    page = f"{place.address}models/" if command.name == "retrain" else place.address
    return Answer(f"{because}, so I can't {command.name}. You can on the project's page.", (), page)


def _plan(place: Place, _: str) -> Answer:
    project = place.project
    spec = shown_spec(project)
    lines = [f"plan {spec.plan}, {project.units} units of the budget of team {spec.team}"]
    lines += [
        f"{len(spec.contributors)} contributors",
        f"ends {spec.expires.isoformat()}" if spec.expires else "no end",
    ]
    if left_out := unread(project):
        lines.append(f"not shown, as this version of Slipway can't read it: {', '.join(left_out)}")
    waiting = [
        f"request {one.pk} of {one.requested_by_name} waits for {waits_for(one)}"
        for one in project.requests.filter(decision=Decision.PENDING)
    ]
    lines += _cut(waiting, _REASONS, "requests that wait")
    return Answer(f"{project.title} has:", tuple(lines), place.address)


def _status(place: Place, _: str) -> Answer:
    project = place.project
    lines = [*_not_ready(project)]
    found = _standing(place)
    if found is None:
        lines.append("no model report yet")
    else:
        lines.append(f"model at {found.report.commit[:10]} ({_name(found.report)}): {found.gate.sentence}")
        lines += _awaits(found)
    return Answer(f"{project.title}: {project.word.value}.", tuple(lines), place.address)


def _not_ready(project: Project) -> Iterator[str]:
    for row in project.resources.all():
        if row.word not in (Word.READY, Word.NOT_AVAILABLE):
            title = kinds()[row.kind].title if row.kind in kinds() else row.kind
            yield f"{title}: {row.word.value.lower()}. {row.synced_message}".strip()


def _why(place: Place, _: str) -> Answer:
    lines = [*_not_ready(place.project)]
    found = _standing(place)
    if found is None:
        lines.append("no model report yet, so nothing holds the gate")
        return Answer("This is what I know:", tuple(lines), place.address)
    lines += _awaits(found)
    missed = [_said(one) for one in found.lines if one.held is False]
    tests = found.report.tests
    failed = [_failed(one) for one in tests_failed(tests)]
    lines += (f"{one['name']}{_example(one)}" for one in steps_failed(tests))
    lines += [*_cut(missed, _REASONS, "missed thresholds"), *_cut(failed, _REASONS, "failed tests")]
    state = "open" if found.gate.passed else "shut"
    is_ = "was" if found.awaited else "is"
    return Answer(
        f"The gate {is_} {state} for {found.report.commit[:10]}. {found.gate.sentence}", tuple(lines), place.address
    )


def _failed(test: Mapping[str, str]) -> str:
    return f"{test['name']} ({test['kind']}) fails{_example(test)}"


def _example(test: Mapping[str, str]) -> str:
    return f": {test['example']}" if test["example"] else ""


def _cut(lines: Sequence[str], most: int, what: str) -> tuple[str, ...]:
    """So many of them, and how many there are besides."""
    more = (f"and {len(lines) - most} more {what}",) if len(lines) > most else ()
    return (*lines[:most], *more)


def _awaits(found: Standing) -> Iterator[str]:
    if found.awaited:
        yield f"{found.awaited[:10]} has not reported yet, so its gate waits; these are the numbers before it"


def _compare(place: Place, reference: str) -> Answer:
    found = _standing(place)
    if found is None:
        return Answer("There is no model report here yet: CI sends one when it has run.")
    base = _find(place.project, reference) if reference else found.base
    if base is None:
        named = f"“{reference}”" if reference else "what it would replace"
        return Answer(f"I have no model report of {named}. Name a branch, a commit or a pull request that CI ran for.")
    mine = found.report
    said = _cut([_said(one) for one in standing_of(mine, base=base).lines], _LINES, "metrics")
    head = f"{mine.commit[:10]} beside {base.commit[:10]} ({_name(base)}):"
    return Answer(head, (*said, *_versions(mine, base)), f"{place.address}models/")


def _said(line: Line) -> str:
    value = "gone" if line.value is None else number(line.value)
    base = "" if line.base is None else f", before {number(line.base)}"
    held = "" if line.held is None else f"; {'held' if line.held else 'missed'}: {line.demand}"
    turn = f"; {line.turn}" if line.turned else ""
    return f"{line.label}: {value}{base}, {CHANGED[line.change]}{held}{turn}"


def _versions(mine: Report, base: Report) -> Iterator[str]:
    if mine.data_hash and base.data_hash:
        yield "same data" if mine.data_hash == base.data_hash else "other data"
    if mine.environment_hash and base.environment_hash:
        yield "same environment" if mine.environment_hash == base.environment_hash else "other environment"


def _name(report: Report) -> str:
    return f"pull request {report.pull_request}" if report.pull_request else report.branch


def _retry(place: Place, person: "Person") -> Answer:
    try:
        actions.look_again(place.project, by=person, door=place.door)
    except (NotAllowed, NotFound) as error:
        return Answer(str(error))
    return Answer("I look at every resource again now.", (), place.address)


def _retrain(place: Place, person: "Person") -> Answer:
    try:
        training.ask(place.project, by=person, door=place.door)
    except (NotAllowed, NotFound, Conflict) as error:
        return Answer(str(error))
    return Answer("CI runs on the default branch again; its report says how it went.", (), f"{place.address}models/")


def _standing(place: Place) -> Standing | None:
    """How the pull request stands, as its comment says, or the newest report of the main branch. None without one."""
    project = place.project
    branches = [place.main_branch] if place.main_branch else branches_of(project)[:1]
    if place.pull_request is not None:
        return standing_of_pull_request(project, place.pull_request, branches=branches)
    report = newest_of(project, branches[0]) if branches else None
    return None if report is None else standing_of(report, base=base_of(report, branches=branches))


def _find(project: Project, reference: str) -> Report | None:
    """The newest report of a branch, that of a pull request (12, #12), or the newest of a commit by its first seven
    digits or more.
    """
    found = newest_of(project, reference)
    if found is None and (numbered := _PULL_REQUEST.fullmatch(reference)):
        standing = standing_of_pull_request(project, int(numbered[1]), branches=())
        found = standing.report if standing else None
    if found is None and _COMMIT.fullmatch(reference.lower()):
        found = project.reports.filter(commit__startswith=reference.lower()).first()
    return found


_TELLS: Mapping[str, Callable[[Place, str], Answer]] = {
    "plan": _plan,
    "status": _status,
    "why": _why,
    "compare": _compare,
}
_ACTS: "Mapping[str, Callable[[Place, Person], Answer]]" = {"retry": _retry, "retrain": _retrain}
