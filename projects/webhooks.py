"""What a forge tells us: check the signature, write the delivery down, ring the worker. Nothing else happens here.

The body is believed only as far as "look there": the worker reads the branch's tip itself. So a delivery that comes
twice, late, in the wrong order or never does no harm.
"""

import json
import re
from typing import Any

import structlog
from django.contrib.auth.decorators import login_not_required
from django.db import transaction
from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from projects.installation import installation
from projects.listening import Hook, find, look_soon, register_project_repository, secrets_of
from projects.models import Delivery
from provisioning.secrets import signed

log = structlog.get_logger(__name__)

MAX_BYTES = 1024 * 1024
_HEX = re.compile(r"[0-9a-f]{64}")
_DELIVERY = re.compile(r"[A-Za-z0-9_.:-]{1,100}")
_COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
_PULL_REQUEST_ACTIONS = ("opened", "reopened", "synchronized", "synchronize", "edited")


class Refused(Exception):
    """This request gets that answer and nothing more."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


@csrf_exempt
@login_not_required
def receive(request: HttpRequest, forge: str, uid: str) -> JsonResponse:
    """One delivery. 202 when it is written down, 200 when there is nothing to do, else what is wrong with it."""
    if request.method != "POST":
        answer = _said(405, "Deliveries come by POST.")
        answer["Allow"] = "POST"
        return answer
    try:
        return _receive(request, forge=forge, uid=uid)
    except Refused as refused:
        log.info("delivery_refused", forge=forge, status=refused.status, detail=refused.detail)
        return _said(refused.status, refused.detail)


def _said(status: int, detail: str) -> JsonResponse:
    return JsonResponse({"detail": detail}, status=status, headers={"Cache-Control": "no-store"})


def _receive(request: HttpRequest, *, forge: str, uid: str) -> JsonResponse:
    body = _body(request)
    hook = find(forge=forge, uid=uid, installation=installation())
    if hook is None:
        raise Refused(404, "There is no hook here.")
    # Nothing of the body is looked at before it is known to come from the forge.
    if not signed(secrets=secrets_of(hook, installation=installation()), body=body, given=_signature(request)):
        raise Refused(401, "The signature is missing or wrong. The hook's secret must be the one that Slipway set.")
    payload = _payload(body)
    name = payload.get("repository", {}).get("full_name", "") if isinstance(payload.get("repository"), dict) else ""
    if not isinstance(name, str) or name.lower() != hook.full_name.lower():
        raise Refused(403, "This hook belongs to another repository. Register this one by itself.")
    event = _header(request, "X-Gitea-Event", "X-GitHub-Event")
    if event == "ping":
        return _said(200, "The hook works.")
    delivery = _header(request, "X-Gitea-Delivery", "X-GitHub-Delivery")
    if not _DELIVERY.fullmatch(delivery):
        raise Refused(400, "A delivery needs its id: X-Gitea-Delivery or X-GitHub-Delivery.")
    wanted = _wanted(event, payload)
    if isinstance(wanted, str):
        return _said(202, wanted)
    if not _record(hook, delivery=delivery, event=event, wanted=wanted):
        return _said(200, "This delivery was seen already.")
    return _said(202, "Noted. The answer will stand on the commit.")


def _body(request: HttpRequest) -> bytes:
    length = request.META.get("CONTENT_LENGTH") or ""
    if not length.isdecimal():
        raise Refused(411, "Say how long the body is (Content-Length).")
    if int(length) > MAX_BYTES:
        raise Refused(413, f"The body is larger than {MAX_BYTES} bytes. No push or pull request needs that.")
    if request.content_type != "application/json":
        raise Refused(415, "Deliveries are application/json. Set the hook's content type to JSON.")
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise Refused(415, "Send the body as it is, not compressed.")
    return request.body


def _signature(request: HttpRequest) -> str:
    """The signature as bare hex; "" when it is missing or is nothing that could be one."""
    given = request.headers.get("X-Gitea-Signature")
    if given is None:
        prefix, _, given = request.headers.get("X-Hub-Signature-256", "").partition("=")
        if prefix != "sha256":
            return ""
    return given if _HEX.fullmatch(given) else ""


def _header(request: HttpRequest, *names: str) -> str:
    return next((request.headers[name] for name in names if name in request.headers), "")


def _payload(body: bytes) -> dict[str, Any]:
    try:
        payload = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Refused(400, "The body is not JSON.") from error
    if not isinstance(payload, dict):
        raise Refused(400, "The body is not a JSON object.")
    return payload


def _wanted(event: str, payload: dict[str, Any]) -> dict[str, Any] | str:
    """What to write down of a delivery, or a sentence why it is of no interest."""
    if event == "push":
        commit = payload.get("after")
        if payload.get("ref") != f"refs/heads/{payload['repository'].get('default_branch')}":
            return "Ignored: only pushes to the default branch ask for something."
        if not isinstance(commit, str) or not _COMMIT.fullmatch(commit) or not commit.strip("0"):
            return "Ignored: there is no commit in it."
        return {"commit": commit}
    if event == "pull_request":
        number, action = payload.get("number"), payload.get("action")
        if action not in _PULL_REQUEST_ACTIONS:
            return "Ignored: nothing of the pull request's files changed."
        if not isinstance(number, int) or isinstance(number, bool) or not 0 < number < 2**31:
            return "Ignored: there is no number in it."
        return {"pull_request": number}
    return "Ignored: only pushes and pull requests are of interest."


def _record(hook: Hook, *, delivery: str, event: str, wanted: dict[str, Any]) -> bool:
    """Write the delivery down and ring; False when it was there already."""
    with transaction.atomic():
        row = hook.row
        if row is None and hook.project is not None:
            row = register_project_repository(hook.project, installation=installation())
        if row is None:
            raise Refused(403, "This hook belongs to another repository. Register this one by itself.")
        _, made = Delivery.objects.get_or_create(
            repository=row, delivery_id=delivery, defaults={"event": event, **wanted}
        )
        if made:
            look_soon(row.pk)
    return made
