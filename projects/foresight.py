"""What an action over many projects would do to one of them, before anything happens."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from projects import actions
from projects.end_dates import why_not_resumed
from projects.errors import ProjectError
from projects.installation import Installation
from projects.models import BulkAction, BulkRun, Door, Project
from projects.presentation import plan_counts, plan_lines
from provisioning.errors import Reason
from provisioning.kind import kinds
from provisioning.models import Resource

if TYPE_CHECKING:
    from projects.permissions import Person


@dataclass(frozen=True)
class Foreseen:
    """What would happen, or why it would be left out, in one sentence. `changes`: the lines of its plan."""

    possible: bool
    sentence: str
    changes: Sequence[str] = field(default=())


def foresee(run: BulkRun, project: Project, *, by: "Person", installation: Installation) -> Foreseen:
    """What the run would do to this project; its resources and skipped Kinds were read with it."""
    action = BulkAction(run.action)
    removing = project.deletion_requested_at is not None
    if removing and action not in (BulkAction.LOOK, BulkAction.RETRY):
        return Foreseen(False, "It is being removed, and that goes on by itself.")
    if action == BulkAction.PLAN:
        return _plan(run, project, by=by, installation=installation)
    if action == BulkAction.SUSPEND:
        if project.ended:
            return Foreseen(True, "It has ended. Suspended too, it isn't resumed by a later last day any more.")
        if project.suspended:
            return Foreseen(False, "It is suspended already.")
        return Foreseen(True, "Nobody looks at it and nothing is repaired until it is resumed.")
    if action == BulkAction.RESUME:
        if not project.suspended:
            return Foreseen(False, "It is not suspended.")
        if why := why_not_resumed(project):
            return Foreseen(False, why)
        return Foreseen(True, "It is looked at; what moved meanwhile is put right.")
    if project.suspended and not removing:
        return Foreseen(False, "It is suspended, so nobody looks at it. Resume it first.")
    if action == BulkAction.LOOK:
        wrong = [row for row in project.resources.all() if row.synced_reason != Reason.AVAILABLE]
        return Foreseen(True, f"All is looked at. {len(wrong)} of its resources are not as they should be.")
    return _one_kind(action, project, kind=run.kind)


def _one_kind(action: BulkAction, project: Project, *, kind: str) -> Foreseen:
    title = kinds()[kind].title
    skipped = any(row.kind == kind for row in project.skipped_kinds.all())
    if action == BulkAction.UNSKIP:
        if not skipped:
            return Foreseen(False, f"{title} is not skipped.")
        return Foreseen(True, f"{title} is looked at again; what moved meanwhile is put right.")
    if skipped:
        again = " Look at it again first." if action == BulkAction.RETRY else ""
        return Foreseen(False, f"{title} is skipped already.{again}")
    row = next((one for one in project.resources.all() if one.kind == kind), None)
    if action == BulkAction.SKIP:
        return Foreseen(True, f"{title} is left alone until somebody ends that. {_state(row)}")
    return Foreseen(True, f"{title} is tried again at once. {_state(row)}")


def _state(row: Resource | None) -> str:
    if row is None:
        return "It was not looked at yet."
    if row.synced_reason == Reason.AVAILABLE:
        return "It is as it should be."
    return f"Now: {row.synced_reason}. {row.synced_message}".strip()


def _plan(run: BulkRun, project: Project, *, by: "Person", installation: Installation) -> Foreseen:
    before = str(project.spec.get("plan", ""))
    if before == run.plan:
        return Foreseen(False, f"It has plan {run.plan} already.")
    try:
        asked = actions.change(
            project,
            {**project.spec, "plan": run.plan},
            by=by,
            door=Door(run.door),
            installation=installation,
            dry_run=True,
        )
    except ProjectError as error:
        return Foreseen(False, error.message)
    verdict = asked.preview.verdict
    if verdict is not None and verdict.decision == "refuse":
        return Foreseen(False, f"Rule {verdict.rule}: {verdict.because}")
    lines = plan_lines(asked.preview)
    changes = [f"{line.action} {line.title}: {'; '.join(line.details) or line.text}" for line in lines]
    waits = (
        f" A person decides, rule {verdict.rule}: {verdict.because}" if verdict and verdict.decision == "ask" else ""
    )
    return Foreseen(True, f"Plan {before} to {run.plan}: {plan_counts(lines)}.{waits}", changes)
