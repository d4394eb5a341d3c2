"""When a project was suspended and resumed, by whom, and why: read from the history that the database keeps."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.apps import apps

from projects.models import Project


@dataclass(frozen=True)
class Switch:
    """One time it was suspended or resumed. who: account, or slipway when its last day was over; because: may be "".

    What had ended and is suspended by the platform team then is suspended a second time.
    """

    pk: int
    at: datetime
    who: str
    door: str
    suspended: bool
    because: str


def switches(project: Project) -> list[Switch]:
    """Every time, newest first; [] when it always ran. One query."""
    history: Any = apps.get_model("projects", "ProjectHistory").objects
    entries = history.filter(pgh_obj=project.pk).select_related("pgh_context").order_by("pk")
    found, was, had_ended = [], False, False
    for entry in entries.only("pgh_created_at", "suspended", "ended", "pgh_context__metadata"):
        taken_over = entry.suspended and had_ended and not entry.ended
        had_ended = entry.ended
        if taken_over or entry.suspended is not was:
            was = entry.suspended
            said = entry.pgh_context.metadata if entry.pgh_context else {}
            found.append(
                Switch(
                    pk=entry.pk,
                    at=entry.pgh_created_at,
                    who=str(said.get("actor", "slipway")),
                    door=str(said.get("door", "system")),
                    suspended=was,
                    because=str(said.get("because", "")),
                )
            )
    return found[::-1]
