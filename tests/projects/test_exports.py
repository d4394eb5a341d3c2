"""Lists as files: what a spreadsheet gets can't run, and letters stay what they are."""

import csv
from datetime import UTC, datetime
from io import StringIO

from projects.exports import as_csv, download

MOMENT = datetime(2026, 11, 23, 9, 41, tzinfo=UTC)


def test_a_cell_that_looks_like_a_formula_is_text() -> None:
    evil = ["=HYPERLINK(1)", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "fine = 1"]
    read = list(csv.DictReader(StringIO(as_csv([{"title": one, "count": -3} for one in evil]))))
    assert [row["title"] for row in read] == [*(f"'{one}" for one in evil[:-1]), "fine = 1"]
    assert {row["count"] for row in read} == {"-3"}


def test_times_commas_and_nothing_survive() -> None:
    assert as_csv([{"at": MOMENT, "says": 'a, "b"', "no": None}]) == (
        'at,says,no\r\n2026-11-23T09:41:00+00:00,"a, ""b""",\r\n'
    )
    assert as_csv([]) == ""


def test_files_have_a_name_and_are_not_kept_on_the_way() -> None:
    rows = [{"title": "Räder"}]
    sheet, data = download(rows, name="drift", form="csv"), download(rows, name="drift", form="json")
    assert sheet.content.decode() == "\ufefftitle\r\nRäder\r\n"
    assert data.content.decode() == '{"items": [{"title": "Räder"}]}'
    assert sheet["Content-Disposition"] == 'attachment; filename="drift.csv"'
    assert (sheet["Cache-Control"], data["Content-Type"]) == ("private, no-store", "application/json")
