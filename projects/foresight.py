"""What an action over many projects would do to one of them, before anything happens."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from projects import actions
from projects.end_dates import why_not_resumed
from projects.errors import ProjectError
from projects.installation import Installation
from projects.models import BulkAction, BulkRun, Door, Project, ProjectRequest
from projects.phrases import meant
from projects.presentation import PlanLine, plan_counts, plan_lines
from provisioning.errors import Reason
from provisioning.kind import kinds
from provisioning.models import Resource
from provisioning.phrases import Phrase, joined, numbered, phrase, word

if TYPE_CHECKING:
    from projects.permissions import Person


@dataclass(frozen=True)
class Foreseen:
    """What would happen, or why it would be left out, in one sentence. `changes`: the lines of its plan.

    Both are phrases, as far as they are ours: they are kept, and read in any language.
    """

    possible: bool
    sentence: str
    changes: Sequence[Phrase] = field(default=())


def foresee(run: BulkRun, project: Project, *, by: "Person", installation: Installation) -> Foreseen:
    """What the run would do to this project; its resources and skipped Kinds were read with it."""
    action = BulkAction(run.action)
    removing = project.deletion_requested_at is not None
    if removing and action not in (BulkAction.LOOK, BulkAction.RETRY):
        return Foreseen(False, phrase("It is being removed, and that goes on by itself."))
    if action == BulkAction.PLAN:
        return _plan(run, project, by=by, installation=installation)
    if action == BulkAction.SUSPEND:
        if project.ended:
            return Foreseen(
                True, phrase("It has ended. Once it is suspended too, a later last day no longer resumes it.")
            )
        if project.suspended:
            return Foreseen(False, phrase("It is suspended already."))
        return Foreseen(True, phrase("Nobody looks at it and nothing is repaired until it is resumed."))
    if action == BulkAction.RESUME:
        if not project.suspended:
            return Foreseen(False, phrase("It is not suspended."))
        if why := why_not_resumed(project):
            return Foreseen(False, meant(why))
        return Foreseen(True, phrase("It is looked at; what moved meanwhile is put right."))
    if project.suspended and not removing:
        return Foreseen(False, phrase("It is suspended, so nobody looks at it. Resume it first."))
    if action == BulkAction.LOOK:
        wrong = [row for row in project.resources.all() if row.synced_reason != Reason.AVAILABLE]
        said = numbered(
            "Everything was looked at. %(number)s of its resources is not as it should be.",
            "Everything was looked at. %(number)s of its resources are not as they should be.",
            len(wrong),
        )
        return Foreseen(True, said)
    return _one_kind(action, project, kind=run.kind)


def _one_kind(action: BulkAction, project: Project, *, kind: str) -> Foreseen:
    title = word(kinds()[kind].title)
    skipped = any(row.kind == kind for row in project.skipped_kinds.all())
    if action == BulkAction.UNSKIP:
        if not skipped:
            return Foreseen(False, phrase("%(kind)s is not skipped.", kind=title))
        return Foreseen(True, phrase("%(kind)s is looked at again; what moved meanwhile is put right.", kind=title))
    if skipped:
        said = phrase("%(kind)s is skipped already.", kind=title)
        again = phrase("Look at it again first.")
        return Foreseen(False, joined(" ", [said, again]) if action == BulkAction.RETRY else said)
    row = next((one for one in project.resources.all() if one.kind == kind), None)
    does = (
        phrase("%(kind)s is left alone until somebody ends that.", kind=title)
        if action == BulkAction.SKIP
        else phrase("%(kind)s is tried again at once.", kind=title)
    )
    return Foreseen(True, joined(" ", [does, _state(row)]))


def _state(row: Resource | None) -> Phrase:
    if row is None:
        return phrase("It was not looked at yet.")
    if row.synced_reason == Reason.AVAILABLE:
        return phrase("It is as it should be.")
    now = phrase("Now: %(reason)s.", reason=row.synced_reason)
    return joined(" ", [now, row.synced.message]) if row.synced_message else now


def _plan(run: BulkRun, project: Project, *, by: "Person", installation: Installation) -> Foreseen:
    before = str(project.spec.get("plan", ""))
    if before == run.plan:
        return Foreseen(False, phrase("It has plan %(plan)s already.", plan=run.plan))
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
        return Foreseen(False, meant(error.message))
    verdict = asked.preview.verdict
    if verdict is not None and verdict.decision == "refuse":
        return Foreseen(False, phrase("Rule %(rule)s: %(because)s", rule=verdict.rule, because=verdict.because))
    if asked.joins is not None:
        return Foreseen(False, asked_already(asked.joins))
    lines = plan_lines(asked.preview)
    counted = meant(plan_counts(lines))
    said = phrase("Plan %(before)s to %(plan)s: %(counts)s.", before=before, plan=run.plan, counts=counted)
    if verdict is not None and verdict.decision == "ask":
        values = {"rule": verdict.rule, "because": verdict.because}
        said = joined(" ", [said, phrase("A person decides, rule %(rule)s: %(because)s", **values)])
    return Foreseen(True, said, [_line(one) for one in lines])


def asked_already(request: ProjectRequest) -> Phrase:
    """Why a run asks for nothing where somebody has: it joins no request, so that its author may decide about it."""
    values = {"who": request.requested_by_name, "number": request.pk}
    return phrase("%(who)s has asked for this already, and it waits as request %(number)s.", **values)


def _line(line: PlanLine) -> Phrase:
    what = joined("; ", [meant(one) for one in line.details]) if line.details else meant(line.text)
    return phrase("%(does)s %(title)s: %(what)s", does=word(line.action), title=meant(line.title), what=what)
