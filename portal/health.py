"""Alive, ready, and the figures: what a platform asks a process, answered from what is so, not from what should be.

`/healthz`: this process answers. `/readyz`: the database answers, the claim loop did its round within a minute; the
targets' last answers are told, but a silent target does not make the portal unready: work for it waits.
"""

from datetime import timedelta
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.db import Error
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from projects.models import Heartbeat
from provisioning.models import TargetHealth

LOOP_SILENT_AFTER = timedelta(seconds=60)


@login_not_required
@never_cache
@require_safe
def alive(request: HttpRequest) -> HttpResponse:  # noqa: ARG001
    """200 as long as this process can answer at all."""
    return HttpResponse("ok\n", content_type="text/plain")


@login_not_required
@never_cache
@require_safe
def ready(request: HttpRequest) -> HttpResponse:  # noqa: ARG001
    """200 or 503, with one line of JSON per thing that was looked at."""
    answer: dict[str, Any] = {}
    try:
        beat = Heartbeat.objects.filter(name="sweep").first()
        answer["database"] = {"ok": True}
        fresh = beat is not None and timezone.now() - beat.at < LOOP_SILENT_AFTER
        answer["claim_loop"] = {"ok": fresh, "last_round": beat.at if beat else None}
        answer["targets"] = {row.name: {"ok": row.answering, "since": row.since} for row in TargetHealth.objects.all()}
    except Error as error:
        answer["database"] = {"ok": False, "error": type(error).__name__}
    ok = answer["database"]["ok"] and answer.get("claim_loop", {}).get("ok", False)
    return JsonResponse({"ready": ok, **answer}, status=200 if ok else 503)
