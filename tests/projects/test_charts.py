"""Charts as values: where lines run, what is said in words, and what the table behind holds."""

from projects.charts import Chart, Hover, Key, Point, Row, chart_of, said


def test_a_chart_has_lines_words_and_figures() -> None:
    points = [
        Point(label="21 Nov", values=(0.5, 1.0), more="3 made"),
        Point(label="22 Nov", values=(None, None)),
        Point(label="23 Nov", values=(1.0, 3.2), more="1 made"),
    ]
    chart = chart_of(points, lines=("p50", "p95"), says="It rose.", first="Day", unit="s", more="Made")
    assert chart == Chart(
        says="It rose.",
        paths=(("a", "M0 87.5M100 75"), ("b", "M0 75M100 20")),
        dots=(("a", "M100 75h0"), ("b", "M100 20h0")),
        hovers=(
            Hover(x="-25", width="50", text="21 Nov: p50 0.5 s, p95 1 s, 3 made"),
            Hover(x="25", width="50", text="22 Nov: p50 –, p95 –"),
            Hover(x="75", width="50", text="23 Nov: p50 1 s, p95 3.2 s, 1 made"),
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


def test_nothing_to_show_is_no_chart() -> None:
    assert chart_of([], lines=("p50",), says="", first="Day") is None
    assert chart_of([Point("a", (None,))], lines=("p50",), says="", first="Day") is None


def test_only_zeros_still_have_an_axis() -> None:
    chart = chart_of([Point("a", (0.0,)), Point("b", (0.0,))], lines=("used",), says="", first="Day")
    assert chart is not None
    assert chart.ticks == ("1", "0.75", "0.5", "0.25", "0")


def test_figures_are_short_and_have_their_unit() -> None:
    assert [said(value, "s") for value in (None, 0.0, 0.912, 12.34, 1234.5, 3.0)] == [
        "–", "0 s", "0.91 s", "12.3 s", "1,234 s", "3 s",
    ]  # fmt: skip
    assert said(0.5, "") == "0.5"
