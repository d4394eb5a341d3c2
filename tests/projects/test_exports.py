"""Lists as files: what a spreadsheet gets can't run, and letters stay what they are."""

import csv
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from io import StringIO
from typing import Any

import pytest
from django.test import RequestFactory

from projects.exports import download, form_asked, stream

MOMENT = datetime(2026, 11, 23, 9, 41, tzinfo=UTC)


def sheet(rows: list[dict[str, Any]]) -> str:
    """What a spreadsheet reads, without the mark in front."""
    return download(rows, name="list", form="csv").content.decode().removeprefix("\ufeff")


def test_a_cell_that_looks_like_a_formula_is_text() -> None:
    evil = ["=HYPERLINK(1)", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", "fine = 1"]
    read = list(csv.DictReader(StringIO(sheet([{"title": one, "count": -3} for one in evil]))))
    assert [row["title"] for row in read] == [*(f"'{one}" for one in evil[:-1]), "fine = 1"]
    assert {row["count"] for row in read} == {"-3"}


def test_times_commas_and_nothing_survive() -> None:
    assert sheet([{"at": MOMENT, "says": 'a, "b"', "no": None}]) == (
        'at,says,no\r\n2026-11-23T09:41:00+00:00,"a, ""b""",\r\n'
    )
    assert sheet([]) == "\r\n"


def test_files_have_a_name_and_are_not_kept_on_the_way() -> None:
    rows = [{"title": "Räder"}]
    table, data = download(rows, name="drift", form="csv"), download(rows, name="drift", form="json")
    assert table.content.decode() == "\ufefftitle\r\nRäder\r\n"
    assert data.content.decode() == '{"items": [{"title": "Räder"}]}'
    assert table["Content-Disposition"] == 'attachment; filename="drift.csv"'
    assert (table["Cache-Control"], data["Content-Type"]) == ("private, no-store", "application/json")


def test_a_long_list_is_sent_while_it_is_read() -> None:
    read: list[int] = []

    def records() -> Iterator[dict[str, Any]]:
        for number in range(3):
            read.append(number)
            yield {"name": f"p{number}", "people": ["å", "b"], "at": MOMENT, "more": "is left out"}

    columns = ["name", "people", "at"]
    sent = iter(stream(records(), columns=columns, name="projects", form="csv"))
    assert (next(sent), next(sent), read) == ("\ufeff".encode(), b"name,people,at\r\n", [])
    assert (next(sent).decode(), read) == ("p0,å; b,2026-11-23T09:41:00+00:00\r\n", [0])
    whole = json.loads(b"".join(stream(records(), columns=columns, name="projects", form="json")))
    assert whole["items"][2] == {"name": "p2", "people": ["å", "b"], "at": "2026-11-23T09:41:00Z"}
    assert json.loads(b"".join(stream([], columns=columns, name="projects", form="json"))) == {"items": []}


@pytest.mark.parametrize(("query", "form"), [("format=csv", "csv"), ("format=json", "json"), ("format=exe", None)])
def test_the_form_is_part_of_the_list_s_address(query: str, form: str | None) -> None:
    assert form_asked(RequestFactory().get(f"/?{query}")) == form
