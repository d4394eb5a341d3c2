"""Charts as plain values for `_partials/chart.html`: drawn by the server, no script, with the figures in a table.

At most two lines, or two bars for each place: the first solid, the second dashed, so that they are told apart without
colour. The axis has four parts and begins at zero, but where zero says nothing: a metric that went from 0.912 to 0.918
would be a flat line. A day without a figure leaves a gap; nothing is made up.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.utils.formats import localize


@dataclass(frozen=True)
class Point:
    """One place on the axis below: its name, a figure for each line (None: there is none), and a remark.

    turned: something else began here, which is marked by an upright line.
    """

    label: str
    values: tuple[float | None, ...]
    more: str = ""
    turned: bool = False


@dataclass(frozen=True)
class Hover:
    """An invisible rectangle over one point, and what it says to the mouse."""

    x: str
    y: str
    width: str
    height: str
    text: str


@dataclass(frozen=True)
class Row:
    """One row of the table behind the chart: the point's name, its figures as text, its remark."""

    label: str
    cells: tuple[str, ...]
    more: str


@dataclass(frozen=True)
class Table:
    """The figures alone, as `_partials/chart_table.html` writes them. A Chart has them too."""

    first: str
    heads: tuple[str, ...]
    rows: tuple[Row, ...]
    more: str = ""


@dataclass(frozen=True)
class Key:
    """One line of the legend: how it is drawn, what it shows, its newest figure."""

    style: str
    title: str
    newest: str


@dataclass(frozen=True)
class Chart:
    """Everything the template draws. `says` is the sentence for who doesn't see it; `more` heads the remarks.

    `ticks` stand at the left from the top down, `marks` below from left to right.
    """

    says: str
    grid: str
    paths: tuple[tuple[str, str], ...]
    dots: tuple[tuple[str, str], ...]
    hovers: tuple[Hover, ...]
    ticks: tuple[str, ...]
    marks: tuple[str, ...]
    keys: tuple[Key, ...]
    heads: tuple[str, ...]
    rows: tuple[Row, ...]
    first: str
    more: str

    @property
    def low(self) -> bool:
        """Has it so few bars that they would stand far apart?"""
        return self.grid == _STANDING and len(self.ticks) <= _FEW


_FEW = 4
_STYLES = ("a", "b")
_TURN = "turn"
_LYING = "M0 0H100M0 25H100M0 50H100M0 75H100M0 100H100"
_STANDING = "M0 0V100M25 0V100M50 0V100M75 0V100M100 0V100"


def chart_of(
    points: Sequence[Point],
    *,
    lines: Sequence[str],
    says: str,
    first: str,
    unit: str = "",
    more: str = "",
    figure: Callable[[float], str] | None = None,
    from_zero: bool = True,
    turned: str = "",
) -> Chart | None:
    """The chart of these points, oldest first; None when no point has a figure.

    lines: what each figure of a point is. says: the sentence for who doesn't see the chart. first, more: heads of the
    table's first column and of the remarks. figure: how a figure is written where two digits don't tell enough.
    from_zero: False for an axis that spans just the figures, which may be below zero. turned: what the legend says of
    places where something else began.
    """
    figures = [tuple(None if value is None else _drawable(value) for value in point.values) for point in points]
    found = [value for values in figures for value in values if value is not None]
    if not found:
        return None
    low, top = (0.0, _top(max(found))) if from_zero else _around(min(found), max(found))
    step = 100 / max(len(points) - 1, 1)
    places = [100.0 if len(points) == 1 else index * step for index in range(len(points))]
    drawn = [
        (style, [None if values[number] is None else 100 - ((values[number] or 0) - low) / (top - low) * 100
                 for values in figures])
        for number, style in enumerate(_STYLES[: len(lines)])
    ]  # fmt: skip
    rows = _rows(points, unit, figure)
    turns = "".join(f"M{_n(place)} 0V100" for place, point in zip(places, points, strict=True) if point.turned)
    keys = tuple(
        Key(style=style, title=title, newest=rows[-1].cells[number])
        for number, (style, title) in enumerate(zip(_STYLES, lines, strict=False))
    )
    return Chart(
        says=says,
        grid=_LYING,
        paths=(
            *((style, _path(places, heights)) for style, heights in drawn),
            *([(_TURN, turns)] if turns else []),
        ),
        dots=tuple(
            (style, f"M{_n(places[-1])} {_n(heights[-1])}h0") for style, heights in drawn if heights[-1] is not None
        ),
        hovers=tuple(
            Hover(x=_n(place - step / 2), y="0", width=_n(step), height="100", text=_sentence(row, lines))
            for place, row in zip(places, rows, strict=True)
        ),
        ticks=tuple(reversed(_axis(top) if from_zero else _axis_between(low, top))),
        marks=tuple(dict.fromkeys((points[0].label, points[len(points) // 2].label, points[-1].label))),
        keys=(*keys, Key(style=_TURN, title=turned, newest="")) if turns else keys,
        heads=tuple(lines),
        rows=tuple(rows),
        first=first,
        more=more,
    )


def bars_of(
    points: Sequence[Point], *, lines: Sequence[str], says: str, first: str, unit: str = "", more: str = ""
) -> Chart | None:
    """The same figures as bars that lie below each other, one place for each point; None when there is no figure."""
    found = [value for point in points for value in point.values if value is not None]
    if not found:
        return None
    top = _top(max(found))
    step = 100 / max(len(points) - 1, 1)
    rows = _rows(points, unit, None)
    looks = {"a": "a dot", "b": "b"}
    bars = tuple(
        (looks[style], f"M0 {_n(index * step)}H{_n((point.values[number] or 0) / top * 100)}")
        for index, point in enumerate(points)
        for number, style in enumerate(_STYLES[: len(lines)])
        if point.values[number] is not None
    )  # fmt: skip
    return Chart(
        says=says,
        grid=_STANDING,
        paths=bars,
        dots=(),
        hovers=tuple(
            Hover(x="0", y=_n(index * step - step / 2), width="100", height=_n(step), text=_sentence(row, lines))
            for index, row in enumerate(rows)
        ),
        ticks=tuple(point.label for point in points),
        marks=_axis(top),
        keys=tuple(Key(style=style, title=title, newest="") for style, title in zip(_STYLES, lines, strict=False)),
        heads=tuple(lines),
        rows=tuple(rows),
        first=first,
        more=more,
    )


def said(value: float | None, unit: str) -> str:
    """A figure with its unit, as short as it may be without lying: "0.91 s", "36 s", "–" for none."""
    if value is None:
        return "–"
    return f"{localize(_short(value))} {unit}".rstrip()


def _rows(points: Sequence[Point], unit: str, figure: Callable[[float], str] | None) -> list[Row]:
    def cell(value: float | None) -> str:
        return said(value, unit) if figure is None or value is None else figure(value)

    return [Row(one.label, tuple(cell(value) for value in one.values), one.more) for one in points]


def _axis(top: float) -> tuple[str, ...]:
    """Five figures from zero to the top."""
    return tuple(localize(_short(top * part / 4)) for part in range(5))


def _axis_between(low: float, top: float) -> tuple[str, ...]:
    """Five figures from one end to the other, with as many digits as tell them apart."""
    part = (top - low) / 4
    digits = max(1 - math.floor(math.log10(part)), 0)
    figures = [round(low + part * number, digits) for number in range(5)]
    return tuple(localize(int(one) if one == int(one) else one) for one in figures)


def _short(value: float) -> float | int:
    if value >= 100 or value == int(value):
        return round(value)
    if value >= 0.1:
        return round(value, 1 if value >= 10 else 2)
    # Two digits that count: 0.0012 is not 0.
    return float(f"{value:.2g}")


def _drawable(value: float) -> float:
    """The figure, but for one so near to zero or so large that no axis can be reckoned with it."""
    return 0.0 if abs(value) < 1e-300 else min(max(value, -1e300), 1e300)


def _top(largest: float) -> float:
    """The smallest 1, 2, 4 or 8 times a power of ten that holds the largest figure: its quarters are short."""
    if largest <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(largest))
    return next(power * part for part in (1, 2, 4, 8, 10, 20) if power * part >= largest)


def _around(least: float, largest: float) -> tuple[float, float]:
    """The narrowest ends that hold both and whose four parts are 1, 2, 2.5 or 5 times a power of ten."""
    if largest - least <= abs(largest) * 1e-9:
        room = abs(largest) * 0.05 or 0.5
        least, largest = least - room, largest + room
    power = 10.0 ** math.floor(math.log10((largest - least) / 4))
    for part in (power * one for one in (1, 2, 2.5, 5, 10, 20)):
        # A figure on a line stays there, whatever the last bits say.
        low = math.floor(least / part + 1e-9) * part
        if low + 4 * part >= largest - part * 1e-9:
            return low, low + 4 * part
    raise AssertionError


def _path(places: Sequence[float], heights: Sequence[float | None]) -> str:
    """Through all that is there; a place without a figure lifts the pen."""
    text, down = "", False
    for place, height in zip(places, heights, strict=True):
        if height is None:
            down = False
        else:
            text += f"{'L' if down else 'M'}{_n(place)} {_n(height)}"
            down = True
    return text


def _sentence(row: Row, lines: Sequence[str]) -> str:
    figures = [f"{title} {cell}" for title, cell in zip(lines, row.cells, strict=True)]
    return f"{row.label}: {', '.join([*figures, *([row.more] if row.more else [])])}"


def _n(number: float) -> str:
    """A coordinate, never with a comma of somebody's language."""
    # Nothing is added, but -0 becomes 0.
    return f"{round(number, 2) + 0:.2f}".rstrip("0").rstrip(".")
