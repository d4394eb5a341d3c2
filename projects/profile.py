"""`profile.yaml` as bytes becomes plain data with the place of every field, or a list of faults with lines.

Anybody who may push can write anything into the file, so its cost is bounded before it is read: size, nesting and
number of values are checked on the stream of the parser's events, and nothing that could multiply (anchors, aliases,
merge keys) or change the meaning of a value (tags, directives) is let through. Values are built here, not by the
library: only decimal numbers, true, false and null have a type of their own; `on`, `012` and dates stay text.
"""

import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from projects.errors import Fault
from provisioning.phrases import Phrase, joined, phrase

FILE = "profile.yaml"
MAX_BYTES = 64 * 1024
MAX_DEPTH = 20
MAX_NODES = 2000
MAX_PROBLEMS = 20

# The parser looks ahead to the end of a line for each bracket that is open; see tests for what that would cost.
_MAX_OPEN_IN_LINE = 64
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff]")
_CONTROL_IN_VALUE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")
_DECIMAL = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})?(\.[0-9]{1,17})?([eE][-+]?[0-9]{1,3})?")
_CONSTANTS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_EXPLAINED = {
    "mapping values are not allowed here": phrase(
        "A colon stands where none can. Check the indentation, or put the text in quotes."
    ),
    "found character '\\t' that cannot start any token": phrase("A tab can't indent. Use spaces."),
    "could not find expected ':'": phrase("A field needs a colon and a space after its name, such as slug: demand."),
    "found unexpected end of stream": phrase("A quote is opened and never closed. Close it."),
}

Path = tuple[str | int, ...]
Place = tuple[int, int]


@dataclass(frozen=True)
class Problem:
    """One fault of the file itself. Line and column count from 1."""

    message: Phrase
    line: int
    column: int

    def __str__(self) -> str:
        return str(self.sentence)

    @property
    def sentence(self) -> Phrase:
        """ "line 3, column 5: …"."""
        return _placed((self.line, self.column), self.message)


class ProfileError(Exception):
    """The file can't be read. `problems` has all that were found, in the order of the file, and at least one."""

    def __init__(self, *problems: Problem) -> None:
        self.problems = problems
        super().__init__("; ".join(str(one) for one in problems))

    @property
    def line(self) -> int:
        """Line of the first problem."""
        return self.problems[0].line

    @property
    def column(self) -> int:
        """Column of the first problem."""
        return self.problems[0].column

    def sentences(self) -> list[Phrase]:
        """One "line 3, column 5: …" for each problem."""
        return [one.sentence for one in self.problems]


@dataclass(frozen=True)
class Profile:
    """What the file says, as plain data for `projects.spec.read_spec`, and where it says it."""

    data: dict[str, Any]
    _places: dict[Path, Place] = field(repr=False, default_factory=dict)

    def locate(self, path: Path) -> Place:
        """Line and column of a field, counted from 1; of the nearest thing around it when it is not in the file."""
        for length in range(len(path), 0, -1):
            if (place := self._places.get(path[:length])) is not None:
                return place
        return self._places.get((), (1, 1))


def describe(faults: Iterable[Fault], profile: Profile) -> list[str]:
    """The faults of a wish as sentences with their places in the file, in its order; the whole's faults come first."""
    placed = [(profile.locate(fault.path) if fault.path else (0, 0), fault) for fault in faults]
    placed.sort(key=lambda one: one[0])
    return [_placed(place, fault.sentence) if fault.path else fault.sentence for place, fault in placed]


def _placed(place: Place, message: str) -> Phrase:
    line, column = place
    return phrase("line %(line)s, column %(column)s: %(message)s", line=line, column=column, message=message)


def parse(text: bytes) -> Profile:
    """Read the file. Raises ProfileError, whatever the bytes are; the cost is bounded by the size of the file."""
    decoded = _decode(text)
    _check_lines(decoded)
    return _Reader(decoded).read()


def _decode(text: bytes) -> str:
    if len(text) > MAX_BYTES:
        raise ProfileError(
            Problem(
                phrase(
                    "The file has %(bytes)s bytes; at most %(most)s (64 KiB) are read. Shorten it.",
                    bytes=len(text),
                    most=MAX_BYTES,
                ),
                1,
                1,
            )
        )
    if text.startswith(_UTF16) or b"\0" in text:
        message = phrase("The file is not plain UTF-8 text (UTF-16, or binary). Save it as UTF-8.")
        raise ProfileError(Problem(message, 1, 1))
    try:
        return text.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line, column = text.count(b"\n", 0, error.start) + 1, error.start - text.rfind(b"\n", 0, error.start)
        byte = f"{text[error.start]:#04x}"
        message = phrase("The byte %(byte)s is not UTF-8. Save the file as UTF-8.", byte=byte)
        raise ProfileError(Problem(message, line, column)) from error


def _check_lines(text: str) -> None:
    """Refuse what the parser would take long over, or refuse with a poor sentence."""
    if found := _CONTROL.search(text):
        line, column = text.count("\n", 0, found.start()) + 1, found.start() - text.rfind("\n", 0, found.start())
        code = f"U+{ord(found[0]):04X}"
        message = phrase("There is a control character here (%(code)s). Remove it.", code=code)
        raise ProfileError(Problem(message, line, column))
    for number, line_text in enumerate(text.splitlines(), start=1):
        opened = line_text.count("[") + line_text.count("{") - line_text.count("]") - line_text.count("}")
        if opened > _MAX_OPEN_IN_LINE:
            raise ProfileError(_too_deep(number, 1))


def _too_deep(line: int, column: int) -> Problem:
    message = phrase("This is nested more than %(most)s levels deep. A profile needs no more than 5.", most=MAX_DEPTH)
    return Problem(message, line, column)


class _Reader:
    """Builds the data out of the parser's events. Goes on after a fault where it can, to find the next one."""

    def __init__(self, text: str) -> None:
        # Pure: the parser in C is not on every machine, and one parser means one behaviour.
        self._events: Iterator[Event] = YAML(typ="safe", pure=True).parse(text)
        self._places: dict[Path, Place] = {}
        self._problems: list[Problem] = []
        self._nodes = 0
        self._last: Place = (1, 1)

    def read(self) -> Profile:
        """The whole file."""
        try:
            data = self._document()
        except MarkedYAMLError as error:
            self._problems.append(self._syntax(error))
            raise ProfileError(*self._problems) from error
        except (YAMLError, ValueError, OverflowError) as error:
            # ValueError: an escape such as "\UFFFFFFFF" for a character that doesn't exist.
            message = phrase("From here on this is not YAML. Check quotes, escapes and indentation.")
            problem = Problem(message, *self._last)
            raise ProfileError(*self._problems, problem) from error
        if not self._problems and not isinstance(data, dict):
            found = phrase("The file is empty.") if data is None else phrase("The file is not made of fields.")
            advice = phrase("Write at least slug and team, such as slug: lane-detection.")
            self._note(joined(" ", [found, advice]), (1, 1))
        if self._problems:
            raise ProfileError(*self._problems)
        return Profile(data=data, _places=self._places)

    def _document(self) -> Any:
        data: Any = None
        documents = 0
        for event in self._events:
            place = self._see(event)
            if isinstance(event, DocumentStartEvent):
                documents += 1
                if documents > 1:
                    said = phrase("A second document begins here. Keep one project in one file; remove this part.")
                    self._note(said, place)
                    break
                if event.version or event.tags:
                    self._note(phrase("Directives (lines that begin with %%) are not read. Remove them."), (1, 1))
            elif isinstance(event, ScalarEvent | AliasEvent | MappingStartEvent | SequenceStartEvent):
                data = self._node(event, path=(), depth=1)
        return data

    def _node(self, event: Event, *, path: Path, depth: int) -> Any:
        place = self._see(event)
        self._places.setdefault(path, place)
        self._nodes += 1
        if self._nodes > MAX_NODES:
            many = phrase("The file has more than %(most)s values. A profile needs far fewer.", most=MAX_NODES)
            self._stop(Problem(many, *place))
        anchor = getattr(event, "anchor", None)
        if isinstance(event, AliasEvent):
            name = _short(str(anchor))
            self._note(phrase("The alias *%(name)s is not read. Write the value out.", name=name), place)
            return None
        if anchor is not None:
            sentence = phrase(
                "The anchor &%(name)s is not read. Remove it, and write repeated values out.", name=_short(str(anchor))
            )
            self._note(sentence, place)
        if getattr(event, "tag", None) is not None:
            self._note(phrase("Tags (words that begin with !) are not read. Remove it; put text in quotes."), place)
        if isinstance(event, ScalarEvent):
            return self._scalar(event, place)
        if depth > MAX_DEPTH:
            self._stop(_too_deep(*place))
        if isinstance(event, SequenceStartEvent):
            return self._list(path=path, depth=depth)
        return self._mapping(path=path, depth=depth)

    def _list(self, *, path: Path, depth: int) -> list[Any]:
        found: list[Any] = []
        for event in self._events:
            if isinstance(event, SequenceEndEvent):
                break
            found.append(self._node(event, path=(*path, len(found)), depth=depth + 1))
        return found

    def _mapping(self, *, path: Path, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for event in self._events:
            if isinstance(event, MappingEndEvent):
                break
            place = self._see(event)
            name = self._name(event, depth=depth)
            below: Path = (*path, "" if name is None else name)
            if name is None:
                self._places.pop(below, None)
            elif name in found:
                line = self._places[below][0]
                twice = phrase(
                    "The field %(name)s stands here a second time (first in line %(line)s). Keep one.",
                    name=_short(name),
                    line=line,
                )
                self._note(twice, place)
            else:
                self._places[below] = place
            value = self._node(next(self._events), path=below, depth=depth + 1)
            if name is not None:
                found.setdefault(name, value)
        return found

    def _name(self, event: Event, *, depth: int) -> str | None:
        """The text of a field's name, None (and a problem noted) when it is nothing that can name a field."""
        place = self._see(event)
        if not isinstance(event, ScalarEvent):
            self._node(event, path=("",), depth=depth + 1)
            self._note(phrase("A list, mapping or alias can't name a field. Write a plain word."), place)
            return None
        self._node(event, path=("",), depth=depth)
        if event.value == "<<" and event.style is None:
            self._note(phrase("Merge keys (<<) are not read. Write the fields out."), place)
            return None
        return str(event.value)

    def _scalar(self, event: ScalarEvent, place: Place) -> Any:
        text = str(event.value)
        if found := _CONTROL_IN_VALUE.search(text):
            code = f"U+{ord(found[0]):04X}"
            self._note(phrase("This text holds a control character (%(code)s). Remove it.", code=code), place)
            return ""
        if event.style is not None:
            return text
        if text in _CONSTANTS:
            return _CONSTANTS[text]
        if _INTEGER.fullmatch(text):
            return int(text)
        if _DECIMAL.fullmatch(text) and any(char.isdigit() for char in text) and math.isfinite(float(text)):
            return float(text)
        return text

    def _see(self, event: Event) -> Place:
        mark = event.start_mark
        self._last = (mark.line + 1, mark.column + 1)
        return self._last

    def _note(self, message: Phrase, place: Place) -> None:
        self._problems.append(Problem(message, *place))
        if len(self._problems) >= MAX_PROBLEMS:
            raise ProfileError(*self._problems)

    def _stop(self, problem: Problem) -> None:
        raise ProfileError(*self._problems, problem)

    def _syntax(self, error: MarkedYAMLError) -> Problem:
        mark = error.problem_mark or error.context_mark
        place = (mark.line + 1, mark.column + 1) if mark is not None else self._last
        said = str(error.problem or error.context or "it can't be understood")
        sentence = _EXPLAINED.get(said) or phrase(
            "From here on this is not YAML: %(said)s. Check the indentation and the quotes.", said=said[:200]
        )
        return Problem(sentence, *place)


def _short(name: str) -> str:
    return name if len(name) <= 60 else f"{name[:60]}…"
