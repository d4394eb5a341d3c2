"""Bodies and queries of the API, read strictly: what two parsers could read in two ways is refused.

No duplicate keys, no NaN or infinity, no text that Postgres can't keep, and bounds for size, depth and keys.
"""

import json
from collections.abc import Mapping
from typing import IO, Any, NoReturn, TypeVar

from pydantic import BaseModel, ValidationError
from rest_framework.parsers import BaseParser
from rest_framework.request import Request

from projects.api_errors import Refused
from projects.errors import Fault, InvalidSpec
from projects.spec import faults_of

MAX_BYTES = 64 * 1024
MAX_DEPTH = 20
MAX_KEYS = 1000
"""In one object: for each that a model doesn't know there is a fault in the answer."""

M = TypeVar("M", bound=BaseModel)


class StrictJson(BaseParser):
    """JSON as this module's docstring says. Raises Refused with 400 or 413."""

    media_type = "application/json"
    max_bytes = MAX_BYTES

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,  # noqa: ARG002 - the signature that DRF asks for
        parser_context: Mapping[str, Any] | None = None,  # noqa: ARG002
    ) -> Any:
        """The body as plain data."""
        raw = stream.read(self.max_bytes + 1)
        if len(raw) > self.max_bytes:
            detail = f"The body is larger than {self.max_bytes // 1024} KiB. Send less."
            raise Refused(413, code="too_large", detail=detail)
        return read_json(raw)


class MergePatch(StrictJson):
    """The same under the media type of RFC 7396."""

    media_type = "application/merge-patch+json"


def read_json(raw: bytes) -> Any:
    """The one value that the bytes say. Raises Refused (400) with the reason."""
    try:
        data = json.loads(
            raw.decode("utf-8"),
            object_pairs_hook=_without_duplicates,
            parse_constant=_no_constant,
            parse_float=_finite,
        )
    except UnicodeDecodeError as error:
        raise _malformed("The body is not UTF-8.") from error
    except RecursionError as error:
        raise _too_deep() from error
    except json.JSONDecodeError as error:
        raise _malformed(f"The body is not JSON: {error.msg}, line {error.lineno}, column {error.colno}.") from error
    except ValueError as error:
        # Python reads no integer of more than 4300 digits.
        raise _malformed("A number in the body is too large.") from error
    _check(data)
    return data


def read_body(model: type[M], request: Request) -> M:
    """The body as this model. Raises InvalidSpec with every fault."""
    try:
        return model.model_validate(request.data)
    except ValidationError as error:
        raise InvalidSpec(faults_of(error)) from error


def read_query(model: type[M], request: Request) -> M:
    """The query parameters as this model. Raises Refused (400) for unknown, repeated or wrong ones."""
    given = request.query_params
    faults = [
        Fault(path=(name,), code="repeated", message="Give this parameter once.")
        for name, values in given.lists()
        if len(values) > 1
    ]
    faults += [
        Fault(path=(name,), code="control_characters", message="Control characters can't be part of it.")
        for name, values in given.lists()
        if not all(_is_storable(str(value)) for value in values)
    ]
    try:
        asked = model.model_validate(given.dict())
    except ValidationError as error:
        faults += [
            Fault(path=fault.path, code="unknown_parameter", message="There is no such parameter here.")
            if fault.code == "extra_forbidden"
            else fault
            for fault in faults_of(error)
        ]
        raise bad_query(*faults) from error
    if faults:
        raise bad_query(*faults)
    return asked


def bad_query(*faults: Fault) -> Refused:
    """The refusal of query parameters."""
    return Refused(400, code="invalid_query", detail="The query can't be used as it stands; see errors.", faults=faults)


def merge_patch(target: Any, patch: Any) -> Any:
    """RFC 7396: objects are merged, null removes, everything else replaces."""
    if not isinstance(patch, Mapping):
        return patch
    merged = dict(target) if isinstance(target, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge_patch(merged.get(name), value)
    return merged


def _check(data: Any) -> None:
    waiting = [(data, 1)]
    while waiting:
        value, depth = waiting.pop()
        if depth > MAX_DEPTH:
            raise _too_deep()
        if isinstance(value, str) and not _is_storable(value):
            raise _malformed("A text in the body holds a NUL character or half of a surrogate pair.")
        if isinstance(value, dict):
            waiting += [(one, depth + 1) for pair in value.items() for one in pair]
        elif isinstance(value, list):
            waiting += [(one, depth + 1) for one in value]


def _is_storable(text: str) -> bool:
    return "\x00" not in text and not any("\ud800" <= char <= "\udfff" for char in text)


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(pairs) > MAX_KEYS:
        raise _malformed(f"An object in the body has more than {MAX_KEYS} keys.")
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise _malformed(f"The key {name[:80]!r} stands twice in one object. Which one counts?")
        found[name] = value
    return found


def _no_constant(name: str) -> NoReturn:
    raise _malformed(f"{name} is not JSON.")


def _finite(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise _malformed("A number in the body is too large.")
    return number


def _malformed(detail: str) -> Refused:
    return Refused(400, code="malformed_json", detail=detail)


def _too_deep() -> Refused:
    return _malformed(f"The body is nested deeper than {MAX_DEPTH} levels.")
