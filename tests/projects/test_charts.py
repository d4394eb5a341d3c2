"""Charts as values: where lines run, what is said in words, and what the table behind holds."""

import re

from hypothesis import example, given
from hypothesis import strategies as st

from projects.charts import Chart, Hover, Key, Point, Row, bars_of, chart_of, said


def test_a_chart_has_lines_words_and_figures() -> None:
    points = [
        Point(label="21 Nov", values=(0.5, 1.0), more="3 made"),
        Point(label="22 Nov", values=(None, None)),
        Point(label="23 Nov", values=(1.0, 3.2), more="1 made"),
    ]
    chart = chart_of(points, lines=("p50", "p95"), says="It rose.", first="Day", unit="s", more="Made")
    assert chart == Chart(
        says="It rose.",
        grid="M0 0H100M0 25H100M0 50H100M0 75H100M0 100H100",
        paths=(("a", "M0 87.5M100 75"), ("b", "M0 75M100 20")),
        dots=(("a", "M100 75h0"), ("b", "M100 20h0")),
        hovers=(
            Hover(x="-25", y="0", width="50", height="100", text="21 Nov: p50 0.5 s, p95 1 s, 3 made"),
            Hover(x="25", y="0", width="50", height="100", text="22 Nov: p50 –, p95 –"),
            Hover(x="75", y="0", width="50", height="100", text="23 Nov: p50 1 s, p95 3.2 s, 1 made"),
        ),
        ticks=("4", "3", "2", "1", "0"),
        marks=("21 Nov", "22 Nov", "23 Nov"),
        keys=(Key(style="a", title="p50", newest="1 s"), Key(style="b", title="p95", newest="3.2 s")),
        heads=("p50", "p95"),
        rows=(
            Row(label="21 Nov", cells=("0.5 s", "1 s"), more="3 made"),
            Row(label="22 Nov", cells=("–", "–"), more=""),
            Row(label="23 Nov", cells=("1 s", "3.2 s"), more="1 made"),
        ),
        first="Day",
        more="Made",
    )


def test_neighbours_are_joined_and_one_point_stands_at_the_right_end() -> None:
    joined = chart_of([Point("a", (0.0,)), Point("b", (20.0,))], lines=("used",), says="", first="Day")
    alone = chart_of([Point("a", (5.0,))], lines=("used",), says="", first="Day")
    assert joined is not None
    assert alone is not None
    assert joined.paths == (("a", "M0 100L100 0"),)
    assert (alone.paths, alone.dots, alone.marks) == ((("a", "M100 37.5"),), (("a", "M100 37.5h0"),), ("a",))


def test_bars_lie_below_each_other_on_one_axis() -> None:
    points = [Point("queue", (0.1, 0.2)), Point("bucket", (0.5, None)), Point("hook", (1.0, 2.0), more="7 times")]
    chart = bars_of(points, lines=("p50", "p95"), says="", first="Step", unit="s", more="Count")
    assert chart is not None
    assert chart.paths == (
        ("a dot", "M0 0H5"), ("b", "M0 0H10"), ("a dot", "M0 50H25"), ("a dot", "M0 100H50"), ("b", "M0 100H100"),
    )  # fmt: skip
    assert chart.ticks == ("queue", "bucket", "hook")
    assert chart.marks == ("0", "0.5", "1", "1.5", "2")
    assert [one.text for one in chart.hovers][1:] == ["bucket: p50 0.5 s, p95 –", "hook: p50 1 s, p95 2 s, 7 times"]
    assert bars_of([Point("a", (None,))], lines=("p50",), says="", first="Step") is None


def test_a_chart_of_few_bars_is_low() -> None:
    def low(number: int) -> bool:
        points = [Point(f"target {one}", (1.0,)) for one in range(number)]
        chart = bars_of(points, lines=("used",), says="", first="Target")
        assert chart is not None
        return chart.low

    assert [low(number) for number in (1, 4, 5)] == [True, True, False]
    lying = chart_of([Point("Monday", (1.0,))], lines=("used",), says="", first="Day")
    assert lying is not None
    assert not lying.low


def test_nothing_to_show_is_no_chart() -> None:
    assert chart_of([], lines=("p50",), says="", first="Day") is None
    assert chart_of([Point("a", (None,))], lines=("p50",), says="", first="Day") is None


def test_only_zeros_still_have_an_axis() -> None:
    chart = chart_of([Point("a", (0.0,)), Point("b", (0.0,))], lines=("used",), says="", first="Day")
    assert chart is not None
    assert chart.ticks == ("1", "0.75", "0.5", "0.25", "0")


def test_an_axis_between_figures_has_short_ends_and_may_lie_below_zero() -> None:
    def axis(*figures: float) -> tuple[str, ...]:
        points = [Point(str(number), (figure,)) for number, figure in enumerate(figures)]
        chart = chart_of(points, lines=("auc",), says="", first="Run", from_zero=False)
        assert chart is not None
        return chart.ticks

    assert axis(0.912, 0.918) == ("0.92", "0.918", "0.916", "0.914", "0.912")
    assert axis(-1.5, -1.4, 0.3) == ("0.5", "0", "-0.5", "-1", "-1.5")
    assert axis(0.1, 0.3) == ("0.3", "0.25", "0.2", "0.15", "0.1")
    assert axis(-3.0) == ("-2.8", "-2.9", "-3", "-3.1", "-3.2")
    assert axis(0.0) == ("0.5", "0.25", "0", "-0.25", "-0.5")
    assert axis(0.00123) == ("0.00135", "0.0013", "0.00125", "0.0012", "0.00115")
    assert axis(0.5, 980.0) == ("1,000", "750", "500", "250", "0")


@given(figures=st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=5))
@example(figures=[0.0, 5e-324])
@example(figures=[0.0, 1.5e-323])
@example(figures=[0.0, 1.7e308])
@example(figures=[-1.7e308, 1.7e308])
def test_every_figure_that_a_report_takes_can_be_drawn(figures: list[float]) -> None:
    points = [Point(str(number), (figure,)) for number, figure in enumerate(figures)]
    chart = chart_of(points, lines=("loss",), says="", first="Run", from_zero=False)
    assert chart is not None
    assert len(chart.ticks) == 5
    assert len(chart.rows) == len(figures)


@given(figures=st.lists(st.floats(min_value=-1e15, max_value=1e15), min_size=1, max_size=5))
def test_every_figure_lies_on_the_axis_between_them(figures: list[float]) -> None:
    points = [Point(str(number), (figure,)) for number, figure in enumerate(figures)]
    chart = chart_of(points, lines=("loss",), says="", first="Run", from_zero=False)
    assert chart is not None
    assert len(set(chart.ticks)) == 5
    places = [float(place) for path in chart.paths for place in re.findall(r" (-?[0-9.]+)(?=[ML]|$)", path[1])]
    assert len(places) == len(figures)
    assert all(0 <= place <= 100 for place in places)


def test_a_place_where_something_else_began_is_marked_and_in_the_legend() -> None:
    points = [Point("a", (1.0,)), Point("b", (2.0,), turned=True), Point("c", (2.0,))]
    chart = chart_of(points, lines=("auc",), says="", first="Run", turned="the data changed")
    assert chart is not None
    assert chart.paths == (("a", "M0 50L50 0L100 0"), ("turn", "M50 0V100"))
    assert chart.keys[1:] == (Key(style="turn", title="the data changed", newest=""),)


def test_figures_are_short_and_have_their_unit() -> None:
    assert [said(value, "s") for value in (None, 0.0, 0.912, 12.34, 1234.5, 3.0)] == [
        "–", "0 s", "0.91 s", "12.3 s", "1,234 s", "3 s",
    ]  # fmt: skip
    assert said(0.5, "") == "0.5"
