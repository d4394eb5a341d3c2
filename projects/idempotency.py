"""`Idempotency-Key`: a write that is sent again has happened once and is answered the same.

The answer is stored in the transaction of the write itself, under a lock that Postgres drops with the connection. So a
write and its answer exist both or not at all, and a process that dies leaves nothing behind that blocks a retry.
"""

import hashlib
import json
import re
from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar, cast

from django.core.exceptions import PermissionDenied
from django.db import connection, transaction
from django.http import Http404
from django.utils import timezone
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.response import Response

from projects.api_errors import Refused
from projects.errors import ProjectError
from projects.models import IdempotencyKey
from projects.serializers import PROBLEM

KEPT = timedelta(hours=24)
HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
_KEY = re.compile(r"[\x21-\x7e]{1,200}")
_HEADERS = ("Location", "ETag")

P = ParamSpec("P")


class Answering(Protocol):
    """What of a view is used here. `shown_once`: fields of answers that are never stored."""

    @property
    def shown_once(self) -> tuple[str, ...]: ...

    def handle_exception(self, exc: Exception) -> Response: ...


V = TypeVar("V", bound=Answering)
Handler = Callable[Concatenate[V, Request, P], Response]


def idempotent(handler: Handler[V, P]) -> Handler[V, P]:
    """Decorator for the writing methods of a view. Calls without the header pass through.

    Raises Refused: 400 for an unusable key, 422 for one that was used for another call, 409 while the first call runs.
    Answers of 500 and above are not kept; their transaction is undone.
    """

    @wraps(handler)
    def answer(view: V, request: Request, /, *args: P.args, **kwargs: P.kwargs) -> Response:
        key = request.headers.get(HEADER)
        if key is None:
            return handler(view, request, *args, **kwargs)
        if not _KEY.fullmatch(key):
            detail = f"{HEADER} must be 1 to 200 printable ASCII characters without spaces, such as a UUID."
            raise Refused(400, code="invalid_idempotency_key", detail=detail)
        fingerprint, owner = _fingerprint(request), cast(int, request.user.pk)
        with transaction.atomic():
            if not _lock(f"{owner}:{key}"):
                detail = f"A call with this {HEADER} is running right now. Ask again for its answer."
                raise Refused(409, code="in_flight", detail=detail, wait=1)
            known = IdempotencyKey.objects.filter(user_id=owner, key=key).first()
            if known is not None and known.created_at < timezone.now() - KEPT:
                known.delete()
                known = None
            if known is not None:
                return _replay(known, fingerprint=fingerprint)
            response = _run(view, lambda: handler(view, request, *args, **kwargs))
            if response.status_code < 500:
                IdempotencyKey.objects.create(
                    user_id=owner,
                    key=key,
                    fingerprint=fingerprint,
                    status=response.status_code,
                    headers={name: response[name] for name in _HEADERS if name in response},
                    body=_storable(response.data, hide=view.shown_once),
                )
            return response

    return answer


def _run(view: Answering, handler: Callable[[], Response]) -> Response:
    """The handler's answer. What it refuses is an answer too: its writes are undone, and the refusal is kept."""
    try:
        with transaction.atomic():
            return handler()
    except (ProjectError, APIException, Http404, PermissionDenied) as error:
        return view.handle_exception(error)


def _replay(known: IdempotencyKey, *, fingerprint: str) -> Response:
    if known.fingerprint != fingerprint:
        detail = f"This {HEADER} was used for another call within a day. Use a new key for each new call."
        raise Refused(422, code="idempotency_key_reused", detail=detail)
    status = known.status or 200
    response = Response(known.body, status=status, headers={**known.headers, REPLAYED: "true"})
    if status >= 400:
        response.content_type = PROBLEM
    return response


def _lock(name: str) -> bool:
    """Until the end of the transaction; False when another one has it."""
    number = int.from_bytes(hashlib.sha256(f"slipway-idempotency:{name}".encode()).digest()[:8], signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [number])
        row = cursor.fetchone()
    return bool(row and row[0])


def _fingerprint(request: Request) -> str:
    said = [request.method, request.get_full_path(), request.headers.get("If-Match", ""), request.data]
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def _storable(body: Any, *, hide: tuple[str, ...]) -> Any:
    if not isinstance(body, dict):
        return body
    return {name: None if name in hide else value for name, value in body.items()}
