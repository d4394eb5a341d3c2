"""Lists as files: JSON for a script, or CSV that a spreadsheet opens without running anything.

A file is asked for at the list's own address (`?format=csv`), so it has the list's filters and order. Long lists are
sent as they are read: ten thousand rows need no more memory than a hundred. Programs read them, so they are in English
whatever language the page is in. A cell that a spreadsheet would take for a formula gets an apostrophe in front: titles
and messages are other people's words.
"""

import csv
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, cast

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.utils import translation

Record = dict[str, Any]
Form = Literal["csv", "json"]
BATCH = 500
"""For `QuerySet.iterator`: rows in memory at a time, with what is prefetched for them."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_TYPES = {"csv": "text/csv; charset=utf-8", "json": "application/json"}


class _Line:
    """Where the csv module writes to: gives each line back."""

    def write(self, text: str) -> str:
        return text


def form_asked(request: HttpRequest) -> Form | None:
    """The file that was asked for; None for the page."""
    asked = request.GET.get("format", "")
    return cast(Form, asked) if asked in _TYPES else None


def download(records: Sequence[Record], *, name: str, form: Form) -> HttpResponse:
    """The records, which are few and read already, as a file called `name`."""
    columns = list(records[0]) if records else []
    return HttpResponse(b"".join(_lines(records, columns=columns, form=form)), **_headers(name=name, form=form))


def stream(records: Iterable[Record], *, columns: Sequence[str], name: str, form: Form) -> StreamingHttpResponse:
    """The records as a file called `name`, sent while they are read. Each has a value for every column."""
    lines = _lines(_in_english(records), columns=columns, form=form)
    return StreamingHttpResponse(lines, **_headers(name=name, form=form))


def file_of(
    request: HttpRequest, records: Iterable[Record], *, columns: Sequence[str], name: str
) -> StreamingHttpResponse | None:
    """The records, which are read only then, as the file that was asked for; None for the page."""
    form = form_asked(request)
    return stream(records, columns=columns, name=name, form=form) if form else None


def _in_english(records: Iterable[Record]) -> Iterator[Record]:
    rows = iter(records)
    while True:
        # One by one: what runs while a line is sent keeps its language.
        with translation.override(settings.LANGUAGE_CODE):
            record = next(rows, None)
        if record is None:
            return
        yield record


def _headers(*, name: str, form: Form) -> dict[str, Any]:
    attached = f'attachment; filename="{name}.{form}"'
    return {
        "content_type": _TYPES[form],
        "headers": {"Content-Disposition": attached, "Cache-Control": "private, no-store"},
    }


def _lines(records: Iterable[Record], *, columns: Sequence[str], form: Form) -> Iterator[bytes]:
    if form == "csv":
        # With the mark, spreadsheets read å and ö as what they are.
        yield "\ufeff".encode()
        yield from (line.encode() for line in _csv(records, columns=columns))
        return
    before = '{"items": ['
    for record in records:
        data = {column: record[column] for column in columns}
        yield (before + json.dumps(data, cls=DjangoJSONEncoder, ensure_ascii=False)).encode()
        before = ",\n"
    yield b'{"items": []}' if before[0] == "{" else b"]}"


def _csv(records: Iterable[Mapping[str, Any]], *, columns: Sequence[str]) -> Iterator[str]:
    writer = csv.writer(_Line())
    yield str(writer.writerow(columns))
    for record in records:
        yield str(writer.writerow([_cell(record[column]) for column in columns]))


def _cell(value: Any) -> Any:
    if isinstance(value, list | tuple):
        value = "; ".join(str(one) for one in value)
    if isinstance(value, str):
        return f"'{value}" if value.startswith(_FORMULA) else value
    return value.isoformat() if hasattr(value, "isoformat") else value
