"""Lists as files: JSON, or CSV that a spreadsheet opens without running anything.

A cell that a spreadsheet would take for a formula gets an apostrophe in front: titles and messages are other people's
words.
"""

import csv
from collections.abc import Iterable, Mapping, Sequence
from io import StringIO
from typing import Any, Literal

from django.http import HttpResponse, JsonResponse

Record = dict[str, Any]
Form = Literal["csv", "json"]
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def as_csv(records: Iterable[Mapping[str, Any]]) -> str:
    """The records with their field names in the first line; "" when there are none."""
    rows = list(records)
    if not rows:
        return ""
    text = StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\r\n")
    writer.writeheader()
    writer.writerows({name: _cell(value) for name, value in row.items()} for row in rows)
    return text.getvalue()


def download(records: Sequence[Record], *, name: str, form: Form) -> HttpResponse:
    """The records as a file called `name`."""
    if form == "csv":
        # With the mark, spreadsheets read å and ö as what they are.
        answer = HttpResponse("\ufeff" + as_csv(records), content_type="text/csv; charset=utf-8")
    else:
        answer = JsonResponse({"items": records}, json_dumps_params={"ensure_ascii": False})
    answer["Content-Disposition"] = f'attachment; filename="{name}.{form}"'
    answer["Cache-Control"] = "private, no-store"
    return answer


def _cell(value: Any) -> Any:
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return value.isoformat() if hasattr(value, "isoformat") else value
