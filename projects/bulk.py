"""Acting on many projects: preview first, then one after the other, each as if somebody had done it by hand.

A run and its items are rows. One item is one transaction: the action, its result and the run's progress are written
together or not at all, so a worker may die at any moment and the next one goes on with the item that was not written.
Nothing outside is asked here; actions only change what is wanted, and the engine makes it so.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Count
from django.utils import timezone, translation
from django.utils.translation import gettext

from projects import actions, permissions, skipping
from projects.audit import audited
from projects.doorbell import ring
from projects.errors import Conflict, Fault, InvalidSpec, NotAllowed, NotFound, ProjectError
from projects.foresight import asked_already, foresee
from projects.installation import Installation
from projects.models import BulkAction, BulkItem, BulkRun, Decision, Door, ItemState, Project, RunState
from projects.notices import announce
from projects.phrases import as_kept, kept, kept_too, meant
from provisioning.kind import kinds
from provisioning.phrases import Phrase, joined, phrase, word

if TYPE_CHECKING:
    from projects.permissions import Person

log = structlog.get_logger(__name__)

MOST = 2000
MOST_PLANS = 200
"""A preview of changed plans compares every object of every project: so many take about two seconds."""
OF_ONE_KIND = (BulkAction.RETRY, BulkAction.SKIP, BulkAction.UNSKIP)


@dataclass(frozen=True)
class Wanted:
    """What somebody wants to do with some projects, as it was filled in."""

    action: str
    because: str
    kind: str = ""
    plan: str = ""


def visible_run(by: "Person", number: int) -> BulkRun:
    """The run, for the platform team. Raises NotFound."""
    if not permissions.is_platform_admin(by):
        raise NotFound
    found = BulkRun.objects.filter(pk=number).first() if number < 2**63 else None
    if found is None:
        raise NotFound
    return found


def draft(
    wanted: Wanted, projects: Sequence[Project], *, by: "Person", door: Door, installation: Installation
) -> BulkRun:
    """Preview: a run with an item for each project that says what would happen. Nothing happens yet.

    projects: with team, resources and skipped Kinds read. Raises NotFound for others than the platform team,
    InvalidSpec with every fault.
    """
    if not permissions.is_platform_admin(by):
        raise NotFound
    faults = _faults(wanted, count=len(projects), installation=installation)
    if faults:
        raise InvalidSpec(faults)
    action = BulkAction(wanted.action)
    with audited(actor=by.username, door=door, because=wanted.because), transaction.atomic():
        run = BulkRun.objects.create(
            action=action,
            kind=wanted.kind if action in OF_ONE_KIND else "",
            plan=wanted.plan if action == BulkAction.PLAN else "",
            because=wanted.because.strip(),
            by_id=by.pk,
            by_name=by.username,
            door=door,
        )
        items = []
        for position, project in enumerate(projects, start=1):
            # It is stored, and others read it.
            with translation.override(settings.LANGUAGE_CODE):
                seen = foresee(run, project, by=by, installation=installation)
            items.append(
                BulkItem(
                    run=run,
                    project=project,
                    position=position,
                    generation=project.generation,
                    state=ItemState.WAITING if seen.possible else ItemState.LEFT_OUT,
                    foreseen=seen.sentence,
                    changes=list(seen.changes),
                    phrases={
                        **as_kept(foreseen=seen.sentence),
                        "changes": [one.as_json() for one in seen.changes],
                    },
                )
            )
        BulkItem.objects.bulk_create(items, batch_size=500)
    log.info("bulk_drafted", run=run.pk, action=run.action, projects=len(items))
    return run


def _faults(wanted: Wanted, *, count: int, installation: Installation) -> list[Fault]:
    faults = []
    if wanted.action not in BulkAction.values:
        known = ", ".join(BulkAction.values)
        faults.append(
            Fault(
                path=("action",),
                code="unknown_action",
                message=gettext("Choose what to do: one of %(known)s.") % {"known": known},
            )
        )
    if wanted.action in OF_ONE_KIND and wanted.kind not in kinds():
        known = ", ".join(kinds())
        faults.append(
            Fault(
                path=("kind",),
                code="unknown_kind",
                message=gettext("Choose the resource: one of %(known)s.") % {"known": known},
            )
        )
    if wanted.action == BulkAction.PLAN and wanted.plan not in installation.catalogue.plans:
        plans = ", ".join(installation.catalogue.plans)
        faults.append(
            Fault(
                path=("plan",),
                code="unknown_plan",
                message=gettext("Choose the new plan: one of %(plans)s.") % {"plans": plans},
            )
        )
    if not wanted.because.strip():
        message = gettext("Say why. It stands in the history of every project.")
        faults.append(Fault(path=("because",), code="missing", message=message))
    most = MOST_PLANS if wanted.action == BulkAction.PLAN else MOST
    if not count:
        faults.append(Fault(path=("projects",), code="missing", message=gettext("Choose at least one project.")))
    elif count > most:
        message = gettext("These are %(count)s projects, and one run takes at most %(most)s. Narrow the choice.") % {
            "count": count,
            "most": most,
        }
        faults.append(Fault(path=("projects",), code="too_many", message=message))
    return faults


def start(run: BulkRun, *, by: "Person", door: Door, first: int | None = None) -> BulkRun:
    """Begin, or go on after a pause; with `first`, pause again when so many more are through.

    Raises NotFound, NotAllowed for others than who previewed it, Conflict when it runs already or is over.
    """
    with audited(actor=by.username, door=door, because=run.because), transaction.atomic():
        run = _held(run, by=by)
        if run.by_id != by.pk:
            raise NotAllowed(
                gettext("%(by_name)s previewed this and is the one to start it. Preview the same yourself.")
                % {"by_name": run.by_name}
            )
        if run.state not in (RunState.DRAFT, RunState.PAUSED):
            raise Conflict(
                gettext("This run is %(state)s already.") % {"state": gettext(RunState(run.state).label).lower()}
            )
        if first is not None and first < 1:
            raise InvalidSpec(
                [Fault(path=("first",), code="too_small", message=gettext("Start with at least one project."))]
            )
        through = run.items.exclude(state__in=(ItemState.WAITING, ItemState.LEFT_OUT)).count()
        run.state, run.said = RunState.RUNNING, ""
        run.started_at = run.started_at or timezone.now()
        run.pause_after = through + first if first is not None else None
        run.save(update_fields=["state", "said", "started_at", "pause_after"])
        ring("projects.bulk_tasks.go_on", run.pk)
    log.info("bulk_started", run=run.pk, first=first)
    return run


def pause(run: BulkRun, *, by: "Person", door: Door) -> BulkRun:
    """Stand still after the item at hand. Raises NotFound, Conflict when it does not run."""
    return _turned(run, by=by, door=door, before=(RunState.RUNNING,), after=RunState.PAUSED)


def stop(run: BulkRun, *, by: "Person", door: Door) -> BulkRun:
    """End it for good; what is through stays as it is. Raises NotFound, Conflict when it is over."""
    open_states = (RunState.DRAFT, RunState.RUNNING, RunState.PAUSED)
    return _turned(run, by=by, door=door, before=open_states, after=RunState.STOPPED)


def _turned(run: BulkRun, *, by: "Person", door: Door, before: Sequence[RunState], after: RunState) -> BulkRun:
    with audited(actor=by.username, door=door, because=run.because), transaction.atomic():
        run = _held(run, by=by)
        if run.state not in before:
            raise Conflict(gettext("This run is %(state)s.") % {"state": gettext(RunState(run.state).label).lower()})
        run.state = after
        run.ended_at = timezone.now() if after == RunState.STOPPED else None
        run.save(update_fields=["state", "ended_at"])
    log.info("bulk_turned", run=run.pk, state=after.value)
    return run


def _held(run: BulkRun, *, by: "Person") -> BulkRun:
    if not permissions.is_platform_admin(by):
        raise NotFound
    return BulkRun.objects.select_for_update().get(pk=run.pk)


def step(number: int, *, installation: Installation) -> bool:
    """Do the next item of a run. False when there is nothing to do now: it stands still, or another worker does it."""
    with transaction.atomic():
        run = BulkRun.objects.select_for_update(skip_locked=True).filter(pk=number, state=RunState.RUNNING).first()
        if run is None:
            return False
        by = cast("Person", run.by)
        if not permissions.is_platform_admin(by):
            return _stand_still(run, left_the_team(run))
        item = run.items.select_related("project").filter(state=ItemState.WAITING).first()
        if item is None:
            run.state, run.ended_at = RunState.DONE, timezone.now()
            run.save(update_fields=["state", "ended_at"])
            announce("run-finished", to=[by], text=_told(run), run=run)
            log.info("bulk_done", run=run.pk)
            return False
        through = run.items.exclude(state__in=(ItemState.WAITING, ItemState.LEFT_OUT)).count()
        if run.pause_after is not None and through >= run.pause_after:
            return _stand_still(run, "")
        with audited(actor=run.by_name, door=Door(run.door), because=run.because, bulk_run=run.pk):
            _perform(item, run, by=by, installation=installation)
        item.at = timezone.now()
        item.save(update_fields=["state", "message", "phrases", "request", "at"])
    return True


def _told(run: BulkRun) -> Phrase:
    counts = progress(run)
    said = [
        phrase("%(state)s: %(number)s", state=word(str(state.label)), number=counts[state.value])
        for state in ItemState
        if counts[state.value]
    ]
    return phrase(
        "Your action “%(action)s” on many projects has finished. %(states)s.",
        action=word(str(BulkAction(run.action).label)),
        states=joined(", ", said),
    )


def left_the_team(run: BulkRun) -> Phrase:
    """Why a run stands still whose author may not act any more."""
    return phrase("%(who)s is no longer of the platform team, so nothing more is done.", who=run.by_name)


def _stand_still(run: BulkRun, sentence: str) -> bool:
    run.state, run.said = RunState.PAUSED, sentence
    run.save(update_fields=["state", "said"])
    return False


def _perform(item: BulkItem, run: BulkRun, *, by: "Person", installation: Installation) -> None:
    """The action itself. What the domain refuses is a result like any other."""
    item.state = ItemState.DONE
    try:
        with transaction.atomic():
            said: str = _act(item, run, by=by, installation=installation)
    except ProjectError as error:
        item.state, said = ItemState.REFUSED, meant(error.message)
    item.message = said
    item.phrases = kept_too(item, message=said)


def _act(item: BulkItem, run: BulkRun, *, by: "Person", installation: Installation) -> Phrase:
    project, door = item.project, Door(run.door)
    match BulkAction(run.action):
        case BulkAction.LOOK:
            actions.look_again(project, by=by, door=door, because=run.because)
            return phrase("Due now.")
        case BulkAction.RETRY:
            actions.look_again(project, by=by, door=door, kind=run.kind, because=run.because)
            return phrase("Due now.")
        case BulkAction.SUSPEND:
            actions.suspend(project, by=by, door=door, suspended=True, because=run.because)
            return phrase("Suspended.")
        case BulkAction.RESUME:
            actions.suspend(project, by=by, door=door, suspended=False, because=run.because)
            return phrase("Resumed, due now.")
        case BulkAction.SKIP:
            skipping.skip(project, run.kind, by=by, door=door, because=run.because)
            return phrase("Skipped.")
        case BulkAction.UNSKIP:
            ended = skipping.look_at_again(project, run.kind, by=by, door=door, because=run.because)
            return phrase("Looked at again.") if ended else phrase("It was not skipped any more.")
        case BulkAction.PLAN:
            return _change_plan(item, run, by=by, installation=installation)


def _change_plan(item: BulkItem, run: BulkRun, *, by: "Person", installation: Installation) -> Phrase:
    asked = actions.change(
        item.project,
        {**item.project.spec, "plan": run.plan},
        by=by,
        door=Door(run.door),
        installation=installation,
        expected=item.generation,
        note=run.because,
        joining=False,
    )
    if asked.joins is not None:
        item.state, item.request = ItemState.ASKED, asked.joins
        return asked_already(asked.joins)
    if asked.request is None:
        return phrase("It has plan %(plan)s already.", plan=run.plan)
    item.request = asked.request
    if asked.request.decision == Decision.PENDING:
        item.state = ItemState.ASKED
        return phrase("Rule %(rule)s: %(because)s", rule=asked.request.rule, because=kept(asked.request, "because"))
    return phrase(
        "Plan %(plan)s, change %(number)s, rule %(rule)s.",
        plan=run.plan,
        number=asked.request.generation,
        rule=asked.request.rule,
    )


def progress(run: BulkRun) -> dict[str, int]:
    """How many items are in each state, zeros included."""
    found = dict(run.items.order_by().values_list("state").annotate(count=Count("pk")))
    return {state.value: found.get(state.value, 0) for state in ItemState}
