"""What a forge tells us: check the signature, write the delivery down, ring the worker. Nothing else happens here.

The body is believed only as far as "look there": the worker reads the branch's tip itself. So a delivery that comes
twice, late, in the wrong order or never does no harm.
"""

import json
import re
from typing import Any

import structlog
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from projects.deliveries import COMMENT, Said, authentic, delivery_headers, delivery_id, read
from projects.installation import installation
from projects.listening import Hook, find, note, register_project_repository, secrets_of
from projects.signed_door import Refused, answer, length_of

log = structlog.get_logger(__name__)

MAX_BYTES = 1024 * 1024
_DELIVERY = re.compile(r"[A-Za-z0-9_.:-]{1,100}")
_COMMENT_ACTIONS = ("created", "edited", "create", "update")
_PULL_REQUEST_ACTIONS = ("opened", "reopened", "synchronized", "synchronize", "edited", "closed")


@csrf_exempt
@login_not_required
def receive(request: HttpRequest, forge: str, uid: str) -> JsonResponse:
    """One delivery. 202 when it is written down, 200 when there is nothing to do, else what is wrong with it."""
    try:
        if request.method != "POST":
            raise Refused(405, "Deliveries come by POST.")
        return _receive(request, forge=forge, uid=uid)
    except Refused as refused:
        log.info("delivery_refused", forge=forge, status=refused.status, detail=refused.detail)
        return answer(refused.status, refused.detail)


def _receive(request: HttpRequest, *, forge: str, uid: str) -> JsonResponse:
    body = _body(request)
    hook = find(forge=forge, uid=uid, installation=installation())
    if hook is None:
        raise Refused(404, "There is no hook here.")
    kind = installation().catalogue.forge(forge).kind
    # Nothing of the body is looked at before it is known to come from the forge.
    secrets = secrets_of(hook, installation=installation())
    if not authentic(kind, headers=request.headers, body=body, secrets=secrets):
        raise Refused(401, "The signature is missing or wrong. The hook's secret must be the one that Slipway set.")
    said = read(kind, headers=request.headers, payload=_payload(body))
    if not _is_about(said, hook):
        raise Refused(403, "This hook belongs to another repository. Register this one by itself.")
    if said.event == "ping":
        return answer(200, "The hook works.")
    delivery = delivery_id(kind, request.headers)
    if not _DELIVERY.fullmatch(delivery):
        raise Refused(400, f"A delivery needs its id: {delivery_headers(kind)}.")
    wanted = _wanted(said, bot=installation().catalogue.forge(forge).bot)
    if isinstance(wanted, str):
        return answer(202, wanted)
    if not _record(hook, delivery=delivery, event=said.event, wanted=wanted):
        return answer(200, "This delivery was seen already.")
    return answer(202, "Noted. The answer will stand on the commit.")


def _body(request: HttpRequest) -> bytes:
    length_of(request, most=MAX_BYTES)
    if request.content_type != "application/json":
        raise Refused(415, "Deliveries are application/json. Set the hook's content type to JSON.")
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise Refused(415, "Send the body as it is, not compressed.")
    return request.body


def _payload(body: bytes) -> dict[str, Any]:
    try:
        payload = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Refused(400, "The body is not JSON.") from error
    if not isinstance(payload, dict):
        raise Refused(400, "The body is not a JSON object.")
    return payload


def _is_about(said: Said, hook: Hook) -> bool:
    """Does it come from the hook's repository: by its name, or by its number when somebody renamed it?"""
    if said.repository.lower() == hook.full_name.lower():
        return True
    return said.repository_id is not None and hook.row is not None and said.repository_id == hook.row.number


def _wanted(said: Said, *, bot: str) -> dict[str, Any] | str:
    """What to write down of a delivery, or a sentence why it is of no interest."""
    if said.event == "push":
        if not said.branch or said.branch != said.default_branch:
            return "Ignored: only pushes to the default branch ask for something."
        if not said.commit:
            return "Ignored: there is no commit in it."
        if said.by.lower() == bot.lower():
            return "Ignored: Slipway pushed that itself."
        return {"commit": said.commit}
    if said.event == "pull_request":
        if said.action not in _PULL_REQUEST_ACTIONS:
            return "Ignored: nothing of the pull request's files changed."
        if said.number is None:
            return "Ignored: there is no number in it."
        return {"pull_request": said.number}
    if said.event == COMMENT:
        if said.by.lower() == bot.lower():
            return "Ignored: Slipway wrote that itself."
        if said.action not in _COMMENT_ACTIONS or said.number is None:
            return "Ignored: only what is written under pull requests is read."
        return {"pull_request": said.number}
    return "Ignored: only pushes, pull requests and what is written under them are of interest."


def _record(hook: Hook, *, delivery: str, event: str, wanted: dict[str, Any]) -> bool:
    """Write the delivery down and ring; False when it was there already."""
    row = hook.row
    if row is None and hook.project is not None:
        row = register_project_repository(hook.project, installation=installation())
    if row is None:
        raise Refused(403, "This hook belongs to another repository. Register this one by itself.")
    return note(row.pk, delivery=delivery, event=event, **wanted)
