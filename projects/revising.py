"""What would become of a request that waits if it were put in other words; nothing is written."""

from typing import TYPE_CHECKING, Any

from projects import actions, decisions
from projects.installation import Installation
from projects.models import Door, ProjectRequest
from projects.preview import Preview

if TYPE_CHECKING:
    from projects.permissions import Person


def preview(
    request: ProjectRequest,
    data: Any,
    *,
    by: "Person",
    door: Door,
    installation: Installation,
    revision: int | None = None,
) -> Preview:
    """As asking for the same wish previews it. Raises as `decisions.revise` does; whether the person sees the request
    is the caller's to know.
    """
    decisions.check_revisable(request, by=by, revision=revision)
    shared: dict[str, Any] = {"by": by, "door": door, "installation": installation, "dry_run": True}
    if request.project is None:
        return actions.create(data, **shared, revising=request).preview
    return actions.change(request.project, data, **shared).preview
